//! Every trial with its validation score and interval, and which cannot be told from the best.

use modelwright_core::record::{Interval, RunRecord, TrialRecord, TrialStatus};

use super::headline;
use crate::report::section::{Cell, Graphic, Part, Section, Spec, Table, TableColumn, Tone};
use crate::report::{number, words};

pub(crate) const SPEC: Spec = Spec { id: "leaderboard", part: Part::Search, title: "Leaderboard" };

/// Under which the clock was asked.
const SCOPE: &str = "leaderboard";

/// How many trials stay unfolded.
const OPEN_ROWS: usize = 15;

/// Trials further from the best than this many widths of its interval are off the drawn scale.
const NEAR: f64 = 6.0;

/// Applies when anything was tried.
pub(crate) fn build(record: &RunRecord) -> Option<Section> {
    if record.trials.is_empty() {
        return None;
    }
    let metric = words::metric_label(&record.task.metric);
    let mut trials: Vec<&TrialRecord> = record.trials.iter().collect();
    trials.sort_by(|a, b| better_first(a, b, record.task.larger_is_better));
    let n_scored = trials.iter().filter(|t| t.score.is_some()).count();
    let direction = if record.task.larger_is_better { "larger" } else { "smaller" };
    let is_single = record.options.single.is_some();
    let caption = format!(
        "{metric} on {} ({direction} is better), 95 % intervals on one scale",
        headline::validated_on(record)
    );
    let mut table = Table::new(
        if is_single && n_scored == 0 { String::new() } else { caption },
        vec![
            TableColumn::words("Trial"),
            TableColumn::intervals(format!("Validation {metric}"), scale(&trials)),
            TableColumn::words(if is_single { "How it ended" } else { "Against the best" }),
            TableColumn::words("Learner"),
            TableColumn::numbers("Rounds"),
            TableColumn::numbers("Time"),
        ],
    );
    table.rows.extend(trials.iter().map(|t| row(record, t, trials[0])));
    let finding =
        if is_single { of_one(trials[0], &metric) } else { finding(record, &trials, n_scored) };
    let finding = if record.is_exhausted {
        format!("{finding} The search came to its own end: more time would not help.")
    } else {
        finding
    };
    let mut section = Section::new(&SPEC, finding);
    section.blocks = table.folded_after(OPEN_ROWS, "trials");
    let caveat = if !is_single {
        "The best of many trials looks better than it is, because it was selected; the summary \
         shows the score corrected for that."
    } else if n_scored > 0 && !trials[0].trial.fixed_rounds {
        "Where early stopping chose the rounds, it did so by the same validation rows, which makes \
         this score slightly too good; the untouched rows took no part in it."
    } else {
        return Some(section);
    };
    Some(section.caveat(caveat))
}

/// The finding when one learner was asked for.
fn of_one(trial: &TrialRecord, metric: &str) -> String {
    let learner = words::quoted(&trial.trial.learner);
    match trial.score {
        Some(score) => format!(
            "{learner} was asked for, and scored {metric} {} on validation rows.",
            number::estimate(score, trial.ci95)
        ),
        None => format!(
            "{learner} was asked for, without validation rows: only the untouched rows judge it."
        ),
    }
}

fn finding(record: &RunRecord, trials: &[&TrialRecord], n_scored: usize) -> String {
    let Some(best) = trials.first().filter(|t| is_ranked(t)) else {
        return format!(
            "None of {} gave a score.",
            number::counted(trials.len(), "trial", "trials")
        );
    };
    let ties = trials[1..].iter().filter(|t| t.indistinguishable_from_best).count();
    let n_untested = trials[1..].iter().filter(|t| is_ranked(t) && !is_tested(record, t)).count();
    let n_ranked = trials.iter().filter(|t| is_ranked(t)).count();
    let tail = match (n_ranked, ties) {
        (1, _) if n_scored > 1 => "the others that were scored are left out".to_owned(),
        (1, _) => "it is the only trial that was scored".to_owned(),
        (_, 0) if n_untested > 0 => {
            let others = number::counted(n_untested, "other was", "others were");
            format!("{others} not compared with it")
        }
        (2, 0) => "a paired test tells it from the other".to_owned(),
        (_, 0) => format!("a paired test tells it from all {} others", number::count(n_ranked - 1)),
        (_, 1) => "1 other cannot be told from it by a paired test".to_owned(),
        (_, n) => format!("{} others cannot be told from it by a paired test", number::count(n)),
    };
    format!(
        "{} of {} gave a score; {} is the best single trial, and {tail}.",
        number::count(n_scored),
        number::counted(trials.len(), "planned trial", "planned trials"),
        words::quoted(&best.trial.name)
    )
}

/// Whether a trial has a score, and is used.
fn is_ranked(trial: &TrialRecord) -> bool {
    trial.score.is_some() && !trial.is_left_out
}

/// The better ones first; behind them what is left out, and what has no score.
fn better_first(a: &TrialRecord, b: &TrialRecord, larger: bool) -> std::cmp::Ordering {
    let key = |t: &TrialRecord| {
        let score = t.score.map_or(f64::INFINITY, |s| if larger { -s } else { s });
        (t.is_left_out, score)
    };
    let ((a_out, a), (b_out, b)) = (key(a), key(b));
    let unscored = a.is_infinite().cmp(&b.is_infinite());
    unscored.then(a_out.cmp(&b_out)).then(a.total_cmp(&b))
}

/// The scale of the drawn intervals: those within [`NEAR`] interval widths of the best score, so
/// that a far-off baseline does not squeeze the rest to a point; what is off it is drawn as such.
fn scale(trials: &[&TrialRecord]) -> Option<Interval> {
    let best = trials.first()?;
    let score = best.score?;
    let width = best.ci95.map_or(f64::INFINITY, |c| c.high - c.low);
    let near = trials.iter().filter_map(|t| {
        let s = t.score.filter(|s| (s - score).abs() <= NEAR * width)?;
        Some(t.ci95.map_or((s, s), |c| (c.low, c.high)))
    });
    near.filter(|e| e.0.is_finite() && e.1.is_finite()).fold(None, |range, (low, high)| {
        Some(range.map_or(Interval { low, high }, |r: Interval| Interval {
            low: r.low.min(low),
            high: r.high.max(high),
        }))
    })
}

fn row(record: &RunRecord, trial: &TrialRecord, best: &TrialRecord) -> Vec<Cell> {
    let seconds = record.clock.trials.iter().find(|p| p.name == trial.trial.name);
    let name = Cell::new(words::clean(&trial.trial.name));
    let reason = words::sentence(&trial.trial.reason);
    let score = match trial.score {
        Some(value) => Cell::new(number::estimate(value, trial.ci95))
            .detail(trial.ci95.map_or("no interval".to_owned(), number::interval))
            .graphic(Graphic::Interval { value, ci95: trial.ci95 }),
        None => Cell::new("–"),
    };
    let (smallest, largest) = (trial.rounds.iter().min(), trial.rounds.iter().max());
    vec![
        if reason.is_empty() { name } else { name.detail(reason) },
        score,
        standing(record, trial, best),
        Cell::new(words::clean(&trial.trial.learner)).detail(words::clean(&trial.trial.encoding)),
        Cell::new(match (smallest, largest) {
            (Some(a), Some(b)) if a == b => number::count(*a),
            (Some(a), Some(b)) => format!("{} to {}", number::count(*a), number::count(*b)),
            _ => "–".to_owned(),
        }),
        Cell::new(seconds.map_or("–".to_owned(), |p| number::seconds(p.seconds))),
    ]
}

fn standing(record: &RunRecord, trial: &TrialRecord, best: &TrialRecord) -> Cell {
    let first = std::ptr::eq(trial, best);
    let is_single = record.options.single.is_some();
    let cell = match trial.status {
        TrialStatus::Failed => Cell::mark(Tone::Severe, "failed"),
        TrialStatus::Skipped => Cell::mark(Tone::Neutral, "skipped"),
        TrialStatus::Stopped if is_single => Cell::mark(Tone::Warning, "stopped"),
        _ if is_single => Cell::mark(Tone::Good, "done"),
        _ if trial.score.is_none() => Cell::mark(Tone::Warning, "no score"),
        _ if trial.is_left_out => Cell::mark(Tone::Neutral, "left out"),
        _ if first => Cell::mark(Tone::Good, "best"),
        _ if trial.indistinguishable_from_best => Cell::mark(Tone::Good, "not distinguishable"),
        _ => Cell::new(against_best(record, trial, best)),
    };
    let stopped = trial.status == TrialStatus::Stopped;
    match &trial.note {
        Some(note) => cell.detail(words::sentence(note)),
        None if stopped => cell.detail("stopped by the budget"),
        None => cell,
    }
}

/// What a trial is worth that the test tells from the best, or that was not compared with it.
fn against_best(record: &RunRecord, trial: &TrialRecord, best: &TrialRecord) -> &'static str {
    let shown = |score: Option<f64>| score.map(|s| number::estimate(s, trial.ci95));
    if shown(trial.score) == shown(best.score) {
        "hardly different"
    } else if !is_tested(record, trial) {
        "not compared"
    } else {
        "worse"
    }
}

/// Whether a trial was compared with the best: what left no time for its interval left none for the
/// test. One of a constant may have no interval and be tested all the same.
fn is_tested(record: &RunRecord, trial: &TrialRecord) -> bool {
    let was_cut = record.decisions.stopped_after.contains_key(SCOPE);
    !was_cut || trial.ci95.is_some() || trial.indistinguishable_from_best
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::canonical;
    use crate::report::render::markdown;

    #[test]
    fn a_trial_that_is_left_out_is_never_the_best() {
        let mut record = canonical::binary();
        let score = record.trials.iter().filter_map(|t| t.score).fold(0.0, f64::max);
        let out = &mut record.trials[3];
        (out.score, out.ci95, out.is_left_out) = (Some(score + 0.01), None, true);
        let (out, best) = (out.trial.name.clone(), record.trials[0].trial.name.clone());
        let text = markdown::section(&build(&record).expect("there are trials"));
        assert!(text.contains(&format!("“{best}” is the best single trial")), "{text}");
        let row = text.lines().find(|l| l.starts_with(&format!("| {out}"))).unwrap_or(&text);
        assert!(row.contains("left out"), "{row}");
        assert_eq!(text.matches("✓ best |").count(), 1, "{text}");
    }

    #[test]
    fn what_shows_no_difference_or_was_not_compared_is_not_called_worse() {
        let mut record = canonical::binary();
        record.trials[2].score = record.trials[0].score.map(|score| score - 1e-7);
        let text = markdown::section(&build(&record).expect("there are trials"));
        assert!(text.contains("0.9268 (0.9228 to 0.9290) | hardly different |"), "{text}");
        record.decisions.stopped_after.insert(SCOPE.to_owned(), 3);
        (record.trials[1].indistinguishable_from_best, record.trials[3].ci95) = (false, None);
        let text = markdown::section(&build(&record).expect("there are trials"));
        assert!(text.contains("0.9073 (no interval) | not compared |"), "{text}");
        assert!(text.contains("2 others were not compared with it"), "{text}");
    }
}
