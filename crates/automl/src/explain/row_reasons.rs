//! Reasons of rows as they come: the background is chosen once, before the first row, and what
//! the members say of it is worked out once.
//!
//! `explain`, the report of a fit, `predict --explain` and the server take the same background
//! ([`any_background`]) and the same method, so that a row has the same reasons wherever it is
//! asked for.

use std::sync::Arc;

use modelwright_core::data::{Column, Table};
use modelwright_core::{Context, Error, Result};
use modelwright_inspect::explain::shapley::{
    Background, Explanation, Origin, Reasons, ShapleyOptions,
};
use modelwright_preprocess::sketch::TableSketch;

use super::tree::{Members, Ready};
use super::{
    background, background_rows, drawn_background, in_storage_of_kinds, rows, subject, typical,
};
use crate::predictor::Predictor;
use crate::reference::PredictionReference;

/// What a model file knows of its training data and of what the model said of untouched rows.
pub type Known<'a> = (&'a TableSketch, Option<&'a PredictionReference>);

/// The background of explanations, at most `n` rows: columns drawn by what the model file knows of
/// each ([`drawn_background`]), whichever rows are explained; `data` only where it knows nothing
/// (a model that was not trained here). What is typical of a column is said by the file, too.
///
/// # Errors
/// Input error when there is neither, or `data` does not have the model's columns.
pub fn any_background(
    predictor: &Predictor,
    (reference, said): Known<'_>,
    data: Option<&Table>,
    n: usize,
    ctx: &Context,
) -> Result<Background> {
    let known = || typical(predictor, reference);
    if let Some(drawn) = drawn_background(predictor, reference, said, n, ctx)? {
        return Ok(drawn.with_typical(known()));
    }
    match data.filter(|table| table.n_rows() > 0) {
        Some(table) => {
            Ok(background(predictor, table, Origin::Data, n, ctx)?.with_typical(known()))
        }
        None => Err(Error::input("the model file does not know what its training data were like")
            .expected("rows that stand for what is typical")
            .hint("give a file of training rows with --background FILE")),
    }
}

/// Explains rows against one background.
#[derive(Clone)]
pub struct RowReasons {
    background: Background,
    /// What is the same for all rows; `None` where members cannot be taken apart.
    ready: Option<Arc<Ready>>,
}

impl std::fmt::Debug for RowReasons {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let is_ready = self.ready.is_some();
        f.debug_struct("RowReasons")
            .field("background", &self.background)
            .field("is_ready", &is_ready)
            .finish()
    }
}

impl RowReasons {
    /// Chooses the background: see [`any_background`].
    ///
    /// # Errors
    /// As [`any_background`].
    pub fn begin(
        predictor: &Predictor,
        known: Known<'_>,
        data: Option<&Table>,
        ctx: &Context,
    ) -> Result<Self> {
        let n = background_rows(predictor);
        let background = any_background(predictor, known, data, n, ctx)?;
        let subject = subject(predictor)?;
        let ready = match Members::of(predictor, &subject) {
            Some(members) => {
                let known = in_storage_of_kinds(predictor, background.table())?;
                let known = Background::of_rows(known, background.origin());
                Some(Arc::new(ctx.install(|| members.ready(&subject, &known, ctx))?))
            }
            None => None,
        };
        Ok(Self { background, ready })
    }

    /// The background.
    pub fn background(&self) -> &Background {
        &self.background
    }

    /// What the columns of every row add, where `predictor` is the one that it began with. Rows
    /// whose turn had not come when the context's time was over are left out at the end.
    ///
    /// # Errors
    /// As [`rows()`].
    pub fn explain(
        &self,
        predictor: &Predictor,
        table: &Table,
        ctx: &Context,
    ) -> Result<Explanation> {
        if let Some(ready) = &self.ready {
            let subject = subject(predictor)?;
            let members = Members::again(predictor, &subject, ready);
            if let Some(members) = members.filter(|m| m.suit(None)) {
                let table = in_storage_of_kinds(predictor, table)?;
                return members.explain_ready(ready, &subject, &table, ctx);
            }
        }
        rows(predictor, table, &self.background, &ShapleyOptions::default(), ctx)
    }

    /// The `n` largest reasons of every row of a table as columns: see [`reason_columns`].
    ///
    /// # Errors
    /// As [`rows()`].
    pub fn columns(
        &self,
        predictor: &Predictor,
        table: &Table,
        n: usize,
        ctx: &Context,
    ) -> Result<Vec<Column>> {
        let found = self.explain(predictor, table, ctx)?;
        let reasons = Reasons::new(&found, table, &self.background);
        Ok(reason_columns(&reasons, found.n_rows, n))
    }
}

/// The `n` largest reasons of every row as columns `reason_1`, …: sentences, missing where a row
/// has fewer.
pub fn reason_columns(reasons: &Reasons<'_>, n_rows: usize, n: usize) -> Vec<Column> {
    let of_row = |row: usize| {
        let output = reasons.main_output(row);
        reasons.of(row, output, n).into_iter().map(|reason| reason.text).collect::<Vec<_>>()
    };
    reason_text_columns(&(0..n_rows).map(of_row).collect::<Vec<_>>(), n)
}

/// Sentences by row as columns `reason_1` to `reason_n`.
pub fn reason_text_columns(texts: &[Vec<String>], n: usize) -> Vec<Column> {
    (0..n)
        .map(|place| {
            let of_place = texts.iter().map(|t| t.get(place).map(String::as_str));
            Column::strings(format!("reason_{}", place + 1), of_place)
        })
        .collect()
}
