//! A metric over time.

use super::runs::find;
use super::{Answer, Page};
use crate::store::Store;
use crate::store::db::{Db, DbResult, Row, params};

/// A value that a metric had.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// When, milliseconds since 1970.
    pub at_ms: i64,
    /// At which step.
    pub step: i64,
    /// The value; may be NaN.
    pub value: f64,
}

impl Store {
    /// Values of a metric of a run, the oldest first.
    ///
    /// # Errors
    /// Refused when the run is not there.
    pub fn metric_history(
        &self,
        run_id: &str,
        name: &str,
        n_max: Option<usize>,
        offset: usize,
    ) -> Answer<Page<Point>> {
        self.look(|db| {
            let run = find(db, run_id)?;
            if run.is_own {
                return Ok(Page { items: of_own(db, run.id, name)?, next: None });
            }
            let n = n_max.map_or(i64::MAX, |n| super::super::whole(n.saturating_add(1)));
            let statement = db.prepare_cached(
                "SELECT at_ms, step, value, is_nan FROM points WHERE run = ?1 AND name = ?2
                 ORDER BY at_ms, step, value LIMIT ?3 OFFSET ?4",
            )?;
            let offset_sql = super::super::whole(offset);
            let rows = statement.query_map(params![run.id, name, n, offset_sql], point)?;
            let mut items = rows.collect::<DbResult<Vec<Point>>>()?;
            let has_more = n_max.is_some_and(|n| items.len() > n);
            items.truncate(n_max.unwrap_or(usize::MAX));
            let next = has_more.then(|| offset + items.len());
            Ok(Page { items, next })
        })
    }

    /// Values of a metric in a range of steps, by step, thinned out evenly to about `n_max`; the
    /// first and the last stay.
    ///
    /// # Errors
    /// Refused when the run is not there.
    pub fn metric_between(
        &self,
        run_id: &str,
        name: &str,
        steps: Option<(i64, i64)>,
        n_max: usize,
    ) -> Answer<Vec<Point>> {
        self.look(|db| {
            let run = find(db, run_id)?;
            if run.is_own {
                return Ok(of_own(db, run.id, name)?);
            }
            let (low, high) = steps.unwrap_or((i64::MIN, i64::MAX));
            let statement = db.prepare_cached(
                "SELECT at_ms, step, value, is_nan FROM points WHERE run = ?1 AND name = ?2
                 AND step BETWEEN ?3 AND ?4 ORDER BY step, at_ms, value",
            )?;
            let rows = statement.query_map(params![run.id, name, low, high], point)?;
            Ok(thinned(rows.collect::<DbResult<_>>()?, n_max.max(1)))
        })
    }
}

fn point(r: &Row) -> DbResult<Point> {
    let is_nan: bool = r.get(3)?;
    let value = if is_nan { f64::NAN } else { r.get(2)? };
    Ok(Point { at_ms: r.get(0)?, step: r.get(1)?, value })
}

/// Our own runs measure once, at their end.
fn of_own(db: &Db, id: i64, name: &str) -> DbResult<Vec<Point>> {
    let statement = db.prepare_cached(
        "SELECT coalesce(m.at_ms, r.end_ms, r.start_ms, 0), coalesce(m.step, 0), m.value,
         m.value IS NULL FROM measured m JOIN tracked_runs r ON r.id = m.run
         WHERE m.run = ?1 AND m.name = ?2",
    )?;
    let rows = statement.query_map(params![id, name], point)?;
    rows.collect()
}

/// At most about `n_max` of the points, evenly chosen.
fn thinned(points: Vec<Point>, n_max: usize) -> Vec<Point> {
    let n = points.len();
    if n <= n_max {
        return points;
    }
    let stride = n.div_ceil(n_max);
    let is_kept = |i: &usize| i.is_multiple_of(stride) || *i + 1 == n;
    (0..n).filter(is_kept).map(|i| points[i]).collect()
}
