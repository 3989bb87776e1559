//! Why a tree ensemble scores a row as it does: Shapley values (SHAP) of its features.
//!
//! A row's score is divided among the features such that the parts and the bias (what the model
//! says of an unknown row) add up to it. What "unknown" means is the background:
//!
//! * **Path dependent** ([`contributions()`], [`interactions`]): where a feature is unknown, a row
//!   goes both ways in the proportion of the covers (Lundberg et al., "From local explanations to
//!   global understanding with explainable AI for trees", Nature Machine Intelligence 2, 2020). The
//!   numbers of LightGBM's `pred_contrib` and of the `shap` package without data.
//! * **Interventional** ([`interventional()`]): an unknown feature has the value of a
//!   background row; the mean over the background rows.
//!
//! The Shapley value is an integral of a product (Owen, "Multilinear extensions of games",
//! Management Science 18, 1972), exact by a few points of Gauss-Legendre quadrature; trees share
//! the products of their paths as in Yu et al., "Linear TreeShap", NeurIPS 2022, but nothing
//! cancels, so that it is stable at any depth (shapiq's Quadrature TreeSHAP, 2026, rests on the
//! same integral). Cost: nodes × points for a row, a point for every two features of the longest
//! path, eight rows at once; no tables of size `2^depth`.
//!
//! Linear leaves have no path-dependent values (covers say nothing of the means of features, and
//! LightGBM refuses them too); interventional values are exact for them as well.
//!
//! | file | part |
//! |---|---|
//! | `contributions` | the results, row-major |
//! | `compile` | a tree as a program of [`modelwright_kernels::shap`] |
//! | `quadrature` | points and weights |
//! | `blocks` | rows in blocks, spread over threads |
//! | `path_dependent` | values and interactions by covers |
//! | `interventional` | values by background rows: a table of decision patterns for each leaf |
//! | `players` | features that are exchanged together: those of one raw column |
//! | `weighted` | the same with a weight for each pair of rows: for what is done to the scores |
//! | `known` | the same for one row after the other against one background |
//! | `patterns` | which conditions of a leaf rows meet, as bits |
//! | `pairs` | the same row against row, for linear leaves and very long paths |

mod blocks;
mod compile;
mod contributions;
mod interventional;
mod known;
mod pairs;
mod path_dependent;
mod patterns;
mod players;
mod quadrature;
mod weighted;

pub use contributions::{Contributions, Interactions};
pub use interventional::{interventional, interventional_of};
pub use known::Known;
pub use path_dependent::{contributions, interactions};
pub use players::Players;
pub use weighted::weighted;

use modelwright_core::data::FeatureView;
use modelwright_core::{Context, Error, Result};

use super::Tree;

/// Trees that add up: what is explained.
///
/// A tree of width 1 in place `t` belongs to output `t % base.len()`; a tree with one number per
/// output belongs to all.
#[derive(Debug, Clone, Copy)]
pub struct Ensemble<'a> {
    /// The trees, each proved sound by [`Tree::validate`] for `n_features`.
    pub trees: &'a [Tree],
    /// The scores without any tree, one per output.
    pub base: &'a [f64],
    /// What every leaf is multiplied by: 1 for a sum, one over their number for a mean.
    pub scale: f64,
    /// How many features a row has.
    pub n_features: usize,
}

impl Ensemble<'_> {
    /// The outputs that a tree belongs to, as (output of the ensemble, output of the tree).
    fn outputs(&self, t: usize) -> impl Iterator<Item = (usize, usize)> + use<> {
        let n = self.base.len();
        let all = n > 1 && self.trees[t].width() == n;
        (if all { 0..n } else { 0..1 }).map(move |k| if all { (k, k) } else { (t % n, 0) })
    }

    fn check(&self, x: &FeatureView<'_>, per_row: usize, ctx: &Context) -> Result<()> {
        if x.features.n_features() != self.n_features {
            return Err(Error::input("the table has other features than the model")
                .expected(format!("{} features", self.n_features))
                .got(format!("{} features", x.features.n_features())));
        }
        let bytes = (x.n_rows() as u64).saturating_mul(per_row as u64).saturating_mul(8);
        match ctx.memory_limit_bytes() {
            Some(limit) if bytes > limit => {
                Err(Error::work("the explanation would not fit in the memory allowed")
                    .expected(format!("at most {limit} bytes"))
                    .got(format!("{} rows × {per_row} numbers = {bytes} bytes", x.n_rows()))
                    .hint("explain fewer rows at a time, or allow more memory"))
            }
            _ => Ok(()),
        }
    }

    fn refuse_linear(&self) -> Result<()> {
        if self.trees.iter().all(|t| t.linear.is_empty()) {
            return Ok(());
        }
        Err(Error::input("trees with linear leaves have no path-dependent explanation")
            .expected("trees whose leaves are constants")
            .hint("give background rows: interventional values are exact for linear leaves"))
    }
}

#[cfg(test)]
mod tests;
