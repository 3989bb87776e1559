//! Hierarchical shrinkage: leaves that are drawn towards the nodes above them.
//!
//! ```text
//! value of a leaf = mean(root) + Σ (mean(child) - mean(node)) / (1 + strength / rows(node))
//!                   over the nodes between root and leaf, each with its child on the path
//! ```
//!
//! A leaf of one row says what that row's target is; its larger neighbourhoods say how much of it
//! is chance. On noisy targets that is worth as much as larger leaves, on clean ones nothing is
//! lost, and the trees need not be grown again to find out which: rows out of the bag choose.
//! Reference: Agarwal, Tan, Ronen, Singh & Yu, "Hierarchical shrinkage: improving the accuracy and
//! interpretability of tree-based methods", ICML 2022, equation 2.

use crate::tree::Tree;

/// The strengths that are tried, in rows; the first ones where memory allows fewer.
pub(super) const STRENGTHS: [f64; 6] = [0.0, 10.0, 30.0, 3.0, 1.0, 100.0];

/// The leaves of `tree`, of which `weights` are the weights, drawn up with one strength: leaf after
/// leaf, one number per output, each between the smallest and the largest leaf but for rounding.
pub(super) fn shrunk(tree: &Tree, weights: &[f32], strength: f64) -> Vec<f64> {
    let width = tree.width();
    let n_nodes = tree.features.len();
    if strength == 0.0 || n_nodes == 0 {
        return tree.values.clone();
    }
    let means = means(tree, weights);
    let mut values = vec![0.0; tree.values.len()];
    // What nodes come to; a child is above its parent, so that parents are ready first.
    let mut drawn = means[..width].to_vec();
    drawn.resize(n_nodes * width, 0.0);
    for (node, children) in tree.children.iter().enumerate() {
        let part = 1.0 / (1.0 + strength / f64::from(tree.covers[node]).max(1.0));
        for child in children {
            for output in 0..width {
                let from = node * width + output;
                let mean = match usize::try_from(*child) {
                    Ok(child) => means[child * width + output],
                    Err(_) => tree.values[!*child as usize * width + output],
                };
                let value = drawn[from] + (mean - means[from]) * part;
                match usize::try_from(*child) {
                    Ok(child) => drawn[child * width + output] = value,
                    Err(_) => values[!*child as usize * width + output] = value,
                }
            }
        }
    }
    values
}

/// The weighted mean of the leaves below each inner node, node after node.
fn means(tree: &Tree, weights: &[f32]) -> Vec<f64> {
    let width = tree.width();
    let mut sums = vec![0.0; tree.features.len() * width];
    let mut totals = vec![0.0; tree.features.len()];
    // Children are above their parents, so that they are ready first.
    for (node, children) in tree.children.iter().enumerate().rev() {
        for child in children {
            let at = usize::try_from(*child);
            totals[node] += at.map_or_else(|_| f64::from(weights[!*child as usize]), |c| totals[c]);
            for output in 0..width {
                sums[node * width + output] += if let Ok(child) = at {
                    sums[child * width + output]
                } else {
                    let leaf = !*child as usize;
                    tree.values[leaf * width + output] * f64::from(weights[leaf])
                };
            }
        }
    }
    for (means, total) in sums.chunks_exact_mut(width).zip(&totals) {
        for mean in means {
            *mean /= total.max(f64::MIN_POSITIVE);
        }
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `x0 <= 1`: a leaf of 3 rows; otherwise `x1 <= 2`: leaves of 2 rows and of 1.
    fn tree() -> Tree {
        Tree {
            features: vec![0, 1],
            thresholds: vec![1.0, 2.0],
            missing_left: vec![false; 2],
            children: vec![[!0, 1], [!1, !2]],
            gains: vec![1.0; 2],
            covers: vec![6.0, 3.0],
            values: vec![1.0, 4.0, 10.0],
            leaf_covers: vec![3.0, 2.0, 1.0],
            ..Tree::default()
        }
    }

    #[test]
    fn leaves_are_drawn_along_their_path() {
        let got = shrunk(&tree(), &[3.0, 2.0, 1.0], 6.0);
        // Means: (3 + 8 + 10) / 6 = 3.5 and 18 / 3 = 6; parts: 1 / 2 and 1 / 3.
        let inner = 3.5 + (6.0 - 3.5) / 2.0;
        let want = [3.5 + (1.0 - 3.5) / 2.0, inner + (4.0 - 6.0) / 3.0, inner + 4.0 / 3.0];
        assert!(got.iter().zip(want).all(|(g, w)| (g - w).abs() < 1e-12), "{got:?} {want:?}");
    }

    #[test]
    fn no_strength_changes_nothing_and_an_endless_one_leaves_the_mean() {
        assert_eq!(shrunk(&tree(), &[3.0, 2.0, 1.0], 0.0), tree().values);
        let mean = shrunk(&tree(), &[1.0, 1.0, 2.0], 1e12);
        assert!(mean.iter().all(|v| (v - 6.25).abs() < 1e-9), "{mean:?}");
        let stump = Tree::constant(2.0, 5.0);
        assert_eq!(shrunk(&stump, &[5.0], 10.0), [2.0]);
    }

    #[test]
    fn shares_stay_shares() {
        let shares = Tree { values: vec![1.0, 0.0, 0.5, 0.5, 0.0, 1.0], ..tree() };
        for leaf in shrunk(&shares, &[3.0, 2.0, 1.0], 3.0).chunks_exact(2) {
            assert!((leaf[0] + leaf[1] - 1.0).abs() < 1e-12 && leaf.iter().all(|p| *p > 0.0));
        }
    }
}
