//! The result of an explanation: parts of predictions by column.

use serde::{Deserialize, Serialize};

use modelwright_core::record::Interval;

/// How values were found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// All mixtures of the row with each background row.
    Exact,
    /// Drawn orders of the columns, each there and back.
    Permutation,
    /// The trees' own structure, against background rows.
    Tree,
    /// The trees' own structure, by the ways that training rows took.
    Path,
}

impl Method {
    /// All methods.
    pub const ALL: [Self; 4] = [Self::Exact, Self::Permutation, Self::Tree, Self::Path];

    /// The name in flags and records.
    pub fn name(self) -> &'static str {
        match self {
            Self::Exact => "exact",
            Self::Permutation => "permutation",
            Self::Tree => "tree",
            Self::Path => "path",
        }
    }

    /// What it does, in a few words.
    pub fn text(self) -> &'static str {
        match self {
            Self::Exact => "exact Shapley values: every mixture of the columns was predicted",
            Self::Permutation => {
                "sampled Shapley values: columns were exchanged in drawn orders, there and back"
            }
            Self::Tree => "interventional TreeSHAP of the members, carried through what follows",
            Self::Path => "path-dependent TreeSHAP of the booster, as LightGBM's pred_contrib",
        }
    }
}

/// What is divided among the columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scale {
    /// The probability of each class (binary: of the positive one).
    Probability,
    /// Log-odds (binary) or logarithms of probabilities (multiclass); for a single booster its
    /// own score.
    Margin,
    /// The predicted value of a regression.
    Value,
}

impl Scale {
    /// The name in flags and records.
    pub fn name(self) -> &'static str {
        match self {
            Self::Probability => "probability",
            Self::Margin => "margin",
            Self::Value => "value",
        }
    }
}

/// Parts of predictions: what `shap.Explanation` holds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Explanation {
    /// The raw columns, in the order of the values.
    pub columns: Vec<String>,
    /// What is explained: the classes, or (binary) the positive class, or the target.
    pub outputs: Vec<String>,
    /// How many rows are explained: the first of the table.
    pub n_rows: usize,
    /// What each column adds: `n_rows × columns × outputs` numbers, row-major.
    pub values: Vec<f64>,
    /// The mean over the background, one per output.
    pub base_values: Vec<f64>,
    /// What is divided: `n_rows × outputs` numbers. With the base value, a row's values sum to it.
    pub predictions: Vec<f64>,
    /// Standard errors of `values`, in the same order, where they were sampled: of the drawn
    /// orders and of the choice of background rows together.
    pub standard_errors: Option<Vec<f64>>,
    /// How they were found.
    pub method: Method,
    /// What is divided.
    pub scale: Scale,
    /// How many background rows were used.
    pub n_background: usize,
}

/// What a column does over all rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ColumnEffect {
    /// The raw column.
    pub column: String,
    /// The mean size of what it adds, over rows and summed over outputs.
    pub mean_abs: f64,
    /// Its 95 % interval over the choice of rows.
    pub ci95: Interval,
}

impl Explanation {
    /// What column `column` adds to output `output` of row `row`.
    ///
    /// # Panics
    /// If there is no such row, column or output.
    pub fn value(&self, row: usize, column: usize, output: usize) -> f64 {
        self.values[self.place(row, column, output)]
    }

    /// Its standard error; `None` where values are exact.
    ///
    /// # Panics
    /// As [`Self::value`].
    pub fn standard_error(&self, row: usize, column: usize, output: usize) -> Option<f64> {
        self.standard_errors.as_ref().map(|errors| errors[self.place(row, column, output)])
    }

    fn place(&self, row: usize, column: usize, output: usize) -> usize {
        let (n_columns, n_outputs) = (self.columns.len(), self.outputs.len());
        assert!(column < n_columns && output < n_outputs, "the column and the output exist");
        (row * n_columns + column) * n_outputs + output
    }

    /// What is divided for output `output` of row `row`.
    ///
    /// # Panics
    /// If there is no such row or output.
    pub fn prediction(&self, row: usize, output: usize) -> f64 {
        assert!(output < self.outputs.len(), "the output exists");
        self.predictions[row * self.outputs.len() + output]
    }

    /// The largest distance between a prediction and the sum of its parts: rounding alone.
    pub fn largest_gap(&self) -> f64 {
        let mut largest = 0.0_f64;
        for row in 0..self.n_rows {
            for output in 0..self.outputs.len() {
                let parts: f64 = (0..self.columns.len()).map(|c| self.value(row, c, output)).sum();
                let sum = self.base_values[output] + parts;
                largest = largest.max((sum - self.prediction(row, output)).abs());
            }
        }
        largest
    }

    /// The mean size of what each column adds, largest first; empty without rows.
    pub fn effects(&self) -> Vec<ColumnEffect> {
        if self.n_rows == 0 {
            return Vec::new();
        }
        let n = self.n_rows as f64;
        let mut effects: Vec<ColumnEffect> = (0..self.columns.len())
            .map(|column| {
                let size = |row: usize| -> f64 {
                    (0..self.outputs.len()).map(|k| self.value(row, column, k).abs()).sum()
                };
                let mean = (0..self.n_rows).map(size).sum::<f64>() / n;
                let squares: f64 = (0..self.n_rows).map(|row| (size(row) - mean).powi(2)).sum();
                let error = (squares / (n - 1.0).max(1.0) / n).sqrt();
                let half = modelwright_evaluate::student_975(self.n_rows.max(2) - 1) * error;
                let ci95 = Interval { low: (mean - half).max(0.0), high: mean + half };
                ColumnEffect { column: self.columns[column].clone(), mean_abs: mean, ci95 }
            })
            .collect();
        effects.sort_by(|a, b| {
            b.mean_abs.total_cmp(&a.mean_abs).then_with(|| a.column.cmp(&b.column))
        });
        effects
    }

    /// The columns of a row by the size of what they add to an output, largest first.
    ///
    /// # Panics
    /// If there is no such row or output.
    pub fn ranked(&self, row: usize, output: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.columns.len()).collect();
        let size = |c: &usize| self.value(row, *c, output).abs();
        order.sort_by(|a, b| size(b).total_cmp(&size(a)).then(a.cmp(b)));
        order
    }
}
