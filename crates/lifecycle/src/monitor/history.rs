//! What a watch remembers of earlier batches: a few means of each, and no rows.
//!
//! Watched are the share of the second class among the answers (of numbers their mean), the mean
//! prediction, and the loss: of two classes by how much the log loss is above what the
//! probabilities promise, which is `(p − y) · logit p` on average and has a fraction of the
//! variance of the loss itself; of numbers the squared error. Batches count in the order in which
//! they are given; no clock is asked. The same batch given again counts once.

use std::collections::BTreeMap;

use modelwright_automl::Predictor;
use modelwright_core::record::{Accumulated, AccumulatedMean, MonitorRecord, Status, WatchedModel};
use modelwright_core::task::{Target, Task};
use modelwright_core::{Error, Result};
use serde::{Deserialize, Serialize};

use super::compare::number;
use super::evidence::{Expected, MeanOf, evidence};
use super::serial::share_of_losses;
use super::side::Side;
use super::tally::counts_of;
use super::{LEVEL, Watched};

/// The version of the format of a [`History`].
const VERSION: u32 = 1;
/// Batches that are remembered; a shift that began with an earlier one was called long ago.
const BATCHES_MAX: usize = 512;
/// Probabilities are held this far from 0 and 1 where their logarithm counts.
const CLIP: f64 = 1e-6;

const ANSWERS: &str = "answers";
const PREDICTIONS: &str = "predictions";
const LOSS: &str = "loss";
const NAMES: [&str; 3] = [ANSWERS, PREDICTIONS, LOSS];

/// Earlier batches of a model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct History {
    /// The version of the format.
    format_version: u32,
    /// Whose batches they are.
    model: WatchedModel,
    /// Batches before those that are remembered.
    n_before: u64,
    /// The oldest first.
    batches: Vec<Batch>,
}

/// What is remembered of a batch.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Batch {
    /// Its rows.
    pub n_rows: u64,
    /// What is watched, by name; nothing where the batch has no such values.
    pub means: BTreeMap<String, MeanOf>,
}

impl History {
    /// No batches yet of a model.
    pub fn new(watched: &Watched<'_>) -> Self {
        let model = watched.model();
        Self { format_version: VERSION, model, n_before: 0, batches: Vec::new() }
    }

    /// Reads a history of this model.
    ///
    /// # Errors
    /// Input error when it is no history, one of a newer program, or of another model.
    pub fn parse(text: &str, watched: &Watched<'_>) -> Result<Self> {
        let other = "give another file to --history, or remove this one to begin anew";
        let read: Self = serde_json::from_str(text).map_err(|cause| {
            Error::input("this is no history of `monitor`")
                .expected("a file that `monitor --history` wrote")
                .got(cause.to_string())
                .hint(other)
        })?;
        if read.format_version > VERSION {
            return Err(Error::input("the history is of a newer Modelwright")
                .expected(format!("version {VERSION} of the format at most"))
                .got(read.format_version.to_string())
                .hint("take the program that wrote it, or another file"));
        }
        let model = watched.model();
        if read.model != model {
            let named = |m: &WatchedModel| format!("the model of `{}` of {}", m.target, m.created);
            return Err(Error::input("the history is of another model")
                .expected(named(&model))
                .got(named(&read.model))
                .hint(other));
        }
        Ok(read)
    }

    /// The bytes of its file.
    ///
    /// # Errors
    /// Work error when it cannot be written as JSON.
    pub fn to_json(&self) -> Result<String> {
        serde_json::to_string_pretty(self)
            .map_err(|cause| Error::work("the history cannot be written").got(cause.to_string()))
    }

    /// Batches so far.
    pub fn n_batches(&self) -> u64 {
        self.n_before.saturating_add(self.batches.len() as u64)
    }

    /// Adds the rows of a side, if anything is known of them, and says in `found` what all batches
    /// come to.
    pub fn add(&mut self, watched: &Watched<'_>, side: &Side<'_>, found: &mut MonitorRecord) {
        let means =
            NAMES.iter().filter_map(|name| Some(((*name).to_owned(), mean_of(side, name)?)));
        let batch = Batch { n_rows: side.n_rows(), means: means.collect() };
        let refused = if batch.means.is_empty() {
            Some("nothing of these rows is remembered: they have no predictions and no answers")
        } else if self.batches.contains(&batch) {
            Some("these rows are in the history already: they count once")
        } else {
            self.batches.push(batch);
            None
        };
        found.notes.extend(refused.map(str::to_owned));
        if self.batches.len() > BATCHES_MAX {
            self.batches.remove(0);
            self.n_before = self.n_before.saturating_add(1);
        }
        let accumulated = self.weigh(watched, side);
        say(&accumulated, found);
        found.accumulated = Some(accumulated);
    }

    fn weigh(&self, watched: &Watched<'_>, side: &Side<'_>) -> Accumulated {
        let (mut means, mut sum) = (Vec::new(), 0.0);
        let first = self.n_before.saturating_add(1);
        for name in NAMES {
            let Some(expected) = expected(watched, side, name) else { continue };
            let of = |batch: &Batch| batch.means.get(name).copied().unwrap_or_default();
            let batches: Vec<MeanOf> = self.batches.iter().map(of).collect();
            let found = evidence(expected, &batches, first);
            sum += found.ratio;
            means.push(AccumulatedMean {
                name: name.to_owned(),
                p_value: p_value(found.ratio),
                reference: expected.of.mean,
                value: (found.is.n > 0.0).then_some(found.is.mean),
                n_rows: found.is.n,
                since: first.saturating_add(found.since as u64),
            });
        }
        let p_value = if means.is_empty() { 1.0 } else { p_value(sum / means.len() as f64) };
        let drifted = p_value < LEVEL;
        Accumulated { n_batches: self.n_batches(), p_value, level: LEVEL, drifted, means }
    }
}

fn p_value(ratio: f64) -> f64 {
    if ratio > 1.0 { 1.0 / ratio } else { 1.0 }
}

/// Says of a finding what batches together say.
fn say(accumulated: &Accumulated, found: &mut MonitorRecord) {
    if !accumulated.drifted {
        let (n, p) = (accumulated.n_batches, number(accumulated.p_value));
        let text = format!("batches in the history: {n}; none shows a shift that stays (p = {p})");
        found.notes.push(text);
        return;
    }
    let mut sure: Vec<&AccumulatedMean> = accumulated.means.iter().collect();
    sure.sort_by(|a, b| a.p_value.total_cmp(&b.p_value));
    let Some(first) = sure.first() else { return };
    let what = match first.name.as_str() {
        ANSWERS => "the mean of the answers",
        PREDICTIONS => "the mean prediction",
        _ => "the loss above what is promised",
    };
    let (is, was) = (number(first.value.unwrap_or_default()), number(first.reference));
    found.explanation.push(format!(
        "Over the batches since number {} of {}, {what} is {is} instead of {was}, on {} \
         independent rows: a shift that stays (p at most {:.2e} over the whole watch).",
        first.since,
        accumulated.n_batches,
        first.n_rows.round(),
        accumulated.p_value
    ));
    if found.verdict.status == Status::Stable {
        found.verdict.status = Status::Watch;
        found.verdict.summary =
            format!("A small shift stays: {what} is {is} instead of {was} over several batches.");
    }
}

/// What a batch has of a mean.
fn mean_of(side: &Side<'_>, name: &str) -> Option<MeanOf> {
    let truth = &side.answers.truth;
    let known = |found: MeanOf, share: f64| {
        (found.n > 0.0 && found.mean.is_finite() && found.variance.is_finite())
            .then_some(MeanOf { n: found.n * share, ..found })
    };
    match name {
        ANSWERS => known(of_values(&answers(truth)?), side.target()?.worth.is),
        PREDICTIONS => {
            let tally = side.predictions()?;
            let moments = &tally.sketch.numbers()?.moments;
            let (n, std) = (moments.n() as f64, moments.std().unwrap_or(0.0));
            known(MeanOf { n, mean: moments.mean()?, variance: std * std }, tally.worth.is)
        }
        _ => {
            let (values, promised) = losses(side)?;
            let found = of_values(&values);
            known(MeanOf { variance: found.variance.max(promised), ..found }, loss_share(side))
        }
    }
}

/// Against what batches are held; `None` where the model does not know it.
fn expected(watched: &Watched<'_>, side: &Side<'_>, name: &str) -> Option<Expected> {
    let of_moments = |moments: &modelwright_preprocess::sketch::Moments| {
        let std = moments.std().unwrap_or(0.0);
        Some(MeanOf { n: moments.n() as f64, mean: moments.mean()?, variance: std * std })
    };
    match name {
        ANSWERS => {
            // Kept where no answers are among the new rows, too.
            let sketch = watched.reference.columns.column(&watched.predictor.target);
            let sketch = side.target().map_or(sketch, |tally| tally.reference)?;
            let of = match watched.predictor.task {
                Task::Regression => of_moments(&sketch.numbers()?.moments)?,
                _ => share_of_second(watched.predictor, &counts_of(sketch))?,
            };
            Some(Expected { of, doubt: 0.0, is_one_sided: false })
        }
        PREDICTIONS => {
            let tally = side.predictions()?;
            let of = of_moments(&tally.reference?.numbers()?.moments)?;
            let served = tally.served.and_then(|sketch| sketch.numbers()?.moments.mean());
            let doubt = served.map_or(0.0, |mean| (mean - of.mean).abs());
            Some(Expected { of, doubt, is_one_sided: false })
        }
        _ => {
            let of = expected_loss(watched)?;
            Some(Expected { of, doubt: 0.0, is_one_sided: true })
        }
    }
}

/// The loss when the model was tested, as [`losses`] has it.
fn expected_loss(watched: &Watched<'_>) -> Option<MeanOf> {
    let evaluation = watched.record.evaluation.as_ref()?;
    if evaluation.learned_from.is_some() || watched.record.options.weight.is_some() {
        return None;
    }
    let of = |name: &str| evaluation.metrics.iter().find(|m| m.name == name)?.value;
    let mean = if watched.predictor.task == Task::Regression {
        of("rmse")?.powi(2)
    } else {
        let promised = &watched.reference.predictions.as_ref()?.expected;
        of("log_loss")? - promised.iter().find(|m| m.name == "log_loss")?.value?
    };
    Some(MeanOf { n: evaluation.n_rows as f64, mean, variance: 0.0 })
}

/// The share of the second of two classes.
fn share_of_second(
    predictor: &Predictor,
    counts: &modelwright_inspect::drift::Counts,
) -> Option<MeanOf> {
    let [first, second] = predictor.classes.as_slice() else { return None };
    let (n_first, n_second) = (counts.of(first), counts.of(second));
    let n = n_first + n_second;
    // Labels that are written in another way than the classes are not counted as such.
    if n <= 0.0 || n < 0.99 * counts.n() {
        return None;
    }
    let mean = n_second / n;
    Some(MeanOf { n, mean, variance: mean * (1.0 - mean) })
}

/// Answers as numbers; of two classes whether it is the second. `None` of more classes.
fn answers(truth: &Target) -> Option<Vec<f64>> {
    match truth {
        Target::Real(values) => Some(values.clone()),
        Target::Class { codes, n_classes: 2 } => {
            Some(codes.iter().map(|code| f64::from(u8::from(*code == 1))).collect())
        }
        Target::Class { .. } => None,
    }
}

/// The loss of each answered row, and the variance that the probabilities promise of it (of numbers
/// 0).
fn losses(side: &Side<'_>) -> Option<(Vec<f64>, f64)> {
    let (truth, said) = (&side.answers.truth, &side.answers.predictions);
    if said.n_outputs != 1 || truth.n_rows() == 0 {
        return None;
    }
    let values = answers(truth)?;
    if truth.values().is_some() {
        let of = |(row, y): (usize, &f64)| (said.row(row)[0] - y).powi(2);
        return Some((values.iter().enumerate().map(of).collect(), 0.0));
    }
    let mut promised = 0.0;
    let of = |(row, y): (usize, &f64)| {
        let p = said.row(row)[0].clamp(CLIP, 1.0 - CLIP);
        let logit = (p / (1.0 - p)).ln();
        promised += p * (1.0 - p) * logit * logit;
        (p - y) * logit
    };
    let own: Vec<f64> = values.iter().enumerate().map(of).collect();
    let n = own.len() as f64;
    Some((own, promised / n))
}

/// As how large a share the losses count: a group as one row, neighbours by how alike they are.
fn loss_share(side: &Side<'_>) -> f64 {
    let Some(groups) = side.answers.groups() else { return share_of_losses(&side.answers) };
    let distinct: std::collections::BTreeSet<u32> = groups.iter().copied().collect();
    distinct.len() as f64 / groups.len().max(1) as f64
}

fn of_values(values: &[f64]) -> MeanOf {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n.max(1.0);
    let squares: f64 = values.iter().map(|v| (v - mean).powi(2)).sum();
    MeanOf { n, mean, variance: squares / n.max(1.0) }
}
