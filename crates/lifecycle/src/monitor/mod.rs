//! Watching a model on new rows: what moved, whether it matters, and whether the model still holds.
//!
//! Rows pass once, part by part, in memory that does not grow with them ([`Side`]); [`conclude`]
//! then compares the two sides.
//!
//! ```text
//! tables ──Side::add──▶ a tally per column (sketch, out of range, unseen)      compare, quality
//!                       predictions: their tally, what to expect of them       performance
//!                       answers, where known                                   performance
//!                       a sample of rows (only beside reference rows)          multivariate
//!                                                  ──conclude──▶ MonitorRecord  words
//! ```
//!
//! The reference is what the artifact keeps of its training, sketches without rows, or a file. Kept
//! values of a file are compared exactly as long as they are few enough; beyond, sketches are, and
//! of very many rows sketches of a share of them (`share`). [`Live`] does the same for a running
//! server: sketches of the last spans of time, and of their rows some in the order in which they
//! came (`arrivals`).
//! Measures and thresholds are Evidently's ([`modelwright_inspect::drift::choose`]); on top of them
//! a column drifts only if a two-sample test, adjusted for the number of columns, agrees. Where the
//! model was fitted by groups, rows of one group are no independent witnesses (`witnesses`);
//! where the time of rows is known, or a server saw them come, nor are neighbours that are alike
//! (`serial`).

mod answers;
mod arrivals;
#[cfg(test)]
mod arriving_tests;
mod blocks;
mod compare;
mod counted;
mod evidence;
#[cfg(test)]
mod group_tests;
mod held_as_text;
mod history;
#[cfg(test)]
mod history_tests;
#[cfg(test)]
mod in_time_tests;
mod live;
mod live_seasons;
mod looks;
#[cfg(test)]
mod looks_tests;
mod means;
mod multivariate;
mod observed;
mod over_time;
mod performance;
mod quality;
mod reconstruction;
mod refitted;
mod rhythm;
mod sample;
mod season;
#[cfg(test)]
mod seasonal_tests;
mod serial;
#[cfg(test)]
mod serial_tests;
mod share;
mod side;
mod tally;
#[cfg(test)]
mod tests;
mod witnesses;
mod words;

pub use evidence::MeanOf;
pub use history::{Batch, History};
pub use live::{Live, LiveColumn, LiveDrift};
pub use live_seasons::LiveSeasons;
pub use season::{Season, SeasonChoice};
pub use side::{Side, must_have_reference};

use std::collections::BTreeMap;

use modelwright_automl::{Predictor, Reference};
use modelwright_core::data::{Field, Kind, Storage};
use modelwright_core::record::{
    ColumnDrift, DatasetDrift, MONITOR_VERSION, MonitorRecord, RunRecord, WatchedModel,
};
use modelwright_core::{Context, Result};
use modelwright_inspect::drift::benjamini_hochberg;

/// A model and what is known of its training.
pub struct Watched<'a> {
    /// Raw rows in, predictions out.
    pub predictor: &'a Predictor,
    /// The account of its run.
    pub record: &'a RunRecord,
    /// What later rows are compared with.
    pub reference: Reference,
}

/// What is asked of the comparison.
#[derive(Debug, Clone)]
pub struct MonitorOptions {
    /// From which share of drifted columns on the dataset drifted; Evidently's 0.5.
    pub drift_share: f64,
    /// Whether rows are predicted.
    pub predict: bool,
    /// Whether all columns are looked at together, beside a reference file; of a small table it
    /// takes most of the time.
    pub multivariate: bool,
    /// By which seasons rows are compared with those of a reference file.
    pub season: SeasonChoice,
    /// The column with the time of each row, if there is one: see [`Watched::time_column`].
    pub time_column: Option<String>,
    /// Columns whose groups are looked at where answers are known, besides the sensitive ones.
    pub by: Vec<String>,
    /// Which look this is since something was last done about what was found, counted from 1: of
    /// looks that follow each other, each tests at a share of the level, so that all together are
    /// wrong as seldom as one. `None` is a look that stands alone.
    pub look: Option<u64>,
}

impl Default for MonitorOptions {
    fn default() -> Self {
        let (season, time_column, by) = (SeasonChoice::None, None, Vec::new());
        let (predict, multivariate) = (true, true);
        Self { drift_share: 0.5, predict, multivariate, season, time_column, by, look: None }
    }
}

/// The level of adjusted p-values.
const LEVEL: f64 = 0.05;

/// Predictions and answers, beside which no other column stands, drift at this level: either raises
/// an alarm or a warning by itself, at every look.
const ALONE_LEVEL: f64 = 0.01;
/// Answers drift from this distance on: a share of a half that becomes 52.5 %.
const ANSWERS_DISTANCE: f64 = 0.02;

impl Watched<'_> {
    /// Each raw column's share of the permutation importances; empty when none were measured.
    fn importances(&self) -> BTreeMap<&str, f64> {
        let of = &self.record.importances;
        let total: f64 = of.iter().map(|i| i.mean.max(0.0)).sum();
        if total <= 0.0 {
            return BTreeMap::new();
        }
        of.iter().map(|i| (i.column.as_str(), i.mean.max(0.0) / total)).collect()
    }

    /// Which model it is.
    fn model(&self) -> WatchedModel {
        WatchedModel {
            target: self.predictor.target.clone(),
            task: self.predictor.task,
            metric: self.predictor.metric.clone(),
            created: self.record.clock.created.clone(),
        }
    }

    /// The column that says when each row was: the one of the model's run, or its only dates.
    pub fn time_column(&self) -> Option<String> {
        if let Some(name) = &self.record.options.time_column {
            return Some(name.clone());
        }
        let mut dates = self.record.schema.fields.iter().filter(|f| f.storage == Storage::Instant);
        let only = dates.next()?;
        dates.next().is_none().then(|| only.name.clone())
    }

    /// The columns that are compared: those that the model reads.
    fn fields(&self) -> Vec<Field> {
        let read: Vec<&str> = self.predictor.feature_columns().collect();
        let fields = self.predictor.schema.fields.iter();
        fields.filter(|f| read.contains(&f.name.as_str())).cloned().collect()
    }
}

/// Compares new rows with the reference rows, or with the artifact's sketches when there are none.
///
/// # Errors
/// Work error when something cannot be computed on these rows.
pub fn conclude(
    watched: &Watched<'_>,
    reference: Option<&Side<'_>>,
    current: &Side<'_>,
    options: &MonitorOptions,
    ctx: &Context,
) -> Result<MonitorRecord> {
    let importances = watched.importances();
    let mix = reference.and_then(|side| side.mix_like(current));
    let mix = mix.as_ref();
    let share = looks::share(options.look);
    let columns = columns_drift((reference, current, mix), &importances, share, ctx);
    let dataset = together(&columns, &importances, options);
    let [predictions, target] = said_and_true(reference, current, mix, share);
    let quality =
        quality::find(watched, (reference, mix), current, (&columns, share), &importances);
    let mut notes = current.notes();
    notes.extend(unranked(&importances, &dataset));
    notes.extend(looks::note(options.look));
    let (multivariate, note) = if options.multivariate {
        multivariate::classify(watched, (reference, mix), current, share, ctx)
    } else {
        (None, Some("columns are compared one by one only, as was asked for".to_owned()))
    };
    notes.extend(note);
    notes.extend(reference.and_then(|side| side.season_note(current, mix)));
    let performance = performance::measured(watched, current, share, ctx);
    let estimated = performance::expected(watched, (reference, mix), current, share, ctx);
    let over_time = over_time::look(watched, current, share, &mut notes, ctx);
    let of_groups =
        over_time.as_ref().map_or_else(Vec::new, |o| over_time::words(watched, o, share));
    let verdict = words::verdict(&words::Found {
        dataset: &dataset,
        columns: &columns,
        predictions: predictions.as_ref(),
        target: target.as_ref(),
        multivariate: multivariate.as_ref(),
        performance: performance.as_ref(),
        estimated: estimated.as_ref(),
        quality: &quality,
        n_of_groups: of_groups.len(),
        n_rows: current.n_rows(),
    });
    let mut record = MonitorRecord {
        format_version: MONITOR_VERSION,
        engine_version: env!("CARGO_PKG_VERSION").to_owned(),
        created: String::new(),
        model: watched.model(),
        reference: side::reference_rows(watched, reference),
        current: current.rows(),
        verdict,
        explanation: Vec::new(),
        quality,
        columns,
        dataset,
        predictions,
        target,
        multivariate,
        performance,
        estimated,
        season: mix.map(|mix| mix.record.clone()),
        over_time,
        accumulated: None,
        notes,
    };
    record.explanation = words::explain(&record);
    record.explanation.extend(of_groups.iter().map(|line| words::capital(line)));
    Ok(record)
}

/// Drift of the predictions and of the answers.
fn said_and_true(
    reference: Option<&Side<'_>>,
    current: &Side<'_>,
    mix: Option<&season::Seasonal>,
    share: f64,
) -> [Option<ColumnDrift>; 2] {
    let predictions = current.predictions().map(|tally| {
        let was = reference.and_then(Side::predictions);
        predictions_drift(compare::column(tally, was, mix, None), share)
    });
    let target = current.target().map(|tally| {
        let was = reference.and_then(Side::target);
        answers_drift(compare::column(tally, was, mix, None), share)
    });
    [predictions, target]
}

/// What is missing where nobody measured how much columns matter.
fn unranked(importances: &BTreeMap<&str, f64>, dataset: &DatasetDrift) -> Option<String> {
    let text = "how much each column matters was not measured when the model was fitted: drifted \
                columns count alike";
    (importances.is_empty() && dataset.n_drifted > 0).then(|| text.to_owned())
}

/// Whether drift of a column says anything: time goes on by itself.
fn may_drift(kind: Kind) -> bool {
    !matches!(kind, Kind::Datetime)
}

/// Drift of every column that the model reads: of the reference, if it is one of rows, and the new
/// rows, in the mix of seasons that they have.
fn columns_drift(
    (reference, current, mix): (Option<&Side<'_>>, &Side<'_>, Option<&season::Seasonal>),
    importances: &BTreeMap<&str, f64>,
    share: f64,
    ctx: &Context,
) -> Vec<ColumnDrift> {
    let mut columns: Vec<ColumnDrift> = ctx.map(current.columns().len(), |i| {
        let tally = &current.columns()[i];
        let importance = importances.get(tally.field.name.as_str()).copied();
        compare::column(tally, reference.map(|side| &side.columns()[i]), mix, importance)
    });
    adjust(&mut columns, share);
    columns
}

/// Adjusts the p-values for their number and decides which columns drifted, at a share of the level
/// (see [`looks`]).
fn adjust(columns: &mut [ColumnDrift], share: f64) {
    let p_values: Vec<f64> = columns.iter().filter_map(|c| c.p_value).collect();
    let adjusted = benjamini_hochberg(&p_values);
    let tested = columns.iter_mut().filter(|c| c.p_value.is_some());
    for (column, p) in tested.zip(adjusted) {
        column.p_adjusted = Some(p);
        column.drifted = column.exceeds && p < share * LEVEL && may_drift(column.kind);
        if !column.drifted {
            column.words.clear();
        }
    }
}

/// Decides whether the predictions drifted, which stand alone and are not adjusted for a number of
/// columns.
fn predictions_drift(drift: ColumnDrift, share: f64) -> ColumnDrift {
    let exceeds = drift.exceeds;
    drift_alone(drift, exceeds, share)
}

/// A column is drifted that moved far enough, if that is beyond chance at the stricter level.
fn drift_alone(mut drift: ColumnDrift, is_large: bool, share: f64) -> ColumnDrift {
    drift.p_adjusted = drift.p_value;
    drift.drifted = is_large && drift.p_value.is_some_and(|p| p < share * ALONE_LEVEL);
    if !drift.drifted {
        drift.words.clear();
    }
    drift
}

/// Decides whether the answers drifted. There is one such column, which no other stands beside, and
/// its shares are what a model's probabilities rest on: changes count that are too small to count
/// for a column, if they are beyond chance at a stricter level.
fn answers_drift(drift: ColumnDrift, share: f64) -> ColumnDrift {
    let is_large = match (drift.measure.as_deref(), drift.score) {
        (Some("wasserstein" | "jensenshannon"), Some(score)) => score >= ANSWERS_DISTANCE,
        _ => drift.exceeds,
    };
    drift_alone(drift, is_large, share)
}

fn together(
    columns: &[ColumnDrift],
    importances: &BTreeMap<&str, f64>,
    options: &MonitorOptions,
) -> DatasetDrift {
    let compared = || columns.iter().filter(|c| c.score.is_some() && may_drift(c.kind));
    let n_columns = compared().count();
    let n_drifted = compared().filter(|c| c.drifted).count();
    let share = if n_columns > 0 { n_drifted as f64 / n_columns as f64 } else { 0.0 };
    // What nobody had time to measure may matter: without it there is no share.
    let drifted = || compared().filter(|c| c.drifted);
    let is_known = !importances.is_empty() && drifted().all(|c| c.importance.is_some());
    let of_drifted: f64 = drifted().filter_map(|c| c.importance).sum();
    DatasetDrift {
        n_columns,
        n_drifted,
        share,
        n_exceeding: compared().filter(|c| c.exceeds).count(),
        importance_share: is_known.then_some(of_drifted.max(0.0)),
        threshold: options.drift_share,
        drifted: n_columns > 0 && share >= options.drift_share,
    }
}
