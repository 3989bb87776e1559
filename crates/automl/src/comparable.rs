//! Predictions of several folds, made comparable for metrics that rank all rows together.
//!
//! The model of a fold learned from all rows but the fold's own. Where these have more positive
//! rows than the others, it learned from fewer, and its predictions are lower all over: just where
//! more rows are positive. Ranked together, rows of different folds are therefore ordered the wrong
//! way round by what the models know of the frequencies alone. Of a constant the pooled area under
//! the ROC curve was 0.29 where twelve groups of five rows were folds, and 0.44 in stratified ones;
//! every trial looks worse than it is, and those most that say the least beside the frequencies.
//!
//! So before rows of several folds are ranked together, the odds of each prediction are multiplied
//! by those of the whole training table over those of the rows that its model learned from (the
//! correction for a shifted prior). Within a fold no order changes, and what models say of groups
//! with more positive rows counts as before. What judges its rows out of bag is one model, and is
//! left alone.
//!
//! References: Forman & Scholz, "Apples-to-apples in cross-validation studies", SIGKDD Explorations
//! 12, 2010; Parker et al., "Stratification bias in low signal microarray studies", BMC
//! Bioinformatics 8, 2007; Saerens, Latinne & Decaestecker, "Adjusting the outputs of a classifier
//! to new a priori probabilities", Neural Computation 14, 2002.

use std::borrow::Cow;

use modelwright_core::data::Fold;
use modelwright_core::task::{Predictions, Target};
use modelwright_evaluate::metric::MetricEntry;

use crate::parts;
use crate::search::Found;
use crate::trial::Trial;

/// How frequent the classes were where the models learned that judged each row.
#[derive(Debug, Clone)]
pub(crate) struct BaseRates {
    /// In the whole training table, class by class.
    overall: Vec<f64>,
    /// For each judged row, in the shape of predictions.
    of_rows: Predictions,
}

impl BaseRates {
    /// Of judged rows, fold after fold; `None` where there is nothing to compare: numbers, or one
    /// model that judged all rows.
    pub(crate) fn of(target: &Target, weights: Option<&[f64]>, folds: &[Fold]) -> Option<Self> {
        target.codes().filter(|_| folds.len() > 1)?;
        let overall = parts::constant(target, weights, 1);
        Some(Self { overall: each(overall.row(0)), of_rows: of_folds(target, weights, folds) })
    }

    /// Takes a further division of the rows into the mean of the `n` before it, as predictions are;
    /// `places` says where each of its rows stands among the judged ones.
    pub(crate) fn join(&mut self, again: &Predictions, places: &[usize], n: usize) {
        let (old, new) = (n as f64 / (n + 1) as f64, 1.0 / (n + 1) as f64);
        let n_outputs = self.of_rows.n_outputs;
        for (said, place) in again.values.chunks_exact(n_outputs).zip(places) {
            let mean = &mut self.of_rows.values[place * n_outputs..(place + 1) * n_outputs];
            for (mean, said) in mean.iter_mut().zip(said) {
                *mean = old * *mean + new * said;
            }
        }
    }

    /// Predictions of the judged rows of which models of folds make up `share`.
    fn aligned(&self, predictions: &Predictions, share: f64) -> Predictions {
        let mut aligned = predictions.clone();
        let rows = aligned.values.chunks_exact_mut(predictions.n_outputs);
        for (row, base) in rows.zip(self.of_rows.values.chunks_exact(predictions.n_outputs)) {
            let factors = each(base).into_iter().zip(&self.overall);
            let factors = factors.map(|(base, overall)| factor(*overall, base).powf(share));
            let odds: Vec<f64> = each(row).iter().zip(factors).map(|(p, f)| p * f).collect();
            let total: f64 = odds.iter().sum();
            if !(total > 0.0 && total.is_finite()) {
                continue;
            }
            // Rounded, so that what is the same in all folds stays the same.
            let of_class = |class: usize| f64::from((odds[class] / total) as f32);
            match row {
                [p] => *p = of_class(1),
                row => row.iter_mut().enumerate().for_each(|(class, p)| *p = of_class(class)),
            }
        }
        aligned
    }
}

/// The frequencies of the classes where each judged row's model learned.
pub(crate) fn of_folds(target: &Target, weights: Option<&[f64]>, folds: &[Fold]) -> Predictions {
    let mut values = Vec::new();
    for fold in folds {
        let own: Option<Vec<f64>> =
            weights.map(|w| fold.train.iter().map(|row| w[*row as usize]).collect());
        let truth = target.select(&fold.train);
        values.extend(parts::constant(&truth, own.as_deref(), fold.validation.len()).values);
    }
    Predictions::new(target.n_outputs(), values)
}

/// By how much odds change with the frequency; not at all where a class was absent.
fn factor(overall: f64, base: f64) -> f64 {
    let factor = overall / base;
    if factor.is_finite() && factor > 0.0 { factor } else { 1.0 }
}

/// The probability of every class.
fn each(row: &[f64]) -> Vec<f64> {
    match row {
        [p] => vec![1.0 - p, *p],
        row => row.to_vec(),
    }
}

/// Whether a metric ranks rows of all folds together.
fn ranks(metric: &MetricEntry) -> bool {
    metric.spec.is_of_ranks() || metric.name().starts_with("roc_auc_")
}

impl Found {
    /// A trial's predictions of the judged rows, as the metric may rank them together.
    pub(crate) fn seen<'a>(&self, metric: &MetricEntry, trial: &'a Trial) -> Cow<'a, Predictions> {
        self.comparable(metric, &trial.out_of_fold, share_of_folds(trial))
    }

    /// Predictions of the judged rows as the metric may rank them together; models of folds make up
    /// `share` of them.
    pub(crate) fn comparable<'a>(
        &self,
        metric: &MetricEntry,
        predictions: &'a Predictions,
        share: f64,
    ) -> Cow<'a, Predictions> {
        let fits = |base: &&BaseRates| base.of_rows.values.len() == predictions.values.len();
        match self.base.as_ref().filter(fits) {
            Some(base) if share > 0.0 && ranks(metric) => {
                Cow::Owned(base.aligned(predictions, share))
            }
            _ => Cow::Borrowed(predictions),
        }
    }

    /// Which share models of folds have in the usable trials together, by their weights.
    pub(crate) fn share_of_folds(&self, weights: &[f64]) -> f64 {
        self.usable().zip(weights).map(|((_, trial), w)| w * share_of_folds(trial)).sum()
    }
}

/// All of a trial, unless one model judged all rows out of bag.
pub(crate) fn share_of_folds(trial: &Trial) -> f64 {
    if trial.is_whole { 0.0 } else { 1.0 }
}

#[cfg(test)]
mod tests {
    use modelwright_evaluate::MetricInput;
    use modelwright_evaluate::metric::metric;

    use super::*;

    /// Two folds, the first with three positive rows of four, the second with one.
    fn uneven() -> (Target, Vec<Fold>) {
        let target = Target::Class { codes: vec![1, 1, 1, 0, 0, 0, 0, 1], n_classes: 2 };
        let (first, second): (Vec<u32>, Vec<u32>) = ((0..4).collect(), (4..8).collect());
        let folds = vec![
            Fold { train: second.clone(), validation: first.clone() },
            Fold { train: first, validation: second },
        ];
        (target, folds)
    }

    fn auc(target: &Target, p: &Predictions) -> f64 {
        metric("roc_auc").unwrap().value(&MetricInput::new(target, p)).unwrap()
    }

    #[test]
    fn a_constant_ranks_nothing_however_the_classes_fell_into_folds() {
        let (target, folds) = uneven();
        let base = BaseRates::of(&target, None, &folds).unwrap();
        let constant = base.of_rows.clone();
        assert_eq!(auc(&target, &constant), 0.25, "pooled it looks worse than nothing");
        assert_eq!(auc(&target, &base.aligned(&constant, 1.0)), 0.5);
        let weights = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0];
        let base = BaseRates::of(&target, Some(&weights), &folds).unwrap();
        assert_eq!(auc(&target, &base.aligned(&base.of_rows, 1.0)), 0.5);
    }

    #[test]
    fn within_a_fold_no_order_changes_and_one_model_of_all_rows_is_left_alone() {
        let (target, folds) = uneven();
        let base = BaseRates::of(&target, None, &folds).unwrap();
        let said = Predictions::new(1, vec![0.3, 0.2, 0.4, 0.1, 0.7, 0.6, 0.8, 0.9]);
        let aligned = base.aligned(&said, 1.0);
        for rows in [0..4, 4..8] {
            let order = |p: &Predictions| {
                let mut order: Vec<usize> = rows.clone().collect();
                order.sort_by(|a, b| p.values[*a].total_cmp(&p.values[*b]));
                order
            };
            assert_eq!(order(&aligned), order(&said));
        }
        assert!(auc(&target, &aligned) > auc(&target, &said));
        let same = base.aligned(&said, 0.0);
        assert!(same.values.iter().zip(&said.values).all(|(a, b)| (a - b).abs() < 1e-7));
    }

    #[test]
    fn of_several_classes_every_row_stays_a_distribution() {
        let target = Target::Class { codes: vec![0, 1, 2, 0, 0, 1], n_classes: 3 };
        let folds = vec![
            Fold { train: vec![3, 4, 5], validation: vec![0, 1, 2] },
            Fold { train: vec![0, 1, 2], validation: vec![3, 4, 5] },
        ];
        let mut base = BaseRates::of(&target, None, &folds).unwrap();
        // Class 2 is absent where the first fold's model learned.
        let aligned = base.aligned(&base.of_rows, 1.0);
        for row in aligned.values.chunks_exact(3) {
            assert!((row.iter().sum::<f64>() - 1.0).abs() < 1e-6, "{row:?}");
        }
        let again = of_folds(&target, None, &folds[..1]);
        base.join(&again, &[3, 4, 5], 1);
        assert!((base.of_rows.row(3)[0] - f64::midpoint(1.0 / 3.0, 2.0 / 3.0)).abs() < 1e-12);
        assert!(BaseRates::of(&target, None, &folds[..1]).is_none());
        assert!(BaseRates::of(&Target::Real(vec![1.0; 6]), None, &folds).is_none());
    }
}
