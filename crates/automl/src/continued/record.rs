//! The account of a model that was continued: what was found of the earlier one is left out, and
//! what the judged rows say takes its place.

use modelwright_core::data::Table;
use modelwright_core::record::{ContinuedMember, ContinuedRecord, RunRecord, SplitRecord};
use modelwright_core::task::{Predictions, Target};
use modelwright_core::{Context, Result};
use modelwright_evaluate::resample::Mix;
use modelwright_evaluate::{EvaluateInput, MetricEntry, evaluate, metric_or_default};
use modelwright_inspect::explain::permutation_importance;
use modelwright_learners::Model;
use modelwright_preprocess::profile::{Profile, ProfileOptions, profile_table};

use super::rows::Lesson;
use super::{ContinueInput, Recipe};
use crate::aim;
use crate::audit::{self, AuditInput};
use crate::parting::Roles;
use crate::parts::weights_of;
use crate::predictor::Predictor;
use crate::shapes;
use crate::tree_answers::booster;

/// As in a whole run.
const N_RESAMPLES: usize = 1_000;
const N_REPEATS: usize = 5;
const N_ROWS_IMPORTANCE: usize = 2_000;

/// What was said of the judged rows.
pub(super) struct Judged<'a> {
    pub(super) said: &'a Predictions,
    pub(super) truth: &'a Target,
    /// The rows that were learned from before.
    pub(super) taught: &'a Lesson<'a>,
}

/// The account, with what the judged rows say of the model that did not learn from them.
pub(super) fn of(
    input: &ContinueInput<'_>,
    tested: &Predictor,
    on: &Judged<'_>,
    ctx: &Context,
) -> Result<RunRecord> {
    let (mut record, options) = (input.record.clone(), &input.options);
    forget(&mut record);
    let metric = metric_or_default(&record.task.metric, record.task.task);
    let weights = weights_of(&input.judged, options)?;
    let roles = Roles::of_groups(&input.judged, options);
    let known = on.taught.weights.as_deref();
    let baseline = aim::constant(&record.task.metric, &on.taught.target, known, on.truth.n_rows());
    let mut evaluation = evaluate(
        &EvaluateInput {
            on: &input.judged_source.name,
            truth: on.truth,
            predictions: on.said,
            weights: weights.as_deref(),
            threshold: tested.threshold,
            decided: None,
            costs: tested.costs(),
            classes: &tested.classes,
            metric,
            baseline: Some(&baseline),
            n_resamples: N_RESAMPLES,
            mix: Mix::Drawn,
            groups: roles.groups(),
            unit: modelwright_evaluate::Unit::Group,
        },
        ctx,
    )?;
    let (name, task) = (&record.task.metric, record.task.task);
    evaluation.baseline_is = Some(aim::constant_words(name, task, aim::TRAINING_ROWS));
    record.evaluation = Some(evaluation);
    if let Some(intervals) = &mut record.intervals {
        let held = tested.held(&input.judged, on.said, on.truth, ctx)?;
        intervals.levels =
            held.map_or(Vec::new(), |held| held.reached(weights.as_deref(), roles.groups()));
    }
    record.importances = importances(input, tested, metric, ctx)?;
    if !options.sensitive.is_empty() {
        let groups = AuditInput {
            on: &input.judged_source.name,
            table: &input.judged,
            truth: on.truth,
            predictions: on.said,
            weights: weights.as_deref(),
            units: roles.groups(),
            sensitive: &options.sensitive,
            min_group: audit::MIN_GROUP,
        };
        record.fairness = Some(audit::audit(tested, &groups, ctx)?);
    }
    Ok(record)
}

/// Permutation importances on a sample of the judged rows; none where the metric is undefined.
fn importances(
    input: &ContinueInput<'_>,
    tested: &Predictor,
    metric: &MetricEntry,
    ctx: &Context,
) -> Result<Vec<modelwright_core::record::Importance>> {
    let n_rows = input.judged.n_rows();
    let scope = ctx.scope("importances");
    let chosen =
        ctx.random("continue/importances", 0).sample(n_rows, n_rows.min(N_ROWS_IMPORTANCE));
    let table = input.judged.select(&chosen);
    let columns = tested.columns_by_gain();
    let (target, weights) = (tested.encode_target(&table)?, weights_of(&table, &input.options)?);
    let found = permutation_importance(
        tested,
        &table,
        &target,
        weights.as_deref(),
        metric,
        &columns,
        N_REPEATS,
        &scope,
    );
    Ok(found.unwrap_or_default())
}

/// What the rows look like, in the kinds that the model reads.
///
/// # Errors
/// Input error when a column that the model reads is not there.
pub(super) fn profile(table: &Table, input: &ContinueInput<'_>, ctx: &Context) -> Result<Profile> {
    let fields = input.record.schema.fields.iter().filter(|f| table.column(&f.name).is_some());
    let kinds = fields.map(|field| (field.name.clone(), field.kind)).collect();
    let target = Some(input.predictor.target.clone());
    profile_table(table, &table.storage_schema(), &ProfileOptions { kinds, target }, ctx)
}

/// Says what became of which model, by which rows.
pub(super) fn say(
    record: &mut RunRecord,
    input: &ContinueInput<'_>,
    (recipes, predictor): (&[Recipe], &Predictor),
    n_rows: usize,
) {
    let n_judged = input.judged.n_rows();
    env!("CARGO_PKG_VERSION").clone_into(&mut record.engine_version);
    record.options = input.options.clone();
    record.data = input.source.clone();
    record.test_data = Some(input.judged_source.clone());
    record.split = SplitRecord {
        kind: "test file".to_owned(),
        reason: "the newest rows judged, and were learned from afterwards".to_owned(),
        n_train: n_rows - n_judged,
        n_holdout: n_judged,
        n_folds: 0,
        n_repeats: 0,
    };
    record.ensemble.n_rows_all = Some(n_rows as u64);
    let rounds_of = |member: usize| {
        let models = predictor.members.get(member).map(|m| &m.models);
        let first = models.and_then(|models| models.first()).and_then(booster);
        first.map_or(0, Model::rounds)
    };
    let member = |recipe: &Recipe| {
        let now = rounds_of(recipe.member);
        if let Some(of) = record.ensemble.members.get_mut(recipe.member) {
            of.rounds = now;
        }
        let added = now.saturating_sub(recipe.before);
        ContinuedMember { trial: recipe.trial.clone(), before: recipe.before, added }
    };
    let members = recipes.iter().map(member).collect();
    let parent_sha256 = input.parent_sha256.clone();
    record.continued.push(ContinuedRecord { parent_sha256, n_rows, n_judged, members });
    record.shapes = shapes::recorded(predictor);
}

/// Leaves out what was found about the model as it was, and about the rows that it learned from.
fn forget(record: &mut RunRecord) {
    record.forget_findings();
    record.ensemble.students.clear();
    record.leakage.clear();
    record.warnings.clear();
}
