//! Explanations of a booster: Shapley values of its scores, importances of its features.

use modelwright_core::data::FeatureView;
use modelwright_core::{Context, Result};

use super::GbdtModel;
use crate::tree::importance::Importances;
use crate::tree::shap::{self, Contributions, Ensemble, Interactions};

impl GbdtModel {
    /// What the explanations of [`crate::tree::shap`] read: trees, base scores, features.
    pub fn ensemble(&self) -> Ensemble<'_> {
        Ensemble {
            trees: &self.trees,
            base: &self.base_scores,
            scale: 1.0,
            n_features: self.n_features as usize,
        }
    }

    /// Path-dependent Shapley values of the scores (before the link) of the rows of `x`, with the
    /// training rows' way through the trees as background: row-major by row, output, feature, and
    /// the bias last, as LightGBM's `pred_contrib`.
    ///
    /// # Errors
    /// As [`shap::contributions`].
    pub fn shap(&self, x: &FeatureView<'_>, ctx: &Context) -> Result<Contributions> {
        shap::contributions(&self.ensemble(), x, ctx)
    }

    /// Path-dependent Shapley interaction values of the scores of the rows of `x`.
    ///
    /// # Errors
    /// As [`shap::interactions`].
    pub fn shap_interactions(&self, x: &FeatureView<'_>, ctx: &Context) -> Result<Interactions> {
        shap::interactions(&self.ensemble(), x, ctx)
    }

    /// Interventional Shapley values of the scores of the rows of `x`, against background rows.
    ///
    /// # Errors
    /// As [`shap::interventional`].
    pub fn shap_interventional(
        &self,
        x: &FeatureView<'_>,
        background: &FeatureView<'_>,
        ctx: &Context,
    ) -> Result<Contributions> {
        shap::interventional(&self.ensemble(), x, background, ctx)
    }

    /// Gain, splits and cover of each feature, in all.
    pub fn importances(&self) -> Importances {
        Importances::of(&self.trees, self.n_features as usize)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use modelwright_core::data::{BinnedColumn, FeatureColumn, FeatureMatrix, TrainView};
    use modelwright_core::params::Params;
    use modelwright_core::task::Target;

    use super::*;
    use crate::gbdt::{Gbdt, GbdtParams};
    use crate::learner::{Learner, Model};

    /// Whole numbers below 20, each eleventh missing.
    fn table(n_rows: usize) -> FeatureMatrix {
        let value = |row: usize, j: usize| match (row * (j + 3) * 7 + row / 5 + j) % 231 {
            hash if hash % 11 == 0 => f32::NAN,
            hash => (hash % 20) as f32,
        };
        let column = |j: usize| {
            let values: Vec<f32> = (0..n_rows).map(|row| value(row, j)).collect();
            let code = |v: &f32| if v.is_nan() { 20 } else { *v as u8 };
            let bins = BinnedColumn {
                codes: values.iter().map(code).collect(),
                cuts: (0..19).map(|cut| cut as f32 + 0.5).collect(),
            };
            FeatureColumn {
                bins: Some(Arc::new(bins)),
                ..FeatureColumn::dense(&format!("x{j}"), values)
            }
        };
        FeatureMatrix::new(n_rows, (0..4).map(column).collect())
    }

    #[test]
    fn explanations_of_a_trained_booster_add_up_to_its_scores() {
        let x = table(600);
        let class = |row: usize| {
            let at = |j: usize| x.columns[j].values[row];
            u32::from(at(0) > 9.0) + u32::from(at(1) * at(2) > 90.0)
        };
        let codes: Vec<u32> = (0..600).map(class).collect();
        let target = Target::Class { codes, n_classes: 3 };
        let rows: Vec<u32> = (0..600).collect();
        let view = TrainView {
            features: &x,
            target: &target,
            weights: None,
            rows: &rows,
            validation: &[],
        };
        let params = GbdtParams { n_rounds: 40, ..GbdtParams::default() };
        let ctx = Context::unlimited(0, 2);
        let model = Gbdt::fit(&view, &params.check("gbdt").unwrap(), &ctx).unwrap();
        assert!(model.rounds() > 10);
        let few = FeatureView::of(&x, &rows[..50]);
        let scores = model.scores(&few, &ctx).unwrap();
        let values = model.shap(&few, &ctx).unwrap();
        let against =
            model.shap_interventional(&few, &FeatureView::of(&x, &rows[500..]), &ctx).unwrap();
        let pairs = model.shap_interactions(&few, &ctx).unwrap();
        for (i, score) in scores.iter().enumerate() {
            let (row, output) = (i / 3, i % 3);
            assert!((values.score(row, output) - score).abs() < 1e-9);
            assert!((against.score(row, output) - score).abs() < 1e-9);
            assert!((pairs.of(row, output).iter().sum::<f64>() - score).abs() < 1e-9);
        }
        let means = values.mean_abs();
        assert!(means[0] > means[3], "what decides matters more than noise: {means:?}");
        let gains = model.importances().normalised().gain;
        let known = model.feature_gains();
        assert!(gains.iter().zip(known).all(|(a, b)| (a - b).abs() < 1e-12));
    }
}
