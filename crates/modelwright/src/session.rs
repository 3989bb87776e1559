//! What all subcommands share: the global flags resolved, the context to work in, and signals.
//!
//! The first Ctrl-C asks running work to end early with the best it has; the second (or the
//! first, where there is nothing to keep) removes unfinished files and ends the process at once
//! with 130.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use modelwright_core::context::{Decisions, Settings};
use modelwright_core::{Context, Error, Result};

use crate::flags::Global;
use crate::progress::{self, Budget, Watchers};
use crate::{machine, output};

/// Settings shared by all subcommands.
pub(crate) struct Session {
    /// The global flags.
    pub(crate) global: Global,
    /// When the process began.
    pub(crate) started: Instant,
    /// When the process began, ISO 8601 in UTC.
    pub(crate) created: String,
    /// Who watches from outside, once the run is written down.
    pub(crate) told: Watchers,
    cancel: Arc<AtomicBool>,
    /// Whether an early end leaves something worth keeping.
    graceful: Arc<AtomicBool>,
}

/// What a context is limited to or must repeat.
#[derive(Debug, Default)]
pub(crate) struct Limits {
    /// Wall time since the process began.
    pub(crate) time: Option<Duration>,
    /// The seed, where it is not the flag's.
    pub(crate) seed: Option<u64>,
    /// The memory limit, where it is not the flag's.
    pub(crate) memory_bytes: Option<u64>,
    /// Decisions to repeat.
    pub(crate) replay: Option<Decisions>,
}

impl Session {
    /// Resolves the flags.
    pub(crate) fn new(global: Global, started: Instant) -> Self {
        if let Some(folder) = &global.store {
            modelwright_lifecycle::store::set_location(folder);
        }
        Self {
            global,
            started,
            created: machine::utc_now(),
            told: Watchers::default(),
            cancel: Arc::new(AtomicBool::new(false)),
            graceful: Arc::new(AtomicBool::new(false)),
        }
    }

    /// Listens for Ctrl-C and its like, for work that is done when it is done. A server listens
    /// by itself.
    ///
    /// # Errors
    /// Work error when the system refuses a signal handler.
    pub(crate) fn listen_for_signals(&self) -> Result<()> {
        let (cancel, graceful) = (self.cancel.clone(), self.graceful.clone());
        ctrlc::set_handler(move || {
            let first = !cancel.swap(true, Ordering::SeqCst);
            if first && graceful.load(Ordering::SeqCst) {
                output::say(
                    "\nfinishing with the best model so far; press Ctrl-C again to stop at once",
                );
                return;
            }
            modelwright_lifecycle::atomic::discard_unfinished();
            output::say("\ninterrupted; nothing was written");
            std::process::exit(130);
        })
        .map_err(|e| Error::work("cannot listen for Ctrl-C").because(e))
    }

    /// From now on, a first Ctrl-C lets the work end by itself.
    pub(crate) fn end_gracefully(&self) {
        self.graceful.store(true, Ordering::SeqCst);
    }

    /// Says something on stderr, unless quiet.
    pub(crate) fn note(&self, text: &str) {
        if !self.global.quiet {
            output::say(text);
        }
    }

    /// The memory limit: the flag's, or what is free.
    pub(crate) fn memory_limit(&self) -> Option<u64> {
        self.global.memory_limit()
    }

    /// Whether a signal asked this process to end.
    pub(crate) fn is_cancelled(&self) -> bool {
        self.cancel.load(Ordering::SeqCst)
    }

    /// A context for a part of the work, whose time counts from now.
    ///
    /// # Errors
    /// As [`Self::context`].
    pub(crate) fn fresh_context(&self, time: Option<Duration>) -> Result<Context> {
        self.context_since(machine::now(), Limits { time, ..Limits::default() })
    }

    /// A context for the work of this process.
    ///
    /// # Errors
    /// Work error when threads cannot be started.
    pub(crate) fn context(&self, limits: Limits) -> Result<Context> {
        self.context_since(self.started, limits)
    }

    fn context_since(&self, started: Instant, limits: Limits) -> Result<Context> {
        let budget = Budget { started, limit: limits.time };
        Context::new(Settings {
            seed: limits.seed.or(self.global.seed).unwrap_or(0),
            threads: self.global.threads.unwrap_or(0),
            started,
            time_limit: limits.time,
            memory_limit_bytes: limits.memory_bytes.or_else(|| self.memory_limit()),
            memory_in_use: machine::memory_in_use,
            cancel: self.cancel.clone(),
            progress: self.told.beside(progress::choose(self.global.quiet, budget), budget),
            replay: limits.replay,
        })
    }
}
