//! Shapley values of one tree for blocks of rows, by a program that walks the tree.
//!
//! A leaf pays `value · Π f_j` where `f_j(t) = (1 - t) z_j + t o_j` for each feature `j` of its
//! path: `o_j` says whether the row meets the feature's conditions and `z_j` is the share of the
//! background that does. The Shapley value of `i` is the integral over `t` of
//! `value · (o_i - z_i) · Π_{j≠i} f_j`, a polynomial in `t`, so that a few points of Gauss-Legendre
//! quadrature give it without error (the caller chooses them, and folds their weights into the
//! constants).
//!
//! A [`Program`] is the depth-first walk of a tree, written out as steps. It keeps, for each level
//! and point, the product of the factors of the edges down to it, and the sum of its leaves below.
//! Every factor is a choice between two or three constants of the edge, by the row's decisions;
//! rows lie in lanes and choose by masks, so that no step branches on a row. A feature that is
//! tested again below divides its old factor out, again as a constant.
//!
//! Called by `learners::tree::shap`, which holds the mathematics of the constants.

use crate::dispatch::vectorised;

/// Rows of a block.
pub const LANES: usize = 8;
/// One number for each row of a block.
pub type Lanes = [f64; LANES];
/// The most points that a program can hold; more points are more programs.
pub const MAX_POINTS: usize = 4;
/// [`Step::above`] of a feature that was not tested before on the path.
pub const FIRST: u32 = u32::MAX;

/// All bits set where a row's answer is yes, none where it is no.
type Mask = [u64; LANES];

/// What a step does. `n` is the number of points; constants are one number per point and choice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Asks the test number `at` of the node on `level`.
    Split,
    /// Goes down to an inner node. Constants: factors if the row goes along, if it does not, and
    /// (unless [`FIRST`]) if it had already left the feature's conditions; then weights if it goes
    /// along and if it does not.
    Enter,
    /// Comes back from there; the same constants.
    Exit,
    /// A leaf: constants as [`Kind::Enter`], already multiplied by the leaf's value.
    Leaf,
    /// Two leaves: sums if the row goes left, right and (unless [`FIRST`]) neither; then gains if
    /// it goes left and right.
    Twig,
}

/// A step of a program.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Step {
    /// What to do.
    pub kind: Kind,
    /// Whether it is about the left edge.
    pub left: bool,
    /// Level of the node whose edge it is; the root has 0.
    pub level: u32,
    /// The feature's column in the block.
    pub column: u32,
    /// Level of the closest node above that tests the same feature, or [`FIRST`].
    pub above: u32,
    /// Where its constants (or its test) are.
    pub at: u32,
}

/// What an inner node asks.
#[derive(Debug, Clone, PartialEq)]
pub struct Test {
    /// At most this goes left; not used by a test of levels.
    pub threshold: f64,
    /// Whether a missing value goes left.
    pub missing_left: bool,
    /// Whole numbers that go left, as bits.
    pub levels: Option<Box<[u64]>>,
}

/// A tree as steps.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Program {
    /// Quadrature points, at most [`MAX_POINTS`].
    pub n_points: usize,
    /// Levels of inner nodes.
    pub depth: usize,
    /// The walk.
    pub steps: Vec<Step>,
    /// Tests of the inner nodes.
    pub tests: Vec<Test>,
    /// Constants of the steps.
    pub constants: Vec<f64>,
    /// One over the weight of each point; only pairs need it.
    pub inverse_weights: Vec<f64>,
}

/// Memory for a walk, used again and again.
#[derive(Debug, Default)]
pub struct Stack {
    /// For each level: who goes left at its node, and who is along on the edge last entered.
    left: Vec<Mask>,
    along: Vec<Mask>,
    /// For each level and point.
    product: Vec<Lanes>,
    sum: Vec<Lanes>,
    weight: Vec<Lanes>,
    /// The column of the node on each level.
    column: Vec<u32>,
}

impl Stack {
    fn fit(&mut self, program: &Program) {
        let n = program.depth + 1;
        if self.left.len() < n {
            self.left.resize(n, [0; LANES]);
            self.along.resize(n, [0; LANES]);
            self.column.resize(n, 0);
        }
        let n = n * program.n_points;
        if self.product.len() < n {
            for lanes in [&mut self.product, &mut self.sum, &mut self.weight] {
                lanes.resize(n, [0.0; LANES]);
            }
        }
        self.product[..program.n_points].fill([1.0; LANES]);
        self.sum[..program.n_points].fill([0.0; LANES]);
    }
}

vectorised! {
    /// Adds the Shapley values of a block to `out`, one entry per column of `x`.
    ///
    /// `x` has the rows' values by column; NaN is missing.
    ///
    /// # Panics
    /// If a step names a column, level, test or constant that does not exist.
    pub fn add_values(program: &Program, x: &[Lanes], stack: &mut Stack, out: &mut [Lanes])
        = values_generic
}

vectorised! {
    /// As [`add_values`], and adds twice the interaction of columns `a < b` to
    /// `pairs[b * (b - 1) / 2 + a]`.
    ///
    /// # Panics
    /// As [`add_values`].
    pub fn add_pairs(
        program: &Program,
        x: &[Lanes],
        stack: &mut Stack,
        out: &mut [Lanes],
        pairs: &mut [Lanes],
    ) = pairs_generic
}

#[inline(always)]
fn values_generic(program: &Program, x: &[Lanes], stack: &mut Stack, out: &mut [Lanes]) {
    by_points::<false>(program, x, stack, out, &mut []);
}

#[inline(always)]
fn pairs_generic(
    program: &Program,
    x: &[Lanes],
    stack: &mut Stack,
    out: &mut [Lanes],
    pairs: &mut [Lanes],
) {
    by_points::<true>(program, x, stack, out, pairs);
}

#[inline(always)]
fn by_points<const PAIRS: bool>(
    program: &Program,
    x: &[Lanes],
    stack: &mut Stack,
    out: &mut [Lanes],
    pairs: &mut [Lanes],
) {
    match program.n_points {
        0 => {}
        1 => walk::<1, PAIRS>(program, x, stack, out, pairs),
        2 => walk::<2, PAIRS>(program, x, stack, out, pairs),
        3 => walk::<3, PAIRS>(program, x, stack, out, pairs),
        4 => walk::<4, PAIRS>(program, x, stack, out, pairs),
        n => panic!("a program has at most {MAX_POINTS} points, not {n}"),
    }
}

#[inline(always)]
fn walk<const P: usize, const PAIRS: bool>(
    program: &Program,
    x: &[Lanes],
    stack: &mut Stack,
    out: &mut [Lanes],
    pairs: &mut [Lanes],
) {
    stack.fit(program);
    for step in &program.steps {
        let level = step.level as usize;
        let column = step.column as usize;
        if step.kind == Kind::Split {
            stack.left[level] = ask(&program.tests[step.at as usize], &x[column]);
            stack.column[level] = step.column;
            continue;
        }
        let constants = &program.constants[step.at as usize..];
        let gains = match step.kind {
            Kind::Split => continue,
            Kind::Enter => {
                enter::<P, PAIRS>(step, constants, stack);
                continue;
            }
            Kind::Exit => exit::<P>(step, constants, stack),
            Kind::Leaf | Kind::Twig => pay::<P>(step, constants, stack),
        };
        let total = fold(&gains);
        add(&mut out[column], &total);
        if PAIRS {
            spread::<P>(program, step, &gains, stack, pairs);
        }
    }
}

/// Who goes left.
#[inline(always)]
fn ask(test: &Test, x: &Lanes) -> Mask {
    let mut left = [0; LANES];
    if let Some(words) = &test.levels {
        for (left, v) in left.iter_mut().zip(x) {
            let yes = if v.is_nan() { test.missing_left } else { contains(words, *v) };
            *left = u64::from(yes).wrapping_neg();
        }
        return left;
    }
    let missing = u64::from(test.missing_left).wrapping_neg();
    for (left, v) in left.iter_mut().zip(x) {
        let below = u64::from(*v <= test.threshold).wrapping_neg();
        *left = below | (u64::from(v.is_nan()).wrapping_neg() & missing);
    }
    left
}

#[inline(always)]
fn contains(words: &[u64], value: f64) -> bool {
    let whole = value >= 0.0 && value < f64::from(u32::MAX) && value.fract() == 0.0;
    whole && {
        let level = value as usize;
        words.get(level / 64).is_some_and(|word| word >> (level % 64) & 1 == 1)
    }
}

// Loops below are written out: a closure would be compiled without the wider unit.

#[inline(always)]
fn choose(mask: &Mask, yes: f64, no: f64) -> Lanes {
    let (yes, no) = (yes.to_bits(), no.to_bits());
    let mut out = [0.0; LANES];
    for (out, m) in out.iter_mut().zip(mask) {
        *out = f64::from_bits((yes & m) | (no & !m));
    }
    out
}

#[inline(always)]
fn blend(mask: &Mask, yes: &Lanes, no: f64) -> Lanes {
    let mut out = *yes;
    for (out, m) in out.iter_mut().zip(mask) {
        *out = f64::from_bits((out.to_bits() & m) | (no.to_bits() & !m));
    }
    out
}

#[inline(always)]
fn keep(mask: &Mask, lanes: &Lanes) -> Lanes {
    let mut out = *lanes;
    for (out, m) in out.iter_mut().zip(mask) {
        *out = f64::from_bits(out.to_bits() & m);
    }
    out
}

#[inline(always)]
fn product(a: &Lanes, b: &Lanes) -> Lanes {
    let mut out = *a;
    for (out, b) in out.iter_mut().zip(b) {
        *out *= b;
    }
    out
}

#[inline(always)]
fn add(a: &mut Lanes, b: &Lanes) {
    for (a, b) in a.iter_mut().zip(b) {
        *a += b;
    }
}

#[inline(always)]
fn fold<const P: usize>(parts: &[Lanes; P]) -> Lanes {
    let mut total = parts[0];
    for part in &parts[1..] {
        add(&mut total, part);
    }
    total
}

/// Who is along on an edge: those of the node's side, if they were along before.
#[inline(always)]
fn side(step: &Step, stack: &Stack, before: &Mask) -> Mask {
    let mut mask = stack.left[step.level as usize];
    let flip = if step.left { 0 } else { u64::MAX };
    for (m, b) in mask.iter_mut().zip(before) {
        *m = (*m ^ flip) & b;
    }
    mask
}

/// Who met the conditions of the step's feature above its node.
#[inline(always)]
fn before(step: &Step, stack: &Stack) -> Mask {
    if step.above == FIRST { [u64::MAX; LANES] } else { stack.along[step.above as usize] }
}

/// The constants of one choice, one per point.
#[inline(always)]
fn constants_of<const P: usize>(constants: &[f64], choice: usize) -> &[f64; P] {
    constants[choice * P..].first_chunk().expect("a program has all constants of its steps")
}

/// For each point one of two constants by the mask.
#[inline(always)]
fn choose_all<const P: usize>(constants: &[f64], first: usize, mask: &Mask) -> [Lanes; P] {
    let mut out = [[0.0; LANES]; P];
    let yes = constants_of::<P>(constants, first);
    let no = constants_of::<P>(constants, first + 1);
    for ((out, yes), no) in out.iter_mut().zip(yes).zip(no) {
        *out = choose(mask, *yes, *no);
    }
    out
}

/// Factors of an edge (or sums of a leaf) for each point.
#[inline(always)]
fn factors<const P: usize>(
    step: &Step,
    constants: &[f64],
    mask: &Mask,
    before: &Mask,
) -> [Lanes; P] {
    let mut out = choose_all::<P>(constants, 0, mask);
    if step.above != FIRST {
        for (out, left) in out.iter_mut().zip(constants_of::<P>(constants, 2)) {
            *out = blend(before, out, *left);
        }
    }
    out
}

/// Weights of an edge (or gains of a leaf) for each point; 0 for those that had left before.
#[inline(always)]
fn weights<const P: usize>(
    step: &Step,
    constants: &[f64],
    mask: &Mask,
    before: &Mask,
) -> [Lanes; P] {
    if step.above == FIRST {
        return choose_all::<P>(constants, 2, mask);
    }
    let mut out = choose_all::<P>(constants, 3, mask);
    for out in &mut out {
        *out = keep(before, out);
    }
    out
}

#[inline(always)]
fn enter<const P: usize, const PAIRS: bool>(step: &Step, constants: &[f64], stack: &mut Stack) {
    let before = before(step, stack);
    let mask = side(step, stack, &before);
    let level = step.level as usize;
    stack.along[level] = mask;
    let (here, below) = stack.product[level * P..(level + 2) * P].split_at_mut(P);
    let factors = factors::<P>(step, constants, &mask, &before);
    for ((below, here), factor) in below.iter_mut().zip(here.iter()).zip(&factors) {
        *below = product(here, factor);
    }
    stack.sum[(level + 1) * P..(level + 2) * P].fill([0.0; LANES]);
    if PAIRS {
        let weights = weights::<P>(step, constants, &mask, &before);
        stack.weight[level * P..(level + 1) * P].copy_from_slice(&weights);
    }
}

#[inline(always)]
fn exit<const P: usize>(step: &Step, constants: &[f64], stack: &mut Stack) -> [Lanes; P] {
    let level = step.level as usize;
    let mask = stack.along[level];
    let mut gains = weights::<P>(step, constants, &mask, &before(step, stack));
    let (here, below) = stack.sum[level * P..(level + 2) * P].split_at_mut(P);
    for ((gain, here), below) in gains.iter_mut().zip(here).zip(below.iter()) {
        add(here, below);
        *gain = product(below, gain);
    }
    gains
}

/// What leaves below a node pay to its sum; what their feature gains by them.
#[inline(always)]
fn pay<const P: usize>(step: &Step, constants: &[f64], stack: &mut Stack) -> [Lanes; P] {
    let before = before(step, stack);
    let level = step.level as usize;
    let mask = if step.kind == Kind::Twig { stack.left[level] } else { side(step, stack, &before) };
    let sums = factors::<P>(step, constants, &mask, &before);
    let mut gains = weights::<P>(step, constants, &mask, &before);
    let reached = &stack.product[level * P..(level + 1) * P];
    let here = &mut stack.sum[level * P..(level + 1) * P];
    for (((gain, here), sum), reached) in gains.iter_mut().zip(here).zip(&sums).zip(reached) {
        add(here, &product(reached, sum));
        *gain = product(reached, gain);
    }
    gains
}

/// Shares the gains of an edge with the edges above it: the second difference of each pair.
#[inline(always)]
fn spread<const P: usize>(
    program: &Program,
    step: &Step,
    gains: &[Lanes; P],
    stack: &Stack,
    pairs: &mut [Lanes],
) {
    let level = step.level as usize;
    let mut bare = *gains;
    for (gains, inverse) in bare.iter_mut().zip(&program.inverse_weights) {
        for gain in gains {
            *gain *= inverse;
        }
    }
    for above in 0..level {
        let (a, b) = (stack.column[above].min(step.column), stack.column[above].max(step.column));
        if a == b {
            continue;
        }
        let weights = &stack.weight[above * P..(above + 1) * P];
        let mut parts = bare;
        for (part, weight) in parts.iter_mut().zip(weights) {
            *part = product(weight, part);
        }
        let (a, b) = (a as usize, b as usize);
        add(&mut pairs[b * (b - 1) / 2 + a], &fold(&parts));
    }
}

#[cfg(test)]
#[path = "shap_tests.rs"]
mod tests;
