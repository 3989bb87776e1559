//! What a table looks like, on one page and in the terminal.

use modelwright_core::record::{Alert, DataSource, LeakFinding, TableProfile};

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
    let mut lines = vec![
        format!(
            "{}: {} × {}, {} in memory",
            words::clean(&source.name),
            number::rows(source.n_rows),
            number::counted(source.n_columns, "column", "columns"),
            number::bytes(profile.size_bytes as u64)
        ),
        String::new(),
        render::text::table(&columns::table(profile, None)),
        alerts::of(&profile.alerts).finding,
    ];
    let mut sorted: Vec<&Alert> = profile.alerts.iter().collect();
    sorted.sort_by_key(|a| std::cmp::Reverse(a.severity));
    lines.extend(sorted.into_iter().map(alert_line));
    if !leakage.is_empty() {
        lines.push(String::new());
        lines.push(leakage::of(leakage).finding);
        lines.extend(leakage.iter().map(leak_line));
    }
    lines.join("\n") + "\n"
}

fn alert_line(alert: &Alert) -> String {
    let mark = words::severity(alert.severity).0.mark();
    let label = words::alert_label(alert.kind);
    let message = words::sentence(&alert.message);
    let columns = match alert.columns.as_slice() {
        [] => String::new(),
        names => format!(" [{}]", words::quoted_list(names)),
    };
    format!("  {mark} {label}: {message}{columns}")
}

fn leak_line(leak: &LeakFinding) -> String {
    let (tone, action) = words::leak_action(leak.action);
    format!(
        "  {} {} ({:.0} % sure) {}: {}. {action}.",
        tone.mark(),
        words::leak_label(leak.kind),
        leak.confidence * 100.0,
        words::quoted_list(&leak.columns),
        words::sentence(&leak.evidence).trim_end_matches('.')
    )
}
