//! What a round does for the functions of pairs of features.

use modelwright_core::random::Random;
use modelwright_kernels::entry::{row, sum_of_one};

use super::coarse::{Coarse, SIDE, cell};
use super::cross::{CELLS, Cross, Sums, integrate};
use super::cuts::StepRule;
use super::mains::{Gate, Quantised};
use super::sweeps::{Setup, Terms};
use super::table::{Bag, Table};

/// Pairs whose steps follow from the same gradients.
const GROUP: usize = 8;

/// A pair of features, with the place of each row in its table.
pub(super) struct Pair {
    /// Positions in [`Table::features`], ascending.
    pub(super) features: [usize; 2],
    cells: Vec<u16>,
}

impl Pair {
    pub(super) fn new(table: &Table<'_>, features: [usize; 2], coarse: &[Coarse]) -> Self {
        let [a, b] = features.map(|f| (&table.features[f].codes, &coarse[f].group_of));
        let place = |(x, y): (&u8, &u8)| cell(a.1[usize::from(*x)], b.1[usize::from(*y)]);
        Self { features, cells: a.0.iter().zip(b.0.iter()).map(place).collect() }
    }

    /// The place of a row of the table.
    pub(super) fn cell(&self, row: usize) -> usize {
        usize::from(self.cells[row])
    }
}

/// The functions of all pairs, in a bag.
pub(super) struct Pairs<'a> {
    all: &'a [Pair],
    bag: &'a Bag,
    rule: StepRule,
    /// Integrated numbers of the bag's rows, for each pair.
    rows: Vec<Vec<u32>>,
    /// [`CELLS`] per pair, the pairs of one output after the other.
    values: Vec<f64>,
    gate: Gate,
    random: Random,
    quantised: Quantised,
    sums: Sums,
}

impl<'a> Pairs<'a> {
    pub(super) fn new(setup: &Setup<'_>, pairs: &'a [Pair], bag: &'a Bag, random: Random) -> Self {
        let count = |pair: &Pair| {
            let mut rows = vec![0_u32; CELLS];
            bag.learn.iter().for_each(|at| rows[pair.cell(*at as usize)] += 1);
            integrate(&mut rows);
            rows
        };
        Self {
            all: pairs,
            bag,
            rule: setup.rule(),
            rows: pairs.iter().map(count).collect(),
            values: vec![0.0; setup.n_outputs() * pairs.len() * CELLS],
            gate: Gate::new(setup.params.greediness, setup.n_outputs()),
            random,
            quantised: Quantised::new(bag.learn.len()),
            sums: Sums::new(),
        }
    }

    /// The functions: [`CELLS`] numbers per pair, the pairs of one output after the other.
    pub(super) fn into_values(self) -> Vec<f64> {
        self.values
    }

    /// Adds the step of a cross to the function of a pair and to the scores.
    fn take(&mut self, output: usize, pair: usize, cross: &Cross, scores: &mut [f64]) {
        let leaves = self.sums.quadrants(cross.row, cross.column);
        let steps = leaves.map(|[g, h]| self.rule.step(g, h));
        let mut table = [0.0_f32; CELLS];
        for (row, places) in table.chunks_exact_mut(SIDE).enumerate() {
            for (column, place) in places.iter_mut().enumerate() {
                let quadrant = 2 * usize::from(row > cross.row);
                *place = steps[quadrant + usize::from(column > cross.column)];
            }
        }
        let start = (output * self.all.len() + pair) * CELLS;
        for (value, step) in self.values[start..].iter_mut().zip(&table) {
            *value += f64::from(*step);
        }
        for (score, cell) in scores.iter_mut().zip(&self.all[pair].cells) {
            *score += f64::from(table[usize::from(*cell) % CELLS]);
        }
    }
}

impl Terms for Pairs<'_> {
    fn n_groups(&self) -> usize {
        self.all.len().div_ceil(GROUP)
    }

    fn step(
        &mut self,
        _: usize,
        group: usize,
        gradients: &[Vec<[f32; 2]>],
        scores: &mut [Vec<f64>],
    ) {
        if group == 0 {
            self.gate.turn();
        }
        let members = group * GROUP..((group + 1) * GROUP).min(self.all.len());
        for (output, (gradients, scores)) in gradients.iter().zip(scores).enumerate() {
            self.quantised.fill(gradients, &self.bag.learn, &mut self.random);
            for pair in members.clone() {
                let mut histogram = [0_i64; CELLS];
                let cells = &self.all[pair].cells;
                for entry in &self.quantised.entries {
                    let cell = usize::from(cells[row(*entry) as usize]);
                    histogram[cell % CELLS] += sum_of_one(*entry);
                }
                self.sums.fill(&histogram, self.quantised.units);
                match self.sums.best_cross(&self.rows[pair], &self.rule) {
                    Some(cross) if self.gate.lets(output, cross.gain) => {
                        self.take(output, pair, &cross, scores);
                    }
                    _ => {}
                }
            }
        }
    }

    fn values(&mut self) -> &mut Vec<f64> {
        &mut self.values
    }
}
