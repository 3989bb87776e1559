//! The audit of the canonical records: simulated people whose groups are decided on differently.

use modelwright_core::Context;
use modelwright_core::random::Random;
use modelwright_core::record::{
    Coverage, FairPoint, FairnessRecord, GroupCoverage, GroupThreshold, HeldGroups, Interval,
    MitigationRecord, MitigationTrial, Proxy, RobustnessRecord, Strain, StrainKind,
};
use modelwright_core::task::{Predictions, Target};
use modelwright_evaluate::fairness::{FairnessInput, Groups, fairness};

const N_ROWS: usize = 1_200;

/// One audit with a group that is too small, and a proxy.
pub(super) fn audits() -> FairnessRecord {
    let mut random = Random::new(11);
    let mut sex: Vec<u32> = (0..N_ROWS).map(|_| u32::from(random.unit() < 0.6)).collect();
    sex[..20].fill(2);
    let codes: Vec<u32> =
        sex.iter().map(|s| u32::from(random.unit() < 0.15 + 0.2 * f64::from(*s))).collect();
    let score = |(code, sex): (&u32, &u32)| {
        (0.25 + 0.3 * f64::from(*code) + 0.1 * f64::from(*sex) + 0.15 * random.normal())
            .clamp(0.01, 0.99)
    };
    let values: Vec<f64> = codes.iter().zip(&sex).map(score).collect();
    let predictions = Predictions::new(1, values);
    let truth = Target::Class { codes, n_classes: 2 };
    let decided = predictions.classes(0.5);
    let partition = Groups {
        columns: vec!["sex".to_owned()],
        names: ["Female", "Male", "Other"].map(str::to_owned).to_vec(),
        codes: sex,
        note: None,
    };
    let input = FairnessInput {
        truth: &truth,
        predictions: &predictions,
        decided: &decided,
        weights: None,
        units: None,
        positive: Some((1, ">50K")),
        min_group: 30,
        n_resamples: 200,
    };
    let ctx = Context::unlimited(3, 1);
    let audit = fairness(&input, &partition, &ctx).expect("the simulated rows fit");
    FairnessRecord {
        on: "holdout".into(),
        n_rows: N_ROWS,
        min_group: 30,
        interval_method: "Wilson's of rates, else a bootstrap within groups".into(),
        n_questions: 3,
        audits: vec![audit],
        held: vec![HeldGroups {
            columns: vec!["sex".into()],
            level: 0.9,
            groups: vec![reached("Female", 486, 0.91), reached("Male", 694, 0.86)],
        }],
        proxies: vec![Proxy {
            column: "relationship".into(),
            sensitive: "sex".into(),
            association: 0.65,
            told: 0.83,
            told_ci95: None,
            guessed: 0.67,
        }],
    }
}

fn reached(group: &str, n_rows: usize, share: f64) -> GroupCoverage {
    let half = 1.96 * (share * (1.0 - share) / n_rows as f64).sqrt();
    let ci95 = Interval { low: share - half, high: share + half };
    GroupCoverage {
        group: Some(group.into()),
        reached: Coverage { n_rows, share, ci95, mean_size: 1.2 },
    }
}

/// Thresholds that bring the groups closer together.
pub(super) fn mitigation() -> MitigationRecord {
    let point = |max_gap, gap, accuracy| FairPoint { max_gap, gap, accuracy };
    let group = |group: &str, threshold, selection_rate| GroupThreshold {
        group: group.into(),
        threshold,
        selection_rate,
        true_positive_rate: 0.71,
        false_positive_rate: 0.06,
    };
    MitigationRecord {
        constraint: "equal_opportunity".into(),
        max_gap: 0.05,
        method: "thresholds".into(),
        columns: vec!["sex".into()],
        threshold: 0.5,
        groups: vec![group("Female", 0.38, 0.14), group("Male", 0.57, 0.22)],
        n_rows: 31_259,
        before: point(None, 0.14, 0.872),
        after: point(Some(0.05), 0.05, 0.868),
        front: vec![
            point(Some(0.2), 0.14, 0.872),
            point(Some(0.1), 0.1, 0.871),
            point(Some(0.02), 0.02, 0.866),
        ],
        held: Some((point(None, 0.15, 0.87), point(Some(0.05), 0.06, 0.866))),
        ..MitigationRecord::default()
    }
}

/// All ways tried, and a mixture in use.
pub(super) fn mixture() -> MitigationRecord {
    let way = |method: &str, gap, accuracy, n_fits| {
        let point = |max_gap, gap, accuracy| FairPoint { max_gap, gap, accuracy };
        let wide = point(Some(0.2), gap + 0.08, accuracy + 0.02);
        MitigationTrial {
            method: method.into(),
            needs_columns: method == "thresholds",
            reached: Some(point(Some(0.05), gap, accuracy)),
            score: Some(0.91),
            n_fits,
            front: vec![wide, point(Some(0.05), gap, accuracy)],
            note: (n_fits > 4).then(|| "the budget ended it; what was learned is used".into()),
        }
    };
    let (game, plain) = ("exponentiated_gradient", mitigation());
    MitigationRecord {
        method: game.into(),
        threshold: 0.46,
        after: FairPoint { max_gap: Some(0.05), gap: 0.048, accuracy: 0.869 },
        tried: vec![
            way("one_threshold", 0.05, 0.79, 0),
            way("reweighing", 0.049, 0.861, 3),
            way(game, 0.048, 0.869, 8),
            way("thresholds", 0.05, 0.868, 0),
        ],
        learned_from: vec!["gbdt-default".into()],
        held: None,
        ..plain
    }
}

/// Two strains on the inputs.
pub(super) fn robustness() -> RobustnessRecord {
    let strain = |what: &str, after, kind| {
        let what = what.into();
        let ci95 = Some(Interval { low: after - 0.006, high: after + 0.006 });
        Strain { what, after, ci95, loss: 0.9271 - after, kind }
    };
    RobustnessRecord {
        on: "holdout".into(),
        n_rows: 1_954,
        metric: "roc_auc".into(),
        before: Some(0.9271),
        strains: vec![
            strain("10 % of all values are lost", 0.9083, StrainKind::Wear),
            strain(
                "`age` comes in another unit, a thousand times as large",
                0.8812,
                StrainKind::Unit,
            ),
        ],
    }
}
