//! Scores of one row: trees are walked eight at a time.
//!
//! A walk waits for memory at each step, so that eight walks side by side take little longer than
//! one. What a step does is made as short as it can be: values and thresholds are integers of the
//! same order, a missing value is an integer above or below all others (each feature has a key of
//! either kind), a test of levels is a key of its own that is 0 or 1, and a node is 8 bytes. The
//! right child lies behind the left one, and a leaf is its own left child that nothing passes:
//!
//! ```text
//! repeat: node = nodes[at]; at = node.left + (keys[node.key] > node.threshold)
//! ```
//!
//! No step branches, no memory is allocated, and values are added in tree order.

use std::ops::Range;

use super::levels::SetTest;
use super::shape::{Shape, Shapes, Step};

/// Trees that are walked side by side.
const SIDE_BY_SIDE: usize = 8;
/// The key of a missing value that goes right: above that of infinity.
const MISSING_RIGHT: i32 = 0x7f80_0001;
/// The key of a missing value that goes left.
const MISSING_LEFT: i32 = i32::MIN;

/// A forest compiled for single rows.
#[derive(Debug, Clone)]
pub(super) struct Single {
    trees: Vec<Tree>,
    nodes: Vec<Node>,
    /// The tests of levels that have a key.
    tests: Vec<SetTest>,
    n_columns: usize,
    n_keys: usize,
}

#[derive(Debug, Clone, Copy)]
struct Tree {
    /// Its root among the nodes.
    root: u32,
    depth: u32,
    /// Too large for 16 bits: the plain walk has to do.
    walked: bool,
}

#[derive(Debug, Clone, Copy)]
struct Node {
    /// Of a leaf: [`MISSING_RIGHT`] plus its position from the left.
    threshold: i32,
    key: u16,
    /// The left child, counted from the root.
    left: u16,
}

/// The integer of a number, in the order of numbers; zeros of both signs are one.
#[inline(always)]
fn key(x: f32) -> i32 {
    let bits = (x + 0.0).to_bits() as i32;
    bits ^ ((bits >> 31) as u32 >> 1) as i32
}

impl Single {
    pub(super) fn new(n_columns: usize, shapes: &Shapes) -> Self {
        let mut tests: Vec<SetTest> = shapes.steps.iter().filter_map(SetTest::of).collect();
        tests.sort_unstable();
        tests.dedup();
        let n_keys = (2 * n_columns + tests.len()).max(1);
        let mut single = Self { trees: Vec::new(), nodes: Vec::new(), tests, n_columns, n_keys };
        for tree in &shapes.trees {
            let steps = &shapes.steps[tree.steps.clone()];
            let root = single.nodes.len() as u32;
            let walked = !single.push(steps);
            single.trees.push(Tree { root, depth: tree.depth as u32, walked });
        }
        single
    }

    /// Appends the nodes of a tree, unless there are too many nodes or keys.
    fn push(&mut self, steps: &[Step]) -> bool {
        let places = usize::from(u16::MAX) + 1;
        let root = self.nodes.len();
        if self.n_keys > places || 2 * steps.len() + 1 > places || u32::try_from(root).is_err() {
            return false;
        }
        // Places of the tree in order, and what is put there: a step, or the number of steps plus
        // a leaf's position.
        let mut places = vec![0_u32];
        let mut at = 0;
        while let Some(place) = places.get(at) {
            let place = *place as usize;
            self.nodes.push(match steps.get(place) {
                Some(step) => {
                    let left = places.len() as u16;
                    places.extend(step.next);
                    let (key, threshold) = self.test(step);
                    Node { threshold, key, left }
                }
                None => Node {
                    threshold: MISSING_RIGHT + (place - steps.len()) as i32,
                    key: 0,
                    left: at as u16,
                },
            });
            at += 1;
        }
        true
    }

    fn test(&self, step: &Step) -> (u16, i32) {
        if let Some(test) = SetTest::of(step) {
            let at = self.tests.binary_search(&test).expect("all tests were collected");
            return ((2 * self.n_columns + at) as u16, 0);
        }
        let copy = if step.missing_left { self.n_columns } else { 0 };
        ((copy + step.column as usize) as u16, key(step.threshold))
    }

    /// How many keys a row has.
    pub(super) fn n_keys(&self) -> usize {
        self.n_keys
    }

    /// Adds trees to the scores of a row of used features; `keys` is memory.
    pub(super) fn add(
        &self,
        shapes: &Shapes,
        trees: Range<usize>,
        row: &[f32],
        keys: &mut [i32],
        out: &mut [f64],
    ) {
        self.fill(shapes, row, keys);
        let mut t = trees.start;
        while t < trees.end {
            if self.trees[t].walked {
                let exit = shapes.exit(&shapes.trees[t], |column| row[column]);
                add_leaf(shapes, t, exit, row, out);
                t += 1;
                continue;
            }
            let most = SIDE_BY_SIDE.min(trees.end - t);
            let group = &self.trees[t..t + most];
            let n = group.iter().take_while(|tree| !tree.walked).count();
            let exits = self.walk(&group[..n], keys);
            for exit in &exits[..n] {
                add_leaf(shapes, t, *exit as usize, row, out);
                t += 1;
            }
        }
    }

    fn fill(&self, shapes: &Shapes, row: &[f32], keys: &mut [i32]) {
        assert!(keys.len() == self.n_keys && row.len() == self.n_columns, "a row of this forest");
        let (right, rest) = keys.split_at_mut(self.n_columns);
        let (left, sets) = rest.split_at_mut(self.n_columns);
        for ((right, left), x) in right.iter_mut().zip(left).zip(row) {
            *right = if x.is_nan() { MISSING_RIGHT } else { key(*x) };
            *left = if x.is_nan() { MISSING_LEFT } else { key(*x) };
        }
        for (key, test) in sets.iter_mut().zip(&self.tests) {
            *key = i32::from(test.right(row[test.column as usize], &shapes.sets));
        }
    }

    /// The exits of at most eight trees that are not walked plainly; the others' mean nothing.
    fn walk(&self, group: &[Tree], keys: &[i32]) -> [u32; SIDE_BY_SIDE] {
        assert_eq!(keys.len(), self.n_keys, "a row of this forest");
        let mut roots = [group[0].root; SIDE_BY_SIDE];
        for (root, tree) in roots.iter_mut().zip(group) {
            *root = tree.root;
        }
        let depth = group.iter().map(|tree| tree.depth).max().unwrap_or(0);
        let mut at = roots;
        let mut done = 0;
        while done < depth {
            let before = self.step(&mut at, &roots, keys);
            done += 1;
            if done < depth {
                let before = self.step(&mut at, &roots, keys);
                done += 1;
                if before == at {
                    break;
                }
            } else if before == at {
                break;
            }
        }
        // SAFETY: as in `step`.
        at.map(|at| unsafe { self.nodes.get_unchecked(at as usize) }.threshold)
            .map(|threshold| (threshold - MISSING_RIGHT) as u32)
    }

    /// One step of all walks; returns where they were.
    #[inline(always)]
    fn step(
        &self,
        at: &mut [u32; SIDE_BY_SIDE],
        roots: &[u32; SIDE_BY_SIDE],
        keys: &[i32],
    ) -> [u32; SIDE_BY_SIDE] {
        let before = *at;
        for (at, root) in at.iter_mut().zip(roots) {
            // SAFETY: walks start at roots, which are nodes; `left` of an inner node and the node
            // behind it are nodes of the same tree, and a leaf is its own left child that no key
            // passes: none is above `MISSING_RIGHT`. Every `key` of a node is below `n_keys`, as
            // many as there are.
            unsafe {
                let node = self.nodes.get_unchecked(*at as usize);
                let right = *keys.get_unchecked(usize::from(node.key)) > node.threshold;
                *at = root + u32::from(node.left) + u32::from(right);
            }
        }
        before
    }
}

#[inline(always)]
fn add_leaf(shapes: &Shapes, t: usize, leaf: usize, row: &[f32], out: &mut [f64]) {
    let tree: &Shape = &shapes.trees[t];
    let first = if tree.width == 1 { t % out.len() } else { 0 };
    for (output, out) in out[first..first + tree.width].iter_mut().enumerate() {
        *out += shapes.leaf_value(tree, leaf, output, |column| row[column]);
    }
}
