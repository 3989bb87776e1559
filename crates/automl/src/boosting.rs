//! What a run asks of boosters alone: columns that rows start from, several quantiles at once, an
//! earlier booster to add rounds to.
//!
//! The first two are parameters of `gbdt`, so that a record, a replay and a report need no words of
//! their own for them; what is done here is to look at them before anything is learned. The third
//! is a model, which a record only names (see [`Continued`]) and a replay is given again.

use std::sync::Arc;

use modelwright_core::data::{ColumnData, Kind, Table};
use modelwright_core::params::ParamValue;
use modelwright_core::record::{Continued, Options, Plan};
use modelwright_core::task::Task;
use modelwright_core::{Context, Error, Result};
use modelwright_learners::Learner;
use modelwright_learners::gbdt::{Gbdt, GbdtModel, read_levels};
use modelwright_learners::tree::constraints::listed;
use modelwright_preprocess::encode::{FittedEncoder, Prepared};

use crate::continued::encoded_again;
use crate::predictor::Predictor;

/// The metric of a run that learns several quantiles, whose middle one is judged.
pub(crate) const METRIC_OF_QUANTILES: &str = "mae";

const INIT_SCORE: &str = "init_score";
const QUANTILES: &str = "quantiles";

/// A parameter of the one learner that was asked for, where it is text that says something.
fn asked<'a>(options: &'a Options, name: &str) -> Option<&'a str> {
    match options.single.as_ref().filter(|s| s.learner == Gbdt::SPEC.name)?.params.get(name) {
        Some(ParamValue::Choice(text)) if !text.trim().is_empty() => Some(text),
        _ => None,
    }
}

/// The columns that rows start from.
pub(crate) fn init_columns(options: &Options) -> Vec<String> {
    asked(options, INIT_SCORE).map_or_else(Vec::new, listed)
}

/// The levels of the quantiles that a run learned at once; none for one number.
///
/// # Errors
/// Input error for what is no ascending list of numbers between 0 and 1.
pub fn quantile_levels(options: &Options) -> Result<Vec<f64>> {
    asked(options, QUANTILES).map_or(Ok(Vec::new()), read_levels)
}

/// Whether a run learns several quantiles.
pub(crate) fn learns_quantiles(options: &Options) -> bool {
    asked(options, QUANTILES).is_some()
}

/// Makes sure that columns to start from have a number in each of the rows that are used, and that
/// levels of quantiles are some, before anything is learned.
///
/// # Errors
/// Input error that names the column, or what is wrong with the levels.
pub(crate) fn check(table: &Table, rows: &[u32], options: &Options) -> Result<()> {
    quantile_levels(options)?;
    for name in init_columns(options) {
        let column = table.require(&name).map_err(|e| e.at(INIT_SCORE))?;
        let wrong = |what: &str| Error::input(what).at(INIT_SCORE).column(&name);
        if [Some(&options.target), options.weight.as_ref()].contains(&Some(&name))
            || options.exclude.contains(&name)
        {
            return Err(wrong("a column to start from cannot have a second role")
                .hint("do not name it in --target, --weight or --exclude"));
        }
        let ColumnData::Number(values) = &column.data else {
            return Err(wrong("an init score is not a number").expected("a column of numbers"));
        };
        if let Some(row) = rows.iter().find(|row| !values.at(**row as usize).is_finite()) {
            return Err(wrong("a row has no init score")
                .row(u64::from(*row) + 1)
                .expected("a finite number in every row to learn from")
                .hint("fill it in (0 is no margin), or leave the row out"));
        }
    }
    Ok(())
}

/// Takes columns to start from as the numbers that they are, however few values they have.
pub(crate) fn with_kinds(options: &Options) -> std::collections::BTreeMap<String, Kind> {
    let mut kinds = options.kinds.clone();
    for name in init_columns(options) {
        kinds.entry(name).or_insert(Kind::Number);
    }
    kinds
}

/// An earlier booster that a run adds rounds to.
#[derive(Clone)]
pub struct Earlier {
    /// What was fitted; one booster.
    pub predictor: Arc<Predictor>,
    /// What the record says of it.
    pub named: Continued,
}

impl Earlier {
    /// Makes sure that rows of a table can teach the model more.
    ///
    /// # Errors
    /// Input error that says what differs: the task, the target, its classes, or a column.
    pub(crate) fn check(&self, table: &Table, (task, classes): (Task, &[String])) -> Result<()> {
        let wrong = |what: &str| Error::input(what).at("--continue");
        let predictor = &self.predictor;
        predictor.single_booster().map_err(|e| e.at("--continue"))?;
        if predictor.task != task {
            return Err(wrong("the model that is continued answers another question")
                .expected(predictor.task.name())
                .got(task.name()));
        }
        if predictor.classes != classes {
            return Err(wrong("the model that is continued knows other classes")
                .expected(predictor.classes.join(", "))
                .got(classes.join(", "))
                .hint("rows of all of its classes, and of no other, can teach it more"));
        }
        let (_, encoder) = predictor.single_booster()?;
        for (name, _) in encoder.input_columns() {
            table.require(name).map_err(|e| e.at("--continue"))?;
        }
        Ok(())
    }

    /// A copy of its booster, to be shared by the fits of a run.
    ///
    /// # Errors
    /// Input error when it is not one booster.
    pub(crate) fn booster(&self) -> Result<Arc<GbdtModel>> {
        let (model, _) = self.predictor.single_booster()?;
        let parts = (model.base_scores().to_vec(), model.trees().to_vec());
        let n_features = modelwright_learners::Model::n_features(model);
        GbdtModel::from_parts(n_features, model.link(), parts.0, parts.1).map(Arc::new)
    }
}

/// Makes sure that rounds are added as they are asked for, and judged by rows that were held out.
///
/// # Errors
/// Input error for folds, which would judge a model by rows that it may have learned from, and
/// where early stopping would have to find the rounds.
pub(crate) fn must_add_rounds(plan: &Plan) -> Result<()> {
    if plan.n_folds > 0 {
        return Err(Error::input("folds cannot judge a model that had learned before")
            .at("--folds")
            .expected("none beside --continue: rows that are held out judge it")
            .got(plan.n_folds.to_string()));
    }
    if plan.trials.iter().any(|trial| !trial.fixed_rounds) {
        return Err(Error::input("how many rounds shall be added to the model?")
            .at("--continue")
            .expected("--param n_rounds=N, and no early_stopping_rounds"));
    }
    Ok(())
}

/// Features as the continued model reads them. Where the new rows taught the same encoder (they
/// are the same rows) these are the prepared ones, cross-fitted where the target is seen, as in the
/// first fit; else the old encoder writes them, which learned from other rows.
///
/// # Errors
/// Input error when the model is not one booster, or the table has not its columns.
pub(crate) fn as_before(
    prepared: Prepared,
    continued: &Predictor,
    table: &Table,
    ctx: &Context,
) -> Result<Prepared> {
    let (_, encoder) = continued.single_booster()?;
    let stored = encoder.encode()?;
    if prepared.encoder.encode()? == stored {
        return Ok(prepared);
    }
    let full = encoded_again(encoder, table, ctx)?;
    // The old encoder has seen none of these rows' answers, in whichever fold they are.
    let folds = vec![full.clone(); prepared.folds.len()];
    Ok(Prepared { folds, full, encoder: FittedEncoder::decode(&stored)? })
}
