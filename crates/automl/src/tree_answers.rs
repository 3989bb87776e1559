//! What trees say beside predictions: scores before the link, leaves, and what columns gained.
//!
//! The `raw_score` and `pred_leaf` of LightGBM, the `decision_function` and `apply` of
//! scikit-learn. A score is what the trees of a booster add up to, before it becomes a probability
//! (or a mean of counts) and before probabilities are calibrated; of several boosters it is their
//! mean by weight. Leaves are numbered within their tree, in the order of its values.

use std::any::Any;

use modelwright_core::data::{Column, FeatureMatrix, FeatureView, Table};
use modelwright_core::task::Predictions;
use modelwright_core::{Context, Error, Result};
use modelwright_learners::Fitted;
use modelwright_learners::forest::ForestModel;
use modelwright_learners::gbdt::{GbdtModel, Link};
use modelwright_preprocess::encode::FittedEncoder;

use crate::predictor::Predictor;

/// The leaves in which some rows end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leaves {
    /// How many trees each model has, in the order of the members and of their models.
    pub n_trees: Vec<usize>,
    /// Row-major: one number for each tree of all models.
    pub values: Vec<u32>,
}

impl Leaves {
    /// Names of the trees: `1`, `2`, …, and `MODEL.TREE` where there are several models.
    pub fn names(&self) -> Vec<String> {
        let several = self.n_trees.len() > 1;
        let of_model = |(model, n): (usize, &usize)| {
            let name = move |tree: usize| {
                if several { format!("{model}.{tree}") } else { tree.to_string() }
            };
            (1..=*n).map(name).collect::<Vec<_>>()
        };
        (1..).zip(&self.n_trees).flat_map(of_model).collect()
    }
}

impl Predictor {
    /// The only model of a predictor that is one booster, and what writes its features.
    ///
    /// # Errors
    /// Input error when the predictor is anything else.
    pub fn single_booster(&self) -> Result<(&GbdtModel, &FittedEncoder)> {
        let refused = |got: String| {
            Error::input("this model is not one gradient booster")
                .expected("a single model of `gbdt`")
                .got(got)
        };
        let [member] = self.active() else {
            return Err(refused(format!("{} members", self.active().len())));
        };
        let [fitted] = &member.models[..] else {
            return Err(refused(format!("the mean of {} models", member.models.len())));
        };
        let model = booster(fitted).ok_or_else(|| refused(fitted.learner.to_owned()))?;
        Ok((model, &self.encoders[member.encoder]))
    }

    /// The scores of every row before the link and before calibration.
    ///
    /// # Errors
    /// Input error when a member is no gradient booster, or they have different links; for a
    /// missing column or a wrong type.
    pub fn scores(&self, table: &Table, ctx: &Context) -> Result<Predictions> {
        let mut models = Vec::new();
        for member in self.active() {
            for fitted in &member.models {
                let model = booster(fitted).ok_or_else(|| {
                    Error::input("this model has no scores before its predictions")
                        .expected("gradient boosters alone, as of `train gbdt`")
                        .got(format!("a member of `{}`", fitted.learner))
                })?;
                models.push((member.encoder, member.weight / member.models.len() as f64, model));
            }
        }
        let kind = |model: &GbdtModel| (model.link(), model.n_outputs());
        let first = models.first().map(|(_, _, model)| kind(model));
        let n_outputs = first.map_or(1, |(_, n)| n);
        if models.iter().any(|(_, _, model)| Some(kind(model)) != first) {
            return Err(Error::input("the scores of this model's boosters have no common scale")
                .expected("boosters of one loss"));
        }
        let features = self.features_of_members(table, ctx)?;
        let mut mean = Predictions::zeros(table.n_rows(), n_outputs);
        for (encoder, share, model) in models {
            let scores = model.scores(&FeatureView::all(&features[encoder]), ctx)?;
            for (m, score) in mean.values.iter_mut().zip(scores) {
                // One booster's scores stay the bits that they are.
                *m += if share == 1.0 { score } else { share * score };
            }
        }
        Ok(mean)
    }

    /// The quantiles of every row that a model of several learned at once, ascending.
    ///
    /// # Errors
    /// Input error when a member is something else; for a missing column or a wrong type.
    pub fn quantiles(&self, table: &Table, ctx: &Context) -> Result<Predictions> {
        let none = |got: &str| {
            Error::input("this model has learned no quantiles")
                .expected("boosters of `train gbdt --quantiles`")
                .got(got)
        };
        let features = self.features_of_members(table, ctx)?;
        let mut mean: Option<Predictions> = None;
        for member in self.active() {
            let view = FeatureView::all(&features[member.encoder]);
            let share = member.weight / member.models.len() as f64;
            for fitted in &member.models {
                let model = booster(fitted).filter(|model| model.link() == Link::Quantiles);
                let model = model.ok_or_else(|| none(fitted.learner))?;
                let said = model.predictions_of(model.scores(&view, ctx)?)?;
                let n = said.n_outputs;
                let mean = mean.get_or_insert_with(|| Predictions::zeros(table.n_rows(), n));
                if mean.n_outputs != n {
                    return Err(none("boosters of other quantiles"));
                }
                mean.values.iter_mut().zip(&said.values).for_each(|(m, s)| *m += share * s);
            }
        }
        mean.ok_or_else(|| none("no member"))
    }

    /// The leaves in which every row ends.
    ///
    /// # Errors
    /// Input error when a member is not made of trees; for a missing column or a wrong type.
    pub fn leaves(&self, table: &Table, ctx: &Context) -> Result<Leaves> {
        let features = self.features_of_members(table, ctx)?;
        let mut n_trees = Vec::new();
        let mut parts = Vec::new();
        for member in self.active() {
            let view = FeatureView::all(&features[member.encoder]);
            for fitted in &member.models {
                let (n, leaves) = leaves_of(fitted, &view, ctx)?;
                n_trees.push(n);
                parts.push(leaves);
            }
        }
        let mut values = Vec::with_capacity(parts.iter().map(Vec::len).sum());
        for row in 0..table.n_rows() {
            for (n, leaves) in n_trees.iter().zip(&parts) {
                values.extend_from_slice(&leaves[row * n..(row + 1) * n]);
            }
        }
        Ok(Leaves { n_trees, values })
    }

    /// By how much splits on each column of the schema reduced the loss, as shares of all: the mean
    /// of the models that are made of trees. All zero when nothing was split.
    ///
    /// # Errors
    /// Input error when no member is made of trees.
    pub fn column_gains(&self) -> Result<Vec<f64>> {
        let members = self.tree_members();
        if members.is_empty() {
            return Err(no_trees(self.members().next().map_or("none", |(name, _, _)| name)));
        }
        let mut gains = vec![0.0; self.schema.fields.len()];
        for member in &members {
            let of_feature = member.importances().normalised().gain;
            for (source, gain) in member.sources.iter().zip(of_feature) {
                if let Some(at) = self.schema.fields.iter().position(|f| *f.name == **source) {
                    gains[at] += gain * member.weight;
                }
            }
        }
        Ok(modelwright_learners::tree::importance::shares(&gains))
    }

    /// The features that the members read, by encoder; empty ones where none does.
    fn features_of_members(&self, table: &Table, ctx: &Context) -> Result<Vec<FeatureMatrix>> {
        let is_used = |i: usize| self.active().iter().any(|m| m.encoder == i);
        let one = |(i, encoder): (usize, &FittedEncoder)| {
            if is_used(i) { encoder.transform(table, ctx) } else { Ok(FeatureMatrix::default()) }
        };
        self.encoders.iter().enumerate().map(one).collect()
    }
}

/// The columns of what was asked for beside predictions, scores and leaves: `score` (or
/// `score_<class>`), and `leaf_1`, … (`leaf_MODEL.TREE` of several models).
///
/// # Errors
/// As [`Predictor::scores`] and [`Predictor::leaves`].
pub fn answer_columns(
    predictor: &Predictor,
    table: &Table,
    (scores, leaves): (bool, bool),
    ctx: &Context,
) -> Result<Vec<Column>> {
    let mut columns = Vec::new();
    if scores {
        let found = predictor.scores(table, ctx)?;
        let of = |k: usize| {
            found.values.iter().skip(k).step_by(found.n_outputs).copied().collect::<Vec<f64>>()
        };
        let named = |k: usize| match predictor.classes.get(k) {
            Some(class) if found.n_outputs > 1 => format!("score_{class}"),
            _ => "score".to_owned(),
        };
        columns.extend((0..found.n_outputs).map(|k| Column::numbers(named(k), of(k))));
    }
    if leaves {
        let found = predictor.leaves(table, ctx)?;
        let n_trees = found.n_trees.iter().sum();
        let of = |t: usize| found.values.iter().skip(t).step_by(n_trees).map(|l| f64::from(*l));
        let names = found.names().into_iter().enumerate();
        columns.extend(
            names.map(|(t, n)| Column::numbers(format!("leaf_{n}"), of(t).collect::<Vec<f64>>())),
        );
    }
    Ok(columns)
}

/// The columns of the quantiles that a model learned at once, by their levels: `quantile_0.1`, …;
/// none where it learned none.
///
/// # Errors
/// As [`Predictor::quantiles`].
pub fn quantile_columns(
    predictor: &Predictor,
    table: &Table,
    levels: &[f64],
    ctx: &Context,
) -> Result<Vec<Column>> {
    if levels.is_empty() {
        return Ok(Vec::new());
    }
    let found = predictor.quantiles(table, ctx)?;
    if found.n_outputs != levels.len() {
        return Err(Error::input("the model has other quantiles than its record says")
            .expected(format!("{} of them", levels.len()))
            .got(format!("{} numbers for a row", found.n_outputs)));
    }
    let of =
        |k: usize| found.values.iter().skip(k).step_by(levels.len()).copied().collect::<Vec<f64>>();
    let columns = levels.iter().enumerate();
    Ok(columns.map(|(k, level)| Column::numbers(format!("quantile_{level}"), of(k))).collect())
}

pub(crate) fn booster(fitted: &Fitted) -> Option<&GbdtModel> {
    (fitted.model.as_ref() as &dyn Any).downcast_ref()
}

fn leaves_of(fitted: &Fitted, x: &FeatureView<'_>, ctx: &Context) -> Result<(usize, Vec<u32>)> {
    if let Some(model) = booster(fitted) {
        return Ok((model.trees().len(), model.leaf_indices(x, ctx)?));
    }
    match (fitted.model.as_ref() as &dyn Any).downcast_ref::<ForestModel>() {
        Some(model) => Ok((model.trees().len(), model.leaf_indices(x, ctx)?)),
        None => Err(no_trees(fitted.learner)),
    }
}

fn no_trees(learner: &str) -> Error {
    Error::input("this model is not made of trees")
        .expected("members of `gbdt`, `random_forest` or `extra_trees`")
        .got(format!("a member of `{learner}`"))
        .hint("train one with `train gbdt DATA`")
}
