//! The step of one feature: its bins in two (or few) leaves, each with a small Newton step.
//!
//! Values in ascending order, or levels of a category by their gradient per Hessian, are cut where
//! the second-order loss falls most, `Σ_leaf G² / (H + λ)`; missing values are a leaf of their own.
//! Each leaf's step is `-rate · G / (H + λ)`. A feature with a direction is cut once and only where
//! the two steps have that order, so that sums of its steps rise (or fall) throughout.

use modelwright_core::random::Random;
use modelwright_kernels::entry::{gradient_units, hessian_units};

/// Rows of average Hessian that are added to each level of a category before levels are sorted,
/// as in LightGBM: the order of rare levels is mostly noise.
const CATEGORY_SMOOTH: f64 = 10.0;

/// What steps obey.
#[derive(Debug, Clone)]
pub(super) struct StepRule {
    pub(super) max_leaves: usize,
    pub(super) min_samples: u32,
    pub(super) l2: f64,
    pub(super) rate: f64,
    /// The largest step before it is multiplied by the rate.
    pub(super) largest: f64,
}

impl StepRule {
    /// The reduction of the loss by a leaf.
    #[inline]
    pub(super) fn score(&self, g: f64, h: f64) -> f64 {
        let h = h + self.l2;
        if h > 0.0 { g * g / h } else { 0.0 }
    }

    /// What a leaf adds to the score.
    pub(super) fn step(&self, g: f64, h: f64) -> f32 {
        let h = h + self.l2;
        if h > 0.0 { (self.rate * (-g / h).clamp(-self.largest, self.largest)) as f32 } else { 0.0 }
    }
}

/// A feature in a bag.
#[derive(Debug, Clone)]
pub(super) struct Column {
    /// Rows of each bin, the missing bin last.
    pub(super) counts: Vec<u32>,
    pub(super) is_category: bool,
    /// -1, 0 or 1.
    pub(super) direction: i8,
}

/// Memory for finding steps.
pub(super) struct Finder {
    /// Bins in the order in which they are cut.
    order: Vec<u8>,
    /// Sums of the bins before each place of `order`: gradient, Hessian.
    sums: Vec<[f64; 2]>,
    /// Rows before each place.
    rows: Vec<u32>,
    /// Leaves as ranges of `order`, with the place of their best cut and what it gains.
    leaves: Vec<Leaf>,
}

#[derive(Debug, Clone, Copy)]
struct Leaf {
    start: usize,
    end: usize,
    cut: usize,
    /// 0 where there is no cut.
    gain: f64,
}

impl Finder {
    pub(super) fn new() -> Self {
        Self { order: Vec::new(), sums: Vec::new(), rows: Vec::new(), leaves: Vec::new() }
    }

    /// Finds the step that lowers the loss most, or one cut at a random place.
    ///
    /// `histogram` has one sum per bin, `units` are the gradient and the Hessian of one unit.
    /// Writes what each bin adds to `out`; returns the gain, 0 where nothing is to be done.
    pub(super) fn step(
        &mut self,
        histogram: &[i64],
        units: [f64; 2],
        column: &Column,
        rule: &StepRule,
        random: Option<&mut Random>,
        out: &mut [f32],
    ) -> f64 {
        out.fill(0.0);
        let (missing_bin, n_values) = (histogram.len() - 1, histogram.len() - 1);
        let real = |sum: i64| {
            [f64::from(gradient_units(sum)) * units[0], f64::from(hessian_units(sum)) * units[1]]
        };
        self.sort(&histogram[..n_values], column, real);
        self.add_up(histogram, column, real);
        self.leaves.clear();
        self.leaves.push(Leaf { start: 0, end: self.order.len(), cut: 0, gain: 0.0 });
        match random {
            Some(random) => self.cut_at_random(column, rule, random),
            None => self.cut_best(column, rule),
        }
        let missing = real(histogram[missing_bin]);
        let has_missing = column.counts[missing_bin] >= rule.min_samples;
        if self.leaves.len() < 2 && !has_missing {
            return 0.0;
        }
        let all = self.sum(0, self.order.len());
        let mut gain = 0.0;
        for leaf in &self.leaves {
            let [g, h] = self.sum(leaf.start, leaf.end);
            gain += rule.score(g, h);
            for bin in &self.order[leaf.start..leaf.end] {
                out[usize::from(*bin)] = rule.step(g, h);
            }
        }
        let [mut g, mut h] = all;
        if has_missing {
            gain += rule.score(missing[0], missing[1]);
            out[missing_bin] = rule.step(missing[0], missing[1]);
            (g, h) = (g + missing[0], h + missing[1]);
        }
        (gain - rule.score(g, h)).max(0.0)
    }

    /// Puts bins in the order in which they are cut.
    fn sort(&mut self, values: &[i64], column: &Column, real: impl Fn(i64) -> [f64; 2]) {
        self.order.clear();
        if !column.is_category {
            self.order.extend(0..=u8::try_from(values.len() - 1).unwrap_or(u8::MAX));
            return;
        }
        let occupied = (0..values.len()).filter(|bin| column.counts[*bin] > 0);
        self.order.extend(occupied.map(|bin| bin as u8));
        let total = real(values.iter().sum())[1];
        let n_rows: u32 = column.counts[..values.len()].iter().sum();
        let smooth = CATEGORY_SMOOTH * total / f64::from(n_rows.max(1)) + f64::MIN_POSITIVE;
        let rank = |bin: u8| {
            let [g, h] = real(values[usize::from(bin)]);
            g / (h + smooth)
        };
        self.order.sort_by(|a, b| rank(*a).total_cmp(&rank(*b)));
    }

    fn add_up(&mut self, values: &[i64], column: &Column, real: impl Fn(i64) -> [f64; 2]) {
        self.sums.clear();
        self.rows.clear();
        let (mut sum, mut rows) = (0_i64, 0_u32);
        for bin in &self.order {
            self.sums.push(real(sum));
            self.rows.push(rows);
            sum += values[usize::from(*bin)];
            rows += column.counts[usize::from(*bin)];
        }
        self.sums.push(real(sum));
        self.rows.push(rows);
    }

    fn sum(&self, start: usize, end: usize) -> [f64; 2] {
        let (a, b) = (self.sums[start], self.sums[end]);
        [b[0] - a[0], b[1] - a[1]]
    }

    /// Cuts the leaf of the largest gain until there are enough leaves.
    fn cut_best(&mut self, column: &Column, rule: &StepRule) {
        self.leaves[0] = self.best_cut(0, self.order.len(), column, rule);
        let most = if column.direction == 0 { rule.max_leaves } else { 2 };
        while self.leaves.len() < most {
            let gains = self.leaves.iter().map(|leaf| leaf.gain).enumerate();
            let best = gains.fold(
                (0, 0.0),
                |best, (i, gain)| {
                    if gain > best.1 { (i, gain) } else { best }
                },
            );
            if best.1 <= 0.0 {
                return;
            }
            let Leaf { start, end, cut, .. } = self.leaves[best.0];
            self.leaves[best.0] = self.best_cut(start, cut, column, rule);
            let right = self.best_cut(cut, end, column, rule);
            self.leaves.insert(best.0 + 1, right);
        }
    }

    /// The leaf from `start` to `end` with its best cut.
    fn best_cut(&self, start: usize, end: usize, column: &Column, rule: &StepRule) -> Leaf {
        let [g, h] = self.sum(start, end);
        let whole = rule.score(g, h);
        let mut best = Leaf { start, end, cut: 0, gain: 0.0 };
        for cut in start + 1..end {
            if !self.is_allowed(start, cut, end, column, rule) {
                continue;
            }
            let left = self.sum(start, cut);
            let gain = rule.score(left[0], left[1]) + rule.score(g - left[0], h - left[1]) - whole;
            if gain > best.gain {
                best = Leaf { cut, gain, ..best };
            }
        }
        best
    }

    fn is_allowed(
        &self,
        start: usize,
        cut: usize,
        end: usize,
        column: &Column,
        rule: &StepRule,
    ) -> bool {
        let enough = self.rows[cut] - self.rows[start] >= rule.min_samples
            && self.rows[end] - self.rows[cut] >= rule.min_samples;
        if !enough || column.direction == 0 {
            return enough;
        }
        let (left, right) = (self.sum(start, cut), self.sum(cut, end));
        let rise = rule.step(right[0], right[1]) - rule.step(left[0], left[1]);
        rise * f32::from(column.direction) >= 0.0
    }

    /// Two leaves with the border at a random place, where one is allowed.
    fn cut_at_random(&mut self, column: &Column, rule: &StepRule, random: &mut Random) {
        let end = self.order.len();
        let allowed = |cut: &usize| self.is_allowed(0, *cut, end, column, rule);
        let n_allowed = (1..end).filter(allowed).count();
        if n_allowed == 0 {
            return;
        }
        let cut = (1..end).filter(allowed).nth(random.below(n_allowed)).unwrap_or(1);
        self.leaves[0].end = cut;
        self.leaves.push(Leaf { start: cut, end, cut: 0, gain: 0.0 });
    }
}
