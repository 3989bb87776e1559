//! What a search offers beside its winner, and where the winner is weak.

use modelwright_core::record::{
    CurveSize, Interval, MetricValue, MoreRows, MoreRowsRecord, Offer, RunRecord, Share,
    SliceExample, SlicesRecord, Suspect, SuspectsRecord, WeakSlice,
};

/// Adds offers, weak slices and suspects to a binary record.
pub(super) fn add(record: &mut RunRecord) {
    record.options.with_rows = true;
    record.slices = Some(SlicesRecord {
        loss: "error rate".into(),
        n_rows_searched: 4884,
        n_rows_tested: 4885,
        n_tested: 9,
        mean_loss: 0.131,
        constant_loss: Some(0.239),
        level: None,
        weak: vec![WeakSlice {
            conditions: vec!["marital_status = Married".into(), "42 < age ≤ 51".into()],
            n_rows: 812,
            mean_loss: 0.284,
            constant_loss: Some(0.447),
            held: None,
            difference: 0.183,
            ci95: Interval { low: 0.15, high: 0.216 },
            p_value: 2e-9,
            examples: vec![SliceExample {
                values: vec![
                    ("marital_status".into(), Some("Married".into())),
                    ("age".into(), Some("47".into())),
                    ("occupation".into(), None),
                ],
                truth: ">50K".into(),
                said: "<=50K".into(),
            }],
        }],
    });
    record.suspects = Some(SuspectsRecord {
        n_rows: 31_259,
        n_suspects: 412,
        method: "confident learning on out-of-fold probabilities".into(),
        rows: [(8112, 0.0004), (117, 0.0011), (30_022, 0.0031)]
            .map(|(row, chance)| Suspect {
                row: Some(row),
                given: ">50K".into(),
                expected: "<=50K".into(),
                chance: Some(chance),
                deviations: None,
            })
            .into(),
    });
    record.more_rows = Some(more_rows());
    record.offers = vec![
        offer(
            &[("gbdt-default", 0.52), ("gbdt-deep", 0.32), ("linear-one-hot", 0.16)],
            (0.9279, 0.0),
            (0.9294, 0.9239, 0.9349),
        ),
        offer(&[("gbdt-default", 1.0)], (0.9273, 0.0083), (0.9290, 0.9234, 0.9345)),
    ];
}

/// A curve that still rises.
fn more_rows() -> MoreRowsRecord {
    let points = [(1953, 0.9153), (3907, 0.9192), (7814, 0.9228), (15_629, 0.9259)];
    let size = |(n_rows, score): (usize, f64)| CurveSize {
        n_rows,
        score,
        ci95: Some(Interval { low: score - 0.006, high: score + 0.006 }),
    };
    MoreRowsRecord {
        trial: "gbdt-default".into(),
        metric: "roc_auc".into(),
        n_rows_tested: 9769,
        points: points.map(size).into(),
        last_gain: 0.0031,
        last_ci95: Interval { low: 0.0014, high: 0.0048 },
        last_p_value: 0.0004,
        next_gain: Some(0.0027),
        limit: Some(0.951),
        rope: 0.005,
        finding: MoreRows::WouldNotHelp,
        words: "More rows of the same kind would not help: twice as many are expected to make no \
                difference that matters. Other columns might."
            .into(),
    }
}

fn offer(
    members: &[(&str, f64)],
    (score, more_error): (f64, f64),
    (value, low, high): (f64, f64, f64),
) -> Offer {
    let share = |(trial, weight): &(&str, f64)| Share { trial: (*trial).into(), weight: *weight };
    Offer {
        members: members.iter().map(share).collect(),
        score: Some(score),
        more_error: Some(more_error),
        tied: false,
        feature_cost: None,
        holdout: Some(MetricValue {
            name: "roc_auc".into(),
            value: Some(value),
            ci95: Some(Interval { low, high }),
            note: None,
        }),
    }
}
