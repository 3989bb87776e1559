//! Metrics then and now.

use modelwright_core::record::{Interval, MetricChange, Performance};

use crate::report::section::{Block, Cell, Part, Section, Spec, Table, TableColumn, Tone};
use crate::report::{number, words};

pub(super) const MEASURED: Spec =
    Spec { id: "performance", part: Part::Quality, title: "Performance, measured" };
pub(super) const EXPECTED: Spec =
    Spec { id: "expected", part: Part::Quality, title: "Performance, expected without answers" };

/// The metrics, when there are any.
pub(super) fn section(spec: &Spec, performance: Option<&Performance>) -> Option<Section> {
    let performance = performance?;
    let first = performance.metrics.first()?;
    let than = performance.compared_with.as_deref().unwrap_or("before");
    let finding = format!(
        "{} {} on {}; {} on {}: {}.",
        words::metric_label(&first.name),
        first.value.map_or("undefined".to_owned(), |v| number::significant(v, 4)),
        number::rows(performance.n_rows as usize),
        first.reference.map_or("unknown".to_owned(), |v| number::significant(v, 4)),
        words::clean(than),
        verdict(first).1
    );
    let method = Block::Text(words::remark(&performance.method));
    let mut section = Section::new(spec, finding).block(table(performance));
    section.blocks.push(method);
    Some(section.caveat(words::sentence(&performance.caveat)))
}

fn verdict(metric: &MetricChange) -> (Tone, &'static str) {
    match (metric.worse, metric.change_ci95.is_some()) {
        (true, _) => (Tone::Severe, "worse beyond chance"),
        (false, true) => (Tone::Good, "no worse beyond chance"),
        (false, false) => (Tone::Neutral, "cannot be judged"),
    }
}

fn table(performance: &Performance) -> Table {
    let mut table = Table::new(
        number::rows(performance.n_rows as usize),
        vec![
            TableColumn::words("Metric"),
            TableColumn::numbers("Now"),
            TableColumn::numbers("Before"),
            TableColumn::numbers("Change (95 %)"),
            TableColumn::words("Verdict"),
        ],
    );
    for metric in &performance.metrics {
        let (tone, text) = verdict(metric);
        table.rows.push(vec![
            Cell::new(words::metric_label(&metric.name)),
            value(metric.value, metric.ci95, metric.note.as_deref()),
            value(metric.reference, metric.reference_ci95, None),
            value(metric.change, metric.change_ci95, None),
            Cell::mark(tone, text),
        ]);
    }
    table
}

fn value(value: Option<f64>, ci95: Option<Interval>, note: Option<&str>) -> Cell {
    let cell = Cell::new(value.map_or("–".to_owned(), |v| number::significant(v, 4)));
    match (ci95, note) {
        (Some(ci95), _) => cell.detail(number::interval(ci95)),
        (None, Some(note)) => cell.detail(words::sentence(note)),
        (None, None) => cell,
    }
}
