//! Rows that a booster goes on learning from.

use std::collections::BTreeMap;
use std::sync::Arc;

use modelwright_core::data::{BinnedColumn, FeatureMatrix, Fold, Table, TrainView};
use modelwright_core::params::{ParamMap, ParamValue, Params};
use modelwright_core::record::Options;
use modelwright_core::task::Target;
use modelwright_core::{Context, Error, Result};
use modelwright_learners::gbdt::{FitOptions, Gbdt, GbdtModel, GbdtParams};
use modelwright_learners::{Fitted, Learner, Model};
use modelwright_preprocess::encode::FittedEncoder;
use modelwright_preprocess::encode::bins::{SAMPLE, bin};

use super::Recipe;
use crate::parting::{self, Roles};
use crate::parts::weights_of;
use crate::predictor::Predictor;
use crate::tree_answers::booster;

/// The most rounds that a booster gets beside those it has.
const ROUNDS_MAX: i64 = 300;

/// The learning rate where the earlier run left it to the engine: that one is for whole fits.
const RATE: f64 = 0.1;

/// The share of the rows that finds how many rounds are good.
const VALIDATION_SHARE: f64 = 0.2;

/// Rows with answers.
pub(super) struct Lesson<'a> {
    pub(super) table: &'a Table,
    pub(super) target: Target,
    pub(super) weights: Option<Vec<f64>>,
}

impl<'a> Lesson<'a> {
    /// # Errors
    /// Input error for answers or weights that cannot be read.
    pub(super) fn of(predictor: &Predictor, table: &'a Table, options: &Options) -> Result<Self> {
        let (target, weights) = (predictor.encode_target(table)?, weights_of(table, options)?);
        Ok(Self { table, target, weights })
    }

    /// Rows to learn from, and rows to find the number of rounds by.
    ///
    /// # Errors
    /// Input error when the rows cannot be parted.
    pub(super) fn parted(&self, options: &Options, ctx: &Context) -> Result<Fold> {
        let (kind, _) = parting::choose_kind(options)?;
        let roles = Roles::of(self.table, options)?;
        let folds = parting::folds(kind, &roles, &self.target, 0, VALIDATION_SHARE, ctx)?;
        let fold = folds.into_iter().next();
        fold.ok_or_else(|| Error::input("there are too few rows to find a number of rounds by"))
    }

    /// The features that the boosters read, by the number of their encoder.
    ///
    /// # Errors
    /// Input error for a missing column or a wrong type.
    pub(super) fn features(
        &self,
        predictor: &Predictor,
        recipes: &[Recipe],
        ctx: &Context,
    ) -> Result<BTreeMap<usize, FeatureMatrix>> {
        let mut all = BTreeMap::new();
        for encoder in recipes.iter().map(|r| predictor.members[r.member].encoder) {
            if let std::collections::btree_map::Entry::Vacant(place) = all.entry(encoder) {
                place.insert(encoded_again(&predictor.encoders[encoder], self.table, ctx)?);
            }
        }
        Ok(all)
    }

    /// The booster with more rounds; as many as the rows of `fold` that judge like best, or `n`.
    ///
    /// # Errors
    /// As [`Gbdt::fit_with`].
    pub(super) fn more(
        &self,
        fitted: &Fitted,
        (features, fold): (&FeatureMatrix, &Fold),
        (params, n): (&ParamMap, Option<usize>),
        ctx: &Context,
    ) -> Result<GbdtModel> {
        let refused = || Error::work("a model that is no booster cannot be continued");
        let model = booster(fitted).ok_or_else(refused)?;
        let mut params = params.clone();
        let n_rounds = n.and_then(|n| i64::try_from(n).ok()).unwrap_or(ROUNDS_MAX);
        params.insert("n_rounds".to_owned(), ParamValue::Int(n_rounds));
        if !matches!(params.get("learning_rate"), Some(ParamValue::Real(rate)) if *rate > 0.0) {
            params.insert("learning_rate".to_owned(), ParamValue::Real(RATE));
        }
        let params = GbdtParams::from_map(Gbdt::SPEC.name, &params)?;
        let view = TrainView {
            features,
            target: &self.target,
            weights: self.weights.as_deref(),
            rows: &fold.train,
            validation: &fold.validation,
        };
        let options = FitOptions { warm_start: Some(model), ..FitOptions::default() };
        Gbdt::fit_with(&view, &params, &options, ctx)
    }
}

/// How many rounds more are good for each booster, by rows that it does not learn from; at least
/// one.
///
/// # Errors
/// As [`Lesson::more`].
pub(super) fn rounds(
    predictor: &Predictor,
    recipes: &[Recipe],
    lesson: &Lesson<'_>,
    options: &Options,
    ctx: &Context,
) -> Result<Vec<usize>> {
    let fold = lesson.parted(options, ctx)?;
    let features = lesson.features(predictor, recipes, ctx)?;
    let found = |(i, recipe): (usize, &Recipe)| {
        let member = &predictor.members[recipe.member];
        let on = (&features[&member.encoder], &fold);
        let scope = ctx.scope(&format!("rounds/{i}"));
        let model = lesson.more(&member.models[0], on, (&recipe.params, None), &scope)?;
        Ok(model.rounds().saturating_sub(recipe.before).max(1))
    };
    recipes.iter().enumerate().map(found).collect()
}

/// A copy of the predictor whose boosters did so many rounds more on all rows.
///
/// # Errors
/// As [`Lesson::more`].
pub(super) fn grown(
    predictor: &Predictor,
    recipes: &[Recipe],
    lesson: &Lesson<'_>,
    rounds: &[usize],
    ctx: &Context,
) -> Result<Predictor> {
    let mut copy = Predictor::decode(&predictor.encode()?)?;
    // Smaller combinations were measured with the boosters as they were.
    let n_active = copy.active().len();
    copy.members.truncate(n_active);
    copy.offers.clear();
    let features = lesson.features(&copy, recipes, ctx)?;
    let all = Fold { train: (0..lesson.table.n_rows() as u32).collect(), validation: Vec::new() };
    for (i, (recipe, n)) in recipes.iter().zip(rounds).enumerate() {
        let member = &mut copy.members[recipe.member];
        for (j, fitted) in member.models.iter_mut().enumerate() {
            let on = (&features[&member.encoder], &all);
            let scope = ctx.scope(&format!("more/{i}/{j}"));
            let model = lesson.more(fitted, on, (&recipe.params, Some(*n)), &scope)?;
            *fitted = Fitted::of::<Gbdt>(model);
        }
    }
    Ok(copy)
}

/// The features of rows as an encoder writes them that learned from others, with bins.
///
/// # Errors
/// Input error for a missing column or a wrong type.
pub(crate) fn encoded_again(
    encoder: &FittedEncoder,
    table: &Table,
    ctx: &Context,
) -> Result<FeatureMatrix> {
    let mut full = encoder.transform(table, ctx)?;
    let n_rows = table.n_rows();
    let sample = (n_rows > SAMPLE).then(|| ctx.random("continue/bins", 0).sample(n_rows, SAMPLE));
    let bins = ctx.map(full.columns.len(), |i| {
        let column = &full.columns[i];
        let levels = column.is_category.then(|| BinnedColumn::of_levels(&column.values));
        levels.flatten().unwrap_or_else(|| bin(&column.values, sample.as_deref()))
    });
    for (column, bins) in full.columns.iter_mut().zip(bins) {
        column.bins = Some(Arc::new(bins));
    }
    Ok(full)
}
