//! A run without a target: an isolation forest that says how unusual rows are.
//!
//! There is no answer to hold rows out for: all rows teach, nothing is measured, and the record and
//! its report say so. The predictor answers as one of a value does: with the score from 0 to 1; a
//! row is called unusual above its threshold, which is 0.5 (the paper's proposal) or the score that
//! the asked share of training rows reaches (`contamination`, as in scikit-learn).
//!
//! Categories are written by how often their level occurs, so that a rare one is cut off early.

use modelwright_core::context::Event;
use modelwright_core::data::{FeatureView, TrainView};
use modelwright_core::params::ParamValue;
use modelwright_core::record::{
    Bin, Clock, DataSource, EnsembleRecord, FORMAT_VERSION, Member as MemberRecord, Options, Plan,
    PlannedTrial, RunRecord, Single, SplitRecord, TaskRecord,
};
use modelwright_core::task::{Target, Task};
use modelwright_core::{Context, Error, Result};
use modelwright_learners::forest::ISOLATION_FOREST;
use modelwright_learners::learner;
use modelwright_preprocess::EncodingSpec;
use modelwright_preprocess::encode::{PrepareInput, prepare};
use modelwright_preprocess::profile::{Profile, ProfileOptions, profile_table};

use crate::input::{FitInput, FitOutcome};
use crate::predictor::{Predictor, SinglePredictor};

/// What stands where a target would.
pub const ANOMALY_SCORE: &str = "anomaly_score";

/// A score above this is unusual where no share of the rows is named.
const THRESHOLD: f64 = 0.5;

/// Bars of the histogram of scores.
const N_BINS: usize = 20;

impl Predictor {
    /// The score above which a row is called unusual, of an isolation forest; `None` of models that
    /// learned answers.
    pub fn anomaly_threshold(&self) -> Option<f64> {
        self.members().any(|(name, ..)| name == ISOLATION_FOREST).then_some(self.threshold)
    }
}

/// Whether a run learns without a target.
pub(crate) fn is_asked(options: &Options) -> bool {
    options.single.as_ref().is_some_and(|one| one.learner == ISOLATION_FOREST)
}

/// Grows the forest on all rows.
///
/// # Errors
/// Input error when the options ask for what needs a target, a parameter is out of range, or no
/// column can be learned from.
pub(crate) fn fit(input: FitInput, ctx: &Context) -> Result<FitOutcome> {
    let FitInput { table, schema, source, test, options, .. } = input;
    let single = check(&options, test.is_some())?;
    ctx.tell(Event::Phase("profile".to_owned()));
    for name in &options.exclude {
        table.require(name).map_err(|e| e.at("--exclude"))?;
    }
    let of_profile = ProfileOptions { kinds: options.kinds.clone(), target: None };
    let profile = profile_table(&table, &schema, &of_profile, ctx)?;
    let mut used = profile.schema.clone();
    used.fields.retain(|f| f.kind.is_usable() && !options.exclude.contains(&f.name));
    if used.fields.is_empty() {
        return Err(Error::input("no column is left to learn from")
            .expected("at least one number, category, date or text")
            .hint("exclude fewer columns, or decide a kind yourself (--kind COLUMN=number)"));
    }
    ctx.tell(Event::Phase("train".to_owned()));
    let rows: Vec<u32> = (0..table.n_rows() as u32).collect();
    // No step of the encoding looks at the stand-in.
    let none = Target::Real(vec![0.0; table.n_rows()]);
    let prepared = prepare(
        &PrepareInput {
            table: &table,
            schema: &used,
            exclude: &[],
            target: &none,
            weights: None,
            folds: &[],
            like: None,
        },
        &EncodingSpec::unlabelled(),
        ctx,
    )?;
    let entry = learner(ISOLATION_FOREST)?;
    let view = TrainView {
        features: &prepared.full,
        target: &none,
        weights: None,
        rows: &rows,
        validation: &[],
    };
    let model = entry.fit(&view, &single.params, &ctx.scope("trial").scope(ISOLATION_FOREST))?;
    let scores = model.model.predict(&FeatureView::all(&prepared.full), ctx)?.values;
    let rounds = model.model.rounds();
    used.fields.retain(|f| prepared.encoder.input_columns().any(|(name, _)| *name == *f.name));
    let mut predictor = Predictor::of_one(SinglePredictor {
        schema: used,
        task: Task::Regression,
        target: ANOMALY_SCORE.to_owned(),
        classes: Vec::new(),
        encoder: prepared.encoder,
        model,
    })?;
    predictor.threshold = threshold(&scores, contamination(single));
    let account = Account { options, source, rounds, scores: &scores };
    let record = account.record(&profile, &predictor, ctx);
    let reference = profile.sketches;
    Ok(FitOutcome { predictor, record, reference, predictions: None, usual: None, tested: None })
}

/// Refuses what needs a target; the learner that was asked for.
fn check(options: &Options, has_test: bool) -> Result<&Single> {
    let default = Options::new("");
    let single = options.single.as_ref();
    let asked = [
        ("--target", !options.target.is_empty()),
        ("--test", has_test),
        ("--task", options.task.is_some()),
        ("--metric", options.metric.is_some()),
        ("--holdout", options.holdout != default.holdout),
        ("--refit", options.refit != default.refit),
        ("--split", options.split.is_some()),
        ("--group", options.group.is_some()),
        ("--time-column", options.time_column.is_some()),
        ("--weight", options.weight.is_some()),
        ("--sensitive", !options.sensitive.is_empty()),
        ("--fair", options.fair.is_some()),
        ("--positive", options.positive.is_some()),
        ("--cost", !options.cost.is_empty()),
        ("--intervals", options.intervals.is_some()),
        ("--group-coverage", options.group_coverage.is_some()),
        ("--with-rows", options.with_rows),
        ("--folds", single.is_some_and(|one| one.n_folds.is_some())),
        ("--encoding", single.is_some_and(|one| one.encoding.is_some())),
    ];
    if let Some((flag, _)) = asked.iter().find(|(_, is_asked)| *is_asked) {
        return Err(Error::input(format!("an isolation forest takes no `{flag}`"))
            .at(*flag)
            .expected("a table without a target, of which all rows are learned from")
            .hint("leave the flag out; a column that is not to be learned from: --exclude"));
    }
    single.ok_or_else(|| Error::input("no learner was asked for"))
}

fn contamination(single: &Single) -> f64 {
    match single.params.get("contamination") {
        Some(ParamValue::Real(share)) => *share,
        Some(ParamValue::Int(share)) => *share as f64,
        _ => 0.0,
    }
}

/// The score above which a row is unusual: that which the share of rows exceeds, or [`THRESHOLD`].
fn threshold(scores: &[f64], contamination: f64) -> f64 {
    if contamination == 0.0 || scores.is_empty() {
        return THRESHOLD;
    }
    let mut sorted = scores.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let at = (1.0 - contamination) * (sorted.len() - 1) as f64;
    let (low, high) = (sorted[at.floor() as usize], sorted[at.ceil() as usize]);
    low + (high - low) * at.fract()
}

/// What is told of a run.
struct Account<'a> {
    options: Options,
    source: DataSource,
    rounds: usize,
    /// Of all rows.
    scores: &'a [f64],
}

impl Account<'_> {
    fn record(self, profile: &Profile, predictor: &Predictor, ctx: &Context) -> RunRecord {
        let warnings = vec![self.words(predictor.threshold)];
        let trial = PlannedTrial {
            name: ISOLATION_FOREST.to_owned(),
            learner: ISOLATION_FOREST.to_owned(),
            encoding: EncodingSpec::UNLABELLED.to_owned(),
            without: Vec::new(),
            params: self.options.single.as_ref().map(|s| s.params.clone()).unwrap_or_default(),
            fixed_rounds: true,
            reason: "the learner that was asked for".to_owned(),
        };
        let member = MemberRecord {
            trial: trial.name.clone(),
            weight: 1.0,
            rounds: self.rounds,
            n_models: 1,
            is_refit: true,
        };
        RunRecord {
            continued: Vec::new(),
            retrained: None,
            format_version: FORMAT_VERSION,
            engine_version: env!("CARGO_PKG_VERSION").to_owned(),
            task: self.task(),
            options: self.options,
            data: self.source,
            test_data: None,
            schema: profile.schema.clone(),
            profile: profile.record.clone(),
            leakage: Vec::new(),
            split: SplitRecord {
                kind: "none".to_owned(),
                reason: "there is no target: all rows are learned from".to_owned(),
                n_train: self.scores.len(),
                ..SplitRecord::default()
            },
            plan: Plan { trials: vec![trial], ..Plan::default() },
            trials: Vec::new(),
            is_exhausted: false,
            ensemble: EnsembleRecord { members: vec![member], ..EnsembleRecord::default() },
            threshold: None,
            second_level: None,
            calibration: None,
            costs: None,
            intervals: None,
            suspects: None,
            evaluation: None,
            slices: None,
            fairness: None,
            robustness: None,
            familiarity: None,
            unusual: None,
            mitigation: None,
            more_rows: None,
            nested: None,
            offers: Vec::new(),
            picked: None,
            shapes: None,
            edits: Vec::new(),
            feature_costs: None,
            importances: Vec::new(),
            explanation: None,
            decisions: ctx.decisions(),
            clock: Clock { threads: ctx.threads(), ..Clock::default() },
            warnings,
        }
    }

    /// What a reader must know: what the number is, and that nobody measured it.
    fn words(&self, threshold: f64) -> String {
        let n_unusual = self.scores.iter().filter(|score| **score > threshold).count();
        format!(
            "There is no target, so nothing was measured: `prediction` is a score from 0 \
             (ordinary) to 1 (unusual), and rows above {threshold:.4} are called unusual, as \
             {n_unusual} of {} training rows are. Whether unusual rows are the ones you look for, \
             only rows with known answers can tell.",
            self.scores.len()
        )
    }

    fn task(&self) -> TaskRecord {
        TaskRecord {
            task: Task::Regression,
            evidence: "no target: an isolation forest scores rows".to_owned(),
            target: ANOMALY_SCORE.to_owned(),
            metric: Task::Regression.default_metric().to_owned(),
            larger_is_better: false,
            classes: Vec::new(),
            class_counts: Vec::new(),
            histogram: histogram(self.scores),
            n_rows_without_target: 0,
        }
    }
}

/// How many rows have which score.
fn histogram(scores: &[f64]) -> Vec<Bin> {
    let width = 1.0 / N_BINS as f64;
    let mut bins: Vec<Bin> = (0..N_BINS)
        .map(|i| Bin { from: i as f64 * width, to: (i + 1) as f64 * width, n_rows: 0 })
        .collect();
    for score in scores {
        bins[((score * N_BINS as f64) as usize).min(N_BINS - 1)].n_rows += 1;
    }
    bins
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_threshold_is_the_score_that_the_share_of_rows_exceeds() {
        let scores: Vec<f64> = (0..=100).map(|i| f64::from(i) / 100.0).collect();
        assert_eq!(threshold(&scores, 0.0), 0.5);
        assert!((threshold(&scores, 0.1) - 0.9).abs() < 1e-12);
        let above = scores.iter().filter(|s| **s > threshold(&scores, 0.05)).count();
        assert_eq!(above, 5);
        assert_eq!(histogram(&scores).iter().map(|b| b.n_rows).sum::<usize>(), 101);
    }
}
