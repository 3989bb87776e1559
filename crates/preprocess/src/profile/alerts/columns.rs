//! Alerts on how the values of a column repeat or miss.

use modelwright_core::data::Kind;
use modelwright_core::record::{Alert, AlertKind, Severity};

use super::Facts;
use crate::profile::wording::{count, percent, share};

/// From this share on, one value is "nearly all rows".
const NEAR_CONSTANT_SHARE: f64 = 0.99;
/// Fewer rows than this cannot be nearly constant or imbalanced.
const REPEATS_ROWS_MIN: usize = 100;
/// Missing shares that are worth knowing and that probably matter.
const MISSING_SHARES: (f64, f64) = (0.2, 0.5);
/// More categories than this are many (fg-data-profiling's threshold).
const CATEGORIES: usize = 50;
/// More categories than this probably matter.
const CATEGORIES_WARNING: usize = 1000;
/// From this imbalance on, one category dominates (fg-data-profiling's threshold).
const IMBALANCE: f64 = 0.5;

pub(super) fn check(facts: &Facts<'_>) -> Vec<Alert> {
    let kind = facts.kind();
    let profile = facts.profile;
    if profile.n_rows == 0 {
        return Vec::new();
    }
    if profile.n_distinct == 0 {
        let what = format!("has no value in {} rows; it is not used", count(profile.n_rows));
        return vec![facts.alert(AlertKind::Empty, Severity::Warning, what)];
    }
    if kind == Kind::Unsupported {
        let what = format!("cannot be used: {}", profile.kind.evidence);
        return vec![facts.alert(AlertKind::Unsupported, Severity::Warning, what)];
    }
    if kind == Kind::Constant {
        let what = format!("has {}; it is not used", profile.kind.evidence);
        return vec![facts.alert(AlertKind::Constant, Severity::Info, what)];
    }
    let mut alerts = Vec::new();
    alerts.extend(missing(facts));
    if kind == Kind::Identifier {
        let what = format!("only names its row and is not used: {}", profile.kind.evidence);
        alerts.push(facts.alert(AlertKind::IdLike, Severity::Info, what));
        return alerts;
    }
    alerts.extend(one_value(facts).or_else(|| imbalance(facts)));
    alerts.extend(many_values(facts));
    alerts
}

fn missing(facts: &Facts<'_>) -> Option<Alert> {
    let profile = facts.profile;
    let part = share(profile.n_missing, profile.n_rows);
    let severity = if part >= MISSING_SHARES.1 { Severity::Warning } else { Severity::Info };
    let what = format!("is missing in {} rows ({})", count(profile.n_missing), percent(part));
    (part >= MISSING_SHARES.0).then(|| facts.alert(AlertKind::Missing, severity, what))
}

fn one_value(facts: &Facts<'_>) -> Option<Alert> {
    let top = facts.profile.top.first()?;
    let part = share(top.n_rows, facts.n_present());
    let what = format!("is `{}` in {} of its values", top.value, percent(part));
    (facts.n_present() >= REPEATS_ROWS_MIN && part >= NEAR_CONSTANT_SHARE)
        .then(|| facts.alert(AlertKind::NearConstant, Severity::Info, what))
}

/// One category dominates: 1 − entropy / entropy of equal shares is high.
fn imbalance(facts: &Facts<'_>) -> Option<Alert> {
    let is_category =
        matches!(facts.kind(), Kind::Category | Kind::IntegerCategory | Kind::Boolean);
    if !is_category || facts.n_present() < REPEATS_ROWS_MIN || facts.profile.n_distinct > CATEGORIES
    {
        return None;
    }
    let counts: Vec<u64> = match (facts.sketch.texts(), facts.sketch.numbers()) {
        (Some(texts), _) => texts.frequent.entries().iter().map(|(_, n)| *n).collect(),
        (_, Some(numbers)) => numbers.frequent.entries().iter().map(|(_, n)| *n).collect(),
        _ => return None,
    };
    let score = imbalance_score(&counts);
    let top = facts.profile.top.first()?;
    let what = format!(
        "is dominated by `{}` ({} of its values)",
        top.value,
        percent(share(top.n_rows, facts.n_present()))
    );
    (score > IMBALANCE).then(|| facts.alert(AlertKind::Imbalanced, Severity::Info, what))
}

/// 0 for equal counts, towards 1 when one count has all.
pub(super) fn imbalance_score(counts: &[u64]) -> f64 {
    let n: u64 = counts.iter().sum();
    if counts.len() < 2 || n == 0 {
        return 0.0;
    }
    let term = |count: &u64| {
        let p = *count as f64 / n as f64;
        if p > 0.0 { -p * p.ln() } else { 0.0 }
    };
    1.0 - counts.iter().map(term).sum::<f64>() / (counts.len() as f64).ln()
}

fn many_values(facts: &Facts<'_>) -> Option<Alert> {
    let profile = facts.profile;
    let all_distinct = profile.distinct_is_exact && profile.n_distinct == facts.n_present();
    match facts.kind() {
        Kind::Category | Kind::IntegerCategory if profile.n_distinct > CATEGORIES => {
            let severity = if profile.n_distinct > CATEGORIES_WARNING {
                Severity::Warning
            } else {
                Severity::Info
            };
            let what = format!(
                "has {} categories in {} values",
                count(profile.n_distinct),
                count(facts.n_present())
            );
            Some(facts.alert(AlertKind::HighCardinality, severity, what))
        }
        Kind::Number
            if all_distinct
                && facts.n_present() >= REPEATS_ROWS_MIN
                && profile.numbers.as_ref().is_some_and(|n| n.integral) =>
        {
            let what = "has no whole number twice: if it is a key, give it the kind `identifier`";
            Some(facts.alert(AlertKind::Unique, Severity::Info, what))
        }
        _ => None,
    }
}
