//! A made-up explanation: swarms of two columns, a number and a category along which predictions
//! move, and one row.

use modelwright_core::record::{
    DependenceLine, DependencePoint, DependenceRecord, EffectRecord, ExamplePart, ExampleRecord,
    ExplanationRecord, Interval, ProfilePointRecord, ProfileRecord, ResponseGroup, ResponseRecord,
    SurrogateLeaf, SurrogateRecord, SwarmBin,
};

/// Of 400 of the untouched rows of the two-class record.
pub(crate) fn binary() -> ExplanationRecord {
    ExplanationRecord {
        method: "permutation".to_owned(),
        scale: "probability".to_owned(),
        n_rows: 400,
        n_background: 16,
        outputs: vec![">50K".to_owned()],
        base_values: vec![0.2394],
        effects: vec![
            effect("marital_status", 0.0601, false),
            effect("age", 0.0482, true),
            effect("education_num", 0.0302, true),
            EffectRecord { swarm: vec![], ..effect("race", 0.0002, false) },
        ],
        profiles: vec![along_age(), along_status()],
        n_untimely: Some(0),
        dependences: vec![age_by_status()],
        responses: vec![responses_to_age()],
        surrogate: Some(rules()),
        examples: vec![ExampleRecord {
            label: "the highest prediction".to_owned(),
            output: ">50K".to_owned(),
            prediction: 0.91,
            base_value: 0.2394,
            parts: vec![
                part("capital_gain", "15024", 0.42),
                part("marital_status", "Married-civ-spouse", 0.19),
                part("age", "52", 0.08),
            ],
            others: -0.0194,
        }],
    }
}

/// What age adds differs between those who are married and those who are not.
fn age_by_status() -> DependenceRecord {
    let line = |label: &str, slope: f64| DependenceLine {
        label: label.to_owned(),
        points: (2..7)
            .map(|i| DependencePoint {
                value: f64::from(i) * 10.0,
                effect: slope * f64::from(i - 4),
                n_rows: 40,
            })
            .collect(),
    };
    DependenceRecord {
        column: "age".to_owned(),
        by: Some("marital_status".to_owned()),
        share: 0.42,
        n_rows: 500,
        lines: vec![line("Married-civ-spouse", 0.06), line("Never-married", 0.01)],
    }
}

/// Those who are married respond to age, the others hardly.
fn responses_to_age() -> ResponseRecord {
    let curve = |slope: f64| (0..6).map(|i| slope * f64::from(i)).collect::<Vec<f64>>();
    let group = |label: &str, slope: f64| ResponseGroup {
        label: label.to_owned(),
        n_rows: 60,
        mean: curve(slope),
        lines: (0..8).map(|i| curve(slope + 0.004 * f64::from(i - 4))).collect(),
    };
    ResponseRecord {
        column: "age".to_owned(),
        output: ">50K".to_owned(),
        n_rows: 120,
        rows_per_line: 5,
        is_instant: false,
        common: Some(0.43),
        by: Some("marital_status".to_owned()),
        share: 0.38,
        points: (0..6).map(|i| 20.0 + 8.0 * f64::from(i)).collect(),
        groups: vec![group("Married-civ-spouse", 0.05), group("Never-married", 0.01)],
    }
}

fn part(column: &str, value: &str, effect: f64) -> ExamplePart {
    ExamplePart {
        standard_error: None,
        column: column.to_owned(),
        value: Some(value.to_owned()),
        effect,
        text: format!("{column} {value} raises the chance of >50K by {} points", effect * 100.0),
    }
}

fn effect(column: &str, mean_abs: f64, is_number: bool) -> EffectRecord {
    let bin = |i: usize| SwarmBin {
        effect: mean_abs * (i as f64 - 6.0) / 3.0,
        level: is_number.then_some((i / 3).min(4) as u8),
        n_rows: 1 + (i * 37) % 60,
    };
    EffectRecord {
        column: column.to_owned(),
        mean_abs,
        ci95: Interval { low: mean_abs * 0.94, high: mean_abs * 1.06 },
        swarm: (0..14).map(bin).collect(),
    }
}

/// Three rules.
fn rules() -> SurrogateRecord {
    let leaf = |conditions: &[&str], n_rows, value| SurrogateLeaf {
        conditions: conditions.iter().map(|c| (*c).to_owned()).collect(),
        n_rows,
        class: None,
        value,
    };
    let married = "marital_status = Married-civ-spouse";
    SurrogateRecord {
        n_rows: 2000,
        n_rows_tested: 2000,
        r2: 0.71,
        agreement: Some(0.91),
        leaves: vec![
            leaf(&[married, "education_num > 12"], 310, 0.72),
            leaf(&[married, "education_num ≤ 12"], 640, 0.34),
            leaf(&["marital_status is not Married-civ-spouse"], 1050, 0.07),
        ],
    }
}

fn along_age() -> ProfileRecord {
    let point = |i: u32| ProfilePointRecord {
        value: (17 + 6 * i).to_string(),
        number: Some(f64::from(17 + 6 * i)),
        n_rows: 40,
        effect: 0.09 - 0.004 * (f64::from(i) - 6.0).powi(2),
        half_width: 0.01,
    };
    ProfileRecord {
        column: "age".to_owned(),
        method: "ale".to_owned(),
        output: ">50K".to_owned(),
        n_rows: 500,
        is_instant: false,
        points: (0..11).map(point).collect(),
    }
}

fn along_status() -> ProfileRecord {
    let point = |(value, effect): (&str, f64)| ProfilePointRecord {
        value: value.to_owned(),
        number: None,
        n_rows: 160,
        effect,
        half_width: 0.012,
    };
    let points = [("Married-civ-spouse", 0.11), ("Never-married", -0.08), ("Divorced", -0.05)];
    ProfileRecord {
        column: "marital_status".to_owned(),
        method: "partial_dependence".to_owned(),
        output: ">50K".to_owned(),
        n_rows: 500,
        is_instant: false,
        points: points.into_iter().map(point).collect(),
    }
}
