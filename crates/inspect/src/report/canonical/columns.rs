//! Profiles of made-up tables.

use modelwright_core::data::Kind;
use modelwright_core::record::{
    Alert, AlertKind, Bin, ColumnProfile, KindGuess, Level, Numbers, Severity, TableProfile,
};

/// A histogram of `n_rows` with the given shape over `[0, 1]`.
pub(super) fn bins(
    low: f64,
    high: f64,
    n: usize,
    shape: impl Fn(f64) -> f64,
    n_rows: usize,
) -> Vec<Bin> {
    let weight = |i: usize| shape((i as f64 + 0.5) / n as f64).max(0.0);
    let total: f64 = (0..n).map(weight).sum();
    let edge = |i: usize| low + (high - low) * i as f64 / n as f64;
    let bin = |i| Bin {
        from: edge(i),
        to: edge(i + 1),
        n_rows: (weight(i) / total * n_rows as f64).round() as usize,
    };
    (0..n).map(bin).collect()
}

/// Number columns of different shapes.
pub(super) fn numbers(names: &[&str], n_rows: usize) -> TableProfile {
    let column = |(i, name): (usize, &&str)| {
        let middle = 0.2 + 0.1 * (i % 7) as f64;
        number(name, n_rows, 0, -12.5 * i as f64, 100.0 + i as f64, move |x| {
            (-(x - middle) * (x - middle) * 14.0).exp()
        })
    };
    TableProfile {
        n_rows,
        n_duplicate_rows: 3,
        size_bytes: n_rows * names.len() * 8,
        columns: names.iter().enumerate().map(column).collect(),
        n_left_out: 0,
        alerts: vec![],
    }
}

/// A column without a value.
pub(super) fn empty(name: &str, n_rows: usize) -> ColumnProfile {
    ColumnProfile {
        n_missing: n_rows,
        n_distinct: 0,
        ..plain(name, Kind::Constant, n_rows, "no value")
    }
}

fn plain(name: &str, kind: Kind, n_rows: usize, evidence: &str) -> ColumnProfile {
    ColumnProfile {
        name: name.into(),
        kind: KindGuess { kind, evidence: evidence.into(), overridden: false },
        n_rows,
        n_missing: 0,
        n_distinct: 1,
        distinct_is_exact: true,
        top: vec![],
        numbers: None,
        texts: None,
    }
}

fn number(
    name: &str,
    n_rows: usize,
    n_missing: usize,
    low: f64,
    high: f64,
    shape: impl Fn(f64) -> f64,
) -> ColumnProfile {
    let n = n_rows - n_missing;
    let at = |share: f64| low + share * (high - low);
    ColumnProfile {
        n_missing,
        n_distinct: (n / 3).max(1),
        distinct_is_exact: n < 10_000,
        numbers: Some(Numbers {
            n_finite: n,
            integral: false,
            min: Some(low),
            max: Some(high),
            mean: Some(at(0.42)),
            std: Some((high - low) / 6.0),
            skewness: Some(0.3),
            quantiles: [0.02, 0.08, 0.3, 0.41, 0.55, 0.8, 0.95].map(at).to_vec(),
            histogram: bins(low, high, 20, shape, n),
            ..Numbers::default()
        }),
        ..plain(name, Kind::Number, n_rows, "numbers with order and distance")
    }
}

fn category(name: &str, n_rows: usize, n_missing: usize, top: &[(&str, f64)]) -> ColumnProfile {
    let n = (n_rows - n_missing) as f64;
    let level =
        |(v, share): &(&str, f64)| Level { value: (*v).into(), n_rows: (share * n) as usize };
    let kind = if top.len() == 2 { Kind::Boolean } else { Kind::Category };
    ColumnProfile {
        n_missing,
        n_distinct: top.len(),
        top: top.iter().map(level).collect(),
        ..plain(name, kind, n_rows, "few distinct words")
    }
}

/// The columns of a census table.
pub(super) fn adult() -> TableProfile {
    let n = 39_074;
    TableProfile {
        n_rows: n,
        n_duplicate_rows: 41,
        size_bytes: 3_140_000,
        columns: adult_columns(n),
        n_left_out: 0,
        alerts: adult_alerts(),
    }
}

fn adult_columns(n: usize) -> Vec<ColumnProfile> {
    let skewed = |x: f64| (-x * 30.0).exp();
    vec![
        number("age", n, 0, 17.0, 90.0, |x| (x + 0.1) * (-x * 4.5).exp()),
        category(
            "workclass",
            n,
            2_243,
            &[
                ("Private", 0.74),
                ("Self-emp-not-inc", 0.08),
                ("Local-gov", 0.067),
                ("State-gov", 0.04),
                ("Self-emp-inc", 0.035),
                ("Federal-gov", 0.03),
            ],
        ),
        number("fnlwgt", n, 0, 12_285.0, 1_490_400.0, |x| (x + 0.02) * (-x * 14.0).exp()),
        category(
            "education",
            n,
            0,
            &[("HS-grad", 0.32), ("Some-college", 0.22), ("Bachelors", 0.16), ("Masters", 0.05)],
        ),
        number("education_num", n, 0, 1.0, 16.0, |x| (-(x - 0.6) * (x - 0.6) * 20.0).exp()),
        category(
            "marital_status",
            n,
            0,
            &[("Married-civ-spouse", 0.46), ("Never-married", 0.33), ("Divorced", 0.14)],
        ),
        category(
            "occupation",
            n,
            2_253,
            &[
                ("Prof-specialty", 0.13),
                ("Craft-repair", 0.13),
                ("Exec-managerial", 0.13),
                ("Adm-clerical", 0.12),
                ("Sales", 0.12),
            ],
        ),
        category(
            "relationship",
            n,
            0,
            &[("Husband", 0.4), ("Not-in-family", 0.26), ("Own-child", 0.15)],
        ),
        category("race", n, 0, &[("White", 0.85), ("Black", 0.1), ("Other", 0.05)]),
        category("sex", n, 0, &[("Male", 0.67), ("Female", 0.33)]),
        number("capital_gain", n, 0, 0.0, 99_999.0, skewed),
        number("capital_loss", n, 0, 0.0, 4_356.0, skewed),
        number("hours_per_week", n, 0, 1.0, 99.0, |x| (-(x - 0.4) * (x - 0.4) * 60.0).exp()),
        category(
            "native_country",
            n,
            686,
            &[("United-States", 0.91), ("Mexico", 0.02), ("India", 0.004)],
        ),
        ColumnProfile {
            n_distinct: 4,
            ..category("tax_band", n, 0, &[("low", 0.7), ("mid", 0.2), ("high", 0.1)])
        },
        category("income", n, 0, &[("<=50K", 0.76), (">50K", 0.24)]),
    ]
}

fn adult_alerts() -> Vec<Alert> {
    let alert = |kind, severity, column: &str, message: &str| Alert {
        kind,
        severity,
        columns: if column.is_empty() { vec![] } else { vec![column.into()] },
        message: message.into(),
    };
    vec![
        alert(
            AlertKind::DuplicateRows,
            Severity::Info,
            "",
            "41 of 39,074 rows repeat an earlier row",
        ),
        alert(AlertKind::Zeros, Severity::Warning, "capital_gain", "91.7 % of the values are 0"),
        alert(AlertKind::Skewed, Severity::Warning, "capital_gain", "skewness 11.9"),
        alert(
            AlertKind::Sentinel,
            Severity::Warning,
            "capital_gain",
            "99999 occurs 192 times: it may stand for missing",
        ),
        alert(
            AlertKind::Missing,
            Severity::Info,
            "occupation",
            "2,253 of 39,074 values (5.8 %) are missing",
        ),
    ]
}
