//! The only door to seed, threads, clock, memory cap, cancellation and progress.
//!
//! A [`Context`] is cheap to clone and is the last argument of everything that works. Two of its
//! services make a budgeted run repeatable bit for bit:
//!
//! * [`Context::proceed`] is asked before every unit of work (a boosting round, a solver sweep, a
//!   trial). Live, it answers by clock and cancellation; the number of units done in each scope
//!   that was stopped is logged.
//! * [`Context::decide`] computes a number that depends on the clock or the machine (how many
//!   rows a probe allows, which trial is affordable) and logs it.
//!
//! On replay the log of [`Decisions`] answers both, and the clock is never consulted.
//! Scopes are names joined by `/`; one scope is used by one thread at a time.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::random::Random;

/// What the clock and the machine decided during a run; empty for a run that nothing cut short.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decisions {
    /// Units of work done in each scope that was stopped before its own end.
    pub stopped_after: BTreeMap<String, u64>,
    /// Numbers that depended on the clock or the machine.
    pub chosen: BTreeMap<String, u64>,
}

/// Something worth telling while work goes on.
#[derive(Debug, Clone)]
pub enum Event {
    /// A new phase begins (reading, preparing, searching, …).
    Phase(String),
    /// A trial ended with this validation score.
    Trial {
        /// The trial's name.
        name: String,
        /// Its validation score, in the metric's own unit; `None` when it failed.
        score: Option<f64>,
        /// Whether it is the best so far.
        best: bool,
    },
    /// Something the user should know.
    Note(String),
    /// Something the user should act on.
    Warning(String),
}

/// Receives events; implemented at the rim.
pub trait Progress: Send + Sync {
    /// Called from any thread.
    fn event(&self, event: Event);
}

/// Ignores all events.
#[derive(Debug)]
pub struct Silent;

impl Progress for Silent {
    fn event(&self, _: Event) {}
}

/// How to build a [`Context`].
pub struct Settings {
    /// The seed of all random streams.
    pub seed: u64,
    /// Worker threads; 0 takes the machine's.
    pub threads: usize,
    /// When the process (or the call) began.
    pub started: Instant,
    /// The wall time allowed since `started`; `None` is without limit.
    pub time_limit: Option<Duration>,
    /// The memory allowed in bytes; `None` is without limit.
    pub memory_limit_bytes: Option<u64>,
    /// Measures the memory in use, in bytes; the rim knows how.
    pub memory_in_use: fn() -> u64,
    /// Set from outside (a signal handler) to ask for an early end.
    pub cancel: Arc<AtomicBool>,
    /// Where events go.
    pub progress: Box<dyn Progress>,
    /// Decisions to repeat; `None` decides live.
    pub replay: Option<Decisions>,
}

impl Default for Settings {
    #[expect(clippy::disallowed_methods, reason = "this module is the door to the clock")]
    fn default() -> Self {
        Self {
            seed: 0,
            threads: 0,
            started: Instant::now(),
            time_limit: None,
            memory_limit_bytes: None,
            memory_in_use: || 0,
            cancel: Arc::new(AtomicBool::new(false)),
            progress: Box::new(Silent),
            replay: None,
        }
    }
}

/// See the module's text.
#[derive(Clone)]
pub struct Context {
    shared: Arc<Shared>,
    seed: u64,
    scope: Arc<str>,
    deadline: Option<Instant>,
    units: Arc<AtomicU64>,
    /// Set when nobody wants the work of this context any more, beside what ends all of it.
    own_cancel: Option<Arc<AtomicBool>>,
}

struct Shared {
    pool: rayon::ThreadPool,
    started: Instant,
    memory_limit_bytes: Option<u64>,
    memory_in_use: fn() -> u64,
    cancel: Arc<AtomicBool>,
    progress: Box<dyn Progress>,
    replay: Option<Decisions>,
    log: Mutex<Decisions>,
}

impl Context {
    /// A context with the given settings.
    ///
    /// # Errors
    /// Work error when the machine refuses to start threads.
    pub fn new(settings: Settings) -> crate::Result<Self> {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(settings.threads)
            .thread_name(|i| format!("modelwright-{i}"))
            .build()
            .map_err(|e| crate::Error::work("cannot start worker threads").because(e))?;
        let deadline = settings.time_limit.map(|limit| settings.started + limit);
        Ok(Self {
            seed: settings.seed,
            shared: Arc::new(Shared {
                pool,
                started: settings.started,
                memory_limit_bytes: settings.memory_limit_bytes,
                memory_in_use: settings.memory_in_use,
                cancel: settings.cancel,
                progress: settings.progress,
                replay: settings.replay,
                log: Mutex::new(Decisions::default()),
            }),
            scope: "".into(),
            deadline,
            units: Arc::new(AtomicU64::new(0)),
            own_cancel: None,
        })
    }

    /// A context for tests and small library calls: given seed and threads, no limits.
    ///
    /// # Panics
    /// If the machine refuses to start threads.
    pub fn unlimited(seed: u64, threads: usize) -> Self {
        match Self::new(Settings { seed, threads, ..Settings::default() }) {
            Ok(context) => context,
            Err(error) => panic!("{error}"),
        }
    }

    /// Runs `work` inside the thread pool, so that rayon's parallel iterators use it.
    pub fn install<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        self.shared.pool.install(work)
    }

    /// The full name of this scope, as it stands in [`Decisions`].
    pub fn name(&self) -> &str {
        &self.scope
    }

    /// How many worker threads there are.
    pub fn threads(&self) -> usize {
        self.shared.pool.current_num_threads()
    }

    /// Computes `f(0), …, f(n - 1)` in parallel; the order of the results is the order of `n`.
    pub fn map<T: Send>(&self, n: usize, f: impl Fn(usize) -> T + Sync + Send) -> Vec<T> {
        self.install(|| (0..n).into_par_iter().map(f).collect())
    }

    /// A child context: its scope is this scope, `/`, and `name`; its unit count starts at 0.
    #[must_use]
    pub fn scope(&self, name: &str) -> Self {
        let scope =
            if self.scope.is_empty() { name.to_owned() } else { format!("{}/{name}", self.scope) };
        Self { scope: scope.into(), units: Arc::new(AtomicU64::new(0)), ..self.clone() }
    }

    /// A child context of the same scope that must end `limit` from now (or at this context's
    /// own deadline, if that is earlier).
    #[must_use]
    pub fn with_time_limit(&self, limit: Duration) -> Self {
        let wanted = self.now() + limit;
        let deadline = Some(self.deadline.map_or(wanted, |d| d.min(wanted)));
        Self { deadline, ..self.clone() }
    }

    /// A child context of the same scope whose deadline is `reserve` before this context's.
    #[must_use]
    pub fn with_reserve(&self, reserve: Duration) -> Self {
        let deadline = self.deadline.map(|d| d.checked_sub(reserve).unwrap_or(self.shared.started));
        Self { deadline, ..self.clone() }
    }

    /// A child context of the same scope that ends early, too, when `flag` is set; in place of a
    /// flag that this context had.
    #[must_use]
    pub fn with_cancel(&self, flag: Arc<AtomicBool>) -> Self {
        Self { own_cancel: Some(flag), ..self.clone() }
    }

    /// A child context of the same scope whose random streams are others, by `index`; 0 is this
    /// one. For fits of the same thing that shall differ by chance alone.
    #[must_use]
    pub fn with_chance(&self, index: u64) -> Self {
        let seed = match index {
            0 => self.seed,
            _ => self.random("chance", index).next_u64(),
        };
        Self { seed, ..self.clone() }
    }

    /// Whether the next unit of work of this scope may begin.
    ///
    /// Counts the unit when it may. The first `false` of a scope is logged with the number of
    /// units done, and is what replay repeats.
    pub fn proceed(&self) -> bool {
        let done = self.units.load(Ordering::Relaxed);
        let go = match &self.shared.replay {
            Some(decisions) => {
                decisions.stopped_after.get(&*self.scope).is_none_or(|limit| done < *limit)
            }
            None => !self.is_cancelled() && self.deadline.is_none_or(|d| self.now() < d),
        };
        if go {
            self.units.store(done + 1, Ordering::Relaxed);
        } else {
            self.log(|log| {
                log.stopped_after.entry(self.scope.to_string()).or_insert(done);
            });
        }
        go
    }

    /// A number that depends on the clock or the machine: computed live, repeated on replay.
    ///
    /// `name` must be used once per scope.
    pub fn decide(&self, name: &str, live: impl FnOnce() -> u64) -> u64 {
        let key = format!("{}:{name}", self.scope);
        let value = match &self.shared.replay {
            Some(decisions) => decisions.chosen.get(&key).copied().unwrap_or(0),
            None => live(),
        };
        self.log(|log| {
            log.chosen.insert(key, value);
        });
        value
    }

    /// The number that [`Self::decide`] will repeat for `name` of this scope; `None` in a live run,
    /// and when the repeated run decided no such thing. For work whose outcome is known only at
    /// its end, but which a replay must know at its beginning.
    pub fn replayed(&self, name: &str) -> Option<u64> {
        let decisions = self.shared.replay.as_ref()?;
        decisions.chosen.get(&format!("{}:{name}", self.scope)).copied()
    }

    /// The random stream `name` with number `index`, independent of all others.
    ///
    /// The scope is not part of the name: equal names under one seed are equal streams.
    pub fn random(&self, name: &str, index: u64) -> Random {
        Random::stream(self.seed, name, index)
    }

    /// The seed of all streams.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// Time since the start. For reports, and inside [`Self::decide`]; nothing else may depend on
    /// it.
    pub fn elapsed(&self) -> Duration {
        self.now() - self.shared.started
    }

    /// Time left to this context's deadline (zero when passed); `None` without a limit. Only for
    /// use inside [`Self::decide`] and for progress.
    pub fn remaining(&self) -> Option<Duration> {
        self.deadline.map(|d| d.saturating_duration_since(self.now()))
    }

    /// The memory allowed in bytes.
    pub fn memory_limit_bytes(&self) -> Option<u64> {
        self.shared.memory_limit_bytes
    }

    /// Bytes left under the memory limit; `None` without one. Only for use inside [`Self::decide`].
    pub fn memory_left_bytes(&self) -> Option<u64> {
        self.shared.memory_limit_bytes.map(|m| m.saturating_sub((self.shared.memory_in_use)()))
    }

    /// Whether the user asked for an early end. For the rim; work asks [`Self::proceed`].
    pub fn is_cancelled(&self) -> bool {
        let is_set = |flag: &Arc<AtomicBool>| flag.load(Ordering::Relaxed);
        is_set(&self.shared.cancel) || self.own_cancel.as_ref().is_some_and(is_set)
    }

    /// Whether decisions are being repeated from a record.
    pub fn is_replay(&self) -> bool {
        self.shared.replay.is_some()
    }

    /// What has been decided so far.
    pub fn decisions(&self) -> Decisions {
        self.shared.log.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Tells whoever watches.
    pub fn tell(&self, event: Event) {
        self.shared.progress.event(event);
    }

    fn log(&self, write: impl FnOnce(&mut Decisions)) {
        write(&mut self.shared.log.lock().unwrap_or_else(PoisonError::into_inner));
    }

    #[expect(clippy::disallowed_methods, reason = "this module is the door to the clock")]
    #[expect(clippy::unused_self, reason = "reads as the context's clock")]
    fn now(&self) -> Instant {
        Instant::now()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replayed_scope_stops_after_the_same_unit() {
        let live = Context::new(Settings {
            time_limit: Some(Duration::from_millis(20)),
            ..Settings::default()
        })
        .unwrap();
        let work = |context: &Context| {
            let scope = context.scope("trial").scope("fold-0");
            let mut done = 0;
            while scope.proceed() {
                done += 1;
                if !context.is_replay() {
                    std::thread::sleep(Duration::from_millis(3));
                }
            }
            (done, context.decide("rows", || 17))
        };
        let first = work(&live);
        let decisions = live.decisions();
        assert_eq!(decisions.stopped_after["trial/fold-0"], first.0);
        let replay =
            Context::new(Settings { replay: Some(decisions.clone()), ..Settings::default() })
                .unwrap();
        assert_eq!(replay.replayed("rows"), Some(17), "known before it is decided again");
        assert_eq!((live.replayed("rows"), replay.replayed("other")), (None, None));
        assert_eq!(work(&replay), first);
        assert_eq!(replay.decisions(), decisions);
    }

    #[test]
    fn cancelling_stops_and_map_keeps_order() {
        let cancel = Arc::new(AtomicBool::new(false));
        let context =
            Context::new(Settings { cancel: cancel.clone(), threads: 2, ..Settings::default() })
                .unwrap();
        assert!(context.proceed());
        cancel.store(true, Ordering::Relaxed);
        assert!(!context.proceed());
        assert_eq!(context.map(4, |i| i * 10), [0, 10, 20, 30]);
    }
}
