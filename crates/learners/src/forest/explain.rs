//! Explanations of a forest: Shapley values of its predictions, importances of its features.
//!
//! A forest predicts the mean of its trees, so that its values are means of the trees' values.

use modelwright_core::data::FeatureView;
use modelwright_core::{Context, Result};

use super::ForestModel;
use crate::tree::importance::Importances;
use crate::tree::shap::{self, Contributions, Ensemble, Interactions};

impl ForestModel {
    /// Path-dependent Shapley values of the predictions of the rows of `x`: row-major by row,
    /// output, feature, and the bias last.
    ///
    /// # Errors
    /// As [`shap::contributions`].
    pub fn shap(&self, x: &FeatureView<'_>, ctx: &Context) -> Result<Contributions> {
        self.explained(|forest| shap::contributions(forest, x, ctx))
    }

    /// Path-dependent Shapley interaction values of the predictions of the rows of `x`.
    ///
    /// # Errors
    /// As [`shap::interactions`].
    pub fn shap_interactions(&self, x: &FeatureView<'_>, ctx: &Context) -> Result<Interactions> {
        self.explained(|forest| shap::interactions(forest, x, ctx))
    }

    /// Interventional Shapley values of the predictions of the rows of `x`, against background
    /// rows.
    ///
    /// # Errors
    /// As [`shap::interventional`].
    pub fn shap_interventional(
        &self,
        x: &FeatureView<'_>,
        background: &FeatureView<'_>,
        ctx: &Context,
    ) -> Result<Contributions> {
        self.explained(|forest| shap::interventional(forest, x, background, ctx))
    }

    /// Gain, splits and cover of each feature, in all.
    pub fn importances(&self) -> Importances {
        Importances::of(&self.trees, self.n_features as usize)
    }

    /// The mean of the trees, without a score of its own.
    fn explained<T>(&self, explain: impl FnOnce(&Ensemble<'_>) -> T) -> T {
        explain(&Ensemble {
            trees: &self.trees,
            base: &vec![0.0; self.n_outputs()],
            scale: 1.0 / self.trees.len() as f64,
            n_features: self.n_features as usize,
        })
    }
}
