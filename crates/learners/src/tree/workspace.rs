//! Memory that growing one tree needs, kept from tree to tree.

use std::ops::Range;

use modelwright_kernels::entry::Entry;

use super::pace::Pace;

/// Entries of all rows, a copy of that size, and histograms that are not in use.
#[derive(Debug, Default)]
pub struct Workspace {
    /// Rows with quantised gradients; leaves are slices of it.
    pub entries: Vec<Entry>,
    /// As many places as there are entries.
    pub scratch: Vec<Entry>,
    /// Whom the tree asks whether it may go on; `None` never asks.
    pub pace: Option<Pace>,
    free: Vec<Vec<i64>>,
}

/// Where the entries of a leaf are.
#[derive(Debug, Clone, Default)]
pub struct LeafPlace {
    /// Their range, in either place.
    pub rows: Range<usize>,
    /// Whether they are in the scratch.
    pub aside: bool,
}

/// The two places of entries; what is read are those of the leaves.
#[derive(Debug, Clone, Copy)]
pub struct Places<'a> {
    /// Of all rows.
    pub entries: &'a [Entry],
    /// Of the leaves that are aside; empty where none is.
    pub scratch: &'a [Entry],
}

impl<'a> Places<'a> {
    /// The entries of a leaf.
    pub fn of(&self, leaf: &LeafPlace) -> &'a [Entry] {
        &(if leaf.aside { self.scratch } else { self.entries })[leaf.rows.clone()]
    }
}

impl Workspace {
    /// Where the first `n` entries are.
    pub fn places(&self, n: usize) -> Places<'_> {
        Places { entries: &self.entries[..n], scratch: &self.scratch[..n] }
    }

    /// Makes room for `n_rows` entries.
    pub fn reserve(&mut self, n_rows: usize) {
        self.entries.resize(n_rows, 0);
        self.scratch.resize(n_rows, 0);
    }

    /// Whether a step of this many histogram updates may begin.
    pub fn may_do(&mut self, updates: usize) -> bool {
        self.pace.as_mut().is_none_or(|pace| pace.go_on(updates))
    }

    /// A histogram of `len` sums with any content.
    pub fn take_histogram(&mut self, len: usize) -> Vec<i64> {
        self.free.pop().filter(|h| h.len() == len).unwrap_or_else(|| vec![0; len])
    }

    /// How many histograms are not in use.
    #[cfg(test)]
    pub(super) fn n_free(&self) -> usize {
        self.free.len()
    }

    /// Gives a histogram back.
    pub fn give_histogram(&mut self, histogram: Vec<i64>) {
        self.free.push(histogram);
    }
}
