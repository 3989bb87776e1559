//! What the model relies on: the loss of quality when a raw column is permuted.

use std::collections::BTreeSet;

use modelwright_core::data::Field;
use modelwright_core::record::{Importance, LeakAction, RunRecord};

use crate::explain::FIRST_REPEATS;
use crate::report::chart::{Chart, Estimate, Plot};
use crate::report::section::{Block, Cell, Part, Section, Spec, Table, TableColumn};
use crate::report::{number, words};

pub(crate) const SPEC: Spec =
    Spec { id: "importance", part: Part::Quality, title: "What the model relies on" };

/// Under which the clock was asked.
const SCOPE: &str = "importances";

/// How many columns the chart shows.
const BARS_MAX: usize = 15;

/// How many columns there was no time to look at.
pub(super) fn n_not_measured(record: &RunRecord) -> usize {
    let n_features = n_features(record);
    // Each column is shuffled so often before any is shuffled again.
    let stopped = record.decisions.stopped_after.get(SCOPE);
    let is_cut = stopped.is_some_and(|n| (*n as usize) < FIRST_REPEATS * n_features);
    if is_cut { n_features.saturating_sub(record.importances.len()) } else { 0 }
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
fn finding(record: &RunRecord, first: &Importance, metric: &str) -> String {
    let silent = record.importances.iter().filter(|i| i.ci95.low <= 0.0).count();
    let n = record.importances.len();
    let finding = if first.ci95.low > 0.0 {
        format!(
            "{} matters most: without it {metric} worsens by {} (95 % interval {}); no \
             effect can be measured for {} of {}.",
            words::quoted(&first.column),
            number::estimate(first.mean, Some(first.ci95)),
            number::interval(first.ci95),
            number::count(silent),
            number::counted(n, "column", "columns")
        )
    } else {
        format!(
            "None of {} has a measurable effect on {metric}.",
            number::counted(n, "column", "columns")
        )
    };
    match n_not_measured(record) {
        0 => finding,
        rest => format!(
            "{finding} There was no time to look at {}.",
            number::counted(rest, "other column", "other columns")
        ),
    }
}

/// Applies when importances were measured.
pub(crate) fn build(record: &RunRecord) -> Option<Section> {
    let first = record.importances.first()?;
    let metric = words::metric_label(&record.task.metric);
    let n = record.importances.len();
    let finding = finding(record, first, &metric);
    let rows = record
        .evaluation
        .as_ref()
        .map_or("untouched rows".to_owned(), |e| number::untouched(e.n_rows));
    let shown: Vec<&Importance> = record.importances.iter().take(BARS_MAX).collect();
    let chart = Chart {
        title: format!("Loss of {metric} when a column is shuffled"),
        summary: format!(
            "{}; mean and 95 % interval over {} of shuffling the column among up to {rows}.",
            if shown.len() == n {
                format!("All {}", number::counted(n, "column", "columns"))
            } else {
                format!("The {} largest of {} columns", shown.len(), number::count(n))
            },
            number::counted(first.n_repeats, "repeat", "repeats")
        ),
        x: format!("Loss of {metric}, with 95 % intervals"),
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
                summary: format!("All {} as a table", number::counted(n, "column", "columns")),
                blocks: vec![table(&record.importances, &metric).into()],
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

fn table(importances: &[Importance], metric: &str) -> Table {
    let mut table = Table::new(
        format!("Loss of {metric}; larger is more important"),
        vec![
            TableColumn::words("Column"),
            TableColumn::numbers("Mean loss"),
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
