//! Alerts on the target: missing values, imbalance, rare classes.

use std::collections::BTreeMap;

use modelwright_core::record::{Alert, AlertKind, Severity};

use super::{Facts, strings};
use crate::profile::guess_task;
use crate::profile::wording::{count, percent, share};

/// A class with fewer rows than this share is worth knowing, probably matters.
const MINORITY: (f64, f64) = (0.1, 0.01);
/// A class with fewer rows cannot be learned or tested well.
const CLASS_ROWS_MIN: u64 = 10;

pub(super) fn check(facts: &Facts<'_>) -> Vec<Alert> {
    let mut alerts = Vec::new();
    let n_missing = facts.profile.n_missing;
    if n_missing > 0 {
        let what = format!(
            "is the target and missing in {} {} ({}); {} left out",
            count(n_missing),
            if n_missing == 1 { "row" } else { "rows" },
            percent(share(n_missing, facts.profile.n_rows)),
            if n_missing == 1 { "it is" } else { "they are" }
        );
        alerts.push(facts.alert(AlertKind::Missing, Severity::Warning, what));
    }
    let Ok((task, _)) = guess_task(facts.column, &facts.profile.kind) else { return alerts };
    if !task.is_classification() {
        return alerts;
    }
    let classes = class_counts(facts);
    alerts.extend(strings::spellings(facts));
    alerts.extend(imbalance(facts, &classes));
    alerts.extend(rare(facts, &classes));
    alerts
}

/// Labels with their rows, rarest first; counted, because a sketch's counters of many labels are
/// lower bounds.
fn class_counts(facts: &Facts<'_>) -> Vec<(String, u64)> {
    let column = facts.column;
    let mut rows_of: BTreeMap<u64, (usize, u64)> = BTreeMap::new();
    for row in (0..column.n_rows()).filter(|row| !column.is_missing(*row)) {
        rows_of.entry(column.key(row)).or_insert((row, 0)).1 += 1;
    }
    let label = |(first, n)| (column.display(first).unwrap_or_default(), n);
    let mut counts: Vec<(String, u64)> = rows_of.into_values().map(label).collect();
    counts.sort_by(|a, b| a.1.cmp(&b.1).then_with(|| a.0.cmp(&b.0)));
    counts
}

fn imbalance(facts: &Facts<'_>, classes: &[(String, u64)]) -> Option<Alert> {
    let (Some((rarest, n)), Some((commonest, m))) = (classes.first(), classes.last()) else {
        return None;
    };
    let n_present = facts.n_present();
    let (small, large) = (share(*n as usize, n_present), share(*m as usize, n_present));
    // With many classes each is small; what counts is the distance from equal shares.
    if small * classes.len() as f64 >= MINORITY.0 * 2.0 {
        return None;
    }
    let severity =
        if classes.len() == 2 && small < MINORITY.1 { Severity::Warning } else { Severity::Info };
    let what = format!(
        "is the target and imbalanced: `{commonest}` has {} of rows, `{rarest}` {}",
        percent(large),
        percent(small)
    );
    Some(facts.alert(AlertKind::Imbalanced, severity, what))
}

fn rare(facts: &Facts<'_>, classes: &[(String, u64)]) -> Option<Alert> {
    let rare: Vec<&(String, u64)> = classes.iter().filter(|(_, n)| *n < CLASS_ROWS_MIN).collect();
    let shown: Vec<String> =
        rare.iter().take(5).map(|(label, n)| format!("`{label}` ({n} rows)")).collect();
    let what = format!(
        "is the target and has {} with fewer than {CLASS_ROWS_MIN} rows: {}",
        if rare.len() == 1 { "1 class".to_owned() } else { format!("{} classes", rare.len()) },
        shown.join(", ")
    );
    (!rare.is_empty()).then(|| facts.alert(AlertKind::RareClass, Severity::Warning, what))
}
