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
//! | `walk` | one column after the other, there and back |
//! | `permutation` | orders of columns, drawn; with standard errors |
//! | `two_levels` | the same, mostly by a quick model that says nearly as much |
//! | `interaction` | what two columns do together |
//! | `select` | which rows of a table are to be explained |
//! | `reason` | the largest parts in words |

mod background;
mod exact;
mod explanation;
mod interaction;
mod mixture;
mod permutation;
mod reason;
mod select;
mod subject;
mod two_levels;
mod walk;

#[cfg(test)]
mod tests;

pub use background::{Background, Origin, evenly};
pub use explanation::{ColumnEffect, Explanation, Method, Scale};
pub use interaction::ColumnInteractions;
pub(crate) use mixture::joined;
pub(crate) use reason::value_text;
pub use reason::{Reason, Reasons, Typical};
pub use select::RowSelection;
pub use subject::Subject;

use modelwright_core::data::Table;
use modelwright_core::{Context, Error, Result};

use mixture::Mixer;
use two_levels::Quick;

/// Mixtures that a row may take when nobody says how many background rows there are.
const MIXTURES_PER_ROW: usize = 2048;
/// Background rows: at least, and at most, unless said otherwise.
const BACKGROUND_MIN: usize = 16;
const BACKGROUND_MAX: usize = 32;
/// Most columns of [`Method::Exact`]: 65,536 mixtures for each background row.
pub const EXACT_COLUMNS_MAX: usize = 16;
/// With more columns, drawn orders are cheaper than all mixtures.
const EXACT_COLUMNS_AUTO: usize = 8;
/// Up to so many columns, mixtures are affordable whatever the model is made of.
const MIXED_COLUMNS: usize = 28;
/// Mixtures that a tree's walk takes as long as: measured on boosters of 31 leaves.
const MIXTURES_PER_TREE: f64 = 0.15;

/// How rows are to be explained.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct ShapleyOptions {
    /// The method; `None` chooses.
    pub method: Option<Method>,
    /// What is divided; `None` is what the model predicts: probabilities or values.
    pub scale: Option<Scale>,
    /// Background rows to use of those that there are; `None` is [`background_rows`].
    pub n_background: Option<usize>,
}

/// Shapley values of the columns of a model that is only asked for predictions: all mixtures
/// where the columns are few, drawn orders elsewhere.
///
/// Rows whose turn had not come when [`Context::proceed`] said no (asked for every few rows) are
/// left out at the end: see [`Explanation::n_rows`]. A row's values depend neither on the other
/// rows nor on the number of threads.
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
    let n_columns = subject.columns.len();
    if background.n_rows() == 0 {
        return Err(no_background());
    }
    let method = options.method.unwrap_or(if n_columns <= EXACT_COLUMNS_AUTO {
        Method::Exact
    } else {
        Method::Permutation
    });
    match method {
        Method::Exact if n_columns > EXACT_COLUMNS_MAX => return Err(too_many(n_columns)),
        Method::Exact | Method::Permutation => {}
        Method::Tree | Method::Path => return Err(not_trees()),
    }
    let n_background = options.n_background.unwrap_or(background_rows(n_columns));
    let background = background.thinned(n_background);
    let scale = options.scale.unwrap_or(subject.scale());
    let mixer = Mixer::new(subject, table, &background, scale, ctx)?;
    if method == Method::Exact {
        return exact::explain(&mixer, ctx);
    }
    let quick = subject.quick.map(|quick| mixer.by(quick, ctx)).transpose()?;
    let quick = quick.and_then(|quick| Quick::new(quick, &mixer));
    permutation::explain(&mixer, quick.as_ref(), ctx)
}

/// What pairs of columns do together in a model that is only asked for predictions, drawn, with
/// standard errors. Rows whose turn had not come are left out as by [`shapley`].
///
/// # Errors
/// As [`shapley`].
pub fn interactions(
    subject: &Subject<'_>,
    table: &Table,
    background: &Background,
    scale: Option<Scale>,
    ctx: &Context,
) -> Result<ColumnInteractions> {
    if background.n_rows() == 0 {
        return Err(no_background());
    }
    let background = background.thinned(background_rows(subject.columns.len()));
    let scale = scale.unwrap_or(subject.scale());
    let mixer = Mixer::new(subject, table, &background, scale, ctx)?;
    interaction::explain(&mixer, ctx)
}

fn no_background() -> Error {
    Error::input("there are no background rows")
        .expected("at least one row that stands for what is not known")
        .hint("take some rows that are typical of those to explain, or training rows")
}

/// Background rows of a model of so many columns when nobody says how many: fewer where a pair of
/// rows makes more mixtures. Neither the rows that are explained nor the method count, so that a
/// row has one base value wherever it is explained.
pub fn background_rows(n_columns: usize) -> usize {
    let per_pair =
        if n_columns <= EXACT_COLUMNS_AUTO { 1 << n_columns } else { n_columns.saturating_mul(2) };
    (MIXTURES_PER_ROW / per_pair).clamp(BACKGROUND_MIN, BACKGROUND_MAX)
}

/// Whether mixtures of so many columns give good values in less work than walks of `n_trees`
/// trees for each pair of rows, whose probabilities need the rescale rule. The rows that are
/// explained do not count: one row is explained as many are.
pub fn mixtures_pay(n_columns: usize, n_trees: usize) -> bool {
    n_columns <= MIXED_COLUMNS || 2.0 * (n_columns as f64) < MIXTURES_PER_TREE * n_trees as f64
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
            "members that are boosters, forests, linear models or explainable boosting machines, \
             without derived columns; of several classes one booster or machine on the scale \
             margin, or forests",
        )
        .hint("use the method permutation, which takes any model")
}
