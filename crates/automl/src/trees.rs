//! The trees inside a predictor, with the names of their features: for display and explanation.

use std::collections::BTreeMap;
use std::sync::Arc;

use modelwright_learners::Fitted;
use modelwright_learners::forest::ForestModel;
use modelwright_learners::gbdt::GbdtModel;
use modelwright_learners::tree::Tree;
use modelwright_learners::tree::importance::Importances;

use crate::predictor::Predictor;

/// A member of the ensemble that consists of trees: its first model.
pub struct TreeMember<'a> {
    /// Its place among the members, from 0.
    pub member: usize,
    /// The learner that made it.
    pub learner: &'static str,
    /// Its weight in the ensemble.
    pub weight: f64,
    /// How many models are averaged; the trees are those of the first.
    pub n_models: usize,
    /// The trees.
    pub trees: &'a [Tree],
    /// What they add to, one number per output; `None` when trees are averaged instead.
    pub base_scores: Option<&'a [f64]>,
    /// The features that the trees test.
    pub features: Vec<Arc<str>>,
    /// The raw column of each feature.
    pub sources: Vec<Arc<str>>,
}

impl TreeMember<'_> {
    /// Gain, splits and cover of each feature.
    pub fn importances(&self) -> Importances {
        Importances::of(self.trees, self.features.len())
    }
}

impl Predictor {
    /// The columns that it reads: those first on which its trees rely most, by their share of the
    /// gain, then the others in their order. What looks at one column after the other while there
    /// is time begins with those that matter.
    pub(crate) fn columns_by_gain(&self) -> Vec<String> {
        let gains = self.column_gains().unwrap_or_default();
        let names = self.schema.fields.iter().map(|field| field.name.as_str());
        let gains: BTreeMap<&str, f64> = names.zip(gains).collect();
        let mut columns: Vec<String> = self.feature_columns().map(str::to_owned).collect();
        let gain = |column: &String| gains.get(column.as_str()).copied().unwrap_or(0.0);
        columns.sort_by(|a, b| gain(b).total_cmp(&gain(a)));
        columns
    }

    /// The members that consist of trees.
    pub fn tree_members(&self) -> Vec<TreeMember<'_>> {
        let of = |member: usize| {
            let models = &self.members[member].models;
            let encoder = &self.encoders[self.members[member].encoder];
            trees(&models[0]).map(|(trees, base_scores)| TreeMember {
                member,
                learner: models[0].learner,
                weight: self.members[member].weight,
                n_models: models.len(),
                trees,
                base_scores,
                features: encoder.feature_names(),
                sources: encoder.feature_sources(),
            })
        };
        (0..self.active().len()).filter_map(of).collect()
    }
}

/// The trees of a model and what they add to.
fn trees(fitted: &Fitted) -> Option<(&[Tree], Option<&[f64]>)> {
    let model: &dyn std::any::Any = fitted.model.as_ref();
    let booster = model.downcast_ref::<GbdtModel>();
    let forest = model.downcast_ref::<ForestModel>();
    booster
        .map(|m| (m.trees(), Some(m.base_scores())))
        .or_else(|| forest.map(|m| (m.trees(), None)))
}
