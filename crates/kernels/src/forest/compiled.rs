//! A forest compiled for blocks of rows: which tree is evaluated how, and with which codes.
//!
//! Consecutive trees share codes as long as no feature has too many thresholds; such a run of trees
//! is a chapter. The values of a block are encoded once per chapter.

use std::ops::Range;

use super::bytes::{Bytes, Unit, for_parts, on_unit};
use super::codes::{Codes, Draft};
use super::leaves::{Place, Tables};
use super::oblivious::{self, BYTE_LEVELS, Oblivious};
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
    /// The position of a leaf is a byte.
    Byte(Bits),
    /// An oblivious tree of more levels than a byte has bits: the upper and the lower ones.
    Word(Bits, Bits),
}

/// A tree whose exits are found by comparisons of bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Bits {
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

on_unit! {
    /// Writes the exits of one tree.
    fn find(
        compiled: &Compiled,
        bits: Bits,
        codes: &[[u8; LANES]],
        exits: &mut [u8; LANES],
    ) = find_generic
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
            let tests = match &plan {
                Plan::Walk => &[],
                Plan::Planes => steps,
                Plan::Oblivious(levels) => &levels[..],
            };
            if !draft.take(tests) {
                compiled.close_chapter(shapes, &plans, std::mem::take(&mut draft));
                plans.clear();
                assert!(draft.take(tests), "one tree always fits");
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
                    let steps = &shapes.steps[tree.steps.clone()];
                    Finder::Byte(Bits::Planes(self.planes.push(steps, &codes)))
                }
                Plan::Oblivious(levels) => {
                    let (upper, lower) = levels.split_at(levels.len().saturating_sub(BYTE_LEVELS));
                    let lower = Bits::Oblivious(self.oblivious.push(lower, &codes));
                    if upper.is_empty() {
                        Finder::Byte(lower)
                    } else {
                        Finder::Word(Bits::Oblivious(self.oblivious.push(upper, &codes)), lower)
                    }
                }
            };
            let place = match finder {
                Finder::Byte(_) => self.tables.push(self.unit, shapes, tree),
                Finder::Walk | Finder::Word(..) => Place::default(),
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
        self.for_runs(shapes, trees, block, n_rows, |trees, _, block| {
            for t in trees {
                let out = &mut out[t - first_tree];
                match self.trees[t].0 {
                    Finder::Walk => {
                        shapes.exits(&shapes.trees[t], &block.values, &mut out[..n_rows]);
                    }
                    Finder::Byte(bits) => *out = self.bytes(bits, block, n_rows).map(u32::from),
                    Finder::Word(upper, lower) => {
                        let upper = self.bytes(upper, block, n_rows);
                        let lower = self.bytes(lower, block, n_rows);
                        for (out, bytes) in out.iter_mut().zip(upper.into_iter().zip(lower)) {
                            *out = word(bytes.0, bytes.1) as u32;
                        }
                    }
                }
            }
        });
    }

    fn bytes(&self, bits: Bits, block: &Block, n_rows: usize) -> [u8; LANES] {
        let mut exits = [0; LANES];
        for_parts(self.unit, n_rows, |whole, first| {
            find(self.unit, whole, first, self, bits, &block.codes, &mut exits);
        });
        exits
    }

    /// The exits of the rows `first..first + K * V::N`.
    ///
    /// # Safety
    /// The caller enables the vector unit of `V`.
    #[inline(always)]
    unsafe fn find_exits<V: Bytes, const K: usize>(
        &self,
        bits: Bits,
        codes: &[[u8; LANES]],
        first: usize,
        exits: &mut [u8],
    ) {
        // SAFETY: the caller enables the vector unit.
        unsafe {
            match bits {
                Bits::Planes(tree) => self.planes.find_exits::<V, K>(tree, codes, first, exits),
                Bits::Oblivious(tree) => {
                    self.oblivious.find_exits::<V, K>(tree, codes, first, exits);
                }
            }
        }
    }
}

/// The position of a leaf by the bits of the upper and the lower levels.
#[inline(always)]
fn word(upper: u8, lower: u8) -> usize {
    usize::from(upper) << BYTE_LEVELS | usize::from(lower)
}

/// # Safety
/// The caller enables the vector unit of `V`, and `first + K * V::N` is at most `LANES`.
#[inline(always)]
unsafe fn find_generic<V: Bytes, const K: usize>(
    first: usize,
    compiled: &Compiled,
    bits: Bits,
    codes: &[[u8; LANES]],
    exits: &mut [u8; LANES],
) {
    let exits = &mut exits[first..first + K * V::N];
    // SAFETY: the caller enables the vector unit.
    unsafe { compiled.find_exits::<V, K>(bits, codes, first, exits) };
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
    let counted = first..rows.end.min(job.n_rows);
    let mut exits = [[0; LANES]; 2];
    let [exits, upper_exits] = exits.each_mut().map(|exits| &mut exits[..K * V::N]);
    for t in job.trees.clone() {
        let tree = &shapes.trees[t];
        let (finder, place) = &compiled.trees[t];
        // SAFETY: the caller enables the vector unit; every exit is a leaf of the tree, and has a
        // value.
        unsafe {
            let bits = match *finder {
                Finder::Byte(bits) => bits,
                Finder::Word(upper, lower) => {
                    compiled.find_exits::<V, K>(upper, job.codes, first, upper_exits);
                    compiled.find_exits::<V, K>(lower, job.codes, first, exits);
                    let exit = |lane: usize| word(upper_exits[lane - first], exits[lane - first]);
                    add_one_by_one(shapes, t, exit, job.values, counted.clone(), out);
                    continue;
                }
                Finder::Walk => unreachable!("walked trees are in runs of their own"),
            };
            compiled.find_exits::<V, K>(bits, job.codes, first, exits);
            if tree.linear.is_some() {
                let exit = |lane: usize| exits[lane - first] as usize;
                add_one_by_one(shapes, t, exit, job.values, counted.clone(), out);
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
