//! Which rows teach, and which judge.

use std::collections::HashSet;

use modelwright_core::context::Event;
use modelwright_core::data::{Column, ColumnData, MISSING_INSTANT, Table};
use modelwright_core::record::RunRecord;
use modelwright_core::{Context, Error, Result};
use modelwright_lifecycle::when::moment_seconds;
use modelwright_preprocess::profile::row_hashes;

use super::RetrainRequest;

/// Fewer rows than this judge nothing.
pub(super) const JUDGED_MIN: usize = 60;

/// Rows of so much later than now are mistakes; clocks and time zones differ by less.
const AHEAD_US: f64 = 86_400e6;

/// No more than this share of the rows are mistakes: where more are of the future, it is meant.
const AHEAD_SHARE: f64 = 0.01;

/// Older rows to learn from, newer ones to judge by; groups are not torn apart. What the old model
/// has `learned` from does not judge it, but may teach the new one, too.
///
/// # Errors
/// Input error when the rows are too few, or have no times where a window needs them.
pub(super) fn part(
    table: Table,
    learned: &[bool],
    (request, record): (&RetrainRequest, &RunRecord),
    ctx: &Context,
) -> Result<(Table, Table)> {
    if !(request.judged_share > 0.0 && request.judged_share < 1.0) {
        return Err(Error::input("the share of the rows that judges is none")
            .at("--judge")
            .expected("a number between 0 and 1, such as 0.25")
            .got(request.judged_share.to_string()));
    }
    let rows = wanted_rows(&table, (request, record), ctx)?;
    let n_judged = (rows.len() as f64 * request.judged_share).round() as usize;
    if n_judged < JUDGED_MIN || rows.len() - n_judged < JUDGED_MIN {
        return Err(Error::input("too few rows have an answer")
            .expected(format!("at least {JUDGED_MIN} to learn from and {JUDGED_MIN} to judge by"))
            .got(format!("{} and {n_judged}", rows.len() - n_judged))
            .hint("give more rows, a wider window if there is one, or change --judge"));
    }
    let (older, newer) = rows.split_at(rows.len() - n_judged);
    let is_new = |row: &&u32| !learned[**row as usize];
    let mut newer_rows: Vec<u32> = newer.iter().filter(is_new).copied().collect();
    must_judge(newer_rows.len(), newer.len(), ctx)?;
    let mut older: Vec<u32> =
        older.iter().chain(newer.iter().filter(|row| !is_new(row))).copied().collect();
    if let Some(name) = &record.options.group {
        let groups = table.require(name)?;
        // A row without a group is one of its own, as where a fit parts rows.
        let judged: HashSet<String> =
            newer_rows.iter().filter_map(|row| groups.display(*row as usize)).collect();
        older.retain(|row| {
            groups.display(*row as usize).is_none_or(|group| !judged.contains(&group))
        });
    }
    older.sort_unstable();
    newer_rows.sort_unstable();
    Ok(table.part(&older, &newer_rows))
}

/// Refuses too few rows that are new to the old model, too.
fn must_judge(n_new: usize, n_newest: usize, ctx: &Context) -> Result<()> {
    let n_learned = n_newest - n_new;
    if n_learned == 0 {
        return Ok(());
    }
    if n_new < JUDGED_MIN {
        return Err(Error::input("too few of the most recent rows are new to the old model")
            .expected(format!(
                "at least {JUDGED_MIN} of the rows that judge which it has not learned from"
            ))
            .got(format!("{n_new} of {n_newest}"))
            .hint("wait for more rows: who has learned the answers would win every gate"));
    }
    ctx.tell(Event::Note(format!(
        "{n_learned} of the {n_newest} most recent rows do not judge: the old model has learned \
         from them"
    )));
    Ok(())
}

/// The rows with an answer that the window holds, the oldest first.
fn wanted_rows(
    table: &Table,
    (request, record): (&RetrainRequest, &RunRecord),
    ctx: &Context,
) -> Result<Vec<u32>> {
    let target = table.require(&record.task.target)?;
    let mut rows: Vec<u32> =
        (0..table.n_rows() as u32).filter(|row| !target.is_missing(*row as usize)).collect();
    let by_time = request.time_column.as_ref().or(record.options.time_column.as_ref());
    if let Some(name) = by_time {
        let column = table.require(name)?;
        let times = times_of(column)?;
        let is_date = matches!(column.data, ColumnData::Instant(_));
        if let Some(now) = request.now.as_deref().and_then(moment_seconds).filter(|_| is_date) {
            leave_out_ahead(&mut rows, &times, (now as f64 * 1e6, name), ctx);
        }
        rows.sort_by(|a, b| times[*a as usize].total_cmp(&times[*b as usize]));
        if let (Some(last), Some(newest)) = (request.window.last, rows.last()) {
            if !is_date {
                return Err(Error::input("a window in time needs a column of dates")
                    .column(name)
                    .expected("dates or times"));
            }
            let since = times[*newest as usize] - last.as_secs_f64() * 1e6;
            rows.retain(|row| times[*row as usize] >= since);
        }
    } else if request.window.last.is_some() {
        return Err(Error::input("a window in time needs a time column")
            .expected("the name of a column with the time of each row"));
    }
    if let Some(n_max) = request.window.rows_max {
        rows.drain(..rows.len().saturating_sub(n_max));
    }
    Ok(rows)
}

/// Leaves out the few rows that say that they are of the future.
fn leave_out_ahead(rows: &mut Vec<u32>, times: &[f64], (now, name): (f64, &str), ctx: &Context) {
    let is_ahead = |row: &u32| times[*row as usize] > now + AHEAD_US;
    let n_ahead = rows.iter().filter(|row| is_ahead(row)).count();
    if n_ahead == 0 || n_ahead as f64 > AHEAD_SHARE * rows.len() as f64 {
        return;
    }
    rows.retain(|row| !is_ahead(row));
    ctx.tell(Event::Warning(format!(
        "{n_ahead} rows are left out: by `{name}` they are of the future"
    )));
}

/// The older rows without those that judge, too: files often hold the same rows once more, and who
/// has learned the answers would win every gate. Rows are the same where target and all columns of
/// the model are.
///
/// # Errors
/// Input error when too few are left.
pub(super) fn without_judged(
    older: Table,
    newer: &Table,
    record: &RunRecord,
    ctx: &Context,
) -> Result<Table> {
    let names: Vec<&str> = record.schema.fields.iter().map(|field| field.name.as_str()).collect();
    let judged: HashSet<u64> = row_hashes(newer, &names, ctx).into_iter().collect();
    let hashes = row_hashes(&older, &names, ctx);
    let kept: Vec<u32> =
        (0..).zip(&hashes).filter(|(_, hash)| !judged.contains(hash)).map(|pair| pair.0).collect();
    let n_same = older.n_rows() - kept.len();
    if n_same == 0 {
        return Ok(older);
    }
    let text = format!(
        "{n_same} of {} older rows are the same as rows that judge: nothing is learned from them",
        older.n_rows()
    );
    ctx.tell(Event::Warning(text));
    if kept.len() < JUDGED_MIN {
        return Err(Error::input("too few rows are left that do not judge themselves")
            .expected(format!("at least {JUDGED_MIN} rows that the judging ones do not repeat"))
            .got(kept.len().to_string())
            .hint("give every file once, and leave out files whose rows others hold"));
    }
    Ok(older.select(&kept))
}

fn times_of(column: &Column) -> Result<Vec<f64>> {
    match &column.data {
        // Rows without a time are the oldest: they must not judge the future.
        ColumnData::Number(values) => {
            Ok(values.map(|v| if v.is_nan() { f64::NEG_INFINITY } else { v }))
        }
        ColumnData::Instant(values) => {
            let time = |v: &i64| if *v == MISSING_INSTANT { f64::NEG_INFINITY } else { *v as f64 };
            Ok(values.iter().map(time).collect())
        }
        ColumnData::String { .. } => Err(Error::input("the column holds no times")
            .column(&column.name)
            .expected("dates or numbers")
            .hint("name another column with --time-column")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_without_a_time_are_the_oldest_however_times_are_held() {
        let numbers = Column::numbers("day", vec![3.0, f64::NAN, 1.0]);
        let dates = Column::instants("day", vec![3, MISSING_INSTANT, 1]);
        for column in [numbers, dates] {
            let times = times_of(&column).unwrap();
            let mut rows = [0, 1, 2];
            rows.sort_by(|a: &usize, b: &usize| times[*a].total_cmp(&times[*b]));
            assert_eq!(rows, [1, 2, 0]);
        }
    }

    #[test]
    fn a_date_of_the_future_is_a_mistake_where_it_is_alone() {
        let ctx = Context::unlimited(0, 1);
        let now = 1e15;
        let mut times = vec![now - 1.0; 200];
        times[7] = now + 100.0 * AHEAD_US;
        let left = |times: &[f64]| {
            let mut rows: Vec<u32> = (0..times.len() as u32).collect();
            leave_out_ahead(&mut rows, times, (now, "day"), &ctx);
            rows.len()
        };
        assert_eq!(left(&times), 199);
        times[..50].fill(now + 100.0 * AHEAD_US);
        assert_eq!(left(&times), 200, "bookings are of the future");
        assert_eq!(left(&[now + 0.5 * AHEAD_US]), 1, "in another time zone");
    }

    #[test]
    fn rows_that_the_old_model_has_learned_from_do_not_judge_it() {
        let ctx = Context::unlimited(0, 1);
        assert!(must_judge(10, 10, &ctx).is_ok(), "the usual rules are told elsewhere");
        assert!(must_judge(JUDGED_MIN, 500, &ctx).is_ok());
        let error = must_judge(JUDGED_MIN - 1, 500, &ctx).unwrap_err().to_string();
        assert!(error.contains("new to the old model") && error.contains("59 of 500"), "{error}");
    }
}
