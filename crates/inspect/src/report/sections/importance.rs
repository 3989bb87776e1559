//! What the model relies on: the loss of quality when a raw column is permuted.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use modelwright_core::data::Field;
use modelwright_core::record::{Importance, LeakAction, RunRecord};

use crate::explain::{COLUMNS_UNHURRIED, FIRST_REPEATS};
use crate::report::chart::{Chart, Estimate, Plot};
use crate::report::section::{Block, Cell, Part, Section, Spec, Table, TableColumn};
use crate::report::{number, words};

pub(crate) const SPEC: Spec =
    Spec { id: "importance", part: Part::Quality, title: "What the model relies on" };

/// Under which the clock was asked.
const SCOPE: &str = "importances";

/// An interval of fewer repeats than this is a rough one.
const FEW_REPEATS: usize = 4;

/// How many columns the chart shows.
const BARS_MAX: usize = 15;

/// How many columns were not looked at, to spare time.
pub(super) fn n_not_measured(record: &RunRecord) -> usize {
    let n_features = n_features(record);
    // Each column is shuffled so often before any is shuffled again.
    let stopped = record.decisions.stopped_after.get(SCOPE);
    let is_cut = stopped.is_some_and(|n| (*n as usize) < FIRST_REPEATS * n_features);
    let is_unhurried = record.options.time_limit_s.is_none();
    let is_full = is_unhurried && record.importances.len() >= COLUMNS_UNHURRIED;
    if is_cut || is_full { n_features.saturating_sub(record.importances.len()) } else { 0 }
}

/// How many columns the model may have read: of a usable kind, with no other role, not left out by
/// the user or as a leak.
fn n_features(record: &RunRecord) -> usize {
    let options = &record.options;
    let left_out = record.leakage.iter().filter(|leak| leak.action == LeakAction::Excluded);
    let others: BTreeSet<&str> = left_out
        .flat_map(|leak| &leak.columns)
        .chain(&options.exclude)
        .chain(&options.weight)
        .chain(&options.group)
        .chain([&record.task.target])
        .map(String::as_str)
        .collect();
    let is_feature = |f: &&Field| f.kind.is_usable() && !others.contains(f.name.as_str());
    record.schema.fields.iter().filter(is_feature).count()
}

/// What was found, in a sentence.
fn finding(record: &RunRecord, importances: &[Importance], metric: &str) -> String {
    let first = &importances[0];
    let silent = importances.iter().filter(|i| i.ci95.low <= 0.0).count();
    let n = importances.len();
    let columns = number::counted(n, "column", "columns");
    let n_rest = n_not_measured(record);
    let mut finding = if first.ci95.low > 0.0 {
        let among =
            if n_rest == 0 { String::new() } else { format!("Of the {columns} looked at, ") };
        format!(
            "{among}{} matters most: without it {metric} worsens by {} (95 % interval {}){}.",
            words::quoted(&first.column),
            number::estimate(first.mean, Some(first.ci95)),
            number::interval(first.ci95),
            match silent {
                0 => String::new(),
                _ => format!(
                    "; no effect can be measured for {} of {columns}",
                    number::count(silent)
                ),
            }
        )
    } else if n_rest == 0 {
        format!("None of {columns} has a measurable effect on {metric}.")
    } else {
        format!("None of the {columns} looked at has a measurable effect on {metric}.")
    };
    if first.n_repeats < FEW_REPEATS {
        let repeats = number::counted(first.n_repeats, "repeat", "repeats");
        let _ = write!(finding, " There was time for {repeats} only, so this is a rough order.");
    }
    if n_rest > 0 {
        let others = number::counted(n_rest, "other column", "other columns");
        let _ = write!(finding, " To spare time, {others} stayed out, which may matter more.");
    }
    finding
}

/// Which columns are shown, of those that were measured.
fn shown_text(n_shown: usize, n: usize, n_rest: usize) -> String {
    match (n_shown == n, n_rest) {
        (true, 0) => format!("All {}", number::counted(n, "column", "columns")),
        (true, rest) => {
            format!("{} of {} columns", number::count(n), number::count(n + rest))
        }
        (false, 0) => format!("The {n_shown} largest of {} columns", number::count(n)),
        (false, _) => format!("The {n_shown} largest of {} measured columns", number::count(n)),
    }
}

/// Applies when importances were measured.
pub(crate) fn build(record: &RunRecord) -> Option<Section> {
    let importances = denoised(record);
    let first = importances.first()?;
    let metric = words::metric_label(&record.task.metric);
    let (n, n_rest) = (record.importances.len(), n_not_measured(record));
    let finding = finding(record, &importances, &metric);
    let rows = record
        .evaluation
        .as_ref()
        .map_or("untouched rows".to_owned(), |e| number::untouched(e.n_rows));
    let shown: Vec<&Importance> = importances.iter().take(BARS_MAX).collect();
    let chart = Chart {
        title: format!("How much {metric} worsens when a column is shuffled"),
        summary: format!(
            "{}; mean and 95 % interval over {} of shuffling the column among up to {rows}.",
            shown_text(shown.len(), n, n_rest),
            number::counted(first.n_repeats, "repeat", "repeats")
        ),
        x: format!("{metric} worsens by (95 % intervals)"),
        y: String::new(),
        plot: Plot::Bars(
            shown
                .iter()
                .map(|i| Estimate {
                    label: words::clean(&i.column),
                    value: i.mean,
                    ci95: Some(i.ci95),
                    emphasis: true,
                })
                .collect(),
        ),
    };
    Some(
        Section::new(&SPEC, finding)
            .block(chart)
            .block(Block::Details {
                summary: format!("{} as a table", shown_text(n, n, n_rest)),
                blocks: vec![table(&importances, &metric).into()],
            })
            .caveat(
                "Columns that say the same share their importance: each may look small because the \
                 other stands in for it. Importance is not cause.",
            )
            .caveat(
                "The intervals cover the chance of shuffling, not the chance of which rows were \
                 held out.",
            ),
    )
}

/// The importances without what rounding leaves of nothing, beside the metric itself.
fn denoised(record: &RunRecord) -> Vec<Importance> {
    let measured = record.evaluation.as_ref().and_then(|e| e.metrics.first()?.value);
    let largest = record.importances.first().map(|i| i.mean);
    let scale = measured.into_iter().chain(largest).fold(0.0_f64, |scale, v| scale.max(v.abs()));
    let clean = |i: &Importance| Importance {
        mean: number::denoised(i.mean, scale),
        ci95: number::denoised_interval(i.ci95, scale),
        ..i.clone()
    };
    record.importances.iter().map(clean).collect()
}

fn table(importances: &[Importance], metric: &str) -> Table {
    let mut table = Table::new(
        format!("{metric} worsens by; larger is more important"),
        vec![
            TableColumn::words("Column"),
            TableColumn::numbers("Mean"),
            TableColumn::numbers("95 % interval"),
            TableColumn::numbers("Repeats"),
        ],
    );
    for i in importances {
        table.rows.push(vec![
            Cell::new(words::clean(&i.column)),
            Cell::new(number::estimate(i.mean, Some(i.ci95))),
            Cell::new(number::interval(i.ci95)),
            Cell::new(number::count(i.n_repeats)),
        ]);
    }
    table
}

#[cfg(test)]
mod tests {
    use modelwright_core::record::Interval;

    use super::*;
    use crate::report::canonical;
    use crate::report::render::markdown;

    #[test]
    fn two_repeats_are_a_rough_order_and_rounding_is_nothing() {
        let mut record = canonical::binary();
        let text = |record: &RunRecord| markdown::section(&build(record).expect("there are some"));
        assert!(!text(&record).contains("rough order"));
        record.importances.iter_mut().for_each(|i| i.n_repeats = 2);
        assert!(text(&record).contains("There was time for 2 repeats only"), "{}", text(&record));
        for (i, importance) in record.importances.iter_mut().enumerate() {
            importance.mean = 6e-17 / (i + 1) as f64;
            importance.ci95 = Interval { low: 1e-17, high: 9e-17 };
        }
        let noise = text(&record);
        assert!(noise.contains("None of 14 columns") && !noise.contains("e−"), "{noise}");
    }

    #[test]
    fn what_there_was_no_time_for_is_never_called_all() {
        let mut record = canonical::binary();
        record.importances.truncate(3);
        record.decisions.stopped_after.insert(SCOPE.to_owned(), 6);
        let text = markdown::section(&build(&record).expect("there are some"));
        let n_rest = n_not_measured(&record);
        assert!(n_rest > 0);
        assert!(text.contains("Of the 3 columns looked at, “"), "{text}");
        assert!(!text.contains("All 3") && !text.contains(" 0 of "), "{text}");
        assert!(text.contains(&format!("To spare time, {n_rest} other column")), "{text}");
    }

    #[test]
    fn columns_that_a_fit_without_a_clock_leaves_out_are_counted() {
        let mut record = canonical::binary();
        let (field, importance) = (record.schema.fields[0].clone(), record.importances[0].clone());
        let n_before = n_features(&record);
        record
            .schema
            .fields
            .extend((0..400).map(|i| Field { name: format!("x{i}"), ..field.clone() }));
        record.importances = vec![importance; COLUMNS_UNHURRIED];
        record.options.time_limit_s = None;
        assert_eq!(n_not_measured(&record), n_before + 400 - COLUMNS_UNHURRIED);
        record.options.time_limit_s = Some(60.0);
        assert_eq!(n_not_measured(&record), 0);
    }
}
