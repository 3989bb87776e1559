//! The best mixture of deciders under constraints: a small linear programme, solved exactly.
//!
//! Of deciders with errors `e_t` and violations `γ_tj`, shares `q ≥ 0` with `Σ q = 1` are sought
//! that minimise `Σ q_t e_t + B · max(0, max_j(Σ q_t γ_tj − ε))`: what exponentiated gradient
//! approaches, and solves outright each round (Agarwal et al. 2018, appendix; so does fairlearn).
//! The tableau has a row for each constraint and a column for each decider, a few dozen of both.
//! Bland's rule keeps it from cycling, and makes the result one and the same everywhere.

/// What rounding may leave of a zero.
const ROUNDING: f64 = 1e-11;

/// Steps after which a tableau that rounding has spoilt is taken as it is.
const STEPS_MAX: usize = 2_000;

/// Shares of the deciders, and the price of each constraint.
pub(super) struct Mixture {
    /// One for each decider; at least 0, together 1.
    pub shares: Vec<f64>,
    /// How much error a little more allowance would save; at least 0.
    pub prices: Vec<f64>,
}

/// Solves it. `violations[t][j]` is `γ_tj`; `slack` is `ε` and `bound` is `B`, both positive.
///
/// # Panics
/// If there is no decider.
pub(super) fn best(errors: &[f64], violations: &[Vec<f64>], slack: f64, bound: f64) -> Mixture {
    let n_constraints = violations[0].len();
    let mut tableau = Tableau::new(errors, violations, slack, bound);
    tableau.make_feasible(n_constraints);
    tableau.minimise();
    tableau.read(errors.len(), n_constraints)
}

/// Columns: the deciders but the first, the excess above the slack, a slack of each row, and the
/// right-hand side. The first decider's share is what the others leave. The last row holds the
/// reduced costs.
struct Tableau {
    rows: Vec<Vec<f64>>,
    basis: Vec<usize>,
    n_columns: usize,
}

impl Tableau {
    fn new(errors: &[f64], violations: &[Vec<f64>], slack: f64, bound: f64) -> Self {
        let (n_free, n_constraints) = (errors.len() - 1, violations[0].len());
        let n_rows = n_constraints + 1;
        let n_columns = n_free + 1 + n_rows;
        let mut rows = vec![vec![0.0; n_columns + 1]; n_rows + 1];
        for (j, row) in rows.iter_mut().take(n_constraints).enumerate() {
            for t in 0..n_free {
                row[t] = violations[t + 1][j] - violations[0][j];
            }
            row[n_free] = -1.0;
            row[n_columns] = slack - violations[0][j];
        }
        rows[n_constraints][..n_free].fill(1.0);
        rows[n_constraints][n_columns] = 1.0;
        for (j, row) in rows.iter_mut().take(n_rows).enumerate() {
            row[n_free + 1 + j] = 1.0;
        }
        for t in 0..n_free {
            rows[n_rows][t] = errors[t + 1] - errors[0];
        }
        rows[n_rows][n_free] = bound;
        let basis = (0..n_rows).map(|j| n_free + 1 + j).collect();
        Self { rows, basis, n_columns }
    }

    /// Lets the excess take up what the first decider violates, where it violates anything.
    fn make_feasible(&mut self, n_constraints: usize) {
        let end = self.n_columns;
        let worst = (0..n_constraints)
            .min_by(|a, b| self.rows[*a][end].total_cmp(&self.rows[*b][end]))
            .filter(|j| self.rows[*j][end] < 0.0);
        if let Some(row) = worst {
            let excess = self.n_columns - self.basis.len() - 1;
            self.pivot(row, excess);
        }
    }

    fn minimise(&mut self) {
        let (n_rows, end) = (self.basis.len(), self.n_columns);
        for _ in 0..STEPS_MAX {
            let costs = &self.rows[n_rows];
            let Some(column) = (0..end).find(|c| costs[*c] < -ROUNDING) else { return };
            let mut best: Option<(f64, usize)> = None;
            for row in 0..n_rows {
                let by = self.rows[row][column];
                if by <= ROUNDING {
                    continue;
                }
                let reach = self.rows[row][end] / by;
                let is_first = |(least, other): (f64, usize)| {
                    reach < least || (reach == least && self.basis[row] < self.basis[other])
                };
                if best.is_none_or(is_first) {
                    best = Some((reach, row));
                }
            }
            let Some((_, row)) = best else { return };
            self.pivot(row, column);
        }
    }

    fn pivot(&mut self, row: usize, column: usize) {
        let by = self.rows[row][column];
        for value in &mut self.rows[row] {
            *value /= by;
        }
        let pivot = self.rows[row].clone();
        for (at, other) in self.rows.iter_mut().enumerate() {
            let factor = other[column];
            if at != row && factor != 0.0 {
                other.iter_mut().zip(&pivot).for_each(|(v, p)| *v -= factor * p);
            }
        }
        self.basis[row] = column;
    }

    fn read(&self, n_deciders: usize, n_constraints: usize) -> Mixture {
        let mut shares = vec![0.0; n_deciders];
        for (row, column) in self.basis.iter().enumerate() {
            if *column + 1 < n_deciders {
                shares[column + 1] = self.rows[row][self.n_columns].max(0.0);
            }
        }
        shares[0] = (1.0 - shares.iter().sum::<f64>()).max(0.0);
        let total: f64 = shares.iter().sum();
        for share in &mut shares {
            *share /= total;
        }
        let costs = &self.rows[self.basis.len()];
        let prices = (0..n_constraints).map(|j| costs[n_deciders + j].max(0.0)).collect();
        Mixture { shares, prices }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use modelwright_core::random::Random;

    fn value(q: &[f64], errors: &[f64], violations: &[Vec<f64>], slack: f64, bound: f64) -> f64 {
        let error: f64 = q.iter().zip(errors).map(|(q, e)| q * e).sum();
        let of = |j: usize| q.iter().zip(violations).map(|(q, v)| q * v[j]).sum::<f64>() - slack;
        let worst = (0..violations[0].len()).map(of).fold(0.0, f64::max);
        error + bound * worst
    }

    #[test]
    fn no_mixture_on_a_fine_grid_is_better_and_prices_are_those_of_the_constraints() {
        let mut random = Random::new(5);
        for case in 0..60 {
            let errors: Vec<f64> = (0..3).map(|_| random.unit()).collect();
            let gamma: Vec<f64> = (0..3).map(|_| random.unit() - 0.5).collect();
            let violations: Vec<Vec<f64>> = gamma.iter().map(|g| vec![*g, -*g]).collect();
            let (slack, bound) = (0.05, 20.0);
            let found = best(&errors, &violations, slack, bound);
            assert!((found.shares.iter().sum::<f64>() - 1.0).abs() < 1e-12);
            let own = value(&found.shares, &errors, &violations, slack, bound);
            for a in 0..=100 {
                for b in 0..=100 - a {
                    let q = [f64::from(a), f64::from(b), f64::from(100 - a - b)].map(|s| s / 100.0);
                    let other = value(&q, &errors, &violations, slack, bound);
                    assert!(own <= other + 1e-9, "case {case}: {own} above {other} at {q:?}");
                }
            }
            // A slightly wider allowance saves what the prices say.
            let wider = best(&errors, &violations, slack + 1e-6, bound);
            let saved = own - value(&wider.shares, &errors, &violations, slack + 1e-6, bound);
            let priced: f64 = found.prices.iter().sum::<f64>() * 1e-6;
            assert!((saved - priced).abs() < 1e-9, "case {case}: {saved} and {priced}");
        }
    }

    #[test]
    fn one_decider_has_everything_and_the_bound_is_the_price_of_what_it_violates() {
        let found = best(&[0.3], &[vec![0.2, -0.2]], 0.05, 20.0);
        assert_eq!((found.shares, found.prices), (vec![1.0], vec![20.0, 0.0]));
        let found = best(&[0.3], &[vec![0.01, -0.01]], 0.05, 20.0);
        assert_eq!((found.shares, found.prices), (vec![1.0], vec![0.0, 0.0]));
    }
}
