//! Retraining as a rule: a new model takes the place of the old one only if it proves itself.
//!
//! The model in use (the *champion*) and a new one (the *challenger*) predict the same recent rows,
//! which neither learned from. [`decide`] asks a list of gates, each a question with numbers for an
//! answer; the challenger is accepted only if all of them are passed, and the [`Decision`] is
//! written down whatever it is.
//!
//! | gate | passed when |
//! |---|---|
//! | `data` | no column is broken: absent, unreadable, empty, stuck, in another unit, far away |
//! | `gain` | *better*: the lower end of the gain's 95 % interval is above ε; *refresh*: above −ε |
//! | `slices` | no slice of rows is worse by more than δ beyond chance (Benjamini–Hochberg) |
//! | `baseline` | the new model is not worse beyond chance than always giving the same answer |
//! | `calibration` | the log loss is not worse beyond chance (classification) |
//! | `latency`, `size` | predicting takes, and the file has, at most so many times what it had |
//! | `self-check` | the file, written and read back, predicts the same bits |
//!
//! Values that are right and distributed in another way are no reason to refuse: that is what a new
//! model is wanted for. The gate `data` says so in its words.
//!
//! With two models of equal worth, *better* accepts in 2.5 % of all cases: the interval's chance to
//! lie above 0. Gates only take away from that. Where the challenger is the better of several new
//! models by the same rows, its interval is as much wider as keeps that chance (Bonferroni).

mod gates;
mod slices;
#[cfg(test)]
mod tests;

pub use slices::{Slice, slices_of};

use modelwright_core::record::Interval;
use modelwright_core::task::{Predictions, Target};
use modelwright_core::{Context, Result};
use modelwright_evaluate::MetricEntry;
use serde::{Deserialize, Serialize};

/// The version of the format of a [`Decision`].
pub const DECISION_VERSION: u32 = 1;

/// Predicting so fast per row is fast enough, whatever it was before.
const FAST_S_PER_ROW: f64 = 20e-6;

/// What the challenger must prove.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// That it is better.
    Better,
    /// That it is not worse: it learned from fresher rows, and that is worth something.
    Refresh,
}

/// How a new model is found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RetrainPlan {
    /// By a search; of one learner alone, by fitting that again.
    #[default]
    Search,
    /// The old model's members are fitted again and weighed anew.
    Same,
    /// The old model's boosters learn on for some rounds.
    Continue,
    /// By a search, and beside it the old model's boosters learn on, where it has any; the better
    /// of the two is held against the gates, and of equal ones the smaller.
    Auto,
}

impl RetrainPlan {
    /// Whether anything is fitted from scratch.
    pub fn fits(self) -> bool {
        self != Self::Continue
    }

    /// Whether boosters learn on.
    pub fn continues(self) -> bool {
        matches!(self, Self::Continue | Self::Auto)
    }
}

/// The bounds of the gates.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Gates {
    /// What must be proved.
    pub rule: Rule,
    /// ε in the metric's unit; `None` is 0 for *better*, and for *refresh* a hundredth of the
    /// champion's value.
    pub gain: Option<f64>,
    /// δ of slices, as a share of the champion's value.
    pub slice_loss: f64,
    /// How many times longer predicting may take.
    pub latency_factor: f64,
    /// How many times larger the file may be.
    pub size_factor: f64,
}

impl Gates {
    /// The most seconds a row that predicting may take where it took so many before.
    pub fn latency_bound(&self, was_s_per_row: f64) -> f64 {
        (was_s_per_row * self.latency_factor).max(FAST_S_PER_ROW)
    }
}

impl Default for Gates {
    fn default() -> Self {
        let (slice_loss, latency_factor, size_factor) = (0.02, 3.0, 5.0);
        Self { rule: Rule::Better, gain: None, slice_loss, latency_factor, size_factor }
    }
}

/// One model on the judged rows.
pub struct Contender<'a> {
    /// What it says of every row.
    pub predictions: &'a Predictions,
    /// Its decision threshold (binary).
    pub threshold: f64,
    /// Wall seconds in which it predicted the rows.
    pub predict_s: f64,
    /// The size of its file.
    pub size_bytes: u64,
}

/// Two models on the same rows, which neither learned from.
pub struct Contest<'a> {
    /// The metric that decides.
    pub metric: &'static MetricEntry,
    /// The answers.
    pub truth: &'a Target,
    /// Row weights.
    pub weights: Option<&'a [f64]>,
    /// The group of each row, where rows of a group belong together: they are no independent
    /// witnesses.
    pub groups: Option<&'a [u32]>,
    /// The model in use.
    pub champion: Contender<'a>,
    /// The new model.
    pub challenger: Contender<'a>,
    /// What always giving the same answer says: the one that is best for the rows to learn from.
    pub constant: &'a Predictions,
    /// Parts of the rows that must not suffer.
    pub slices: &'a [Slice],
    /// What is broken in the new rows, in words.
    pub data_findings: &'a [String],
    /// How the new rows drifted, in words: nothing that speaks against a new model.
    pub data_remarks: &'a [String],
    /// Whether the new model's file, read back, predicts the same; else what went wrong.
    pub self_check: std::result::Result<(), String>,
    /// How many new models there were, of which the challenger was chosen by these very rows.
    pub n_candidates: usize,
}

/// A question with its answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GateResult {
    /// Its name.
    pub gate: String,
    /// Whether it was passed.
    pub passed: bool,
    /// The number that was looked at.
    pub value: Option<f64>,
    /// Its 95 % interval.
    pub ci95: Option<Interval>,
    /// What it was compared with.
    pub bound: Option<f64>,
    /// In words.
    pub words: String,
}

/// New models that were held against each other.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Choice {
    /// The models, the chosen one first.
    pub candidates: Vec<Candidate>,
    /// Why it was chosen, in words with the numbers.
    pub words: String,
}

/// One of several new models.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Candidate {
    /// How it was found.
    pub plan: RetrainPlan,
    /// Its value of the metric on the judged rows.
    pub value: f64,
    /// The size of its predictor.
    pub size_bytes: u64,
}

/// What was decided, and by which numbers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Decision {
    /// [`DECISION_VERSION`] of the writer.
    pub format_version: u32,
    /// Version of Modelwright that decided.
    pub engine_version: String,
    /// When, ISO 8601 in UTC; filled by the caller.
    pub created: String,
    /// Whether the challenger passed all gates.
    pub accepted: bool,
    /// In one sentence.
    pub summary: String,
    /// What had to be proved.
    pub rule: Rule,
    /// The metric that decided.
    pub metric: String,
    /// The champion's value on the judged rows.
    pub champion: f64,
    /// The challenger's value on the same rows.
    pub challenger: f64,
    /// Rows that judged.
    pub n_rows: usize,
    /// The gates, in the order in which they were asked.
    pub gates: Vec<GateResult>,
    /// What was tested, how: the paired test and its interval.
    pub method: String,
    /// The champion's file: path and SHA-256; filled by the caller.
    pub champion_file: Option<(String, String)>,
    /// The challenger's file: path and SHA-256; filled by the caller.
    pub challenger_file: Option<(String, String)>,
    /// How the challenger was chosen, where there were several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub choice: Option<Choice>,
    /// What became of it, e.g. `churn@champion is version 4`; filled by the caller.
    pub promoted: Option<String>,
}

/// Asks all gates.
///
/// # Errors
/// Input error when the models cannot be compared on these rows.
pub fn decide(contest: &Contest<'_>, gates: &Gates, ctx: &Context) -> Result<Decision> {
    let (gain, comparison) = gates::gain(contest, gates, ctx)?;
    let mut asked = vec![gates::data(contest.data_findings, contest.data_remarks), gain];
    asked.push(gates::slices(contest, gates, comparison.value_b, ctx));
    asked.extend(gates::baseline(contest, ctx));
    asked.extend(gates::calibration(contest, ctx));
    asked.push(gates::latency(contest, gates));
    asked.push(gates::size(contest, gates));
    asked.push(gates::self_check(&contest.self_check));
    let accepted = asked.iter().all(|gate| gate.passed);
    Ok(Decision {
        format_version: DECISION_VERSION,
        engine_version: env!("CARGO_PKG_VERSION").to_owned(),
        created: String::new(),
        accepted,
        summary: summary(accepted, &asked),
        rule: gates.rule,
        metric: comparison.metric.clone(),
        champion: comparison.value_b,
        challenger: comparison.value_a,
        n_rows: contest.truth.n_rows(),
        gates: asked,
        method: comparison.method,
        champion_file: None,
        challenger_file: None,
        choice: None,
        promoted: None,
    })
}

fn summary(accepted: bool, gates: &[GateResult]) -> String {
    if accepted {
        return "The new model passed every gate.".to_owned();
    }
    let failed: Vec<&GateResult> = gates.iter().filter(|gate| !gate.passed).collect();
    let names: Vec<String> = failed.iter().map(|gate| format!("`{}`", gate.gate)).collect();
    let reason = failed.first().map_or("", |gate| gate.words.as_str());
    format!("The old model stays: the new one did not pass {}. {reason}", names.join(", "))
}
