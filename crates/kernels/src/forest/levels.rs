//! Tests of levels as rows of codes: 0 where a value goes left, 1 where it goes right.
//!
//! A level below 256 is a byte and a bit of a set of 32 bytes. Which byte and which bit is found
//! once per block and feature; a set is then one table lookup and one `and` for many rows at once.
//! Sets with larger levels are asked row by row.

use std::collections::BTreeMap;

use super::LANES;
use super::bytes::{Bytes, Unit, for_parts, on_unit};
use super::sets::{NO_LEVEL, Sets, level};
use super::shape::{NO_SET, Step};

/// Bytes of a small set.
pub(super) const SMALL: usize = 32;

/// A test of levels; nodes that make the same test share one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct SetTest {
    pub(super) column: u32,
    pub(super) missing_left: bool,
    pub(super) set: u32,
}

impl SetTest {
    /// The test of levels that a step makes, if it makes one.
    pub(super) fn of(step: &Step) -> Option<Self> {
        let Step { column, missing_left, set, .. } = *step;
        (set != NO_SET).then_some(Self { column, missing_left, set })
    }

    /// Whether a value goes right.
    #[inline(always)]
    pub(super) fn right(&self, x: f32, sets: &Sets) -> bool {
        if x.is_nan() { !self.missing_left } else { !sets.contains(self.set, level(x)) }
    }
}

/// All tests of levels that share codes.
#[derive(Debug, Clone, Default)]
pub(super) struct Levels {
    small: Vec<SmallColumn>,
    /// Tests with larger levels, and their rows of codes.
    large: Vec<(SetTest, u32)>,
}

#[derive(Debug, Clone)]
struct SmallColumn {
    column: u32,
    sets: Vec<SmallSet>,
}

#[derive(Debug, Clone)]
struct SmallSet {
    members: [u8; SMALL],
    missing_left: bool,
    row: u32,
}

/// The levels of a block's rows of one feature.
#[derive(Debug)]
struct Places {
    /// Which byte of a set.
    byte: [u8; LANES],
    /// Which bit of it; none for values that are in no small set.
    bit: [u8; LANES],
    /// 1, or 0 where the value is missing.
    present: [u8; LANES],
}

impl Levels {
    /// For tests with their rows of codes.
    pub(super) fn new(tests: &BTreeMap<SetTest, u32>, sets: &Sets) -> Self {
        let mut levels = Self::default();
        for (test, row) in tests {
            let words = sets.words(test.set);
            if words.len() * 8 > SMALL {
                levels.large.push((*test, *row));
                continue;
            }
            let mut members = [0; SMALL];
            for (bytes, word) in members.chunks_exact_mut(8).zip(words) {
                bytes.copy_from_slice(&word.to_le_bytes());
            }
            let set = SmallSet { members, missing_left: test.missing_left, row: *row };
            match levels.small.last_mut() {
                Some(column) if column.column == test.column => column.sets.push(set),
                _ => levels.small.push(SmallColumn { column: test.column, sets: vec![set] }),
            }
        }
        levels
    }

    /// The rows of codes of all tests for the first `n_rows` rows of a block. The machine must
    /// have `unit`.
    pub(super) fn encode(
        &self,
        unit: Unit,
        sets: &Sets,
        values: &[[f32; LANES]],
        n_rows: usize,
        codes: &mut [[u8; LANES]],
    ) {
        for column in &self.small {
            let places = Places::of(&values[column.column as usize], n_rows);
            for set in &column.sets {
                let out = &mut codes[set.row as usize];
                for_parts(unit, n_rows, |whole, first| {
                    outside(unit, whole, first, &set.members, &places, out);
                });
                if set.missing_left {
                    for (out, present) in out.iter_mut().zip(&places.present) {
                        *out &= present;
                    }
                }
            }
        }
        for (test, row) in &self.large {
            let (out, values) = (&mut codes[*row as usize], &values[test.column as usize]);
            for (out, x) in out[..n_rows].iter_mut().zip(values) {
                *out = u8::from(test.right(*x, sets));
            }
        }
    }
}

impl Places {
    fn of(values: &[f32; LANES], n_rows: usize) -> Self {
        let mut places = Self { byte: [0; LANES], bit: [0; LANES], present: [1; LANES] };
        for (lane, x) in values[..n_rows].iter().enumerate() {
            let level = level(*x);
            let small = level != NO_LEVEL && level < SMALL as u32 * 8;
            places.byte[lane] = if small { (level / 8) as u8 } else { 0 };
            places.bit[lane] = if small { 1 << (level % 8) } else { 0 };
            places.present[lane] = u8::from(!x.is_nan());
        }
        places
    }
}

on_unit! {
    /// 1 for rows whose level is not a member, 0 for the others.
    fn outside(
        members: &[u8; SMALL],
        places: &Places,
        out: &mut [u8; LANES],
    ) = outside_generic
}

/// # Safety
/// The caller enables the vector unit of `V`, and `first + K * V::N` is at most `LANES`.
#[inline(always)]
unsafe fn outside_generic<V: Bytes, const K: usize>(
    first: usize,
    members: &[u8; SMALL],
    places: &Places,
    out: &mut [u8; LANES],
) {
    for at in (0..K).map(|k| first + k * V::N) {
        // SAFETY: the caller enables the vector unit; arrays have `LANES` bytes; every place is a
        // byte of a set, for it is a level below 256 divided by 8.
        unsafe {
            let found = V::look_up(members, V::load(&places.byte[at..]));
            let outside = found.lacks(V::load(&places.bit[at..]));
            outside.store(&mut out[at..]);
        }
    }
}
