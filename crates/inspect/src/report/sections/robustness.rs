//! What becomes of the metric when the inputs are strained.

use modelwright_core::record::{RobustnessRecord, RunRecord, Strain};

use crate::report::section::{Cell, Part, Section, Spec, Table, TableColumn};
use crate::report::{number, words};

pub(crate) const SPEC: Spec =
    Spec { id: "robustness", part: Part::Quality, title: "When the inputs are strained" };

/// Strains that stay open.
const OPEN_ROWS: usize = 8;

/// Applies when the inputs were strained.
pub(crate) fn build(record: &RunRecord) -> Option<Section> {
    record.robustness.as_ref().and_then(of)
}

/// The section of strained rows; `None` when nothing was tried.
pub(crate) fn of(robust: &RobustnessRecord) -> Option<Section> {
    let before = robust.before?;
    let worst = robust.strains.iter().max_by(|a, b| a.loss.total_cmp(&b.loss))?;
    let label = words::metric_label(&robust.metric);
    let rows = number::rows(robust.n_rows);
    let finding = if worst.loss > 0.0 {
        format!(
            "Of {} the hardest is that {}: {label} goes from {} to {} on {rows}.",
            number::counted(robust.strains.len(), "strain", "strains"),
            words::sentence(&worst.what),
            number::significant(before, 4),
            number::significant(worst.after, 4)
        )
    } else {
        format!("No strain that was tried lowers {label} on {rows}.")
    };
    let blocks = table(robust, before).folded_after(OPEN_ROWS, "strains");
    let mut section = Section::new(&SPEC, finding);
    section.blocks.extend(blocks);
    Some(section)
}

fn table(robust: &RobustnessRecord, before: f64) -> Table {
    let label = words::metric_label(&robust.metric);
    let mut table = Table::new(
        format!(
            "{label}, {} as it is; {}",
            number::significant(before, 4),
            number::rows(robust.n_rows)
        ),
        vec![
            TableColumn::words("What happens"),
            TableColumn::numbers(label.clone()),
            TableColumn::numbers("Worse by"),
        ],
    );
    let row = |s: &Strain| {
        vec![
            Cell::new(words::sentence(&s.what)),
            Cell::new(number::significant(s.after, 4)),
            Cell::new(number::significant(s.loss, 2)),
        ]
    };
    table.rows.extend(robust.strains.iter().map(row));
    table
}
