//! What is predicted, and how its values are distributed.

use modelwright_core::record::{Count, RunRecord};

use crate::report::chart::{Chart, Plot};
use crate::report::section::{Block, Cell, Graphic, Part, Section, Spec, Table, TableColumn};
use crate::report::{number, words};

pub(crate) const SPEC: Spec = Spec { id: "target", part: Part::Data, title: "Target" };

/// How many classes stay unfolded.
const OPEN_ROWS: usize = 12;

/// Applies when the target's distribution is known.
pub(crate) fn build(record: &RunRecord) -> Option<Section> {
    if record.task.task.is_classification() { classes(record) } else { values(record) }
}

fn classes(record: &RunRecord) -> Option<Section> {
    let mut counts: Vec<&Count> = record.task.class_counts.iter().collect();
    let n_rows: usize = counts.iter().map(|c| c.n).sum();
    counts.sort_by_key(|c| std::cmp::Reverse(c.n));
    let (most, least) = (counts.first()?, counts.last()?);
    let finding = format!(
        "{} in {}: {} is the most frequent with {}, {} the rarest with {}.",
        number::counted(counts.len(), "class", "classes"),
        number::rows(n_rows),
        words::quoted(&most.name),
        number::part(most.n, n_rows),
        words::quoted(&least.name),
        number::rows(least.n)
    );
    let mut table = Table::new(
        format!("{} with a target", number::rows(n_rows)),
        vec![
            TableColumn::words("Class"),
            TableColumn::numbers("Rows"),
            TableColumn::numbers("Share"),
        ],
    );
    for count in counts {
        let share = if n_rows == 0 { 0.0 } else { count.n as f64 / n_rows as f64 };
        table.rows.push(vec![
            Cell::new(words::clean(&count.name)),
            Cell::new(number::count(count.n)),
            Cell::new(number::part(count.n, n_rows)).graphic(Graphic::Share(share)),
        ]);
    }
    let mut section = Section::new(&SPEC, finding).maybe(evidence(record));
    section.blocks.extend(table.folded_after(OPEN_ROWS, "classes"));
    Some(section)
}

fn values(record: &RunRecord) -> Option<Section> {
    let bins = &record.task.histogram;
    let (first, last) = (bins.first()?, bins.last()?);
    let n_rows: usize = bins.iter().map(|b| b.n_rows).sum();
    let target = words::quoted(&record.task.target);
    let (low, high) = (number::significant(first.from, 4), number::significant(last.to, 4));
    let chart = Chart {
        title: format!("Distribution of {target}"),
        summary: format!("From {low} to {high} in bins of equal width; {}.", number::rows(n_rows)),
        x: target.clone(),
        y: "Rows".to_owned(),
        plot: Plot::Histogram(bins.clone()),
    };
    let finding = format!("{target} lies between {low} and {high} in {}.", number::rows(n_rows));
    Some(Section::new(&SPEC, finding).maybe(evidence(record)).block(chart))
}

fn evidence(record: &RunRecord) -> Option<Block> {
    let task = words::task_label(record.task.task);
    let why = words::sentence(&record.task.evidence);
    (!why.is_empty()).then(|| Block::Text(format!("{task}, because of: {why}.")))
}
