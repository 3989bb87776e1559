//! What a round does for the functions of single features.

use modelwright_core::random::Random;
use modelwright_kernels::entry::{Entry, Scale, quantise_rows};
use modelwright_kernels::gradient::largest;

use super::cuts::{Column, Finder, StepRule};
use super::sweeps::{Setup, Terms};
use super::table::{Bag, Table};

/// Numbers per function, one for each possible bin.
pub(super) const BINS: usize = 256;

/// The largest Newton step of a log-odds: what pure leaves would ask for has no bound.
const LARGEST_LOGIT_STEP: f64 = 4.0;

impl Setup<'_> {
    /// What steps obey.
    pub(super) fn rule(&self) -> StepRule {
        let p = self.params;
        let is_class = self.train.target.task().is_classification();
        StepRule {
            max_leaves: p.max_leaves,
            min_samples: u32::try_from(p.min_samples_leaf).unwrap_or(u32::MAX),
            l2: p.l2,
            rate: p.learning_rate,
            largest: if is_class { LARGEST_LOGIT_STEP } else { f64::INFINITY },
        }
    }
}

/// Which gains are worth a step: a part of the best gain of the last sweep.
pub(super) struct Gate {
    share: f64,
    last: Vec<f64>,
    best: Vec<f64>,
}

impl Gate {
    pub(super) fn new(share: f64, n_outputs: usize) -> Self {
        Self { share, last: vec![0.0; n_outputs], best: vec![0.0; n_outputs] }
    }

    /// A sweep begins.
    pub(super) fn turn(&mut self) {
        std::mem::swap(&mut self.last, &mut self.best);
        self.best.fill(0.0);
    }

    /// Whether a step of this gain is taken.
    pub(super) fn lets(&mut self, output: usize, gain: f64) -> bool {
        self.best[output] = self.best[output].max(gain);
        gain > 0.0 && gain >= self.share * self.last[output]
    }
}

/// Rows with their quantised gradients.
pub(super) struct Quantised {
    pub(super) entries: Vec<Entry>,
    /// The gradient and the Hessian of a unit.
    pub(super) units: [f64; 2],
}

impl Quantised {
    pub(super) fn new(n_rows: usize) -> Self {
        Self { entries: vec![0; n_rows], units: [0.0; 2] }
    }

    /// Quantises the gradients of the rows.
    pub(super) fn fill(&mut self, gradients: &[[f32; 2]], rows: &[u32], random: &mut Random) {
        let scale = Scale::for_rows(rows.len(), largest(gradients));
        let seed = random.next_u64() as u32;
        quantise_rows(gradients, rows, scale, seed, &mut self.entries);
        let unit = |scale: f32| if scale > 0.0 { 1.0 / f64::from(scale) } else { 0.0 };
        self.units = [unit(scale.gradient), unit(scale.hessian)];
    }
}

/// The functions of all features, in a bag.
pub(super) struct Mains<'a> {
    table: &'a Table<'a>,
    bag: &'a Bag,
    rule: StepRule,
    columns: Vec<Column>,
    /// [`BINS`] per feature, the features of one output after the other.
    values: Vec<f64>,
    smoothing_rounds: usize,
    gate: Gate,
    random: Random,
    quantised: Quantised,
    finder: Finder,
    histogram: Vec<i64>,
    steps: Vec<f32>,
}

impl<'a> Mains<'a> {
    pub(super) fn new(setup: &Setup<'a>, bag: &'a Bag, random: Random) -> Self {
        let table = setup.table;
        let columns = table.features.iter().zip(&table.directions).enumerate();
        let column =
            |(i, (feature, direction)): (usize, (&crate::tree::bins::BinFeature, &i8))| Column {
                counts: table.counts(i, &bag.learn)[..feature.n_bins()].to_vec(),
                is_category: feature.is_category,
                direction: *direction,
            };
        Self {
            table,
            bag,
            rule: setup.rule(),
            columns: columns.map(column).collect(),
            values: vec![0.0; setup.n_outputs() * table.features.len() * BINS],
            smoothing_rounds: setup.params.smoothing_rounds,
            gate: Gate::new(setup.params.greediness, setup.n_outputs()),
            random,
            quantised: Quantised::new(bag.learn.len()),
            finder: Finder::new(),
            histogram: Vec::new(),
            steps: Vec::new(),
        }
    }

    /// The functions: [`BINS`] numbers per feature, the features of one output after the other.
    pub(super) fn into_values(self) -> Vec<f64> {
        self.values
    }
}

impl Terms for Mains<'_> {
    fn n_groups(&self) -> usize {
        self.table.blocks.len()
    }

    fn step(
        &mut self,
        round: usize,
        group: usize,
        gradients: &[Vec<[f32; 2]>],
        scores: &mut [Vec<f64>],
    ) {
        if group == 0 {
            self.gate.turn();
        }
        let block = &self.table.blocks[group];
        let stride = block.bins.stride();
        for (output, (gradients, scores)) in gradients.iter().zip(scores).enumerate() {
            self.quantised.fill(gradients, &self.bag.learn, &mut self.random);
            self.histogram.clear();
            self.histogram.resize(block.bins.histogram_len(), 0);
            block.bins.accumulate(&self.quantised.entries, &mut self.histogram);
            self.steps.clear();
            self.steps.resize(block.bins.histogram_len(), 0.0);
            let mut steps_taken = false;
            for (place, feature) in block.members.iter().enumerate() {
                let column = &self.columns[*feature];
                let bins = place * stride..place * stride + column.counts.len();
                let smooths = round < self.smoothing_rounds;
                let random = if smooths { Some(&mut self.random) } else { None };
                let steps = &mut self.steps[bins.clone()];
                let sums = &self.histogram[bins];
                let units = self.quantised.units;
                let gain = self.finder.step(sums, units, column, &self.rule, random, steps);
                if !smooths && !self.gate.lets(output, gain) {
                    steps.fill(0.0);
                    continue;
                }
                steps_taken = true;
                let start = (output * self.columns.len() + feature) * BINS;
                for (value, step) in self.values[start..].iter_mut().zip(&*steps) {
                    *value += f64::from(*step);
                }
            }
            if steps_taken {
                block.bins.add_tables(&self.steps, scores);
            }
        }
    }

    fn values(&mut self) -> &mut Vec<f64> {
        &mut self.values
    }
}
