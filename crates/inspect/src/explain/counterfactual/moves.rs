//! Which values a column may take, what a change costs, and what the model says of changed rows.

use modelwright_core::data::{Column, ColumnData, MISSING_CODE, MISSING_INSTANT, Table};
use modelwright_core::task::Predictions;
use modelwright_core::{Context, Result};

use super::Direction;
use super::ties::Ties;
use crate::explain::shapley::{Subject, joined};

/// Values of a number or date, and of a category, that are tried.
const NUMBERS_MAX: usize = 24;
const CATEGORIES_MAX: usize = 16;

/// Changes of a row: columns with the observed row whose value each takes, ascending by column.
pub(super) type Changes = Vec<(usize, u32)>;

/// The row among observed ones.
pub(super) struct Moves<'a> {
    pub(super) subject: &'a Subject<'a>,
    /// Observed rows, then the row.
    table: Table,
    pub(super) row: u32,
    /// For each column the observed rows whose values are tried.
    pub(super) candidates: Vec<Vec<u32>>,
    /// For each column those that change with it.
    pub(super) carried: Vec<Vec<usize>>,
    /// For each column and row of the table the place of the value: ranks in [0, 1] of numbers,
    /// shares of categories.
    places: Vec<Vec<f64>>,
}

impl<'a> Moves<'a> {
    pub(super) fn new(
        subject: &'a Subject<'a>,
        row: &Table,
        observed: &Table,
        allowed: &[Option<Direction>],
    ) -> Result<Self> {
        let columns: Vec<Column> = subject
            .columns
            .iter()
            .map(|name| joined(name, observed, row).map(in_one_spelling))
            .collect::<Result<_>>()?;
        let place = observed.n_rows() as u32;
        let places: Vec<Vec<f64>> = columns.iter().map(places).collect();
        let Ties { carried, is_led } = Ties::of(&columns, observed.n_rows());
        let of = |i: usize| match allowed[i] {
            // What would change with it may not, or it changes with another alone.
            _ if is_led[i] || carried[i].iter().any(|with| allowed[*with].is_none()) => Vec::new(),
            Some(direction) => candidates(&columns[i], &places[i], place, direction),
            None => Vec::new(),
        };
        let candidates = (0..columns.len()).map(of).collect();
        Ok(Self { subject, table: Table::new(columns)?, row: place, candidates, carried, places })
    }

    /// The row from which a column takes its value: that of a change of its own, or of one that
    /// carries it along.
    fn source(&self, changes: &Changes, column: usize) -> u32 {
        let own = changes.iter().find(|(c, _)| *c == column);
        let carrying = || changes.iter().find(|(c, _)| self.carried[*c].contains(&column));
        own.or_else(carrying).map_or(self.row, |(_, row)| *row)
    }

    /// The columns that changes move, with what is carried along, and the row of each value.
    pub(super) fn moved(&self, changes: &Changes) -> Vec<(usize, u32)> {
        let all = (0..self.places.len()).map(|column| (column, self.source(changes, column)));
        all.filter(|(column, row)| *row != self.row && !self.is_same(*column, self.row, *row))
            .collect()
    }

    /// What the model predicts of the row with each of these changes.
    pub(super) fn predict(&self, changed: &[Changes], ctx: &Context) -> Result<Predictions> {
        let picked = |(i, column): (usize, &Column)| {
            let of = |changes: &Changes| self.source(changes, i);
            column.select(&changed.iter().map(of).collect::<Vec<u32>>())
        };
        let columns = self.table.columns().iter().enumerate().map(picked);
        self.subject.predictor.predict(&Table::new(columns.collect())?, ctx)
    }

    /// The size of a change: see [`super::Counterfactual::cost`].
    pub(super) fn cost_of(&self, column: usize, from: u32, to: u32) -> f64 {
        if self.is_same(column, from, to) {
            return 0.0;
        }
        let places = &self.places[column];
        match self.table.columns()[column].data {
            ColumnData::String { .. } => 1.0 - 0.5 * places[to as usize],
            _ => (places[from as usize] - places[to as usize]).abs().max(1e-3),
        }
    }

    pub(super) fn cost(&self, changes: &Changes) -> f64 {
        changes.iter().map(|(column, to)| self.cost_of(*column, self.row, *to)).sum()
    }

    /// How far the changed row is from the nearest observed one.
    pub(super) fn distance(&self, changes: &Changes) -> f64 {
        let n = self.places.len();
        let own: Vec<u32> = (0..n).map(|column| self.source(changes, column)).collect();
        let to = |observed: u32| -> f64 {
            (0..n).map(|c| self.cost_of(c, own[c], observed)).sum::<f64>() / n as f64
        };
        (0..self.row).map(to).fold(f64::INFINITY, f64::min)
    }

    /// Observed rows whose values in a column lie strictly between the row's and that of `to`,
    /// nearest to the row first; none for categories.
    pub(super) fn between(&self, column: usize, to: u32) -> Vec<u32> {
        if matches!(self.table.columns()[column].data, ColumnData::String { .. }) {
            return Vec::new();
        }
        let places = &self.places[column];
        let (own, end) = (places[self.row as usize], places[to as usize]);
        let is_between = |place: f64| (place - own) * (place - end) < 0.0;
        let mut rows: Vec<u32> =
            (0..self.row).filter(|r| is_between(places[*r as usize])).collect();
        rows.sort_by(|a, b| {
            let away = |row: u32| (places[row as usize] - own).abs();
            away(*a).total_cmp(&away(*b)).then(a.cmp(b))
        });
        rows.dedup_by(|a, b| places[*a as usize] == places[*b as usize]);
        rows
    }

    pub(super) fn column(&self, column: usize) -> &Column {
        &self.table.columns()[column]
    }

    fn is_same(&self, column: usize, a: u32, b: u32) -> bool {
        let (a, b) = (a as usize, b as usize);
        match &self.table.columns()[column].data {
            ColumnData::Number(v) => v.at(a) == v.at(b) || (v.at(a).is_nan() && v.at(b).is_nan()),
            ColumnData::Instant(v) => v[a] == v[b],
            ColumnData::String { codes, .. } => codes[a] == codes[b],
        }
    }
}

/// The column with `True` and `TRUE` spelled as the first of them: observed rows may be of a file,
/// the row of a data frame, and models take them for the same.
fn in_one_spelling(mut column: Column) -> Column {
    let ColumnData::String { codes, dictionary } = &mut column.data else { return column };
    for word in ["true", "false"] {
        let is_word = |text: &str| text.eq_ignore_ascii_case(word);
        let mut same = (0..dictionary.len() as u32).filter(|code| is_word(dictionary.get(*code)));
        let Some(first) = same.next() else { continue };
        let others: Vec<u32> = same.collect();
        codes.iter_mut().filter(|code| others.contains(code)).for_each(|code| *code = first);
    }
    column
}

/// Ranks of numbers and dates (equal values share their mean rank; missing ones are in the middle),
/// shares of categories.
fn places(column: &Column) -> Vec<f64> {
    let of_numbers = |values: Vec<f64>| {
        let mut sorted: Vec<f64> = values.iter().copied().filter(|v| !v.is_nan()).collect();
        sorted.sort_by(f64::total_cmp);
        let n = sorted.len().max(1) as f64;
        let rank = |v: &f64| {
            if v.is_nan() {
                return 0.5;
            }
            let below = sorted.partition_point(|s| s < v);
            let up_to = sorted.partition_point(|s| s <= v);
            (below + up_to) as f64 / (2.0 * n)
        };
        values.iter().map(rank).collect()
    };
    match &column.data {
        ColumnData::Number(values) => of_numbers(values.to_vec()),
        ColumnData::Instant(values) => {
            let number = |v: &i64| if *v == MISSING_INSTANT { f64::NAN } else { *v as f64 };
            of_numbers(values.iter().map(number).collect())
        }
        ColumnData::String { codes, dictionary } => {
            let counts = counts(codes, dictionary.len());
            let share = |code: &u32| {
                counts.get(*code as usize).map_or(0.0, |n| *n as f64 / codes.len() as f64)
            };
            codes.iter().map(share).collect()
        }
    }
}

fn counts(codes: &[u32], n: usize) -> Vec<usize> {
    let mut counts = vec![0; n];
    for code in codes.iter().filter(|code| **code != MISSING_CODE) {
        counts[*code as usize] += 1;
    }
    counts
}

/// Observed rows whose values a column may take; missing values are never an answer.
fn candidates(column: &Column, places: &[f64], row: u32, direction: Direction) -> Vec<u32> {
    let own = places[row as usize];
    let is_missing = column.is_missing(row as usize);
    let known: Vec<u32> = (0..row).filter(|r| !column.is_missing(*r as usize)).collect();
    if let ColumnData::String { codes, dictionary } = &column.data {
        if direction != Direction::Any {
            return Vec::new();
        }
        let counts = counts(&codes[..row as usize], dictionary.len());
        let mut first: Vec<u32> = Vec::new();
        for r in known {
            let code = codes[r as usize];
            if code != codes[row as usize] && first.iter().all(|f| codes[*f as usize] != code) {
                first.push(r);
            }
        }
        first.sort_by_key(|r| std::cmp::Reverse(counts[codes[*r as usize] as usize]));
        first.truncate(CATEGORIES_MAX);
        return first;
    }
    let mut rows: Vec<u32> = known
        .into_iter()
        .filter(|r| match direction {
            Direction::Any => is_missing || places[*r as usize] != own,
            Direction::Up => !is_missing && places[*r as usize] > own,
            Direction::Down => !is_missing && places[*r as usize] < own,
        })
        .collect();
    rows.sort_by(|a, b| places[*a as usize].total_cmp(&places[*b as usize]).then(a.cmp(b)));
    rows.dedup_by(|a, b| places[*a as usize] == places[*b as usize]);
    if rows.len() <= NUMBERS_MAX {
        return rows;
    }
    (0..NUMBERS_MAX).map(|i| rows[i * (rows.len() - 1) / (NUMBERS_MAX - 1)]).collect()
}
