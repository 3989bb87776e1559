//! What a table looks like, on one page and in the terminal.

use modelwright_core::record::{Alert, DataSource, LeakFinding, Severity, TableProfile};

use super::section::Document;
use super::sections::{alerts, columns, leakage, source};
use super::{number, render, words};

/// The profile as one self-contained HTML page.
pub fn profile_html(
    source: &DataSource,
    profile: &TableProfile,
    leakage: &[LeakFinding],
) -> String {
    render::html::page(&document(source, profile, leakage))
}

fn document(source: &DataSource, profile: &TableProfile, leaks: &[LeakFinding]) -> Document {
    let mut sections =
        vec![source::of(source, profile), alerts::of(&profile.alerts), columns::of(profile, None)];
    if !leaks.is_empty() {
        sections.insert(2, leakage::of(leaks));
    }
    Document {
        kind: "Data profile",
        title: words::clean(&source.name),
        subtitle: words::join([
            number::rows(source.n_rows),
            number::counted(source.n_columns, "column", "columns"),
            number::bytes(profile.size_bytes as u64),
        ]),
        footer: format!("Modelwright {}", env!("CARGO_PKG_VERSION")),
        sections,
    }
}

/// The profile as aligned text for a terminal.
pub fn profile_text(
    source: &DataSource,
    profile: &TableProfile,
    leakage: &[LeakFinding],
) -> String {
    let mut out = format!(
        "{}: {} × {}, {} in memory\n",
        words::clean(&source.name),
        number::rows(source.n_rows),
        number::counted(source.n_columns, "column", "columns"),
        number::bytes(profile.size_bytes as u64)
    );
    out.push('\n');
    out.push_str(&render::text::table(&columns::table(profile, None)));
    let mut sorted: Vec<&Alert> = profile.alerts.iter().collect();
    sorted.sort_by(|a, b| b.severity.cmp(&a.severity));
    out.push_str(&format!("\n{}\n", alerts::of(&profile.alerts).finding));
    for alert in sorted {
        let mark = match alert.severity {
            Severity::Info => "•",
            Severity::Warning => "▲",
            Severity::Severe => "✕",
        };
        let label = words::alert_label(alert.kind);
        let columns = words::quoted_list(&alert.columns);
        let message = words::sentence(&alert.message);
        out.push_str(&format!("  {mark} {label}: {message}"));
        out.push_str(&if columns.is_empty() { "\n".to_owned() } else { format!(" [{columns}]\n") });
    }
    if !leakage.is_empty() {
        out.push_str(&format!("\n{}\n", leakage::of(leakage).finding));
        for leak in leakage {
            out.push_str(&format!(
                "  ▲ {} ({} sure) {}: {}\n",
                words::leak_label(leak.kind),
                number::share(leak.confidence),
                words::quoted_list(&leak.columns),
                words::sentence(&leak.evidence)
            ));
        }
    }
    out
}
