//! What would have to be different for another answer.
//!
//! A counterfactual changes a few columns of a row so that the model decides otherwise (Wachter,
//! Mittelstadt & Russell, Harvard JOLT 31, 2018). Values are taken from observed rows, so that none
//! is invented; columns that tell one another change together; columns can be held fixed, or be
//! allowed to move one way only; answers are few changes first, then small ones, and each has
//! another set of columns (as DiCE asks for: Mothilal, Sharma & Tan, FAccT 2020). Every answer is a
//! prediction of the model, no promise of a formula.
//!
//! The search is a beam: all single changes, then the best of them with all second changes, and so
//! on. What is found is taken back where it was not needed and moved as near to the row as the
//! observed values allow.
//!
//! | file | part |
//! |---|---|
//! | `moves` | which values a column may take, and what a change costs |
//! | `ties` | which columns change together |
//! | `search` | the beam, and what is made of its finds |

mod moves;
mod search;
mod ties;

#[cfg(test)]
mod tests;

use modelwright_core::data::Table;
use modelwright_core::task::Predictions;
use modelwright_core::{Context, Error, Result};
use serde::Serialize;

use super::shapley::Subject;
use moves::Moves;

/// Observed rows that values are taken from, at most.
const POOL_MAX: usize = 2_000;

/// What is wanted of a prediction.
pub trait Goal: Sync {
    /// Whether each row is as wanted.
    fn is_reached(&self, predictions: &Predictions) -> Vec<bool>;

    /// How near a row's numbers are; larger is nearer.
    fn nearness(&self, numbers: &[f64]) -> f64;
}

/// Which way a column may move.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Any value.
    Any,
    /// Only to larger numbers or later dates.
    Up,
    /// Only to smaller numbers or earlier dates.
    Down,
}

/// What may change, and how many answers are wanted.
#[derive(Debug, Clone, PartialEq)]
pub struct CounterfactualOptions {
    /// The columns that may change, and which way; `None` is all of them.
    pub vary: Option<Vec<(String, Direction)>>,
    /// The columns that may not.
    pub immutable: Vec<String>,
    /// Answers, at most.
    pub n_answers: usize,
    /// Columns that an answer changes, at most.
    pub n_changes_max: usize,
}

impl Default for CounterfactualOptions {
    fn default() -> Self {
        Self { vary: None, immutable: Vec::new(), n_answers: 4, n_changes_max: 4 }
    }
}

/// One answer.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Counterfactual {
    /// What is different.
    pub changes: Vec<Change>,
    /// What the model predicts then, one number per output.
    pub prediction: Vec<f64>,
    /// The size of the changes: each counts by the share of observed rows that lie between (numbers
    /// and dates) or do not have the new value (categories).
    pub cost: f64,
    /// How far the changed row is from the nearest observed one: the mean over columns of the same
    /// sizes.
    pub distance: f64,
}

/// A changed value.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Change {
    /// The raw column.
    pub column: String,
    /// The value before; `None` when missing.
    pub from: Option<String>,
    /// The value then.
    pub to: Option<String>,
}

/// What was found for a row.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Counterfactuals {
    /// What the model predicts of the row as it is.
    pub prediction: Vec<f64>,
    /// Whether that is already what is wanted; there are no answers then.
    pub is_reached: bool,
    /// The answers, best first; none when nothing was found within the changes allowed.
    pub answers: Vec<Counterfactual>,
}

/// Changes of a row that make the model predict what `goal` wants.
///
/// `row` is a table of one row; `observed` are the rows whose values may be taken (2,000 drawn at
/// random, if there are more).
///
/// # Errors
/// Input error when a column that is named is not one of the model's, nothing may vary, or there
/// are no observed rows; whatever the predictor answers.
pub fn counterfactuals(
    subject: &Subject<'_>,
    goal: &dyn Goal,
    row: &Table,
    observed: &Table,
    options: &CounterfactualOptions,
    ctx: &Context,
) -> Result<Counterfactuals> {
    if row.n_rows() != 1 {
        return Err(Error::input("a counterfactual is of one row")
            .expected("1 row")
            .got(format!("{} rows", row.n_rows())));
    }
    if observed.n_rows() == 0 {
        return Err(Error::input("there are no observed rows to take values from"));
    }
    let allowed = allowed(subject, options)?;
    let sample = ctx.random("explain/counterfactual", 0).sample(observed.n_rows(), POOL_MAX);
    let moves = Moves::new(subject, row, &observed.select(&sample), &allowed)?;
    search::run(&moves, goal, options, ctx)
}

/// For each column of the subject whether and where it may move.
fn allowed(
    subject: &Subject<'_>,
    options: &CounterfactualOptions,
) -> Result<Vec<Option<Direction>>> {
    let place = |name: &str| {
        subject.columns.iter().position(|c| c == name).ok_or_else(|| {
            Error::input("the model does not read this column")
                .column(name)
                .suggest(name, subject.columns.iter().map(String::as_str))
        })
    };
    let all = if options.vary.is_none() { Some(Direction::Any) } else { None };
    let mut allowed = vec![all; subject.columns.len()];
    for (name, direction) in options.vary.iter().flatten() {
        allowed[place(name)?] = Some(*direction);
    }
    for name in &options.immutable {
        allowed[place(name)?] = None;
    }
    if allowed.iter().all(Option::is_none) {
        return Err(Error::input("no column may change")
            .expected("at least one column that the model reads and that may vary"));
    }
    Ok(allowed)
}
