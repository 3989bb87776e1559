//! The one flow from a table to a tested predictor.

mod combine;
pub(crate) mod explained;
mod record;
mod settle;
pub(crate) mod untouched;
mod whole;
mod whole_file;

use std::collections::BTreeMap;
use std::time::Duration;

use modelwright_core::context::Event;
use modelwright_core::data::{Field, Fold, Schema, Table};
use modelwright_core::record::{LeakFinding, Options, PhaseTime, Plan, SplitRecord, TaskRecord};
use modelwright_core::task::Target;
use modelwright_core::{Context, Error, Result};
use modelwright_evaluate::metric::MetricEntry;
use modelwright_evaluate::split::SplitKind;
use modelwright_preprocess::profile::Profile;

use crate::account;
use crate::aim;
use crate::boosting;
use crate::frugal::{self, Costs, Frugal};
use crate::input::{FitInput, FitOutcome, FitPlan};
use crate::last_fit::LastFit;
use crate::own::{Brought, Own};
use crate::parting::{self, Roles};
use crate::parts::Parts;
use crate::plan::{self as planning, PlanInput, Preset};
use crate::reference::PredictionReference;
use crate::search::{self, Found, Ground};
use crate::shapes;
use crate::understand::{self, Understood};
use crate::whole_file::{WholeFile, Wish};
use crate::{
    budget, capacity, conformal, constraint, distill, fair, isolation, nested, offers, portfolio,
    sampling, second_level, single, target, unusual,
};

use self::combine::Combined;
use self::untouched::Untouched;
pub use self::whole::ALL_AND_TEST;
pub(crate) use self::whole::REFITS;

/// The number of the random stream of the first further division into folds.
const FIRST_CHANCE: u64 = 100;

/// Fits, combines, tests and explains a predictor inside the budget of `ctx`.
///
/// # Errors
/// Input error when data or options are wrong; work error when no model could be fitted.
pub fn fit(mut input: FitInput, ctx: &Context) -> Result<FitOutcome> {
    ctx.install(|| {
        if isolation::is_asked(&input.options) {
            return isolation::fit(input, ctx);
        }
        target::read_as_numbers(&mut input, ctx);
        target::fold_booleans(&mut input, ctx);
        let notes = look_at_less(&mut input, ctx);
        let nested = input.options.nested.map(|k| nested::run(&input, k, ctx)).transpose()?;
        let mut outcome = fit_once(input, notes, ctx)?;
        outcome.record.nested = nested;
        Ok(outcome)
    })
}

/// One fit, without looking at it from outside; `notes` are the first of its plan.
pub(crate) fn fit_once(input: FitInput, notes: Vec<String>, ctx: &Context) -> Result<FitOutcome> {
    Flow::begin(input, notes, ctx)?.finish(ctx)
}

/// What [`fit()`] would do.
///
/// # Errors
/// As [`fit()`].
pub fn plan(mut input: FitInput, ctx: &Context) -> Result<FitPlan> {
    ctx.install(|| {
        target::read_as_numbers(&mut input, ctx);
        target::fold_booleans(&mut input, ctx);
        let notes = look_at_less(&mut input, ctx);
        let flow = Flow::begin(input, notes, ctx)?;
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
    /// Further divisions of the training rows into folds.
    repeats: Vec<Vec<Fold>>,
    plan: Plan,
    phases: Phases,
    /// Whether any rows may judge any others: no groups, no order in time.
    may_exchange: bool,
    /// How rows are parted.
    kind: SplitKind,
    /// Whether some training rows were left out to keep a limit.
    is_sample: bool,
    /// The file whose rows the last fit learns from, where they do not fit in memory.
    whole_file: Option<WholeFile>,
    /// What the record warns of.
    warnings: Vec<String>,
    /// Positions of the training rows in the table that was read; `None` when that is a sample.
    rows: Option<Vec<u32>>,
    /// Learners of the caller's own, and the loss that boosters minimise.
    brought: Brought,
    /// What columns cost, and which are left out for it.
    frugal: Option<Frugal>,
}

impl Flow {
    fn begin(input: FitInput, mut notes: Vec<String>, ctx: &Context) -> Result<Self> {
        let mut phases = Phases::default();
        phases.end("read", ctx);
        let FitInput { table, schema, source, test, options, own, all_rows } = input;
        let is_read_whole = source.sample.is_none() && notes.is_empty();
        // The first notes say what was left out for time.
        let is_read_by_memory = notes.is_empty();
        let preset = distill::searched(options.preset.parse()?, &options);
        let understood = understand::understand(&table, &schema, &options, &own, ctx)?;
        phases.end("profile", ctx);
        own_rows_are_whole(&own, &options, is_read_whole)?;
        let mut parts = Parts::make(table, test, &understood, (&options, &own), ctx)?;
        let Understood { profile, task, metric, .. } = understood;
        let (leakage, leaks) = leaks(&parts, &profile, &options, ctx)?;
        phases.end("leakage", ctx);
        let exclude = excluded_columns(&options, leaks);
        constraint::check(&options, &profile, &exclude, task.task)?;
        let earlier = own.continued.clone();
        let asked = (task.task, &task.classes[..]);
        earlier.iter().try_for_each(|earlier| earlier.check(&parts.train, asked))?;
        fair::check(&options, task.task)?;
        let n_features = n_features(&profile.schema, &exclude)?;
        let left_out_by = parts.fit_into_limits(&profile, &exclude, &mut notes, ctx)?;
        let wish = Wish { source: &source, options: &options, own: &own, left_out_by };
        let size = (&parts, n_features, phases.times.first().map(|read| read.seconds));
        let rows = all_rows.filter(|_| is_read_by_memory);
        let whole_file = WholeFile::planned(rows, &wish, size, ctx);
        let is_search_sampled = parts.thin_for(whole_file.as_ref(), left_out_by, &mut notes, ctx);
        let roles = Roles::of_split(parts.kind, &parts.train, &options, ctx)?;
        let last_fit = |file: &WholeFile| file.last_fit(parts.train.n_rows(), ctx);
        let most = whole_file.as_ref().map(last_fit).and_then(|fit| fit.booster_limit());
        let known = (n_features, planning::has_many_levels(&profile.record, &exclude), most);
        let planned = plan_input((&parts, &roles, &own), known, &task, preset, ctx);
        let mut plan = plan_of(&options, &own, &planned, metric.spec.name, &parts)?;
        earlier.iter().try_for_each(|_| boosting::must_add_rounds(&plan))?;
        plan.notes.splice(0..0, notes);
        plan.notes.extend(distill::note(&options));
        let (folds, repeats) = divisions(&parts, &roles, (&own, &options), &mut plan, ctx)?;
        conformal::check(&options, task.task, &folds)?;
        let mut flow = Self {
            brought: own.brought(task.classes.len()).continuing(earlier)?,
            may_exchange: parts.may_exchange(),
            kind: parts.kind,
            split: SplitRecord { n_folds: plan.n_folds, ..parts.split.clone() },
            preset,
            metric,
            weights: parts.weights(&options)?,
            options,
            source,
            test_source: parts.test_source,
            profile,
            task,
            leakage,
            exclude,
            train: parts.train,
            held_out: parts.held_out,
            target: parts.target,
            folds,
            repeats,
            plan,
            phases,
            is_sample: left_out_by.is_some() || is_search_sampled,
            whole_file,
            warnings: Vec::new(),
            rows: is_read_whole.then_some(parts.rows),
            frugal: None,
        };
        flow.choose_columns(ctx)?;
        Ok(flow)
    }

    fn finish(mut self, ctx: &Context) -> Result<FitOutcome> {
        let ctx = &ctx.with_reserve(budget::of_columns(self.profile.schema.fields.len(), ctx));
        let (work, closing) = match self.options.single {
            Some(_) => ("train", "refit"),
            None => ("search", "combine and refit"),
        };
        ctx.tell(Event::Phase(work.to_owned()));
        let roles = self.groups_of(&self.train, ctx);
        let (closing_ctx, search_ctx) = self.reserving(ctx);
        let ground = Ground {
            table: &self.train,
            schema: &self.profile.schema,
            exclude: &self.exclude,
            target: &self.target,
            weights: self.weights.as_deref(),
            groups: roles.groups(),
            folds: &self.folds,
            repeats: &self.repeats,
            exchangeable: self.may_exchange,
            metric: self.metric,
            members_max: self.members_max(),
            encoding_bytes: self.row_cost().further_encoding(self.train.n_rows()),
            last_fit: self.last_fit(&search_ctx),
            brought: self.brought.clone(),
        };
        let reserved = distill::with_reserve(&self.options, &search_ctx);
        let reserved = frugal::with_reserve(self.frugal.as_ref(), &reserved);
        let mut found = search::run(&self.plan, &ground, &reserved);
        self.phases.end(work, ctx);
        ctx.tell(Event::Phase("combine".to_owned()));
        if found.usable().next().is_none() {
            return Err(combine::nothing_fitted(found));
        }
        self.split.n_repeats = found.n_repeats;
        let weights = self.select(&found, &closing_ctx);
        self.cheaper(&ground, &mut found, &search_ctx);
        self.distill(&ground, &mut found, &weights, &search_ctx);
        let trials = account::leaderboard(&found, self.metric, &search_ctx);
        let mut combined = self.combine(found, &weights, &closing_ctx)?;
        self.phases.end(closing, ctx);
        ctx.tell(Event::Phase("evaluate".to_owned()));
        let untouched = self.evaluate(&mut combined, ctx)?;
        self.phases.end("evaluate", ctx);
        let scope = &self.explaining(&combined, ctx);
        // It takes a small, fixed time; what comes after it takes what there is.
        let usual = unusual::learn(&combined.predictor, &self.train, self.held_out.as_ref(), scope);
        self.phases.end("unusual rows", ctx);
        let importances = self.importances(&combined.predictor, scope)?;
        combined.slices = self.slices(&combined.predictor, &importances, scope)?;
        let explanation = self.explanation(&combined.predictor, untouched.said.as_ref(), scope);
        self.phases.end("importances", ctx);
        let doubts = self.doubts(&combined.predictor, scope)?;
        self.phases.end("robustness", ctx);
        let more_rows = self.more_rows(&combined, ctx);
        self.phases.end("learning curve", ctx);
        self.fit_last(&mut combined, ctx)?;
        let Untouched { evaluation, fairness, said, tested } = untouched;
        let mut record = self.record(trials, &combined, evaluation, importances, ctx);
        record.fairness = fairness;
        (record.robustness, record.familiarity) = doubts;
        record.more_rows = more_rows;
        record.explanation = explanation;
        record.feature_costs = self.frugal.as_ref().map(|f| f.record(combined.columns_read()));
        let said = with_served(said, &combined, ctx)?;
        let (predictor, reference) = (combined.predictor, self.profile.sketches);
        let outcome = FitOutcome { predictor, record, reference, predictions: said, usual, tested };
        let mut outcome = offers::limits::keep(outcome, &self.options, ctx)?;
        outcome.record.shapes = shapes::recorded(&outcome.predictor);
        Ok(outcome)
    }
}

/// What was said of the untouched rows, with what the delivered model says of them, where it has
/// learned from them.
fn with_served(
    said: Option<PredictionReference>,
    combined: &Combined,
    ctx: &Context,
) -> Result<Option<PredictionReference>> {
    Ok(match (said, &combined.served) {
        (Some(said), Some(now)) => Some(said.with_served(&combined.predictor, now, ctx)?),
        (said, _) => said,
    })
}

impl Flow {
    /// Leaves columns out that are dearer than a limit allows, and finds what cheaper models could
    /// do without, where costs are named.
    fn choose_columns(&mut self, ctx: &Context) -> Result<()> {
        let costs = Costs::of(&self.options, &self.profile.schema, &self.exclude)?;
        let input = frugal::path::Input {
            table: &self.train,
            schema: &self.profile.schema,
            exclude: &self.exclude,
            target: &self.target,
            weights: self.weights.as_deref(),
            folds: &self.folds,
            metric: self.metric,
            limit: self.options.max_feature_cost,
        };
        self.frugal = frugal::choose(costs, &input, &mut self.plan, ctx)?;
        let left_out = self.frugal.iter().flat_map(|frugal| frugal.left_out.iter().cloned());
        self.exclude.extend(left_out);
        Ok(())
    }

    /// The context that keeps time for the evaluation, and the one that keeps time for intervals,
    /// a second level and fairness beside it.
    fn reserving(&self, ctx: &Context) -> (Context, Context) {
        let n_held = self.held_out.as_ref().map_or(0, Table::n_rows);
        let n_columns = self.train.n_columns();
        let closing = ctx.with_reserve(budget::evaluation(n_held, n_columns, self.task.task));
        let reserve = conformal::reserve(&self.options, &self.target, n_columns, &closing);
        let size = (&self.target, n_columns, self.folds.len());
        let of_level = second_level::reserve(&self.options, self.preset, size, &closing);
        let of_fairness = fair::reserve(&self.options, &closing);
        let search = closing.with_reserve(reserve + of_level + of_fairness);
        (closing, search)
    }

    /// Tries models that do with cheaper columns, where costs are named.
    fn cheaper(&self, ground: &Ground<'_>, found: &mut Found, ctx: &Context) {
        if let Some(frugal) = &self.frugal {
            frugal::run(frugal, ground, found, &distill::with_reserve(&self.options, ctx));
        }
    }

    /// Lets students learn from the ensemble that `weights` make, where they are wanted.
    fn distill(&self, ground: &Ground<'_>, found: &mut Found, weights: &[f64], ctx: &Context) {
        if !distill::is_wanted(&self.options) {
            return;
        }
        ctx.tell(Event::Phase("distill".to_owned()));
        let members = found.usable().zip(weights).filter(|(_, weight)| **weight > 0.0);
        let refits: f64 = members.map(|((_, trial), _)| trial.refit_s()).sum();
        let class = distill::Class {
            options: &self.options,
            ground,
            weights,
            refits_s: self.last_fit(ctx).reserve_s(refits),
        };
        distill::run(&class, found, ctx);
    }

    /// The last fit: on a whole file, or on all rows at hand.
    fn fit_last(&mut self, combined: &mut Combined, ctx: &Context) -> Result<()> {
        let was_on_file = self.whole_file.is_some();
        let has_sample = !self.fit_on_whole_file(combined, ctx)?;
        if was_on_file {
            self.phases.end("fit on the whole file", ctx);
        }
        if has_sample && (was_on_file || self.ends_with_all_rows()) {
            self.fit_on_all_rows(combined, ctx)?;
            self.phases.end("fit on all rows", ctx);
            self.warnings.extend(whole::left_as_tested(combined));
        }
        Ok(())
    }

    /// What belongs together among rows of the table.
    fn groups_of(&self, table: &Table, ctx: &Context) -> Roles {
        Roles::of_groups_in(self.kind, table, &self.options, ctx)
    }

    /// How many times the rows of the training part the last fit will learn from.
    fn rows_ratio(&self) -> f64 {
        let n_train = self.train.n_rows().max(1) as f64;
        if let Some(file) = &self.whole_file {
            return file.ratio(self.train.n_rows());
        }
        let more = self.held_out.as_ref().filter(|_| self.ends_with_all_rows());
        1.0 + more.map_or(0.0, |t| t.n_rows() as f64 / n_train)
    }

    /// What the search leaves time for.
    fn last_fit(&self, ctx: &Context) -> LastFit {
        match &self.whole_file {
            Some(file) => file.last_fit(self.train.n_rows(), ctx),
            None => LastFit::in_memory(self.rows_ratio()),
        }
    }
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

/// What the leakage checks found, and the columns that are left out for it.
fn leaks(
    parts: &Parts,
    profile: &Profile,
    options: &Options,
    ctx: &Context,
) -> Result<(Vec<LeakFinding>, Vec<String>)> {
    let (train, held_out) = (&parts.train, parts.held_out.as_ref());
    let (schema, target) = (&profile.schema, &parts.target);
    understand::leaks(train, held_out, schema, target, parts.kind_name(), options, ctx)
}

/// Takes a sample of the table when there is no time to look at all of it; says so.
fn look_at_less(input: &mut FitInput, ctx: &Context) -> Vec<String> {
    let n_rows = input.table.n_rows();
    let Some(n) = capacity::rows_to_look_at(ctx, n_rows) else { return Vec::new() };
    let note = format!("{n} of {n_rows} rows are used at all: the time limit");
    ctx.tell(Event::Warning(note.clone()));
    let mut random = ctx.random("capacity/look", 0);
    let is_number = input.options.task.is_some_and(|task| !task.is_classification());
    let target = input.table.column(&input.options.target).filter(|_| !is_number);
    let rows = match target.and_then(sampling::classes_of) {
        Some((codes, n_classes)) => sampling::stratified(&codes, n_classes, n, &mut random),
        None => random.sample(n_rows, n),
    };
    input.table = std::mem::take(&mut input.table).into_selected(&rows);
    vec![note]
}

fn plan_input(
    (parts, roles, own): (&Parts, &Roles, &Own),
    (n_features, has_many_levels, most): (usize, bool, Option<Duration>),
    task: &TaskRecord,
    preset: Preset,
    ctx: &Context,
) -> PlanInput {
    let encoded = &parts.target;
    let n_rows = encoded.n_rows();
    let n_rows_rarest = match encoded.codes() {
        Some(codes) => {
            let mut counts = vec![0_usize; task.classes.len()];
            for code in codes {
                counts[*code as usize] += 1;
            }
            // A class of an earlier model may have no rows.
            counts.into_iter().filter(|n| *n > 0).min().unwrap_or(0)
        }
        None => n_rows,
    };
    PlanInput {
        task: task.task,
        n_rows,
        n_rows_rarest,
        preset,
        n_folds_max: roles.n_folds_max(parts.kind),
        may_repeat: parts.may_repeat(own),
        has_many_levels,
        affordable_rounds: budget::affordable_rounds(
            ctx,
            (n_rows, n_features, encoded.n_outputs()),
            most,
        ),
    }
}

/// The plan: of the one learner that was asked for, or of a search with what the caller brought.
fn plan_of(
    options: &Options,
    own: &Own,
    input: &PlanInput,
    metric: &str,
    parts: &Parts,
) -> Result<Plan> {
    if let Some(one) = &options.single {
        let plan = single::make(one, input, parts.held_out.is_some())?;
        own.check_loss(&plan)?;
        return Ok(plan);
    }
    let candidates = portfolio::chosen(input.task, input.preset, input.n_rows, &options.learners)?;
    let mut plan = planning::make(input, candidates);
    if own.loss.is_none() {
        aim::take(&mut plan, metric);
    }
    planning::again(&mut plan, &options.trials);
    own.check_loss(&plan)?;
    own.join(&mut plan)?;
    constraint::apply(&mut plan, options)?;
    Ok(plan)
}

/// The folds that judge the trials: the caller's, or the plan's.
fn folds(
    parts: &Parts,
    roles: &Roles,
    own: &Own,
    plan: &mut Plan,
    ctx: &Context,
) -> Result<Vec<Fold>> {
    if let Some((split, _)) = &own.split {
        return parts.own_folds(split, plan);
    }
    let (k, share) = (plan.n_folds, plan.validation_share);
    parting::folds(parts.kind, roles, &parts.target, k, share, ctx)
}

/// The folds that judge the trials, and further divisions for time left over.
fn divisions(
    parts: &Parts,
    roles: &Roles,
    (own, options): (&Own, &Options),
    plan: &mut Plan,
    ctx: &Context,
) -> Result<(Vec<Fold>, Vec<Vec<Fold>>)> {
    let folds = folds(parts, roles, own, plan, ctx)
        .map_err(|e| if folds_were_asked(options) { e.at("--folds") } else { e })?;
    Ok((folds, repeats(parts, roles, plan, ctx)?))
}

/// The further divisions that the plan wants, each by another chance.
fn repeats(parts: &Parts, roles: &Roles, plan: &Plan, ctx: &Context) -> Result<Vec<Vec<Fold>>> {
    let division = |r: usize| {
        let ctx = ctx.with_chance(FIRST_CHANCE + r as u64);
        parting::folds(parts.kind, roles, &parts.target, plan.n_folds, 0.0, &ctx)
    };
    (0..plan.repeats_max).map(division).collect()
}

/// Positions of rows mean nothing in a sample of them.
fn own_rows_are_whole(own: &Own, options: &Options, is_read_whole: bool) -> Result<()> {
    let error = |what: &str| Error::input(what).at("split");
    if own.split.is_none() {
        return Ok(());
    }
    if !is_read_whole {
        return Err(error("a split of one's own needs all rows, and there is room for a sample")
            .hint("allow more memory or time, or hand over fewer rows"));
    }
    let others = [options.split.is_some(), options.nested.is_some()];
    if others.contains(&true) {
        return Err(error("a split of one's own goes with neither split by name nor nested"));
    }
    Ok(())
}

/// How many columns a learner may read: at least one.
fn n_features(schema: &Schema, exclude: &[String]) -> Result<usize> {
    let may_be_read = |f: &&Field| f.kind.is_usable() && !exclude.contains(&f.name);
    match schema.fields.iter().filter(may_be_read).count() {
        0 => Err(nothing_to_learn_from(schema, exclude)),
        n => Ok(n),
    }
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
    let error = Error::input("no column is left to learn from")
        .expected("at least one number, category, date or text");
    if unused.is_empty() {
        return error
            .got("every column is the target, has another role, or is excluded")
            .hint("exclude fewer columns");
    }
    let list: Vec<String> = unused.iter().map(|(n, k)| format!("{n} ({k})")).collect();
    error
        .got(list.join(", "))
        .hint("decide a kind yourself (--kind COLUMN=number), or see `modelwright profile`")
}
