//! One learner on one table: no holdout, no folds, no account.
//!
//! For callers who judge models themselves, such as scikit-learn's cross-validation. Columns are
//! profiled and encoded as in a fit, and the learner sees all rows; nothing decides but the input
//! and the seed.

use std::collections::BTreeMap;

use modelwright_core::data::{Kind, Schema, Table, TrainView};
use modelwright_core::params::{ParamMap, Params};
use modelwright_core::task::{Predictions, Target};
use modelwright_core::{Context, Error, Result};
use modelwright_learners::gbdt::{FitOptions, Gbdt, GbdtParams, Objective};
use modelwright_learners::{Entry, Fitted, Learner, learner};
use modelwright_preprocess::EncodingSpec;
use modelwright_preprocess::encode::{PrepareInput, prepare};

use crate::boosting::as_before;
use crate::encoding::{check_constraints, encoding_for};
use crate::parts::scaled;
use crate::predictor::{Predictor, SinglePredictor};
use crate::vectorize::usable_columns;

/// What one learner is to learn from.
pub struct DirectInput<'a> {
    /// The columns; all are features.
    pub table: &'a Table,
    /// Storage and formats of the columns, as the reader found them.
    pub schema: &'a Schema,
    /// Kinds that are not to be guessed.
    pub kinds: BTreeMap<String, Kind>,
    /// The target of every row.
    pub target: &'a Target,
    /// Sample weights; `None` is 1 for each. As in a fit, they are brought to mean 1, unless they
    /// count equal rows.
    pub weights: Option<&'a [f64]>,
    /// The learner's name in the catalog.
    pub learner: &'a str,
    /// Parameters that differ from the learner's own.
    pub params: &'a ParamMap,
    /// How columns are written as numbers; `None` is as the learner's default is.
    pub encoding: Option<&'a str>,
    /// What a booster may be given beside.
    pub boosting: Boosting<'a>,
}

/// What boosters alone can be given; the default is nothing.
#[derive(Clone, Copy, Default)]
pub struct Boosting<'a> {
    /// A loss of the caller's own in place of the parameter `loss`.
    pub objective: Option<&'a dyn Objective>,
    /// Ascending levels of quantiles that are learned at once, in place of the parameter `loss`:
    /// see [`FitOptions::quantile_levels`]. [`Predictor::single_booster`] has the model, whose
    /// predictions are not those of the predictor.
    pub quantile_levels: Option<&'a [f64]>,
    /// Scores that rows start from: see [`FitOptions::init_scores`].
    pub init_scores: Option<&'a [f64]>,
    /// The booster whose trees the new one begins with: what [`fit_direct`] returned. It reads
    /// columns as that one did.
    pub continued: Option<&'a Predictor>,
}

impl Boosting<'_> {
    fn is_given(&self) -> bool {
        self.objective.is_some()
            || self.quantile_levels.is_some()
            || self.init_scores.is_some()
            || self.continued.is_some()
    }
}

/// Fits the learner on all rows; returns a predictor of it and the rounds that it did. Its classes
/// are called by their numbers, and its target `target`.
///
/// # Errors
/// Input error when the learner is unknown, cannot learn the task or does not take the parameters;
/// when a weight is not a number from 0; when no column can be learned from.
pub fn fit_direct(input: &DirectInput<'_>, ctx: &Context) -> Result<(Predictor, usize)> {
    let (predictor, rounds, _) = fit_and_judge(input, false, ctx)?;
    Ok((predictor, rounds))
}

/// As [`fit_direct`], and what the trees of a forest that did not draw a row say of it: NaN for a
/// row that all of them drew.
///
/// # Errors
/// As [`fit_direct`]; input error for a learner whose parts do not draw rows.
pub fn fit_out_of_bag(
    input: &DirectInput<'_>,
    ctx: &Context,
) -> Result<(Predictor, usize, Predictions)> {
    let (predictor, rounds, judged) = fit_and_judge(input, true, ctx)?;
    let judged = judged.ok_or_else(|| {
        Error::input("no row is out of any bag")
            .at("oob_score")
            .expected("a forest whose trees draw rows")
            .got(input.learner)
            .hint("set bootstrap to true")
    })?;
    Ok((predictor, rounds, judged))
}

/// A fit, and the out-of-bag predictions where they are asked for and there are any.
fn fit_and_judge(
    input: &DirectInput<'_>,
    judges: bool,
    ctx: &Context,
) -> Result<(Predictor, usize, Option<Predictions>)> {
    let entry = learner(input.learner)?;
    entry.check_params(input.params)?;
    let encoding = encoding_for(entry, input.encoding)?;
    check_constraints(encoding, input.params)?;
    let weights = input.weights.map(scaled);
    let weights = weights.as_deref();
    ctx.install(|| {
        let schema = match input.boosting.continued {
            None => usable_columns(input.table, input.schema, &input.kinds, ctx)?,
            Some(continued) => continued.schema.clone(),
        };
        let mut prepared = prepare(
            &PrepareInput {
                table: input.table,
                schema: &schema,
                exclude: &[],
                target: input.target,
                weights,
                folds: &[],
                like: None,
            },
            &EncodingSpec::named(encoding)?,
            ctx,
        )?;
        if let Some(continued) = input.boosting.continued {
            prepared = as_before(prepared, continued, input.table, ctx)?;
        }
        let rows: Vec<u32> = (0..input.table.n_rows() as u32).collect();
        let view = TrainView {
            features: &prepared.full,
            target: input.target,
            weights,
            rows: &rows,
            validation: &[],
        };
        let (model, judged) = match judges {
            true => match entry.fit_out_of_bag(&view, input.params, ctx)? {
                Some((model, judged)) => (model, Some(judged)),
                None => (entry.fit(&view, input.params, ctx)?, None),
            },
            false if input.boosting.is_given() => (boosted(entry, &view, input, ctx)?, None),
            false => (entry.fit(&view, input.params, ctx)?, None),
        };
        let rounds = model.model.rounds();
        let n_classes = match input.target {
            Target::Class { n_classes, .. } => *n_classes,
            Target::Real(_) => 0,
        };
        let predictor = Predictor::of_one(SinglePredictor {
            schema,
            task: input.target.task(),
            target: "target".to_owned(),
            classes: (0..n_classes).map(|c| c.to_string()).collect(),
            encoder: prepared.encoder,
            model,
        })?;
        Ok((predictor, rounds, judged))
    })
}

/// A booster with what it was given.
fn boosted(
    entry: &Entry,
    view: &TrainView<'_>,
    input: &DirectInput<'_>,
    ctx: &Context,
) -> Result<Fitted> {
    if entry.spec.name != Gbdt::SPEC.name {
        return Err(Error::input(
            "this learner takes no loss of one's own, quantiles, init scores or earlier model",
        )
        .at("learner")
        .expected(Gbdt::SPEC.name)
        .got(entry.spec.name));
    }
    let params = GbdtParams::from_map(Gbdt::SPEC.name, input.params)?;
    let given = &input.boosting;
    let warm_start = given.continued.map(Predictor::single_booster).transpose()?;
    let options = FitOptions {
        objective: given.objective,
        quantile_levels: given.quantile_levels,
        init_scores: given.init_scores,
        warm_start: warm_start.map(|(model, _)| model),
        snapshot: None,
    };
    Ok(Fitted::of::<Gbdt>(Gbdt::fit_with(view, &params, &options, ctx)?))
}

#[cfg(test)]
mod tests {
    use modelwright_core::data::Column;
    use modelwright_core::params::ParamValue;
    use modelwright_learners::{LEARNERS, Model};

    use super::*;

    fn table(n_rows: usize) -> Table {
        let x = |k: f64| (0..n_rows).map(|i| ((i as f64) * k).sin()).collect::<Vec<_>>();
        let words = (0..n_rows).map(|i| Some(if i % 3 == 0 { "a" } else { "b" }));
        Table::new(vec![
            Column::numbers("x", x(0.7)),
            Column::numbers("z", x(1.3)),
            Column::strings("w", words),
        ])
        .unwrap()
    }

    #[test]
    fn every_learner_learns_each_of_its_tasks_and_is_stored() {
        let table = table(200);
        let schema = table.storage_schema();
        let ctx = Context::unlimited(3, 2);
        let class = |n: u32| Target::Class {
            codes: (0..200).map(|i| i % n).collect(),
            n_classes: n as usize,
        };
        let real = Target::Real((0..200).map(|i| f64::from(i % 7)).collect());
        for entry in LEARNERS {
            for target in [class(2), class(3), real.clone()] {
                if !entry.spec.tasks.contains(&target.task()) {
                    continue;
                }
                let input = DirectInput {
                    table: &table,
                    schema: &schema,
                    kinds: BTreeMap::new(),
                    target: &target,
                    weights: None,
                    learner: entry.spec.name,
                    params: &ParamMap::new(),
                    encoding: None,
                    boosting: Boosting::default(),
                };
                let (predictor, _) = fit_direct(&input, &ctx).unwrap();
                let first = predictor.predict(&table, &ctx).unwrap();
                let read = Predictor::decode(&predictor.encode().unwrap()).unwrap();
                assert_eq!(read.predict(&table, &ctx).unwrap(), first, "{}", entry.spec.name);
            }
        }
    }

    #[test]
    fn columns_of_which_none_can_be_used_are_refused() {
        let table = Table::new(vec![Column::numbers("c", vec![1.0; 20])]).unwrap();
        let target = Target::Real((0..20).map(f64::from).collect());
        let input = DirectInput {
            table: &table,
            schema: &table.storage_schema(),
            kinds: BTreeMap::new(),
            target: &target,
            weights: None,
            learner: "linear",
            params: &ParamMap::new(),
            encoding: None,
            boosting: Boosting::default(),
        };
        let error = fit_direct(&input, &Context::unlimited(0, 1)).err().unwrap();
        assert!(error.what().contains("no column"), "{error}");
    }

    /// A booster of fixed steps.
    fn boosted_with(
        table: &Table,
        target: &Target,
        n_rounds: i64,
        boosting: Boosting<'_>,
    ) -> Result<Predictor> {
        let params = ParamMap::from([
            ("n_rounds".to_owned(), ParamValue::Int(n_rounds)),
            ("learning_rate".to_owned(), ParamValue::Real(0.2)),
        ]);
        let input = DirectInput {
            table,
            schema: &table.storage_schema(),
            kinds: BTreeMap::new(),
            target,
            weights: None,
            learner: "gbdt",
            params: &params,
            encoding: None,
            boosting,
        };
        fit_direct(&input, &Context::unlimited(5, 2)).map(|(predictor, _)| predictor)
    }

    #[test]
    fn only_the_ratios_of_weights_matter_unless_they_count_rows() {
        let table = table(256);
        let target = Target::Real((0..256).map(|i| f64::from(i * 37 % 101)).collect());
        let params = ParamMap::from([("n_rounds".to_owned(), ParamValue::Int(20))]);
        let model = |weights: Option<&[f64]>| {
            let input = DirectInput {
                table: &table,
                schema: &table.storage_schema(),
                kinds: BTreeMap::new(),
                target: &target,
                weights,
                learner: "gbdt",
                params: &params,
                encoding: None,
                boosting: Boosting::default(),
            };
            fit_direct(&input, &Context::unlimited(5, 2)).unwrap().0.encode().unwrap()
        };
        let plain = model(None);
        assert!(model(Some(&[1.0 / 256.0; 256])) == plain);
        assert!(model(Some(&[1e6; 256])) == plain);
        assert!(model(Some(&[2.0; 256])) != plain, "a weight of 2 is the row twice");
    }

    #[test]
    fn rounds_added_to_a_model_on_its_own_rows_are_those_of_one_fit() {
        let table = table(300);
        let ctx = Context::unlimited(5, 2);
        for n_classes in [0, 2, 3] {
            let target = match n_classes {
                0 => Target::Real((0..300).map(|i| (f64::from(i) * 0.7).sin() * 3.0).collect()),
                n => Target::Class {
                    codes: (0..300).map(|i| (i / 7) % n).collect(),
                    n_classes: n as usize,
                },
            };
            let whole = boosted_with(&table, &target, 20, Boosting::default()).unwrap();
            let half = boosted_with(&table, &target, 8, Boosting::default()).unwrap();
            // As a file would hold it.
            let half = Predictor::decode(&half.encode().unwrap()).unwrap();
            let more = Boosting { continued: Some(&half), ..Boosting::default() };
            let more = boosted_with(&table, &target, 12, more).unwrap();
            assert!(more.encode().unwrap() == whole.encode().unwrap(), "{n_classes} classes");
            assert_eq!(more.scores(&table, &ctx).unwrap().n_rows(), 300);
        }
    }

    #[test]
    fn a_model_is_continued_on_other_rows_by_its_own_encoder() {
        let (first, other) = (table(300), table(90));
        let target = |n: u32| Target::Real((0..n).map(|i| (f64::from(i) * 0.7).sin()).collect());
        let model = boosted_with(&first, &target(300), 10, Boosting::default()).unwrap();
        let more = Boosting { continued: Some(&model), ..Boosting::default() };
        let more = boosted_with(&other, &target(90), 5, more).unwrap();
        let (booster, encoder) = more.single_booster().unwrap();
        assert_eq!(booster.rounds(), 15);
        let of_model = model.single_booster().unwrap();
        assert_eq!(encoder.encode().unwrap(), of_model.1.encode().unwrap());
        let n = of_model.0.trees().len();
        assert_eq!(booster.trees()[..n], of_model.0.trees()[..]);
    }

    #[test]
    fn init_scores_are_where_rows_start_from_and_no_part_of_the_model() {
        let table = table(300);
        let ctx = Context::unlimited(5, 2);
        let values: Vec<f64> = (0..300).map(|i| (f64::from(i) * 0.7).sin() + 50.0).collect();
        let offsets = vec![50.0; 300];
        let given = Boosting { init_scores: Some(&offsets), ..Boosting::default() };
        let model = boosted_with(&table, &Target::Real(values.clone()), 40, given).unwrap();
        let scores = model.scores(&table, &ctx).unwrap().values;
        let error: f64 = scores.iter().zip(&values).map(|(s, y)| (s + 50.0 - y).abs()).sum();
        assert!(error / 300.0 < 0.2, "{error}");
        let short = Boosting { init_scores: Some(&offsets[1..]), ..Boosting::default() };
        let error = boosted_with(&table, &Target::Real(values), 4, short).err().unwrap();
        assert!(error.to_string().contains("wrong length"), "{error}");
    }

    #[test]
    fn quantiles_learned_at_once_are_outputs_of_one_booster() {
        let table = table(300);
        let ctx = Context::unlimited(5, 2);
        let target = Target::Real((0..300).map(|i| f64::from(i * 37 % 101)).collect());
        let given = Boosting { quantile_levels: Some(&[0.1, 0.5, 0.9]), ..Boosting::default() };
        let model = boosted_with(&table, &target, 30, given).unwrap();
        let (booster, _) = model.single_booster().unwrap();
        let scores = model.scores(&table, &ctx).unwrap();
        let found = booster.predictions_of(scores.values).unwrap();
        assert_eq!((found.n_outputs, found.n_rows()), (3, 300));
        assert!((0..300).all(|row| found.row(row).is_sorted()));
    }

    #[test]
    fn what_boosters_are_given_is_refused_by_other_learners() {
        let table = table(60);
        let offsets = vec![0.0; 60];
        let input = DirectInput {
            table: &table,
            schema: &table.storage_schema(),
            kinds: BTreeMap::new(),
            target: &Target::Real((0..60).map(f64::from).collect()),
            weights: None,
            learner: "random_forest",
            params: &ParamMap::new(),
            encoding: None,
            boosting: Boosting { init_scores: Some(&offsets), ..Boosting::default() },
        };
        let error = fit_direct(&input, &Context::unlimited(0, 1)).err().unwrap();
        assert!(error.to_string().contains("gbdt"), "{error}");
    }

    #[test]
    fn rows_are_judged_by_the_trees_that_did_not_draw_them() {
        let table = table(200);
        let target = Target::Real((0..200).map(|i| (f64::from(i) * 0.7).sin() * 3.0).collect());
        let ctx = Context::unlimited(5, 2);
        let fit = |learner, params: &ParamMap| {
            let input = DirectInput {
                table: &table,
                schema: &table.storage_schema(),
                kinds: BTreeMap::new(),
                target: &target,
                weights: None,
                learner,
                params,
                encoding: None,
                boosting: Boosting::default(),
            };
            let judged = fit_out_of_bag(&input, &ctx)?;
            assert!(judged.0.encode()? == fit_direct(&input, &ctx)?.0.encode()?, "one model");
            Ok::<_, Error>(judged)
        };
        let (predictor, rounds, judged) = fit("random_forest", &ParamMap::new()).unwrap();
        assert_eq!((rounds, judged.n_rows(), judged.n_outputs), (100, 200, 1));
        let known = predictor.predict(&table, &ctx).unwrap();
        let Target::Real(values) = &target else { unreachable!() };
        let error = |of: &Predictions| -> f64 {
            of.values.iter().zip(values).map(|(p, y)| (p - y).powi(2)).sum()
        };
        assert!(error(&judged) > error(&known) && error(&judged).is_finite());
        for learner in ["extra_trees", "gbdt"] {
            let text = fit(learner, &ParamMap::new()).err().unwrap().to_string();
            assert!(text.contains("oob_score") && text.contains("bootstrap"), "{text}");
        }
        let drawn = ParamMap::from([("bootstrap".to_owned(), ParamValue::Flag(true))]);
        assert_eq!(fit("extra_trees", &drawn).unwrap().2.n_rows(), 200);
    }

    #[test]
    fn leaves_and_gains_are_those_of_the_trees() {
        let table = table(300);
        let ctx = Context::unlimited(5, 2);
        let target = Target::Class { codes: (0..300).map(|i| (i / 7) % 3).collect(), n_classes: 3 };
        let model = boosted_with(&table, &target, 4, Boosting::default()).unwrap();
        let leaves = model.leaves(&table, &ctx).unwrap();
        let trees = model.single_booster().unwrap().0.trees();
        assert_eq!((leaves.n_trees.clone(), leaves.values.len()), (vec![12], 300 * 12));
        assert_eq!(leaves.names()[11], "12");
        assert!(leaves.values.chunks(12).all(|row| {
            row.iter().zip(trees).all(|(leaf, tree)| (*leaf as usize) < tree.n_leaves())
        }));
        let gains = model.column_gains().unwrap();
        assert_eq!(gains.len(), model.schema.fields.len());
        assert!((gains.iter().sum::<f64>() - 1.0).abs() < 1e-9 && gains[0] > 0.0, "{gains:?}");
    }
}
