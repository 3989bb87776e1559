//! What the whole search is worth, judged by outer folds; beside what it promised itself.

use modelwright_core::record::{Nested, RunRecord};

use super::headline::Headline;
use crate::report::section::{Block, Cell, Fact, Part, Section, Spec, Table, TableColumn};
use crate::report::{number, words};

pub(crate) const SPEC: Spec =
    Spec { id: "nested", part: Part::Quality, title: "The whole search, judged from outside" };

/// Applies when nested cross-validation was asked for.
pub(crate) fn build(record: &RunRecord) -> Option<Section> {
    let nested = record.nested.as_ref().filter(|n| !n.values.is_empty())?;
    let label = Headline::of(record).label;
    let interval = nested.ci95.map_or(String::new(), |ci| format!(" ({})", number::interval(ci)));
    let finding = format!(
        "Repeated on {}, the whole search reaches {label} {}{interval} on rows that it never saw.",
        number::counted(nested.values.len(), "outer fold", "outer folds"),
        number::estimate(nested.mean, nested.ci95),
    );
    let about = "Everything that a fit decides was decided anew outside each fold, within an even \
                 share of the time. The interval allows for training rows that the folds share \
                 (Nadeau & Bengio, Machine Learning 52, 2003), and is no narrower than that of the \
                 rows of all folds.";
    Some(
        Section::new(&SPEC, finding)
            .block(Block::Text(about.to_owned()))
            .block(table(nested, &label))
            .block(Block::Facts(facts(nested, record.task.larger_is_better))),
    )
}

fn table(nested: &Nested, label: &str) -> Table {
    let mut table = Table::new(
        format!("{label} by outer fold"),
        vec![
            TableColumn::words("Outer fold"),
            TableColumn::numbers("Measured outside"),
            TableColumn::numbers("Promised, as selected"),
            TableColumn::numbers("Promised, corrected"),
        ],
    );
    let cell = |value: Option<&f64>| {
        Cell::new(value.map_or("none".to_owned(), |v| number::estimate(*v, nested.ci95)))
    };
    for (i, value) in nested.values.iter().enumerate() {
        table.rows.push(vec![
            Cell::new(number::count(i + 1)),
            cell(Some(value)),
            cell(nested.selected.get(i)),
            cell(nested.corrected.get(i)),
        ]);
    }
    table
}

/// By how much the search promised too much: above 0 where it did, whatever the direction.
fn facts(nested: &Nested, larger_is_better: bool) -> Vec<Fact> {
    let sign = if larger_is_better { 1.0 } else { -1.0 };
    let gap = |name: &str, gap: Option<f64>| {
        gap.map(|g| Fact::new(words::clean(name), number::significant(sign * g, 3)))
    };
    [
        gap("Promised too much, as selected", nested.selected_gap),
        gap("Promised too much, corrected", nested.corrected_gap),
    ]
    .into_iter()
    .flatten()
    .collect()
}
