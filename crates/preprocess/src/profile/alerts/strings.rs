//! Alerts on strings: dirty categories, mixed types, dates and numbers held as text.

use std::collections::BTreeMap;

use modelwright_core::data::{ColumnData, Kind, MISSING_CODE, Strings};
use modelwright_core::record::{Alert, AlertKind, Severity};

use super::Facts;
use crate::profile::kind::looks_like_date;
use crate::profile::wording::{count, percent, share};

/// Distinct values that are compared at most.
const VALUES_MAX: usize = 20_000;
/// Numbers and words are mixed between these shares of rows.
const MIXED: (f64, f64) = (0.1, 1.0);
/// Fewer distinct numbers than this may be codes.
const NUMBERS_MIN: usize = 10;
/// The share of values that must look like dates.
const DATES: f64 = 0.9;

pub(super) fn check(facts: &Facts<'_>) -> Vec<Alert> {
    let ColumnData::String { codes, dictionary } = &facts.column.data else { return Vec::new() };
    let usable = matches!(facts.kind(), Kind::Category | Kind::Text | Kind::Boolean);
    if !usable || facts.profile.n_distinct == 0 {
        return Vec::new();
    }
    let counts = counts(codes, dictionary);
    if let Some(alert) = dates(facts, &counts) {
        return vec![alert];
    }
    let mut alerts = Vec::new();
    alerts.extend(mixed(facts, &counts));
    if facts.kind() != Kind::Text {
        alerts.extend(dirty(facts, &counts));
    }
    alerts.extend(one_length(facts));
    alerts
}

/// Classes of a target that differ in case or blanks only.
pub(super) fn spellings(facts: &Facts<'_>) -> Option<Alert> {
    let ColumnData::String { codes, dictionary } = &facts.column.data else { return None };
    dirty(facts, &counts(codes, dictionary))
}

/// The values that occur, with their rows, in order of first appearance.
fn counts<'a>(codes: &[u32], dictionary: &'a Strings) -> Vec<(&'a str, usize)> {
    let mut rows = vec![0_usize; dictionary.len()];
    for code in codes.iter().filter(|c| **c != MISSING_CODE) {
        rows[*code as usize] += 1;
    }
    let values = dictionary.iter().zip(rows).filter(|(_, n)| *n > 0);
    values.take(VALUES_MAX).collect()
}

fn dates(facts: &Facts<'_>, counts: &[(&str, usize)]) -> Option<Alert> {
    let n = counts.iter().filter(|(text, _)| looks_like_date(text)).count();
    let example = counts.first()?.0;
    let what = format!(
        "looks like dates held as text (`{example}`): store them as dates, or write them all alike \
         as year-month-day"
    );
    (counts.len() >= 3 && share(n, counts.len()) >= DATES)
        .then(|| facts.alert(AlertKind::DateAsText, Severity::Warning, what))
}

/// Beyond this, f64 does not tell whole numbers apart.
const EXACT_MAX: f64 = 9_007_199_254_740_992.0;

fn mixed(facts: &Facts<'_>, counts: &[(&str, usize)]) -> Option<Alert> {
    // With the signs of percentages, money and thousands, too.
    let bare = |text: &str| {
        text.trim_matches(|c: char| c.is_whitespace() || "%$€£".contains(c)).replace(',', "")
    };
    let is_number = |text: &str| bare(text).parse::<f64>().is_ok_and(f64::is_finite);
    let is_large = |text: &str| text.trim().parse::<f64>().is_ok_and(|v| v.abs() >= EXACT_MAX);
    let (numbers, words): (Vec<_>, Vec<_>) = counts.iter().partition(|(text, _)| is_number(text));
    let rows = |part: &[&(&str, usize)]| part.iter().map(|(_, n)| n).sum::<usize>();
    let (n_numbers, n_words) = (rows(&numbers), rows(&words));
    let part = share(n_numbers, n_numbers + n_words);
    if !(MIXED.0..=MIXED.1).contains(&part) || numbers.len() < NUMBERS_MIN {
        return None;
    }
    let severity = if part >= 0.5 { Severity::Warning } else { Severity::Info };
    let what = match words.first() {
        None => match numbers.iter().find(|(text, _)| is_large(text)) {
            Some((text, _)) => format!(
                "holds whole numbers too large to be exact (`{text}`), like keys: they are \
                 kept as text"
            ),
            None => format!("holds only numbers, but as text (`{}`)", numbers.first()?.0),
        },
        Some((word, _)) => {
            let others = match words.len() - 1 {
                0 => format!("the word `{word}`"),
                n => format!("words (`{word}` and {} more)", count(n)),
            };
            format!("mixes numbers ({} of rows) and {others}", percent(part))
        }
    };
    Some(facts.alert(AlertKind::MixedTypes, severity, what))
}

/// Categories that are one after trimming, lower-casing and unifying blanks, `_` and `-`.
fn dirty(facts: &Facts<'_>, counts: &[(&str, usize)]) -> Option<Alert> {
    let mut groups: BTreeMap<String, Vec<(&str, usize)>> = BTreeMap::new();
    for (text, n) in counts {
        let folded = text.to_lowercase().replace(['_', '-'], " ");
        let key = folded.split_whitespace().collect::<Vec<_>>().join(" ");
        groups.entry(key).or_default().push((text, *n));
    }
    let dirty: Vec<&Vec<(&str, usize)>> = groups.values().filter(|g| g.len() > 1).collect();
    let largest = dirty.iter().max_by_key(|g| g.iter().map(|(_, n)| n).sum::<usize>())?;
    let spellings: Vec<String> =
        largest.iter().take(4).map(|(text, n)| format!("`{text}` ({})", count(*n))).collect();
    let what = format!(
        "has {} {} in several spellings: {}",
        count(dirty.len()),
        if dirty.len() == 1 { "category" } else { "categories" },
        spellings.join(", ")
    );
    Some(facts.alert(AlertKind::DirtyCategories, Severity::Warning, what))
}

/// Many distinct texts of one length: codes whose parts may be worth a column each.
fn one_length(facts: &Facts<'_>) -> Option<Alert> {
    let texts = facts.profile.texts.as_ref()?;
    let what = format!("has only texts of {} characters: a code?", texts.max_length);
    (texts.min_length == texts.max_length && texts.max_length >= 4 && facts.profile.n_distinct > 50)
        .then(|| facts.alert(AlertKind::ConstantLength, Severity::Info, what))
}
