//! Quantiles and ranks of a stream: the KLL sketch.
//!
//! Level `h` holds values that stand for `2^h` rows each. A level that is over its capacity is
//! sorted and every other value moves one level up. Reference: Karnin, Lang & Liberty, "Optimal
//! quantile approximation in streams", FOCS 2016. Instead of a coin, the half that moves up
//! alternates per level: that keeps the sketch deterministic, and errors of successive
//! compactions cancel. With [`CAPACITY`] the error of a rank stays below 1 % of the rows (the
//! tests hold it there); up to [`CAPACITY`] distinct values the answers are mostly exact, and up to
//! as many rows always.

use serde::{Deserialize, Serialize};

/// Values held by the top level; lower levels shrink by 2/3 each.
const CAPACITY: usize = 512;
/// The least that a level may hold before it is compacted.
const CAPACITY_MIN: usize = 8;
/// The error of a rank, as a share of the rows, beyond [`CAPACITY`] rows.
const RANK_ERROR: f64 = 0.01;

/// Quantiles of finite numbers.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Quantiles {
    n: u64,
    levels: Vec<Vec<f64>>,
    /// Bit `h` says which half of level `h` moves up next.
    parity: u64,
}

impl Quantiles {
    /// Adds values with counts.
    pub(crate) fn add_runs(&mut self, runs: &[(f64, u64)]) {
        for (value, count) in runs {
            self.n += count;
            let mut rest = *count;
            while rest > 0 {
                let level = rest.trailing_zeros() as usize;
                self.level(level).push(*value);
                rest &= rest - 1;
            }
        }
        self.compress();
    }

    /// Adds the other sketch's values.
    pub fn merge(&mut self, other: &Self) {
        self.n += other.n;
        self.parity ^= other.parity;
        for (h, values) in other.levels.iter().enumerate() {
            self.level(h).extend_from_slice(values);
        }
        self.compress();
    }

    /// How many values there are.
    pub fn n(&self) -> u64 {
        self.n
    }

    /// By which share of the rows a rank may be wrong.
    pub fn rank_error(&self) -> f64 {
        if self.n <= CAPACITY as u64 { 0.0 } else { RANK_ERROR }
    }

    /// The smallest value whose rank reaches each share `q` in `[0, 1]` (the inverse of the
    /// empirical distribution function); empty without values.
    pub fn quantiles(&self, q: &[f64]) -> Vec<f64> {
        let steps = self.steps();
        let Some(last) = steps.last() else { return Vec::new() };
        q.iter()
            .map(|q| {
                let rank = q * self.n as f64;
                let at = steps.partition_point(|(_, below)| (*below as f64) < rank);
                steps.get(at).unwrap_or(last).0
            })
            .collect()
    }

    /// The share of values that are at most `value`; 0 without values.
    pub fn share_up_to(&self, value: f64) -> f64 {
        let weight = |(h, level): (usize, &Vec<f64>)| {
            (level.iter().filter(|v| **v <= value).count() as u64) << h
        };
        let rank: u64 = self.levels.iter().enumerate().map(weight).sum();
        if self.n == 0 { 0.0 } else { rank as f64 / self.n as f64 }
    }

    /// The distribution function as steps: distinct values ascending, each with the number of
    /// rows up to and including it.
    pub fn steps(&self) -> Vec<(f64, u64)> {
        let weighted = |(h, level): (usize, &Vec<f64>)| {
            level.iter().map(|v| (*v, 1_u64 << h)).collect::<Vec<_>>()
        };
        let mut items: Vec<(f64, u64)> =
            self.levels.iter().enumerate().flat_map(weighted).collect();
        items.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
        let mut steps: Vec<(f64, u64)> = Vec::new();
        let mut below = 0;
        for (value, weight) in items {
            below += weight;
            match steps.last_mut() {
                Some(last) if last.0 == value => last.1 = below,
                _ => steps.push((value, below)),
            }
        }
        steps
    }

    /// Whether the weights of all values sum to the number of rows, without overflow.
    pub(super) fn is_sound(&self) -> bool {
        let weight = |(h, level): (usize, &Vec<f64>)| (level.len() as u128) << h;
        self.levels.len() < 64
            && self.levels.iter().enumerate().map(weight).sum::<u128>() == u128::from(self.n)
            && self.levels.iter().flatten().all(|value| value.is_finite())
    }

    fn level(&mut self, h: usize) -> &mut Vec<f64> {
        if self.levels.len() <= h {
            self.levels.resize_with(h + 1, Vec::new);
        }
        &mut self.levels[h]
    }

    fn capacity(&self, h: usize) -> usize {
        (h + 1..self.levels.len()).fold(CAPACITY, |c, _| c * 2 / 3).max(CAPACITY_MIN)
    }

    /// Compacts the lowest level over its capacity until all values fit into all levels together.
    fn compress(&mut self) {
        loop {
            let n_held: usize = self.levels.iter().map(Vec::len).sum();
            let n_fit: usize = (0..self.levels.len()).map(|h| self.capacity(h)).sum();
            let full = (0..self.levels.len()).find(|h| self.levels[*h].len() > self.capacity(*h));
            match full {
                Some(h) if n_held > n_fit => self.compact(h),
                _ => return,
            }
        }
    }

    fn compact(&mut self, h: usize) {
        let mut values = std::mem::take(&mut self.levels[h]);
        values.sort_by(f64::total_cmp);
        // The odd one out stays behind, so that the weights keep summing to n.
        if values.len() % 2 == 1 {
            self.levels[h].extend(values.pop());
        }
        let offset = (self.parity >> h & 1) as usize;
        self.parity ^= 1 << h;
        self.level(h + 1).extend(values.into_iter().skip(offset).step_by(2));
    }
}
