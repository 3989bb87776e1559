//! What would have to be different for another answer, row by row.

use modelwright_automl::explain::{
    CounterfactualOptions, Counterfactuals, Desired, Direction, counterfactuals,
};
use modelwright_core::data::Table;
use modelwright_core::{Context, Error, Result};
use serde::Serialize;

use crate::model::Model;

/// Rows that can be asked about at a time.
const ROWS_MAX: usize = 100;

/// A row and its other answers.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct OtherAnswers {
    /// Its place in the data, from 0; the command line counts from 1.
    pub row: u32,
    /// What was found.
    #[serde(flatten)]
    pub found: Counterfactuals,
}

/// Other answers for the rows `rows` of `data`, with values of the rows of `observed`. What is
/// wanted is a label or a limit such as `>=100`; the other of two classes when nothing is said.
///
/// # Errors
/// Input error for too many rows, when what is wanted must be said or cannot be read, and as
/// [`counterfactuals`].
pub fn other_answers(
    model: &Model,
    (data, rows): (&Table, &[u32]),
    observed: &Table,
    desired: Option<&str>,
    options: &CounterfactualOptions,
    ctx: &Context,
) -> Result<Vec<(Desired, OtherAnswers)>> {
    if rows.len() > ROWS_MAX {
        return Err(Error::input("too many rows for other answers")
            .at("--rows")
            .expected(format!("at most {ROWS_MAX} rows"))
            .got(rows.len().to_string()));
    }
    let predictor = &model.predictor;
    let answer = |row: &u32| {
        let one = data.select(&[*row]);
        let desired = match desired {
            Some(text) => Some(Desired::of(text, predictor)?),
            None => Desired::other(predictor, &one, ctx)?,
        };
        let desired = desired.ok_or_else(|| {
            Error::input("what is wanted must be said").at("--desired").expected(
                if predictor.classes.is_empty() {
                    "a limit such as \">=100\"".to_owned()
                } else {
                    predictor.classes.join(", ")
                },
            )
        })?;
        let found = counterfactuals(predictor, &one, observed, &desired, options, ctx)?;
        Ok((desired, OtherAnswers { row: *row, found }))
    };
    rows.iter().map(answer).collect()
}

/// A column that may change and where it may move: `COLUMN`, `COLUMN:+` or `COLUMN:-`.
pub fn varied(text: &str) -> (String, Direction) {
    match (text.strip_suffix(":+"), text.strip_suffix(":-")) {
        (Some(name), _) => (name.to_owned(), Direction::Up),
        (_, Some(name)) => (name.to_owned(), Direction::Down),
        _ => (text.to_owned(), Direction::Any),
    }
}
