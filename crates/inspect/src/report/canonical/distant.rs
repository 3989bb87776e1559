//! Rows unlike those of the training, and unlike those of the test.

use modelwright_core::record::{
    DistanceBand, FamiliarityRecord, Interval, UnusualCause, UnusualRecord,
};

/// The farthest rows are predicted twice as badly as the nearest.
pub(crate) fn familiarity() -> FamiliarityRecord {
    let band = |i: u32| DistanceBand {
        from: 0.02 * f64::from(i),
        to: 0.02 * f64::from(i + 1),
        n_rows: 100,
        mean_loss: 0.12 + 0.03 * f64::from(i),
    };
    FamiliarityRecord {
        on: "holdout".into(),
        n_rows: 500,
        n_training: 4000,
        n_columns: 12,
        median: 0.05,
        p90: 0.09,
        p99: 0.14,
        far: 0.13,
        n_far: 9,
        loss: "error rate".into(),
        bands: (0..5).map(band).collect(),
        p_value: Some(0.004),
        n_looked_at: 500,
        n_near: 14,
        n_train: 31_259,
        n_same: 820,
        n_conflicting: 96,
    }
}

/// Of a later file, three times as many rows are unusual as of the fit's.
pub(crate) fn unusual() -> UnusualRecord {
    let cause = |columns: &str, n_rows| UnusualCause { columns: columns.into(), n_rows };
    UnusualRecord {
        on: "2025.csv".into(),
        n_rows: 1000,
        n_judged: 5000,
        n_columns: 12,
        level: 0.01,
        n_unusual: 31,
        ci95: Some(Interval { low: 0.0219, high: 0.0437 }),
        by_chance: Interval { low: 0.004, high: 0.017 },
        causes: vec![cause("capital_gain", 19), cause("age with marital_status", 7)],
    }
}
