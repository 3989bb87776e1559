//! Calibration, costs and intervals of the canonical records.

use modelwright_core::record::{
    CalibrationRecord, CalibrationTrial, ConstantCost, CostRecord, Coverage, CurvePoint,
    GroupCoverage, Interval, IntervalMethod, IntervalsRecord, LevelRecord, SecondLevelRecord,
    SecondLevelTrial,
};

/// Trees that correct the mean of the members, and weights that do so less.
pub(super) fn second_level(n_rows: usize) -> SecondLevelRecord {
    let trial = |kind: &str, gain, z, rounds| SecondLevelTrial {
        kind: kind.into(),
        gain,
        z,
        folds_better: 4,
        n_folds: 5,
        rounds,
        accepted: true,
    };
    SecondLevelRecord {
        kind: "booster".into(),
        reason: "its loss is 0.62 % smaller out of fold (2.4 standard errors, better in 4 of 5 \
                 parts)"
            .into(),
        n_rows,
        tried: vec![trial("linear", 0.0031, 1.9, None), trial("booster", 0.0062, 2.4, Some(41))],
    }
}

/// A temperature that is worth having, and what was tried beside it.
pub(super) fn calibration(n_rows: usize) -> CalibrationRecord {
    let trial = |method: &str, log_loss, gain, accepted| CalibrationTrial {
        method: method.into(),
        log_loss,
        gain,
        gain_ci95: Interval { low: gain - 0.0006, high: gain + 0.0006 },
        accepted,
    };
    CalibrationRecord {
        method: "temperature".into(),
        reason: "temperature lowers the cross-validated log loss beyond chance".into(),
        n_rows,
        log_loss: Some(0.2781),
        tried: vec![
            trial("temperature", 0.2759, 0.0022, true),
            trial("platt", 0.2758, 0.0001, false),
            trial("beta", 0.276, -0.0001, false),
            trial("isotonic", 0.2768, -0.0009, false),
        ],
    }
}

/// A false negative costs a little more than a false positive.
pub(super) fn costs() -> CostRecord {
    let point = |i: u32| {
        let x = f64::from(i) / 100.0;
        CurvePoint { x, y: 0.13 + 0.9 * (x - 0.4).powi(2), threshold: Some(x) }
    };
    CostRecord {
        costs: vec![vec![0.0, 1.0], vec![1.44, 0.0]],
        expected_cost: Some(0.1312),
        constants: vec![
            ConstantCost { class: "<=50K".into(), cost: 0.3447 },
            ConstantCost { class: ">50K".into(), cost: 0.7606 },
        ],
        curve: (0..=100).map(point).collect(),
        cheapest: Some(point(40)),
        n_rows: 31_259,
    }
}

fn coverage(n_rows: usize, share: f64, mean_size: f64) -> Coverage {
    let half = 1.96 * (share * (1.0 - share) / n_rows as f64).sqrt();
    let ci95 = Interval { low: share - half, high: (share + half).min(1.0) };
    Coverage { n_rows, share, ci95, mean_size }
}

/// Two levels of learned intervals, by the groups of a column.
pub(super) fn intervals() -> IntervalsRecord {
    let level = |level, share, width: f64| {
        let group = |name: Option<&str>, n_rows, share, size| GroupCoverage {
            group: name.map(str::to_owned),
            reached: coverage(n_rows, share, size),
        };
        LevelRecord {
            level,
            reached: Some(coverage(4_128, share, width)),
            groups: vec![
                group(Some("INLAND"), 1_310, share - 0.004, width * 0.7),
                group(Some("NEAR BAY"), 458, share - 0.05, width * 1.2),
                group(None, 2_360, share + 0.001, width * 1.1),
            ],
        }
    };
    IntervalsRecord {
        method: "quantiles".into(),
        reason: "learned quantiles of the residuals score 14.2 % better out of fold".into(),
        n_rows: 16_512,
        group: Some("ocean_proximity".into()),
        compared: vec![
            IntervalMethod {
                method: "constant".into(),
                mean_width: 98_300.0,
                interval_score: 151_000.0,
            },
            IntervalMethod {
                method: "quantiles".into(),
                mean_width: 91_200.0,
                interval_score: 129_600.0,
            },
        ],
        levels: vec![level(0.8, 0.803, 91_600.0), level(0.95, 0.948, 188_000.0)],
    }
}

/// Sets by class, on few rows.
pub(super) fn sets(classes: &[&str]) -> IntervalsRecord {
    let group = |class: &&str| GroupCoverage {
        group: Some((*class).to_owned()),
        reached: coverage(23, 0.91, 1.1),
    };
    IntervalsRecord {
        method: "sets per class".into(),
        reason: "each true class reaches the level".into(),
        n_rows: 275,
        group: None,
        compared: vec![],
        levels: vec![LevelRecord {
            level: 0.9,
            reached: Some(coverage(69, 0.942, 1.12)),
            groups: classes.iter().map(group).collect(),
        }],
    }
}
