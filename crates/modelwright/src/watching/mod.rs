//! Watching a registered model: look at new rows, decide by rule, act, and write it all down.
//!
//! The rules are in [`modelwright_lifecycle::watch`]; here is what they are about: files are read,
//! models judged and fitted, aliases moved. The time, contexts and the network are given, so that
//! weeks can be simulated in seconds.

mod act;
mod duel;
mod files;
mod gains;
mod known;
mod learned;
mod seen;
mod served;
mod steer;
mod there;
mod window;

use std::path::{Path, PathBuf};
use std::time::Duration;

use modelwright_core::context::Event;
use modelwright_core::record::MonitorRecord;
use modelwright_core::{Context, Error, ErrorKind, Result};
use modelwright_lifecycle::alerts::{
    AlertRules, Delivery, Observed, Transport, Whose, deliver, observe, observe_files,
};
use modelwright_lifecycle::digest::sha256_hex;
use modelwright_lifecycle::monitor::MonitorOptions;
use modelwright_lifecycle::store::{NewRun, RunEnd, Store};
use modelwright_lifecycle::watch::{
    Bets, Decided, Duel, Grounds, Monitored, Observation, Phase, Said, WatchChange, WatchConfig,
    WatchLock, WatchState,
};
use serde::Serialize;
use serde_json::Value;

use files::{DataFile, SERVED, Unreadable, came_later};
use known::KnownRows;
use seen::Seen;
use served::ServedRows;
pub(crate) use served::{JoinedLog, TIME};

use crate::monitoring::unreadable_of;
use crate::run_end;
use crate::{Model, MonitorRequest, Rows, monitor};

/// What a watch needs of the world.
pub struct World<'a> {
    /// The time, ISO 8601 in UTC.
    pub now: &'a dyn Fn() -> String,
    /// A context for work that may take so long.
    pub context: &'a dyn Fn(Option<Duration>) -> Result<Context>,
    /// How alerts leave the process.
    pub transport: &'a dyn Transport,
    /// Operating system and processor, for the runs.
    pub machine: String,
}

/// One look.
#[derive(Debug, Serialize)]
pub struct Tick {
    /// When.
    pub at: String,
    /// What was decided, and why.
    pub decided: Decided,
    /// What was observed.
    pub observed: Observation,
    /// What came of it.
    pub outcome: Option<Value>,
    /// Why a server of the canary could not be told where the rollout stands; the next look tells
    /// it again.
    pub servers: Option<String>,
    /// Files that cannot be read now and were left out, each with why.
    pub unreadable: Vec<(String, String)>,
    /// Alerts that began, last or ended.
    pub alerts: Option<Observed>,
    /// Notices that were sent.
    pub delivery: Option<Delivery>,
}

/// A model that this process watches. Dropping it lets others watch.
pub struct Watcher<'a> {
    config: WatchConfig,
    rules: Option<AlertRules>,
    folder: PathBuf,
    world: World<'a>,
    seen: Seen,
    lock: Option<WatchLock>,
}

impl<'a> Watcher<'a> {
    /// Begins to watch, with the store in `folder`.
    ///
    /// # Errors
    /// Input error when the model is not registered, another process watches it, or the alert
    /// rules cannot be read.
    pub fn start(config: WatchConfig, folder: &Path, world: World<'a>) -> Result<Self> {
        let rules = config.alerts.as_deref().map(AlertRules::read).transpose()?;
        let at = (world.now)();
        let mut store = Store::open_existing(folder, &at)?;
        let (name, alias) = config.target()?;
        store.version(name, alias)?;
        let lock = Some(store.lock_watch(&config.model, &at)?);
        let seen = Seen::read(&config.out.join(SERVED));
        Ok(Self { config, rules, folder: folder.to_owned(), world, seen, lock })
    }

    /// The settings.
    pub fn config(&self) -> &WatchConfig {
        &self.config
    }

    /// The right to act; `None` only while this is dropped.
    pub fn lock(&self) -> Option<&WatchLock> {
        self.lock.as_ref()
    }

    /// Whether another process has taken the right to act meanwhile: nothing is left to do here.
    pub fn is_replaced(&self) -> bool {
        let holds = |lock| Store::read(&self.folder)?.holds_watch(lock);
        self.lock.as_ref().is_some_and(|lock| holds(lock).is_ok_and(|holds| !holds))
    }

    /// Where the watch stands, as it was read and as it is taken to be.
    fn stand(&self, store: &Store, at: &str) -> Result<(Option<WatchState>, WatchState)> {
        if let Some(lock) = &self.lock {
            store.must_hold_watch(lock)?;
        }
        let read = store.watch_state(&self.config.model)?;
        let begins = || WatchState { since: at.to_owned(), ..WatchState::default() };
        let mut state = read.clone().unwrap_or_else(begins);
        if state.not_ahead_of(at) {
            let text = "the watch wrote down moments that are still to come, by a clock that was \
                        ahead: they are taken for now";
            (self.world.context)(None)?.tell(Event::Warning(text.to_owned()));
        }
        Ok((read, state))
    }

    /// Looks once, decides and acts.
    ///
    /// # Errors
    /// When rows, models or the store cannot be read; nothing is then changed, and the next look
    /// begins where this one did. Where only the monitor cannot work, by its settings or what it
    /// compares with, everything else is done before that is said. A server that is away is no
    /// error.
    pub fn tick(&mut self) -> Result<Tick> {
        let at = (self.world.now)();
        let mut store = Store::open_existing(&self.folder, &at)?;
        let (read, mut state) = self.stand(&store, &at)?;
        let (files, mut unreadable) = self.find(&store)?;
        let look = self
            .begin_guard(&store, &mut state, &files)
            .and_then(|()| self.look(&mut store, &mut state, &files, &at));
        let look = match look {
            Ok(look) => look,
            Err(error) => {
                // Who waits for a notice is told whatever this look came to.
                unreadable.extend(left_out(&files, &state));
                self.tell(&mut store, None, &unreadable, &at)?;
                return Err(error);
            }
        };
        let has_looked = look.found.is_some();
        let grounds = Grounds::new(&self.config, &state, look.observed, &at);
        let acting = act::Acting {
            config: &self.config,
            world: &self.world,
            champion: &look.champion,
            number: grounds.observed.champion,
            files: &files,
            n_duelled: grounds.observed.duel.as_ref().map_or(0, |duel| duel.n_rows),
            at: &at,
            lock: self.lock.as_ref(),
        };
        let mut plan = act::Plan { state: state.clone(), steps: Vec::new() };
        let outcome = acting.act(&grounds.decided.action, &mut plan, &mut store)?;
        let is_news = has_looked || outcome.is_some() || plan.state.phase != state.phase;
        let said = Said::Rules { grounds: &grounds, outcome: outcome.as_ref() };
        let change = WatchChange {
            model: &self.config.model,
            lock: self.lock.as_ref(),
            read: read.as_ref(),
            state: &plan.state,
            steps: &plan.steps,
            said: is_news.then_some(said),
            at: &at,
        };
        store.commit_watch(&change)?.or_error(&self.config.model)?;
        known::forget_others(&self.config.out, &self.config.model, plan.state.rows.as_deref());
        let servers = acting.follow(&grounds.decided.action, &plan.state, &mut store);
        unreadable.extend(left_out(&files, &plan.state));
        let (alerts, delivery) = self.tell(&mut store, look.found.as_ref(), &unreadable, &at)?;
        if let Some(error) = look.failed {
            return Err(error);
        }
        let Grounds { decided, observed, .. } = grounds;
        Ok(Tick { at, decided, observed, outcome, servers, unreadable, alerts, delivery })
    }

    /// The files with rows, those of the serving log among them; and what cannot be read.
    fn find(&mut self, store: &Store) -> Result<(Vec<DataFile>, Vec<Unreadable>)> {
        let mut patterns = self.config.data.clone();
        let mut of_log = Vec::new();
        if let Some(log) = &self.config.log {
            let (name, alias) = self.config.target()?;
            let champion = Model::load(store.model_file(name, alias)?)?;
            let out = self.config.out.join(SERVED);
            let ctx = (self.world.context)(None)?;
            let served = log.served.as_deref().unwrap_or(name);
            let rows = ServedRows { folder: &log.folder, name: served, out: &out };
            of_log = rows.collect(&champion, &mut self.seen.collected, &ctx)?;
            if out.is_dir() {
                patterns.push(out.join("part-*.parquet").to_string_lossy().into_owned());
            }
        }
        let (files, mut unreadable) = self.seen.files.find(&patterns);
        unreadable.extend(of_log);
        if self.config.log.is_some() {
            self.seen.keep(&self.config.out.join(SERVED));
        }
        Ok((files, unreadable))
    }

    /// Begins the guard of a version that a person said yes to since the last look.
    fn begin_guard(&self, store: &Store, state: &mut WatchState, files: &[DataFile]) -> Result<()> {
        let Phase::Approved { version, previous, since } = state.phase.clone() else {
            return Ok(());
        };
        let (name, _) = self.config.target()?;
        let older = Model::load(store.model_file(name, &previous.to_string())?)?;
        let begin = || act::begin(&self.config, &self.world, &older, files, state);
        state.phase = act::guard(&self.config, version, Some(previous), &since, begin);
        Ok(())
    }

    /// Reads what is new.
    fn look(
        &self,
        store: &mut Store,
        state: &mut WatchState,
        files: &[DataFile],
        at: &str,
    ) -> Result<Look> {
        let (name, alias) = self.config.target()?;
        let version = store.version(name, alias)?.number;
        let champion = Model::load(store.model_file(name, alias)?)?;
        let seen = self.see(store, state, (&champion, version, files), at)?;
        let duel = self.duel(store, state, files)?;
        let n_new_rows = seen.monitored.as_ref().map_or(0, |m| m.n_rows - m.n_known.min(m.n_rows));
        let observed =
            Observation { champion: version, n_new_rows, monitored: seen.monitored, duel };
        Ok(Look { champion, observed, found: seen.found, failed: seen.failed })
    }

    /// The files that nobody has learned from, nor failed to read.
    fn new_files<'f>(
        &self,
        state: &WatchState,
        champion: &Model,
        files: &'f [DataFile],
    ) -> Result<Vec<&'f DataFile>> {
        let trained_on = champion.artifact.record()?.data.sha256;
        let is_new = |f: &&DataFile| {
            let is_known = state.seen.contains(&f.sha256) || f.sha256 == trained_on;
            !is_known && !state.unreadable.contains_key(&f.sha256)
        };
        let mut new: Vec<&DataFile> = files.iter().filter(is_new).collect();
        if self.config.monitor.newest > 0 {
            new.drain(..new.len().saturating_sub(self.config.monitor.newest));
        }
        Ok(new)
    }

    /// What the monitor says of new files, now or when it saw them last.
    fn see(
        &self,
        store: &mut Store,
        state: &mut WatchState,
        (champion, version, files): (&Model, i64, &[DataFile]),
        at: &str,
    ) -> Result<Sighted> {
        let new = self.new_files(state, champion, files)?;
        if new.is_empty() {
            return Ok(Sighted::default());
        }
        let key = new.iter().map(|f| f.sha256.as_str()).collect::<Vec<_>>().join(" ");
        let key = sha256_hex(format!("{version} {key}").as_bytes());
        if let Some((_, said)) = state.looked.as_ref().filter(|(seen, _)| *seen == key) {
            return Ok(Sighted { monitored: Some(said.clone()), ..Sighted::default() });
        }
        let tried = self.tried(&key);
        if let Some((_, why)) = state.failed.as_ref().filter(|(failed, _)| *failed == tried) {
            return Ok(Sighted { failed: Some(Error::input(why.clone())), ..Sighted::default() });
        }
        match self.monitor(store, champion, (&new, state.n_looks + 1), at) {
            Ok(found) => {
                state.n_looks += 1;
                let mut said = said_of(&found);
                let ctx = (self.world.context)(None)?;
                said.n_known = learned::n_known(champion, &new, &state.learned, &ctx)?;
                state.looked = Some((key, said.clone()));
                state.failed = None;
                Ok(Sighted { monitored: Some(said), found: Some(found), failed: None })
            }
            Err(error) if error.kind() != ErrorKind::Input => Err(error),
            Err(_) if self.leave_out(champion, &new, state)? => {
                self.see(store, state, (champion, version, files), at)
            }
            // What no file has to answer for is about the settings or the reference.
            Err(error) => {
                state.failed = Some((tried, error.to_string()));
                Ok(Sighted { failed: Some(error), ..Sighted::default() })
            }
        }
    }

    /// What the monitor is asked about, with what it is compared with.
    fn tried(&self, key: &str) -> String {
        let settings = serde_json::to_string(&self.config.monitor).unwrap_or_default();
        let reference = self.config.monitor.reference.as_ref();
        let stamp = reference.and_then(|path| path.metadata().ok()).map(|meta| {
            let modified = meta.modified().ok();
            format!("{} {modified:?}", meta.len())
        });
        sha256_hex(format!("{key} {settings} {stamp:?}").as_bytes())
    }

    /// Finds the files that made the monitor fail and notes them, so that one of them does not hide
    /// what is in the others; false where there are none.
    ///
    /// # Errors
    /// What is about something else than a file.
    fn leave_out(
        &self,
        champion: &Model,
        new: &[&DataFile],
        state: &mut WatchState,
    ) -> Result<bool> {
        let ctx = (self.world.context)(None)?;
        let paths: Vec<PathBuf> = new.iter().map(|file| file.path.clone()).collect();
        let broken = unreadable_of(champion, &paths, &ctx)?;
        let has_any = !broken.is_empty();
        for (path, why) in broken {
            let of_path = new.iter().find(|file| file.path == path);
            let sha256 = of_path.map(|file| file.sha256.clone()).unwrap_or_default();
            state.unreadable.insert(sha256, why.to_string());
        }
        Ok(has_any)
    }

    /// What is asked about files.
    fn request(&self, new: &[&DataFile], look: u64) -> MonitorRequest {
        MonitorRequest {
            current: new.iter().map(|f| Rows::File(f.path.clone())).collect(),
            options: MonitorOptions {
                drift_share: self.config.monitor.drift_share,
                season: self.config.monitor.season,
                time_column: self.config.monitor.time_column.clone(),
                by: self.config.monitor.by.clone(),
                look: Some(look),
                ..MonitorOptions::default()
            },
            reference: self.config.monitor.reference.clone().map(Rows::File),
            ..MonitorRequest::default()
        }
    }

    /// The monitor on new files, written down as a run.
    fn monitor(
        &self,
        store: &mut Store,
        champion: &Model,
        (new, look): (&[&DataFile], u64),
        at: &str,
    ) -> Result<MonitorRecord> {
        let files: Vec<&Path> = new.iter().map(|f| f.path.as_path()).collect();
        let request = self.request(new, look);
        let ctx = (self.world.context)(None)?;
        let run = store.begin_run(&NewRun {
            kind: "monitor".to_owned(),
            started: at.to_owned(),
            parameters: serde_json::json!({
                "model": self.config.model, "current": files,
            }),
            machine: self.world.machine.clone(),
            ..NewRun::default()
        })?;
        let found = monitor(champion, &request, &ctx).map(|mut found| {
            at.clone_into(&mut found.created);
            found
        });
        let end =
            run_end::over(found.as_ref().map(run_end::monitor_end), ctx.elapsed().as_secs_f64());
        store.end_run(run, &RunEnd { ended: (self.world.now)(), ..end })?;
        found
    }

    /// The models of a trial, a canary or a guard on rows that came after it began. What was
    /// counted goes into the state, and the next look goes on from there.
    fn duel(
        &self,
        store: &Store,
        state: &mut WatchState,
        files: &[DataFile],
    ) -> Result<Option<Duel>> {
        let (name, alias) = self.config.target()?;
        let in_use = store.version(name, alias)?.number;
        let (newer, older, before) = match &state.phase {
            Phase::Trial { version, before, .. }
            | Phase::Canary { version, before, .. }
            | Phase::Waiting { version, before: Some(before), .. } => (*version, in_use, before),
            Phase::Guard { version, previous, before, .. } => (*version, *previous, before),
            Phase::Steady | Phase::Waiting { .. } | Phase::Approved { .. } => return Ok(None),
        };
        // Who is promoted or gone by somebody else's hand has nobody to be held against.
        if newer == older {
            return Ok(None);
        }
        let is_later =
            |f: &&DataFile| came_later(f, before) && !state.unreadable.contains_key(&f.sha256);
        let later: Vec<&DataFile> = files.iter().filter(is_later).collect();
        let of = (newer, older);
        let bets = state.bets.take().filter(|bets| bets.of == of);
        let is_counted = state.had.values().all(|had| !had.digest.is_empty());
        if later.is_empty() && bets.is_none() && is_counted {
            return Ok(None);
        }
        let mut bets = bets.unwrap_or_else(|| Bets { of, ..Bets::default() });
        let load = |number: i64| Model::load(store.model_file(name, &number.to_string())?);
        let ctx = (self.world.context)(None)?;
        let models = (&load(newer)?, &load(older)?);
        let out = self.config.out.as_path();
        let mut known = state.rows.as_deref().and_then(|name| KnownRows::read(out, name));
        there::count(models.1, files.iter(), &mut state.had, known.as_mut(), &ctx)?;
        let mut past = duel::Past { had: &state.had, known: known.as_mut(), out };
        let found = duel::duel(models, &later, &mut past, &mut bets, &ctx)?;
        if let Some(known) = known {
            state.rows = Some(known.keep(out, &self.config.model)?);
        }
        state.bets = Some(bets);
        state.unreadable.extend(found.unreadable);
        Ok(found.duel.filter(|duel| duel.n_rows > 0))
    }

    fn tell(
        &self,
        store: &mut Store,
        found: Option<&MonitorRecord>,
        unreadable: &[Unreadable],
        at: &str,
    ) -> Result<(Option<Observed>, Option<Delivery>)> {
        let Some(rules) = &self.rules else { return Ok((None, None)) };
        let model = self.config.model.as_str();
        let of_files = observe_files(store, rules, model, unreadable, at)?;
        let of_rows = found.map(|found| observe(store, rules, model, found, at)).transpose()?;
        let alerts = match of_rows {
            None => Some(of_files).filter(|of_files| !of_files.is_quiet()),
            Some(of_rows) => Some(of_rows.and(of_files)),
        };
        let whose = Whose::Model(model, found);
        let delivery = deliver(store, rules, whose, self.world.transport, self.world.now)?;
        Ok((alerts, Some(delivery)))
    }
}

impl Drop for Watcher<'_> {
    fn drop(&mut self) {
        let Some(lock) = self.lock.take() else { return };
        // Where the store cannot be written to, the lock ends with the process.
        if let Ok(mut store) = Store::read(&self.folder) {
            let _ = store.unlock_watch(lock);
        }
    }
}

/// The files whose bytes were found to be no rows, and why.
fn left_out(files: &[DataFile], state: &WatchState) -> Vec<Unreadable> {
    let why = |file: &DataFile| {
        let why = state.unreadable.get(&file.sha256)?;
        Some((file.path.display().to_string(), why.clone()))
    };
    files.iter().filter_map(why).collect()
}

/// What was read.
struct Look {
    champion: Model,
    observed: Observation,
    /// What the monitor found, if it looked just now.
    found: Option<MonitorRecord>,
    /// Why it could not look.
    failed: Option<Error>,
}

/// What the monitor says of new files.
#[derive(Default)]
struct Sighted {
    monitored: Option<Monitored>,
    /// What it found, if it looked just now.
    found: Option<MonitorRecord>,
    /// Why it could not look.
    failed: Option<Error>,
}

fn said_of(found: &MonitorRecord) -> Monitored {
    let verdict = &found.verdict;
    Monitored {
        n_known: 0,
        status: verdict.status,
        drift: verdict.drift,
        performance: verdict.performance,
        quality: verdict.quality,
        n_rows: found.current.n_rows,
        summary: verdict.summary.clone(),
    }
}
