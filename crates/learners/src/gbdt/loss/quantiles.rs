//! Several quantiles at once: the sum of their pinball losses, one output per level.
//!
//! Levels ascend, and so do the predictions of a row: they are sorted ([`Link::Ascending`]), which
//! never makes the sum of the losses larger. Reference: Chernozhukov, Fernandez-Val & Galichon,
//! "Quantile and probability curves without crossing", Econometrica 78(3), 2010.

use modelwright_core::Result;
use rayon::prelude::*;

use super::quantile::Quantile;
use super::real::{PointLoss, quantile_target};
use super::{BLOCK_ROWS, LeafQuantile, Loss, weighted_mean};
use crate::gbdt::model::Link;

/// See the module's text.
pub(super) struct Quantiles {
    levels: Vec<Quantile>,
    link: Link,
    targets: Vec<f64>,
    weights: Vec<f32>,
}

impl Quantiles {
    /// The loss of these ascending levels, whose scores become predictions by the link.
    pub(super) fn new(
        (levels, link): (&[f64], Link),
        targets: Vec<f64>,
        weights: Vec<f32>,
    ) -> Self {
        let levels = levels.iter().map(|level| Quantile { level: *level }).collect();
        Self { levels, link, targets, weights }
    }
}

impl Loss for Quantiles {
    fn base_scores(&self) -> Result<Vec<f64>> {
        let best = |q: &Quantile| quantile_target(&self.targets, &self.weights, q.level);
        Ok(self.levels.iter().map(best).collect())
    }

    fn gradients(&self, scores: &[Vec<f64>], out: &mut [Vec<[f32; 2]>]) -> Result<()> {
        out.par_iter_mut().zip(scores).zip(&self.levels).for_each(|((out, scores), level)| {
            let rows = self.targets.par_chunks(BLOCK_ROWS).zip(self.weights.par_chunks(BLOCK_ROWS));
            out.par_chunks_mut(BLOCK_ROWS)
                .zip(scores.par_chunks(BLOCK_ROWS))
                .zip(rows)
                .for_each(|((out, s), (y, w))| level.gradients(s, y, w, out));
        });
        Ok(())
    }

    fn mean(&self, scores: &[Vec<f64>]) -> Result<f64> {
        Ok(weighted_mean(&self.weights, |row| {
            let of_level = |(level, scores): (&Quantile, &Vec<f64>)| {
                level.loss(self.targets[row], scores[row])
            };
            self.levels.iter().zip(scores).map(of_level).sum()
        }))
    }

    fn link(&self) -> Link {
        self.link
    }

    fn leaf_quantile(&self, output: usize) -> Option<LeafQuantile<'_>> {
        Some(LeafQuantile { targets: &self.targets, level: self.levels[output].level })
    }
}
