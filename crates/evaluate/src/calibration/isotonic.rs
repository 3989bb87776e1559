//! Isotonic regression: the rising function that is nearest to the data in squares.
//!
//! Pool adjacent violators: walking along `x`, neighbouring blocks whose means fall are merged.
//! Exact, weighted, O(n log n). Between the blocks the function is a straight line, outside of
//! them it is constant: as scikit-learn's `IsotonicRegression(out_of_bounds="clip")`.
//! References: Ayer et al., Annals of Mathematical Statistics 26(4), 1955; for calibration
//! Zadrozny & Elkan, KDD 2002.

use serde::{Deserialize, Serialize};

use super::Calibrator;

/// A rising function of pieces.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Isotonic {
    /// Where the pieces begin and end, rising.
    x: Vec<f64>,
    /// The values there, not falling.
    y: Vec<f64>,
}

/// A stretch of `x` that has one value.
struct Block {
    first: f64,
    last: f64,
    weight: f64,
    mean: f64,
}

impl Isotonic {
    /// The rising function nearest to `y` over `x` by weighted squares.
    ///
    /// `None` when there is no row of positive weight, or a number is not finite.
    pub fn fit(x: &[f64], y: &[f64], weights: Option<&[f64]>) -> Option<Self> {
        let blocks = pool(x, y, weights)?;
        let mut map = Self { x: Vec::new(), y: Vec::new() };
        for block in &blocks {
            map.x.push(block.first);
            map.y.push(block.mean);
            if block.last > block.first {
                map.x.push(block.last);
                map.y.push(block.mean);
            }
        }
        (!map.x.is_empty()).then_some(map)
    }

    /// Where the pieces begin and end, rising.
    pub fn x(&self) -> &[f64] {
        &self.x
    }

    /// The values there, not falling.
    pub fn y(&self) -> &[f64] {
        &self.y
    }

    /// The function's value.
    pub fn value(&self, x: f64) -> f64 {
        let above = self.x.partition_point(|own| *own < x);
        if above == 0 {
            return self.y[0];
        }
        if above == self.x.len() {
            return self.y[above - 1];
        }
        let (x0, x1) = (self.x[above - 1], self.x[above]);
        let (y0, y1) = (self.y[above - 1], self.y[above]);
        y0 + (y1 - y0) * ((x - x0) / (x1 - x0))
    }

    /// Whether it is a rising map of `[0, 1]` into itself that [`Self::value`] can walk.
    pub(super) fn is_sound_probability(&self) -> bool {
        let within = |v: &f64| (0.0..=1.0).contains(v);
        !self.x.is_empty()
            && self.x.len() == self.y.len()
            && self.x.iter().all(|v| v.is_finite())
            && self.x.windows(2).all(|w| w[0] < w[1])
            && self.y.iter().all(within)
            && self.y.windows(2).all(|w| w[0] <= w[1])
    }
}

/// Blocks of rising means.
fn pool(x: &[f64], y: &[f64], weights: Option<&[f64]>) -> Option<Vec<Block>> {
    let finite = |values: &[f64]| values.iter().all(|v| v.is_finite());
    if x.len() != y.len() || !finite(x) || !finite(y) {
        return None;
    }
    let weight = |row: u32| weights.map_or(1.0, |w| w[row as usize]);
    let mut rows: Vec<u32> = (0..x.len() as u32).filter(|r| weight(*r) > 0.0).collect();
    rows.sort_by(|a, b| x[*a as usize].total_cmp(&x[*b as usize]));
    let mut blocks: Vec<Block> = Vec::new();
    for group in rows.chunk_by(|a, b| x[*a as usize] == x[*b as usize]) {
        let total: f64 = group.iter().map(|r| weight(*r)).sum();
        let sum: f64 = group.iter().map(|r| weight(*r) * y[*r as usize]).sum();
        let at = x[group[0] as usize];
        let mut block = Block { first: at, last: at, weight: total, mean: sum / total };
        while let Some(before) = blocks.pop_if(|before| before.mean >= block.mean) {
            let weight = before.weight + block.weight;
            let mean = (before.mean * before.weight + block.mean * block.weight) / weight;
            block = Block { first: before.first, last: block.last, weight, mean };
        }
        blocks.push(block);
    }
    Some(blocks)
}

/// An isotonic map of probabilities whose blocks keep away from 0 and 1 by half a row: no block is
/// certain of what its few rows happened to be.
pub(super) fn fit_calibrator(
    codes: &[u32],
    p: &[f64],
    weights: Option<&[f64]>,
) -> Option<Calibrator> {
    let y: Vec<f64> = codes.iter().map(|code| f64::from(*code)).collect();
    let blocks = pool(p, &y, weights)?;
    let mut map = Isotonic { x: Vec::new(), y: Vec::new() };
    for block in &blocks {
        let margin = 0.5 / (block.weight + 1.0);
        let mean = block.mean.clamp(margin.min(0.5), 1.0 - margin.min(0.5));
        // The margins of neighbours differ, and must not make the map fall.
        let mean = map.y.last().map_or(mean, |before: &f64| before.max(mean));
        map.x.push(block.first);
        map.y.push(mean);
        if block.last > block.first {
            map.x.push(block.last);
            map.y.push(mean);
        }
    }
    map.is_sound_probability().then_some(Calibrator::Isotonic(map))
}
