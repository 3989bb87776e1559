//! The sums of a group from which every measure is a quotient.

use modelwright_core::task::Target;

use super::{FairnessInput, Groups};
use crate::metric::Ranked;

/// Bins of equal width for the calibration error of a group.
const BINS: usize = 10;

/// Weighted sums over the rows of a group.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Sums {
    pub(super) weight: f64,
    /// Of squared weights: what a weighted row is worth (Kish).
    pub(super) squares: f64,
    pub(super) true_negative: f64,
    pub(super) false_positive: f64,
    pub(super) false_negative: f64,
    pub(super) true_positive: f64,
    /// Of predictions: probabilities, or predicted values.
    pub(super) prediction: f64,
    /// Of the truth: 1 where positive, or the true value.
    pub(super) truth: f64,
    pub(super) squared_error: f64,
    pub(super) absolute_error: f64,
    /// Prediction less truth, by bin of the prediction.
    bins: [f64; BINS],
}

impl Sums {
    /// The sums of two groups of rows together.
    pub(super) fn with(mut self, more: &Self) -> Self {
        self.weight += more.weight;
        self.squares += more.squares;
        self.true_negative += more.true_negative;
        self.false_positive += more.false_positive;
        self.false_negative += more.false_negative;
        self.true_positive += more.true_positive;
        self.prediction += more.prediction;
        self.truth += more.truth;
        self.squared_error += more.squared_error;
        self.absolute_error += more.absolute_error;
        for (own, more) in self.bins.iter_mut().zip(more.bins) {
            *own += more;
        }
        self
    }

    /// How many unweighted rows a weight of `part` in this group is worth.
    pub(super) fn rows(&self, part: f64) -> f64 {
        if self.squares > 0.0 { part * self.weight / self.squares } else { 0.0 }
    }

    /// Expected calibration error in bins of equal width.
    pub(super) fn calibration_error(&self) -> Option<f64> {
        let gaps: f64 = self.bins.iter().map(|gap| gap.abs()).sum();
        (self.weight > 0.0).then(|| gaps / self.weight)
    }

    fn add(&mut self, row: &Row, weight: f64) {
        self.weight += weight;
        self.squares += weight * weight;
        match row.cell {
            0 => self.true_negative += weight,
            1 => self.false_positive += weight,
            2 => self.false_negative += weight,
            _ => self.true_positive += weight,
        }
        let error = row.prediction - row.truth;
        self.prediction += weight * row.prediction;
        self.truth += weight * row.truth;
        self.squared_error += weight * error * error;
        self.absolute_error += weight * error.abs();
        self.bins[row.bin as usize] += weight * error;
    }
}

/// What is summed of a row.
struct Row {
    group: u32,
    /// Truth and decision: 0 true negative, 1 false positive, 2 false negative, 3 true positive.
    cell: u8,
    bin: u8,
    prediction: f64,
    truth: f64,
}

/// All rows, ready to be summed under any weights.
pub(super) struct Rows<'a> {
    each: Vec<Row>,
    n_groups: usize,
    weights: Option<&'a [f64]>,
    /// Rows by score, of each group and of all; none for a regression.
    ranked: Vec<Ranked>,
}

impl<'a> Rows<'a> {
    /// Prepares checked input.
    pub(super) fn new(input: &FairnessInput<'a>, groups: &Groups) -> Self {
        let n_outputs = input.predictions.n_outputs;
        let positive = input.positive.map_or(1, |(class, _)| class);
        let score = |row: usize| match n_outputs {
            1 => {
                let p = input.predictions.values[row];
                let is_first = positive == 0 && input.truth.codes().is_some();
                if is_first { 1.0 - p } else { p }
            }
            n => input.predictions.values[row * n + positive as usize],
        };
        let of_row = |row: usize| {
            let (prediction, group) = (score(row), groups.codes[row]);
            match input.truth {
                Target::Real(values) => {
                    Row { group, cell: 0, bin: 0, prediction, truth: values[row] }
                }
                Target::Class { codes, .. } => {
                    let is_true = codes[row] == positive;
                    let is_decided = input.decided[row] == positive;
                    let bin = ((prediction * BINS as f64) as usize).min(BINS - 1) as u8;
                    let cell = 2 * u8::from(is_true) + u8::from(is_decided);
                    Row { group, cell, bin, prediction, truth: f64::from(u8::from(is_true)) }
                }
            }
        };
        let n_groups = groups.names.len();
        let rows: Vec<Row> = (0..input.truth.n_rows()).map(of_row).collect();
        let ranked = if input.truth.codes().is_some() { rank(&rows, n_groups) } else { vec![] };
        Self { each: rows, n_groups, weights: input.weights, ranked }
    }

    /// The sums of every group.
    pub(super) fn sums(&self, weights: Option<&[f64]>) -> Vec<Sums> {
        let mut sums = vec![Sums::default(); self.n_groups];
        for (at, row) in self.each.iter().enumerate() {
            let weight = weights.map_or(1.0, |w| w[at]);
            if weight > 0.0 {
                sums[row.group as usize].add(row, weight);
            }
        }
        sums
    }

    /// Whether a row is in a group; `None` is all rows.
    pub(super) fn is_in(&self, row: u32, group: Option<usize>) -> bool {
        group.is_none_or(|group| self.each[row as usize].group as usize == group)
    }

    /// The sums of some rows.
    pub(super) fn sums_of(&self, rows: &[u32], weights: Option<&[f64]>) -> Sums {
        let mut sums = Sums::default();
        for row in rows {
            let weight = weights.map_or(1.0, |w| w[*row as usize]);
            if weight > 0.0 {
                sums.add(&self.each[*row as usize], weight);
            }
        }
        sums
    }

    /// The area under the ROC curve of a group, or of all rows; `None` with one class only.
    pub(super) fn auc(&self, group: Option<usize>, weights: Option<&[f64]>) -> Option<f64> {
        let weights = weights.or(self.weights);
        self.ranked.get(group.unwrap_or(self.n_groups))?.auc(weights)
    }
}

/// The rows of each group by falling score, then all rows.
fn rank(rows: &[Row], n_groups: usize) -> Vec<Ranked> {
    let mut members: Vec<Vec<u32>> = vec![Vec::new(); n_groups];
    for (at, row) in rows.iter().enumerate() {
        members[row.group as usize].push(at as u32);
    }
    members.push((0..rows.len() as u32).collect());
    let of_members = |members: Vec<u32>| {
        let row = |i: usize| &rows[members[i] as usize];
        let mut ranked = Ranked::new(members.len(), |i| row(i).prediction, |i| row(i).truth > 0.5);
        ranked.rows.iter_mut().for_each(|i| *i = members[*i as usize]);
        ranked
    };
    members.into_iter().map(of_members).collect()
}
