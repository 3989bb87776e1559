//! One tree of a LightGBM model.

use modelwright_core::{Error, Result};
use modelwright_learners::tree::{LevelSet, LinearLeaf, Tree};
use modelwright_preprocess::transform::cut_number::at_most;

use super::fields::Fields;
use crate::import::foreign::{ForeignFeature, Reading};

/// The line after the last tree.
pub(super) const END: &str = "end of trees";

/// Bits of a node's `decision_type`.
const IS_CATEGORICAL: u8 = 1;
const DEFAULT_LEFT: u8 = 2;

/// What the nodes say of the features: facts that hold for a feature as a whole.
pub(super) struct Seen {
    features: Vec<Uses>,
}

/// How the trees use a feature.
#[derive(Debug, Clone, Copy, Default)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts, each yes or no")]
struct Uses {
    /// A node sends zeros another way than their value says.
    zero_is_missing: bool,
    /// A node that knows missing values sends zeros and missing values different ways.
    zero_is_a_value: bool,
    in_sets: bool,
    in_thresholds: bool,
    in_leaves: bool,
}

impl Seen {
    pub(super) fn new(n_features: usize) -> Self {
        Self { features: vec![Uses::default(); n_features] }
    }

    /// Hands the facts to the features.
    ///
    /// # Errors
    /// Input error for a feature that two trees use in ways that exclude each other.
    pub(super) fn tell(&self, features: &mut [ForeignFeature]) -> Result<()> {
        for (uses, feature) in self.features.iter().zip(features) {
            let refuse =
                |what: &str, hint: &str| Err(Error::input(what).column(&feature.name).hint(hint));
            if uses.zero_is_missing && (uses.zero_is_a_value || uses.in_leaves) {
                return refuse(
                    "zero is a missing value in one tree and a number in another",
                    "train without zero_as_missing, or with it from the first tree on",
                );
            }
            if uses.in_sets && (uses.in_thresholds || uses.in_leaves) {
                return refuse(
                    "the feature is a category in one tree and a number in another",
                    "train all rounds with the same categorical_feature",
                );
            }
            feature.reading = if uses.in_sets {
                Reading::LevelNumber
            } else {
                Reading::Number { zero_is_missing: uses.zero_is_missing }
            };
        }
        Ok(())
    }
}

/// The tree of a block of fields, and its thresholds as they were in f64.
pub(super) fn tree(
    fields: &Fields<'_>,
    n_features: usize,
    seen: &mut Seen,
) -> Result<(Tree, Vec<f64>)> {
    let n_leaves = fields.whole("num_leaves")?;
    // Proves that the file really has so many leaves, before anything is made for them.
    let values: Vec<f64> = fields.list("leaf_value", n_leaves)?;
    let Some(n) = n_leaves.checked_sub(1) else {
        return Err(fields.broken("num_leaves").expected("at least 1").got("0"));
    };
    let left: Vec<i32> = fields.list("left_child", n)?;
    let right: Vec<i32> = fields.list("right_child", n)?;
    let thresholds: Vec<f64> = fields.list("threshold", n)?;
    let gains: Vec<f32> = fields.list_or("split_gain", n, 0.0)?;
    let mut tree = Tree {
        features: fields.list("split_feature", n)?,
        thresholds: vec![0.0; n],
        missing_left: vec![false; n],
        children: left.into_iter().zip(right).map(|(l, r)| [l, r]).collect(),
        gains: gains.into_iter().map(|g| if g.is_finite() { g } else { 0.0 }).collect(),
        covers: fields.list_or("internal_count", n, 0.0)?,
        values,
        leaf_covers: fields.list_or("leaf_count", n_leaves, 0.0)?,
        ..Tree::default()
    };
    if let Some(feature) = tree.features.iter().find(|f| **f as usize >= n_features) {
        return Err(fields
            .broken("split_feature")
            .expected(format!("features 0 to {}", n_features.saturating_sub(1)))
            .got(feature.to_string()));
    }
    let kinds: Vec<u8> = fields.list_or("decision_type", n, 0)?;
    let mut sets = Sets::read(fields, fields.whole("num_cat").unwrap_or(0))?;
    for (node, kind) in kinds.into_iter().enumerate() {
        let uses = &mut seen.features[tree.features[node] as usize];
        if kind & IS_CATEGORICAL != 0 {
            uses.in_sets = true;
            tree.sets.push(sets.take(fields, node, thresholds[node])?);
        } else {
            uses.in_thresholds = true;
            number_node(fields, &mut tree, node, kind, thresholds[node], uses)?;
        }
    }
    if fields.text("is_linear").is_some_and(|t| t.trim() != "0") {
        tree.linear = linear(fields, n_leaves, n_features, seen)?;
    }
    Ok((tree, thresholds))
}

/// A node that compares with a threshold: see the table in the module above.
fn number_node(
    fields: &Fields<'_>,
    tree: &mut Tree,
    node: usize,
    kind: u8,
    threshold: f64,
    uses: &mut Uses,
) -> Result<()> {
    if threshold.is_nan() {
        return Err(fields.broken("threshold").expected("numbers").got("nan"));
    }
    let default_left = kind & DEFAULT_LEFT != 0;
    let zero_left = 0.0 <= threshold;
    tree.thresholds[node] = at_most(threshold);
    tree.missing_left[node] = match kind >> 2 & 3 {
        0 => zero_left,
        1 => {
            uses.zero_is_missing |= default_left != zero_left;
            default_left
        }
        2 => {
            uses.zero_is_a_value |= default_left != zero_left;
            default_left
        }
        _ => {
            return Err(fields
                .broken("decision_type")
                .expected("a missing type of 0 (none), 1 (zero) or 2 (NaN)")
                .got(kind.to_string()));
        }
    };
    Ok(())
}

/// The sets of levels of a tree: `words[bounds[i]..bounds[i + 1]]` is set `i`.
struct Sets {
    bounds: Vec<usize>,
    words: Vec<u32>,
    is_taken: Vec<bool>,
}

impl Sets {
    fn read(fields: &Fields<'_>, n: usize) -> Result<Self> {
        if n == 0 {
            return Ok(Self { bounds: vec![0], words: Vec::new(), is_taken: Vec::new() });
        }
        let bounds: Vec<usize> = fields.list("cat_boundaries", n.saturating_add(1))?;
        if bounds[0] != 0 || bounds.windows(2).any(|pair| pair[0] > pair[1]) {
            return Err(fields.broken("cat_boundaries").expected("ascending numbers from 0"));
        }
        let words = fields.list("cat_threshold", bounds[n])?;
        Ok(Self { bounds, words, is_taken: vec![false; n] })
    }

    /// The set of a node, whose threshold is the set's number. No two nodes share one: a file
    /// could otherwise claim memory that it does not fill.
    fn take(&mut self, fields: &Fields<'_>, node: usize, threshold: f64) -> Result<LevelSet> {
        let i = threshold as usize;
        match self.is_taken.get_mut(i) {
            Some(is_taken) if i as f64 == threshold && !*is_taken => *is_taken = true,
            _ => {
                let n = self.is_taken.len();
                return Err(fields
                    .broken("threshold")
                    .expected(format!("the number of a set, each of the {n} sets once"))
                    .got(threshold.to_string()));
            }
        }
        let words = &self.words[self.bounds[i]..self.bounds[i + 1]];
        let word =
            |pair: &[u32]| u64::from(pair[0]) | u64::from(pair.get(1).copied().unwrap_or(0)) << 32;
        Ok(LevelSet { node: node as u32, words: words.chunks(2).map(word).collect() })
    }
}

fn linear(
    fields: &Fields<'_>,
    n_leaves: usize,
    n_features: usize,
    seen: &mut Seen,
) -> Result<Vec<LinearLeaf>> {
    let constants: Vec<f64> = fields.list("leaf_const", n_leaves)?;
    let counts: Vec<usize> = fields.list("num_features", n_leaves)?;
    let n_terms = counts.iter().fold(0_usize, |sum, n| sum.saturating_add(*n));
    let features: Vec<u32> = fields.list("leaf_features", n_terms)?;
    let coefficients: Vec<f64> = fields.list("leaf_coeff", n_terms)?;
    for feature in &features {
        let Some(uses) = seen.features.get_mut(*feature as usize) else {
            return Err(fields
                .broken("leaf_features")
                .expected(format!("features below {n_features}"))
                .got(feature.to_string()));
        };
        uses.in_leaves = true;
    }
    let mut terms = features.into_iter().zip(coefficients);
    let leaf = |(constant, n): (f64, usize)| LinearLeaf {
        constant,
        terms: terms.by_ref().take(n).collect(),
    };
    Ok(constants.into_iter().zip(counts).map(leaf).collect())
}
