//! The one flow from a table to a tested predictor.

mod untouched;

use std::collections::BTreeMap;

use modelwright_core::context::{Decisions, Event};
use modelwright_core::data::{Field, Fold, Schema, Table};
use modelwright_core::record::{
    Clock, EnsembleRecord, Evaluation, FORMAT_VERSION, Importance, LeakFinding, Member, Options,
    PhaseTime, Plan, RunRecord, SplitRecord, TaskRecord, TrialRecord, TrialStatus,
};
use modelwright_core::task::{Predictions, Target, Task};
use modelwright_core::{Context, Error, Result};
use modelwright_evaluate::metric::{MetricEntry, Needs, metric};
use modelwright_evaluate::threshold::best_threshold;
use modelwright_preprocess::FittedEncoder;
use modelwright_preprocess::profile::Profile;

use crate::account::{self, Judged};
use crate::ensemble::{self, Selection};
use crate::input::{FitInput, FitOutcome, FitPlan};
use crate::parting::{self, Roles};
use crate::parts::{Parts, weights_of};
use crate::plan::{self as planning, PlanInput, Preset};
use crate::predictor::{Member as PredictorMember, Predictor};
use crate::search::{self, Found, Ground};
use crate::trial::TrialInput;
use crate::understand::{self, Understood};
use crate::{budget, calibrate, capacity, refit, single};

/// Judged rows used by the ensemble selection at most.
const N_ROWS_SELECT_MAX: usize = 20_000;

/// Members below this share of the largest weight are left out: they cost time at every
/// prediction and change nothing.
const WEIGHT_SHARE_MIN: f64 = 0.08;

/// Fits, combines, tests and explains a predictor inside the budget of `ctx`.
///
/// # Errors
/// Input error when data or options are wrong; work error when no model could be fitted.
pub fn fit(input: FitInput, ctx: &Context) -> Result<FitOutcome> {
    ctx.install(|| Flow::begin(input, ctx)?.finish(ctx))
}

/// What [`fit()`] would do.
///
/// # Errors
/// As [`fit()`].
pub fn plan(input: FitInput, ctx: &Context) -> Result<FitPlan> {
    ctx.install(|| {
        let flow = Flow::begin(input, ctx)?;
        Ok(FitPlan {
            profile: flow.profile.record,
            leakage: flow.leakage,
            task: flow.task,
            split: flow.split,
            plan: flow.plan,
        })
    })
}

/// Everything known before the first trial.
struct Flow {
    options: Options,
    preset: Preset,
    source: modelwright_core::record::DataSource,
    test_source: Option<modelwright_core::record::DataSource>,
    profile: Profile,
    task: TaskRecord,
    metric: &'static MetricEntry,
    leakage: Vec<LeakFinding>,
    exclude: Vec<String>,
    split: SplitRecord,
    train: Table,
    held_out: Option<Table>,
    target: Target,
    weights: Option<Vec<f64>>,
    folds: Vec<Fold>,
    plan: Plan,
    phases: Phases,
}

impl Flow {
    fn begin(input: FitInput, ctx: &Context) -> Result<Self> {
        let mut phases = Phases::default();
        phases.end("read", ctx);
        let FitInput { table, schema, source, test, options } = input;
        let preset: Preset = options.preset.parse()?;
        let mut notes = Vec::new();
        let table = looked_at(table, &mut notes, ctx);
        let understood = understand::understand(&table, &schema, &options, ctx)?;
        phases.end("profile", ctx);
        let mut parts = Parts::make(table, test, &understood, &options, ctx)?;
        let Understood { profile, task, .. } = understood;
        let (leakage, leaks) = understand::leaks(
            &parts.train,
            parts.held_out.as_ref(),
            &profile.schema,
            &parts.target,
            parts.kind.name(),
            &options,
            ctx,
        )?;
        phases.end("leakage", ctx);
        let exclude = excluded_columns(&options, leaks);
        let n_features = n_features(&profile.schema, &exclude);
        if n_features == 0 {
            return Err(nothing_to_learn_from(&profile.schema, &exclude));
        }
        parts.fit_into_limits(&profile, &exclude, &mut notes, ctx)?;
        let roles = Roles::of(&parts.train, &options)?;
        let n_folds_max = roles.n_folds_max(parts.kind);
        let planned = plan_input(&parts.target, n_features, &task, preset, n_folds_max, ctx);
        let mut plan = match &options.single {
            Some(one) => single::make(one, &planned, parts.held_out.is_some())?,
            None => planning::make(&planned),
        };
        plan.notes.splice(0..0, notes);
        let folds = parting::folds(
            parts.kind,
            &roles,
            &parts.target,
            plan.n_folds,
            plan.validation_share,
            ctx,
        )
        .map_err(|e| if folds_were_asked(&options) { e.at("--folds") } else { e })?;
        let mut split = parts.split;
        split.n_folds = plan.n_folds;
        Ok(Self {
            preset,
            metric: metric(&task.metric)?,
            weights: weights_of(&parts.train, &options)?,
            options,
            source,
            test_source: parts.test_source,
            profile,
            task,
            leakage,
            exclude,
            split,
            train: parts.train,
            held_out: parts.held_out,
            target: parts.target,
            folds,
            plan,
            phases,
        })
    }

    fn finish(mut self, ctx: &Context) -> Result<FitOutcome> {
        let (work, closing) = match self.options.single {
            Some(_) => ("train", "refit"),
            None => ("search", "combine and refit"),
        };
        ctx.tell(Event::Phase(work.to_owned()));
        let ground = Ground {
            table: &self.train,
            schema: &self.profile.schema,
            exclude: &self.exclude,
            target: &self.target,
            weights: self.weights.as_deref(),
            folds: &self.folds,
            metric: self.metric,
        };
        let n_held = self.held_out.as_ref().map_or(0, Table::n_rows);
        let search_ctx = ctx.with_reserve(budget::evaluation(n_held, self.train.n_columns()));
        let found = search::run(&self.plan, &ground, &search_ctx);
        self.phases.end(work, ctx);
        ctx.tell(Event::Phase("combine".to_owned()));
        let trials = account::leaderboard(&found, self.metric, &search_ctx);
        let combined = self.combine(found, &search_ctx)?;
        self.phases.end(closing, ctx);
        ctx.tell(Event::Phase("evaluate".to_owned()));
        let evaluation = self.evaluate(&combined.predictor, ctx)?;
        self.phases.end("evaluate", ctx);
        let importances = self.importances(&combined.predictor, ctx)?;
        self.phases.end("importances", ctx);
        let record = self.record(trials, &combined, evaluation, importances, ctx);
        Ok(FitOutcome { predictor: combined.predictor, record, reference: self.profile.sketches })
    }

    /// Selects the ensemble, calibrates it out of fold, and refits its members.
    fn combine(&self, mut found: Found, ctx: &Context) -> Result<Combined> {
        if found.usable().next().is_none() {
            return Err(nothing_fitted(found));
        }
        let weights = self.select(&found, ctx);
        let out_of_fold = {
            let members: Vec<(&Predictions, f64)> = found
                .usable()
                .zip(&weights)
                .filter(|(_, w)| **w > 0.0)
                .map(|((_, t), w)| (&t.out_of_fold, *w))
                .collect();
            ensemble::combine(&members)
        };
        let temperature = calibrate::temperature(&found.truth, &out_of_fold);
        let mut calibrated = out_of_fold;
        calibrate::apply(&mut calibrated, temperature);
        let threshold = self.threshold(&found, &calibrated);
        let members_max = self.preset.members_max();
        let mut record = account::ensemble(&found, &calibrated, self.metric, members_max, ctx);
        let mut encoders: Vec<String> = Vec::new();
        let mut members = Vec::new();
        for (i, weight) in in_order_of_weight(&weights) {
            let Some(trial) = take_usable(&mut found, i) else { continue };
            let planned = trial.planned.clone();
            let input = TrialInput {
                planned: &planned,
                entry: trial.entry,
                prepared: &found.prepared[&planned.encoding],
                target: &self.target,
                weights: self.weights.as_deref(),
                folds: &self.folds,
            };
            let done = refit::finalise(trial, &input, self.preset, ctx)?;
            let encoder = position_or_push(&mut encoders, &planned.encoding);
            record.members.push(Member {
                trial: planned.name,
                weight,
                rounds: done.rounds,
                n_models: done.models.len(),
            });
            members.push(PredictorMember { encoder, weight, models: done.models });
        }
        let mut prepared = found.prepared;
        let encoders: Vec<_> =
            encoders.iter().filter_map(|name| prepared.remove(name)).map(|p| p.encoder).collect();
        let predictor = Predictor {
            schema: self.model_schema(&encoders),
            task: self.task.task,
            target: self.task.target.clone(),
            classes: self.task.classes.clone(),
            metric: self.task.metric.clone(),
            threshold: threshold.unwrap_or(0.5),
            temperature,
            encoders,
            members,
        };
        Ok(Combined { predictor, record, threshold, times: found.times })
    }

    /// The weight of each usable trial.
    fn select(&self, found: &Found, ctx: &Context) -> Vec<f64> {
        let judged = Judged::thinned(found, N_ROWS_SELECT_MAX);
        let candidates: Vec<Predictions> =
            found.usable().map(|(_, t)| judged.of(&t.out_of_fold)).collect();
        let refs: Vec<&Predictions> = candidates.iter().collect();
        let weights = ensemble::select(
            &Selection {
                metric: self.metric,
                truth: &judged.truth,
                weights: judged.weights.as_deref(),
                candidates: &refs,
                alone: &found.alone(),
                rounds: self.plan.ensemble_rounds,
                members_max: self.preset.members_max(),
            },
            ctx,
        );
        without_small(weights)
    }

    fn threshold(&self, found: &Found, calibrated: &Predictions) -> Option<f64> {
        (self.task.task == Task::Binary).then(|| {
            if self.metric.spec.needs == Needs::Labels {
                best_threshold(self.metric, &found.truth, calibrated, found.weights.as_deref())
            } else {
                0.5
            }
        })
    }

    /// The columns that the encoders read, as the reader must deliver them.
    fn model_schema(&self, encoders: &[FittedEncoder]) -> Schema {
        let used: std::collections::BTreeSet<String> =
            encoders.iter().flat_map(FittedEncoder::input_columns).map(|(n, _)| n.into()).collect();
        let fields = self.profile.schema.fields.iter();
        Schema { fields: fields.filter(|f| used.contains(&f.name)).cloned().collect() }
    }

    fn record(
        &mut self,
        mut trials: Vec<TrialRecord>,
        combined: &Combined,
        evaluation: Option<Evaluation>,
        importances: Vec<Importance>,
        ctx: &Context,
    ) -> RunRecord {
        let decisions = ctx.decisions();
        let mut warnings = Vec::new();
        if let Some(warning) = self.cut_short(&combined.record, &decisions) {
            for trial in &mut trials {
                trial.status = TrialStatus::Stopped;
                trial.note = Some("it ended early; what it had learned is used".to_owned());
            }
            warnings.push(warning);
        }
        if evaluation.is_none() {
            warnings.push(
                "no rows were held out, so the model is judged by its validation score alone"
                    .to_owned(),
            );
        }
        RunRecord {
            format_version: FORMAT_VERSION,
            engine_version: env!("CARGO_PKG_VERSION").to_owned(),
            options: self.options.clone(),
            data: self.source.clone(),
            test_data: self.test_source.clone(),
            schema: self.profile.schema.clone(),
            profile: self.profile.record.clone(),
            leakage: self.leakage.clone(),
            task: self.task.clone(),
            split: self.split.clone(),
            plan: self.plan.clone(),
            trials,
            ensemble: combined.record.clone(),
            threshold: combined.threshold,
            evaluation,
            importances,
            decisions,
            clock: Clock {
                phases: std::mem::take(&mut self.phases.times),
                trials: combined.times.clone(),
                threads: ctx.threads(),
                ..Clock::default()
            },
            warnings,
        }
    }
}

impl Flow {
    /// Says that the one learner that was asked for did not come to its own end.
    fn cut_short(&self, model: &EnsembleRecord, decisions: &Decisions) -> Option<String> {
        let single = self.options.single.as_ref()?;
        let was_cut = |scope: &String| scope.starts_with("trial/") || scope.starts_with("refit/");
        let member = model.members.first()?;
        decisions.stopped_after.keys().any(was_cut).then(|| {
            format!(
                "the training of {} ended early, after {} rounds: by the time limit, or on request",
                single.learner, member.rounds
            )
        })
    }
}

/// What the ensemble became.
struct Combined {
    predictor: Predictor,
    record: EnsembleRecord,
    threshold: Option<f64>,
    times: Vec<PhaseTime>,
}

/// Wall seconds of the phases.
#[derive(Default)]
struct Phases {
    times: Vec<PhaseTime>,
    until_s: f64,
}

impl Phases {
    fn end(&mut self, name: &str, ctx: &Context) {
        let now_s = ctx.elapsed().as_secs_f64();
        self.times.push(PhaseTime { name: name.to_owned(), seconds: now_s - self.until_s });
        self.until_s = now_s;
    }
}

/// The table, or a sample of its rows when there is no time to look at all of them.
fn looked_at(table: Table, notes: &mut Vec<String>, ctx: &Context) -> Table {
    let n_rows = table.n_rows();
    let Some(n) = capacity::rows_to_look_at(ctx, n_rows) else { return table };
    let note = format!("{n} of {n_rows} rows are used at all: the time limit");
    ctx.tell(Event::Warning(note.clone()));
    notes.push(note);
    table.into_selected(&ctx.random("capacity/look", 0).sample(n_rows, n))
}

fn plan_input(
    encoded: &Target,
    n_features: usize,
    task: &TaskRecord,
    preset: Preset,
    n_folds_max: usize,
    ctx: &Context,
) -> PlanInput {
    let n_rows = encoded.n_rows();
    let n_rows_rarest = match encoded.codes() {
        Some(codes) => {
            let mut counts = vec![0_usize; task.classes.len()];
            for code in codes {
                counts[*code as usize] += 1;
            }
            counts.into_iter().min().unwrap_or(0)
        }
        None => n_rows,
    };
    PlanInput {
        task: task.task,
        n_rows,
        n_rows_rarest,
        preset,
        n_folds_max,
        affordable_rounds: budget::affordable_rounds(ctx, n_rows, n_features, encoded.n_outputs()),
    }
}

/// The error of a run without any model: of one learner its own, of a search the first.
fn nothing_fitted(found: Found) -> Error {
    let is_single = found.is_single;
    let mut outcomes = found.outcomes.into_iter();
    if is_single && let Some(error) = outcomes.by_ref().find_map(|o| o.error) {
        return error;
    }
    let why = outcomes.find_map(|o| o.note).unwrap_or_default();
    Error::work("no model could be fitted").got(why)
}

/// Columns that a learner may read.
fn n_features(schema: &Schema, exclude: &[String]) -> usize {
    let may_be_read = |f: &&Field| f.kind.is_usable() && !exclude.contains(&f.name);
    schema.fields.iter().filter(may_be_read).count()
}

/// Whether the user chose the number of folds.
fn folds_were_asked(options: &Options) -> bool {
    options.single.as_ref().is_some_and(|one| one.n_folds.is_some_and(|n| n > 0))
}

fn excluded_columns(options: &Options, leaks: Vec<String>) -> Vec<String> {
    let mut exclude = vec![options.target.clone()];
    exclude.extend(options.exclude.iter().cloned());
    exclude.extend(options.weight.iter().cloned());
    exclude.extend(options.group.iter().cloned());
    exclude.extend(leaks);
    exclude
}

fn nothing_to_learn_from(schema: &Schema, exclude: &[String]) -> Error {
    let unused: BTreeMap<&str, &str> = schema
        .fields
        .iter()
        .filter(|f| !exclude.contains(&f.name))
        .map(|f| (f.name.as_str(), f.kind.name()))
        .collect();
    let list: Vec<String> = unused.iter().map(|(n, k)| format!("{n} ({k})")).collect();
    Error::input("no column is left to learn from")
        .expected("at least one number, category, date or text")
        .got(list.join(", "))
        .hint("decide a kind yourself with --kind COLUMN=category, or see `modelwright profile`")
}

/// Small weights set to zero, the rest scaled to sum to 1.
fn without_small(weights: Vec<f64>) -> Vec<f64> {
    let least = weights.iter().copied().fold(0.0, f64::max) * WEIGHT_SHARE_MIN;
    let kept: Vec<f64> = weights.into_iter().map(|w| if w < least { 0.0 } else { w }).collect();
    let total: f64 = kept.iter().sum();
    kept.into_iter().map(|w| w / total).collect()
}

/// Positive weights with their positions, largest first (ties: the earlier trial).
fn in_order_of_weight(weights: &[f64]) -> Vec<(usize, f64)> {
    let mut order: Vec<(usize, f64)> =
        weights.iter().copied().enumerate().filter(|(_, w)| *w > 0.0).collect();
    order.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    order
}

/// Takes the `i`-th usable trial out; counting stays as it was before any was taken.
fn take_usable(found: &mut Found, i: usize) -> Option<crate::trial::Trial> {
    found.outcomes.iter_mut().filter(|o| o.trial.is_some() || o.taken).nth(i).and_then(|o| {
        o.taken = true;
        o.trial.take()
    })
}

fn position_or_push(names: &mut Vec<String>, name: &str) -> usize {
    names.iter().position(|n| n == name).unwrap_or_else(|| {
        names.push(name.to_owned());
        names.len() - 1
    })
}
