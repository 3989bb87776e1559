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
