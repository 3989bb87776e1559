//! The weighted confusion matrix, from which every metric of decided labels is computed.

use modelwright_core::task::Target;

use super::MetricInput;

/// Weight of rows by true and decided class.
#[derive(Debug, Clone, PartialEq)]
pub struct Confusion {
    n_classes: usize,
    /// Row-major `[truth][predicted]`.
    cells: Vec<f64>,
    /// Classes that occur in truth or prediction, whatever the weights.
    present: Vec<bool>,
}

impl Confusion {
    /// A 2 × 2 matrix from its four cells.
    pub fn binary(
        true_negative: f64,
        false_positive: f64,
        false_negative: f64,
        true_positive: f64,
    ) -> Self {
        let present = vec![
            true_negative + false_positive + false_negative > 0.0,
            true_positive + false_positive + false_negative > 0.0,
        ];
        let cells = vec![true_negative, false_positive, false_negative, true_positive];
        Self { n_classes: 2, cells, present }
    }

    /// How many classes there are.
    pub fn n_classes(&self) -> usize {
        self.n_classes
    }

    /// The weight of rows of class `truth` that were decided as `predicted`.
    pub fn cell(&self, truth: usize, predicted: usize) -> f64 {
        self.cells[truth * self.n_classes + predicted]
    }

    /// The weight of all rows.
    pub fn total(&self) -> f64 {
        self.cells.iter().sum()
    }

    /// The weight of rows that were decided rightly.
    pub fn correct(&self) -> f64 {
        (0..self.n_classes).map(|c| self.cell(c, c)).sum()
    }

    /// The weight of rows of each true class.
    pub fn truths(&self) -> Vec<f64> {
        self.cells.chunks_exact(self.n_classes).map(|row| row.iter().sum()).collect()
    }

    /// The weight of rows decided as each class.
    pub fn decisions(&self) -> Vec<f64> {
        let column = |c| (0..self.n_classes).map(|t| self.cell(t, c)).sum();
        (0..self.n_classes).map(column).collect()
    }

    /// The classes that occur in truth or prediction, ascending.
    pub fn labels(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.n_classes).filter(|c| self.present[*c])
    }
}

/// Which cell every row falls into: all of a confusion matrix but the weights.
pub(crate) struct Cells {
    n_classes: usize,
    cell_of_row: Vec<u32>,
    present: Vec<bool>,
}

impl Cells {
    /// # Panics
    /// If the target is not of classes; [`super::input::check`] has refused that.
    pub(crate) fn new(input: &MetricInput<'_>) -> Self {
        let Target::Class { codes, n_classes } = input.truth else {
            unreachable!("label metrics declare classification tasks only");
        };
        let n_classes = (*n_classes).max(2);
        let decided = input.predictions.classes(input.threshold);
        let mut present = vec![false; n_classes];
        let cell_of_row = codes
            .iter()
            .zip(&decided)
            .map(|(truth, predicted)| {
                present[*truth as usize] = true;
                present[*predicted as usize] = true;
                truth * n_classes as u32 + predicted
            })
            .collect();
        Self { n_classes, cell_of_row, present }
    }

    pub(crate) fn confusion(&self, weights: Option<&[f64]>) -> Confusion {
        let mut cells = vec![0.0; self.n_classes * self.n_classes];
        match weights {
            None => self.cell_of_row.iter().for_each(|c| cells[*c as usize] += 1.0),
            Some(weights) => {
                for (cell, weight) in self.cell_of_row.iter().zip(weights) {
                    cells[*cell as usize] += weight;
                }
            }
        }
        Confusion { n_classes: self.n_classes, cells, present: self.present.clone() }
    }
}
