//! Names in words: metrics, kinds, alerts, leaks; and how foreign text is quoted.

use std::collections::BTreeSet;

use modelwright_core::data::Kind;
use modelwright_core::error::shorten;
use modelwright_core::record::{AlertKind, LeakAction, LeakKind, Severity};
use modelwright_core::task::Task;
use modelwright_evaluate::evaluation::EXPECTED_COST;
use modelwright_evaluate::{METRICS, MetricSpec};

use super::number;
use super::section::Tone;

/// The longest foreign name that is shown whole, in characters.
const NAME_LENGTH_MAX: usize = 80;

/// Significant digits of numbers in the names of groups, and those that tell all numbers apart.
const GROUP_DIGITS: usize = 4;
const EXACT_DIGITS: usize = 17;

/// Foreign text made harmless to look at: control and direction marks become visible, and it is
/// cut to a length that no layout breaks on.
pub(crate) fn clean(text: &str) -> String {
    let visible: String =
        text.chars().map(|c| if is_invisible(c) { '\u{fffd}' } else { c }).collect();
    shorten(&visible, NAME_LENGTH_MAX)
}

/// Foreign text of any length (evidence, messages), without control and direction marks; names in
/// backticks become names in quotation marks.
pub(crate) fn sentence(text: &str) -> String {
    let n_pairs = text.matches('`').count() / 2;
    let mut n_marks = 0;
    let typeset = |c| match c {
        '\n' | '\t' => ' ',
        '`' if n_marks < 2 * n_pairs => {
            n_marks += 1;
            if n_marks % 2 == 1 { '“' } else { '”' }
        }
        c => mask(c),
    };
    text.chars().map(typeset).collect()
}

/// A remark as a sentence of its own: a capital in front, a full stop behind.
pub(crate) fn remark(text: &str) -> String {
    let text = capitalised(text);
    let stop = if text.is_empty() || text.ends_with(['.', '?', '!', ':']) { "" } else { "." };
    format!("{text}{stop}")
}

/// Foreign text with a capital in front.
pub(crate) fn capitalised(text: &str) -> String {
    let text = sentence(text.trim());
    let mut characters = text.chars();
    characters
        .next()
        .map_or(String::new(), |first| first.to_uppercase().chain(characters.clone()).collect())
}

fn mask(c: char) -> char {
    if is_invisible(c) || c.is_control() { '\u{fffd}' } else { c }
}

/// Marks that could make text read differently from what it is (Unicode TR 36, bidi controls).
fn is_invisible(c: char) -> bool {
    const RANGES: [(char, char); 4] = [
        ('\u{200b}', '\u{200f}'),
        ('\u{202a}', '\u{202e}'),
        ('\u{2060}', '\u{2069}'),
        ('\u{feff}', '\u{feff}'),
    ];
    RANGES.iter().any(|(first, last)| (*first..=*last).contains(&c))
}

/// A foreign name in quotation marks.
pub(crate) fn quoted(name: &str) -> String {
    format!("“{}”", clean(name))
}

/// What is predicted: the chance of an output, or the output itself.
pub(crate) fn predicted(output: &str, is_chance: bool) -> String {
    let output = clean(output);
    if is_chance { format!("The chance of {output}") } else { output }
}

/// The name of a group of people, or what was said of groups, with the numbers in it rounded: cuts
/// of a quantity are exact values. Numbers that differ stay different.
pub(crate) fn group(text: &str) -> String {
    let is_part = |c: char| c.is_ascii_digit() || matches!(c, '.' | '-' | '−');
    let mut parts: Vec<&str> = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let is_number = is_part(first);
        let mut end = rest.find(|c: char| is_part(c) != is_number).unwrap_or(rest.len());
        if is_number {
            // What ends in a stop ends a sentence.
            let n_kept = rest[..end].trim_end_matches(|c: char| !c.is_ascii_digit()).len();
            end = if n_kept > 0 { n_kept } else { end };
        }
        let (part, after) = rest.split_at(end);
        parts.push(part);
        rest = after;
    }
    let exact: Vec<Option<f64>> = parts.iter().map(|part| long_number(part)).collect();
    let of_digits = |digits: usize| {
        let rounded = |v: &Option<f64>| v.map(|v| number::significant(v, digits));
        exact.iter().map(rounded).collect::<Vec<_>>()
    };
    let n_distinct =
        |texts: &[Option<String>]| texts.iter().flatten().collect::<BTreeSet<_>>().len();
    let bits: BTreeSet<u64> = exact.iter().flatten().map(|v| v.to_bits()).collect();
    let short = (GROUP_DIGITS..EXACT_DIGITS).map(of_digits).find(|t| n_distinct(t) == bits.len());
    let short = short.unwrap_or_else(|| vec![None; parts.len()]);
    parts
        .iter()
        .zip(short)
        .map(|(part, short)| short.unwrap_or_else(|| (*part).to_owned()))
        .collect()
}

/// The value of a number with more digits than a reader wants.
fn long_number(text: &str) -> Option<f64> {
    let (whole, fraction) = text.split_once('.')?;
    if whole.trim_start_matches('-').len() > 1 && whole.trim_start_matches('-').starts_with('0') {
        // The seconds of a time.
        return None;
    }
    let n_digits = whole.trim_start_matches(['-', '0']).len() + fraction.len();
    (n_digits > GROUP_DIGITS + 1).then(|| text.parse().ok()).flatten()
}

/// Names in quotation marks, joined; at most five are named.
pub(crate) fn quoted_list(names: &[String]) -> String {
    const SHOWN: usize = 5;
    let shown: Vec<String> = names.iter().take(SHOWN).map(|n| quoted(n)).collect();
    match names.len().saturating_sub(SHOWN) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

/// Facts of one line, joined by a dot; empty ones are left out.
pub(crate) fn join(parts: impl IntoIterator<Item = String>) -> String {
    parts.into_iter().filter(|p| !p.is_empty()).collect::<Vec<_>>().join(" · ")
}

/// The date of an ISO 8601 instant.
pub(crate) fn day(created: &str) -> String {
    clean(created.split('T').next().unwrap_or_default())
}

/// The task in words.
pub(crate) fn task_label(task: Task) -> &'static str {
    match task {
        Task::Binary => "Binary classification",
        Task::Multiclass => "Multiclass classification",
        Task::Regression => "Regression",
    }
}

/// A column's kind in words.
pub(crate) fn kind_label(kind: Kind) -> &'static str {
    match kind {
        Kind::Number => "number",
        Kind::IntegerCategory => "integer code",
        Kind::Category => "category",
        Kind::Boolean => "yes / no",
        Kind::Datetime => "date / time",
        Kind::Text => "text",
        Kind::Identifier => "identifier",
        Kind::Constant => "constant",
        Kind::Unsupported => "unsupported",
    }
}

/// A severity in words and tone.
pub(crate) fn severity(severity: Severity) -> (Tone, &'static str) {
    match severity {
        Severity::Info => (Tone::Neutral, "Note"),
        Severity::Warning => (Tone::Warning, "Warning"),
        Severity::Severe => (Tone::Severe, "Severe"),
    }
}

/// An alert in words.
pub(crate) fn alert_label(kind: AlertKind) -> &'static str {
    match kind {
        AlertKind::Constant => "Constant",
        AlertKind::NearConstant => "Nearly constant",
        AlertKind::Empty => "Empty",
        AlertKind::Missing => "Missing values",
        AlertKind::Zeros => "Many zeros",
        AlertKind::Infinite => "Infinite values",
        AlertKind::IdLike => "Looks like an identifier",
        AlertKind::Unique => "Every value distinct",
        AlertKind::HighCardinality => "Very many categories",
        AlertKind::Skewed => "Skewed",
        AlertKind::Imbalanced => "Imbalanced",
        AlertKind::DuplicateRows => "Duplicate rows",
        AlertKind::DuplicateColumns => "Duplicate columns",
        AlertKind::HighCorrelation => "Highly correlated",
        AlertKind::MixedTypes => "Mixed types",
        AlertKind::DirtyCategories => "Spelling variants",
        AlertKind::Sentinel => "Stand-in for missing",
        AlertKind::DateAsText => "Dates as text",
        AlertKind::ConstantLength => "Constant length",
        AlertKind::Uniform => "Uniform",
        AlertKind::NonStationary => "Level changes along the file",
        AlertKind::Unsupported => "Unsupported values",
        AlertKind::RareClass => "Rare class",
    }
}

/// A kind of leak in words.
pub(crate) fn leak_label(kind: LeakKind) -> &'static str {
    match kind {
        LeakKind::TargetProxy => "One column nearly gives the target away",
        LeakKind::TargetCopy => "A copy of the target",
        LeakKind::Identifier => "An identifier predicts the target",
        LeakKind::FilledAfterwards => "Filled only once the target is known",
        LeakKind::DuplicateAcrossSplit => "The same rows in training and test",
        LeakKind::GroupAcrossSplit => "A group on both sides of the split",
        LeakKind::TimeOrderIgnored => "Time order ignored",
    }
}

/// What was done about a leak, in tone and words.
pub(crate) fn leak_action(action: LeakAction) -> (Tone, &'static str) {
    match action {
        LeakAction::Reported => (Tone::Warning, "Only reported"),
        LeakAction::Excluded => (Tone::Good, "Excluded"),
        LeakAction::KeptOnRequest => (Tone::Severe, "Kept on request"),
        LeakAction::RowsKeptTogether => (Tone::Good, "Rows kept together"),
    }
}

/// What is known of a metric; `None` for a name that is not in the catalog.
pub(crate) fn metric(name: &str) -> Option<&'static MetricSpec> {
    METRICS.iter().map(|m| m.spec).find(|spec| spec.name == name)
}

/// A metric as it is called in a sentence; an unknown one by its name.
pub(crate) fn metric_label(name: &str) -> String {
    match name {
        "rmse" => "RMSE".to_owned(),
        EXPECTED_COST => "Cost per row".to_owned(),
        _ => metric(name).map_or_else(|| clean(name), |spec| spec.title.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn direction_marks_and_control_characters_become_visible() {
        assert_eq!(clean("a\u{202e}b"), "a\u{fffd}b");
        assert_eq!(clean("a\nb"), "a b");
        assert_eq!(sentence("x\u{0}y\nz"), "x\u{fffd}y z");
        assert_eq!(remark("`a` is odd"), "“a” is odd.");
        assert_eq!(remark("only 3 rows?"), "Only 3 rows?");
        assert_eq!(sentence("`a` and `"), "“a” and `");
        assert_eq!(clean(&"x".repeat(200)).chars().count(), NAME_LENGTH_MAX);
    }

    #[test]
    fn numbers_of_groups_are_rounded_and_stay_apart() {
        assert_eq!(group("-0.044641636506989144"), "−0.04464");
        assert_eq!(group("below -0.04183993948900423"), "below −0.04184");
        assert_eq!(group("f · 0.123451 to below 0.123452"), "f · 0.123451 to below 0.123452");
        assert_eq!(group("12 to below 25.5"), "12 to below 25.5");
        assert_eq!(group("of 0.1234567."), "of 0.1235.");
        assert_eq!(group("2024-01-05 and more"), "2024-01-05 and more");
        assert_eq!(group("version 1.22.3333333"), "version 1.22.3333333");
    }

    #[test]
    fn long_lists_are_cut_and_say_so() {
        let names: Vec<String> = (0..7).map(|i| format!("c{i}")).collect();
        assert_eq!(quoted_list(&names), "“c0”, “c1”, “c2”, “c3”, “c4” and 2 more");
        assert_eq!(quoted_list(&names[..1]), "“c0”");
    }
}
