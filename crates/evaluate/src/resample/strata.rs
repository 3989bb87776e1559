//! Drawing resamples within classes.

use modelwright_core::Context;
use modelwright_core::random::Random;
use modelwright_core::task::Target;

use super::Mix;

/// Resamples per unit of parallel work: enough to reuse the scratch weights, few enough to share
/// the work evenly.
const BLOCK: usize = 8;

/// The rows of each class; all rows in one stratum for a regression.
pub(crate) struct Strata<'a> {
    n_rows: usize,
    rows: Vec<Vec<u32>>,
    weights: Option<&'a [f64]>,
    /// Whether the parts of `rows` are drawn whole, instead of rows within them.
    whole: bool,
}

impl<'a> Strata<'a> {
    /// Strata of a target whose rows weigh `weights`.
    pub(crate) fn new(truth: &Target, weights: Option<&'a [f64]>) -> Self {
        let n_rows = truth.n_rows();
        let rows = match truth {
            Target::Real(_) => vec![(0..n_rows as u32).collect()],
            Target::Class { codes, n_classes } => {
                let mut rows = vec![Vec::new(); *n_classes];
                for (row, code) in codes.iter().enumerate() {
                    rows[*code as usize].push(row as u32);
                }
                rows
            }
        };
        Self { n_rows, rows, weights, whole: false }
    }

    /// Strata of a target by whether its mix of classes is fixed. Where it is drawn, classes are
    /// drawn together, but for the rare ones: without them most metrics would be undefined.
    pub(crate) fn of_mix(truth: &Target, weights: Option<&'a [f64]>, mix: Mix) -> Self {
        /// A class with fewer rows keeps them: it would be lost in one of 20,000 resamples.
        const RARE: usize = 10;
        let mut strata = Self::new(truth, weights);
        if mix == Mix::Drawn {
            let (mut rare, common): (Vec<_>, Vec<_>) =
                strata.rows.into_iter().partition(|rows: &Vec<u32>| rows.len() < RARE);
            let mut common: Vec<u32> = common.into_iter().flatten().collect();
            common.sort_unstable();
            rare.push(common);
            strata.rows = rare;
        }
        strata
    }

    /// Strata of rows in groups, `codes[row]` below `n_groups`.
    pub(crate) fn of_groups(codes: &[u32], n_groups: usize, weights: Option<&'a [f64]>) -> Self {
        let mut rows = vec![Vec::new(); n_groups];
        for (row, code) in codes.iter().enumerate() {
            rows[*code as usize].push(row as u32);
        }
        Self { n_rows: codes.len(), rows, weights, whole: false }
    }

    /// Groups that are drawn whole, `codes[row]` below `n_groups`.
    pub(crate) fn clusters(codes: &[u32], n_groups: usize, weights: Option<&'a [f64]>) -> Self {
        let mut clusters = Self::of_groups(codes, n_groups, weights);
        clusters.rows.retain(|rows| !rows.is_empty());
        Self { whole: true, ..clusters }
    }

    /// Calls `score(resample weights)` for each resample, in parallel; results are in order.
    ///
    /// The weights are the number of draws of each row times its own weight. A resample of no
    /// weight at all is passed on as it is; see [`has_weight`].
    pub(crate) fn resample<T: Send>(
        &self,
        stream: &str,
        n_resamples: usize,
        ctx: &Context,
        score: impl Fn(&[f64]) -> T + Sync,
    ) -> Vec<T> {
        self.resample_numbered(stream, n_resamples, ctx, |_, drawn| score(drawn))
    }

    /// As [`Self::resample`], calling `score(number of the resample, weights)`.
    pub(crate) fn resample_numbered<T: Send>(
        &self,
        stream: &str,
        n_resamples: usize,
        ctx: &Context,
        score: impl Fn(u64, &[f64]) -> T + Sync,
    ) -> Vec<T> {
        let blocks = ctx.map(n_resamples.div_ceil(BLOCK), |block| {
            let mut drawn = vec![0.0; self.n_rows];
            let end = n_resamples.min((block + 1) * BLOCK);
            (block * BLOCK..end)
                .map(|resample| {
                    self.draw(&mut ctx.random(stream, resample as u64), &mut drawn);
                    score(resample as u64, &drawn)
                })
                .collect::<Vec<T>>()
        });
        blocks.into_iter().flatten().collect()
    }

    fn draw(&self, random: &mut Random, drawn: &mut [f64]) {
        drawn.fill(0.0);
        if self.whole {
            self.draw_whole(random, drawn);
        }
        for rows in self.rows.iter().filter(|_| !self.whole) {
            // Two draws of 32 bits per random number. Multiply-shift without rejection favours
            // no row by more than rows / 2^32, which no interval can notice.
            let n = rows.len() as u64;
            let place = |bits: u64| (((bits & 0xffff_ffff) * n) >> 32) as usize;
            for _ in 0..rows.len() / 2 {
                let bits = random.next_u64();
                drawn[rows[place(bits)] as usize] += 1.0;
                drawn[rows[place(bits >> 32)] as usize] += 1.0;
            }
            if rows.len() % 2 == 1 {
                drawn[rows[place(random.next_u64())] as usize] += 1.0;
            }
        }
        if let Some(weights) = self.weights {
            drawn.iter_mut().zip(weights).for_each(|(d, w)| *d *= w);
        }
    }

    /// As many groups as there are, each draw with all of its rows.
    fn draw_whole(&self, random: &mut Random, drawn: &mut [f64]) {
        for _ in 0..self.rows.len() {
            for row in &self.rows[random.below(self.rows.len())] {
                drawn[*row as usize] += 1.0;
            }
        }
    }
}

/// Whether any row has weight.
pub(crate) fn has_weight(weights: &[f64]) -> bool {
    weights.iter().any(|w| *w > 0.0)
}
