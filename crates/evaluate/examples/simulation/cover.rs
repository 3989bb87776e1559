//! How often 95 % intervals hold the truth.

use modelwright_core::Context;
use modelwright_core::random::Random;
use modelwright_core::record::Interval;
use modelwright_core::task::Target;
use modelwright_evaluate::compare::{compare_costs, welch};
use modelwright_evaluate::fairness::{FairnessInput, Groups, fairness};
use modelwright_evaluate::metric::MetricEntry;
use modelwright_evaluate::{
    CostMatrix, EvaluateInput, MetricInput, Paired, compare, evaluate, metrics_for,
};

use crate::worlds::{Rows, World, for_each};

/// Rows of the sample that stands for the world.
const POPULATION: usize = 400_000;

/// What an interval is of, and how often it held the truth.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Held {
    /// The kind of interval, the world, the number of rows.
    pub(crate) what: String,
    /// Intervals that hold the truth.
    pub(crate) holding: usize,
    /// Intervals.
    pub(crate) of: usize,
    /// Intervals that lie above the truth, and below it.
    pub(crate) missing: [usize; 2],
    /// The median length of an interval, and that which one in twenty exceeds.
    pub(crate) length: [f64; 2],
}

impl Held {
    /// The share that held the truth.
    pub(crate) fn share(&self) -> f64 {
        self.holding as f64 / self.of.max(1) as f64
    }
}

/// How much is simulated.
#[expect(clippy::struct_field_names, reason = "numbers of different things")]
#[derive(Debug, Clone, Copy)]
pub(crate) struct Size {
    /// Tables that are drawn.
    pub(crate) n_tables: usize,
    /// Rows of each.
    pub(crate) n_rows: usize,
    /// Resamples of an interval.
    pub(crate) n_resamples: usize,
}

/// Simulates: for each table `of` gives intervals in one order; counts those around `truths`.
fn count(
    names: &[String],
    truths: &[f64],
    size: Size,
    of: impl Fn(u64) -> Vec<Option<Interval>> + Sync,
) -> Vec<Held> {
    let all = for_each(size.n_tables, of);
    let count = |i: usize| {
        let given = all.iter().filter_map(|t| t[i]);
        let above = given.clone().filter(|ci| ci.low > truths[i]).count();
        let below = given.clone().filter(|ci| ci.high < truths[i]).count();
        let mut lengths: Vec<f64> = given.map(|ci| ci.high - ci.low).collect();
        lengths.sort_by(f64::total_cmp);
        let of = lengths.len();
        let at = |one_in: usize| lengths.get(of - of.div_ceil(one_in)).copied().unwrap_or_default();
        Held {
            what: names[i].clone(),
            holding: of - above - below,
            of,
            missing: [above, below],
            length: [at(2), at(20)],
        }
    };
    (0..names.len()).map(count).collect()
}

fn named(kind: &str, names: &[&str], world: World, size: Size) -> Vec<String> {
    let of = |n: &&str| format!("{kind} · {n} · {} · {} rows", world.name(), size.n_rows);
    names.iter().map(of).collect()
}

/// The metrics of a world's task, as `evaluate` gives them.
pub(crate) fn metrics(world: World, size: Size) -> Vec<Held> {
    let population = world.draw(POPULATION, 0);
    let of_world = MetricInput::new(&population.truth, &population.a);
    let all: Vec<&MetricEntry> = metrics_for(population.truth.task()).collect();
    let truths: Vec<f64> =
        all.iter().map(|m| m.value(&of_world).expect("defined on many rows")).collect();
    let names: Vec<&str> = all.iter().map(|m| m.spec.name).collect();
    let labels = ["a".to_owned(), "b".to_owned(), "c".to_owned()];
    let n_classes = match &population.truth {
        Target::Class { n_classes, .. } => *n_classes,
        Target::Real(_) => 0,
    };
    count(&named("metric", &names, world, size), &truths, size, |seed| {
        let rows = world.draw(size.n_rows, seed);
        let ctx = Context::unlimited(seed, 1);
        let input = EvaluateInput {
            on: "rows",
            truth: &rows.truth,
            predictions: &rows.a,
            weights: None,
            threshold: 0.5,
            decided: None,
            costs: None,
            classes: &labels[..n_classes],
            metric: all[0],
            baseline: None,
            n_resamples: size.n_resamples,
            mix: modelwright_evaluate::resample::Mix::Drawn,
            groups: None,
            unit: modelwright_evaluate::Unit::Group,
        };
        let found = evaluate(&input, &ctx).expect("the rows fit");
        let interval = |name: &&str| found.metrics.iter().find(|m| m.name == **name)?.ci95;
        names.iter().map(interval).collect()
    })
}

/// The differences of two equally good models, as `compare` gives them; the truth is 0.
pub(crate) fn differences(world: World, size: Size) -> Vec<Held> {
    let all: Vec<&MetricEntry> = metrics_for(world.draw(4, 0).truth.task()).collect();
    let names: Vec<&str> = all.iter().map(|m| m.spec.name).collect();
    let truths = vec![0.0; names.len()];
    count(&named("difference", &names, world, size), &truths, size, |seed| {
        let Rows { truth, a, b } = world.draw(size.n_rows, seed);
        let ctx = Context::unlimited(seed, 1);
        let of = |m: &&MetricEntry| compare(m, &Paired::new(&truth, &a, &b), &ctx).ok();
        all.iter().map(|m| of(m).map(|c| c.ci95)).collect()
    })
}

/// The difference of what decisions cost; the truth is 0.
pub(crate) fn costs(world: World, size: Size) -> Vec<Held> {
    let labels = ["no".to_owned(), "yes".to_owned()];
    let costs = CostMatrix::of_named(&[("fn".to_owned(), 5.0)].into(), &labels)
        .expect("the costs fit two classes");
    count(&named("difference", &["cost"], world, size), &[0.0], size, |seed| {
        let Rows { truth, a, b } = world.draw(size.n_rows, seed);
        let ctx = Context::unlimited(seed, 1);
        vec![compare_costs(&costs, &Paired::new(&truth, &a, &b), &ctx).ok().map(|c| c.ci95)]
    })
}

/// Measures of a group and gaps between two groups that are alike, as `audit` gives them.
pub(crate) fn fairness_gaps(size: Size) -> Vec<Held> {
    let world = World::Binary(1.5);
    let measures = [
        "selection_rate",
        "true_positive_rate",
        "false_positive_rate",
        "precision",
        "accuracy",
        "roc_auc",
        "brier_score",
        "calibration_gap",
    ];
    let n_resamples = size.n_resamples;
    let audit = |rows: &Rows, n_resamples: usize, seed: u64| {
        let n = rows.truth.n_rows();
        let groups = Groups {
            columns: vec!["group".to_owned()],
            names: vec!["first".to_owned(), "second".to_owned()],
            codes: (0..n as u32).map(|row| u32::from(row % 3 == 0)).collect(),
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
            n_resamples,
        };
        fairness(&input, &groups, &Context::unlimited(seed, 1)).expect("the rows fit")
    };
    let population = audit(&world.draw(POPULATION, 0), 0, 0);
    let value = |name: &str| population.overall.iter().find(|m| m.name == name)?.value;
    let mut truths: Vec<f64> = measures.iter().map(|m| value(m).expect("defined")).collect();
    truths.extend(measures.map(|_| 0.0));
    let mut names = named("group", &measures, world, size);
    names.extend(named("gap of groups", &measures, world, size));
    count(&names, &truths, size, |seed| {
        let found = audit(&world.draw(size.n_rows, seed), n_resamples, seed);
        let of_group = |name: &&str| {
            let first = found.groups.iter().find(|g| g.name == "first")?;
            first.measures.iter().find(|m| m.name == **name)?.ci95
        };
        let gap = |name: &&str| found.disparities.iter().find(|d| d.name == **name)?.ci95;
        measures.iter().map(of_group).chain(measures.iter().map(gap)).collect()
    })
}

/// The difference of a slice's mean loss to that of the others: losses of 0 and 1, and long-tailed
/// ones.
pub(crate) fn slices(size: Size) -> Vec<Held> {
    let names = ["error rate", "absolute error"];
    let n_inside = (size.n_rows / 10).max(30);
    count(&named("slice", &names, World::Numbers, size), &[0.1, 0.5], size, |seed| {
        let mut random = Random::new(seed + 77);
        let mut draw = |n: usize, rate: f64, mean: f64| -> (Vec<f64>, Vec<f64>) {
            let wrong = (0..n).map(|_| f64::from(u8::from(random.unit() < rate))).collect();
            let errors = (0..n).map(|_| -mean * (1.0 - random.unit()).ln()).collect();
            (wrong, errors)
        };
        let (inside, outside) = (draw(n_inside, 0.3, 1.5), draw(size.n_rows - n_inside, 0.2, 1.0));
        let of = |a: &[f64], b: &[f64]| welch(a, b).map(|w| w.of_skewed);
        vec![of(&inside.0, &outside.0), of(&inside.1, &outside.1)]
    })
}
