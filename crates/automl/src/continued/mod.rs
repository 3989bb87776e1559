//! The boosters of an earlier model, continued on new rows: a model for the price of a few rounds.
//!
//! ```text
//! rows to learn from ─ a part of them finds the number of rounds
//!        └─▶ the boosters with that many rounds more ─▶ judged by rows that came after
//! all of these rows ─▶ the earlier boosters with that many rounds more: what is delivered
//! ```
//!
//! Encoders, calibration, threshold, weights and all members that are no boosters stay as they
//! are. What judges never taught what it judges: it teaches only what is delivered, when nothing
//! is decided any more (as in the last fit of a whole run).

mod record;
mod rows;
#[cfg(test)]
mod tests;

use modelwright_core::context::Event;
use modelwright_core::data::Table;
use modelwright_core::params::ParamMap;
use modelwright_core::record::{DataSource, Options, OwnKind, RunRecord};
use modelwright_core::{Context, Error, Result};

use crate::input::FitOutcome;
use crate::predictor::Predictor;
use crate::reference::PredictionReference;
use crate::tree_answers::booster;
use crate::unusual;

use self::rows::Lesson;
pub(crate) use self::rows::encoded_again;

/// An earlier model, and new rows.
pub struct ContinueInput<'a> {
    /// The earlier model.
    pub predictor: &'a Predictor,
    /// The account of its run.
    pub record: &'a RunRecord,
    /// SHA-256 of its file.
    pub parent_sha256: String,
    /// Rows to learn from, with answers.
    pub table: Table,
    /// Where they came from.
    pub source: DataSource,
    /// Rows that judge, with answers.
    pub judged: Table,
    /// Where they came from.
    pub judged_source: DataSource,
    /// What is asked: columns of groups, times and weights, and the seed.
    pub options: Options,
}

/// A booster that goes on.
struct Recipe {
    /// Its place among the members.
    member: usize,
    /// The name of its trial.
    trial: String,
    /// Parameters that its trial set.
    params: ParamMap,
    /// Rounds that it has.
    before: usize,
}

/// Continues the boosters of an earlier model; [`FitOutcome::tested`] is what it said of the judged
/// rows before it learned from them too.
///
/// # Errors
/// Input error when the model has no boosters, when its boosters are not to be continued (a loss
/// of the user's own, decisions that were made fair), or when rows cannot be read.
pub fn continue_boosters(mut input: ContinueInput<'_>, ctx: &Context) -> Result<FitOutcome> {
    ctx.install(|| {
        ctx.tell(Event::Phase("continue".to_owned()));
        let ctx = &ctx.scope("continue");
        let recipes = recipes(input.predictor, input.record)?;
        let lesson = Lesson::of(input.predictor, &input.table, &input.options)?;
        let rounds = rows::rounds(input.predictor, &recipes, &lesson, &input.options, ctx)?;
        let scope = ctx.scope("tested");
        let tested = rows::grown(input.predictor, &recipes, &lesson, &rounds, &scope)?;
        let said = tested.predict(&input.judged, ctx)?;
        let truth = tested.encode_target(&input.judged)?;
        let on = record::Judged { said: &said, truth: &truth, taught: &lesson };
        let mut record = record::of(&input, &tested, &on, ctx)?;
        let usual = unusual::learn(&tested, &input.table, Some(&input.judged), ctx);
        let mut table = std::mem::take(&mut input.table);
        table.append(&input.judged)?;
        let all = Lesson::of(input.predictor, &table, &input.options)?;
        let scope = ctx.scope("delivered");
        let predictor = rows::grown(input.predictor, &recipes, &all, &rounds, &scope)?;
        let profile = record::profile(&table, &input, ctx)?;
        record.profile = profile.record;
        record::say(&mut record, &input, (&recipes, &predictor), table.n_rows());
        let now = predictor.predict(&input.judged, ctx)?;
        let predictions = PredictionReference::of(&tested, &said, &truth, ctx)?
            .with_served(&predictor, &now, ctx)?;
        record.decisions = ctx.decisions();
        let (reference, predictions, tested) = (profile.sketches, Some(predictions), Some(said));
        Ok(FitOutcome { predictor, record, reference, predictions, usual, tested })
    })
}

/// The boosters among the members, with the parameters of their trials.
fn recipes(predictor: &Predictor, record: &RunRecord) -> Result<Vec<Recipe>> {
    let refused = |why: &str| {
        Error::input("the model cannot be continued").got(why).hint("fit it again: --plan search")
    };
    if record.options.own.iter().any(|part| part.kind == OwnKind::Loss) {
        return Err(refused("its loss is code of its user's own, which is not here"));
    }
    if record.mitigation.is_some() || predictor.group_thresholds().is_some() {
        return Err(refused("its decisions were made fair, which more rounds would undo"));
    }
    if predictor.second_level.is_some() {
        return Err(refused("a second level corrects its members as they are"));
    }
    let of_member = |(member, of): (usize, &crate::predictor::Member)| {
        let boosters: Vec<_> = of.models.iter().map(booster).collect::<Option<_>>()?;
        let named = record.ensemble.members.get(member).map(|m| m.trial.as_str());
        let trial = record.trials.iter().map(|t| &t.trial).find(|t| Some(&*t.name) == named);
        let before = boosters.first().map(|model| modelwright_learners::Model::rounds(*model))?;
        let params = trial.map(|t| t.params.clone()).unwrap_or_default();
        Some(Recipe { member, trial: named.unwrap_or("gbdt").to_owned(), params, before })
    };
    let found: Vec<Recipe> = predictor.active().iter().enumerate().filter_map(of_member).collect();
    if found.is_empty() {
        return Err(refused("it has no gradient boosters"));
    }
    Ok(found)
}
