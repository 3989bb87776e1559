//! Why a predictor says what it says, in terms of its raw columns.
//!
//! [`rows()`] chooses how: by the trees' own structure where the members allow it (`tree`, and for
//! several classes `several`), else by mixtures of rows that go through the whole predictor (see
//! [`modelwright_inspect::explain::shapley`]). The background comes from what the model file knows
//! of each column alone ([`drawn_background`]), whichever rows are explained, so that a row has
//! one base value wherever it is asked for; or from a file. A model file holds no rows of its
//! training data.

mod additive;
mod background;
mod other_answer;
mod part;
mod path;
mod quick;
mod row_reasons;
mod several;
mod tree;
mod typical;

pub use background::drawn_background;
pub use modelwright_inspect::explain::counterfactual::{
    Change, Counterfactual, CounterfactualOptions, Counterfactuals, Direction,
};
pub use modelwright_inspect::explain::shapley::{
    Background, ColumnEffect, ColumnInteractions, Explanation, Method, Origin, Reason, Reasons,
    RowSelection, Scale, ShapleyOptions, Subject, Typical,
};
pub use modelwright_inspect::explain::{ColumnProfile, Ice, IceBand, ProfileKind, ProfilePoint};

pub use other_answer::{Desired, counterfactuals};
pub use row_reasons::{Known, RowReasons, any_background, reason_columns, reason_text_columns};
pub use typical::typical;

use std::borrow::Cow;

use modelwright_core::data::{Column, Table};
use modelwright_core::record::ResponseRecord;
use modelwright_core::{Context, Error, Result};
use modelwright_inspect::explain::shapley::{self, not_trees};
use modelwright_inspect::explain::{RawPredictor, column_profile};
use modelwright_preprocess::encode::conform;

pub(crate) use self::quick::work_of;

use self::quick::Quick;
use crate::predictor::Predictor;

/// Rows whose interactions are drawn: a thousand mixtures and more for each.
pub const ROWS_DRAWN: usize = 300;

/// The predictor as explanations see it.
///
/// # Errors
/// Input error when it reads no column.
pub fn subject(predictor: &Predictor) -> Result<Subject<'_>> {
    let columns: Vec<String> = predictor.feature_columns().map(str::to_owned).collect();
    if columns.is_empty() {
        return Err(Error::input("the model reads no column, so that there is nothing to explain"));
    }
    let outputs = match &predictor.classes[..] {
        [] => vec![predictor.target.clone()],
        [_, positive] => vec![positive.clone()],
        classes => classes.to_vec(),
    };
    Ok(Subject { predictor, quick: None, columns, outputs, task: predictor.task })
}

/// Shapley values of the raw columns for every row of a table.
///
/// # Errors
/// Input error when the table lacks a column that the predictor needs, a value does not fit its
/// column, there is no background row, or the method does not fit the model.
pub fn rows(
    predictor: &Predictor,
    table: &Table,
    background: &Background,
    options: &ShapleyOptions,
    ctx: &Context,
) -> Result<Explanation> {
    let subject = subject(predictor)?;
    let rows = in_storage_of_kinds(predictor, table)?;
    let known = in_storage_of_kinds(predictor, background.table())?;
    let background = Background::of_rows(known, background.origin());
    if options.method == Some(Method::Path) {
        return ctx.install(|| path::explain(predictor, &subject, &rows, options.scale, ctx));
    }
    if matches!(options.method, None | Some(Method::Tree)) {
        let members = tree::Members::of(predictor, &subject);
        if let Some(members) = &members
            && (options.method.is_some() || members.suit(options.scale))
        {
            return ctx.install(|| members.explain(&subject, &rows, &background, options, ctx));
        }
        if let Some(several) = several::Several::of(predictor, &subject, options.scale) {
            return ctx.install(|| several.explain(&subject, &rows, &background, options, ctx));
        }
        if options.method.is_some() {
            return Err(not_trees());
        }
    }
    let quick = Quick::of(predictor);
    let quick = quick.as_ref().map(|quick| quick as &dyn RawPredictor);
    let subject = Subject { quick, ..subject };
    ctx.install(|| shapley::shapley(&subject, &rows, &background, options, ctx))
}

/// Which columns act together in each row of a table: exact for one booster by its own covers (on
/// its score), else drawn, with standard errors, on the scale of the predictions. Drawing takes
/// long, so that of more rows than [`ROWS_DRAWN`] only some are taken, evenly.
///
/// # Errors
/// As [`rows()`]; work error when the matrices would not fit in the memory allowed.
pub fn interactions(
    predictor: &Predictor,
    table: &Table,
    background: impl FnOnce() -> Result<Background>,
    ctx: &Context,
) -> Result<ColumnInteractions> {
    let subject = subject(predictor)?;
    let table = in_storage_of_kinds(predictor, table)?;
    if path::suits(predictor, &subject) {
        return ctx.install(|| path::interactions(predictor, &subject, &table, ctx));
    }
    let chosen: Vec<u32> =
        shapley::evenly(table.n_rows(), ROWS_DRAWN).map(|row| row as u32).collect();
    let table = table.into_selected(&chosen);
    let background = background()?;
    let known = in_storage_of_kinds(predictor, background.table())?;
    let background = Background::of_rows(known, background.origin());
    ctx.install(|| shapley::interactions(&subject, &table, &background, None, ctx))
}

/// How predictions move along a column over the rows of a table: see
/// [`modelwright_inspect::explain::column_profile`]. `kind` and `scale` are chosen where they are
/// `None`.
///
/// # Errors
/// As [`rows()`]; input error when the model does not read the column, or no row has a value in it.
pub fn profile(
    predictor: &Predictor,
    table: &Table,
    column: &str,
    kind: Option<ProfileKind>,
    scale: Option<Scale>,
    ctx: &Context,
) -> Result<ColumnProfile> {
    let subject = subject(predictor)?;
    let rows = in_storage_of_kinds(predictor, table)?;
    let scale = scale.unwrap_or(subject.scale());
    ctx.install(|| column_profile(&subject, &rows, column, kind, scale, ctx))
}

/// How differently the rows of a table respond to a column: see
/// [`modelwright_inspect::explain::responses`]. `partners` are columns that may tell why.
///
/// # Errors
/// As [`rows()`]; input error when the table lacks the column.
pub fn responses(
    predictor: &Predictor,
    table: &Table,
    column: &str,
    partners: (&[String], bool),
    scale: Option<Scale>,
    ctx: &Context,
) -> Result<Option<ResponseRecord>> {
    let subject = subject(predictor)?;
    let rows = in_storage_of_kinds(predictor, table)?;
    let scale = scale.unwrap_or(subject.scale());
    ctx.install(|| {
        modelwright_inspect::explain::responses(&subject, &rows, column, partners, scale, ctx)
    })
}

/// Background rows of a predictor when nobody says how many: see
/// [`modelwright_inspect::explain::shapley::background_rows`].
pub fn background_rows(predictor: &Predictor) -> usize {
    shapley::background_rows(predictor.feature_columns().count())
}

/// At most `n` rows of a table that stand for all of them: see [`background_rows`].
///
/// # Errors
/// As [`rows()`].
pub fn background(
    predictor: &Predictor,
    table: &Table,
    origin: Origin,
    n: usize,
    ctx: &Context,
) -> Result<Background> {
    let subject = subject(predictor)?;
    let table = in_storage_of_kinds(predictor, table)?;
    Background::representative(&subject, &table, origin, n, ctx)
}

/// The columns that the predictor reads, each in the storage of its kind, so that rows of
/// different files can be mixed.
fn in_storage_of_kinds(predictor: &Predictor, table: &Table) -> Result<Table> {
    let fields = predictor.schema.fields.iter();
    let columns = fields.filter_map(|field| {
        let column = table.column(&field.name)?;
        if !field.kind.is_usable() {
            return Some(Ok(column.clone()));
        }
        Some(conform(column, field.kind).map(Cow::into_owned))
    });
    let columns: Vec<Column> = columns.collect::<Result<_>>()?;
    for field in predictor.schema.fields.iter().filter(|f| !f.optional) {
        if table.column(&field.name).is_none() {
            return Err(Error::input("a column that the model needs is absent")
                .column(&field.name)
                .suggest(&field.name, table.names()));
        }
    }
    Table::new(columns)
}
