//! How unusual rows are, from the model file alone: what a fit keeps for it, and what is told of
//! later rows. The method is [`modelwright_inspect::unusual`]'s; no row is kept.

use std::collections::BTreeMap;

use modelwright_core::context::Event;
use modelwright_core::data::{Column, Field, Kind, Table};
use modelwright_core::record::{UnusualCause, UnusualRecord};
use modelwright_core::{Context, Error};
use modelwright_evaluate::conformal::coverage;
use modelwright_inspect::unusual::{
    COLUMNS_MAX, COUNTED_ROWS_MAX, JUDGED_ROWS_MAX, JUDGED_ROWS_MIN, by_chance,
};

pub use modelwright_inspect::unusual::{Unusual, UnusualColumn, UsualRows};

use crate::predictor::Predictor;

/// The names of [`columns`]: the share of the fit's rows that are less unusual, and what makes a
/// row so.
pub const UNUSUALNESS: &str = "unusualness";
/// See [`UNUSUALNESS`].
pub const UNUSUAL_COLUMNS: &str = "unusual_columns";

/// Rows from this share of the fit's rows on are called unusual; of models that were tested on
/// fewer than so many rows the larger share, which they can tell.
const LEVELS: [f64; 2] = [0.01, 0.05];
const JUDGED_FOR_FIRST: usize = 200;

/// Columns that are named as causes.
const CAUSES_MAX: usize = 5;

/// Bytes for each value that is looked at.
const BYTES_PER_VALUE: u64 = 24;

/// What is usual among the rows of a fit: counted on `training`, and tested on `judged` rows, or
/// on a quarter of the training rows where there are too few of these. `None` where rows or columns
/// are too few, or there is no time or room for it, which is told.
pub(crate) fn learn(
    predictor: &Predictor,
    training: &Table,
    judged: Option<&Table>,
    ctx: &Context,
) -> Option<UsualRows> {
    let ctx = ctx.scope("unusual");
    let fields = looked_at(predictor);
    let n_rows = training.n_rows().min(COUNTED_ROWS_MAX) + JUDGED_ROWS_MAX;
    let bytes = BYTES_PER_VALUE * (n_rows * fields.len()) as u64;
    let has_room = ctx
        .decide("room", || u64::from(ctx.memory_left_bytes().is_none_or(|left| left > bytes)))
        == 1;
    if !has_room || !ctx.proceed() {
        ctx.tell(Event::Note(
            "the model file will not tell unusual rows: there was no time or memory for it"
                .to_owned(),
        ));
        return None;
    }
    // Only of the columns that are looked at: texts and thousands of others would be copied, too.
    let select = |table: &Table, rows: &[u32]| {
        let columns = fields.iter().filter_map(|field| table.column(&field.name));
        Table::new(columns.map(|column| column.select(rows)).collect()).ok()
    };
    let sample = |table: &Table, n: usize, name: &str| {
        select(table, &ctx.random(name, 0).sample(table.n_rows(), n.min(table.n_rows())))
    };
    let others = judged.filter(|table| table.n_rows() >= JUDGED_ROWS_MIN);
    if let Some(others) = others {
        let judged = sample(others, JUDGED_ROWS_MAX, "unusual/judged")?;
        let counted = sample(training, COUNTED_ROWS_MAX, "unusual/counted")?;
        return UsualRows::learn(&counted, &judged, &fields, &ctx);
    }
    let n_judged = (training.n_rows() / 4).min(JUDGED_ROWS_MAX);
    let mut rows: Vec<u32> = (0..training.n_rows() as u32).collect();
    ctx.random("unusual/parted", 0).shuffle(&mut rows);
    let (judged, counted) = rows.split_at(n_judged);
    let counted = &counted[..counted.len().min(COUNTED_ROWS_MAX)];
    UsualRows::learn(&select(training, counted)?, &select(training, judged)?, &fields, &ctx)
}

/// The columns that are looked at, those first on which the model relies most.
fn looked_at(predictor: &Predictor) -> Vec<&Field> {
    let is_known = |field: &&Field| field.kind.is_usable() && field.kind != Kind::Text;
    let names = predictor.columns_by_gain();
    let fields = names.iter().filter_map(|name| predictor.schema.field(name)).filter(is_known);
    fields.take(COLUMNS_MAX).collect()
}

/// The error of a model that keeps no account of usual rows.
pub fn unknown() -> Error {
    Error::input("the model file does not tell which rows are unusual")
        .expected("a model that keeps an account of usual rows")
        .got("one without")
        .hint(
            "models of earlier versions, imported ones, and fits of few rows (up to about 250) or \
             in little time keep none: fit it again, with more rows or time",
        )
}

/// [`UNUSUALNESS`] and [`UNUSUAL_COLUMNS`] of every row of a table.
pub fn columns(usual: &UsualRows, table: &Table, ctx: &Context) -> [Column; 2] {
    columns_of(&usual.of_rows(table, ctx))
}

/// The same of rows of which it is known how unusual they are.
pub fn columns_of(found: &[Unusual]) -> [Column; 2] {
    let scores: Vec<f64> = found.iter().map(Unusual::unusualness).collect();
    [
        Column::numbers(UNUSUALNESS, scores),
        Column::strings(UNUSUAL_COLUMNS, found.iter().map(|row| Some(words(row)))),
    ]
}

/// The columns that make a row unusual, in words; empty where none does.
pub fn words(row: &Unusual) -> String {
    row.columns.iter().map(UnusualColumn::words).collect::<Vec<String>>().join("; ")
}

/// How many rows of a table are unusual, beside what is expected. `groups` are those of the rows.
pub(crate) fn record(
    usual: &UsualRows,
    on: &str,
    table: &Table,
    groups: Option<&[u32]>,
    ctx: &Context,
) -> UnusualRecord {
    let found = usual.of_rows(table, ctx);
    let n_judged = usual.n_judged();
    let level = LEVELS[usize::from(n_judged < JUDGED_FOR_FIRST)];
    let is_unusual: Vec<bool> = found.iter().map(|row| row.p_value <= level).collect();
    let mut causes: BTreeMap<String, usize> = BTreeMap::new();
    let named = found.iter().zip(&is_unusual).filter(|(_, is)| **is);
    for column in named.filter_map(|(row, _)| row.columns.first()) {
        *causes.entry(column.words()).or_insert(0) += 1;
    }
    let mut causes: Vec<UnusualCause> =
        causes.into_iter().map(|(columns, n_rows)| UnusualCause { columns, n_rows }).collect();
    causes.sort_by_key(|cause| std::cmp::Reverse(cause.n_rows));
    causes.truncate(CAUSES_MAX);
    let sizes = vec![1.0; is_unusual.len()];
    UnusualRecord {
        on: on.to_owned(),
        n_rows: found.len(),
        n_judged,
        n_columns: usual.n_columns(),
        level,
        n_unusual: is_unusual.iter().filter(|is| **is).count(),
        ci95: coverage(&is_unusual, &sizes, None, groups).ok().map(|found| found.ci95),
        by_chance: by_chance(found.len(), n_judged, level),
        causes,
    }
}
