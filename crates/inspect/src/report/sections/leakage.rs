//! Suspected leaks: how information about the answer may have slipped into the features.

use modelwright_core::record::{LeakAction, LeakFinding, RunRecord};

use crate::report::section::{Cell, Part, Section, Spec, Table, TableColumn};
use crate::report::{number, words};

pub(crate) const SPEC: Spec = Spec { id: "leakage", part: Part::Data, title: "Leakage checks" };

/// Always applies: that nothing was found is a finding.
pub(crate) fn build(record: &RunRecord) -> Option<Section> {
    Some(of(&record.leakage))
}

/// The section of a list of findings.
pub(crate) fn of(findings: &[LeakFinding]) -> Section {
    if findings.is_empty() {
        return Section::new(&SPEC, "No sign that the features know the answer in advance.").caveat(
            "The checks see the table only; whether a column is known at the moment of prediction \
             is for its owner to say.",
        );
    }
    let mut sorted: Vec<&LeakFinding> = findings.iter().collect();
    sorted.sort_by(|a, b| b.confidence.total_cmp(&a.confidence));
    let open = sorted
        .iter()
        .filter(|f| matches!(f.action, LeakAction::Reported | LeakAction::KeptOnRequest))
        .count();
    let finding = format!(
        "{}; {} still in use.",
        number::counted(findings.len(), "suspected leak", "suspected leaks"),
        match open {
            0 => "none is".to_owned(),
            1 => "1 is".to_owned(),
            n => format!("{} are", number::count(n)),
        }
    );
    let mut table = Table::new(
        "",
        vec![
            TableColumn::words("Suspicion"),
            TableColumn::numbers("How sure"),
            TableColumn::words("What was done"),
            TableColumn::words("Evidence"),
        ],
    );
    for leak in sorted {
        let (tone, word) = words::leak_action(leak.action);
        let name = Cell::new(words::leak_label(leak.kind));
        let columns = words::quoted_list(&leak.columns);
        table.rows.push(vec![
            if columns.is_empty() { name } else { name.detail(columns) },
            Cell::new(format!("{:.0} %", leak.confidence * 100.0)),
            Cell::mark(tone, word),
            Cell::new(words::sentence(&leak.evidence)),
        ]);
    }
    Section::new(&SPEC, finding).block(table).caveat(
        "An excluded column can be kept with --keep-leaks, if it is known at the moment of \
         prediction.",
    )
}
