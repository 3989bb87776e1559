//! Linear functions in the leaves of a grown tree.
//!
//! Each leaf gets the ridge regression of its Newton problem on the features that were tested on
//! the way to it:
//!
//! ```text
//! minimise Σ g f(x) + ½ h f(x)² + ½ λ Σ β²,   f(x) = c + Σ β (x - mean) / deviation
//! ```
//!
//! over its rows in which none of these features is missing, with means and deviations of those
//! rows weighted by their Hessians. Centring makes `c` the plain Newton step. A leaf with too few
//! rows, or whose system is too close to singular, keeps its plain value, and so do rows in which
//! a feature is missing. Reference: Shi et al., "Gradient boosting with piece-wise linear
//! regression trees", IJCAI 2019; LightGBM's `linear_tree`.

use modelwright_core::data::{FeatureMatrix, TrainView};
use modelwright_core::{Error, Result};
use modelwright_kernels::entry::{Entry, row};
use rayon::prelude::*;

use super::leaves::{LeafRows, newton};
use super::loss::Loss;
use super::params::GbdtParams;
use crate::tree::{LinearLeaf, Tree};

/// The most features of a leaf: those tested last.
const MAX_TERMS: usize = 12;
/// A pivot below this part of its diagonal means that a feature follows from the others.
const SMALLEST_PIVOT: f64 = 1e-8;
/// A feature varies when its deviation is above this part of its size.
const SMALLEST_DEVIATION: f64 = 1e-9;

/// Refuses linear leaves where there is no Newton problem or no place for them.
///
/// # Errors
/// Input error for a loss without curvature, trees of several outputs, monotone features, and
/// features that are bins alone.
pub(super) fn check(params: &GbdtParams, loss: &dyn Loss, features: &FeatureMatrix) -> Result<()> {
    let wrong = |what: &str, got: &str| {
        Err(Error::input(format!("`linear_tree` does not go with {what}"))
            .expected("linear_tree = false")
            .got(got))
    };
    if params.linear_tree && loss.leaf_quantile(0).is_some() {
        return wrong("a loss whose leaves are quantiles of residuals", &params.loss);
    }
    if params.linear_tree && params.tree_outputs == "all" {
        return wrong("trees of several outputs", "tree_outputs = all");
    }
    if params.linear_tree && !params.monotone.is_empty() {
        return wrong("features that must act in one direction", &params.monotone);
    }
    if params.linear_tree && !features.has_values() {
        return wrong("features whose values are not in memory", "linear_tree = true");
    }
    Ok(())
}

/// Sets the linear functions of `tree`, whose plain values are set; shrunk by `rate`.
pub(super) fn fit(
    tree: &mut Tree,
    rows: &LeafRows<'_>,
    train: &TrainView<'_>,
    params: &GbdtParams,
    rate: f64,
) {
    let paths = paths(tree);
    let of_leaf = |(leaf, path): (usize, &Vec<u32>)| {
        // In the order of the rows, as whoever fits the tree anew has them.
        let mut entries = rows.places.of(&rows.leaves[leaf]).concat();
        entries.sort_unstable_by_key(|entry| row(*entry));
        let fit = LeafFit { features: path, train, gradients: rows.gradients };
        let found = fit.solve(&entries, params).map(|found| shrink(found, rate));
        let sound =
            |l: &LinearLeaf| l.constant.is_finite() && l.terms.iter().all(|(_, c)| c.is_finite());
        found.filter(sound).unwrap_or(LinearLeaf { constant: tree.values[leaf], terms: vec![] })
    };
    tree.linear = paths.par_iter().enumerate().map(of_leaf).collect();
}

fn shrink(mut leaf: LinearLeaf, rate: f64) -> LinearLeaf {
    leaf.constant *= rate;
    for (_, coefficient) in &mut leaf.terms {
        *coefficient *= rate;
    }
    leaf
}

/// The features tested by thresholds on the way to each leaf, the last ones first, each once.
fn paths(tree: &Tree) -> Vec<Vec<u32>> {
    let mut of_nodes: Vec<Vec<u32>> = vec![Vec::new(); tree.children.len()];
    let mut of_leaves = vec![Vec::new(); tree.n_leaves()];
    for node in 0..tree.children.len() {
        let mut path = of_nodes[node].clone();
        let by_levels = tree.sets.iter().any(|set| set.node as usize == node);
        if !by_levels {
            path.retain(|f| *f != tree.features[node]);
            path.insert(0, tree.features[node]);
        }
        for child in tree.children[node] {
            match usize::try_from(child) {
                Ok(inner) => of_nodes[inner].clone_from(&path),
                Err(_) => {
                    of_leaves[!child as usize] = path.iter().copied().take(MAX_TERMS).collect();
                }
            }
        }
    }
    of_leaves
}

/// The Newton problem of one leaf.
struct LeafFit<'a> {
    features: &'a [u32],
    train: &'a TrainView<'a>,
    gradients: &'a [[f32; 2]],
}

/// Sums over a leaf's rows without missing values.
struct Moments {
    n: usize,
    gradient: f64,
    hessian: f64,
    means: Vec<f64>,
    deviations: Vec<f64>,
}

impl LeafFit<'_> {
    fn solve(&self, entries: &[Entry], params: &GbdtParams) -> Option<LinearLeaf> {
        let moments = self.moments(entries)?;
        let varying: Vec<usize> = (0..self.features.len())
            .filter(|j| {
                let least = SMALLEST_DEVIATION * (moments.means[*j].abs() + f64::MIN_POSITIVE);
                moments.deviations[*j] > least
            })
            .collect();
        let d = varying.len();
        if d == 0 || moments.n < 2 * (d + 1) {
            return None;
        }
        let (mut matrix, mut slopes) = self.system(entries, &moments, &varying);
        for j in 0..d {
            matrix[j * d + j] += params.linear_lambda;
        }
        solve_positive(&mut matrix, &mut slopes)?;
        let mut constant = newton([moments.gradient, moments.hessian], params);
        let mut terms = Vec::with_capacity(d);
        for (j, slope) in varying.iter().zip(&slopes) {
            let coefficient = slope / moments.deviations[*j];
            constant -= coefficient * moments.means[*j];
            terms.push((self.features[*j], coefficient));
        }
        Some(LinearLeaf { constant, terms })
    }

    /// Calls `take` with features, gradient and Hessian of each row that counts and lacks nothing.
    fn for_rows(&self, entries: &[Entry], mut take: impl FnMut(&[f64], f64, f64)) {
        let columns: Vec<&[f32]> = self
            .features
            .iter()
            .map(|f| &*self.train.features.columns[*f as usize].values)
            .collect();
        let mut x = vec![0.0; columns.len()];
        for entry in entries {
            let row = row(*entry) as usize;
            let table_row = self.train.rows[row] as usize;
            let mut complete = true;
            for (x, column) in x.iter_mut().zip(&columns) {
                *x = f64::from(column[table_row]);
                complete &= !x.is_nan();
            }
            let [g, h] = self.gradients[row].map(f64::from);
            if complete && h > 0.0 {
                take(&x, g, h);
            }
        }
    }

    fn moments(&self, entries: &[Entry]) -> Option<Moments> {
        let d = self.features.len();
        let (mut n, mut sums, mut means) = (0, [0.0; 2], vec![0.0; d]);
        self.for_rows(entries, |x, g, h| {
            n += 1;
            sums = [sums[0] + g, sums[1] + h];
            for (mean, x) in means.iter_mut().zip(x) {
                *mean += h * x;
            }
        });
        if sums[1] <= 0.0 {
            return None;
        }
        for mean in &mut means {
            *mean /= sums[1];
        }
        let mut squares = vec![0.0; d];
        self.for_rows(entries, |x, _, h| {
            for ((square, x), mean) in squares.iter_mut().zip(x).zip(&means) {
                *square += h * (x - mean).powi(2);
            }
        });
        let deviations = squares.iter().map(|s| (s / sums[1]).sqrt()).collect();
        Some(Moments { n, gradient: sums[0], hessian: sums[1], means, deviations })
    }

    /// `Σ h z zᵀ` and `-Σ g z` of the standardised features.
    fn system(
        &self,
        entries: &[Entry],
        moments: &Moments,
        varying: &[usize],
    ) -> (Vec<f64>, Vec<f64>) {
        let d = varying.len();
        let (mut matrix, mut right) = (vec![0.0; d * d], vec![0.0; d]);
        let mut z = vec![0.0; d];
        self.for_rows(entries, |x, g, h| {
            for (z, j) in z.iter_mut().zip(varying) {
                *z = (x[*j] - moments.means[*j]) / moments.deviations[*j];
            }
            for (i, zi) in z.iter().enumerate() {
                right[i] -= g * zi;
                for (place, zj) in matrix[i * d..=i * d + i].iter_mut().zip(&z) {
                    *place += h * zi * zj;
                }
            }
        });
        (matrix, right)
    }
}

/// Solves `A x = b` by Cholesky's method, given the lower triangle of a positive definite `A`; `x`
/// replaces `b`. `None` when `A` is not, or nearly not, positive definite.
fn solve_positive(matrix: &mut [f64], right: &mut [f64]) -> Option<()> {
    let d = right.len();
    for i in 0..d {
        for j in 0..=i {
            let inner: f64 = (0..j).map(|k| matrix[i * d + k] * matrix[j * d + k]).sum();
            let rest = matrix[i * d + j] - inner;
            if i == j {
                let sound = rest > SMALLEST_PIVOT * matrix[i * d + i];
                if !sound {
                    return None;
                }
                matrix[i * d + i] = rest.sqrt();
            } else {
                matrix[i * d + j] = rest / matrix[j * d + j];
            }
        }
    }
    for i in 0..d {
        let inner: f64 = (0..i).map(|k| matrix[i * d + k] * right[k]).sum();
        right[i] = (right[i] - inner) / matrix[i * d + i];
    }
    for i in (0..d).rev() {
        let inner: f64 = (i + 1..d).map(|k| matrix[k * d + i] * right[k]).sum();
        right[i] = (right[i] - inner) / matrix[i * d + i];
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_system_is_solved_and_a_singular_one_is_refused() {
        // A = [[4, 2], [2, 3]], b = [2, 5]: x = [-0.5, 2].
        let (mut a, mut b) = (vec![4.0, 0.0, 2.0, 3.0], vec![2.0, 5.0]);
        solve_positive(&mut a, &mut b).unwrap();
        assert!((b[0] + 0.5).abs() < 1e-12 && (b[1] - 2.0).abs() < 1e-12, "{b:?}");
        for singular in [vec![1.0, 0.0, 1.0, 1.0], vec![0.0, 0.0, 0.0, 1.0], vec![f64::NAN; 4]] {
            assert!(solve_positive(&mut singular.clone(), &mut [1.0, 1.0]).is_none());
        }
    }

    #[test]
    fn paths_hold_each_feature_once_the_last_first() {
        let tree = Tree {
            features: vec![3, 1, 3],
            thresholds: vec![0.0; 3],
            missing_left: vec![true; 3],
            children: vec![[1, !0], [!1, 2], [!2, !3]],
            ..Tree::default()
        };
        assert_eq!(paths(&tree), [vec![3], vec![1, 3], vec![3, 1], vec![3, 1]]);
        assert_eq!(paths(&Tree::constant(1.0, 1.0)), [Vec::<u32>::new()]);
    }
}
