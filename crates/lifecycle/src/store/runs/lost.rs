//! Runs that ended without a word.

use std::fs;

use modelwright_core::Result;

use crate::store::Store;
use crate::store::db::{DbResult, params};

impl Store {
    /// Closes runs of this machine whose process is gone, as opening the store does; `at` is now,
    /// ISO 8601 in UTC.
    ///
    /// # Errors
    /// Work error when the store cannot be written to.
    pub fn close_lost_runs(&mut self, at: &str) -> Result<()> {
        close_lost(self, at)
    }
}

/// Minutes without a word after which a run of another machine is taken for lost. Many beats are
/// missed by then, and clocks of machines that differ by less do no harm.
pub const SILENCE_MIN: f64 = 15.0;

/// Closes runs of this machine whose process is gone, and those of others that fell silent.
pub(in crate::store) fn close_lost(store: &mut Store, at: &str) -> Result<()> {
    if store.is_read_only() {
        // Whoever may write will find them.
        return Ok(());
    }
    close_silent(store, at)?;
    let here = host();
    let read = || -> DbResult<Vec<(i64, u32, String)>> {
        let query = "SELECT id, pid, process FROM runs WHERE status = 'running' AND host = ?1";
        let statement = store.db.prepare_cached(query)?;
        let rows = statement.query_map(params![here], |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?)))?;
        rows.collect()
    };
    let running = read().map_err(|e| store.failed(e))?;
    let is_gone =
        |(_, pid, process): &&(i64, u32, String)| process_start(*pid).as_ref() != Some(process);
    let lost: Vec<i64> = running.iter().filter(is_gone).map(|run| run.0).collect();
    if lost.is_empty() {
        return Ok(());
    }
    store.change(|db| {
        for id in lost {
            db.execute(
                "UPDATE runs SET status = 'lost', ended = ?2,
                 note = 'its process ended without a word: killed, or the machine went down'
                 WHERE id = ?1 AND status = 'running'",
                params![id, at],
            )
            .map_err(|e| db.failed(e))?;
        }
        Ok(())
    })
}

/// Closes runs of other machines that were not heard of for long.
fn close_silent(store: &mut Store, at: &str) -> Result<()> {
    let silent = "FROM runs WHERE status = 'running' AND kind <> 'mlflow' AND host <> ?1 AND
         (julianday(?2) - julianday(beat)) * 1440 > ?3";
    let count = |store: &Store| -> DbResult<i64> {
        let query = format!("SELECT count(*) {silent}");
        store.db.query_row(&query, params![host(), at, SILENCE_MIN], |r| r.get(0))
    };
    // Looking takes no lock, and there is mostly nothing to do.
    if count(store).map_err(|e| store.failed(e))? == 0 {
        return Ok(());
    }
    store.change(|db| {
        let close = format!(
            "UPDATE runs SET status = 'lost', ended = ?2, note = 'its machine, ' || host ||
             ', was last heard of at ' || beat WHERE id IN (SELECT id {silent})"
        );
        db.execute(&close, params![host(), at, SILENCE_MIN]).map_err(|e| db.failed(e))?;
        Ok(())
    })
}

/// The name of this machine, as far as it has one.
pub(crate) fn host() -> String {
    let read = |path: &str| fs::read_to_string(path).ok();
    let name = read("/proc/sys/kernel/hostname").or_else(|| read("/etc/hostname"));
    name.map_or("unknown".to_owned(), |name| name.trim().to_owned())
}

/// When a process began, in the kernel's clock ticks: with its number it names one process, also
/// after the number was given to another. `None` when there is no such process.
pub(crate) fn process_start(pid: u32) -> Option<String> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The program's name, in parentheses, may hold anything; fields are counted after it.
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    // A zombie has ended, though its number is not free yet.
    let is_alive = !matches!(fields.first(), Some(&"Z" | &"X"));
    fields.get(19).filter(|_| is_alive).map(|start| (*start).to_owned())
}
