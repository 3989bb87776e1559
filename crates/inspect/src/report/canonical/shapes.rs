//! Functions of a machine that adds them up, and a change by hand.

use modelwright_core::record::{
    EditRecord, Interval, MetricValue, ShapeBin, ShapeTerm, Shapes, TermEdit,
};

/// Functions of a number, of a category and of a pair.
pub(super) fn shapes() -> Shapes {
    let term = |features: &[&str], importance: f64| ShapeTerm {
        columns: features.iter().map(|f| (*f).to_owned()).collect(),
        features: features.iter().map(|f| (*f).to_owned()).collect(),
        importance,
        bins: Vec::new(),
        sides: Vec::new(),
        table: Vec::new(),
    };
    let missing = ShapeBin { missing: true, add: vec![1200.0], ..ShapeBin::default() };
    let range = |above: Option<f64>, up_to: Option<f64>, add: f64| ShapeBin {
        above,
        up_to,
        add: vec![add],
        ..ShapeBin::default()
    };
    let numbers = vec![
        range(None, Some(2.5), -41_000.0),
        range(Some(2.5), Some(4.0), -3_500.0),
        range(Some(4.0), None, 62_000.0),
        missing.clone(),
    ];
    let level = |name: &str, add: f64| ShapeBin {
        levels: vec![name.to_owned()],
        add: vec![add],
        ..ShapeBin::default()
    };
    let levels = vec![level("INLAND", -52_000.0), level("NEAR BAY", 11_000.0), missing];
    let side = |cut: f64| {
        vec![
            ShapeBin { up_to: Some(cut), ..ShapeBin::default() },
            ShapeBin { above: Some(cut), missing: true, ..ShapeBin::default() },
        ]
    };
    Shapes {
        format: Shapes::FORMAT.to_owned(),
        target: "median_house_value".to_owned(),
        scale: "value".to_owned(),
        outputs: vec!["median_house_value".to_owned()],
        intercepts: vec![206_000.0],
        terms: vec![
            ShapeTerm { bins: numbers, ..term(&["median_income"], 38_400.0) },
            ShapeTerm { bins: levels, ..term(&["ocean_proximity"], 21_700.0) },
            ShapeTerm {
                sides: vec![side(34.0), side(-120.0)],
                table: vec![vec![vec![-8_000.0], vec![2_000.0]], vec![vec![5_000.0], vec![-900.0]]],
                ..term(&["latitude", "longitude"], 4_100.0)
            },
        ],
    }
}

/// One change, which made the model a little worse.
pub(super) fn edit() -> EditRecord {
    let rmse = |value: f64| MetricValue {
        name: "rmse".to_owned(),
        value: Some(value),
        ci95: Some(Interval { low: value - 900.0, high: value + 1_000.0 }),
        note: None,
    };
    EditRecord {
        author: "A. Turing".to_owned(),
        reason: Some("no discount for places inland".to_owned()),
        created: "2026-11-27T09:00:00Z".to_owned(),
        parent_sha256: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
            .to_owned(),
        terms: vec![TermEdit {
            features: vec!["ocean_proximity".to_owned()],
            n_changed: 1,
            n_numbers: 3,
            largest: 20_000.0,
        }],
        on: "newer.csv".to_owned(),
        n_rows: 1_000,
        before: vec![rmse(47_020.0)],
        after: vec![rmse(48_310.0)],
        learned_from: false,
    }
}
