//! One learner on one table: no holdout, no folds, no account.
//!
//! For callers who judge models themselves, such as scikit-learn's cross-validation. Columns are
//! profiled and encoded as in a fit, and the learner sees all rows; nothing decides but the input
//! and the seed.

use std::collections::BTreeMap;

use modelwright_core::data::{Kind, Schema, Table, TrainView};
use modelwright_core::params::{ParamMap, Params};
use modelwright_core::task::Target;
use modelwright_core::{Context, Error, Result};
use modelwright_learners::gbdt::{FitOptions, Gbdt, GbdtParams, Objective};
use modelwright_learners::{Entry, Fitted, Learner, learner};
use modelwright_preprocess::EncodingSpec;
use modelwright_preprocess::encode::{PrepareInput, prepare};

use crate::encoding::{check_constraints, encoding_for};
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
    /// Sample weights; `None` is 1 for each.
    pub weights: Option<&'a [f64]>,
    /// The learner's name in the catalog.
    pub learner: &'a str,
    /// Parameters that differ from the learner's own.
    pub params: &'a ParamMap,
    /// A loss of the caller's own in place of the parameter `loss`; of boosters alone.
    pub objective: Option<&'a dyn Objective>,
}

/// Fits the learner on all rows; returns a predictor of it and the rounds that it did. Its classes
/// are called by their numbers, and its target `target`.
///
/// # Errors
/// Input error when the learner is unknown, cannot learn the task or does not take the parameters;
/// when a weight is not a number from 0; when no column can be learned from.
pub fn fit_direct(input: &DirectInput<'_>, ctx: &Context) -> Result<(Predictor, usize)> {
    let entry = learner(input.learner)?;
    entry.check_params(input.params)?;
    let encoding = encoding_for(entry, None)?;
    check_constraints(encoding, input.params)?;
    ctx.install(|| {
        let schema = usable_columns(input.table, input.schema, &input.kinds, ctx)?;
        let prepared = prepare(
            &PrepareInput {
                table: input.table,
                schema: &schema,
                exclude: &[],
                target: input.target,
                weights: input.weights,
                folds: &[],
                like: None,
            },
            &EncodingSpec::named(encoding)?,
            ctx,
        )?;
        let rows: Vec<u32> = (0..input.table.n_rows() as u32).collect();
        let view = TrainView {
            features: &prepared.full,
            target: input.target,
            weights: input.weights,
            rows: &rows,
            validation: &[],
        };
        let model = match input.objective {
            None => entry.fit(&view, input.params, ctx)?,
            Some(objective) => boosted(entry, &view, input.params, objective, ctx)?,
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
        Ok((predictor, rounds))
    })
}

/// A booster by a loss of the caller's own.
fn boosted(
    entry: &Entry,
    view: &TrainView<'_>,
    params: &ParamMap,
    objective: &dyn Objective,
    ctx: &Context,
) -> Result<Fitted> {
    if entry.spec.name != Gbdt::SPEC.name {
        return Err(Error::input("this learner takes no loss of one's own")
            .at("loss")
            .expected(Gbdt::SPEC.name)
            .got(entry.spec.name));
    }
    let params = GbdtParams::from_map(Gbdt::SPEC.name, params)?;
    let options = FitOptions { objective: Some(objective), ..FitOptions::default() };
    Ok(Fitted::of::<Gbdt>(Gbdt::fit_with(view, &params, &options, ctx)?))
}

#[cfg(test)]
mod tests {
    use modelwright_core::data::Column;
    use modelwright_learners::LEARNERS;

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
                    objective: None,
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
            objective: None,
        };
        let error = fit_direct(&input, &Context::unlimited(0, 1)).err().unwrap();
        assert!(error.what().contains("no column"), "{error}");
    }
}
