//! Alerts on the distribution of numbers.

use modelwright_core::data::{ColumnData, Kind, Numbers as Values, number_text};
use modelwright_core::record::{Alert, AlertKind, Numbers, Severity};

use super::Facts;
use crate::profile::wording::{count, percent, share};

/// Beyond this skewness numbers are strongly skewed (fg-data-profiling's threshold).
const SKEWNESS: f64 = 20.0;
/// From this share of zeros on, and below "nearly constant".
const ZEROS: (f64, f64) = (0.5, 0.99);
/// Fewer values than this have no shape.
const SHAPE_ROWS_MIN: usize = 1000;
/// Numbers that people write for "missing", at the edge of a range.
const SENTINELS: [f64; 14] = [
    -1.0,
    -9.0,
    -99.0,
    -999.0,
    -9999.0,
    -99_999.0,
    -999_999.0,
    99.0,
    999.0,
    9999.0,
    99_999.0,
    999_999.0,
    9_999_999.0,
    99_999_999.0,
];
/// A sentinel occurs at least so often.
const SENTINEL_ROWS_MIN: usize = 3;
/// −1 lies close to counts; it is suspicious only as a spike of this share.
const MINUS_ONE_SHARE: f64 = 0.05;
/// Quantile of chi-squared with 23 degrees of freedom that evenly spread numbers stay below in
/// half of all cases.
const CHI2_23_MEDIAN: f64 = 22.337;

pub(super) fn check(facts: &Facts<'_>) -> Vec<Alert> {
    let Some(numbers) = &facts.profile.numbers else { return Vec::new() };
    let mut alerts = Vec::new();
    if numbers.n_infinite > 0 {
        let what = format!("is infinite in {} rows", count(numbers.n_infinite));
        alerts.push(facts.alert(AlertKind::Infinite, Severity::Warning, what));
    }
    if facts.kind() == Kind::Number {
        alerts.extend(zeros(facts, numbers));
        alerts.extend(skewed(facts, numbers));
        alerts.extend(uniform(facts, numbers));
    }
    if matches!(facts.kind(), Kind::Number | Kind::IntegerCategory) {
        alerts.extend(sentinel(facts, numbers));
    }
    alerts
}

fn zeros(facts: &Facts<'_>, numbers: &Numbers) -> Option<Alert> {
    let part = share(numbers.n_zero, numbers.n_finite);
    let what = format!("is 0 in {} rows ({})", count(numbers.n_zero), percent(part));
    ((ZEROS.0..ZEROS.1).contains(&part) && facts.profile.n_distinct > 2)
        .then(|| facts.alert(AlertKind::Zeros, Severity::Info, what))
}

fn skewed(facts: &Facts<'_>, numbers: &Numbers) -> Option<Alert> {
    let skewness = numbers.skewness?;
    let what = format!(
        "is strongly skewed (skewness {skewness:.0}): the largest value is {}, the median {}",
        number_text(numbers.max?),
        number_text(*numbers.quantiles.get(3)?),
    );
    (skewness.abs() > SKEWNESS).then(|| facts.alert(AlertKind::Skewed, Severity::Info, what))
}

/// Pearson's chi-squared of the histogram against equal bars.
fn uniform(facts: &Facts<'_>, numbers: &Numbers) -> Option<Alert> {
    let bars = &numbers.histogram;
    let (n, k) = (numbers.n_finite as f64, bars.len() as f64);
    if numbers.n_finite < SHAPE_ROWS_MIN || bars.len() != 24 || facts.profile.n_distinct < 240 {
        return None;
    }
    let expected = n / k;
    let chi2: f64 = bars.iter().map(|b| (b.n_rows as f64 - expected).powi(2) / expected).sum();
    let what = format!(
        "spreads evenly from {} to {}, as numberings and simulated values do",
        number_text(numbers.min?),
        number_text(numbers.max?),
    );
    (chi2 < CHI2_23_MEDIAN).then(|| facts.alert(AlertKind::Uniform, Severity::Info, what))
}

/// A spike of −1, 999 or the like, alone at the edge of the range.
fn sentinel(facts: &Facts<'_>, numbers: &Numbers) -> Option<Alert> {
    let ColumnData::Number(values) = &facts.column.data else { return None };
    [numbers.min?, numbers.max?].into_iter().find_map(|edge| {
        if !SENTINELS.contains(&edge) {
            return None;
        }
        let rest = Rest::without(values, edge);
        let n_edge = numbers.n_finite - rest.n;
        let part = share(n_edge, numbers.n_finite);
        let suspicious = if edge == -1.0 {
            rest.min >= 0.0 && rest.max >= 10.0 && part >= MINUS_ONE_SHARE
        } else {
            let gap = (edge - rest.max).max(rest.min - edge);
            rest.n >= 10 && gap >= (rest.max - rest.min) / 2.0 && gap > 1.0 && rest.max > rest.min
        };
        let what = format!(
            "is {} in {} rows ({}) while all other values lie from {} to {}: does it stand for \
             missing?",
            number_text(edge),
            count(n_edge),
            percent(part),
            number_text(rest.min),
            number_text(rest.max),
        );
        (suspicious && n_edge >= SENTINEL_ROWS_MIN)
            .then(|| facts.alert(AlertKind::Sentinel, Severity::Warning, what))
    })
}

/// The finite values other than one of them.
struct Rest {
    n: usize,
    min: f64,
    max: f64,
}

impl Rest {
    fn without(values: &Values, edge: f64) -> Self {
        let mut rest = Self { n: 0, min: f64::INFINITY, max: f64::NEG_INFINITY };
        values.iter().filter(|v| v.is_finite() && *v != edge).for_each(|value| {
            rest.n += 1;
            rest.min = rest.min.min(value);
            rest.max = rest.max.max(value);
        });
        rest
    }
}
