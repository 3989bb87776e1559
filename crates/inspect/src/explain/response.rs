//! How single rows respond to a number, drawn thin: centred individual conditional expectations,
//! coloured by the column that tells most about how they differ.
//!
//! Every row gets each value of the column in turn, while all else stays as it is; its predictions
//! are taken from its own one at the first value (c-ICE). Rows whose curves are alike stand beside
//! each other when sorted by the mean height of their curve, and a thin line is the mean of at
//! least [`LINE_ROWS_MIN`] neighbours, so that no row is shown; where rows may be shown, it is one
//! row.
//!
//! Reference: Goldstein, Kapelner, Bleich & Pitkin, "Peeking inside the black box", JCGS 24, 2015.

use modelwright_core::data::{Column, ColumnData, Table};
use modelwright_core::record::{ResponseGroup, ResponseRecord};
use modelwright_core::{Context, Result};

use super::dependence::{Candidate, SHARE_MIN};
use super::ice::Ice;
use super::profile::{Moves, places};
use super::shapley::{Scale, Subject};

/// Rows whose curves are found.
const ROWS_MAX: usize = 300;

/// Thin lines of a group.
const LINES_MAX: usize = 15;

/// Rows of a thin line, where single rows may not be shown.
const LINE_ROWS_MIN: usize = 5;

/// How rows respond to a column of numbers or dates; `partners` are columns that may tell how they
/// differ, and single rows are drawn where `with_rows`. `None` with one value only, or fewer rows
/// than a thin line has.
///
/// # Errors
/// Whatever the predictor answers; input error when the table lacks the column.
pub fn responses(
    subject: &Subject<'_>,
    table: &Table,
    column: &str,
    (partners, with_rows): (&[String], bool),
    scale: Scale,
    ctx: &Context,
) -> Result<Option<ResponseRecord>> {
    let own = table.require(column)?;
    if matches!(own.data, ColumnData::String { .. }) {
        return Ok(None);
    }
    let known = (0..table.n_rows() as u32).filter(|row| !own.is_missing(*row as usize));
    let known: Vec<u32> = known.collect();
    let chosen = ctx.random("explain/responses", 0).sample(known.len(), ROWS_MAX);
    let rows: Vec<u32> = chosen.into_iter().map(|place| known[place as usize]).collect();
    let rows = table.select(&rows);
    let own = rows.require(column)?;
    if rows.n_rows() < LINE_ROWS_MIN {
        return Ok(None);
    }
    let moves = Moves { subject, rows: &rows, column, scale, ctx };
    let (mut points, mut predicted) = (Vec::new(), Vec::new());
    for (point, data) in places(own, subject.outputs.len()) {
        points.extend(point.number);
        predicted.push(moves.predicted(&data)?);
    }
    if points.len() < 2 {
        return Ok(None);
    }
    let output = most_moved(&predicted, subject.outputs.len());
    let predicted: Vec<Vec<f64>> = predicted
        .iter()
        .map(|of| of.iter().skip(output).step_by(subject.outputs.len()).copied().collect())
        .collect();
    let of_row = |row: usize| predicted.iter().map(|of| of[row] - predicted[0][row]).collect();
    let curves: Vec<Vec<f64>> = (0..rows.n_rows()).map(of_row).collect();
    let others = partners.iter().filter(|name| *name != column);
    let others: Vec<&Column> = others.filter_map(|name| rows.column(name)).collect();
    let (by, share) = partner(&curves, &others);
    let groups = match &by {
        None => vec![group(String::new(), &curves, (0..curves.len()).collect(), with_rows)],
        Some(by) => {
            let members = |g: usize| (0..curves.len()).filter(move |r| by.groups[*r] == Some(g));
            let labels = by.labels.iter().enumerate();
            labels
                .map(|(g, label)| group(label.clone(), &curves, members(g).collect(), with_rows))
                .collect()
        }
    };
    let groups: Vec<ResponseGroup> =
        groups.into_iter().filter(|g| g.n_rows >= LINE_ROWS_MIN).collect();
    Ok((!groups.is_empty()).then(|| ResponseRecord {
        column: column.to_owned(),
        output: subject.outputs[output].clone(),
        n_rows: rows.n_rows(),
        rows_per_line: if with_rows { 1 } else { LINE_ROWS_MIN },
        is_instant: matches!(own.data, ColumnData::Instant(_)),
        common: Ice::of(&predicted).common,
        by: by.map(|by| by.name),
        share,
        points,
        groups,
    }))
}

/// The output whose predictions move most.
fn most_moved(predicted: &[Vec<f64>], n_outputs: usize) -> usize {
    let moved = |output: usize| -> f64 {
        let of = |at: &Vec<f64>| -> f64 {
            let both = at.iter().zip(&predicted[0]).skip(output).step_by(n_outputs);
            both.map(|(p, first)| (p - first).abs()).filter(|d| d.is_finite()).sum()
        };
        predicted.iter().map(of).sum()
    };
    (0..n_outputs).fold(0, |best, next| if moved(next) > moved(best) { next } else { best })
}

/// The column whose groups tell the largest share of how curves differ, and that share; none where
/// that may be chance.
fn partner(curves: &[Vec<f64>], others: &[&Column]) -> (Option<Candidate>, f64) {
    let candidates = others.iter().filter_map(|column| Candidate::of(column, curves.len()));
    let told = candidates.map(|candidate| {
        let share = told(curves, &candidate);
        (candidate, share)
    });
    let best = told.fold(None, |best: Option<(Candidate, f64)>, next| match best {
        Some(best) if best.1 >= next.1 => Some(best),
        _ => Some(next),
    });
    match best.filter(|(_, share)| *share >= SHARE_MIN) {
        Some((candidate, share)) => (Some(candidate), share),
        None => (None, 0.0),
    }
}

/// The share of the squares about the mean curve that groups tell, corrected for their number as an
/// adjusted R² is.
fn told(curves: &[Vec<f64>], by: &Candidate) -> f64 {
    let members: Vec<usize> = (0..curves.len()).filter(|row| by.groups[*row].is_some()).collect();
    let whole = squares(curves, &members);
    let mut within = 0.0;
    let mut n_groups = 0_usize;
    for group in 0..by.labels.len() {
        let own = members.iter().copied().filter(|row| by.groups[*row] == Some(group));
        let own: Vec<usize> = own.collect();
        n_groups += usize::from(!own.is_empty());
        within += squares(curves, &own);
    }
    let n = members.len();
    if n_groups < 2 || n <= n_groups || whole <= 0.0 {
        return 0.0;
    }
    let share = 1.0 - (within / (n - n_groups) as f64) / (whole / (n - 1) as f64);
    if share.is_finite() { share.max(0.0) } else { 0.0 }
}

fn squares(curves: &[Vec<f64>], members: &[usize]) -> f64 {
    let mean = mean(curves, members);
    let of = |row: &usize| -> f64 {
        curves[*row].iter().zip(&mean).map(|(v, mean)| (v - mean).powi(2)).sum()
    };
    members.iter().map(of).sum()
}

fn mean(curves: &[Vec<f64>], members: &[usize]) -> Vec<f64> {
    let n = members.len().max(1) as f64;
    let n_points = curves.first().map_or(0, Vec::len);
    (0..n_points).map(|at| members.iter().map(|row| curves[*row][at]).sum::<f64>() / n).collect()
}

/// The thin lines of some rows and their mean.
fn group(
    label: String,
    curves: &[Vec<f64>],
    mut members: Vec<usize>,
    with_rows: bool,
) -> ResponseGroup {
    let height = |row: usize| curves[row].iter().sum::<f64>();
    members.sort_by(|a, b| height(*a).total_cmp(&height(*b)).then(a.cmp(b)));
    let n = members.len();
    let lines = if with_rows {
        let n_lines = n.min(LINES_MAX);
        let middle = |i: usize| members[(2 * i + 1) * n / (2 * n_lines)];
        (0..n_lines).map(|i| curves[middle(i)].clone()).collect()
    } else {
        let n_lines = (n / LINE_ROWS_MIN).min(LINES_MAX);
        let part = |i: usize| &members[i * n / n_lines..(i + 1) * n / n_lines];
        (0..n_lines).map(|i| mean(curves, part(i))).collect()
    };
    ResponseGroup { label, n_rows: n, mean: mean(curves, &members), lines }
}

#[cfg(test)]
mod tests {
    use modelwright_core::task::{Predictions, Task};

    use super::*;
    use crate::explain::RawPredictor;

    /// A number counts for rows of `up`, against those of `down`.
    struct Crossed;

    impl RawPredictor for Crossed {
        fn predict(&self, table: &Table, _: &Context) -> Result<Predictions> {
            let ColumnData::Number(x) = &table.require("x")?.data else { unreachable!() };
            let side = table.require("side")?;
            let sign = |row: usize| if side.text(row) == Some("up") { 1.0 } else { -1.0 };
            Ok(Predictions::new(1, x.iter().enumerate().map(|(r, x)| sign(r) * x).collect()))
        }
    }

    fn table(n: usize) -> Table {
        let x = Column::numbers("x", (0..n).map(|i| ((i * 7) % n) as f64).collect::<Vec<f64>>());
        let other =
            Column::numbers("other", (0..n).map(|i| ((i * 13) % n) as f64).collect::<Vec<f64>>());
        let sides = ["up", "down"];
        let side = Column::strings("side", (0..n).map(|i| Some(sides[i % 2])).collect::<Vec<_>>());
        Table::new(vec![x, other, side]).unwrap()
    }

    fn found(n: usize, with_rows: bool) -> Option<ResponseRecord> {
        let subject = Subject {
            predictor: &Crossed,
            quick: None,
            columns: ["x", "other", "side"].map(str::to_owned).to_vec(),
            outputs: vec!["y".to_owned()],
            task: Task::Regression,
        };
        let partners = ["x", "other", "side"].map(str::to_owned);
        let ctx = Context::unlimited(1, 2);
        responses(&subject, &table(n), "x", (&partners, with_rows), Scale::Value, &ctx).unwrap()
    }

    #[test]
    fn rows_that_respond_against_each_other_are_told_apart_by_the_column_that_divides_them() {
        let found = found(100, false).unwrap();
        assert_eq!(found.by.as_deref(), Some("side"));
        assert!(found.share > 0.99 && found.common.unwrap() < 0.01, "{found:?}");
        assert_eq!(found.groups.len(), 2);
        for group in &found.groups {
            let sign = if group.label == "up" { 1.0 } else { -1.0 };
            assert_eq!((group.n_rows, group.lines.len()), (50, 10));
            assert_eq!(group.mean[0], 0.0);
            assert!(sign * group.mean.last().unwrap() > 90.0, "{group:?}");
        }
    }

    #[test]
    fn a_line_is_one_row_only_where_rows_may_be_shown() {
        assert_eq!(found(100, false).unwrap().rows_per_line, 5);
        let shown = found(100, true).unwrap();
        assert_eq!((shown.rows_per_line, shown.groups[0].lines.len()), (1, 15));
        assert_eq!(found(4, true), None, "too few rows");
    }
}
