//! What it comes to, in words.

use modelwright_core::data::Kind;
use modelwright_core::record::{
    ColumnDrift, DatasetDrift, MetricChange, MonitorRecord, Multivariate, Performance,
    QualityFinding, QualityKind, Reconstruction, Status, Verdict,
};

use super::compare::{number, percent};

/// Columns that an explanation names.
const NAMED: usize = 5;

/// Columns with this share of the importance alarm when they drift, however few they are.
const IMPORTANCE: f64 = 0.5;

/// A metric that is worse alarms when this share of the lead over the baseline is lost; less is
/// only worth watching.
const LOST: f64 = 0.05;

/// With fewer rows, a column whose values all moved by half of their spread is missed as often as
/// it is found, once a few columns are tested together: that nothing was found says nothing.
const FEW_ROWS: u64 = 30;

/// Everything that a verdict rests on.
pub(super) struct Found<'a> {
    pub(super) dataset: &'a DatasetDrift,
    pub(super) columns: &'a [ColumnDrift],
    pub(super) predictions: Option<&'a ColumnDrift>,
    pub(super) target: Option<&'a ColumnDrift>,
    pub(super) multivariate: Option<&'a Multivariate>,
    pub(super) performance: Option<&'a Performance>,
    pub(super) estimated: Option<&'a Performance>,
    pub(super) quality: &'a [QualityFinding],
    /// Findings about groups of rows.
    pub(super) n_of_groups: usize,
    /// New rows.
    pub(super) n_rows: u64,
}

impl Found<'_> {
    fn important_drift(&self) -> bool {
        self.dataset.importance_share.is_some_and(|share| share >= IMPORTANCE)
    }

    fn predictions_drift(&self) -> bool {
        self.predictions.is_some_and(|p| p.drifted)
    }

    fn answers_drift(&self) -> bool {
        self.target.is_some_and(|target| target.drifted)
    }

    /// The optimised metric, where it got worse; measured ones count before expected ones.
    fn worse(&self) -> Option<&MetricChange> {
        let decisive = self.performance.or(self.estimated)?;
        decisive.metrics.first().filter(|m| m.worse)
    }
}

/// The finding in one place.
pub(super) fn verdict(found: &Found<'_>) -> Verdict {
    let drift = found.dataset.drifted
        || found.important_drift()
        || found.predictions_drift()
        || found.multivariate.is_some_and(|m| m.drifted || lost_relations(m).is_some());
    let performance = found.worse().is_some_and(|m| m.lost.is_none_or(|lost| lost >= LOST));
    let quality = found.quality.iter().any(|f| f.is_severe);
    let notable = |f: &QualityFinding| f.kind != QualityKind::UnexpectedColumn;
    let is_watched = found.worse().is_some()
        || found.n_of_groups > 0
        || found.answers_drift()
        || found.columns.iter().any(|c| c.drifted)
        || found.quality.iter().any(notable);
    let status = match (drift || performance || quality, is_watched) {
        (true, _) => Status::Alarm,
        (false, true) => Status::Watch,
        (false, false) => Status::Stable,
    };
    Verdict { status, summary: summary(found, status), drift, performance, quality }
}

fn summary(found: &Found<'_>, status: Status) -> String {
    let mut reasons = Vec::new();
    if let Some(worse) = found.worse() {
        let how = if found.performance.is_some() { "is" } else { "is expected to be" };
        let (was, is) = (worse.reference.unwrap_or_default(), worse.value.unwrap_or_default());
        let lost = worse.lost.map_or(String::new(), |lost| {
            format!(", {} of its lead over the baseline", percent(lost))
        });
        let (is, was) = (number(is), number(was));
        reasons.push(format!("the {} {how} {is} instead of {was}{lost}", worse.name));
    }
    let n_severe = found.quality.iter().filter(|f| f.is_severe).count();
    if n_severe > 0 {
        reasons.push(format!(
            "{} not what the model expects",
            if n_severe == 1 { "a column is".to_owned() } else { format!("{n_severe} things are") }
        ));
    }
    if found.dataset.n_drifted > 0 {
        let of =
            format!("{} of {} columns drifted", found.dataset.n_drifted, found.dataset.n_columns);
        reasons.push(match found.dataset.importance_share {
            Some(share) => format!("{of}, which carry {} of the importance", percent(share)),
            None => of,
        });
    }
    if found.predictions_drift() {
        reasons.push("the predictions drifted".to_owned());
    }
    if found.answers_drift() {
        reasons.push("the answers are distributed in another way".to_owned());
    }
    if found.multivariate.is_some_and(|m| m.drifted) && found.dataset.n_drifted == 0 {
        reasons.push("the rows can be told apart by all columns together".to_owned());
    }
    if found.multivariate.and_then(lost_relations).is_some() && found.dataset.n_drifted == 0 {
        reasons.push("the columns have other relations than before".to_owned());
    }
    match found.n_of_groups {
        0 => {}
        1 => reasons.push("one finding about groups of rows".to_owned()),
        n => reasons.push(format!("{n} findings about groups of rows")),
    }
    match (status, reasons.is_empty()) {
        (Status::Stable, _) => {
            let n = found.dataset.n_columns;
            let few = match found.n_rows {
                1 => ", but one row is too few to tell".to_owned(),
                n if n < FEW_ROWS => format!(", but {n} rows are too few to tell"),
                _ => String::new(),
            };
            format!("Nothing moved beyond chance in {n} columns{few}.")
        }
        (_, false) => capital(&format!("{}.", reasons.join("; "))),
        (_, true) => {
            let is_notable = |f: &&QualityFinding| f.kind != QualityKind::UnexpectedColumn;
            match found.quality.iter().filter(is_notable).count() {
                1 => "No drift; a finding about a column is worth a look.".to_owned(),
                n => format!("No drift; {n} findings about columns and values are worth a look."),
            }
        }
    }
}

/// What moved and what that means, the most important first.
pub(super) fn explain(record: &MonitorRecord) -> Vec<String> {
    let mut lines = Vec::new();
    for (performance, is_measured) in [(&record.performance, true), (&record.estimated, false)] {
        lines.extend(performance.as_ref().and_then(|p| performance_line(p, is_measured)));
    }
    for finding in record.quality.iter().filter(|f| f.is_severe) {
        let stop = if finding.message.ends_with('?') { "" } else { "." };
        lines.push(format!("`{}`: {}{stop}", finding.column, finding.message));
    }
    let mut drifted: Vec<&ColumnDrift> = record.columns.iter().filter(|c| c.drifted).collect();
    let weight = |c: &&ColumnDrift| {
        c.importance.unwrap_or(0.0) + 1e-6 * c.psi.unwrap_or(0.0).clamp(0.0, 100.0)
    };
    drifted.sort_by(|a, b| weight(b).total_cmp(&weight(a)));
    for column in drifted.iter().take(NAMED) {
        let importance = column.importance.map_or(String::new(), |share| {
            format!(" It carries {} of the model's importance.", percent(share))
        });
        lines.push(format!("`{}` drifted: {}.{importance}", column.column, column.words));
    }
    if drifted.len() > NAMED {
        lines.push(format!("{} more columns drifted.", drifted.len() - NAMED));
    }
    if let Some(said) = record.predictions.as_ref().filter(|p| p.drifted) {
        lines.push(format!("The predictions drifted: {}.", said.words));
        lines.extend(record.columns.iter().filter(|c| is_past_training(c)).map(|column| {
            format!(
                "The model reads `{}`, whose dates are all but past those of the reference: that \
                 alone can move the predictions, at every look from now on.",
                column.column
            )
        }));
    }
    if let Some(target) = record.target.as_ref().filter(|t| t.drifted) {
        lines.push(format!("The target drifted: {}.", target.words));
    }
    if let Some(apart) = record.multivariate.as_ref().filter(|m| m.drifted) {
        let (auc, low) = (number(apart.roc_auc), number(apart.ci95.low));
        lines.push(format!(
            "A classifier tells the new rows from the reference rows with a ROC AUC of {auc} (95 % \
             interval from {low}; 0.5 is chance)."
        ));
    }
    if let Some(lost) = record.multivariate.as_ref().and_then(lost_relations) {
        lines.push(format!(
            "The columns have other relations than in the reference: what is lost when only its {} \
             main directions are kept is {} and was {}.",
            lost.n_components,
            number(lost.error),
            number(lost.reference)
        ));
    }
    lines
}

/// Whether most dates of a column are later than those that it was compared with.
fn is_past_training(column: &ColumnDrift) -> bool {
    let (first, last) = (column.current.quantiles.first(), column.reference.quantiles.last());
    let is_later = first.zip(last).is_some_and(|(first, last)| first > last);
    column.kind == Kind::Datetime && is_later && column.importance.is_none_or(|share| share > 0.0)
}

/// Relations among columns that no longer hold.
fn lost_relations(found: &Multivariate) -> Option<&Reconstruction> {
    found.reconstruction.as_ref().filter(|reconstruction| reconstruction.drifted)
}

fn performance_line(performance: &Performance, is_measured: bool) -> Option<String> {
    let first = performance.metrics.first()?;
    let (value, was) = (first.value?, first.reference?);
    let interval = |ci95: Option<modelwright_core::record::Interval>| {
        ci95.map_or(String::new(), |c| format!(" ({} to {})", number(c.low), number(c.high)))
    };
    // What was expected of those rows is another number than what was measured on them.
    let (how, before) =
        if is_measured { ("is", "was") } else { ("is expected to be", "was expected to be") };
    let verdict = match (first.worse, first.change_ci95.is_some()) {
        (true, _) => "worse beyond chance",
        (false, true) => "no worse beyond chance",
        (false, false) => "without an interval to judge by",
    };
    let than = performance.compared_with.as_deref().unwrap_or("before");
    Some(format!(
        "{} {how} {}{} on {} rows, and {before} {}{} on {than}: {verdict}.",
        first.name,
        number(value),
        interval(first.ci95),
        performance.n_rows,
        number(was),
        interval(first.reference_ci95)
    ))
}

pub(super) fn capital(text: &str) -> String {
    let mut characters = text.chars();
    let first = characters.next().map(|c| c.to_uppercase().to_string()).unwrap_or_default();
    first + characters.as_str()
}
