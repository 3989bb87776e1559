//! What becomes of the metric when the inputs are strained.

use modelwright_core::record::{RobustnessRecord, RunRecord, Strain, StrainKind};

use crate::report::chart::{Chart, Estimate, Plot};
use crate::report::section::{Block, Cell, Part, Section, Spec, Table, TableColumn};
use crate::report::{number, words};

pub(crate) const SPEC: Spec =
    Spec { id: "robustness", part: Part::Quality, title: "When the inputs are strained" };

/// Strains that the chart shows, the hardest first.
const SHOWN: usize = 8;

/// Applies when the inputs were strained.
pub(crate) fn build(record: &RunRecord) -> Option<Section> {
    record.robustness.as_ref().and_then(of)
}

/// The section of strained rows; `None` when nothing was tried.
pub(crate) fn of(robust: &RobustnessRecord) -> Option<Section> {
    let before = robust.before?;
    let mut strains: Vec<&Strain> = robust.strains.iter().collect();
    strains.sort_by(|a, b| b.loss.total_cmp(&a.loss));
    let worst = strains.first()?;
    let label = words::metric_label(&robust.metric);
    let rows = number::rows(robust.n_rows);
    let finding = if worst.loss > 0.0 {
        let of = match robust.strains.len() {
            1 => "The one strain that was tried is that".to_owned(),
            n => format!("Of {} the hardest is that", number::counted(n, "strain", "strains")),
        };
        format!(
            "{of} {}: {label} goes from {} to {} on {rows}.",
            words::sentence(&worst.what),
            number::significant(before, 4),
            number::significant(worst.after, 4)
        )
    } else {
        format!("No strain that was tried worsens {label} on {rows}.")
    };
    let units = strains.iter().filter(|s| s.kind == StrainKind::Unit && s.loss > 0.0).count();
    let mut section = Section::new(&SPEC, finding)
        .block(chart(&strains, before, &label, &rows))
        .block(Block::Details {
            summary: format!("{} as a table", number::counted(strains.len(), "strain", "strains")),
            blocks: vec![table(&strains, before, &label, &rows).into()],
        });
    if units > 0 {
        section = section.caveat(
            "A column in another unit is an accident, not wear: check the range of the inputs \
             before predicting (“modelwright monitor” does).",
        );
    }
    Some(section)
}

/// The metric under the hardest strains, beside the metric as it is.
fn chart(strains: &[&Strain], before: f64, label: &str, rows: &str) -> Chart {
    let estimate = |s: &&Strain| Estimate {
        label: words::capitalised(&s.what),
        value: s.after,
        ci95: s.ci95,
        emphasis: s.loss > 0.0,
    };
    Chart {
        title: "What each strain does".to_owned(),
        summary: format!(
            "The dashed line is {label} as it is, {}; points show it on the same {rows} strained, \
             the hardest strain first.",
            number::significant(before, 4)
        ),
        x: label.to_owned(),
        y: String::new(),
        plot: Plot::Dots {
            estimates: strains.iter().take(SHOWN).map(estimate).collect(),
            reference: Some(before),
        },
    }
}

fn table(strains: &[&Strain], before: f64, label: &str, rows: &str) -> Table {
    let mut table = Table::new(
        format!("{label}, {} as it is; {rows}", number::significant(before, 4)),
        vec![
            TableColumn::words("What happens"),
            TableColumn::numbers(label),
            TableColumn::numbers("Worse by"),
        ],
    );
    let row = |s: &&Strain| {
        vec![
            Cell::new(words::capitalised(&s.what)),
            match s.ci95 {
                None => Cell::new(number::significant(s.after, 4)),
                Some(ci) => Cell::new(number::significant(s.after, 4)).detail(number::interval(ci)),
            },
            Cell::new(number::significant(s.loss, 2)),
        ]
    };
    table.rows.extend(strains.iter().map(row));
    table
}
