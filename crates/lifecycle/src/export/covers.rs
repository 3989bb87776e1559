//! Whole row counts of a tree, for formats that know no others.
//!
//! Covers of row counts are kept. Sums of weights or Hessians are stretched until the smallest
//! leaf has a row, rounded in the leaves, and added up above them: explainers divide by counts and
//! expect a parent to be the sum of its children.

use modelwright_learners::tree::Tree;

/// More rows than this do not fit a 32-bit count.
const N_ROWS_MAX: f64 = 1e9;

/// Rows of each inner node and of each leaf.
pub(super) fn counts(tree: &Tree) -> (Vec<u64>, Vec<u64>) {
    let covers = || tree.leaf_covers.iter().map(|cover| f64::from(*cover));
    let is_whole = covers().all(|cover| cover.fract() == 0.0 && cover >= 1.0);
    let smallest = covers().filter(|cover| *cover > 0.0).fold(f64::INFINITY, f64::min);
    let total: f64 = covers().sum();
    let factor = if is_whole || !smallest.is_finite() { 1.0 } else { (1.0 / smallest).max(1.0) };
    let factor = if total > 0.0 { factor.min(N_ROWS_MAX / total) } else { factor };
    let leaves: Vec<u64> = covers().map(|cover| (cover * factor).round().max(1.0) as u64).collect();
    let mut inner = vec![0; tree.features.len()];
    // Children stand after their parents.
    for node in (0..inner.len()).rev() {
        inner[node] = (tree.children[node].iter())
            .map(|child| match usize::try_from(*child) {
                Ok(child) => inner[child],
                Err(_) => leaves[!*child as usize],
            })
            .sum();
    }
    (inner, leaves)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(leaf_covers: Vec<f32>) -> Tree {
        Tree {
            features: vec![0, 0],
            children: vec![[1, !0], [!1, !2]],
            leaf_covers,
            ..Tree::default()
        }
    }

    #[test]
    fn counts_stay_and_hessians_become_counts_that_add_up() {
        assert_eq!(counts(&tree(vec![3.0, 4.0, 5.0])), (vec![12, 9], vec![3, 4, 5]));
        assert_eq!(counts(&tree(vec![0.5, 0.25, 1.1])), (vec![7, 5], vec![2, 1, 4]));
        assert_eq!(counts(&tree(vec![0.0, 0.0, 0.0])), (vec![3, 2], vec![1, 1, 1]));
        let (inner, _) = counts(&tree(vec![1e-30, 1.0, 1.0]));
        assert!(inner[0] < 2_000_000_000);
    }
}
