//! Rows that belong together, such as the visits of one patient: how many independent rows a share
//! of a group is worth.
//!
//! A share of clustered rows is a ratio of sums over the units. Its linearised variance says how
//! many independent rows would give as much, and this *effective* number takes the place of the
//! rows in Wilson's interval and in Pearson's χ² (a first-order Rao–Scott correction). Few units
//! know their own variance badly: the number is cut by the square of the quotient of the normal and
//! the t quantile (Korn & Graubard).
//!
//! References: Rao & Scott, Annals of Statistics 12, 1984; Korn & Graubard, Survey Methodology 24,
//! 1998.

use super::measure::{Measure, Of};
use super::sums::{Rows, Sums};
use crate::distribution::{Z_975, student_quantile};
use crate::resample::numbered;

/// The effective rows of every share, `[group][measure]`, and of all rows last.
pub(super) struct Worth(Vec<Vec<Option<f64>>>);

impl Worth {
    /// Of rows in units (`units[row]` names the unit of a row).
    pub(super) fn of(
        rows: &Rows<'_>,
        n_groups: usize,
        units: &[u32],
        measures: &[Measure],
        weights: Option<&[f64]>,
    ) -> Self {
        let (units, _) = numbered(units);
        let mut by_unit: Vec<u32> = (0..units.len() as u32).collect();
        by_unit.sort_by_key(|row| units[*row as usize]);
        let groups = (0..n_groups).map(Some).chain([None]);
        let worth = groups.map(|group| {
            let members: Vec<u32> =
                by_unit.iter().copied().filter(|row| rows.is_in(*row, group)).collect();
            let sums: Vec<Sums> = members
                .chunk_by(|a, b| units[*a as usize] == units[*b as usize])
                .map(|unit| rows.sums_of(unit, weights))
                .filter(|sums| sums.weight > 0.0)
                .collect();
            measures.iter().map(|measure| effective(measure, &sums)).collect()
        });
        Self(worth.collect())
    }

    /// The effective rows of a share in a group, or in all rows; `None` of other measures and where
    /// fewer than two units have it.
    pub(super) fn rows(&self, group: Option<usize>, measure: usize) -> Option<f64> {
        self.0[group.unwrap_or(self.0.len() - 1)][measure]
    }
}

/// The effective rows of a share from the sums of its units.
fn effective(measure: &Measure, units: &[Sums]) -> Option<f64> {
    let Of::Share(of) = measure.of else { return None };
    let all = units.iter().fold(Sums::default(), Sums::with);
    let (part, whole) = of(&all);
    let n_units = units.iter().filter(|unit| of(unit).1 > 0.0).count() as f64;
    if n_units < 2.0 || whole <= 0.0 {
        return None;
    }
    let share = part / whole;
    let square = |unit: &Sums| {
        let (part, whole) = of(unit);
        (part - share * whole).powi(2)
    };
    let squares: f64 = units.iter().map(square).sum();
    let variance = squares / (whole * whole) * n_units / (n_units - 1.0);
    let independent = all.rows(whole);
    // All units say the same: each of them is one witness of it.
    let rows = if variance > 0.0 { share * (1.0 - share) / variance } else { n_units };
    let known = Z_975 / student_quantile(0.975, n_units - 1.0);
    Some((rows * known * known).min(independent))
}
