//! How unusual rows are beside those that the model was tested on, for requests that ask for it.
//!
//! The same as `modelwright predict --unusual` says. Of a value that training never had, the checks
//! at the door warn whoever asks or not; a row can be unusual though each of its values is known.

use modelwright_automl::unusual::{Unusual, UnusualColumn, columns_of, unknown};
use modelwright_core::Context;
use modelwright_core::data::{Column, Table};
use serde::Serialize;

use crate::ask::Ask;
use crate::problem::Problem;

/// What is said of each row of a table.
#[derive(Debug)]
pub(crate) struct Unusualness(Vec<Unusual>);

/// What is said of a row, as members of its answer.
#[derive(Serialize)]
pub(crate) struct OfRow {
    /// The share of the rows of the test that are less unusual.
    unusualness: f64,
    /// What makes it so, in words.
    unusual_columns: Vec<String>,
}

impl Unusualness {
    /// Of the rows of a table, where the request asks for it.
    ///
    /// # Errors
    /// Problem 400 for an unknown word in the query, and of a model that cannot tell.
    pub(crate) fn of(ask: &Ask, table: &Table, ctx: &Context) -> Result<Option<Self>, Problem> {
        if !ask.wants_unusualness()? {
            return Ok(None);
        }
        let refused = || {
            Problem::new(400, "cannot-tell-unusual", unknown().what())
                .expected("a model that keeps an account of usual rows")
                .hint("fit it again, with more than about 250 rows, or ask without `unusual`")
        };
        let reference =
            ask.model.training.reference().map_err(|error| refused().got(error.what()))?;
        let usual = reference.usual.as_ref().ok_or_else(refused)?;
        Ok(Some(Self(usual.of_rows(table, ctx))))
    }

    /// Of one of the rows.
    pub(crate) fn of_row(&self, row: usize) -> OfRow {
        let found = &self.0[row];
        OfRow {
            unusualness: found.unusualness(),
            unusual_columns: found.columns.iter().map(UnusualColumn::words).collect(),
        }
    }

    /// The columns that `modelwright predict --unusual` writes.
    pub(crate) fn columns(&self) -> [Column; 2] {
        columns_of(&self.0)
    }
}
