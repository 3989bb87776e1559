//! Trees in one flat form, and the plain walk through them: what all faster forms are made of.
//!
//! Leaves are numbered from left to right. A step goes right when its value is above the threshold
//! or, where it tests levels, is not one of them.

use std::ops::Range;

use super::order::Order;
use super::sets::{Sets, level};
use super::{LANES, TreeParts};

/// Stands for "tests a threshold" where the number of a set is asked.
pub(super) const NO_SET: u32 = u32::MAX;

/// All trees of a forest.
#[derive(Debug, Clone, Default)]
pub(super) struct Shapes {
    pub(super) trees: Vec<Shape>,
    pub(super) steps: Vec<Step>,
    pub(super) sets: Sets,
    /// Leaf values of all trees: those of the first output from left to right, then the next.
    pub(super) values: Vec<f64>,
    /// The caller's numbers of the leaves of all trees, from left to right.
    pub(super) leaf_numbers: Vec<u32>,
    /// Linear functions of the leaves of the trees that have some, from left to right.
    linear: Vec<Linear>,
    /// Columns and coefficients of all linear functions.
    terms: Vec<(u32, f64)>,
}

/// Where a tree lies.
#[derive(Debug, Clone)]
pub(super) struct Shape {
    /// One per inner node, in the tree's own order.
    pub(super) steps: Range<usize>,
    /// Inner nodes on the longest path.
    pub(super) depth: usize,
    /// Numbers per leaf.
    pub(super) width: usize,
    /// Where its values start.
    pub(super) values: usize,
    /// Where its leaf numbers start.
    pub(super) leaves: usize,
    /// Where its linear functions start, if it has any.
    pub(super) linear: Option<usize>,
}

/// An inner node.
#[derive(Debug, Clone, Copy)]
pub(super) struct Step {
    /// Position among the used features.
    pub(super) column: u32,
    pub(super) threshold: f32,
    pub(super) missing_left: bool,
    /// Position among the sets, or [`NO_SET`].
    pub(super) set: u32,
    /// Inner nodes of the tree, or their number plus a leaf's position from the left.
    pub(super) next: [u32; 2],
}

#[derive(Debug, Clone)]
struct Linear {
    constant: f64,
    terms: Range<usize>,
}

impl Shape {
    pub(super) fn n_leaves(&self) -> usize {
        self.steps.len() + 1
    }

    /// The values of one output, from left to right.
    pub(super) fn values_of(&self, output: usize) -> Range<usize> {
        let start = self.values + output * self.n_leaves();
        start..start + self.n_leaves()
    }
}

impl Shapes {
    /// Appends a tree; `position` are the columns of the features.
    ///
    /// # Panics
    /// If it is not a tree; see [`super::Forest::new`].
    pub(super) fn push(&mut self, tree: &TreeParts<'_>, position: &[u32]) {
        let n = tree.features.len();
        assert!(
            tree.thresholds.len() == n && tree.missing_left.len() == n && tree.children.len() == n,
            "arrays of one length"
        );
        let width = tree.values.len() / (n + 1);
        assert!(width > 0 && width * (n + 1) == tree.values.len(), "each leaf has as many values");
        assert!(!tree.thresholds.iter().any(|t| t.is_nan()), "thresholds are numbers");
        let order = Order::of(tree.children);
        let shape = Shape {
            steps: self.steps.len()..self.steps.len() + n,
            depth: order.depth,
            width,
            values: self.values.len(),
            leaves: self.leaf_numbers.len(),
            linear: self.push_linear(tree, &order.leaves, position),
        };
        for output in 0..width {
            let value = |leaf: &u32| tree.values[*leaf as usize * width + output];
            self.values.extend(order.leaves.iter().map(value));
        }
        self.leaf_numbers.extend(&order.leaves);
        let place = |child: i32| match usize::try_from(child) {
            Ok(inner) => inner as u32,
            Err(_) => n as u32 + order.rank[!child as usize],
        };
        self.steps.extend((0..n).map(|i| Step {
            column: position[tree.features[i] as usize],
            threshold: tree.thresholds[i],
            missing_left: tree.missing_left[i],
            set: NO_SET,
            next: tree.children[i].map(place),
        }));
        for (node, words) in &tree.sets {
            assert!((*node as usize) < n, "a set belongs to a node");
            self.steps[shape.steps.start + *node as usize].set = self.sets.number(words);
        }
        self.trees.push(shape);
    }

    fn push_linear(
        &mut self,
        tree: &TreeParts<'_>,
        leaves: &[u32],
        position: &[u32],
    ) -> Option<usize> {
        if tree.linear.is_empty() {
            return None;
        }
        assert_eq!(tree.linear.len(), leaves.len(), "one linear function per leaf");
        let start = self.linear.len();
        for leaf in leaves {
            let (constant, terms) = tree.linear[*leaf as usize];
            let first = self.terms.len();
            self.terms.extend(terms.iter().map(|(f, c)| (position[*f as usize], *c)));
            self.linear.push(Linear { constant, terms: first..self.terms.len() });
        }
        Some(start)
    }

    /// The position of the leaf in which a row ends; `value` gives its used features.
    pub(super) fn exit(&self, tree: &Shape, value: impl Fn(usize) -> f32) -> usize {
        let steps = &self.steps[tree.steps.clone()];
        let mut at = 0;
        while let Some(step) = steps.get(at) {
            let right = step.right(value(step.column as usize), &self.sets);
            at = step.next[usize::from(right)] as usize;
        }
        at - steps.len()
    }

    /// What a row that ends in `leaf` gets for one of the tree's outputs.
    #[inline]
    pub(super) fn leaf_value(
        &self,
        tree: &Shape,
        leaf: usize,
        output: usize,
        value: impl Fn(usize) -> f32,
    ) -> f64 {
        let plain = self.values[tree.values_of(output)][leaf];
        let Some(start) = tree.linear else { return plain };
        let linear = &self.linear[start + leaf];
        let mut sum = linear.constant;
        for (column, coefficient) in &self.terms[linear.terms.clone()] {
            let x = value(*column as usize);
            if x.is_nan() {
                return plain;
            }
            sum += coefficient * f64::from(x);
        }
        sum
    }

    /// The exits of the first rows of a block, as many as `exits`, all rows step by step together.
    pub(super) fn exits(&self, tree: &Shape, values: &[[f32; LANES]], exits: &mut [u32]) {
        let steps = &self.steps[tree.steps.clone()];
        exits.fill(0);
        for _ in 0..tree.depth {
            let mut inner = false;
            for (lane, at) in exits.iter_mut().enumerate() {
                let Some(step) = steps.get(*at as usize) else { continue };
                let x = values[step.column as usize][lane];
                *at = step.next[usize::from(step.right(x, &self.sets))];
                inner = true;
            }
            if !inner {
                break;
            }
        }
        for at in exits {
            *at -= steps.len() as u32;
        }
    }
}

impl Step {
    /// Whether it sends every value to the same side as `other`.
    pub(super) fn is_same_test(&self, other: &Self) -> bool {
        self.column == other.column
            && self.threshold == other.threshold
            && self.missing_left == other.missing_left
            && self.set == other.set
    }

    #[inline(always)]
    fn right(&self, x: f32, sets: &Sets) -> bool {
        if self.set != NO_SET {
            return if x.is_nan() {
                !self.missing_left
            } else {
                !sets.contains(self.set, level(x))
            };
        }
        if self.missing_left { x > self.threshold } else { !below(x, self.threshold) }
    }
}

/// `x <= threshold`, false for NaN; a name of its own because `!(a <= b)` reads like a slip.
#[inline(always)]
fn below(x: f32, threshold: f32) -> bool {
    x <= threshold
}
