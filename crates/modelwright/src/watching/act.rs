//! Doing what was decided.

use std::collections::BTreeSet;
use std::path::PathBuf;

use modelwright_core::record::RunRecord;
use modelwright_core::{Context, Error, ErrorKind, Result};
use modelwright_lifecycle::atomic_write;
use modelwright_lifecycle::retrain::{Gates, Rule};
use modelwright_lifecycle::store::{NewRun, RunEnd, Store};
use modelwright_lifecycle::watch::{
    Action, AliasStep, Learned, Phase, Trigger, WatchChange, WatchConfig, WatchLock, WatchState,
    accepted, guard_ends,
};
use serde_json::{Value, json};

use super::World;
use super::files::{DataFile, SERVED, marks};
use super::known::KnownRows;
use super::learned::of_files;
use super::steer::{Order, tell};
use super::there::{count, uncounted};
use super::window::since_change;
use crate::{
    Model, OutputFolder, RetrainRequest, Retrained, RowWindow, Rows, machine, retrain, retrain_time,
};

/// What acting needs.
pub(super) struct Acting<'a> {
    pub(super) config: &'a WatchConfig,
    pub(super) world: &'a World<'a>,
    pub(super) champion: &'a Model,
    /// The version that the champion is.
    pub(super) number: i64,
    pub(super) files: &'a [DataFile],
    /// Rows with answers that the duel counted.
    pub(super) n_duelled: u64,
    pub(super) at: &'a str,
    /// The right to act.
    pub(super) lock: Option<&'a WatchLock>,
}

/// What is to be written down once it is certain: a state, and aliases that move with it.
pub(super) struct Plan {
    pub(super) state: WatchState,
    pub(super) steps: Vec<AliasStep>,
}

impl Acting<'_> {
    /// Does what takes time, and plans what follows from it; returns what came of it.
    pub(super) fn act(
        &self,
        action: &Action,
        plan: &mut Plan,
        store: &mut Store,
    ) -> Result<Option<Value>> {
        let since = self.at.to_owned();
        if let Some(held) = self.held(action, &plan.state) {
            return Ok(Some(held));
        }
        match action {
            Action::Nothing => return Ok(None),
            Action::Retrain { triggers } => {
                if guard_ends(self.config, &plan.state.phase, self.number, self.at) {
                    self.settle(plan);
                }
                return self.retrain(triggers, plan, store).map(Some);
            }
            Action::Canary { version, step, percent } => {
                let (before, n_had) = match &plan.state.phase {
                    Phase::Trial { before, .. } | Phase::Canary { before, .. } => {
                        (before.clone(), self.n_duelled)
                    }
                    _ => (self.begin(&mut plan.state), 0),
                };
                let (version, step) = (*version, *step);
                plan.state.phase = Phase::Canary { version, step, since, before, n_had };
                plan.state.percent = Some(*percent);
            }
            Action::Try { version } => {
                let before = self.begin(&mut plan.state);
                plan.state.phase = Phase::Trial { version: *version, since, before };
            }
            Action::Ask { version } => {
                if !matches!(plan.state.phase, Phase::Canary { .. }) {
                    plan.state.percent = None;
                }
                let before = match &plan.state.phase {
                    Phase::Trial { before, .. } | Phase::Canary { before, .. } => {
                        Some(before.clone())
                    }
                    _ => None,
                };
                plan.state.phase = Phase::Waiting { version: *version, since, before };
            }
            Action::Promote { version } => {
                self.move_champion(*version, "the watch promoted it", plan)?;
                plan.steps.push(forgotten(&self.config.challenger));
                plan.state.count_anew();
                let begin = || self.begin(&mut plan.state);
                plan.state.phase = guard(self.config, *version, Some(self.number), &since, begin);
            }
            Action::RollBack { version } => {
                self.move_champion(*version, "rolled back by the watch", plan)?;
                plan.state.count_anew();
                plan.state.phase = Phase::Steady;
            }
            Action::Discard { .. } | Action::Settle => self.settle(plan),
        }
        let is_rollout =
            matches!(action, Action::Try { .. } | Action::Canary { .. } | Action::Ask { .. });
        if !is_rollout {
            self.recall(&mut plan.state);
        }
        Ok(Some(json!({ "action": action.name() })))
    }

    /// Nobody is judged any more.
    fn settle(&self, plan: &mut Plan) {
        plan.steps.push(forgotten(&self.config.challenger));
        plan.state.count_anew();
        plan.state.phase = Phase::Steady;
        self.recall(&mut plan.state);
    }

    /// No version has a share of the requests, until the servers are known to have heard it.
    fn recall(&self, state: &mut WatchState) {
        state.recall = self.config.rollout.canary.is_some();
        state.percent = None;
    }

    /// Why a rollout stays where it is: no larger share is given out while a server is away, which
    /// does not even give out the one before.
    fn held(&self, action: &Action, state: &WatchState) -> Option<Value> {
        let is_under_way = matches!(state.phase, Phase::Trial { .. } | Phase::Canary { .. });
        if !is_under_way || !matches!(action, Action::Canary { .. }) {
            return None;
        }
        let orders = Order::of_state(state, self.config.rollout.canary.as_ref()?);
        let told = tell(self.config, &orders, self.world.transport);
        told.err().map(|why| json!({ "action": action.name(), "held": why.to_string() }))
    }

    /// Tells the servers what was committed, and nothing that was not. They are told again at every
    /// look: one that was started anew knows nothing of it. Returns why one could not be told.
    pub(super) fn follow(
        &self,
        action: &Action,
        state: &WatchState,
        store: &mut Store,
    ) -> Option<String> {
        let orders = match (action, &self.config.rollout.canary) {
            (_, None) => Vec::new(),
            (Action::Promote { version } | Action::RollBack { version }, _) => {
                Order::promote(*version)
            }
            (_, Some(settings)) => Order::of_state(state, settings),
        };
        if let Err(why) = tell(self.config, &orders, self.world.transport) {
            return Some(why.to_string());
        }
        if !state.recall {
            return None;
        }
        let done = WatchState { recall: false, promoted: None, ..state.clone() };
        let change = WatchChange {
            model: &self.config.model,
            lock: self.lock,
            read: Some(state),
            state: &done,
            steps: &[],
            said: None,
            at: self.at,
        };
        // Whoever changed the state meanwhile has them told once more, which does no harm.
        store.commit_watch(&change).err().map(|why| why.to_string())
    }

    /// Plans that the alias in use moves, if it is still where the decision saw it.
    fn move_champion(&self, version: i64, why: &str, plan: &mut Plan) -> Result<()> {
        let (_, alias) = self.config.target()?;
        plan.state.promoted = Some(version);
        plan.steps.push(AliasStep {
            alias: alias.to_owned(),
            number: Some(version),
            from: Some(self.number),
            reason: Some(format!("{why}: see `modelwright watch --history`")),
        });
        Ok(())
    }

    fn hashes(&self) -> BTreeSet<String> {
        self.files.iter().map(|f| f.sha256.clone()).collect()
    }

    /// As [`begin`], with what is there now.
    fn begin(&self, state: &mut WatchState) -> BTreeSet<String> {
        begin(self.config, self.world, self.champion, self.files, state)
    }

    /// Fits a challenger. What fails is written down, and tried again after the pause; an
    /// interruption leaves everything as it was.
    fn retrain(&self, triggers: &[Trigger], plan: &mut Plan, store: &mut Store) -> Result<Value> {
        let (name, _) = self.config.target()?;
        let state = &mut plan.state;
        let run = store.begin_run(&NewRun {
            kind: "retrain".to_owned(),
            started: self.at.to_owned(),
            parameters: json!({ "model": self.config.model, "by": "watch" }),
            output: Some(self.folder().display().to_string()),
            machine: self.world.machine.clone(),
            ..NewRun::default()
        })?;
        let done = self.learned(triggers, state);
        let ended = (self.world.now)();
        let failed = |error: &Error| RunEnd {
            ended: ended.clone(),
            error: Some(error.to_string()),
            ..RunEnd::default()
        };
        let done = match done {
            Ok(done) => done,
            Err(error) => {
                store.end_run(run, &failed(&error))?;
                if error.kind() == ErrorKind::Interrupted {
                    return Err(error);
                }
                state.tried = Some(self.at.to_owned());
                return Ok(json!({ "run": run, "error": error.to_string() }));
            }
        };
        let decision = &done.decision;
        if !state.stale.is_empty() {
            let had = decision.n_rows as f64 / self.config.window.judge;
            state.had_rows = Some(had.round() as u64);
        }
        store.end_run(
            run,
            &RunEnd {
                ended,
                duration_s: done.record.clock.total_s,
                record: Some(&done.record),
                model_sha256: decision.challenger_file.as_ref().map(|f| f.1.clone()),
                note: Some(decision.summary.clone()),
                ..RunEnd::default()
            },
        )?;
        self.keep_snapshot(&done, store)?;
        self.note(state);
        let mut outcome = json!({ "run": run, "decision": decision });
        if decision.accepted {
            let (file, why) = (&done.saved.model, decision.summary.as_str());
            let version = store.register(name, file, Some(run), Some(why), self.at)?.number;
            let next = accepted(self.config, version);
            if !matches!(next, Action::Promote { .. }) {
                plan.steps.push(AliasStep {
                    alias: self.config.challenger.clone(),
                    number: Some(version),
                    from: None,
                    reason: Some(why.to_owned()),
                });
            }
            self.act(&next, plan, store)?;
            outcome["version"] = json!(version);
            outcome["then"] = json!(next.name());
        }
        Ok(outcome)
    }

    /// Notes that a challenger learned from all files that are there now.
    fn note(&self, state: &mut WatchState) {
        state.retrained = Some(self.at.to_owned());
        state.tried = None;
        let hashes = self.hashes();
        let new: Vec<String> = hashes.difference(&state.seen).cloned().collect();
        state.challenged(self.number, new);
        state.seen.extend(hashes);
        (state.looked, state.n_looks) = (None, 0);
        state.learned = self.had();
    }

    /// Keeps what the data held that were learned from, where it was counted.
    fn keep_snapshot(&self, done: &Retrained, store: &mut Store) -> Result<()> {
        let Some(snapshot) = &done.snapshot else { return Ok(()) };
        let data = &done.record.data;
        store.keep_snapshot(&data.name, &data.sha256, snapshot, self.at)?;
        Ok(())
    }

    /// What the files have now; where it cannot be counted, one that changes is taken for new.
    fn had(&self) -> Learned {
        let ctx = (self.world.context)(None);
        let learned = ctx.and_then(|ctx| of_files(self.champion, self.files.iter(), &ctx));
        learned.unwrap_or_default()
    }

    /// Leaves out what no longer holds, and fits.
    fn learned(&self, triggers: &[Trigger], state: &mut WatchState) -> Result<Retrained> {
        let mut rows_max = self.config.window.rows;
        if self.config.window.adaptive && triggers.contains(&Trigger::Performance) {
            // Its own loss on rows that it learned from is none of the champion's.
            let is_later = |f: &&DataFile| {
                state.is_new_to(self.number, &f.sha256)
                    && !state.stale.contains(&f.sha256)
                    && !state.unreadable.contains_key(&f.sha256)
            };
            let later: Vec<&DataFile> = self.files.iter().filter(is_later).collect();
            let ctx = (self.world.context)(None)?;
            if let Some(since) = since_change(self.champion, &later, &ctx)? {
                let of_change: BTreeSet<&str> =
                    later[since.first_file..].iter().map(|f| f.sha256.as_str()).collect();
                let before = self.files.iter().filter(|f| !of_change.contains(&*f.sha256));
                state.stale.extend(before.map(|f| f.sha256.clone()));
                rows_max = Some(rows_max.map_or(since.n_rows, |n| n.min(since.n_rows)));
            }
        }
        // What only brings more rows of the same world need not prove that it is better.
        let is_growth = triggers == [Trigger::Growth];
        let rule = if is_growth { Rule::Refresh } else { self.config.retrain.rule };
        self.fit(rows_max, rule, state)
    }

    /// The folder of a challenger: its moment names it.
    fn folder(&self) -> PathBuf {
        self.config.out.join(self.at.replace(':', ""))
    }

    fn fit(&self, rows_max: Option<usize>, rule: Rule, state: &WatchState) -> Result<Retrained> {
        let settings = &self.config.retrain;
        let time = retrain_time(self.champion, settings.time.map(|span| span.0))?;
        let ctx = (self.world.context)(Some(time))?;
        let window = &self.config.window;
        let holds = |f: &&DataFile| {
            !state.stale.contains(&f.sha256) && !state.unreadable.contains_key(&f.sha256)
        };
        let mut data: Vec<PathBuf> =
            self.files.iter().filter(holds).map(|f| f.path.clone()).collect();
        if let Some(n) = window.files {
            data.drain(..data.len().saturating_sub(n));
        }
        let request = RetrainRequest {
            data: data.into_iter().map(Rows::File).collect(),
            champion_bytes: None,
            window: RowWindow { rows_max, last: window.last.map(|span| span.0) },
            judged_share: window.judge,
            time_column: window.time_column.clone(),
            now: Some(self.at.to_owned()),
            plan: settings.plan,
            same_plan: settings.same_plan,
            slices: settings.slices.clone(),
            gates: Gates { rule, ..settings.gates() },
            keeps_data: true,
        };
        let folder = OutputFolder::prepare(self.folder())?;
        let clock = |record: &mut RunRecord, ctx: &Context| {
            self.at.clone_into(&mut record.clock.created);
            machine::complete(&mut record.clock, ctx);
        };
        let mut done = retrain(self.champion, &request, &folder, &clock, &ctx)?;
        self.at.clone_into(&mut done.decision.created);
        let text = serde_json::to_string_pretty(&done.decision)
            .map_err(|e| Error::work("cannot write the decision").because(e))?;
        atomic_write(self.folder().join("decision.json"), format!("{text}\n").as_bytes())?;
        Ok(done)
    }
}

/// A challenger's alias goes, where there is one.
pub(super) fn forgotten(challenger: &str) -> AliasStep {
    AliasStep { alias: challenger.to_owned(), number: None, from: None, reason: None }
}

/// Counts from now on: returns what names the rows that a trial, a canary or a guard that begins
/// does not count, and notes the rows of files that may grow, as the older of the two models reads
/// them.
pub(super) fn begin(
    config: &WatchConfig,
    world: &World<'_>,
    older: &Model,
    files: &[DataFile],
    state: &mut WatchState,
) -> BTreeSet<String> {
    state.count_anew();
    // Parts of the serving log are named, and do not grow.
    let served = config.out.join(SERVED);
    let may_grow = |file: &&DataFile| {
        !file.path.starts_with(&served) && !state.unreadable.contains_key(&file.sha256)
    };
    let may_grow: Vec<&DataFile> = files.iter().filter(may_grow).collect();
    state.had = uncounted(may_grow.iter().copied());
    // What was decided stands whatever becomes of this, such as when the process is asked to end:
    // the next look counts what is not counted yet.
    let mut known = KnownRows::default();
    if let Ok(ctx) = (world.context)(None) {
        let _ = count(older, may_grow.into_iter(), &mut state.had, Some(&mut known), &ctx);
    }
    // Where the disk is full, rows are told apart by path and number alone.
    state.rows = known.keep(&config.out, &config.model).ok();
    marks(files, &config.out)
}

/// The phase after a promotion; `begin` says what a guard does not count.
pub(super) fn guard(
    config: &WatchConfig,
    version: i64,
    previous: Option<i64>,
    since: &str,
    begin: impl FnOnce() -> BTreeSet<String>,
) -> Phase {
    match previous.filter(|p| *p != version && config.rollout.guard.as_seconds() > 0) {
        Some(previous) => {
            Phase::Guard { version, previous, since: since.to_owned(), before: begin() }
        }
        None => Phase::Steady,
    }
}
