//! How many distinct values a stream has: exact up to a few thousand, then HyperLogLog.
//!
//! Up to [`EXACT_MAX`] hashes are kept as a sorted set. Beyond, each hash raises one of 4096
//! registers; the standard error is 1.04/√4096 = 1.6 %. The estimator is the improved raw one of
//! Ertl, "New cardinality estimation algorithms for HyperLogLog sketches", arXiv:1702.01284,
//! algorithm 6, which needs no tables and has no bias at either end.

use serde::{Deserialize, Serialize};

/// The most distinct values that are counted exactly.
const EXACT_MAX: usize = 4096;
/// Registers are numbered by this many leading bits of a hash.
const INDEX_BITS: u32 = 12;
/// One new value in so many raises about 40 registers, which is known from none beyond chance.
const REGISTERS_TELL: usize = 100;
/// How many leading bits of the rest a register can count.
const REST_BITS: u32 = 64 - INDEX_BITS;

/// A set of hashes, exact or estimated.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Distinct(State);

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum State {
    Exact(Vec<u64>),
    Registers(Vec<u8>),
}

impl Default for Distinct {
    fn default() -> Self {
        Self(State::Exact(Vec::new()))
    }
}

impl Distinct {
    /// Adds hashes, in any order.
    pub(crate) fn add(&mut self, mut hashes: Vec<u64>) {
        match &mut self.0 {
            State::Exact(_) => {
                hashes.sort_unstable();
                hashes.dedup();
                self.merge(&Self(State::Exact(hashes)));
            }
            State::Registers(registers) => raise(registers, &hashes),
        }
    }

    /// The union of both sets.
    pub fn merge(&mut self, other: &Self) {
        match (&mut self.0, &other.0) {
            (State::Exact(mine), State::Exact(theirs)) => {
                let union = union(mine, theirs);
                self.0 = if union.len() <= EXACT_MAX {
                    State::Exact(union)
                } else {
                    State::Registers(registers_of(&union))
                };
            }
            (State::Registers(mine), State::Exact(theirs)) => raise(mine, theirs),
            (State::Exact(mine), State::Registers(theirs)) => {
                let mut registers = theirs.clone();
                raise(&mut registers, mine);
                self.0 = State::Registers(registers);
            }
            (State::Registers(mine), State::Registers(theirs)) => {
                for (m, t) in mine.iter_mut().zip(theirs) {
                    *m = (*m).max(*t);
                }
            }
        }
    }

    /// How many distinct values there are: exact or the estimate.
    pub fn count(&self) -> usize {
        match &self.0 {
            State::Exact(hashes) => hashes.len(),
            State::Registers(registers) => estimate(registers).round() as usize,
        }
    }

    /// The share of these values that are among those of `other`: exact where both are, else an
    /// estimate. `None` without values, and where they are too few beside those of `other` for the
    /// registers to tell.
    pub fn share_in(&self, other: &Self) -> Option<f64> {
        let n = self.count();
        if n == 0 || (!other.is_exact() && n * REGISTERS_TELL < other.count()) {
            return None;
        }
        let mut union = other.clone();
        union.merge(self);
        let n_new = union.count().saturating_sub(other.count());
        Some((1.0 - n_new as f64 / n as f64).clamp(0.0, 1.0))
    }

    /// Whether a string is among the values; `None` when they are too many to tell.
    pub fn has_text(&self, text: &str) -> Option<bool> {
        self.has(super::hash::of_text(text))
    }

    /// Whether a number is among the values; `None` when they are too many to tell.
    pub fn has_number(&self, value: f64) -> Option<bool> {
        self.has(super::hash::of_number(value))
    }

    fn has(&self, hash: u64) -> Option<bool> {
        match &self.0 {
            State::Exact(hashes) => Some(hashes.binary_search(&hash).is_ok()),
            State::Registers(_) => None,
        }
    }

    /// Whether hashes ascend and registers are as many and as large as they can be.
    pub(super) fn is_sound(&self) -> bool {
        match &self.0 {
            State::Exact(hashes) => {
                hashes.len() <= EXACT_MAX && hashes.windows(2).all(|pair| pair[0] < pair[1])
            }
            State::Registers(registers) => {
                registers.len() == 1 << INDEX_BITS
                    && registers.iter().all(|r| u32::from(*r) <= REST_BITS + 1)
            }
        }
    }

    /// Whether [`Self::count`] is exact.
    pub fn is_exact(&self) -> bool {
        matches!(self.0, State::Exact(_))
    }
}

fn union(a: &[u64], b: &[u64]) -> Vec<u64> {
    let mut out = Vec::with_capacity(a.len() + b.len());
    let (mut i, mut j) = (0, 0);
    while i < a.len() && j < b.len() {
        let (x, y) = (a[i], b[j]);
        out.push(x.min(y));
        i += usize::from(x <= y);
        j += usize::from(y <= x);
    }
    out.extend_from_slice(&a[i..]);
    out.extend_from_slice(&b[j..]);
    out
}

fn registers_of(hashes: &[u64]) -> Vec<u8> {
    let mut registers = vec![0; 1 << INDEX_BITS];
    raise(&mut registers, hashes);
    registers
}

fn raise(registers: &mut [u8], hashes: &[u64]) {
    for hash in hashes {
        let index = (hash >> REST_BITS) as usize;
        let rank = ((hash << INDEX_BITS).leading_zeros().min(REST_BITS) + 1) as u8;
        if let Some(register) = registers.get_mut(index) {
            *register = (*register).max(rank);
        }
    }
}

fn estimate(registers: &[u8]) -> f64 {
    let m = registers.len() as f64;
    let top = REST_BITS as usize + 1;
    let mut counts = vec![0.0; top + 1];
    for register in registers {
        counts[usize::from(*register).min(top)] += 1.0;
    }
    let mut z = m * tau(1.0 - counts[top] / m);
    for count in counts[1..top].iter().rev() {
        z = 0.5 * (z + count);
    }
    z += m * sigma(counts[0] / m);
    m * m / (2.0 * std::f64::consts::LN_2) / z
}

fn sigma(x: f64) -> f64 {
    if x >= 1.0 {
        return f64::INFINITY;
    }
    let (mut x, mut y, mut z) = (x, 1.0, x);
    loop {
        x *= x;
        let before = z;
        z += x * y;
        y += y;
        if z == before {
            return z;
        }
    }
}

fn tau(x: f64) -> f64 {
    if x <= 0.0 || x >= 1.0 {
        return 0.0;
    }
    let (mut x, mut y, mut z) = (x, 1.0, 1.0 - x);
    loop {
        x = x.sqrt();
        let before = z;
        y *= 0.5;
        z -= (1.0 - x).powi(2) * y;
        if z == before {
            return z / 3.0;
        }
    }
}
