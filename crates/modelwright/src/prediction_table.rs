//! Predictions as a table: the columns that people and programs expect.
//!
//! `prediction` is the label (classification) or the value (regression); classification adds
//! `probability_<class>` for every class, in class order.

use modelwright_automl::Predictor;
use modelwright_core::Result;
use modelwright_core::data::{Column, ColumnData, Strings, Table};
use modelwright_core::task::Predictions;

/// Turns predictions of one model into tables.
pub struct PredictionTable {
    labels: Strings,
    names: Vec<String>,
    threshold: f64,
}

impl PredictionTable {
    /// For the predictions of `predictor`.
    pub fn of(predictor: &Predictor) -> Self {
        Self {
            labels: predictor.classes.iter().collect(),
            names: predictor.classes.iter().map(|c| format!("probability_{c}")).collect(),
            threshold: predictor.threshold,
        }
    }

    /// The table of some rows' predictions, in their order.
    ///
    /// # Errors
    /// Input error when two classes have the same name, which no trained model has.
    pub fn table(&self, predictions: &Predictions) -> Result<Table> {
        if self.names.is_empty() {
            return Table::new(vec![Column::numbers("prediction", predictions.values.clone())]);
        }
        let codes = predictions.classes(self.threshold);
        let data = ColumnData::String { codes, dictionary: self.labels.clone() };
        let mut columns = vec![Column { name: "prediction".to_owned(), data }];
        for (class, name) in self.names.iter().enumerate() {
            columns.push(Column::numbers(name, probabilities(predictions, class)));
        }
        Table::new(columns)
    }
}

/// The probability of one class in every row; for a binary task only that of class 1 is stored.
fn probabilities(predictions: &Predictions, class: usize) -> Vec<f64> {
    match (predictions.n_outputs, class) {
        (1, 0) => predictions.values.iter().map(|p| 1.0 - p).collect(),
        (1, _) => predictions.values.clone(),
        (n, _) => predictions.values.iter().skip(class).step_by(n).copied().collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(classes: &[&str], predictions: &Predictions) -> Table {
        let names = classes.iter().map(|c| format!("probability_{c}")).collect();
        let labels = classes.iter().collect();
        PredictionTable { labels, names, threshold: 0.4 }.table(predictions).unwrap()
    }

    #[test]
    fn a_binary_prediction_gets_a_label_by_the_threshold_and_both_probabilities() {
        let table = table(&["no", "yes"], &Predictions::new(1, vec![0.25, 0.4]));
        let names: Vec<&str> = table.names().collect();
        assert_eq!(names, ["prediction", "probability_no", "probability_yes"]);
        assert_eq!(table.columns()[0].text(0), Some("no"));
        assert_eq!(table.columns()[0].text(1), Some("yes"));
        assert_eq!(table.columns()[1].data, ColumnData::Number(vec![0.75, 0.6]));
    }

    #[test]
    fn a_multiclass_prediction_has_a_probability_per_class_in_class_order() {
        let table = table(&["a", "b", "c"], &Predictions::new(3, vec![0.25, 0.5, 0.25]));
        assert_eq!(table.columns()[0].text(0), Some("b"));
        assert_eq!(table.columns()[3].data, ColumnData::Number(vec![0.25]));
    }

    #[test]
    fn a_regression_has_one_column() {
        let table = table(&[], &Predictions::new(1, vec![12.5]));
        assert_eq!(table.n_columns(), 1);
    }
}
