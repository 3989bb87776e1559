//! Notices that wait for their sinks: taken one by one, by one process at a time.

use std::collections::BTreeMap;

use modelwright_core::Result;
use serde::Serialize;

use super::rules::AlertRules;
use crate::store::Store;
use crate::store::db::{DbResult, OptionalRow, params};

/// A notice that waits for its sink.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Waiting {
    pub(super) id: i64,
    pub(super) sink: String,
    pub(super) n_tries: i64,
    pub(super) body: String,
}

/// Notices that a sink has not taken yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WaitingNotices {
    /// The sink.
    pub sink: String,
    /// How many.
    pub n: i64,
    /// When the first of them is due.
    pub next_try: String,
}

impl Store {
    /// What waits for the sinks of these rules.
    ///
    /// # Errors
    /// Work error when the store cannot be read.
    pub fn waiting_notices(&self, rules: &AlertRules) -> Result<Vec<WaitingNotices>> {
        let mut waiting = self.in_reading(|db| {
            let statement = db.prepare_cached(
                "SELECT n.sink, count(*), min(n.next_try) FROM notices n
                 JOIN alerts a ON a.id = n.alert
                 WHERE n.sent IS NULL AND (a.source = ?1 OR a.source IS NULL)
                 GROUP BY n.sink ORDER BY n.sink",
            )?;
            let rows = statement.query_map(params![rules.source], |r| {
                Ok(WaitingNotices { sink: r.get(0)?, n: r.get(1)?, next_try: r.get(2)? })
            })?;
            rows.collect::<DbResult<Vec<WaitingNotices>>>()
        })?;
        waiting.retain(|own| rules.sinks.iter().any(|sink| sink.name == own.sink));
        Ok(waiting)
    }

    /// Takes the next notice that is due, so that no other process takes it until `until`: of one
    /// model, or of all, for the sinks of these rules, and from their file: another may call
    /// another sink by the same name. A sink is told of an alert in order: what it was not told yet
    /// comes before what follows on it; otherwise, what waits longest comes first.
    pub(super) fn take_notice(
        &mut self,
        rules: &AlertRules,
        model: Option<&str>,
        (at, until): (&str, &str),
    ) -> Result<Option<Waiting>> {
        let sinks: BTreeMap<&str, u8> = rules.sinks.iter().map(|s| (s.name.as_str(), 0)).collect();
        // A map of texts always has a JSON form.
        let sinks = serde_json::to_string(&sinks).unwrap_or_default();
        self.in_transaction(|db| {
            let query = "SELECT n.id, n.sink, n.n_tries, n.body FROM notices n
                 JOIN alerts a ON a.id = n.alert
                 WHERE n.sent IS NULL AND n.next_try <= ?1 AND a.model = coalesce(?2, a.model)
                 AND (a.source = ?4 OR a.source IS NULL)
                 AND n.sink IN (SELECT key FROM json_each(?3)) AND NOT EXISTS
                 (SELECT 1 FROM notices e WHERE e.alert = n.alert AND e.sink = n.sink
                  AND e.id < n.id AND e.sent IS NULL) ORDER BY n.next_try, n.id LIMIT 1";
            let found = db
                .query_row(query, params![at, model, sinks, rules.source], |r| {
                    Ok(Waiting {
                        id: r.get(0)?,
                        sink: r.get(1)?,
                        n_tries: r.get(2)?,
                        body: r.get(3)?,
                    })
                })
                .optional()?;
            if let Some(notice) = &found {
                let take = "UPDATE notices SET next_try = ?2 WHERE id = ?1";
                db.execute(take, params![notice.id, until])?;
            }
            Ok(found)
        })
    }

    /// Gives up what waits for sinks that the rules of a model name no more; returns how many
    /// notices that were, by sink.
    pub(super) fn give_up_notices(
        &mut self,
        rules: &AlertRules,
        model: &str,
    ) -> Result<Vec<(String, usize)>> {
        self.in_transaction(|db| {
            let statement = db.prepare_cached(
                "SELECT DISTINCT n.sink FROM notices n JOIN alerts a ON a.id = n.alert
                 WHERE n.sent IS NULL AND a.model = ?1 AND a.source = ?2
                 ORDER BY n.sink",
            )?;
            let rows = statement.query_map(params![model, rules.source], |r| r.get(0))?;
            let mut given_up = Vec::new();
            for sink in rows.collect::<DbResult<Vec<String>>>()? {
                if rules.sinks.iter().any(|own| own.name == sink) {
                    continue;
                }
                let n = db.execute(
                    "DELETE FROM notices WHERE sent IS NULL AND sink = ?1 AND alert IN
                     (SELECT id FROM alerts WHERE model = ?2 AND source = ?3)",
                    params![sink, model, rules.source],
                )?;
                given_up.push((sink, n));
            }
            Ok(given_up)
        })
    }

    /// Writes down that a sink is done with a notice; `but` says whom it could not pass it on to,
    /// or why the notice was given up.
    pub(super) fn notice_sent(&mut self, id: i64, but: Option<&str>, at: &str) -> Result<()> {
        self.in_transaction(|db| {
            db.execute(
                "UPDATE notices SET sent = ?2, n_tries = n_tries + 1, error = ?3 WHERE id = ?1",
                params![id, at, but],
            )
            .map(drop)
        })
    }

    /// Writes down that a sink did not take a notice, why, and when to try again.
    pub(super) fn notice_failed(&mut self, id: i64, why: &str, next_try: &str) -> Result<()> {
        self.in_transaction(|db| {
            db.execute(
                "UPDATE notices SET n_tries = n_tries + 1, error = ?2, next_try = ?3 WHERE id = ?1",
                params![id, why, next_try],
            )
            .map(drop)
        })
    }
}
