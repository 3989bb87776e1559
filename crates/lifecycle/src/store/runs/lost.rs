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

/// A run that is said to be at work: its number, its process, and whether it was silent for long.
type Running = (i64, u32, String, bool);

/// Closes runs of this machine whose process is gone, and those that fell silent of others, and of
/// processes that cannot be looked for.
pub(in crate::store) fn close_lost(store: &mut Store, at: &str) -> Result<()> {
    if store.is_read_only() {
        // Whoever may write will find them.
        return Ok(());
    }
    close_silent(store, at)?;
    let here = host();
    let read = || -> DbResult<Vec<Running>> {
        let query = "SELECT id, pid, process,
             coalesce((julianday(?2) - julianday(beat)) * 1440 > ?3, FALSE)
             FROM runs WHERE status = 'running' AND host = ?1";
        let statement = store.db.prepare_cached(query)?;
        let rows = statement.query_map(params![here, at, SILENCE_MIN], |r| {
            Ok((r.get(0)?, r.get(1)?, r.get(2)?, r.get(3)?))
        })?;
        rows.collect()
    };
    let running = read().map_err(|e| store.failed(e))?;
    let is_gone =
        |(_, pid, process, is_silent): &&Running| !is_alive(*pid, process).unwrap_or(!is_silent);
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

/// What names this process beside its number: when it began, and the space in which the number
/// counts, as two containers of one host name have each their own. Empty where the system does not
/// tell.
pub(crate) fn own_process() -> String {
    let Some(start) = process_start(std::process::id()) else { return String::new() };
    match fs::read_link("/proc/self/ns/pid") {
        Ok(space) => format!("{start} {}", space.display()),
        Err(_) => start,
    }
}

/// Whether the process of this number that was called `process` is still there; `None` where
/// nobody can look for it: the system does not tell, or its number counts elsewhere.
pub(crate) fn is_alive(pid: u32, process: &str) -> Option<bool> {
    is_same(process, &own_process(), process_start(pid).as_deref())
}

/// Whether what began at `start` is what was called `process`, as a process called `own` sees it.
fn is_same(process: &str, own: &str, start: Option<&str>) -> Option<bool> {
    if process.is_empty() || own.is_empty() {
        return None;
    }
    // Earlier versions did not note the space.
    let (began, space) = process.split_once(' ').unwrap_or((process, ""));
    let (_, here) = own.split_once(' ').unwrap_or((own, ""));
    let is_elsewhere = !space.is_empty() && !here.is_empty() && space != here;
    (!is_elsewhere).then_some(start == Some(began))
}

/// When a process began, in the kernel's clock ticks: with its number it names one process, also
/// after the number was given to another. `None` when there is no such process.
fn process_start(pid: u32) -> Option<String> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The program's name, in parentheses, may hold anything; fields are counted after it.
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    // A zombie has ended, though its number is not free yet.
    let is_alive = !matches!(fields.first(), Some(&"Z" | &"X"));
    fields.get(19).filter(|_| is_alive).map(|start| (*start).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_gone_only_where_it_could_be_seen() {
        let own = "70 pid:[1]";
        assert_eq!(is_same("50 pid:[1]", own, Some("50")), Some(true));
        assert_eq!(is_same("50 pid:[1]", own, Some("60")), Some(false), "the number is another's");
        assert_eq!(is_same("50 pid:[1]", own, None), Some(false));
        assert_eq!(is_same("50", own, Some("50")), Some(true), "as earlier versions wrote it");
        assert_eq!(is_same("50 pid:[2]", own, Some("50")), None, "another container");
        assert_eq!(is_same("", own, None), None, "a system without /proc wrote it");
        assert_eq!(is_same("50 pid:[1]", "", None), None, "a system without /proc reads it");
    }
}
