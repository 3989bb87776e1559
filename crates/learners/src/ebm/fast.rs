//! Which pairs of features say more together than apart.
//!
//! After the functions of single features are known, the gradients that are left are summed over
//! the coarse bins of each pair, and the pair is worth what four quadrants gain over any two
//! functions of one feature each, at the best cross ([`Sums::best_contrast`]). One pass over the
//! rows per pair, no fit.
//! Reference: Lou et al., KDD 2013, section 4 (FAST); the contrast replaces its two fits.

use modelwright_core::Context;
use modelwright_core::random::Random;
use modelwright_kernels::entry::sum_of_one;
use rayon::prelude::*;

use super::coarse::{Coarse, cell};
use super::cross::{CELLS, Sums};
use super::mains::Quantised;
use super::table::Table;

/// At most this many rows decide.
const SAMPLE: usize = 100_000;
/// At most this many features are paired: those of the largest functions.
const MOST_FEATURES: usize = 128;

/// What is known when pairs are looked for.
pub(super) struct Search<'a> {
    pub(super) table: &'a Table<'a>,
    /// Of each feature.
    pub(super) coarse: &'a [Coarse],
    /// What the functions of single features leave, for each output and row of the table.
    pub(super) gradients: &'a [Vec<[f32; 2]>],
    /// The size of each feature's function.
    pub(super) importances: &'a [f64],
}

impl Search<'_> {
    /// At most `wanted` pairs, best first; features with a direction are left out, because a
    /// function of a pair has none.
    ///
    /// Asks the clock before the pairs of each feature.
    pub(super) fn best(
        &self,
        wanted: usize,
        random: &mut Random,
        ctx: &Context,
    ) -> Vec<[usize; 2]> {
        let features = self.features();
        let sample = self.sample(random);
        let columns: Vec<Vec<u8>> =
            features.par_iter().map(|feature| self.groups(*feature, &sample)).collect();
        let outputs: Vec<(Vec<i64>, [f64; 2])> =
            self.gradients.iter().map(|g| sums(g, &sample, random)).collect();
        let mut found: Vec<(f64, [usize; 2])> = Vec::new();
        for (i, a) in features.iter().enumerate() {
            if !ctx.proceed() {
                break;
            }
            let others = features[i + 1..].par_iter().zip(&columns[i + 1..]);
            found.par_extend(
                others.map(|(b, column)| (worth(&columns[i], column, &outputs), [*a, *b])),
            );
        }
        found.retain(|(worth, _)| *worth > 0.0);
        found.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        found.truncate(wanted);
        found.into_iter().map(|(_, pair)| pair).collect()
    }

    fn features(&self) -> Vec<usize> {
        let mut features: Vec<usize> =
            (0..self.coarse.len()).filter(|f| self.table.directions[*f] == 0).collect();
        features.sort_by(|a, b| self.importances[*b].total_cmp(&self.importances[*a]));
        features.truncate(MOST_FEATURES);
        features.sort_unstable();
        features
    }

    fn sample(&self, random: &mut Random) -> Vec<u32> {
        let learn = &self.table.learn;
        random.sample(learn.len(), SAMPLE).into_iter().map(|i| learn[i as usize]).collect()
    }

    fn groups(&self, feature: usize, rows: &[u32]) -> Vec<u8> {
        let codes = &self.table.features[feature].codes;
        let group_of = &self.coarse[feature].group_of;
        rows.iter().map(|row| group_of[usize::from(codes[*row as usize])]).collect()
    }
}

/// Quantised gradients of the sample, and their units.
fn sums(gradients: &[[f32; 2]], sample: &[u32], random: &mut Random) -> (Vec<i64>, [f64; 2]) {
    let mut quantised = Quantised::new(sample.len());
    quantised.fill(gradients, sample, random);
    (quantised.entries.iter().map(|entry| sum_of_one(*entry)).collect(), quantised.units)
}

/// What a pair gains, over all outputs.
fn worth(a: &[u8], b: &[u8], outputs: &[(Vec<i64>, [f64; 2])]) -> f64 {
    let mut of_pair = Sums::new();
    let gains = outputs.iter().map(|(sums, units)| {
        let mut histogram = [0_i64; CELLS];
        for ((a, b), sum) in a.iter().zip(b).zip(sums) {
            histogram[usize::from(cell(*a, *b)) % CELLS] += sum;
        }
        of_pair.fill(&histogram, *units);
        of_pair.best_contrast()
    });
    gains.sum()
}
