//! What belongs together among rows that are judged: a fit, later reports and audits draw it alike.

use modelwright_core::task::{Predictions, Target};
use modelwright_evaluate::Unit;

use crate::serial;

/// The unit of each row: intervals draw whole units, and tests part rows between them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Units {
    /// The number of the unit of each row.
    pub of_rows: Vec<u32>,
    /// What a unit is.
    pub unit: Unit,
    /// Rows in a block; `None` of groups.
    pub n_block_rows: Option<usize>,
}

impl Units {
    /// The groups of rows where they are known; else blocks of rows that follow each other in time
    /// where those err alike. `None` where each row is a witness of its own.
    pub fn of(
        groups: Option<&[u32]>,
        times: Option<&[f64]>,
        truth: &Target,
        predictions: &Predictions,
    ) -> Option<Self> {
        if let Some(groups) = groups {
            return Some(Self { of_rows: groups.to_vec(), unit: Unit::Group, n_block_rows: None });
        }
        let (of_rows, length) = serial::blocks(times?, truth, predictions)?;
        Some(Self { of_rows, unit: Unit::Block, n_block_rows: Some(length) })
    }

    /// What evaluations are given: the units of the rows, and what they are.
    pub fn told(units: Option<&Self>) -> (Option<&[u32]>, Unit) {
        let unit = units.map_or(Unit::default(), |units| units.unit);
        (units.map(|units| units.of_rows.as_slice()), unit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_come_before_blocks_and_blocks_need_times_and_rows_that_err_alike() {
        let times: Vec<f64> = (0..200).map(f64::from).collect();
        // A level that holds for twenty rows.
        let truth = Target::Real((0..200).map(|row| f64::from(row / 20 % 2)).collect());
        let said = Predictions::zeros(200, 1);
        let groups: Vec<u32> = (0..200).map(|row| row / 2).collect();
        let of = |groups: Option<&[u32]>, times: Option<&[f64]>| {
            let found = Units::of(groups, times, &truth, &said);
            (Units::told(found.as_ref()).1, found.map(|units| units.n_block_rows.is_some()))
        };
        assert_eq!(of(Some(&groups), Some(&times)), (Unit::Group, Some(false)));
        assert_eq!(of(None, Some(&times)), (Unit::Block, Some(true)));
        assert_eq!(of(None, None), (Unit::Group, None));
    }
}
