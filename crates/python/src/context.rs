//! The threads that predictions share.
//!
//! One pool for each number of threads lives as long as the process, since starting one costs more
//! than a prediction. A forked child has the memory but not the threads of its parent, so that a
//! pool is used by the process that made it alone.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use modelwright_core::context::Settings;
use modelwright_core::{Context, Result};

/// Contexts by number of threads (0 is the machine's), and the process that made them.
static SHARED: Mutex<(u32, BTreeMap<usize, Context>)> = Mutex::new((0, BTreeMap::new()));

/// As [`shared`], of another seed than 0: one of its own.
pub(crate) fn seeded((threads, seed): (usize, u64)) -> Result<Context> {
    if seed == 0 {
        return shared(threads);
    }
    Context::new(Settings { seed, threads, ..Settings::default() })
}

/// A context without limits.
pub(crate) fn shared(threads: usize) -> Result<Context> {
    let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
    let process = std::process::id();
    if shared.0 != process {
        // Dropping them would wait for threads that are not here.
        std::mem::forget(std::mem::take(&mut shared.1));
        shared.0 = process;
    }
    if let Some(known) = shared.1.get(&threads) {
        return Ok(known.clone());
    }
    let context = Context::new(Settings { threads, ..Settings::default() })?;
    shared.1.insert(threads, context.clone());
    Ok(context)
}
