//! Is what a costlier way to prepare or learn brings more than noise?
//!
//! Two trials on the same folds are compared by their losses on the same judged rows: log loss for
//! classes, squared error for numbers, whatever the metric, because a loss of single rows has a
//! known noise. The challenger is accepted when both hold:
//!
//! * its mean gain over all rows is at least [`Z_MIN`] standard errors above 0 (a one-sided paired
//!   test), so that a lucky sample of rows does not decide;
//! * it gains in more than half of the folds, so that one lucky fit does not decide.

use modelwright_core::task::{Predictions, Target};
use modelwright_evaluate::compare::clusters::clustered;

/// Standard errors above 0: the one-sided 10 % level. A challenger that is let in by chance costs
/// time, not quality (it did not lose on the judged rows), so that the level is a mild one.
pub const Z_MIN: f64 = 1.28;

/// What a comparison found, for the record.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Gate {
    /// Whether the challenger is better beyond noise.
    pub accepted: bool,
    /// How much smaller its loss is, as a share of the incumbent's loss.
    pub gain: f64,
    /// Its mean gain in standard errors; 0 when both are equal in every row.
    pub z: f64,
    /// In how many folds it gains.
    pub folds_better: usize,
    /// How many folds there are.
    pub n_folds: usize,
}

/// The out-of-fold predictions of two trials and what is true.
#[derive(Debug, Clone, Copy)]
pub struct Duel<'a> {
    /// The predictions of the trial that wants to be accepted.
    pub challenger: &'a Predictions,
    /// The predictions of the trial it must beat.
    pub incumbent: &'a Predictions,
    /// The target of the judged rows, in the same order: fold after fold.
    pub truth: &'a Target,
    /// Their weights; `None` is 1 for each.
    pub weights: Option<&'a [f64]>,
    /// The group of each, where rows of a group belong together and are one witness.
    pub groups: Option<&'a [u32]>,
    /// How many judged rows each fold has.
    pub fold_rows: &'a [usize],
}

/// Compares the two: see the module's text. Rows beyond those of the folds are not looked at.
pub fn compare(duel: &Duel<'_>) -> Gate {
    let n = duel.fold_rows.iter().sum::<usize>().min(duel.truth.n_rows());
    let weight = |row: usize| duel.weights.map_or(1.0, |w| w[row]);
    let gains: Vec<f64> = (0..n)
        .map(|row| duel.loss(duel.incumbent, row) - duel.loss(duel.challenger, row))
        .collect();
    let total: f64 = (0..n).map(weight).sum::<f64>().max(f64::MIN_POSITIVE);
    let mean = (0..n).map(|row| weight(row) * gains[row]).sum::<f64>() / total;
    let error = if let Some(groups) = duel.groups {
        let groups = &groups[..n.min(groups.len())];
        let of_groups = clustered(groups, |row| weight(row) / total, |row| gains[row] - mean);
        of_groups.map_or(0.0, |c| c.standard_error)
    } else {
        let squares: f64 = (0..n).map(|row| (weight(row) * (gains[row] - mean)).powi(2)).sum();
        squares.sqrt() / total
    };
    let z = if error > 0.0 { mean / error } else { 0.0 };
    let incumbent = (0..n).map(|row| weight(row) * duel.loss(duel.incumbent, row)).sum::<f64>();
    let mut from = 0;
    let mut folds_better = 0;
    for rows in duel.fold_rows {
        let to = (from + rows).min(n);
        let gain: f64 = (from..to).map(|row| weight(row) * gains[row]).sum();
        folds_better += usize::from(gain > 0.0);
        from = to;
    }
    let n_folds = duel.fold_rows.len();
    Gate {
        accepted: z >= Z_MIN && 2 * folds_better > n_folds,
        gain: if incumbent > 0.0 { mean * total / incumbent } else { 0.0 },
        z,
        folds_better,
        n_folds,
    }
}

impl Duel<'_> {
    /// The loss of one row.
    fn loss(&self, predictions: &Predictions, row: usize) -> f64 {
        match self.truth {
            Target::Real(values) => (values[row] - predictions.row(row)[0]).powi(2),
            Target::Class { codes, .. } => {
                let p = match predictions.row(row) {
                    [p] if codes[row] == 0 => 1.0 - p,
                    [p] => *p,
                    many => many[codes[row] as usize],
                };
                -p.clamp(f64::EPSILON, 1.0).ln()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use modelwright_core::random::Random;

    use super::*;

    /// The gate of predictions that are off the truth by `challenger` and `incumbent` times a
    /// normal number of their own, and by a common one.
    fn gate(seed: u64, challenger: f64, incumbent: f64, n_folds: usize) -> Gate {
        let mut random = Random::new(seed);
        let n = 200;
        let mut draw = |size: f64| -> Vec<f64> { (0..n).map(|_| size * random.normal()).collect() };
        let (common, own, other) = (draw(1.0), draw(challenger), draw(incumbent));
        let off =
            |by: &[f64]| Predictions::new(1, common.iter().zip(by).map(|(c, b)| c + b).collect());
        compare(&Duel {
            challenger: &off(&own),
            incumbent: &off(&other),
            truth: &Target::Real(vec![0.0; n]),
            weights: None,
            groups: None,
            fold_rows: &vec![n / n_folds; n_folds],
        })
    }

    #[test]
    fn what_is_better_is_accepted_and_what_is_worse_or_equal_is_not() {
        let better = gate(1, 0.1, 0.6, 5);
        assert!(better.accepted && better.gain > 0.1 && better.folds_better >= 4, "{better:?}");
        assert!(gate(1, 0.1, 0.6, 1).accepted);
        let worse = gate(1, 0.6, 0.1, 5);
        assert!(!worse.accepted && worse.gain < -0.1 && worse.z < -2.0, "{worse:?}");
        let equal = gate(1, 0.0, 0.0, 5);
        assert!(!equal.accepted && equal.z == 0.0 && equal.gain == 0.0, "{equal:?}");
    }

    #[test]
    fn noise_is_let_in_about_as_often_as_the_level_says() {
        let accepted = (0..400).filter(|seed| gate(*seed, 0.3, 0.3, 5).accepted).count();
        assert!((10..=60).contains(&accepted), "{accepted} of 400, at a level of 10 %");
    }

    #[test]
    fn rows_that_are_asked_for_often_prove_no_more_than_once() {
        let mut random = Random::new(4);
        let (mut n_rows, mut n_groups) = (0, 0);
        for _ in 0..200 {
            let off: Vec<(f64, f64)> =
                (0..40).map(|_| (random.normal(), random.normal())).collect();
            let of = |pick: fn(&(f64, f64)) -> f64| {
                Predictions::new(1, (0..400).map(|row| pick(&off[row / 10])).collect())
            };
            let groups: Vec<u32> = (0..400).map(|row| row / 10).collect();
            let (challenger, incumbent) = (of(|o| o.0), of(|o| o.1));
            let duel = Duel {
                challenger: &challenger,
                incumbent: &incumbent,
                truth: &Target::Real(vec![0.0; 400]),
                weights: None,
                groups: Some(&groups),
                fold_rows: &[80; 5],
            };
            n_groups += usize::from(compare(&duel).accepted);
            n_rows += usize::from(compare(&Duel { groups: None, ..duel }).accepted);
        }
        // A level of 10 %: more than 33 of 200 in one of 1,000 samples.
        assert!(n_groups <= 33, "{n_groups}");
        assert!(n_rows > 50, "{n_rows}");
    }

    #[test]
    fn one_lucky_fold_is_not_enough() {
        let truth = Target::Real(vec![0.0; 100]);
        let incumbent = Predictions::new(1, vec![1.0; 100]);
        let values = (0..100).map(|row| if row < 40 { 0.0 } else { 1.01 }).collect();
        let challenger = Predictions::new(1, values);
        let duel = |fold_rows: &[usize]| {
            compare(&Duel {
                challenger: &challenger,
                incumbent: &incumbent,
                truth: &truth,
                weights: None,
                groups: None,
                fold_rows,
            })
        };
        let lucky = duel(&[40, 20, 20, 20]);
        assert!(lucky.z > Z_MIN && lucky.folds_better == 1 && !lucky.accepted, "{lucky:?}");
        assert!(duel(&[100]).accepted);
    }

    #[test]
    fn probabilities_are_judged_by_log_loss_and_weights_count() {
        let truth = Target::Class { codes: vec![0, 1, 1, 0], n_classes: 2 };
        let sure = Predictions::new(1, vec![0.1, 0.9, 0.8, 0.9]);
        let unsure = Predictions::new(1, vec![0.5; 4]);
        let duel = |weights| {
            compare(&Duel {
                challenger: &sure,
                incumbent: &unsure,
                truth: &truth,
                weights,
                groups: None,
                fold_rows: &[2, 2],
            })
        };
        let half = 2.0_f64.ln();
        let loss = -(0.9_f64.ln() + 0.9_f64.ln() + 0.8_f64.ln() + 0.1_f64.ln());
        assert!((duel(None).gain - (1.0 - loss / (4.0 * half))).abs() < 1e-9);
        let weights = [1.0, 1.0, 1.0, 0.0];
        let without_last = -(0.9_f64.ln() + 0.9_f64.ln() + 0.8_f64.ln());
        let gain = duel(Some(&weights)).gain;
        assert!((gain - (1.0 - without_last / (3.0 * half))).abs() < 1e-9, "{gain}");
    }
}
