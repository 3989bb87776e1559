//! A finished tree: flat arrays, one entry per inner node, children after their parents.

use modelwright_core::{Error, Result};
use modelwright_kernels::forest::TreeParts;
use serde::{Deserialize, Serialize};

/// A decision tree with one number per leaf.
///
/// Inner node 0 is the root; without inner nodes the only leaf is the root. A row goes left when
/// its value is at most the threshold, or is missing and `missing_left` says so.
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
    /// Training rows that reached each inner node.
    pub covers: Vec<u32>,
    /// The number added to the score of a row that ends in this leaf.
    pub values: Vec<f64>,
    /// Training rows in each leaf.
    pub leaf_covers: Vec<u32>,
}

impl Tree {
    /// A tree of one leaf.
    pub fn constant(value: f64, cover: u32) -> Self {
        Self { values: vec![value], leaf_covers: vec![cover], ..Self::default() }
    }

    /// How many leaves it has.
    pub fn n_leaves(&self) -> usize {
        self.values.len()
    }

    /// The arrays that prediction needs.
    pub fn parts(&self) -> TreeParts<'_> {
        TreeParts {
            features: &self.features,
            thresholds: &self.thresholds,
            missing_left: &self.missing_left,
            children: &self.children,
            values: &self.values,
        }
    }

    /// Proves that it is a tree over `n_features` features with finite leaves.
    ///
    /// # Errors
    /// Input error that says what is broken.
    pub fn validate(&self, n_features: usize) -> Result<()> {
        let broken = |what: &str| Err(Error::input(format!("a stored tree is broken: {what}")));
        let n = self.features.len();
        let inner = [
            self.thresholds.len(),
            self.missing_left.len(),
            self.children.len(),
            self.gains.len(),
            self.covers.len(),
        ];
        if inner != [n; 5] || self.values.len() != n + 1 || self.leaf_covers.len() != n + 1 {
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
            covers: vec![2],
            values: vec![-1.0, 1.0],
            leaf_covers: vec![1, 1],
        }
    }

    #[test]
    fn a_sound_tree_passes_and_each_defect_is_found() {
        assert!(stump().validate(1).is_ok());
        assert!(Tree::constant(1.0, 3).validate(0).is_ok());
        let breaks: [fn(&mut Tree); 7] = [
            |t| t.features[0] = 1,
            |t| t.thresholds[0] = f32::NAN,
            |t| t.values[1] = f64::INFINITY,
            |t| t.children[0] = [0, !1],
            |t| t.children[0] = [!0, !0],
            |t| t.children[0] = [!0, !2],
            |t| t.values.push(0.0),
        ];
        for damage in breaks {
            let mut tree = stump();
            damage(&mut tree);
            assert!(tree.validate(1).is_err(), "{tree:?}");
        }
    }
}
