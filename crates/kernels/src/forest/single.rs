//! Scores of one row: trees are walked eight at a time.
//!
//! A walk waits for memory at each step, so that eight walks side by side take little longer than
//! one. What a step does is made as short as it can be: values and thresholds are integers of the
//! same order, a missing value is an integer above or below all others (each feature has a key of
//! either kind), a test of levels is a key of its own that is 0 or 1, and a node is 8 bytes. The
//! right child lies behind the left one, and a leaf is its own left child that nothing passes:
//!
//! ```text
//! repeat: at += at.left + (keys[at.key] > at.threshold)
//! ```
//!
//! Trees whose levels make one test each need no walk: the results of the tests are the bits of the
//! leaf's position. No step branches, no memory is allocated, and values are added in tree order.

use std::ops::Range;

use super::levels::SetTest;
use super::oblivious;
use super::shape::{Shapes, Step};

/// Trees that are walked side by side.
const SIDE_BY_SIDE: usize = 8;
/// The key of a missing value that goes right: above that of infinity.
const MISSING_RIGHT: i32 = 0x7f80_0001;
/// The key of a missing value that goes left.
const MISSING_LEFT: i32 = i32::MIN;

/// A forest compiled for single rows.
#[derive(Debug, Clone)]
pub(super) struct Single {
    /// Eight trees each, in order.
    groups: Vec<Group>,
    nodes: Vec<Node>,
    levels: Vec<Level>,
    /// The tests of levels that have a key.
    tests: Vec<SetTest>,
    n_columns: usize,
    n_keys: usize,
    /// Every leaf is one number.
    plain: bool,
}

#[derive(Debug, Clone)]
struct Group {
    ways: [Way; SIDE_BY_SIDE],
    /// Where the walks start; of trees that are not walked here, some leaf.
    roots: [u32; SIDE_BY_SIDE],
    /// The most steps of a walk.
    depth: u32,
}

/// How the leaf of a tree is found.
#[derive(Debug, Clone, Copy)]
enum Way {
    /// Together with the others of the group.
    Walk,
    /// By the results of these tests.
    Levels { first: u32, end: u32 },
    /// Too large for 16 bits: by the plain walk.
    PlainWalk,
    /// There is no such tree.
    None,
}

#[derive(Debug, Clone, Copy)]
struct Node {
    /// Of a leaf: [`MISSING_RIGHT`] plus its position from the left.
    threshold: i32,
    key: u16,
    /// How far behind this node its left child is.
    left: u16,
}

#[derive(Debug, Clone, Copy)]
struct Level {
    threshold: i32,
    key: u32,
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
        let mut single = Self {
            groups: Vec::new(),
            nodes: vec![Node { threshold: MISSING_RIGHT, key: 0, left: 0 }],
            levels: Vec::new(),
            tests,
            n_columns,
            n_keys,
            plain: shapes.trees.iter().all(|tree| tree.width == 1 && tree.linear.is_none()),
        };
        for trees in shapes.trees.chunks(SIDE_BY_SIDE) {
            let mut group =
                Group { ways: [Way::None; SIDE_BY_SIDE], roots: [0; SIDE_BY_SIDE], depth: 0 };
            for (i, tree) in trees.iter().enumerate() {
                let root = single.nodes.len() as u32;
                group.ways[i] = single.push(&shapes.steps[tree.steps.clone()]);
                if matches!(group.ways[i], Way::Walk) {
                    group.roots[i] = root;
                    group.depth = group.depth.max(tree.depth as u32);
                }
            }
            single.groups.push(group);
        }
        single
    }

    fn push(&mut self, steps: &[Step]) -> Way {
        let most = usize::from(u16::MAX) + 1;
        if let Some(levels) = oblivious::levels(steps) {
            let first = self.levels.len() as u32;
            for step in levels {
                let (key, threshold) = self.test(&step);
                self.levels.push(Level { threshold, key });
            }
            return Way::Levels { first, end: self.levels.len() as u32 };
        }
        let n_nodes = 2 * steps.len() + 1;
        let fits = u32::try_from(self.nodes.len() + n_nodes).is_ok();
        if self.n_keys > most || n_nodes > most || !fits {
            return Way::PlainWalk;
        }
        self.push_nodes(steps);
        Way::Walk
    }

    fn push_nodes(&mut self, steps: &[Step]) {
        // What is put at the places of the tree, one after the other: a step, or the number of
        // steps plus a leaf's position.
        let mut places = vec![0_u32];
        let mut at = 0;
        while let Some(place) = places.get(at) {
            let place = *place as usize;
            self.nodes.push(if let Some(step) = steps.get(place) {
                let left = (places.len() - at) as u16;
                places.extend(step.next);
                let (key, threshold) = self.test(step);
                Node { threshold, key: key as u16, left }
            } else {
                let position = (place - steps.len()) as i32;
                Node { threshold: MISSING_RIGHT + position, key: 0, left: 0 }
            });
            at += 1;
        }
    }

    /// The key and the threshold that a step compares.
    fn test(&self, step: &Step) -> (u32, i32) {
        if let Some(test) = SetTest::of(step) {
            let at = self.tests.binary_search(&test).expect("all tests were collected");
            return ((2 * self.n_columns + at) as u32, 0);
        }
        let copy = if step.missing_left { self.n_columns as u32 } else { 0 };
        (copy + step.column, key(step.threshold))
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
        let mut output = t % out.len();
        while t < trees.end {
            let first = t - t % SIDE_BY_SIDE;
            let end = trees.end.min(first + SIDE_BY_SIDE);
            let exits = self.exits(shapes, first / SIDE_BY_SIDE, row, keys);
            for t in t..end {
                let (tree, leaf) = (&shapes.trees[t], exits[t - first] as usize);
                if self.plain {
                    out[output] += shapes.values[tree.values + leaf];
                } else if tree.width == 1 {
                    out[output] += shapes.leaf_value(tree, leaf, 0, |column| row[column]);
                } else {
                    assert_eq!(tree.width, out.len(), "a leaf has a number per output");
                    for (output, out) in out.iter_mut().enumerate() {
                        *out += shapes.leaf_value(tree, leaf, output, |column| row[column]);
                    }
                }
                output = if output + 1 == out.len() { 0 } else { output + 1 };
            }
            t = end;
        }
    }

    fn fill(&self, shapes: &Shapes, row: &[f32], keys: &mut [i32]) {
        assert!(keys.len() == self.n_keys && row.len() == self.n_columns, "a row of this forest");
        let (right, rest) = keys.split_at_mut(self.n_columns);
        let (left, sets) = rest.split_at_mut(self.n_columns);
        for ((right, left), x) in right.iter_mut().zip(left).zip(row) {
            let key = key(*x);
            *right = if x.is_nan() { MISSING_RIGHT } else { key };
            *left = if x.is_nan() { MISSING_LEFT } else { key };
        }
        for (key, test) in sets.iter_mut().zip(&self.tests) {
            *key = i32::from(test.right(row[test.column as usize], &shapes.sets));
        }
    }

    /// The leaves of a group of trees, as positions from the left.
    #[inline(always)]
    fn exits(
        &self,
        shapes: &Shapes,
        group: usize,
        row: &[f32],
        keys: &[i32],
    ) -> [u32; SIDE_BY_SIDE] {
        let trees = &self.groups[group];
        let mut exits = [0; SIDE_BY_SIDE];
        if trees.depth > 0 {
            exits = self.walk(trees, keys);
        }
        for (i, (exit, way)) in exits.iter_mut().zip(&trees.ways).enumerate() {
            match *way {
                Way::Walk | Way::None => {}
                Way::Levels { first, end } => {
                    let levels = &self.levels[first as usize..end as usize];
                    *exit = levels.iter().fold(0, |position, level| {
                        2 * position + u32::from(keys[level.key as usize] > level.threshold)
                    });
                }
                Way::PlainWalk => {
                    let tree = &shapes.trees[group * SIDE_BY_SIDE + i];
                    *exit = shapes.exit(tree, |column| row[column]) as u32;
                }
            }
        }
        exits
    }

    #[inline(never)]
    fn walk(&self, group: &Group, keys: &[i32]) -> [u32; SIDE_BY_SIDE] {
        assert_eq!(keys.len(), self.n_keys, "a row of this forest");
        // Addresses, not positions: the compiler would put positions into vectors and take them
        // out again at each step.
        let mut at = group.roots.map(|root| std::ptr::from_ref(&self.nodes[root as usize]));
        let mut done = 0;
        while done < group.depth {
            let before = at;
            for at in &mut at {
                // SAFETY: walks start at nodes; from an inner node, as many nodes behind it as
                // `left` says, lies its left child, and behind that its right child. A leaf is its
                // own left child and no key is above its threshold, which is at least
                // `MISSING_RIGHT`. Every `key` is below `n_keys`, and there are as many.
                unsafe {
                    let Node { threshold, key, left } = **at;
                    let right = *keys.get_unchecked(usize::from(key)) > threshold;
                    *at = at.add(usize::from(left) + usize::from(right));
                }
            }
            // Asked every other time, for it costs half a step.
            done += 1;
            if done.is_multiple_of(2) && before == at {
                break;
            }
        }
        // SAFETY: as above.
        at.map(|at| unsafe { (*at).threshold.wrapping_sub(MISSING_RIGHT) as u32 })
    }
}
