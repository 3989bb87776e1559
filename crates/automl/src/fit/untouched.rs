//! What the untouched rows say: the one evaluation, and how much each column matters.

use modelwright_core::context::Event;
use modelwright_core::data::Table;
use modelwright_core::record::{
    Evaluation, FairnessRecord, FamiliarityRecord, Importance, LeakAction, MetricValue,
    MoreRowsRecord, RobustnessRecord, SlicesRecord,
};
use modelwright_core::task::{Predictions, Target};
use modelwright_core::{Context, Result};
use modelwright_evaluate::metric::MetricInput;
use modelwright_evaluate::resample::{Drawing, Mix, bootstrap_interval};
use modelwright_evaluate::split::SplitKind;
use modelwright_evaluate::{EvaluateInput, evaluate};
use modelwright_inspect::explain::permutation_importance;

use super::Flow;
use super::combine::Combined;
use crate::audit::{self, AuditInput};
use crate::fair::HeldInput;
use crate::familiar::{FamiliarInput, familiarity};
use crate::fit::ALL_AND_TEST;
use crate::more_rows::CurveInput;
use crate::parting::row_times;
use crate::parts::weights_of;
use crate::predictor::Predictor;
use crate::reference::PredictionReference;
use crate::refit::Chosen;
use crate::robustness::{self, StrainInput, strained};
use crate::slices::SearchedRows;
use crate::units::Units;
use crate::{aim, budget, fair, more_rows, slices};

/// Resamples of the intervals of the final evaluation.
pub(crate) const N_RESAMPLES: usize = 1_000;
const N_RESAMPLES_OFFER: usize = 200;

/// Permutations of each column for its importance, and the rows they are made on.
pub(crate) const N_REPEATS: usize = 5;
pub(crate) const N_ROWS_IMPORTANCE: usize = 2_000;

/// Rows on which weak slices are searched and tested at most.
pub(crate) const N_ROWS_SLICES: usize = 10_000;

/// Rows that judge a learning curve at most (and that one learner alone is fitted again on), and
/// seconds that all of its fits may take.
const N_ROWS_CURVE: usize = 20_000;
const CURVE_S_MAX: f64 = 8.0;

/// What the untouched rows say; nothing where none were held out.
#[derive(Default)]
pub(super) struct Untouched {
    pub evaluation: Option<Evaluation>,
    /// What sensitive groups get, when that was asked.
    pub fairness: Option<FairnessRecord>,
    /// What the model said on them: what later predictions are compared with.
    pub said: Option<PredictionReference>,
    /// The same, row by row, where the model learns from a test table afterwards.
    pub tested: Option<Predictions>,
}

/// What looking for equal training rows may take, for each of them: its hash, its place, a copy.
const BYTES_PER_COMPARED_ROW: u64 = 100;

impl Flow {
    /// The one evaluation on rows that took no part in anything before; what intervals reach on
    /// them goes into their record.
    pub(super) fn evaluate(&self, combined: &mut Combined, ctx: &Context) -> Result<Untouched> {
        let Some(held_out) = &self.held_out else { return Ok(Untouched::default()) };
        let predictor = &combined.predictor;
        let predictions = predictor.predict(held_out, ctx)?;
        let truth = predictor.encode_target(held_out)?;
        let weights = weights_of(held_out, &self.options)?;
        let known = self.weights.as_deref();
        let baseline = aim::constant(self.metric.spec.name, &self.target, known, truth.n_rows());
        let units = self.units(held_out, &truth, &predictions, ctx);
        let (groups, unit) = Units::told(units.as_ref());
        tell_of_blocks(units.as_ref(), ctx);
        if let Some(record) = &mut combined.intervals {
            let held = predictor.held(held_out, &predictions, &truth, ctx)?;
            record.levels = held.map_or(Vec::new(), |h| h.reached(weights.as_deref(), groups));
        }
        self.test_offers(combined, held_out, (&truth, weights.as_deref(), groups), ctx)?;
        let predictor = &combined.predictor;
        let decides = predictor.fair.is_some() || combined.mitigation.is_some();
        let decided = decides.then(|| predictor.decide(held_out, &predictions));
        if let (Some(made), Some(decided)) = (&mut combined.mitigation, &decided) {
            let input = HeldInput {
                table: held_out,
                truth: &truth,
                weights: weights.as_deref(),
                before: (made.plain.as_ref().unwrap_or(&predictions), made.threshold),
                decided,
            };
            made.record.held = fair::held(&made.groupings, &made.record, &input);
        }
        let on = self.test_source.as_ref().map_or("holdout", |s| s.name.as_str());
        let input = EvaluateInput {
            on,
            truth: &truth,
            predictions: &predictions,
            weights: weights.as_deref(),
            threshold: predictor.threshold,
            decided: decided.as_deref(),
            costs: predictor.costs(),
            classes: &predictor.classes,
            metric: self.metric,
            baseline: Some(&baseline),
            n_resamples: N_RESAMPLES,
            mix: self.mix_of_held_out(),
            groups,
            unit,
        };
        let mut evaluation = evaluate(&input, ctx)?;
        let (name, task) = (self.metric.spec.name, self.task.task);
        evaluation.baseline_is = Some(aim::constant_words(name, task, aim::TRAINING_ROWS));
        let said = PredictionReference::of(predictor, &predictions, &truth, ctx)?;
        let tested = (self.options.refit == ALL_AND_TEST).then(|| predictions.clone());
        let mut untouched =
            Untouched { evaluation: Some(evaluation), fairness: None, said: Some(said), tested };
        if self.options.sensitive.is_empty() {
            return Ok(untouched);
        }
        let audited = AuditInput {
            on,
            table: held_out,
            truth: &truth,
            predictions: &predictions,
            weights: weights.as_deref(),
            units: groups,
            sensitive: &self.options.sensitive,
            min_group: audit::MIN_GROUP,
        };
        untouched.fairness = Some(audit::audit(predictor, &audited, ctx)?);
        Ok(untouched)
    }

    /// What belongs together among untouched rows: their groups, or blocks of them where they are
    /// judged in the order of time.
    fn units(
        &self,
        held_out: &Table,
        truth: &Target,
        predictions: &Predictions,
        ctx: &Context,
    ) -> Option<Units> {
        let roles = self.groups_of(held_out, ctx);
        let is_in_time = self.split.kind == SplitKind::Time.name();
        let times = is_in_time.then(|| row_times(held_out, &self.options)).flatten();
        Units::of(roles.groups(), times.as_deref(), truth, predictions)
    }

    /// Whether the untouched rows were drawn so that they have the classes' own mix.
    fn mix_of_held_out(&self) -> Mix {
        // A test table and rows that were given are splits of other names.
        let is_made = self.split.kind == SplitKind::Stratified.name();
        if is_made { Mix::Fixed } else { Mix::Drawn }
    }

    /// The optimised metric of every offer on the untouched rows, as far as time allows.
    fn test_offers(
        &self,
        combined: &mut Combined,
        held_out: &Table,
        (truth, weights, groups): (&Target, Option<&[f64]>, Option<&[u32]>),
        ctx: &Context,
    ) -> Result<()> {
        let scope = ctx.scope("offers/test").with_reserve(budget::packing(ctx));
        if combined.offers.len() < 2 || !scope.proceed() {
            return Ok(());
        }
        let of_members = combined.predictor.predict_members(held_out, &scope)?;
        for (offer, offered) in combined.offers.iter_mut().zip(&combined.predictor.offers) {
            if !scope.proceed() {
                break;
            }
            let predictions = Predictor::predictions_of(offered, &of_members);
            let threshold = offered.threshold.unwrap_or(0.5);
            let input = MetricInput { truth, predictions: &predictions, weights, threshold };
            let value = self.metric.measured(&input);
            let drawing =
                Drawing { n_resamples: N_RESAMPLES_OFFER, mix: self.mix_of_held_out(), groups };
            let interval = || bootstrap_interval(self.metric, &input, drawing, &scope);
            offer.holdout = Some(MetricValue {
                name: self.metric.spec.name.to_owned(),
                ci95: value.is_ok().then(|| interval().ok()).flatten(),
                note: value.as_ref().err().map(|e| e.what().to_owned()),
                value: value.ok(),
            });
        }
        Ok(())
    }

    /// The context in which the model is explained and strained.
    pub(super) fn explaining(&self, combined: &Combined, ctx: &Context) -> Context {
        budget::explaining(self.refits_s(combined), ctx)
    }

    /// Seconds that the fits on all rows should take, with the encodings that they read.
    fn refits_s(&self, combined: &Combined) -> f64 {
        let fits: f64 = combined.members.iter().map(Chosen::refit_s).sum();
        let encoded = combined.encodings.iter().filter_map(|name| combined.encode_s.get(name));
        (fits + encoded.sum::<f64>()) * self.rows_ratio()
    }

    /// What strains do to the model, and how far the untouched rows lie from the training rows.
    pub(super) fn doubts(
        &self,
        predictor: &Predictor,
        ctx: &Context,
    ) -> Result<(Option<RobustnessRecord>, Option<FamiliarityRecord>)> {
        Ok((self.robustness(predictor, ctx)?, self.familiarity(predictor, ctx)?))
    }

    /// What strains on the untouched rows do to the metric; inside the time for explanations.
    fn robustness(&self, predictor: &Predictor, ctx: &Context) -> Result<Option<RobustnessRecord>> {
        let Some(held_out) = &self.held_out else { return Ok(None) };
        let held_out = &thinned(held_out, robustness::ROWS_MAX, ctx);
        let scope = ctx.scope("robustness");
        let scope = match budget::one_explanation(ctx) {
            Some(limit) => scope.with_time_limit(limit),
            None => scope,
        };
        let weights = weights_of(held_out, &self.options)?;
        let (truth, predictions) =
            (predictor.encode_target(held_out)?, predictor.predict(held_out, ctx)?);
        let units = self.units(held_out, &truth, &predictions, ctx);
        let input = StrainInput {
            on: self.test_source.as_ref().map_or("holdout", |s| s.name.as_str()),
            table: held_out,
            truth: &truth,
            predictions: &predictions,
            weights: weights.as_deref(),
            units: Units::told(units.as_ref()).0,
            metric: self.metric,
        };
        strained(predictor, &input, &scope).map(Some)
    }

    /// How far the untouched rows lie from the training rows, as long as there is time.
    fn familiarity(
        &self,
        predictor: &Predictor,
        ctx: &Context,
    ) -> Result<Option<FamiliarityRecord>> {
        let scope = ctx.scope("familiarity");
        let bytes = BYTES_PER_COMPARED_ROW * self.train.n_rows() as u64;
        let has_room = scope.decide("room", || {
            u64::from(scope.memory_left_bytes().is_none_or(|left| left > bytes))
        }) == 1;
        let held_out = self.held_out.as_ref().filter(|_| has_room && scope.proceed());
        let Some(held_out) = held_out else { return Ok(None) };
        let held_out = &thinned(held_out, N_ROWS_SLICES, ctx);
        let predictions = predictor.predict(held_out, &scope)?;
        let truth = predictor.encode_target(held_out)?;
        let known = self.weights.as_deref();
        let constant = aim::constant(self.metric.spec.name, &self.target, known, truth.n_rows());
        let losses = slices::losses(predictor, held_out, &truth, &predictions, &constant);
        let weights = weights_of(held_out, &self.options)?;
        let units = self.units(held_out, &truth, &predictions, ctx);
        let input = FamiliarInput {
            on: self.test_source.as_ref().map_or("holdout", |s| s.name.as_str()),
            rows: held_out,
            training: &self.train,
            target: &self.target,
            loss: losses.name,
            losses: &losses.of_model,
            weights: weights.as_deref(),
            groups: Units::told(units.as_ref()).0,
        };
        Ok(familiarity(predictor, &input, &scope))
    }

    /// Whether more rows would help: the first member again on parts of the rows, where there is
    /// time for it beside the last fit; `None` elsewhere.
    pub(super) fn more_rows(&self, combined: &Combined, ctx: &Context) -> Option<MoreRowsRecord> {
        let held_out = self.held_out.as_ref()?;
        if self.brought.continued.is_some() {
            return None; // What it learned from before is not here to be made less.
        }
        // One that learned in a fair way is no member that more rows of the same kind would make.
        let member = combined.members.first().filter(|m| !m.is_recast())?;
        let kept = budget::packing(ctx) + budget::of_refits(self.refits_s(combined));
        let scope = ctx.scope("learning-curve").with_reserve(kept);
        // One learner that was asked for has no fold whose time is known.
        if self.options.single.is_some() && self.train.n_rows() > N_ROWS_CURVE {
            return None;
        }
        let needed_s = more_rows::FITS * member.refit_s();
        if needed_s > CURVE_S_MAX || !budget::may_refit(&scope, &member.planned.name, needed_s) {
            return None;
        }
        let tried = || {
            let held_out = thinned(held_out, N_ROWS_CURVE, ctx);
            let held_weights = weights_of(&held_out, &self.options)?;
            let groups = self.groups_of(&self.train, ctx);
            let held_groups = self.groups_of(&held_out, ctx);
            let input = CurveInput {
                groups: groups.groups(),
                held_groups: held_groups.groups(),
                table: &self.train,
                target: &self.target,
                weights: self.weights.as_deref(),
                schema: &self.profile.schema,
                exclude: &self.exclude,
                truth: &combined.predictor.encode_target(&held_out)?,
                held_weights: held_weights.as_deref(),
                held_out: &held_out,
                classes: &self.task.classes,
                planned: &member.planned,
                entry: &member.entry,
                metric: self.metric,
            };
            more_rows::curve(&input, &scope)
        };
        tried().unwrap_or_else(|error| {
            ctx.tell(Event::Note(format!("no learning curve: {}", error.what())));
            None
        })
    }

    /// How much each column matters; empty when the metric is undefined on the untouched rows.
    pub(super) fn importances(
        &self,
        predictor: &Predictor,
        ctx: &Context,
    ) -> Result<Vec<Importance>> {
        let Some(held_out) = &self.held_out else { return Ok(Vec::new()) };
        ctx.tell(Event::Phase("importances".to_owned()));
        let sample = thinned(held_out, N_ROWS_IMPORTANCE, ctx);
        // A rare class may be absent from the sample, or from all untouched rows.
        let tables = [&sample, held_out];
        let Some(table) = tables.into_iter().find(|t| self.is_defined_on(t, predictor, ctx)) else {
            return Ok(Vec::new());
        };
        let scope = ctx.scope("importances");
        let scope = match budget::one_explanation(ctx) {
            Some(limit) => scope.with_time_limit(limit),
            None => scope,
        };
        let columns = predictor.columns_by_gain();
        permutation_importance(
            predictor,
            table,
            &predictor.encode_target(table)?,
            weights_of(table, &self.options)?.as_deref(),
            self.metric,
            &columns,
            N_REPEATS,
            &scope,
        )
    }

    /// Groups of untouched rows for which the predictor is worse than for the others.
    pub(super) fn slices(
        &self,
        predictor: &Predictor,
        importances: &[Importance],
        ctx: &Context,
    ) -> Result<Option<SlicesRecord>> {
        let scope = ctx.scope("slices");
        let Some(held_out) = self.held_out.as_ref().filter(|_| scope.proceed()) else {
            return Ok(None);
        };
        let held_out = &thinned(held_out, N_ROWS_SLICES, ctx);
        let predictions = predictor.predict(held_out, &scope)?;
        let truth = predictor.encode_target(held_out)?;
        let known = self.weights.as_deref();
        let constant = aim::constant(self.metric.spec.name, &self.target, known, truth.n_rows());
        let weights = weights_of(held_out, &self.options)?;
        let units = self.units(held_out, &truth, &predictions, ctx);
        let rows = SearchedRows {
            table: held_out,
            truth: &truth,
            predictions: &predictions,
            constant: &constant,
            weights: weights.as_deref(),
            groups: Units::told(units.as_ref()).0,
            shown: self.options.with_rows,
        };
        // What knows the answer in advance says nothing of rows to come.
        let leaks = self.leakage.iter().filter(|found| found.action == LeakAction::Excluded);
        let mut schema = self.profile.schema.clone();
        schema.fields.retain(|field| leaks.clone().all(|leak| !leak.columns.contains(&field.name)));
        slices::weak(predictor, &rows, &schema, importances, &scope)
    }

    /// Whether the metric has a value on these rows.
    fn is_defined_on(&self, table: &Table, predictor: &Predictor, ctx: &Context) -> bool {
        let value = || -> Result<f64> {
            self.metric.measured(&MetricInput {
                truth: &predictor.encode_target(table)?,
                predictions: &predictor.predict(table, ctx)?,
                weights: weights_of(table, &self.options)?.as_deref(),
                threshold: predictor.threshold,
            })
        };
        value().is_ok()
    }
}

/// Says where intervals are drawn in blocks, and of what length.
fn tell_of_blocks(units: Option<&Units>, ctx: &Context) {
    if let Some(n) = units.and_then(|units| units.n_block_rows) {
        ctx.tell(Event::Note(format!(
            "successive untouched rows err alike: intervals are drawn in blocks of {n} rows"
        )));
    }
}

/// At most `n_max` random rows of a table, in their order: what is only looked at must not cost the
/// time and memory of a prediction of all. Every m-th row would be of one kind where rows have a
/// period.
fn thinned(table: &Table, n_max: usize, ctx: &Context) -> Table {
    if table.n_rows() <= n_max {
        return table.clone();
    }
    table.select(&ctx.random("untouched/sample", 0).sample(table.n_rows(), n_max))
}
