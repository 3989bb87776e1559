//! Divides the rows of leaves between their children, part by part.

use modelwright_kernels::entry::Entry;
use modelwright_kernels::partition::{Sides, divide as divide_by_sides};
use modelwright_kernels::subset::{Subset, divide_by_subset};

use super::bins::BinFeature;
use super::model::LevelSet;
use super::workspace::{LeafPlace, Workspace, by_part};

/// Entries from which threads share the work of dividing them.
const SHARED_ENTRIES: usize = 1 << 13;

/// A question to a row's bin.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Test {
    /// The last bin that goes left.
    pub bin: u8,
    /// Whether missing values go left.
    pub missing_left: bool,
    /// The bins that go left, instead of the two answers above.
    pub subset: Option<Subset>,
}

/// A test as an operation on the codes of rows, one byte each.
#[derive(Debug, Clone, Copy)]
pub enum Route<'a> {
    /// Codes up to a cut go left.
    BySides(&'a [u8], Sides),
    /// The codes of a subset go left.
    BySubset(&'a [u8], Subset),
}

impl Route<'_> {
    /// The entries that go left to the front of `to` in order, the others to its back in reverse
    /// order; returns how many went left.
    ///
    /// Nothing comes home to its old order: rows that ascend or descend go on doing so on the left,
    /// and turn round on the right.
    pub fn divide(&self, from: &[Entry], to: &mut [Entry]) -> usize {
        match self {
            Self::BySubset(codes, subset) => divide_by_subset(from, to, codes, subset),
            Self::BySides(codes, sides) => divide_by_sides(from, to, codes, *sides),
        }
    }
}

/// What became of the entries of a leaf in one part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Divided<T> {
    /// How many went left.
    pub n_left: usize,
    /// What is wanted of those that went left.
    pub of_left: T,
}

/// Moves the entries of leaves, each by its route, to the other place of the workspace, whose first
/// `n_entries` they are among. Returns for each leaf what became of it in each part.
pub fn divide<T: Copy + Send>(
    workspace: &mut Workspace,
    n_entries: usize,
    is_shared: bool,
    leaves: &[(&LeafPlace, Route<'_>)],
    of_left: impl Fn(&[Entry]) -> T + Sync + Send,
) -> Vec<Vec<Divided<T>>> {
    let n_moved: usize = leaves.iter().map(|(leaf, _)| leaf.n_rows()).sum();
    let parts = workspace.parts(n_entries);
    let divided: Vec<Vec<Divided<T>>> =
        by_part(parts, is_shared && n_moved >= SHARED_ENTRIES, |mut part| {
            let mut one = |(leaf, route): &(&LeafPlace, Route<'_>)| {
                let (from, to) = part.of(leaf);
                let n_left = route.divide(from, to);
                Divided { n_left, of_left: of_left(&to[..n_left]) }
            };
            leaves.iter().map(&mut one).collect()
        });
    (0..leaves.len()).map(|leaf| divided.iter().map(|part| part[leaf]).collect()).collect()
}

/// The levels of a subset of bins, as a tree keeps them; the missing bin is no level.
pub fn levels(node: usize, feature: &BinFeature<'_>, subset: &Subset) -> LevelSet {
    let mut words = subset.to_vec();
    let missing = feature.missing_bin();
    words[usize::from(missing / 64)] &= !(1 << (missing % 64));
    while words.last() == Some(&0) {
        words.pop();
    }
    LevelSet { node: node as u32, words }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_part_of_each_leaf_is_divided_where_it_is_by_any_number_of_threads() {
        for n in [0, 1, 9, SHARED_ENTRIES, 3 * (1 << 16) + 77] {
            let codes: Vec<u8> =
                (0..n).map(|i| (i.wrapping_mul(2_654_435_761) >> 9) as u8).collect();
            let sides = |cut| Sides { cut, missing: 255, missing_left: true };
            let route = |cut| Route::BySides(&codes, sides(cut));
            for n_threads in [1, 2, 4] {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(n_threads).build().unwrap();
                let mut workspace = Workspace::default();
                workspace.reserve(n);
                workspace.entries.copy_from_slice(&(0..n as u64).collect::<Vec<_>>());
                let root = LeafPlace::root(n);
                let cut = |workspace: &mut Workspace, leaves: &[(&LeafPlace, Route<'_>)]| {
                    let divided =
                        pool.install(|| divide(workspace, n, true, leaves, <[Entry]>::len));
                    let children = leaves.iter().zip(&divided).flat_map(|((leaf, _), parts)| {
                        assert!(parts.iter().all(|part| part.of_left == part.n_left));
                        leaf.children(&parts.iter().map(|p| p.n_left).collect::<Vec<_>>())
                    });
                    children.collect::<Vec<LeafPlace>>()
                };
                let halves = cut(&mut workspace, &[(&root, route(90))]);
                let [left, right] = &halves[..] else { panic!("two children") };
                let quarters = cut(&mut workspace, &[(right, route(170)), (left, route(30))]);
                let goes = |code: u8, cut: u8| sides(cut).goes_left(code);
                let wanted: [&dyn Fn(u8) -> bool; 4] = [
                    &|code| !goes(code, 90) && goes(code, 170),
                    &|code| !goes(code, 90) && !goes(code, 170),
                    &|code| goes(code, 90) && goes(code, 30),
                    &|code| goes(code, 90) && !goes(code, 30),
                ];
                for (leaf, wanted) in quarters.iter().zip(wanted) {
                    assert!(!leaf.aside && leaf.parts.len() == root.parts.len());
                    for (part, of_root) in root.parts.iter().enumerate() {
                        let mut rows = workspace.places(n).part(leaf, part).to_vec();
                        assert!(rows.is_sorted() || rows.is_sorted_by(|a, b| a > b));
                        rows.sort_unstable();
                        let all = of_root.clone().filter(|row| wanted(codes[*row]));
                        assert!(rows.into_iter().eq(all.map(|row| row as u64)), "{n}");
                    }
                }
            }
        }
    }
}
