//! A forest compiled for blocks of rows: which tree is evaluated how, and with which codes.
//!
//! Consecutive trees share codes as long as no feature has too many thresholds; such a run of trees
//! is a chapter. The values of a block are encoded once per chapter.

use std::ops::Range;

use super::bytes::{Bytes, Unit, for_parts, on_unit};
use super::codes::{Codes, Draft};
use super::leaves::{Place, Tables};
use super::oblivious::{self, Oblivious};
use super::planes::{self, Planes};
use super::shape::{Shapes, Step};
use super::{Block, LANES};

/// A forest compiled for blocks.
#[derive(Debug, Clone)]
pub(super) struct Compiled {
    unit: Unit,
    /// All trees in order.
    chapters: Vec<Chapter>,
    /// One per tree.
    trees: Vec<(Finder, Place)>,
    planes: Planes,
    oblivious: Oblivious,
    tables: Tables,
}

/// Consecutive trees that share codes.
#[derive(Debug, Clone)]
struct Chapter {
    trees: Range<usize>,
    codes: Codes,
}

/// How the exits of a tree are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Finder {
    Walk,
    Planes(u32),
    Oblivious(u32),
}

/// How a tree will be compiled.
enum Plan {
    Walk,
    Planes,
    Oblivious(Vec<Step>),
}

/// Trees to be added to the scores of rows.
struct Job<'a> {
    compiled: &'a Compiled,
    shapes: &'a Shapes,
    /// None of them walked.
    trees: Range<usize>,
    values: &'a [[f32; LANES]],
    codes: &'a [[u8; LANES]],
    n_rows: usize,
}

impl Compiled {
    /// Compiles all trees for `unit`, which the machine must have when rows come.
    pub(super) fn new(unit: Unit, shapes: &Shapes) -> Self {
        let mut compiled = Self {
            unit,
            chapters: Vec::new(),
            trees: Vec::with_capacity(shapes.trees.len()),
            planes: Planes::default(),
            oblivious: Oblivious::default(),
            tables: Tables::default(),
        };
        let (mut plans, mut draft) = (Vec::new(), Draft::default());
        for tree in &shapes.trees {
            let steps = &shapes.steps[tree.steps.clone()];
            let plan = match oblivious::levels(steps) {
                Some(levels) => Plan::Oblivious(levels),
                None if planes::suits(steps) => Plan::Planes,
                None => Plan::Walk,
            };
            if !matches!(plan, Plan::Walk) && !draft.take(steps) {
                compiled.close_chapter(shapes, &plans, std::mem::take(&mut draft));
                plans.clear();
                assert!(draft.take(steps), "one tree always fits");
            }
            plans.push(plan);
        }
        compiled.close_chapter(shapes, &plans, draft);
        compiled
    }

    fn close_chapter(&mut self, shapes: &Shapes, plans: &[Plan], draft: Draft) {
        let codes = draft.finish(&shapes.sets);
        let first = self.trees.len();
        for (tree, plan) in shapes.trees[first..].iter().zip(plans) {
            let finder = match plan {
                Plan::Walk => Finder::Walk,
                Plan::Planes => {
                    Finder::Planes(self.planes.push(&shapes.steps[tree.steps.clone()], &codes))
                }
                Plan::Oblivious(levels) => Finder::Oblivious(self.oblivious.push(levels, &codes)),
            };
            let place = match finder {
                Finder::Walk => Place::default(),
                _ => self.tables.push(self.unit, shapes, tree),
            };
            self.trees.push((finder, place));
        }
        self.chapters.push(Chapter { trees: first..self.trees.len(), codes });
    }

    /// The most rows of codes that a block needs.
    pub(super) fn n_code_rows(&self) -> usize {
        self.chapters.iter().map(|chapter| chapter.codes.n_rows()).max().unwrap_or(0)
    }

    /// Calls `work` for runs of trees, with the block encoded for them; the flag says whether the
    /// trees of the run are walked.
    fn for_runs(
        &self,
        shapes: &Shapes,
        trees: Range<usize>,
        block: &mut Block,
        n_rows: usize,
        mut work: impl FnMut(Range<usize>, bool, &Block),
    ) {
        let first = self.chapters.partition_point(|chapter| chapter.trees.end <= trees.start);
        for (i, chapter) in self.chapters.iter().enumerate().skip(first) {
            let mut at = chapter.trees.start.max(trees.start);
            let end = chapter.trees.end.min(trees.end);
            if at >= end {
                break;
            }
            if block.encoded != Some((i, n_rows)) {
                let Block { values, codes, .. } = block;
                chapter.codes.encode(self.unit, &shapes.sets, values, n_rows, codes);
                block.encoded = Some((i, n_rows));
            }
            while at < end {
                let walked = self.trees[at].0 == Finder::Walk;
                let same = |(finder, _): &(Finder, Place)| (*finder == Finder::Walk) == walked;
                let run = self.trees[at..end].iter().take_while(|tree| same(tree)).count();
                work(at..at + run, walked, block);
                at += run;
            }
        }
    }

    /// Adds trees to the scores of the first `n_rows` rows of a block.
    pub(super) fn add(
        &self,
        shapes: &Shapes,
        trees: Range<usize>,
        block: &mut Block,
        n_rows: usize,
        out: &mut [[f64; LANES]],
    ) {
        self.for_runs(shapes, trees, block, n_rows, |trees, walked, block| {
            if walked {
                let mut exits = [0; LANES];
                for t in trees {
                    let tree = &shapes.trees[t];
                    shapes.exits(tree, &block.values, &mut exits[..n_rows]);
                    let exit = |lane: usize| exits[lane] as usize;
                    add_one_by_one(shapes, t, exit, &block.values, 0..n_rows, out);
                }
            } else {
                let Block { values, codes, .. } = block;
                let job = Job { compiled: self, shapes, trees, values, codes, n_rows };
                for_parts(self.unit, n_rows, |whole, first| {
                    add(self.unit, whole, first, &job, out);
                });
            }
        });
    }

    /// The exits of the first `n_rows` rows of a block, as positions from the left: one array per
    /// tree.
    pub(super) fn exits(
        &self,
        shapes: &Shapes,
        trees: Range<usize>,
        block: &mut Block,
        n_rows: usize,
        out: &mut [[u32; LANES]],
    ) {
        let first_tree = trees.start;
        self.for_runs(shapes, trees, block, n_rows, |trees, walked, block| {
            for t in trees {
                let out = &mut out[t - first_tree];
                if walked {
                    shapes.exits(&shapes.trees[t], &block.values, &mut out[..n_rows]);
                } else {
                    let mut exits = [0; LANES];
                    for_parts(self.unit, n_rows, |whole, first| {
                        find(self.unit, whole, first, self, t, &block.codes, &mut exits);
                    });
                    *out = exits.map(u32::from);
                }
            }
        });
    }

    /// The exits of the rows `first..first + K * V::N`.
    ///
    /// # Safety
    /// The caller enables the vector unit of `V`.
    #[inline(always)]
    unsafe fn find_exits<V: Bytes, const K: usize>(
        &self,
        tree: usize,
        codes: &[[u8; LANES]],
        first: usize,
        exits: &mut [u8],
    ) {
        // SAFETY: the caller enables the vector unit.
        unsafe {
            match self.trees[tree].0 {
                Finder::Planes(tree) => {
                    self.planes.find_exits::<V, K>(tree, codes, first, exits);
                }
                Finder::Oblivious(tree) => {
                    self.oblivious.find_exits::<V, K>(tree, codes, first, exits);
                }
                Finder::Walk => unreachable!("walked trees are in runs of their own"),
            }
        }
    }
}

on_unit! {
    /// Writes the exits of one tree that is not walked.
    fn find(
        compiled: &Compiled,
        tree: usize,
        codes: &[[u8; LANES]],
        exits: &mut [u8; LANES],
    ) = find_generic
}

/// # Safety
/// The caller enables the vector unit of `V`, and `first + K * V::N` is at most `LANES`.
#[inline(always)]
unsafe fn find_generic<V: Bytes, const K: usize>(
    first: usize,
    compiled: &Compiled,
    tree: usize,
    codes: &[[u8; LANES]],
    exits: &mut [u8; LANES],
) {
    let exits = &mut exits[first..first + K * V::N];
    // SAFETY: the caller enables the vector unit.
    unsafe { compiled.find_exits::<V, K>(tree, codes, first, exits) };
}

on_unit! {
    /// Adds trees to the scores of rows.
    fn add(job: &Job<'_>, out: &mut [[f64; LANES]]) = add_generic
}

/// # Safety
/// The caller enables the vector unit of `V`, and `first + K * V::N` is at most `LANES`.
#[inline(always)]
unsafe fn add_generic<V: Bytes, const K: usize>(
    first: usize,
    job: &Job<'_>,
    out: &mut [[f64; LANES]],
) {
    let Job { compiled, shapes, .. } = *job;
    let rows = first..first + K * V::N;
    let n_outputs = out.len();
    let mut exits = [0; LANES];
    let exits = &mut exits[..K * V::N];
    for t in job.trees.clone() {
        let tree = &shapes.trees[t];
        let place = &compiled.trees[t].1;
        // SAFETY: the caller enables the vector unit; every exit is a leaf of the tree, and has a
        // value.
        unsafe {
            compiled.find_exits::<V, K>(t, job.codes, first, exits);
            if tree.linear.is_some() {
                let exit = |lane: usize| exits[lane - first] as usize;
                let rows = first..rows.end.min(job.n_rows);
                add_one_by_one(shapes, t, exit, job.values, rows, out);
            } else if tree.width == 1 {
                let table = compiled.tables.table(shapes, tree, place, 0);
                V::add_values(exits, table, &mut out[t % n_outputs][rows.clone()]);
            } else {
                assert_eq!(tree.width, n_outputs, "a leaf has a number per output");
                for (output, out) in out.iter_mut().enumerate() {
                    let table = compiled.tables.table(shapes, tree, place, output);
                    V::add_values(exits, table, &mut out[rows.clone()]);
                }
            }
        }
    }
}

/// Adds what rows get in their leaves of a tree, linear or not.
fn add_one_by_one(
    shapes: &Shapes,
    t: usize,
    exit: impl Fn(usize) -> usize,
    values: &[[f32; LANES]],
    rows: Range<usize>,
    out: &mut [[f64; LANES]],
) {
    let tree = &shapes.trees[t];
    let first = if tree.width == 1 { t % out.len() } else { 0 };
    for (output, out) in out[first..first + tree.width].iter_mut().enumerate() {
        for lane in rows.clone() {
            let value = |column: usize| values[column][lane];
            out[lane] += shapes.leaf_value(tree, exit(lane), output, value);
        }
    }
}
