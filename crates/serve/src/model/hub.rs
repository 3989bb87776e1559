//! All models by name, and the one place where they are exchanged.
//!
//! Readers take a reference-counted snapshot and never wait for a load: a newer file is read,
//! proved and warmed up beside the old model, and only then put in its place. What fails changes
//! nothing. A few older versions stay in memory, so that going back takes no time.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use modelwright_core::{Context, Error, Result};

use super::registry::Registry;
use super::repository::{Found, find, find_version};
use super::seen::{Again, Seen, Stamp};
use super::{Canary, Model, refused};
use crate::log::Log;
use crate::problem::Problem;
use crate::settings::ModelSource;
use crate::stats::Stats;

/// What became of a wish to change what is served.
type Changed<T> = std::result::Result<T, Problem>;

/// Older versions that stay in memory beside the current one.
const N_OLDER: usize = 2;

/// The models of one name.
#[derive(Clone)]
pub(crate) struct Entry {
    /// Loaded versions, ascending.
    pub(crate) versions: Vec<Arc<Model>>,
    /// The version that answers when none is asked for.
    pub(crate) current: u64,
    /// The highest version that there ever was: no number means two models.
    newest: u64,
    /// The digest of that version: a file that is read again is no other version.
    newest_digest: String,
    /// Shared by all versions.
    pub(crate) stats: Arc<Stats>,
    /// The version that answers a share of the requests that name none.
    pub(crate) canary: Option<Canary>,
    /// The version that is asked too, unseen.
    pub(crate) shadow: Option<u64>,
    /// Why there is no model, or why the newest file is not served.
    pub(crate) trouble: Option<String>,
}

impl Entry {
    /// The version that answers when none is asked for.
    pub(crate) fn current(&self) -> Option<&Arc<Model>> {
        self.version(self.current)
    }

    /// A version.
    pub(crate) fn version(&self, version: u64) -> Option<&Arc<Model>> {
        self.versions.iter().find(|m| m.version == version)
    }

    /// The version that answers a request with this key that names none.
    pub(crate) fn pick(&self, key: &str) -> Option<&Arc<Model>> {
        let canary = self.canary.filter(|canary| canary.takes(key));
        canary.and_then(|canary| self.version(canary.version)).or_else(|| self.current())
    }

    fn known(&self, name: &str, version: u64) -> Changed<()> {
        match self.version(version) {
            Some(_) => Ok(()),
            None => Err(refused::no_such_version(name, self, &version.to_string())),
        }
    }
}

impl Entry {
    /// Forgets versions beyond the newest few that nobody is asked of.
    fn trim(&mut self) {
        let n_older = self.versions.len().saturating_sub(N_OLDER + 1);
        let Some(oldest_kept) = self.versions.get(n_older).map(|m| m.version) else { return };
        let is_used = [Some(self.current), self.canary.map(|c| c.version), self.shadow];
        self.versions.retain(|m| m.version >= oldest_kept || is_used.contains(&Some(m.version)));
    }
}

/// A snapshot of all models.
#[derive(Clone, Default)]
pub(crate) struct State {
    /// By name.
    pub(crate) entries: BTreeMap<String, Entry>,
    /// The name that answers when none is asked for.
    pub(crate) default: Option<String>,
}

impl State {
    /// What is left of it where only some names may be seen.
    pub(crate) fn only(&self, may_see: impl Fn(&str) -> bool) -> Self {
        let seen = self.entries.iter().filter(|(name, _)| may_see(name));
        Self {
            entries: seen.map(|(name, entry)| (name.clone(), entry.clone())).collect(),
            default: self.default.clone().filter(|name| may_see(name)),
        }
    }
}

/// See the module's text.
pub(crate) struct Hub {
    sources: Vec<ModelSource>,
    /// Where registered models are looked up.
    registry: Registry,
    /// Whether a newer version waits for its promotion.
    hold: bool,
    state: RwLock<Arc<State>>,
    /// What was last seen of each file; held while anything is loaded, so one loads at a time.
    seen: Mutex<BTreeMap<PathBuf, Seen>>,
    ctx: Context,
    log: Log,
}

impl Hub {
    /// Loads all models of the sources.
    ///
    /// # Errors
    /// Input error for the first that is no sound model, or for two of one name.
    pub(crate) fn open(
        sources: Vec<ModelSource>,
        store: Option<PathBuf>,
        hold: bool,
        ctx: Context,
        log: Log,
    ) -> Result<Self> {
        let registry = Registry::new(store);
        let (state, seen) = (RwLock::default(), Mutex::default());
        let hub = Self { sources, registry, hold, state, seen, ctx, log };
        let mut owner: BTreeMap<String, usize> = BTreeMap::new();
        for (i, source) in hub.sources.iter().enumerate() {
            let files = find(source, hub.registry.folder())?;
            if files.is_empty() {
                let folder = source.path.display().to_string();
                hub.log.event("waiting for models", &folder, None, None);
            }
            for found in files {
                if *owner.entry(found.name.clone()).or_insert(i) != i {
                    return Err(Error::input("two models have the same name")
                        .at(found.path.display().to_string())
                        .got(&found.name)
                        .hint("name one of them: NAME=PATH"));
                }
                hub.load_file(&found)?;
            }
        }
        Ok(hub)
    }

    /// All models as they are now.
    pub(crate) fn state(&self) -> Arc<State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Looks at all sources again and loads what is new; says how many models were loaded.
    /// What fails is logged and changes nothing; with `again` also what failed before is tried.
    pub(crate) fn refresh(&self, again: bool) -> usize {
        let files = self.sources.iter().filter(|source| source.registered().is_none());
        // A source that has gone has no files; what it gave is served on.
        let found = files.flat_map(|source| find(source, None).unwrap_or_default());
        let n_files = found.filter(|found| self.load_if_new(found, again)).count();
        self.tell_of_lost();
        n_files + self.refresh_registered(again)
    }

    /// Looks at the registered models again, if the store may have changed or with `again`; says
    /// how many were loaded. An alias that leads nowhere is told once and changes nothing.
    pub(crate) fn refresh_registered(&self, again: bool) -> usize {
        let sources = || self.sources.iter().filter(|source| source.registered().is_some());
        let may_have_changed = || self.registry.may_have_changed(again) || self.has_due();
        if sources().next().is_none() || !may_have_changed() {
            return 0;
        }
        let mut n_loaded = 0;
        for source in sources() {
            match find(source, self.registry.folder()) {
                Ok(found) => {
                    self.registry.is_well(&source.path);
                    n_loaded += found.iter().filter(|f| self.load_if_new(f, again)).count();
                }
                Err(error) => {
                    // A disk that shows the file of a version later than the store changes nothing
                    // in the store.
                    self.registry.forget();
                    if self.registry.is_new_trouble(&source.path, &error) {
                        self.tell_of_trouble(source, &error);
                    }
                }
            }
        }
        n_loaded
    }

    /// Whether something that failed is to be tried once more now.
    fn has_due(&self) -> bool {
        self.seen().values().any(Seen::is_due)
    }

    /// Whether a source is a registered model, whose alias may move.
    pub(crate) fn has_registered(&self) -> bool {
        self.sources.iter().any(|source| source.registered().is_some())
    }

    /// Loads what is not as it was last seen; whether it did.
    fn load_if_new(&self, found: &Found, again: bool) -> bool {
        let stamp = Stamp::of(found);
        let seen = self.seen().get(found.key()).cloned();
        let is_new = seen
            .is_none_or(|seen| seen.stamp != stamp || (again && !seen.is_sound) || seen.is_due());
        is_new && self.load_and_tell(found).is_ok()
    }

    /// Says that a registered model cannot be looked up; what was read of it is served on.
    fn tell_of_trouble(&self, source: &ModelSource, error: &Error) {
        let Some((registered, _)) = source.registered() else { return };
        let name = source.name.as_deref().unwrap_or(registered);
        self.log.event("not loaded", name, None, Some(&error.to_string()));
        self.change(|state| {
            if let Some(entry) = state.entries.get_mut(name) {
                entry.stats.n_load_failures.add(1);
                entry.trouble = Some(error.to_string());
            }
        });
    }

    /// Loads the newest file of a name, one that was unloaded too.
    ///
    /// # Errors
    /// Problem 404 when no source has a file of the name, 409 when it is no sound model.
    pub(crate) fn load(&self, name: &str) -> Changed<()> {
        let folder = self.registry.folder();
        let of_name = |source: &ModelSource| find(source, folder).unwrap_or_default();
        let mut found: Vec<Found> =
            self.sources.iter().flat_map(of_name).filter(|f| f.name == name).collect();
        let Some(newest) = found.pop() else {
            let state = self.state();
            let names: Vec<&str> = state.entries.keys().map(String::as_str).collect();
            return Err(refused::no_such_model(name, &names));
        };
        self.load_and_tell(&newest).map_err(refused::not_sound)
    }

    /// Stops serving a name; false when it was not served.
    pub(crate) fn unload(&self, name: &str) -> bool {
        let _one = self.seen();
        self.change(|state| match state.entries.get_mut(name) {
            Some(entry) if !entry.versions.is_empty() => {
                entry.versions.clear();
                (entry.canary, entry.shadow) = (None, None);
                entry.trouble = Some("unloaded".to_owned());
                self.log.event("unloaded", name, None, None);
                true
            }
            _ => false,
        })
    }

    /// Serves the version before the current one again; its number.
    ///
    /// # Errors
    /// Problem 409 when there is none in memory.
    pub(crate) fn roll_back(&self, name: &str) -> Changed<u64> {
        let _one = self.seen();
        self.change_entry(name, |entry| {
            let before = entry.versions.iter().rev().find(|m| m.version < entry.current);
            let Some(before) = before else {
                return Err(refused::no_earlier_version(name, entry));
            };
            let version = before.version;
            (entry.current, entry.canary, entry.shadow) = (version, None, None);
            self.log.event("rolled back", name, Some(version), None);
            Ok(version)
        })
    }

    /// Makes a version the one that answers, and ends its time as canary or shadow.
    ///
    /// # Errors
    /// Problem 404 when there is no such version, 409 when its file is no sound model.
    pub(crate) fn promote(&self, name: &str, version: u64) -> Changed<()> {
        self.bring(name, version)?;
        let _one = self.seen();
        self.change_entry(name, |entry| {
            entry.known(name, version)?;
            (entry.current, entry.canary, entry.shadow) = (version, None, None);
            entry.trim();
            self.log.event("promoted", name, Some(version), None);
            Ok(())
        })
    }

    /// Lets a version answer a share of requests; `None` lets none.
    ///
    /// # Errors
    /// Problem 404 when there is no such version, 409 when its file is no sound model.
    pub(crate) fn set_canary(&self, name: &str, canary: Option<Canary>) -> Changed<()> {
        canary.map_or(Ok(()), |canary| self.bring(name, canary.version))?;
        let _one = self.seen();
        self.change_entry(name, |entry| {
            canary.map_or(Ok(()), |canary| entry.known(name, canary.version))?;
            entry.canary = canary;
            entry.trim();
            self.log.event("canary", name, canary.map(|c| c.version), None);
            Ok(())
        })
    }

    /// Asks a version too, unseen; `None` asks none.
    ///
    /// # Errors
    /// Problem 404 when there is no such version, 409 when its file is no sound model.
    pub(crate) fn set_shadow(&self, name: &str, version: Option<u64>) -> Changed<()> {
        version.map_or(Ok(()), |version| self.bring(name, version))?;
        let _one = self.seen();
        self.change_entry(name, |entry| {
            version.map_or(Ok(()), |version| entry.known(name, version))?;
            entry.shadow = version;
            entry.trim();
            self.log.event("shadow", name, version, None);
            Ok(())
        })
    }

    /// Loads a version of a registered model beside those that are in memory, if it is not there
    /// yet: an alias that nobody moved yet stands for another one. Which version answers is not
    /// changed. Versions of files, and names that are not served, are left to what follows.
    ///
    /// # Errors
    /// Problem 404 when the store has no such version, 409 when it is no sound model.
    fn bring(&self, name: &str, version: u64) -> Changed<()> {
        let _one = self.seen();
        let state = self.state();
        let Some(entry) = state.entries.get(name).filter(|e| e.version(version).is_none()) else {
            return Ok(());
        };
        let registered = |source: &&ModelSource| {
            let name_of = |(registered, _)| source.name.as_deref().unwrap_or(registered);
            source.registered().map(name_of) == Some(name)
        };
        let Some(source) = self.sources.iter().find(registered) else { return Ok(()) };
        let path =
            find_version(source, version, self.registry.folder()).map_err(refused::not_in_store)?;
        let model = Model::load(name, version, &path, entry.stats.clone(), &self.ctx)
            .map_err(refused::not_sound)?;
        self.log.event("loaded", name, Some(version), None);
        self.change_entry(name, |entry| {
            entry.stats.n_loads.add(1);
            entry.newest = entry.newest.max(version);
            entry.versions.retain(|m| m.version != version);
            entry.versions.push(Arc::new(model));
            entry.versions.sort_by_key(|m| m.version);
            Ok(())
        })
    }

    fn change_entry<T>(
        &self,
        name: &str,
        change: impl FnOnce(&mut Entry) -> Changed<T>,
    ) -> Changed<T> {
        self.change(|state| match state.entries.get_mut(name) {
            Some(entry) => change(entry),
            None => Err(refused::no_such_model(name, &[])),
        })
    }

    fn seen(&self) -> std::sync::MutexGuard<'_, BTreeMap<PathBuf, Seen>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes a copy of the state and puts it in place.
    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let mut place = self.state.write().unwrap_or_else(PoisonError::into_inner);
        let mut state = State::clone(&place);
        let result = change(&mut state);
        *place = Arc::new(state);
        result
    }

    fn load_and_tell(&self, found: &Found) -> Result<()> {
        match self.load_file(found) {
            Ok(version) => {
                self.log.event("loaded", &found.name, Some(version), None);
                Ok(())
            }
            Err(error) => {
                self.log.event("not loaded", &found.name, None, Some(&error.to_string()));
                Err(error)
            }
        }
    }

    /// Loads a file and puts it in place; its version.
    fn load_file(&self, found: &Found) -> Result<u64> {
        let mut seen = self.seen();
        let stamp = Stamp::of(found);
        let state = self.state();
        let entry = state.entries.get(&found.name);
        let stats = entry.map(|e| e.stats.clone()).unwrap_or_default();
        let newest = entry.map_or(0, |e| e.newest);
        let version = found.version.unwrap_or(newest + 1);
        let loaded = Model::load(&found.name, version, &found.path, stats.clone(), &self.ctx);
        let before = seen.get(found.key()).filter(|seen| seen.stamp == stamp);
        let before = before.and_then(|seen| seen.again);
        let again = loaded.as_ref().err().and_then(|error| Again::after(error, stamp, before));
        let is_sound = loaded.is_ok();
        let name = found.name.as_str().into();
        seen.insert(found.key().to_owned(), Seen { name, stamp, is_sound, again });
        match loaded {
            Ok(mut model) => {
                stats.n_loads.add(1);
                if let Some(entry) = entry.filter(|_| found.version.is_none())
                    && entry.newest_digest == model.digest
                    && !model.digest.is_empty()
                {
                    model.version = entry.newest;
                }
                self.tell_of_task(entry, &model);
                let (version, is_chosen) = (model.version, found.reference.is_some());
                self.change(|state| put(state, model, stats, self.hold, is_chosen));
                Ok(version)
            }
            Err(error) => {
                stats.n_load_failures.add(1);
                self.change(|state| {
                    if let Some(entry) = state.entries.get_mut(&found.name) {
                        entry.trouble = Some(error.to_string());
                    }
                });
                Err(error)
            }
        }
    }

    /// Says that a model answers another question than the one before it: who asks may not know.
    fn tell_of_task(&self, before: Option<&Entry>, model: &Model) {
        let Some(before) = before.and_then(Entry::current) else { return };
        let (old, new) = (&before.predictor, &model.predictor);
        if old.task == new.task && old.target == new.target && old.classes == new.classes {
            return;
        }
        let what = |p: &modelwright_automl::Predictor| match p.classes.len() {
            0 => format!("{} of {}", p.task.name(), p.target),
            n => format!("{} of {} with {n} labels", p.task.name(), p.target),
        };
        let text = format!("it was {}, the new version is {}", what(old), what(new));
        self.log.event("another task", &model.name, Some(model.version), Some(&text));
    }

    /// Says once of each file that it has gone; what was read of it is served on.
    fn tell_of_lost(&self) {
        let mut seen = self.seen();
        let is_file = |seen: &Seen| !matches!(seen.stamp, Some(Stamp::Registered(_)));
        let gone = seen.iter().filter(|(path, seen)| is_file(seen) && !path.exists());
        let gone = gone.map(|(path, seen)| (path.clone(), seen.name.clone()));
        for (path, name) in gone.collect::<Vec<(PathBuf, Arc<str>)>>() {
            seen.remove(&path);
            let text = format!("{} is gone; the model in memory is served on", path.display());
            self.log.event("file gone", &name, None, Some(&text));
            self.change(|state| {
                if let Some(entry) = state.entries.get_mut(&*name)
                    && !entry.versions.is_empty()
                {
                    entry.trouble = Some(text);
                }
            });
        }
    }
}

/// Puts a model beside the versions of its name and, unless it is to wait, makes it current if
/// none has a higher number, or if it was chosen by an alias.
fn put(state: &mut State, model: Model, stats: Arc<Stats>, hold: bool, is_chosen: bool) {
    let name = model.name.to_string();
    let entry = state.entries.entry(name.clone()).or_insert_with(|| Entry {
        versions: Vec::new(),
        current: 0,
        newest: 0,
        newest_digest: String::new(),
        stats,
        canary: None,
        shadow: None,
        trouble: None,
    });
    let version = model.version;
    if version >= entry.newest {
        (entry.newest, entry.newest_digest) = (version, model.digest.clone());
    }
    // The same bytes again: what is known of the model in memory is kept.
    if entry.version(version).is_none_or(|known| known.digest != model.digest) {
        entry.versions.retain(|m| m.version != version);
        entry.versions.push(Arc::new(model));
        entry.versions.sort_by_key(|m| m.version);
    }
    if !hold || entry.current().is_none() {
        let newest = entry.versions.last().map_or(0, |m| m.version);
        entry.current = if is_chosen { version } else { newest };
    }
    entry.trouble = None;
    entry.trim();
    state.default.get_or_insert(name);
}
