//! Memory that growing one tree needs, kept from tree to tree.
//!
//! Entries lie in a few parts, each with the rows of its own stretch of the table; a leaf has a
//! range in every part, and a split divides each range where it is. So threads that share a tree
//! can keep to rows of their own: what one has written is in its processor's cache, from where
//! another one fetches it more slowly than it uses it.

use std::ops::Range;

use modelwright_kernels::entry::Entry;

use super::pace::Pace;
use crate::together::together;

/// The fewest rows of a part: threads gain nothing by sharing fewer.
const ROWS_OF_PART: usize = 1 << 14;
/// From so many parts on, each has more rows: where a leaf ends in a part, some are divided one by
/// one.
const FEW_PARTS: usize = 4;
const ROWS_OF_MANY: usize = 1 << 16;
/// The most parts.
const MOST_PARTS: usize = 64;

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
    /// Their range in each part, in either place.
    pub parts: Vec<Range<usize>>,
    /// Whether they are in the scratch.
    pub aside: bool,
}

impl LeafPlace {
    /// The place of the first `n` entries before any split.
    pub fn root(n: usize) -> Self {
        let n_parts = n_parts(n);
        let start = |part: usize| n * part / n_parts;
        let parts = (0..n_parts).map(|part| start(part)..start(part + 1)).collect();
        Self { parts, aside: false }
    }

    /// A place in one part.
    pub fn whole(range: Range<usize>) -> Self {
        Self { parts: std::iter::once(range).collect(), aside: false }
    }

    /// How many entries there are.
    pub fn n_rows(&self) -> usize {
        self.parts.iter().map(Range::len).sum()
    }

    /// The places of the children when so many entries of each part went left; each split moves
    /// all entries over.
    pub fn children(&self, n_left: &[usize]) -> [Self; 2] {
        let middle = |(part, n): (&Range<usize>, &usize)| part.start + n;
        let middles = || self.parts.iter().zip(n_left).map(middle);
        let left = self.parts.iter().zip(middles()).map(|(part, m)| part.start..m).collect();
        let right = self.parts.iter().zip(middles()).map(|(part, m)| m..part.end).collect();
        [left, right].map(|parts| Self { parts, aside: !self.aside })
    }
}

/// Into how many parts `n` entries are divided. It does not follow from the number of threads,
/// because sums of leaves in floating point follow from the parts.
fn n_parts(n: usize) -> usize {
    let few = (n / ROWS_OF_PART).min(FEW_PARTS);
    let n_parts = few.max(n / ROWS_OF_MANY).clamp(1, MOST_PARTS);
    // A power of two: as many for each of two, four, ... threads.
    1 << n_parts.ilog2()
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
    /// The entries of a leaf in one part.
    pub fn part(&self, leaf: &LeafPlace, part: usize) -> &'a [Entry] {
        &(if leaf.aside { self.scratch } else { self.entries })[leaf.parts[part].clone()]
    }

    /// The entries of a leaf, part by part.
    pub fn of(&self, leaf: &LeafPlace) -> Vec<&'a [Entry]> {
        (0..leaf.parts.len()).map(|part| self.part(leaf, part)).collect()
    }
}

/// The entries of one part in both places.
#[derive(Debug)]
pub struct Part<'a> {
    /// Which part it is.
    pub number: usize,
    start: usize,
    entries: &'a mut [Entry],
    scratch: &'a mut [Entry],
}

impl Part<'_> {
    /// The entries of a leaf, and as many places where they can be moved to.
    pub fn of(&mut self, leaf: &LeafPlace) -> (&[Entry], &mut [Entry]) {
        let Range { start, end } = leaf.parts[self.number];
        let range = start - self.start..end - self.start;
        if leaf.aside {
            (&self.scratch[range.clone()], &mut self.entries[range])
        } else {
            (&self.entries[range.clone()], &mut self.scratch[range])
        }
    }
}

/// `work` of each part, in their order; side by side if that is wanted.
pub fn by_part<P: Send, T: Send>(
    parts: Vec<P>,
    parallel: bool,
    work: impl Fn(P) -> T + Sync + Send,
) -> Vec<T> {
    if parallel { together(parts, work) } else { parts.into_iter().map(work).collect() }
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

    /// The parts of the first `n` entries, to be divided.
    pub fn parts(&mut self, n: usize) -> Vec<Part<'_>> {
        let (mut entries, mut scratch) = (&mut self.entries[..n], &mut self.scratch[..n]);
        let mut parts = Vec::new();
        for (number, range) in LeafPlace::root(n).parts.into_iter().enumerate() {
            let (own, rest) = std::mem::take(&mut entries).split_at_mut(range.len());
            let (own_scratch, rest_scratch) =
                std::mem::take(&mut scratch).split_at_mut(range.len());
            (entries, scratch) = (rest, rest_scratch);
            parts.push(Part { number, start: range.start, entries: own, scratch: own_scratch });
        }
        parts
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_as_many_as_powers_of_two_and_hold_all_rows() {
        let sizes = [0, 1, 16_383, 32_767, 32_768, 65_536, 448_580, 524_288, 1_000_000, 1 << 30];
        assert_eq!(sizes.map(n_parts), [1, 1, 1, 1, 2, 4, 4, 8, 8, 64]);
        for n in sizes {
            let root = LeafPlace::root(n);
            assert_eq!((root.n_rows(), root.parts[0].start), (n, 0));
            assert!(root.parts.windows(2).all(|two| two[0].end == two[1].start));
            let shortest = root.parts.iter().map(Range::len).min();
            assert!(root.parts.iter().map(Range::len).max() <= shortest.map(|n| n + 1));
        }
    }
}
