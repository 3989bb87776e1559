//! Rows as a fair lesson: what each teaches by its group and its class.

use std::collections::BTreeMap;

use modelwright_core::data::Table;
use modelwright_core::task::Target;
use modelwright_evaluate::fairness::reduction::Cells;
use modelwright_evaluate::fairness::{Grouping, Groups};

use super::names;

/// Signed weights by group and class: a positive one teaches the positive class.
#[derive(Debug, Clone)]
pub(crate) struct Recast {
    groupings: Vec<Grouping>,
    cells: BTreeMap<String, [f64; 2]>,
    /// Of groups that were not there when the cells were made.
    others: [f64; 2],
}

impl Recast {
    pub(super) fn new(
        groupings: &[Grouping],
        groups: &Groups,
        cells: &Cells,
        others: [f64; 2],
    ) -> Self {
        let cells = groups.names.iter().cloned().zip(cells.iter().copied()).collect();
        Self { groupings: groupings.to_vec(), cells, others }
    }

    /// The class that every row of a binary target teaches, and its weight: 1 on average, times
    /// the row's own.
    pub(crate) fn apply(
        &self,
        table: &Table,
        target: &Target,
        weights: Option<&[f64]>,
    ) -> (Target, Vec<f64>) {
        let classes = target.codes().unwrap_or_default();
        let of_row = |(name, class): (String, &u32)| {
            self.cells.get(&name).unwrap_or(&self.others)[*class as usize]
        };
        let signed: Vec<f64> =
            names(&self.groupings, table).into_iter().zip(classes).map(of_row).collect();
        let own = |row: usize| weights.map_or(1.0, |w| w[row]);
        let total: f64 = (0..signed.len()).map(own).sum();
        let mass: f64 = signed.iter().enumerate().map(|(row, s)| own(row) * s.abs()).sum();
        let scale = if mass > 0.0 { total / mass } else { 1.0 };
        let codes = signed.iter().map(|s| u32::from(*s > 0.0)).collect();
        let weights = signed.iter().enumerate().map(|(row, s)| own(row) * s.abs() * scale);
        (Target::Class { codes, n_classes: 2 }, weights.collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use modelwright_core::data::Column;

    #[test]
    fn rows_teach_what_their_cell_says_and_weigh_one_on_average() {
        let column = Column::strings("g", ["a", "b", "a", "c"].map(Some));
        let groupings = [Grouping::of(&column)];
        let names = ["a", "b"].map(str::to_owned).to_vec();
        let groups = Groups { columns: vec!["g".into()], names, codes: vec![0, 1, 0], note: None };
        let cells = vec![[-2.0, 0.5], [0.25, 1.0]];
        let recast = Recast::new(&groupings, &groups, &cells, [-1.0, 1.0]);
        let table = Table::new(vec![column]).unwrap();
        let target = Target::Class { codes: vec![0, 0, 1, 1], n_classes: 2 };
        let (classes, weights) = recast.apply(&table, &target, None);
        assert_eq!(classes.codes().unwrap(), [0, 1, 1, 1]);
        let scale = 4.0 / 3.75;
        assert_eq!(weights, [2.0, 0.25, 0.5, 1.0].map(|w| w * scale));
        let own = [1.0, 3.0, 1.0, 0.0];
        let (_, weights) = recast.apply(&table, &target, Some(&own));
        assert!((weights.iter().sum::<f64>() - 5.0).abs() < 1e-12);
        assert_eq!(weights[3], 0.0);
    }
}
