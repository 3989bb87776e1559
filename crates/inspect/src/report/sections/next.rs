//! What could go wrong with a model in use, and what to do next.

use modelwright_core::record::{
    LeakAction, LeakFinding, LeakKind, MoreRows, RunRecord, TrialRecord, TrialStatus,
};
use modelwright_core::task::Task;

use super::headline::{Headline, Verdict};
use super::{importance, kept, unequal, unfound, weak};
use crate::report::{has_target, number, words};

/// The most entries of a list on the first page.
const ENTRIES_MAX: usize = 5;

/// What could go wrong, most specific first.
pub(super) fn risks(record: &RunRecord, headline: &Headline<'_>) -> Vec<String> {
    let mut risks: Vec<String> = record.warnings.iter().map(|w| words::remark(w)).collect();
    risks.extend(few_rows(record));
    risks.extend(unequal::risk(record));
    risks.extend(weak::risks(record, headline));
    let is_held_out = record.evaluation.as_ref().is_some_and(|e| e.on == "holdout");
    if is_held_out && ["random", "stratified"].contains(&record.split.kind.as_str()) {
        risks.push(
            "The test rows were drawn from the same table at random: if the world changes, so \
             does the result. Rows that are newer than the training rows are the better test."
                .to_owned(),
        );
    }
    if is_held_out && record.split.kind == "time" {
        risks.push(
            "The test rows are the newest ones; what changes after them is not covered.".to_owned(),
        );
    }
    if let Some(share) = share_of_first(record) {
        let column = words::quoted(&record.importances[0].column);
        risks.push(format!(
            "{} of what the model relies on is {column}: where that column is late, missing or \
             measured in another way, predictions are worth less.",
            number::share(share)
        ));
    }
    if headline.holdout.is_some() {
        risks.push(
            "A column that is known only after the event that is predicted makes a model look good \
             and fail in use; no check can find them all."
                .to_owned(),
        );
    }
    risks.truncate(ENTRIES_MAX);
    risks
}

/// That few rows carry the error, so that other rows may say something else.
fn few_rows(record: &RunRecord) -> Option<String> {
    let metrics = &record.evaluation.as_ref()?.metrics;
    let mut asked = metrics.iter().filter(|m| m.name == record.task.metric);
    let noted = asked.find(|m| m.ci95.is_some() && m.note.is_some())?;
    noted.note.as_deref().map(|note| format!("Of the tested rows, {}", words::sentence(note)))
}

/// The first column's share of the importances, when it has more than half of them, and all columns
/// were looked at.
pub(super) fn share_of_first(record: &RunRecord) -> Option<f64> {
    if importance::n_not_measured(record) > 0 {
        return None;
    }
    let sum: f64 = record.importances.iter().map(|i| i.mean.max(0.0)).sum();
    let share = record.importances.first()?.mean / sum;
    (record.importances.len() > 1 && share > 0.5 && share <= 1.0).then_some(share)
}

/// What to do about suspected leaks: of columns, of rows that repeat, of groups, of time.
fn against_leaks(open: &[&LeakFinding]) -> Vec<String> {
    let columns = |is_of: &dyn Fn(LeakKind) -> bool| {
        let found = open.iter().filter(|l| is_of(l.kind));
        let columns: Vec<String> = found.flat_map(|l| l.columns.clone()).collect();
        (!columns.is_empty()).then(|| words::quoted_list(&columns))
    };
    let is_of_rows = |kind| {
        matches!(
            kind,
            LeakKind::DuplicateAcrossSplit
                | LeakKind::GroupAcrossSplit
                | LeakKind::TimeOrderIgnored
        )
    };
    let mut steps = Vec::new();
    if let Some(columns) = columns(&|kind| !is_of_rows(kind)) {
        steps.push(format!(
            "Find out whether {columns} can be known when a prediction is needed; if not, leave it \
             out with “--exclude” and fit again."
        ));
    }
    if open.iter().any(|l| l.kind == LeakKind::DuplicateAcrossSplit) {
        steps.push(
            "Find out why rows repeat: drop the copies, or keep rows that belong together on one \
             side of the test with “--group”, and fit again."
                .to_owned(),
        );
    }
    if let Some(columns) = columns(&|kind| kind == LeakKind::GroupAcrossSplit) {
        steps.push(format!(
            "If rows of one {columns} belong together, keep them on one side of the test with \
             “--group” and fit again."
        ));
    }
    if let Some(columns) = columns(&|kind| kind == LeakKind::TimeOrderIgnored) {
        steps.push(format!(
            "If predictions are for later times, test on the newest rows: “--split time \
             --time-column” with {columns}."
        ));
    }
    steps
}

/// What stands in the note of a trial that memory kept from running.
const BY_MEMORY: &str = "memory limit";

/// What would let models be tried that were not: time, or memory.
fn unreached(record: &RunRecord) -> Vec<String> {
    if record.options.single.is_some() {
        return Vec::new();
    }
    let is_unreached = |t: &&TrialRecord| {
        t.score.is_none() && matches!(t.status, TrialStatus::Skipped | TrialStatus::Stopped)
    };
    let is_of_memory = |t: &&TrialRecord| t.note.as_ref().is_some_and(|n| n.contains(BY_MEMORY));
    let unreached = record.trials.iter().filter(is_unreached);
    let (of_memory, of_time): (Vec<&TrialRecord>, Vec<_>) = unreached.partition(is_of_memory);
    let n_all = number::counted(record.trials.len(), "model", "models");
    let were = |n| if n == 1 { "was" } else { "were" };
    let mut steps = Vec::new();
    match of_time.len() {
        0 => {}
        n => steps.push(format!(
            "Give the search more time: {} of {n_all} {} not reached, or stopped before having a \
             score.",
            number::count(n),
            were(n)
        )),
    }
    match of_memory.len() {
        0 => {}
        n => steps.push(format!(
            "Give it more memory (“--memory”): {} of {n_all} {} not tried, because the memory \
             limit did not allow it.",
            number::count(n),
            were(n)
        )),
    }
    steps
}

/// What to do next, most useful first.
pub(super) fn steps(record: &RunRecord, verdict: Verdict) -> Vec<String> {
    let mut steps = Vec::new();
    let is_open = |action| matches!(action, LeakAction::Reported | LeakAction::KeptOnRequest);
    // With both asked for, groups on both sides of a split by time are what it is about.
    let is_asked = |l: &&LeakFinding| {
        let options = &record.options;
        let is_of_both = options.group.is_some() && record.split.kind == "time";
        is_of_both && l.kind == LeakKind::GroupAcrossSplit
    };
    let open = record.leakage.iter().filter(|l| is_open(l.action) && !is_asked(l));
    let open: Vec<&LeakFinding> = open.collect();
    steps.extend(against_leaks(&open));
    steps.extend(unequal::step(record));
    steps.extend(kept::step(record));
    steps.extend(unfound::step(record));
    // What is no better than a constant needs other data first.
    if verdict != Verdict::NotShown {
        steps.extend(unreached(record));
    }
    match verdict {
        Verdict::NotShown => {
            let finding = record.more_rows.as_ref().map(|m| m.finding);
            let what = match finding {
                Some(MoreRows::WouldNotHelp) => "columns",
                _ => "more rows, or columns",
            };
            steps.push(format!("Collect {what} that know more about the target, before using it."));
            steps.extend(unreached(record));
        }
        Verdict::Untested if !has_target(record) => steps.push(
            "Look at the rows that it calls unusual (“modelwright predict”): are they those that \
             you look for?"
                .to_owned(),
        ),
        Verdict::Untested => steps
            .push("Measure it on new rows with known answers: “modelwright evaluate”.".to_owned()),
        Verdict::Helps | Verdict::HelpsWithCare => steps.push(
            "Measure it once more on the newest rows with known answers (“modelwright evaluate”), \
             then predict with it (“modelwright predict”)."
                .to_owned(),
        ),
    }
    match record.more_rows.as_ref().map(|m| m.finding) {
        Some(MoreRows::WouldHelp) if verdict != Verdict::NotShown => {
            steps.push("Collect more rows: the model still gets better with them.".to_owned());
        }
        Some(MoreRows::WouldNotHelp) => steps.push(
            "Do not collect more rows of the same kind: twice as many would make no difference \
             that matters; other columns might."
                .to_owned(),
        ),
        _ => {}
    }
    if record.task.task == Task::Binary && record.costs.is_none() {
        steps.push(
            "Say what a false alarm and a miss cost (“--cost fp=1,fn=5”): decisions then follow \
             from the costs instead of a threshold of one half."
                .to_owned(),
        );
    }
    steps.truncate(ENTRIES_MAX);
    steps
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::canonical;

    #[test]
    fn what_memory_kept_from_running_is_not_said_to_need_time() {
        let mut record = canonical::binary();
        let is_of = |t: &TrialRecord| t.score.is_some() && t.status == TrialStatus::Done;
        let place = record.trials.iter().position(is_of).expect("a trial is done");
        let trial = &mut record.trials[place];
        (trial.score, trial.status) = (None, TrialStatus::Skipped);
        trial.note = Some("the memory limit did not allow it".to_owned());
        let said = unreached(&record).join(" ");
        assert!(said.contains("Give it more memory (“--memory”): 1 of"), "{said}");
        record.trials[place].note = Some("the budget did not allow it".to_owned());
        let said = unreached(&record).join(" ");
        assert!(said.contains("more time") && !said.contains("memory"), "{said}");
    }

    #[test]
    fn without_untouched_rows_nothing_is_said_of_them() {
        let mut record = canonical::binary();
        let headline = Headline::of(&record);
        assert!(risks(&record, &headline).iter().any(|r| r.starts_with("The test rows")));
        record.evaluation = None;
        let headline = Headline::of(&record);
        assert!(!risks(&record, &headline).iter().any(|r| r.starts_with("The test rows")));
    }
}
