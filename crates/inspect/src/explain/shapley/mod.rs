//! Why a row is predicted as it is: Shapley values of the raw columns.
//!
//! A row's prediction is divided among the columns such that the parts and the base value (the
//! mean prediction of the background rows) add up to it. A column that is "not known" has the
//! value of a background row (interventional Shapley values: Lundberg & Lee, NeurIPS 2017; Janzing
//! et al., AISTATS 2020). The rows that are predicted are mixtures of two raw rows that go the
//! whole way through encoders, members and calibrator, so that everything that is made of a
//! column counts as that column, also what is made of several.
//!
//! | file | part |
//! |---|---|
//! | `explanation` | the result: values, base values, standard errors |
//! | `background` | the rows that stand for "not known" |
//! | `subject` | the model, seen from here |
//! | `mixture` | mixtures of rows, and what the model says of them |
//! | `exact` | all mixtures of few columns |
//! | `permutation` | orders of columns, drawn; with standard errors |
//! | `select` | which rows of a table are to be explained |
//! | `reason` | the largest parts in words |

mod background;
mod exact;
mod explanation;
mod mixture;
mod permutation;
mod reason;
mod select;
mod subject;

#[cfg(test)]
mod tests;

pub use background::{Background, Origin};
pub use explanation::{ColumnEffect, Explanation, Method, Scale};
pub(crate) use mixture::joined;
pub(crate) use reason::value_text;
pub use reason::{Reason, Reasons, Typical};
pub use select::RowSelection;
pub use subject::Subject;

use modelwright_core::data::Table;
use modelwright_core::{Context, Error, Result};

use mixture::Mixer;

/// Mixtures that all rows together may take when nobody says how many.
const MIXTURES_MAX: f64 = 9e6;
/// Background rows of a row's mixtures: at least, and at most, unless said otherwise.
const BACKGROUND_MIN: usize = 4;
const BACKGROUND_MAX: usize = 64;
/// So many give values with small errors.
const BACKGROUND_GOOD: f64 = 16.0;
/// Most columns of [`Method::Exact`]: 65,536 mixtures for each background row.
pub const EXACT_COLUMNS_MAX: usize = 16;
/// With more columns, drawn orders are cheaper than all mixtures.
const EXACT_COLUMNS_AUTO: usize = 8;
/// Mixtures that a tree's walk takes as long as: measured on boosters of 31 leaves.
const MIXTURES_PER_TREE: f64 = 0.15;

/// How rows are to be explained.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct ShapleyOptions {
    /// The method; `None` chooses.
    pub method: Option<Method>,
    /// What is divided; `None` is what the model predicts: probabilities or values.
    pub scale: Option<Scale>,
    /// Background rows to use of those that there are; `None` chooses by the work they make.
    pub n_background: Option<usize>,
}

/// Shapley values of the columns of a model that is only asked for predictions: all mixtures
/// where the columns are few, drawn orders elsewhere.
///
/// Rows whose turn had not come when [`Context::proceed`] said no (asked for every few rows) are
/// left out at the end: see [`Explanation::n_rows`]. A row's values depend neither on the other
/// rows (except through the number of background rows, when that is chosen) nor on the number of
/// threads.
///
/// # Errors
/// Input error when the table lacks a column, the background is empty, or
/// [`Method::Exact`] is asked of too many columns; whatever the predictor answers.
pub fn shapley(
    subject: &Subject<'_>,
    table: &Table,
    background: &Background,
    options: &ShapleyOptions,
    ctx: &Context,
) -> Result<Explanation> {
    let (n_rows, n_columns) = (table.n_rows(), subject.columns.len());
    if background.n_rows() == 0 {
        return Err(Error::input("there are no background rows")
            .expected("at least one row that stands for what is not known")
            .hint("take some rows that are typical of those to explain, or training rows"));
    }
    let method = options.method.unwrap_or(if n_columns <= EXACT_COLUMNS_AUTO {
        Method::Exact
    } else {
        Method::Permutation
    });
    let per_pair = match method {
        Method::Exact if n_columns > EXACT_COLUMNS_MAX => return Err(too_many(n_columns)),
        Method::Exact => f64::from(1_u32 << n_columns),
        Method::Permutation => 2.0 * n_columns as f64,
        Method::Tree | Method::Path => return Err(not_trees()),
    };
    let affordable = MIXTURES_MAX / (per_pair.max(1.0) * n_rows.max(1) as f64);
    let chosen = (affordable as usize).clamp(BACKGROUND_MIN, BACKGROUND_MAX);
    let background = background.thinned(options.n_background.unwrap_or(chosen));
    let scale = options.scale.unwrap_or(subject.scale());
    let mixer = Mixer::new(subject, table, &background, scale, ctx)?;
    match method {
        Method::Exact => exact::explain(&mixer, ctx),
        _ => permutation::explain(&mixer, ctx),
    }
}

/// Whether mixtures of so many rows and columns give good values in less work than walks of
/// `n_trees` trees for each pair of rows, whose probabilities need the rescale rule.
pub fn mixtures_pay(n_rows: usize, n_columns: usize, n_trees: usize) -> bool {
    let per_pair = 2.0 * n_columns as f64;
    let is_affordable = MIXTURES_MAX / (per_pair * n_rows.max(1) as f64) >= BACKGROUND_GOOD;
    n_columns <= EXACT_COLUMNS_AUTO
        || is_affordable
        || per_pair < MIXTURES_PER_TREE * n_trees as f64
}

fn too_many(n_columns: usize) -> Error {
    Error::input("there are too many columns for all their mixtures")
        .at("method exact")
        .expected(format!("at most {EXACT_COLUMNS_MAX} columns"))
        .got(format!("{n_columns} columns"))
        .hint("use the method permutation")
}

/// The error of a model that is not made of trees as [`Method::Tree`] needs them.
pub fn not_trees() -> Error {
    Error::input("the model cannot be explained by its trees alone")
        .at("method tree")
        .expected(
            "members that are boosters, forests, linear or additive models, without derived \
                   columns",
        )
        .hint("use the method permutation, which takes any model")
}
