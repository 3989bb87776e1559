//! What is printed when work is done: the fit in a few lines, the plan, metrics as JSON.

use std::fmt::Write;

use modelwright::Saved;
use modelwright::automl::FitPlan;
use modelwright::inspect::has_target;
use modelwright::learners::learner;
use modelwright_core::Result;
use modelwright_core::record::{
    LeakAction, LeakFinding, LeakKind, LevelRecord, Member, MetricValue, Options, RunRecord,
    TrialRecord, TrialStatus,
};
use modelwright_core::task::Task;
use modelwright_evaluate::metric::{Needs, metric};
use modelwright_evaluate::resample::unseen_errors;
use serde::ser::{Serialize, Serializer};
use serde_json::{Value, json};

use crate::beside_score::{measured_cost, of_costs, of_outer_folds};
use crate::output::{self, TextTable, count, number, seconds, size, wrap};
use crate::session::Session;

/// Width of the text on a terminal.
const WIDTH: usize = 96;

/// Metrics as `{"<name>": {"value": …, "ci95": [low, high]}, …}`, in their own order.
pub(crate) struct Metrics<'a>(pub(crate) &'a [MetricValue]);

impl Serialize for Metrics<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|m| (&m.name, metric_json(m))))
    }
}

fn metric_json(metric: &MetricValue) -> Value {
    let ci95 = metric.ci95.map(|i| [i.low, i.high]);
    match &metric.note {
        None => json!({ "value": metric.value, "ci95": ci95 }),
        Some(note) => json!({ "value": metric.value, "ci95": ci95, "note": note }),
    }
}

/// A table of metrics for people, with the baseline's values where they are known.
pub(crate) fn metrics_table(metrics: &[MetricValue], baseline: &[MetricValue]) -> String {
    let mut titles = vec!["metric", ">value", "95 % interval"];
    let has_baseline = !baseline.is_empty();
    if has_baseline {
        titles.push(">baseline");
    }
    let mut table = TextTable::new(&titles);
    let mut notes: Vec<&str> = Vec::new();
    for metric in metrics {
        let note = metric.note.as_deref().filter(|_| metric.ci95.is_none());
        if let Some(note) = note.filter(|note| !notes.contains(note)) {
            notes.push(note);
        }
        let shown = |v: f64| next_to_nothing(&metric.name, v).unwrap_or_else(|| number(v));
        let value = metric.value.map_or("undefined".to_owned(), shown);
        let mut cells = vec![metric.name.clone(), value, interval_text(metric, &notes)];
        if has_baseline {
            let same = baseline.iter().find(|b| b.name == metric.name).and_then(|b| b.value);
            cells.push(same.map_or(String::new(), shown));
        }
        table.row(cells);
    }
    let mut text = table.render();
    for (number, note) in notes.iter().enumerate() {
        let _ = writeln!(text, "({}) {note}", number + 1);
    }
    text + &cautions(metrics)
}

/// Why to take intervals with care: each reason once, with the metrics that it is about.
fn cautions(metrics: &[MetricValue]) -> String {
    let mut told: Vec<(&str, Vec<&str>)> = Vec::new();
    for metric in metrics.iter().filter(|m| m.ci95.is_some()) {
        let Some(note) = metric.note.as_deref() else { continue };
        match told.iter_mut().find(|(known, _)| *known == note) {
            Some((_, names)) => names.push(&metric.name),
            None => told.push((note, vec![&metric.name])),
        }
    }
    let mut text = String::new();
    for (note, names) in told {
        let _ = writeln!(text, "{}: {note}", names.join(", "));
    }
    text
}

/// What intervals or sets reached, a line for each level; nothing when there were none.
pub(crate) fn coverage_text(levels: &[LevelRecord], task: Task) -> String {
    let (what, of, size) = match task {
        Task::Regression => ("intervals", "true values", "mean width"),
        Task::Binary | Task::Multiclass => ("sets", "true classes", "mean size"),
    };
    let mut text = String::new();
    for level in levels {
        let Some(all) = &level.reached else { continue };
        let (low, high) = (all.ci95.low * 100.0, all.ci95.high * 100.0);
        let _ = writeln!(
            text,
            "{} % {what} held {:.1} % of the {of} (95 % interval {low:.1} to {high:.1}); {size} {}",
            (level.level * 1000.0).round() / 10.0,
            all.share * 100.0,
            number(all.mean_size)
        );
    }
    text
}

/// A value without a unit that is next to nothing: digits of it would be those of rounding.
fn next_to_nothing(name: &str, value: f64) -> Option<String> {
    let spec = metric(name).ok().map(|entry| entry.spec)?;
    if (spec.needs == Needs::Values && name != "r2") || value.abs() >= 1e-4 {
        return None;
    }
    Some(match value {
        // Of R² nothing hangs on the fifth digit, and a constant has next to none on either side.
        v if v.abs() < 1e-12 || name == "r2" => "0".to_owned(),
        v if v > 0.0 => "< 0.0001".to_owned(),
        _ => "> -0.0001".to_owned(),
    })
}

/// An interval, or the number of the note that says why there is none.
fn interval_text(metric: &MetricValue, notes: &[&str]) -> String {
    match (&metric.ci95, &metric.note) {
        (Some(i), _) => {
            let shown = |v: f64| next_to_nothing(&metric.name, v).unwrap_or_else(|| number(v));
            format!("{} to {}", shown(i.low), shown(i.high))
        }
        (None, Some(note)) => {
            let place = notes.iter().position(|known| known == note);
            format!("– ({})", place.map_or(1, |place| place + 1))
        }
        (None, None) => String::new(),
    }
}

/// Prints what came of a fit.
///
/// # Errors
/// Work error when stdout cannot be written to.
pub(crate) fn print_fit(record: &RunRecord, saved: &Saved, session: &Session) -> Result<()> {
    if session.global.json {
        output::print_json(&fit_json(record, saved))
    } else {
        output::print(&fit_text(record, saved))
    }
}

fn fit_json(record: &RunRecord, saved: &Saved) -> Value {
    let evaluation = record.evaluation.as_ref().map(|e| {
        json!({
            "on": e.on,
            "n_rows": e.n_rows,
            "metrics": Metrics(&e.metrics),
            "baseline": Metrics(&e.baseline),
        })
    });
    let mut summary = json!({
        "model": saved.model,
        "report": saved.report,
        "record": saved.record,
        "target": record.task.target,
        "task": record.task.task,
        "classes": record.task.classes,
        "metric": record.task.metric,
        "evaluation": evaluation,
        "validation": {
            "score": record.ensemble.score,
            "corrected_score": record.ensemble.corrected_score,
            "corrected_ci95": record.ensemble.corrected_ci95.map(|i| [i.low, i.high]),
        },
        "members": record.ensemble.members,
        "n_trials": record.trials.len(),
        "total_s": record.clock.total_s,
        "peak_memory_bytes": record.clock.peak_memory_bytes,
        "warnings": record.warnings,
        "suspected_leaks": kept_findings(record),
    });
    if let Some(threshold) = record.threshold {
        summary["threshold"] = json!(threshold);
    }
    if let Some(cost) = measured_cost(record.evaluation.as_ref()) {
        summary["expected_cost"] = metric_json(cost);
    }
    if let Some(nested) = &record.nested {
        summary["nested"] = json!(nested);
    }
    if let Some(calibration) = &record.calibration {
        summary["calibration"] = json!(calibration.method);
    }
    if let Some(level) = &record.second_level {
        summary["second_level"] = json!(level.kind);
    }
    if let Some(intervals) = &record.intervals {
        summary["intervals"] = json!({ "method": intervals.method, "levels": intervals.levels });
    }
    if let (Some(one), [trial]) = (&record.options.single, record.plan.trials.as_slice()) {
        summary["learner"] = json!(one.learner);
        summary["params"] = json!(trial.params);
    }
    summary
}

fn fit_text(record: &RunRecord, saved: &Saved) -> String {
    let mut text = String::new();
    let (data, task) = (&record.data, &record.task);
    let _ = write!(
        text,
        "{}: {} rows, {} columns; predicts {} ({}",
        data.name,
        count(data.n_rows),
        data.n_columns,
        task.target,
        task.task.name()
    );
    let _ = match task.classes.as_slice() {
        [] => writeln!(text, ")\n"),
        [_, positive] => writeln!(text, ", positive class {positive})\n"),
        many => writeln!(text, ", {} classes)\n", many.len()),
    };
    score(&mut text, record);
    if let Some(costs) = &record.costs {
        let evaluation = record.evaluation.as_ref();
        text.push_str(&of_costs(costs, record.threshold, &task.classes, evaluation));
    }
    if let Some(nested) = record.nested.as_ref().filter(|n| !n.values.is_empty()) {
        text.push_str(&of_outer_folds(nested, &task.metric, task.larger_is_better));
    }
    text.push_str(&suspected_leaks(record));
    members(&mut text, record);
    let peak = record.clock.peak_memory_bytes;
    let memory = peak.map_or(String::new(), |b| format!(", at most {} of memory", size(b)));
    let _ = writeln!(text, "took {}{memory}\n", seconds(record.clock.total_s));
    let folder = saved.model.parent().map_or(String::new(), |p| p.display().to_string());
    let mut files = TextTable::new(&["file", "what it is"]);
    for (path, what) in [
        (&saved.model, "the model"),
        (&saved.report, "the report; open it in a browser"),
        (&saved.record, "the account of the run, for `modelwright replay`"),
    ] {
        files.row(vec![path.display().to_string(), what.to_owned()]);
    }
    text.push_str(&files.body());
    let _ = writeln!(text, "\nnext:");
    let _ = writeln!(text, "  modelwright predict {folder} NEW_DATA -o predictions.csv");
    if has_target(record) {
        let _ = writeln!(text, "  modelwright evaluate {folder} LABELLED_DATA");
    }
    for warning in &record.warnings {
        let _ = writeln!(text, "\nwarning: {warning}");
    }
    text
}

/// Findings that are less sure than this are in the report only.
const CONFIDENCE_MIN: f64 = 0.3;

/// So many of them are told.
const N_FINDINGS: usize = 3;

/// What may be a leak and is still learned from, surest first.
fn kept_findings(record: &RunRecord) -> Vec<&LeakFinding> {
    let is_told =
        |f: &&LeakFinding| f.action == LeakAction::Reported && f.confidence >= CONFIDENCE_MIN;
    let mut told: Vec<&LeakFinding> = record.leakage.iter().filter(is_told).collect();
    told.sort_by(|a, b| b.confidence.total_cmp(&a.confidence));
    told
}

/// The findings in a line each, and what they do to the score.
fn suspected_leaks(record: &RunRecord) -> String {
    let told = kept_findings(record);
    let mut text = String::new();
    for finding in told.iter().take(N_FINDINGS) {
        let columns = finding.columns.join(", ");
        let about = if columns.is_empty() { String::new() } else { format!("{columns}: ") };
        let advice = advice(finding, &record.options);
        let _ = writeln!(text, "▲ a leak? {about}{}{advice}", finding.evidence);
    }
    if told.len() > N_FINDINGS {
        let _ = writeln!(text, "▲ {} more are in the report", told.len() - N_FINDINGS);
    }
    text
}

/// What to do about a finding. What lies in the split is not mended by leaving a column out.
fn advice(finding: &LeakFinding, options: &Options) -> String {
    let column = finding.columns.first();
    match (finding.kind, column) {
        (LeakKind::DuplicateAcrossSplit, _) => format!(
            "; the score is {}that of rows seen before (drop them, or keep them together with \
             --group)",
            how_much(finding.share_of_test)
        ),
        (LeakKind::GroupAcrossSplit, Some(name)) => {
            let group = options.group.as_ref().unwrap_or(name);
            if is_time(options) {
                let score = "the score is that of later rows of known groups";
                return format!("; the split by time was asked for: {score}");
            }
            format!("; judge by whole groups with --split group --group {group}")
        }
        (LeakKind::TimeOrderIgnored, Some(name)) => {
            format!("; judge on later rows with --split time --time-column {name}")
        }
        (LeakKind::Identifier, Some(_)) => "; it is not learned from".to_owned(),
        (_, Some(_)) => "; still used (leave it out with --exclude)".to_owned(),
        (_, None) => String::new(),
    }
}

/// Whether the rows are parted by time on request.
fn is_time(options: &Options) -> bool {
    options.split.as_deref() == Some("time")
}

/// How much of a score is that of so large a share of the rows.
fn how_much(share: Option<f64>) -> &'static str {
    match share {
        Some(share) if share >= 0.995 => "",
        Some(share) if share > 0.5 => "mostly ",
        _ => "partly ",
    }
}

/// The score on untouched rows with its interval, beside the baseline's.
fn score(text: &mut String, record: &RunRecord) {
    let Some(evaluation) = &record.evaluation else {
        if !has_target(record) {
            return;
        }
        let name = &record.task.metric;
        let n_scored = record.trials.iter().filter(|t| t.score.is_some() && !t.is_left_out).count();
        let how = match record.ensemble.corrected_score {
            None if n_scored > 1 => format!(", the best of {n_scored}, not corrected for that"),
            _ => String::new(),
        };
        let score = record.ensemble.corrected_score.or(record.ensemble.score);
        let score = score.map_or("unknown".to_owned(), number);
        let _ = writeln!(text, "  {name}  {score}  (validation{how}; no rows were held out)\n");
        return;
    };
    let on = match evaluation.on.as_str() {
        "holdout" => "held-out rows".to_owned(),
        file => format!("rows of {file}"),
    };
    let shown = evaluation.metrics.len().min(4);
    text.push_str(&metrics_table(&evaluation.metrics[..shown], &evaluation.baseline));
    let _ = writeln!(
        text,
        "\nmeasured once on {} {on}; the baseline always gives the same answer",
        count(evaluation.n_rows)
    );
    if record.task.task == Task::Regression
        && let Some(said) = unseen_errors(evaluation.n_rows)
    {
        text.push_str(&wrap(&said, 0, WIDTH));
    }
    let levels = record.intervals.as_ref().map_or(&[][..], |intervals| &intervals.levels);
    text.push_str(&coverage_text(levels, record.task.task));
}

/// What the model is made of.
fn members(text: &mut String, record: &RunRecord) {
    if let (Some(_), [member]) = (&record.options.single, record.ensemble.members.as_slice()) {
        let _ = writeln!(text, "the model is {}", one_learner(record, member));
        return;
    }
    let tried = |t: &&TrialRecord| t.status != TrialStatus::Skipped;
    let n_tried = record.trials.iter().filter(tried).count();
    let members: Vec<String> = record
        .ensemble
        .members
        .iter()
        .map(|m| format!("{} {:.0} %", m.trial, m.weight * 100.0))
        .collect();
    let is_of_memory = |t: &&TrialRecord| {
        !tried(t) && t.note.as_ref().is_some_and(|note| note.contains("memory limit"))
    };
    let memory = match record.trials.iter().filter(is_of_memory).count() {
        0 => String::new(),
        n => format!(" ({n} not, for the memory limit: --memory)"),
    };
    let _ = writeln!(
        text,
        "{} of {} planned models tried{memory}; the model is {}",
        n_tried,
        record.trials.len(),
        members.join(", ")
    );
    if let Some(level) = record.second_level.as_ref().filter(|level| level.kind != "none") {
        let _ =
            writeln!(text, "a second level ({}) corrects their mean: {}", level.kind, level.reason);
    }
    if record.is_exhausted {
        let _ = writeln!(text, "the search came to its own end: more time would not help");
    }
}

/// The one learner that was asked for, and how its rounds came about.
fn one_learner(record: &RunRecord, member: &Member) -> String {
    let trial = record.trials.iter().find(|t| t.trial.name == member.trial);
    let spec = learner(&member.trial).map(|entry| entry.spec).ok();
    let stops_early = spec.is_some_and(|s| s.abilities.early_stopping);
    let found = stops_early && trial.is_some_and(|t| !t.trial.fixed_rounds);
    let rounds = match spec.and_then(|s| s.rounds_param) {
        None => String::new(),
        Some(name) if found => format!(", {name} = {} by early stopping", member.rounds),
        Some(name) => format!(", {name} = {}", member.rounds),
    };
    let fitted = match member.n_models {
        n if member.is_of_folds() => format!("; the mean of {n} fold models"),
        1 => String::new(),
        n => format!("; the mean of {n} fits"),
    };
    let score = match (record.ensemble.score, record.plan.n_folds) {
        (None, _) => String::new(),
        (Some(score), 0) => format!("; {} in validation", number(score)),
        (Some(score), k) => format!("; {} in {k}-fold cross-validation", number(score)),
    };
    format!("{}{rounds}{fitted}{score}", member.trial)
}

/// The plan for people.
pub(crate) fn plan(plan: &FitPlan) -> String {
    let mut text = String::new();
    let (task, split) = (&plan.task, &plan.split);
    let _ = writeln!(text, "predict   {} ({}; {})", task.target, task.task.name(), task.evidence);
    let _ = writeln!(
        text,
        "optimise  {} ({} is better)",
        task.metric,
        if task.larger_is_better { "larger" } else { "smaller" }
    );
    let _ = writeln!(
        text,
        "split     {}: {} rows to learn from, {} held out ({})",
        split.kind,
        count(split.n_train),
        count(split.n_holdout),
        split.reason
    );
    let judged = match plan.plan.n_folds {
        0 if plan.plan.validation_share == 0.0 => "on the held-out rows alone".to_owned(),
        0 => format!("on {:.0} % of the training rows", plan.plan.validation_share * 100.0),
        folds => format!("by {folds}-fold cross-validation"),
    };
    let _ = writeln!(text, "validate  {judged}");
    for finding in &plan.leakage {
        let columns = finding.columns.join(", ");
        let about = if columns.is_empty() { String::new() } else { format!("{columns}: ") };
        let _ = writeln!(text, "leak?     {about}{}", finding.evidence);
    }
    if let [trial] = plan.plan.trials.as_slice() {
        let params: Vec<String> = trial.params.iter().map(|(n, v)| format!("{n}={v}")).collect();
        let params = if params.is_empty() { "its defaults".to_owned() } else { params.join(", ") };
        let _ = writeln!(text, "train     {}, encoding {}", trial.learner, trial.encoding);
        let _ = writeln!(text, "with      {params}");
        for note in &plan.plan.notes {
            let _ = writeln!(text, "note      {note}");
        }
        return text;
    }
    let _ = writeln!(text, "\ntrials, in this order, as far as the budget goes");
    let mut table = TextTable::new(&["trial", "learner", "encoding", "why"]);
    for trial in &plan.plan.trials {
        table.row(vec![
            trial.name.clone(),
            trial.learner.clone(),
            trial.encoding.clone(),
            trial.reason.clone(),
        ]);
    }
    text.push_str(&table.render());
    for note in &plan.plan.notes {
        let _ = writeln!(text, "\n{note}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_next_to_nothing_is_said_to_be() {
        assert_eq!(next_to_nothing("log_loss", 2.2e-16).as_deref(), Some("0"));
        assert_eq!(next_to_nothing("r2", -1.2e-5).as_deref(), Some("0"));
        assert_eq!(next_to_nothing("brier_score", 1.2e-5).as_deref(), Some("< 0.0001"));
        assert_eq!(next_to_nothing("rmse", 1e-6), None);
    }

    #[test]
    fn the_advice_beside_a_leak_mends_what_the_leak_lies_in() {
        let finding = |kind, column: &str| LeakFinding {
            kind,
            columns: vec![column.to_owned()],
            confidence: 0.9,
            share_of_test: None,
            evidence: String::new(),
            action: LeakAction::Reported,
        };
        let options = Options::new("y");
        let of = |kind, column| advice(&finding(kind, column), &options);
        assert!(of(LeakKind::TargetProxy, "fee").contains("--exclude"));
        assert!(of(LeakKind::GroupAcrossSplit, "pid").contains("--split group --group pid"));
        assert!(of(LeakKind::TimeOrderIgnored, "t").contains("--split time --time-column t"));
        assert!(!of(LeakKind::Identifier, "id").contains("--exclude"));
        let copies = |share| {
            let kind = LeakKind::DuplicateAcrossSplit;
            advice(&LeakFinding { share_of_test: share, ..finding(kind, "") }, &options)
        };
        assert!(copies(Some(1.0)).contains("the score is that of rows seen before"));
        assert!(copies(Some(0.7)).contains("is mostly that of rows seen before"));
        assert!(copies(Some(0.1)).contains("is partly that of rows seen before"));
    }
}
