//! A booster that learns from probabilities in place of classes.
//!
//! Two classes and numbers have losses for such targets; of more classes, the softmax loss of a
//! distribution `q` is `-Σ q_k log p_k`, whose gradient by the scores is `p - q`.

use modelwright_core::data::TrainView;
use modelwright_core::params::{Checked, ParamMap, ParamValue, Params};
use modelwright_core::task::{Target, Task};
use modelwright_core::{Context, Result};
use modelwright_learners::gbdt::{FitOptions, Gbdt, GbdtParams, Link, Objective};
use modelwright_learners::{Course, Fitted};

/// Below this a probability counts as this in the loss and where boosting starts.
const PROBABILITY_MIN: f64 = 1e-9;

/// Keeps Newton steps bounded where a probability has reached 0 or 1.
const HESSIAN_MIN: f64 = 1e-16;

/// Fits a booster to labels, which take the place of the target: one per row of the table and
/// output, row-major.
///
/// # Errors
/// As [`Gbdt::fit_with`].
pub(crate) fn fit(
    params: &ParamMap,
    view: &TrainView<'_>,
    labels: &[f64],
    ctx: &Context,
) -> Result<Fitted> {
    let learn = |view: &TrainView<'_>, params: &Checked<GbdtParams>, options: &FitOptions<'_>| {
        Gbdt::fit_with(view, params, options, ctx)
    };
    by_labels(params, view, labels, learn).map(Fitted::of::<Gbdt>)
}

/// As [`fit`], with the number of rounds still open: what the validation rows of a fold think of
/// each is asked by whoever judges by the other folds.
///
/// # Errors
/// As [`fit`].
pub(crate) fn observe(
    params: &ParamMap,
    view: &TrainView<'_>,
    labels: &[f64],
    ctx: &Context,
) -> Result<(Fitted, Course)> {
    let learn = |view: &TrainView<'_>, params: &Checked<GbdtParams>, options: &FitOptions<'_>| {
        Gbdt::observe_with(view, params, options, ctx)
    };
    let (model, course) = by_labels(params, view, labels, learn)?;
    Ok((Fitted::of::<Gbdt>(model), course))
}

/// Lets `learn` learn the labels in place of the target.
fn by_labels<T>(
    params: &ParamMap,
    view: &TrainView<'_>,
    labels: &[f64],
    learn: impl FnOnce(&TrainView<'_>, &Checked<GbdtParams>, &FitOptions<'_>) -> Result<T>,
) -> Result<T> {
    let task = view.target.task();
    let mut params = params.clone();
    if task == Task::Binary {
        let loss = ParamValue::Choice("cross_entropy".to_owned());
        params.insert("loss".to_owned(), loss);
    }
    let params = GbdtParams::from_map("gbdt", &params)?;
    let n_outputs = view.target.n_outputs();
    let objective = Shares { labels, n_classes: n_outputs };
    let (target, options) = if task == Task::Multiclass {
        // The loss finds a row's label by the row's number.
        let rows = (0..view.target.n_rows()).map(|row| row as f64).collect();
        let options = FitOptions { objective: Some(&objective), ..FitOptions::default() };
        (Target::Real(rows), options)
    } else {
        let labels =
            labels.iter().map(|l| if task == Task::Binary { l.clamp(0.0, 1.0) } else { *l });
        (Target::Real(labels.collect()), FitOptions::default())
    };
    let view = TrainView {
        features: view.features,
        target: &target,
        weights: view.weights,
        rows: view.rows,
        validation: view.validation,
    };
    learn(&view, &params, &options)
}

/// The softmax loss of rows whose labels are distributions; see the module's text. A row's target
/// is its number.
struct Shares<'a> {
    labels: &'a [f64],
    n_classes: usize,
}

impl Shares<'_> {
    fn of(&self, target: f64) -> &[f64] {
        &self.labels[target as usize * self.n_classes..][..self.n_classes]
    }
}

impl Objective for Shares<'_> {
    fn n_outputs(&self) -> usize {
        self.n_classes
    }

    fn link(&self) -> Link {
        Link::Softmax
    }

    /// Logarithms of the mean label.
    fn base_scores(&self, targets: &[f64], weights: &[f32]) -> Vec<f64> {
        let mut sums = vec![0.0; self.n_classes];
        for (target, weight) in targets.iter().zip(weights) {
            for (sum, share) in sums.iter_mut().zip(self.of(*target)) {
                *sum += f64::from(*weight) * share;
            }
        }
        let total: f64 = sums.iter().sum::<f64>().max(PROBABILITY_MIN);
        sums.into_iter().map(|sum| (sum / total).max(PROBABILITY_MIN).ln()).collect()
    }

    fn gradients(&self, targets: &[f64], scores: &[Vec<f64>]) -> Vec<Vec<[f64; 2]>> {
        // Makes up for the redundant class, as the loss of whole classes does.
        let factor = self.n_classes as f64 / (self.n_classes - 1) as f64;
        let mut out = vec![Vec::with_capacity(targets.len()); self.n_classes];
        let mut p = vec![0.0; self.n_classes];
        for (row, target) in targets.iter().enumerate() {
            softmax_of(scores, row, &mut p);
            for ((out, p), share) in out.iter_mut().zip(&p).zip(self.of(*target)) {
                out.push([p - share, factor * (p * (1.0 - p) + HESSIAN_MIN)]);
            }
        }
        out
    }

    fn losses(&self, targets: &[f64], scores: &[Vec<f64>]) -> Vec<f64> {
        let mut p = vec![0.0; self.n_classes];
        let of_row = |(row, target): (usize, &f64)| {
            softmax_of(scores, row, &mut p);
            let terms = p.iter().zip(self.of(*target));
            -terms.map(|(p, share)| share * p.max(PROBABILITY_MIN).ln()).sum::<f64>()
        };
        targets.iter().enumerate().map(of_row).collect()
    }
}

/// The probabilities of a row.
fn softmax_of(scores: &[Vec<f64>], row: usize, out: &mut [f64]) {
    let largest = scores.iter().map(|s| s[row]).fold(f64::NEG_INFINITY, f64::max);
    let mut total = 0.0;
    for (p, scores) in out.iter_mut().zip(scores) {
        *p = (scores[row] - largest).exp();
        total += *p;
    }
    for p in out {
        *p /= total;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use modelwright_core::data::{BinnedColumn, FeatureColumn, FeatureMatrix, FeatureView};

    use super::*;

    /// Two groups of rows, told apart by one feature.
    fn two_groups(n: usize) -> FeatureMatrix {
        let values: Vec<f32> = (0..2 * n).map(|i| f32::from(u8::from(i >= n))).collect();
        let codes = values.iter().map(|v| *v as u8).collect();
        let mut column = FeatureColumn::dense("x", values);
        column.bins = Some(Arc::new(BinnedColumn { codes, cuts: vec![0.5] }));
        FeatureMatrix::new(2 * n, vec![column])
    }

    fn learned(target: &Target, labels: &[f64]) -> Vec<f64> {
        let features = two_groups(40);
        let rows: Vec<u32> = (0..80).collect();
        let view =
            TrainView { features: &features, target, weights: None, rows: &rows, validation: &[] };
        let params = [
            ("n_rounds", ParamValue::Int(200)),
            ("learning_rate", ParamValue::Real(0.3)),
            ("l2", ParamValue::Real(0.0)),
            ("bagging_fraction", ParamValue::Real(1.0)),
        ];
        let params = params.into_iter().map(|(name, v)| (name.to_owned(), v)).collect();
        let ctx = Context::unlimited(0, 2);
        let fitted = fit(&params, &view, labels, &ctx).unwrap();
        fitted.model.validate().unwrap();
        let of = FeatureView::of(&features, &[0, 79]);
        fitted.model.predict(&of, &ctx).unwrap().values
    }

    #[test]
    fn a_booster_learns_the_probabilities_of_its_labels_and_not_the_classes() {
        let codes: Vec<u32> = (0..80).map(|i| i % 2).collect();
        let labels: Vec<f64> = (0..80).map(|i| if i < 40 { 0.2 } else { 0.7 }).collect();
        let said = learned(&Target::Class { codes, n_classes: 2 }, &labels);
        assert!((said[0] - 0.2).abs() < 1e-3 && (said[1] - 0.7).abs() < 1e-3, "{said:?}");
    }

    #[test]
    fn of_several_classes_it_learns_the_whole_distribution() {
        let codes: Vec<u32> = (0..80).map(|i| i % 3).collect();
        let wanted = [[0.6, 0.3, 0.1], [0.05, 0.15, 0.8]];
        let labels: Vec<f64> = (0..80).flat_map(|i| wanted[usize::from(i >= 40)]).collect();
        let said = learned(&Target::Class { codes, n_classes: 3 }, &labels);
        for (said, wanted) in said.iter().zip(wanted.iter().flatten()) {
            assert!((said - wanted).abs() < 5e-3, "{said} {wanted}");
        }
    }

    #[test]
    fn numbers_are_learned_as_they_are() {
        let labels: Vec<f64> = (0..80).map(|i| if i < 40 { -3.0 } else { 12.0 }).collect();
        let said = learned(&Target::Real(vec![0.0; 80]), &labels);
        assert!((said[0] + 3.0).abs() < 1e-2 && (said[1] - 12.0).abs() < 1e-2, "{said:?}");
    }

    #[test]
    fn the_gradient_is_the_slope_of_the_loss() {
        let labels = [0.2, 0.5, 0.3];
        let loss = Shares { labels: &labels, n_classes: 3 };
        let scores = [0.4, -0.3, 1.1];
        let at = |scores: [f64; 3]| {
            let scores: Vec<Vec<f64>> = scores.iter().map(|s| vec![*s]).collect();
            (loss.losses(&[0.0], &scores)[0], loss.gradients(&[0.0], &scores))
        };
        let gradients = at(scores).1;
        for k in 0..3 {
            let (mut low, mut high) = (scores, scores);
            low[k] -= 1e-5;
            high[k] += 1e-5;
            let slope = (at(high).0 - at(low).0) / 2e-5;
            assert!((gradients[k][0][0] - slope).abs() < 1e-8, "{k}");
        }
    }
}
