//! What in the data deserves attention, the most serious first.

use modelwright_core::record::{Alert, RunRecord, Severity};

use crate::report::section::{Cell, Part, Section, Spec, Table, TableColumn};
use crate::report::{number, words};

pub(crate) const SPEC: Spec = Spec { id: "alerts", part: Part::Data, title: "Alerts" };

/// How many alerts stay unfolded.
const OPEN_ROWS: usize = 12;

/// Always applies: that nothing was found is a finding.
pub(crate) fn build(record: &RunRecord) -> Option<Section> {
    Some(of(&record.profile.alerts))
}

/// The section of a list of alerts.
pub(crate) fn of(alerts: &[Alert]) -> Section {
    if alerts.is_empty() {
        return Section::new(&SPEC, "Nothing in the data calls for attention.");
    }
    let mut sorted: Vec<&Alert> = alerts.iter().collect();
    sorted.sort_by_key(|a| std::cmp::Reverse(a.severity));
    let n = |s: Severity| sorted.iter().filter(|a| a.severity == s).count();
    let finding = format!(
        "{}: {} severe, {}, {}.",
        number::counted(alerts.len(), "alert", "alerts"),
        number::count(n(Severity::Severe)),
        number::counted(n(Severity::Warning), "warning", "warnings"),
        number::counted(n(Severity::Info), "note", "notes")
    );
    let mut table = Table::new(
        "",
        vec![
            TableColumn::words("Alert"),
            TableColumn::words("Severity"),
            TableColumn::words("What was seen"),
        ],
    );
    for alert in sorted {
        let (tone, word) = words::severity(alert.severity);
        let columns = words::quoted_list(&alert.columns);
        let name = Cell::new(words::alert_label(alert.kind));
        table.rows.push(vec![
            if columns.is_empty() { name.detail("the whole table") } else { name.detail(columns) },
            Cell::mark(tone, word),
            Cell::new(words::sentence(&alert.message)),
        ]);
    }
    let mut section = Section::new(&SPEC, finding);
    section.blocks = table.folded_after(OPEN_ROWS, "alerts");
    section
}
