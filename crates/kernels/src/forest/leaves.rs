//! The values of the leaves, laid out so that those of many rows are looked up at once.

use std::ops::Range;

use super::bytes::Unit;
use super::shape::{Shape, Shapes};

/// The most leaves whose values are kept as bytes: two registers hold that many.
const MAX_SPLIT: usize = 128;

/// Tables of all compiled trees.
#[derive(Debug, Clone, Default)]
pub(super) struct Tables {
    /// Byte `j` of all values of a tree, then byte `j + 1`; each padded to 64 or 128.
    bytes: Vec<u8>,
}

/// Where the tables of a tree lie: one per output, each with as many bytes.
#[derive(Debug, Clone, Default)]
pub(super) struct Place {
    bytes: Range<usize>,
}

/// The values of the leaves of a tree for one output, from left to right.
#[derive(Debug, Clone, Copy)]
pub(super) struct Table<'a> {
    pub(super) values: &'a [f64],
    /// The same, byte by byte; empty where the unit or the number of leaves does not allow it.
    #[cfg_attr(
        not(target_arch = "x86_64"),
        expect(dead_code, reason = "only AVX-512 looks values up byte by byte")
    )]
    pub(super) bytes: &'a [u8],
}

impl Tables {
    /// Appends the tables of a tree where `unit` uses them.
    pub(super) fn push(&mut self, unit: Unit, shapes: &Shapes, tree: &Shape) -> Place {
        let n = tree.n_leaves();
        let start = self.bytes.len();
        if unit >= Unit::Avx512Vbmi && n <= MAX_SPLIT && tree.linear.is_none() {
            let padded = if n <= MAX_SPLIT / 2 { MAX_SPLIT / 2 } else { MAX_SPLIT };
            for output in 0..tree.width {
                let values = &shapes.values[tree.values_of(output)];
                for byte in 0..8 {
                    let start = self.bytes.len();
                    self.bytes.extend(values.iter().map(|v| v.to_le_bytes()[byte]));
                    self.bytes.resize(start + padded, 0);
                }
            }
        }
        Place { bytes: start..self.bytes.len() }
    }

    /// The table of one output of a tree.
    #[inline(always)]
    pub(super) fn table<'a>(
        &'a self,
        shapes: &'a Shapes,
        tree: &Shape,
        place: &Place,
        output: usize,
    ) -> Table<'a> {
        let len = place.bytes.len() / tree.width;
        let start = place.bytes.start + output * len;
        let bytes = &self.bytes[start..start + len];
        Table { values: &shapes.values[tree.values_of(output)], bytes }
    }
}
