//! Rows by the value of a column and by group: whether the two go together.
//!
//! Rows of one unit, such as the visits of one patient, are no independent witnesses: a value that
//! names the patient goes with whatever is the same at all visits. What each row adds to the
//! distances of the cells from independence is therefore summed over its unit. How much more those
//! sums vary than rows that are independent is the design effect, by which Pearson's statistic is
//! divided (Rao & Scott's first-order correction), and F takes the place of χ² because few units
//! know that variance badly (Thomas & Rao).
//!
//! References: Rao & Scott, Annals of Statistics 12, 1984; Thomas & Rao, JASA 82, 1987; Bergsma,
//! Journal of the Korean Statistical Society 42, 2013.

use super::Groups;
use crate::distribution::{chi_square_survival, f_survival};
use crate::resample::numbered;

/// Rows in units, sorted by them.
pub(super) struct ByUnit {
    /// The rows, those of a unit beside each other.
    pub(super) rows: Vec<u32>,
    /// The number of the unit of each row.
    pub(super) unit_of: Vec<u32>,
    pub(super) n_units: usize,
}

impl ByUnit {
    /// Of the unit of each row.
    pub(super) fn of(units: &[u32]) -> Self {
        let (unit_of, n_units) = numbered(units);
        let mut rows: Vec<u32> = (0..unit_of.len() as u32).collect();
        rows.sort_by_key(|row| unit_of[*row as usize]);
        Self { rows, unit_of, n_units }
    }
}

/// Rows by value and group.
pub(super) struct Crossed {
    n_groups: usize,
    /// `cells[value * n_groups + group]`.
    cells: Vec<f64>,
    of_values: Vec<f64>,
    of_groups: Vec<f64>,
    n: f64,
    /// How many times as uncertain as independent rows these are, of rows in units.
    design: Option<Design>,
}

/// What rows in units are worth.
#[derive(Clone, Copy)]
struct Design {
    effect: f64,
    n_units: f64,
}

impl Crossed {
    pub(super) fn new(values: &Groups, groups: &Groups, units: Option<&ByUnit>) -> Self {
        let n_groups = groups.names.len();
        let mut cells = vec![0.0; values.names.len() * n_groups];
        for (value, group) in values.codes.iter().zip(&groups.codes) {
            cells[*value as usize * n_groups + *group as usize] += 1.0;
        }
        let of_group = |g: usize| cells.iter().skip(g).step_by(n_groups).sum();
        let mut table = Self {
            n_groups,
            of_values: cells.chunks_exact(n_groups.max(1)).map(|row| row.iter().sum()).collect(),
            of_groups: (0..n_groups).map(of_group).collect(),
            n: groups.codes.len() as f64,
            cells,
            design: None,
        };
        table.design = units.map(|units| table.design(values, groups, units));
        table
    }

    pub(super) fn largest_share(&self) -> f64 {
        if self.n > 0.0 { self.of_groups.iter().copied().fold(0.0, f64::max) / self.n } else { 0.0 }
    }

    /// Rows that a cell has where values and groups are independent.
    fn expected(&self, cell: usize) -> f64 {
        self.of_values[cell / self.n_groups] * self.of_groups[cell % self.n_groups] / self.n
    }

    /// Pearson's statistic of independence.
    fn statistic(&self) -> f64 {
        let distance = |(cell, seen): (usize, &f64)| {
            let expected = self.expected(cell);
            if expected > 0.0 { (seen - expected).powi(2) / expected } else { 0.0 }
        };
        self.cells.iter().enumerate().map(distance).sum()
    }

    /// How many values and groups occur.
    fn used(&self) -> (f64, f64) {
        let used = |counts: &[f64]| counts.iter().filter(|c| **c > 0.0).count() as f64;
        (used(&self.of_values), used(&self.of_groups))
    }

    fn freedom(&self) -> f64 {
        let (r, k) = self.used();
        (r - 1.0) * (k - 1.0)
    }

    /// How much more the units' distances from independence vary than those of as many independent
    /// rows: never less.
    fn design(&self, values: &Groups, groups: &Groups, units: &ByUnit) -> Design {
        let n_units = units.n_units as f64;
        let freedom = self.freedom();
        if n_units < 2.0 || freedom <= 0.0 {
            return Design { effect: 1.0, n_units };
        }
        let cell = |row: &u32| {
            let row = *row as usize;
            values.codes[row] as usize * self.n_groups + groups.codes[row] as usize
        };
        let (mut squares, mut along, mut shares) = (0.0, 0.0, 0.0);
        let mut own: Vec<usize> = Vec::new();
        for unit in
            units.rows.chunk_by(|a, b| units.unit_of[*a as usize] == units.unit_of[*b as usize])
        {
            own.clear();
            own.extend(unit.iter().map(cell));
            own.sort_unstable();
            let counted: Vec<(usize, f64)> =
                own.chunk_by(|a, b| a == b).map(|same| (same[0], same.len() as f64)).collect();
            let share = unit.len() as f64 / self.n;
            squares += self.square(&counted);
            along += share * self.along(&counted);
            shares += share * share;
        }
        // The squared distances of the units' sums from what units of their sizes have on average.
        let varied = squares - 2.0 * along + shares * self.statistic();
        let effect = (varied * n_units / (n_units - 1.0) / freedom).max(1.0);
        Design { effect, n_units }
    }

    /// The squared length of a unit's distances from independence, as Pearson's statistic weighs
    /// cells: a sum over pairs of its rows, because most cells of a unit are empty.
    fn square(&self, counted: &[(usize, f64)]) -> f64 {
        let k = self.n_groups;
        let likeness = |is_same: bool, count: f64| {
            if is_same { self.n / count - 1.0 } else { -1.0 }
        };
        let mut sum = 0.0;
        for (a, n_a) in counted {
            for (b, n_b) in counted {
                let of_value = likeness(a / k == b / k, self.of_values[a / k]);
                let of_group = likeness(a % k == b % k, self.of_groups[a % k]);
                sum += n_a * n_b * of_value * of_group;
            }
        }
        sum / self.n
    }

    /// How far a unit's distances go the way of those of all rows.
    fn along(&self, counted: &[(usize, f64)]) -> f64 {
        let of = |(cell, n): &(usize, f64)| {
            let expected = self.expected(*cell);
            n * (self.cells[*cell] - expected) / expected
        };
        counted.iter().map(of).sum()
    }

    /// The chance of such a table or a more telling one when values and groups are independent.
    pub(super) fn p_value(&self) -> f64 {
        let freedom = self.freedom();
        let (r, k) = self.used();
        if r < 2.0 || k < 2.0 {
            return 1.0;
        }
        match self.design {
            None => chi_square_survival(self.statistic(), freedom),
            // One unit is one witness, which nothing can be compared with.
            Some(of) if of.n_units < 2.0 => 1.0,
            Some(of) => {
                let f = self.statistic() / of.effect / freedom;
                f_survival(f, freedom, freedom * (of.n_units - 1.0))
            }
        }
    }

    /// Bias-corrected Cramér's V; 0 where one of the two does not vary.
    pub(super) fn association(&self) -> f64 {
        let (r, k) = self.used();
        // What chance adds shrinks with the independent rows that these are worth.
        let worth = self.n / self.design.map_or(1.0, |of| of.effect);
        if r < 2.0 || k < 2.0 || worth < 2.0 || self.design.is_some_and(|of| of.n_units < 2.0) {
            return 0.0;
        }
        let by_chance = self.freedom() / (worth - 1.0);
        let phi = (self.statistic() / self.n - by_chance).max(0.0);
        let corrected = |m: f64| m - (m - 1.0).powi(2) / (worth - 1.0);
        let least = corrected(r).min(corrected(k)) - 1.0;
        if least > 0.0 { (phi / least).sqrt().min(1.0) } else { 0.0 }
    }
}
