//! A finished tree: flat arrays, one entry per inner node, children after their parents.

use modelwright_core::{Error, Result};
use modelwright_kernels::forest::TreeParts;
use serde::{Deserialize, Serialize};

/// A decision tree; every leaf has one number, or one per output.
///
/// Inner node 0 is the root; without inner nodes the only leaf is the root. A row goes left when
/// its value is at most the threshold, or is missing and `missing_left` says so. At a node that
/// tests levels ([`LevelSet`]) a row goes left when its value is one of them.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Tree {
    /// Feature tested at each inner node.
    pub features: Vec<u32>,
    /// Threshold of each inner node; infinity separates missing values from all others.
    pub thresholds: Vec<f32>,
    /// Whether missing values go left at each inner node.
    pub missing_left: Vec<bool>,
    /// Left and right child of each inner node: a higher inner node, or `!leaf`.
    pub children: Vec<[i32; 2]>,
    /// How much the split of each inner node reduced the loss (twice, as in LightGBM).
    pub gains: Vec<f32>,
    /// Training rows (or their weight) that reached each inner node.
    pub covers: Vec<f32>,
    /// What a leaf adds to the score of a row, leaf after leaf: one number for each leaf, or one
    /// per output for each leaf.
    pub values: Vec<f64>,
    /// Training rows (or their weight) in each leaf.
    pub leaf_covers: Vec<f32>,
    /// Nodes that test levels, ascending by node; their thresholds have no meaning and are 0.
    pub sets: Vec<LevelSet>,
    /// Linear functions of the leaves: none, or one per leaf.
    pub linear: Vec<LinearLeaf>,
}

/// The levels that go left at a node: whole numbers of a categorical feature.
///
/// Values that are not in the set, among them negative and fractional ones and levels that were
/// never seen, go right; missing values go where `missing_left` says.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct LevelSet {
    /// The inner node.
    pub node: u32,
    /// Bit `v % 64` of word `v / 64` says whether level `v` goes left.
    pub words: Vec<u64>,
}

/// A leaf's linear function: `constant + Σ coefficient · feature`.
///
/// A row in which one of the features is missing gets the leaf's plain value instead (LightGBM's
/// `linear_tree`; Shi et al., "Gradient boosting with piece-wise linear regression trees", 2019).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct LinearLeaf {
    /// The constant term.
    pub constant: f64,
    /// Features with their coefficients.
    pub terms: Vec<(u32, f64)>,
}

impl LevelSet {
    /// Whether `value` is one of the levels; `false` for NaN.
    pub fn contains(&self, value: f32) -> bool {
        let whole = value >= 0.0 && value < u32::MAX as f32 && value.fract() == 0.0;
        whole && {
            let level = value as usize;
            self.words.get(level / 64).is_some_and(|word| word >> (level % 64) & 1 == 1)
        }
    }
}

impl Tree {
    /// A tree of one leaf.
    pub fn constant(value: f64, cover: f32) -> Self {
        Self { values: vec![value], leaf_covers: vec![cover], ..Self::default() }
    }

    /// How many leaves it has.
    pub fn n_leaves(&self) -> usize {
        self.features.len() + 1
    }

    /// How many numbers a leaf has: 1, or the number of outputs.
    pub fn width(&self) -> usize {
        self.values.len() / self.n_leaves()
    }

    /// The leaf in which a row ends; `value` gives the row's features.
    ///
    /// This is the definition that all faster ways of prediction are tested against.
    pub fn leaf_of(&self, value: impl Fn(usize) -> f32) -> usize {
        let mut child = if self.features.is_empty() { !0 } else { 0 };
        while let Ok(node) = usize::try_from(child) {
            let left = self.goes_left(node, value(self.features[node] as usize));
            child = self.children[node][usize::from(!left)];
        }
        !child as usize
    }

    /// What a row of leaf `leaf` gets for output `output` of the tree's [`Self::width`].
    pub fn leaf_value(&self, leaf: usize, output: usize, value: impl Fn(usize) -> f32) -> f64 {
        let plain = self.values[leaf * self.width() + output];
        let Some(linear) = self.linear.get(leaf) else { return plain };
        let mut sum = linear.constant;
        for (feature, coefficient) in &linear.terms {
            let x = value(*feature as usize);
            if x.is_nan() {
                return plain;
            }
            sum += coefficient * f64::from(x);
        }
        sum
    }

    /// Whether a row with this value of the node's feature goes left.
    pub fn goes_left(&self, node: usize, value: f32) -> bool {
        if value.is_nan() {
            return self.missing_left[node];
        }
        match self.sets.binary_search_by_key(&(node as u32), |set| set.node) {
            Ok(at) => self.sets[at].contains(value),
            Err(_) => value <= self.thresholds[node],
        }
    }

    /// The arrays that prediction needs.
    pub fn parts(&self) -> TreeParts<'_> {
        TreeParts {
            features: &self.features,
            thresholds: &self.thresholds,
            missing_left: &self.missing_left,
            children: &self.children,
            values: &self.values,
            sets: self.sets.iter().map(|set| (set.node, set.words.as_slice())).collect(),
            linear: self.linear.iter().map(|l| (l.constant, l.terms.as_slice())).collect(),
        }
    }

    /// Proves that it is a tree over `n_features` features with finite leaves of the given width.
    ///
    /// # Errors
    /// Input error that says what is broken.
    pub fn validate(&self, n_features: usize, width: usize) -> Result<()> {
        let n = self.features.len();
        let inner = [
            self.thresholds.len(),
            self.missing_left.len(),
            self.children.len(),
            self.gains.len(),
            self.covers.len(),
        ];
        let leaves = [self.values.len(), self.leaf_covers.len() * width];
        let n_linear = self.linear.len();
        if inner != [n; 5] || leaves != [(n + 1) * width; 2] || ![0, n + 1].contains(&n_linear) {
            return broken("its arrays differ in length");
        }
        if self.features.iter().any(|f| *f as usize >= n_features) {
            return broken("it tests a feature that does not exist");
        }
        if self.thresholds.iter().any(|t| t.is_nan()) {
            return broken("a threshold is not a number");
        }
        if self.values.iter().any(|v| !v.is_finite()) {
            return broken("a leaf is not a finite number");
        }
        if self.covers.iter().chain(&self.leaf_covers).any(|c| !(c.is_finite() && *c >= 0.0)) {
            return broken("a cover is not a finite number of at least 0");
        }
        self.validate_sets()?;
        self.validate_linear(n_features, width)?;
        self.validate_shape()
    }

    fn validate_sets(&self) -> Result<()> {
        let ascending = self.sets.windows(2).all(|pair| pair[0].node < pair[1].node);
        let known = self.sets.last().is_none_or(|set| (set.node as usize) < self.features.len());
        if ascending && known { Ok(()) } else { broken("its sets of levels are not in order") }
    }

    fn validate_linear(&self, n_features: usize, width: usize) -> Result<()> {
        let sound = |leaf: &LinearLeaf| {
            leaf.constant.is_finite()
                && leaf.terms.iter().all(|(f, c)| (*f as usize) < n_features && c.is_finite())
        };
        if self.linear.is_empty() || width == 1 && self.linear.iter().all(sound) {
            Ok(())
        } else {
            broken("a linear leaf is not usable")
        }
    }

    fn validate_shape(&self) -> Result<()> {
        let n = self.features.len();
        // Children above their parent and each claimed once: then every node and leaf is reached.
        let mut inner_claimed = vec![false; n];
        let mut leaf_claimed = vec![false; n + 1];
        for (parent, children) in self.children.iter().enumerate() {
            for child in children {
                let claimed = match usize::try_from(*child) {
                    Ok(node) if node > parent => inner_claimed.get_mut(node),
                    Ok(_) => None,
                    Err(_) => leaf_claimed.get_mut(!*child as usize),
                };
                match claimed {
                    Some(claimed) if !*claimed => *claimed = true,
                    _ => return broken("its nodes do not form a tree"),
                }
            }
        }
        let whole =
            inner_claimed.iter().skip(1).all(|c| *c) && (n == 0 || leaf_claimed.iter().all(|c| *c));
        if whole { Ok(()) } else { broken("a node is never reached") }
    }
}

fn broken(what: &str) -> Result<()> {
    Err(Error::input(format!("a stored tree is broken: {what}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stump() -> Tree {
        Tree {
            features: vec![0],
            thresholds: vec![0.5],
            missing_left: vec![true],
            children: vec![[!0, !1]],
            gains: vec![1.0],
            covers: vec![2.0],
            values: vec![-1.0, 1.0],
            leaf_covers: vec![1.0, 1.0],
            ..Tree::default()
        }
    }

    #[test]
    fn a_sound_tree_passes_and_each_defect_is_found() {
        assert!(stump().validate(1, 1).is_ok());
        assert!(Tree::constant(1.0, 3.0).validate(0, 1).is_ok());
        let breaks: [fn(&mut Tree); 11] = [
            |t| t.features[0] = 1,
            |t| t.thresholds[0] = f32::NAN,
            |t| t.values[1] = f64::INFINITY,
            |t| t.children[0] = [0, !1],
            |t| t.children[0] = [!0, !0],
            |t| t.children[0] = [!0, !2],
            |t| t.values.push(0.0),
            |t| t.covers[0] = f32::NAN,
            |t| t.sets = vec![LevelSet { node: 1, words: vec![1] }],
            |t| t.linear = vec![LinearLeaf::default()],
            |t| t.linear = vec![LinearLeaf { constant: 0.0, terms: vec![(1, 1.0)] }; 2],
        ];
        for damage in breaks {
            let mut tree = stump();
            damage(&mut tree);
            assert!(tree.validate(1, 1).is_err(), "{tree:?}");
        }
        let wide = Tree { values: vec![1.0, 2.0, 3.0, 4.0], ..stump() };
        assert!(wide.validate(1, 2).is_ok() && wide.validate(1, 1).is_err());
        assert_eq!(wide.leaf_value(1, 0, |_| 0.0), 3.0);
    }

    #[test]
    fn levels_in_the_set_go_left_and_everything_else_right() {
        let sets = vec![LevelSet { node: 0, words: vec![0b101, 1] }];
        let tree = Tree { sets, missing_left: vec![false], ..stump() };
        for (value, leaf) in [(0.0, 0), (1.0, 1), (2.0, 0), (64.0, 0), (65.0, 1), (-0.0, 0)] {
            assert_eq!(tree.leaf_of(|_| value), leaf, "{value}");
        }
        for value in [-1.0, 0.5, 128.0, 1e30, f32::INFINITY, f32::NEG_INFINITY, f32::NAN] {
            assert_eq!(tree.leaf_of(|_| value), 1, "{value}");
        }
    }

    #[test]
    fn a_linear_leaf_falls_back_to_its_value_when_a_feature_is_missing() {
        let leaf = LinearLeaf { constant: 1.0, terms: vec![(0, 2.0)] };
        let tree = Tree { linear: vec![leaf.clone(), leaf], ..stump() };
        assert_eq!(tree.leaf_value(0, 0, |_| 0.25), 1.5);
        assert_eq!(tree.leaf_value(1, 0, |_| f32::NAN), 1.0);
    }
}
