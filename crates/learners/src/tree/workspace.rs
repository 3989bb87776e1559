//! Memory that growing one tree needs, kept from tree to tree.

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

impl Workspace {
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
