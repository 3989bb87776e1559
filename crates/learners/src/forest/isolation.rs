//! Isolation forest: rows that random cuts separate early are unusual.
//!
//! Each tree takes a few rows and cuts them, feature and place at random, until every row is alone
//! or the tree is as deep as a balanced one would be. The score of a row compares its mean depth
//! `E` with the mean depth `c(n)` of an unsuccessful search among the `n` rows of a tree:
//! `score = 2^(-E / c(n))`, near 1 for unusual rows and below 0.5 for ordinary ones. Places are
//! drawn between values, not bins: bins of equal counts would hide how far away a row is.
//!
//! Cost: trees × 256 rows to fit, whatever the table's size; trees × 8 comparisons per row to
//! score. Reference: Liu, Ting & Zhou, "Isolation forest", ICDM 2008.

use modelwright_core::data::{FeatureMatrix, FeatureView, TrainView};
use modelwright_core::params::{Checked, Domain};
use modelwright_core::random::Random;
use modelwright_core::task::Predictions;
use modelwright_core::{Context, Error, Result};
use serde::{Deserialize, Serialize};

use crate::learner::{Abilities, Learner, LearnerSpec, Model};
use crate::tree::Tree;

modelwright_core::declare_params! {
    /// Parameters of the isolation forest.
    pub struct IsolationForestParams {
        /// How many trees are grown.
        n_trees: usize = 100_usize, Domain::int(1, 10_000);
        /// How many rows each tree takes.
        max_samples: usize = 256_usize, Domain::int(2, 100_000);
        /// The share of training rows that is called unusual; 0 is those that score above 0.5.
        contamination: f64 = 0.0, Domain::real(0.0, 0.5);
    }
}

/// Random trees that tell unusual rows from ordinary ones; no target is needed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct IsolationForest {
    n_features: u32,
    /// Rows of each tree.
    n_samples: u32,
    /// Leaves hold the depth at which a row is isolated, corrected for rows left together.
    trees: Vec<Tree>,
}

impl IsolationForest {
    /// Grows trees on the given rows.
    ///
    /// # Errors
    /// Input error when there are no rows.
    pub fn fit(
        features: &FeatureMatrix,
        rows: &[u32],
        params: &Checked<IsolationForestParams>,
        ctx: &Context,
    ) -> Result<Self> {
        if rows.is_empty() {
            return Err(Error::input("there are no rows to learn from"));
        }
        let n_samples = params.max_samples.min(rows.len());
        let seed = ctx.random("isolation forest", 0).next_u64();
        let mut trees = Vec::with_capacity(params.n_trees);
        while trees.len() < params.n_trees && (ctx.proceed() || trees.is_empty()) {
            let mut random = Random::stream(seed, "tree", trees.len() as u64);
            let sample = random.sample(rows.len(), n_samples);
            let sample = sample.into_iter().map(|position| rows[position as usize]).collect();
            trees.push(isolate(features, sample, &mut random));
        }
        let n_features = features.n_features() as u32;
        Ok(Self { n_features, n_samples: n_samples as u32, trees })
    }

    /// How unusual each row is, from 0 to 1.
    ///
    /// # Errors
    /// Input error when `x` does not have the columns it was fitted on.
    pub fn scores(&self, x: &FeatureView<'_>, ctx: &Context) -> Result<Vec<f64>> {
        if x.features.n_features() != self.n_features as usize {
            return Err(Error::input("the table has other features than the model")
                .expected(format!("{} features", self.n_features))
                .got(format!("{} features", x.features.n_features())));
        }
        let usual = usual_depth(self.n_samples as usize).max(f64::MIN_POSITIVE);
        Ok(ctx.map(x.n_rows(), |i| {
            let row = x.row(i);
            let depth: f64 = self
                .trees
                .iter()
                .map(|tree| tree.values[tree.leaf_of(|f| x.features.columns[f].values[row])])
                .sum();
            (-depth / self.trees.len() as f64 / usual).exp2()
        }))
    }

    /// Proves that a decoded forest is sound.
    ///
    /// # Errors
    /// Input error that says what is broken.
    pub fn validate(&self) -> Result<()> {
        if self.trees.is_empty() || self.n_samples == 0 {
            return Err(Error::input("a stored isolation forest is broken: it has no trees"));
        }
        self.trees.iter().try_for_each(|tree| tree.validate(self.n_features as usize, 1))
    }
}

/// The name of the learner.
pub const ISOLATION_FOREST: &str = "isolation_forest";

/// The isolation forest as a learner: it looks at no target, so that no task is its own.
#[derive(Debug)]
pub struct Isolation;

impl Learner for Isolation {
    const SPEC: &'static LearnerSpec = &LearnerSpec {
        name: ISOLATION_FOREST,
        title: "Isolation forest",
        text: "Scores how unusual rows are, without a target: those that random cuts part from the \
               others early.",
        reference: "Liu, Ting & Zhou, Isolation forest, ICDM 2008",
        tasks: &[],
        abilities: Abilities {
            weights: false,
            missing: true,
            bins: false,
            sparse: false,
            early_stopping: false,
            out_of_bag: false,
        },
        rounds_param: None,
    };
    type Params = IsolationForestParams;
    type Model = IsolationForest;

    fn fit(
        train: &TrainView<'_>,
        params: &Checked<IsolationForestParams>,
        ctx: &Context,
    ) -> Result<IsolationForest> {
        IsolationForest::fit(train.features, train.rows, params, ctx)
    }
}

impl Model for IsolationForest {
    /// The scores, one for each row.
    fn predict(&self, x: &FeatureView<'_>, ctx: &Context) -> Result<Predictions> {
        Ok(Predictions::new(1, self.scores(x, ctx)?))
    }

    fn rounds(&self) -> usize {
        self.trees.len()
    }

    fn n_features(&self) -> usize {
        self.n_features as usize
    }

    fn validate(&self) -> Result<()> {
        Self::validate(self)
    }
}

/// Mean depth of an unsuccessful search in a random search tree of `n` rows: how much deeper a
/// tree would isolate rows that it left together.
fn usual_depth(n: usize) -> f64 {
    /// Euler and Mascheroni's constant.
    const GAMMA: f64 = 0.577_215_664_901_532_9;
    match n {
        0 | 1 => 0.0,
        2 => 1.0,
        _ => {
            let m = (n - 1) as f64;
            2.0 * (m.ln() + GAMMA) - 2.0 * m / (m + 1.0)
        }
    }
}

/// A tree of random cuts over the rows of a sample.
#[expect(clippy::cast_possible_wrap, reason = "a tree has at most 100,000 leaves")]
fn isolate(features: &FeatureMatrix, sample: Vec<u32>, random: &mut Random) -> Tree {
    let deepest = (sample.len() as f64).log2().ceil() as usize;
    let mut tree = Tree::default();
    // (rows, depth, inner node and side that lead here)
    let mut open = vec![(sample, 0, None)];
    while let Some((rows, depth, parent)) = open.pop() {
        let cut = if depth < deepest { random_cut(features, &rows, random) } else { None };
        let child = if cut.is_some() {
            tree.features.len() as i32
        } else {
            tree.values.push(depth as f64 + usual_depth(rows.len()));
            tree.leaf_covers.push(rows.len() as f32);
            !(tree.values.len() as i32 - 1)
        };
        if let Some((node, side)) = parent {
            let children: &mut [i32; 2] = &mut tree.children[node];
            children[side] = child;
        }
        if let Some(cut) = cut {
            let node = tree.features.len();
            tree.features.push(cut.feature as u32);
            tree.thresholds.push(cut.threshold);
            tree.missing_left.push(cut.missing_left);
            tree.children.push([0; 2]);
            tree.gains.push(0.0);
            tree.covers.push(rows.len() as f32);
            let values = &features.columns[cut.feature].values;
            let (left, right) =
                rows.into_iter().partition(|row| tree.goes_left(node, values[*row as usize]));
            open.push((left, depth + 1, Some((node, 0))));
            open.push((right, depth + 1, Some((node, 1))));
        }
    }
    tree
}

struct RandomCut {
    feature: usize,
    threshold: f32,
    missing_left: bool,
}

/// A random cut of a random feature that differs among the rows; `None` when none does.
fn random_cut(features: &FeatureMatrix, rows: &[u32], random: &mut Random) -> Option<RandomCut> {
    if rows.len() < 2 {
        return None;
    }
    let mut order: Vec<usize> = (0..features.n_features()).collect();
    random.shuffle(&mut order);
    order.into_iter().find_map(|feature| {
        let values = rows.iter().map(|row| features.columns[feature].values[*row as usize]);
        let known = values.clone().filter(|v| !v.is_nan());
        let (low, high) = (known.clone().reduce(f32::min)?, known.reduce(f32::max)?);
        if low < high {
            let at = f64::from(low) + random.unit() * (f64::from(high) - f64::from(low));
            // The largest value must go right, also when rounding says otherwise.
            let threshold = if (at as f32) < high { at as f32 } else { low };
            return Some(RandomCut { feature, threshold, missing_left: random.below(2) == 0 });
        }
        // Equal values: only missing ones can be told apart, on the right.
        let missing = values.clone().any(f32::is_nan);
        missing.then_some(RandomCut { feature, threshold: high, missing_left: false })
    })
}
