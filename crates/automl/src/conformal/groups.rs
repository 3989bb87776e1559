//! Groups of rows by the values of a column.

use modelwright_core::data::{Column, ColumnData, Field, MISSING_CODE, Table};
use serde::{Deserialize, Serialize};

/// A group with fewer judged rows than this has no reach of its own: its quantile would be chance.
const N_ROWS_MIN: usize = 50;

/// The groups of a column that have a reach of their own; all other rows are group 0.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Groups {
    /// The column, as the reader must deliver it.
    pub field: Field,
    /// The values of groups 1, 2, …, ascending.
    pub values: Vec<String>,
}

impl Groups {
    /// The groups of `column` that have enough of the given rows for `level`.
    pub(crate) fn of_column(field: Field, column: &Column, rows: &[u32], level: f64) -> Self {
        let mut counts = std::collections::BTreeMap::<String, usize>::new();
        for row in rows {
            if let Some(value) = column.display(*row as usize) {
                *counts.entry(value).or_default() += 1;
            }
        }
        // Twice the least number: the quantile should not be the largest score.
        let least = N_ROWS_MIN.max(2 * modelwright_evaluate::conformal::n_rows_min(level));
        let values = counts.into_iter().filter(|(_, n)| *n >= least).map(|(v, _)| v).collect();
        Self { field: Field { optional: true, ..field }, values }
    }

    /// How many groups have a reach of their own.
    pub(crate) fn len(&self) -> usize {
        self.values.len()
    }

    /// The group of every row; 0 in all of them when the table lacks the column.
    pub(crate) fn of_rows(&self, table: &Table) -> Vec<u32> {
        let Some(column) = table.column(&self.field.name) else { return vec![0; table.n_rows()] };
        let group = |value: &str| {
            self.values
                .binary_search_by(|own| own.as_str().cmp(value))
                .map_or(0, |at| at as u32 + 1)
        };
        match &column.data {
            ColumnData::String { codes, dictionary } => {
                let of_code: Vec<u32> =
                    (0..dictionary.len()).map(|code| group(dictionary.get(code as u32))).collect();
                let of_row = |code: &u32| {
                    if *code == MISSING_CODE { 0 } else { of_code[*code as usize] }
                };
                codes.iter().map(of_row).collect()
            }
            _ => (0..column.n_rows())
                .map(|row| column.display(row).map_or(0, |value| group(&value)))
                .collect(),
        }
    }
}
