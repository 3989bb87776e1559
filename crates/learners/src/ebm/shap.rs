//! Exact Shapley values of a machine's scores against background rows.
//!
//! A score is a sum of functions of one feature and of pairs, and Shapley values of a sum are the
//! sums of its parts'. Against one background row `z`, a function of one feature belongs to it:
//! `f(x) - f(z)`. Of a pair, each feature gets the mean of what it changes where the other is
//! still the background row's and where it is the row's own (Shapley, 1953, for two players).

use modelwright_core::data::FeatureView;
use modelwright_core::{Context, Error, Result};

use super::model::{EbmModel, Term, cell};
use crate::learner::Model;

/// What is divided among whom.
#[derive(Debug, Clone, Copy)]
pub struct Division<'a> {
    /// The output whose score is divided.
    pub output: usize,
    /// The player that each feature belongs to; those of one player are exchanged together.
    pub players: &'a [u32],
    /// How many players there are.
    pub n_players: usize,
    /// What each pair of a row and a background row counts, row-major.
    pub weights: &'a [f64],
}

impl EbmModel {
    /// For each row of `x` what each player adds to the score against the rows of `known`, summed
    /// by weight: `x.n_rows() × n_players`, row-major. Values of a row sum to its weighted
    /// differences of scores.
    ///
    /// # Errors
    /// Input error when features, players, weights or the output do not fit the machine.
    pub fn interventional(
        &self,
        division: &Division<'_>,
        x: &FeatureView<'_>,
        known: &FeatureView<'_>,
        ctx: &Context,
    ) -> Result<Vec<f64>> {
        let n = division.n_players;
        let (n_rows, m) = (x.n_rows(), known.n_rows());
        let is_fit = division.players.iter().all(|player| (*player as usize) < n)
            && division.weights.len() == n_rows * m
            && division.output < self.n_outputs();
        let n_features = division.players.len();
        let counts = [x.features.n_features(), known.features.n_features(), n_features];
        if !is_fit || counts.iter().any(|count| *count != self.n_features()) {
            return Err(Error::input("what is to be divided does not fit the machine")
                .expected(format!("{} features, a player for each", self.n_features()))
                .got(format!("{counts:?} features")));
        }
        let (ours, theirs) = (self.codes(x), self.codes(known));
        let of_row = |row: usize| {
            let mut values = vec![0.0; n];
            let weights = &division.weights[row * m..(row + 1) * m];
            for term in self.terms() {
                let players: Vec<usize> =
                    self.features(term).map(|f| division.players[f] as usize).collect();
                let table = term.values(division.output);
                let sides = |ours: &[u8], theirs: &[u8]| Sides::of(term, table, ours, theirs);
                for (weight, theirs) in weights.iter().zip(&theirs) {
                    let at = sides(&ours[row], theirs);
                    match players[..] {
                        [a, b] if a != b => {
                            let (first, second) = at.shares();
                            values[a] += weight * first;
                            values[b] += weight * second;
                        }
                        [a, ..] => values[a] += weight * at.whole(),
                        [] => {}
                    }
                }
            }
            values
        };
        Ok(ctx.map(n_rows, of_row).concat())
    }
}

/// A function where each side is the row's own (`1`) or the background row's (`0`).
struct Sides {
    both: f64,
    first: f64,
    second: f64,
    none: f64,
}

impl Sides {
    fn of(term: &Term, table: &[f64], ours: &[u8], theirs: &[u8]) -> Self {
        // The function of one feature has no second side.
        let second_axis = term.second_axis();
        let at = |first: &[u8], second: &[u8]| {
            let is_second = |axis: usize| Some(axis) == second_axis;
            table[cell(term, |axis| if is_second(axis) { second[axis] } else { first[axis] })]
        };
        Self {
            both: at(ours, ours),
            first: at(ours, theirs),
            second: at(theirs, ours),
            none: at(theirs, theirs),
        }
    }

    fn whole(&self) -> f64 {
        self.both - self.none
    }

    fn shares(&self) -> (f64, f64) {
        let first = (self.first - self.none) + (self.both - self.second);
        let second = (self.second - self.none) + (self.both - self.first);
        (first / 2.0, second / 2.0)
    }
}

#[cfg(test)]
mod tests {
    use modelwright_core::data::FeatureMatrix;
    use modelwright_core::task::Target;

    use super::super::tests::{features, fit_in, quick, row};
    use super::*;

    /// The score of features of some rows mixed: of `a` where a bit is set, else of `b`.
    fn mixed(model: &EbmModel, x: &FeatureMatrix, mask: usize, [a, b]: [u32; 2]) -> f64 {
        let mut one = x.clone();
        one.n_rows = 1;
        for (f, column) in one.columns.iter_mut().enumerate() {
            let from = if (mask >> f) & 1 == 1 { a } else { b };
            column.values = vec![x.columns[f].values[from as usize]].into();
            column.bins = None;
        }
        model.scores(&FeatureView::all(&one), &Context::unlimited(1, 1)).unwrap()[0]
    }

    /// Shapley values by their definition, of a row against another one.
    fn by_definition(model: &EbmModel, x: &FeatureMatrix, pair: [u32; 2]) -> Vec<f64> {
        let n = x.n_features();
        let factorial = |k: usize| (1..=k).product::<usize>() as f64;
        let of_player = |player: usize| {
            let others = (0..1_usize << n).filter(|mask| (mask >> player) & 1 == 0);
            let part = |mask: usize| {
                let size = mask.count_ones() as usize;
                let share = factorial(size) * factorial(n - size - 1) / factorial(n);
                let with = mixed(model, x, mask | (1 << player), pair);
                share * (with - mixed(model, x, mask, pair))
            };
            others.map(part).sum()
        };
        (0..n).map(of_player).collect()
    }

    #[test]
    fn values_are_those_of_the_definition_and_sum_to_the_score() {
        let x = features(2_000, 8);
        let of = |i: usize| {
            let [a, b, c, ..] = row(&x, i);
            a + 2.0 * b * c
        };
        let target = Target::Real((0..2_000).map(of).collect());
        let params = super::super::EbmParams { interactions: 0.4, ..quick() };
        let model = fit_in(&x, &target, params, 2);
        assert!(model.terms().iter().any(|term| model.features(term).count() == 2));
        let ctx = Context::unlimited(1, 2);
        let (rows, others) = ([3_u32, 400, 1_999], [7_u32, 80]);
        let [ours, theirs] =
            [&rows[..], &others[..]].map(|rows| FeatureView { features: &x, rows: Some(rows) });
        let players: Vec<u32> = (0..5).collect();
        let weights = [0.25, 0.75].repeat(3);
        let division = Division { output: 0, players: &players, n_players: 5, weights: &weights };
        let found = model.interventional(&division, &ours, &theirs, &ctx).unwrap();
        for (values, row) in found.chunks_exact(5).zip(rows) {
            let [first, second] = others.map(|other| by_definition(&model, &x, [row, other]));
            for (value, (a, b)) in values.iter().zip(first.iter().zip(second)) {
                assert!((value - (0.25 * a + 0.75 * b)).abs() < 1e-9, "{values:?}");
            }
        }
        // Features of one player go together, and the sums stay.
        let one = Division { players: &[0; 5], n_players: 1, ..division };
        let sums = model.interventional(&one, &ours, &theirs, &ctx).unwrap();
        for (sum, values) in sums.iter().zip(found.chunks_exact(5)) {
            assert!((sum - values.iter().sum::<f64>()).abs() < 1e-9);
        }
        let short = Division { weights: &weights[1..], ..division };
        assert!(model.interventional(&short, &ours, &theirs, &ctx).is_err());
    }
}
