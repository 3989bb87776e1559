//! Whether p-values are uniform where there is no difference: the share below 5 %, and
//! Kolmogorov's distance from the uniform law.

use modelwright_core::Context;
use modelwright_core::random::Random;
use modelwright_core::task::{Predictions, Target};
use modelwright_evaluate::compare::datasets::{Ranking, wilcoxon};
use modelwright_evaluate::compare::folds::{FoldDifference, five_by_two};
use modelwright_evaluate::compare::{Parted, compare_costs, welch, welch_of_rows};
use modelwright_evaluate::fairness::{FairnessInput, Groups, fairness};
use modelwright_evaluate::resample::permutation::against_chance;
use modelwright_evaluate::{CostMatrix, MetricInput, Paired, compare, metric};

use crate::worlds::{Rows, World, for_each};

/// The p-values of a test under its own assumptions.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Levels {
    /// The test.
    pub(crate) what: String,
    /// Whether p-values may be larger than they must: few values, or an approximation that errs on
    /// the safe side.
    pub(crate) may_be_larger: bool,
    /// The p-values, in no order.
    pub(crate) p_values: Vec<f64>,
}

/// P-values above this show nothing, whatever they are.
const DECISIVE: f64 = 0.2;

impl Levels {
    /// The share below the level.
    pub(crate) fn share_below(&self, level: f64) -> f64 {
        let below = self.p_values.iter().filter(|p| **p <= level).count();
        below as f64 / self.p_values.len().max(1) as f64
    }

    /// Kolmogorov's distance from the uniform law; of those that may be larger only how far they
    /// are too small, where it matters: below [`DECISIVE`].
    pub(crate) fn distance(&self) -> f64 {
        let mut sorted = self.p_values.clone();
        sorted.sort_by(f64::total_cmp);
        let n = sorted.len() as f64;
        let far = |(i, p): (usize, &f64)| {
            let too_small = (i + 1) as f64 / n - p;
            if self.may_be_larger {
                return if *p <= DECISIVE { too_small } else { 0.0 };
            }
            too_small.max(p - i as f64 / n)
        };
        sorted.iter().enumerate().map(far).fold(0.0, f64::max)
    }

    /// Distances beyond this are found in one of a hundred samples of a uniform law.
    pub(crate) fn distance_allowed(&self) -> f64 {
        1.628 / (self.p_values.len().max(1) as f64).sqrt()
    }
}

/// A test: its name, whether its p-values may be larger than they must, and one of them by a seed.
type Test = (&'static str, bool, fn(u64) -> Option<f64>);

/// All tests, on `n_tables` draws each.
pub(crate) fn all(n_tables: usize) -> Vec<Levels> {
    let tests: [Test; 18] = [
        ("DeLong, 200 rows", false, |s| of_metric("roc_auc", World::Binary(1.0), s)),
        ("McNemar, 200 rows", true, |s| of_metric("accuracy", World::Binary(1.0), s)),
        ("paired bootstrap of the log loss, 200 rows", false, |s| {
            of_metric("log_loss", World::Binary(1.0), s)
        }),
        ("paired bootstrap of RMSE, 200 rows", false, |s| of_metric("rmse", World::Numbers, s)),
        ("log loss, 25 groups of 8 rows that are alike", true, |s| of_repeated("log_loss", s)),
        ("accuracy, 25 groups of 8 rows that are alike", true, |s| of_repeated("accuracy", s)),
        ("cost of decisions, 200 rows", false, of_costs),
        ("Welch, 30 against 200 values", false, of_welch),
        ("means of parts, 40 groups of unlike size", true, of_parts),
        ("corrected resampled t, 10 folds", false, of_folds),
        ("5 x 2 cv, F", true, of_five_by_two),
        ("Wilcoxon, 20 data sets", true, of_wilcoxon),
        ("Friedman (Iman and Davenport), 15 data sets of 4", true, of_friedman),
        ("Nemenyi, all pairs of 4, 15 data sets", true, of_nemenyi),
        ("permutation against chance, 60 rows", true, of_permutation),
        ("fairness: selection rate of 3 groups, 600 rows", true, |s| {
            of_groups("selection_rate", s)
        }),
        ("fairness: true positive rate", true, |s| of_groups("true_positive_rate", s)),
        ("fairness: Brier score (Cochran)", false, |s| of_groups("brier_score", s)),
    ];
    let run = |(what, may_be_larger, test): Test| Levels {
        what: what.to_owned(),
        may_be_larger,
        p_values: for_each(n_tables, test).into_iter().flatten().collect(),
    };
    tests.into_iter().map(run).collect()
}

const N_ROWS: usize = 200;

fn of_metric(name: &str, world: World, seed: u64) -> Option<f64> {
    let Rows { truth, a, b } = world.draw(N_ROWS, seed);
    let ctx = Context::unlimited(seed, 1);
    let tested = compare(metric(name).ok()?, &Paired::new(&truth, &a, &b), &ctx);
    tested.ok().map(|c| c.p_value)
}

/// Rows that are asked for eight times each are one witness each.
fn of_repeated(name: &str, seed: u64) -> Option<f64> {
    let Rows { truth, a, b } = World::Binary(1.0).draw(25, seed);
    let rows: Vec<u32> = (0..200).map(|row| row / 8).collect();
    let (truth, a, b) = (truth.select(&rows), a.select(&rows), b.select(&rows));
    let pair = Paired { groups: Some(&rows), ..Paired::new(&truth, &a, &b) };
    compare(metric(name).ok()?, &pair, &Context::unlimited(seed, 1)).ok().map(|c| c.p_value)
}

/// A fifth of the rows beside the others; groups have one to nine rows with something in common.
fn of_parts(seed: u64) -> Option<f64> {
    let mut random = Random::new(seed ^ 0xc1u64);
    let (mut values, mut groups, mut is_first) = (Vec::new(), Vec::new(), Vec::new());
    for group in 0..40 {
        let common = random.normal();
        for _ in 0..=random.below(9) {
            values.push(common + random.normal());
            groups.push(group);
            is_first.push(group % 5 == 0);
        }
    }
    let rows =
        Parted { values: &values, is_first: &is_first, weights: None, groups: Some(&groups) };
    welch_of_rows(&rows).map(|w| w.p_greater)
}

fn of_costs(seed: u64) -> Option<f64> {
    let Rows { truth, a, b } = World::Binary(1.0).draw(N_ROWS, seed);
    let labels = ["no".to_owned(), "yes".to_owned()];
    let costs = CostMatrix::of_named(&[("fn".to_owned(), 2.0)].into(), &labels).ok()?;
    let ctx = Context::unlimited(seed, 1);
    compare_costs(&costs, &Paired::new(&truth, &a, &b), &ctx).ok().map(|c| c.p_value)
}

fn normals(n: usize, seed: u64) -> Vec<f64> {
    let mut random = Random::new(seed ^ 0x5eed);
    (0..n).map(|_| random.normal()).collect()
}

fn of_welch(seed: u64) -> Option<f64> {
    let values = normals(230, seed);
    let first: Vec<f64> = values[..30].iter().map(|v| 3.0 * v).collect();
    welch(&first, &values[30..]).map(|w| w.p_greater)
}

/// Differences of folds have the correlation that the correction assumes: 1/k of k folds.
fn of_folds(seed: u64) -> Option<f64> {
    let values = normals(11, seed);
    let differences: Vec<f64> =
        values[1..].iter().map(|v| 0.1_f64.sqrt() * values[0] + 0.9_f64.sqrt() * v).collect();
    FoldDifference::new(&differences, 1.0 / 9.0).ok().map(|d| d.p_value())
}

fn of_five_by_two(seed: u64) -> Option<f64> {
    let values = normals(10, seed);
    let pairs: Vec<[f64; 2]> = values.chunks_exact(2).map(|c| [c[0], c[1]]).collect();
    five_by_two(&pairs.try_into().ok()?).ok().map(|t| t.f.1)
}

fn of_wilcoxon(seed: u64) -> Option<f64> {
    wilcoxon(&normals(20, seed)).ok().map(|w| w.p_value)
}

fn ranked(seed: u64, n_learners: usize) -> Option<Ranking> {
    let values = normals(15 * n_learners, seed);
    let scores: Vec<Vec<f64>> = values.chunks_exact(n_learners).map(<[f64]>::to_vec).collect();
    Ranking::new(&scores, true).ok()
}

fn of_friedman(seed: u64) -> Option<f64> {
    ranked(seed, 4)?.iman_davenport.map(|f| f.1)
}

fn of_nemenyi(seed: u64) -> Option<f64> {
    let found = ranked(seed, 4)?;
    let pairs = (0..4).flat_map(|a| (0..a).map(move |b| (a, b)));
    pairs.map(|(a, b)| found.nemenyi(a, b)).reduce(f64::min)
}

fn of_permutation(seed: u64) -> Option<f64> {
    let mut random = Random::new(seed);
    let codes = (0..60).map(|row| u32::from(row % 3 == 0)).collect();
    let truth = Target::Class { codes, n_classes: 2 };
    let p = Predictions::new(1, (0..60).map(|_| random.unit()).collect());
    let ctx = Context::unlimited(seed, 1);
    let input = MetricInput::new(&truth, &p);
    against_chance(metric("roc_auc").ok()?, &input, 199, &ctx).ok().map(|t| t.p_value)
}

fn of_groups(name: &str, seed: u64) -> Option<f64> {
    let rows = World::Binary(1.0).draw(600, seed);
    let groups = Groups {
        columns: vec!["group".to_owned()],
        names: ["a", "b", "c"].map(str::to_owned).to_vec(),
        codes: (0..600).map(|row| [0, 0, 0, 1, 1, 2][row % 6]).collect(),
        note: None,
    };
    let decided = rows.a.classes(0.5);
    let input = FairnessInput {
        truth: &rows.truth,
        predictions: &rows.a,
        decided: &decided,
        weights: None,
        units: None,
        positive: Some((1, "yes")),
        min_group: 30,
        n_resamples: 200,
    };
    let found = fairness(&input, &groups, &Context::unlimited(seed, 1)).ok()?;
    found.disparities.iter().find(|d| d.name == name)?.p_value
}
