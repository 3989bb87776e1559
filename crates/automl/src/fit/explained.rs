//! Why the tested model predicts so, on the untouched rows: a small explanation for the record.

use modelwright_core::context::Event;
use modelwright_core::data::{ColumnData, Table};
use modelwright_core::record::{ExplanationRecord, ResponseRecord, SurrogateRecord};
use modelwright_core::{Context, Result};
use modelwright_inspect::explain::{
    ColumnProfile, SurrogateInput, five_examples, summary, surrogate,
};

use super::Flow;
use crate::budget;
use crate::explain::{self, Explanation, Known, Reasons, ShapleyOptions};
use crate::predictor::Predictor;
use crate::reference::PredictionReference;

/// Rows that are explained: at most, and at least for it to say something.
const N_ROWS_MAX: usize = 400;
const N_ROWS_MIN: usize = 20;
/// Background rows of each where as many as anywhere else are too much work.
const N_BACKGROUND_FEW: usize = 4;
/// Rows that are moved for a profile, and columns that get one.
const N_ROWS_PROFILE: usize = 500;
const N_PROFILES: usize = 6;
/// Rows that a small tree is fitted to and tested on.
const N_ROWS_SURROGATE: usize = 4_000;
/// Predictions of all profiles, about.
const PROFILE_PREDICTIONS: usize = N_PROFILES * N_ROWS_PROFILE * 20;
/// Predictions that all of it may take, and rows that are predicted to learn what one takes.
const PREDICTIONS_MAX: u64 = 1_000_000;
const N_ROWS_TRIED: usize = 2_048;
/// Trees that these predictions may walk through where no time is given, which is some seconds: a
/// clock would make such a fit another one on every machine. What thousands of rounds of several
/// classes say in a report would take minutes.
const WALKS_MAX: u64 = 2_000_000_000;
/// Columns whose curves of rows are found, and columns that may tell how these differ.
const N_RESPONSES: usize = 3;
const N_PARTNERS: usize = 10;
/// The share of the time left for explanations that the predictions may take: a pass over columns
/// and rows costs more than they do alone.
const LEFT_SHARE: f64 = 0.25;

impl Flow {
    /// The explanation; `None` when no rows are held out or there is no time.
    pub(super) fn explanation(
        &self,
        predictor: &Predictor,
        said: Option<&PredictionReference>,
        ctx: &Context,
    ) -> Option<ExplanationRecord> {
        let held_out = self.held_out.as_ref().filter(|t| t.n_rows() > 0)?;
        let scope = ctx.scope("explanation");
        let known = (&self.profile.sketches, said);
        match explained(predictor, held_out, known, self.options.with_rows, &scope) {
            Ok(found) => found,
            Err(error) => {
                ctx.tell(Event::Warning(format!("the report explains nothing: {error}")));
                None
            }
        }
    }
}

/// Why a predictor says what it says of rows with which it has nothing to do, for a record; as much
/// as there is time for.
///
/// # Errors
/// As [`explain::rows`].
pub(crate) fn explained(
    predictor: &Predictor,
    held_out: &Table,
    known: Known<'_>,
    with_rows: bool,
    scope: &Context,
) -> Result<Option<ExplanationRecord>> {
    let affordable = affordable(predictor, held_out, scope);
    let n_columns = explain::subject(predictor)?.columns.len();
    let rows_of = |n_background: usize| {
        // Reasons come before profiles, which take what is left.
        let for_rows = affordable.saturating_sub(PROFILE_PREDICTIONS).max(affordable / 2);
        (for_rows / (2 * n_columns * n_background)).min(N_ROWS_MAX)
    };
    let enough = |n: &&usize| rows_of(**n) >= N_ROWS_MIN.min(held_out.n_rows());
    let n_background = [explain::background_rows(predictor), N_BACKGROUND_FEW];
    let Some(n_background) = n_background.iter().find(enough).copied() else {
        return Ok(None);
    };
    let scope = &match budget::one_explanation(scope) {
        Some(limit) => scope.with_time_limit(limit),
        None => scope.clone(),
    };
    let n = explain::background_rows(predictor);
    let background = explain::any_background(predictor, known, Some(held_out), n, scope)?;
    let chosen = scope.random("explanation/rows", 0);
    let rows = { chosen }.sample(held_out.n_rows(), rows_of(n_background));
    let table = held_out.select(&rows);
    let n_background = Some(n_background);
    let options = ShapleyOptions { n_background, ..ShapleyOptions::default() };
    let found = explain::rows(predictor, &table, &background, &options, scope)?;
    if found.n_rows == 0 {
        return Ok(None);
    }
    let moved = scope.random("explanation/profiles", 0);
    let moved = { moved }.sample(held_out.n_rows(), N_ROWS_PROFILE);
    let moved = held_out.select(&moved);
    let (profiles, n_untimely) = profiles(predictor, &moved, &found, scope)?;
    let examples = if with_rows { five_examples(&found) } else { Vec::new() };
    let reasons = Reasons::new(&found, &table, &background);
    let mut record = summary(&found, &table, &reasons, &profiles, &examples);
    record.n_untimely = Some(n_untimely);
    record.responses = responses(predictor, &moved, &record, with_rows, scope)?;
    record.surrogate = small_tree(predictor, held_out, scope)?;
    Ok(Some(record))
}

/// How predictions move along the first columns, as far as there is time, and along how many there
/// was none for it. A column without values has nothing to move along.
fn profiles(
    predictor: &Predictor,
    moved: &Table,
    found: &Explanation,
    scope: &Context,
) -> Result<(Vec<ColumnProfile>, usize)> {
    let mut profiles: Vec<ColumnProfile> = Vec::new();
    let mut n_untimely = 0;
    for effect in found.effects().iter().take(N_PROFILES) {
        let has_values = moved
            .column(&effect.column)
            .is_some_and(|c| (0..moved.n_rows()).any(|row| !c.is_missing(row)));
        if !has_values {
            continue;
        }
        if !scope.proceed() {
            n_untimely += 1;
            continue;
        }
        let column = &effect.column;
        profiles.push(explain::profile(predictor, moved, column, None, None, scope)?);
    }
    Ok((profiles, n_untimely))
}

/// The curves of rows along the first columns of numbers, as far as there is time.
fn responses(
    predictor: &Predictor,
    table: &Table,
    found: &ExplanationRecord,
    with_rows: bool,
    scope: &Context,
) -> Result<Vec<ResponseRecord>> {
    let partners: Vec<String> =
        found.effects.iter().take(N_PARTNERS).map(|e| e.column.clone()).collect();
    let is_text =
        |name: &str| table.column(name).is_none_or(|c| matches!(c.data, ColumnData::String { .. }));
    let mut responses = Vec::new();
    for column in found.profiles.iter().map(|p| &p.column).filter(|c| !is_text(c)) {
        if responses.len() == N_RESPONSES || !scope.proceed() {
            break;
        }
        let partners = (&partners[..], with_rows);
        responses.extend(explain::responses(predictor, table, column, partners, None, scope)?);
    }
    Ok(responses)
}

/// A small tree that says about the same as the predictor; `None` when there is no time.
fn small_tree(
    predictor: &Predictor,
    held_out: &Table,
    scope: &Context,
) -> Result<Option<SurrogateRecord>> {
    if !scope.proceed() {
        return Ok(None);
    }
    let chosen = scope.random("explanation/surrogate", 0);
    let mut rows = { chosen }.sample(held_out.n_rows(), N_ROWS_SURROGATE);
    scope.random("explanation/surrogate", 1).shuffle(&mut rows);
    let table = held_out.select(&rows);
    let predictions = predictor.predict(&table, scope)?;
    let decided = match predictor.classes.as_slice() {
        [] => Vec::new(),
        _ => predictor.decide(&table, &predictions),
    };
    let columns: Vec<String> = predictor.feature_columns().map(str::to_owned).collect();
    Ok(surrogate(&SurrogateInput {
        table: &table,
        columns: &columns,
        predictions: &predictions,
        decided: &decided,
        classes: &predictor.classes,
        threshold: predictor.threshold,
    }))
}

/// How many predictions there is time for.
fn affordable(predictor: &Predictor, table: &Table, scope: &Context) -> usize {
    let live = || {
        if scope.is_cancelled() {
            return 0;
        }
        let Some(left) = scope.remaining() else { return unhurried(explain::work_of(predictor)) };
        let limit_s = left.as_secs_f64() * LEFT_SHARE;
        // As large as the tables that an explanation predicts: a small one costs mostly its start.
        let n_rows = table.n_rows() as u32;
        let rows: Vec<u32> = (0..N_ROWS_TRIED as u32).map(|i| i % n_rows).collect();
        let sample = table.select(&rows);
        let start_s = scope.elapsed().as_secs_f64();
        if predictor.predict(&sample, scope).is_err() {
            return 0;
        }
        let row_s = (scope.elapsed().as_secs_f64() - start_s).max(1e-9) / rows.len().max(1) as f64;
        ((limit_s / row_s) as u64).min(PREDICTIONS_MAX)
    };
    scope.decide("predictions", live) as usize
}

/// How many predictions are made where no time is given, if one takes as much as so many trees.
fn unhurried(n_trees: usize) -> u64 {
    (WALKS_MAX / n_trees.max(1) as u64).min(PREDICTIONS_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_clock_only_very_many_trees_are_asked_less_often() {
        let n_predictions = [0, 1, 300, 2_000].map(unhurried);
        assert_eq!(n_predictions, [PREDICTIONS_MAX; 4]);
        assert_eq!(unhurried(16_000), 125_000);
    }
}
