//! Predictions as a table: the columns that people and programs expect.
//!
//! `prediction` is the label (classification) or the value (regression); classification adds
//! `probability_<class>` for every class, in class order. An isolation forest's value is how
//! unusual the row is; `is_anomaly` is 1 where that is above the model's threshold.

use modelwright_core::data::{Column, ColumnData, Strings, Table};
use modelwright_core::task::Predictions;
use modelwright_core::{Error, Result};
use modelwright_evaluate::CostMatrix;

use crate::conformal::{LevelIntervals, LevelSets, Regions};
use crate::fair::GroupThresholds;
use crate::predictor::Predictor;

/// Turns predictions of one model into tables.
pub struct PredictionTable {
    classes: Vec<String>,
    labels: Strings,
    names: Vec<String>,
    threshold: f64,
    costs: Option<CostMatrix>,
    fair: Option<GroupThresholds>,
    /// Above which score a row is unusual, where values are such scores.
    anomaly_threshold: Option<f64>,
}

impl PredictionTable {
    /// For the predictions of `predictor`.
    pub fn of(predictor: &Predictor) -> Self {
        Self {
            classes: predictor.classes.clone(),
            labels: predictor.classes.iter().collect(),
            names: predictor.classes.iter().map(|c| format!("probability_{c}")).collect(),
            threshold: predictor.threshold,
            costs: predictor.costs().cloned(),
            fair: predictor.group_thresholds().cloned(),
            anomaly_threshold: predictor.anomaly_threshold(),
        }
    }

    /// The table of some rows' predictions, in their order.
    ///
    /// # Errors
    /// Input error when two classes have the same name, which no trained model has, and when the
    /// model decides by thresholds of groups: then [`Self::of_rows`] is needed.
    pub fn table(&self, predictions: &Predictions) -> Result<Table> {
        self.table_with(predictions, None)
    }

    /// The same with the columns of intervals (`prediction_lower`, `prediction_upper`) or sets
    /// (`prediction_set`, a JSON array of labels); with several levels their names end in `_LEVEL`.
    ///
    /// # Errors
    /// As [`Self::table`].
    pub fn table_with(
        &self,
        predictions: &Predictions,
        regions: Option<&Regions>,
    ) -> Result<Table> {
        if self.fair.is_some() {
            return Err(Error::input("the model decides by the group of a row")
                .expected("the rows beside their predictions"));
        }
        let codes = match &self.costs {
            Some(costs) if !self.names.is_empty() => costs.decide(predictions),
            _ => predictions.classes(self.threshold),
        };
        self.decided(codes, predictions, regions)
    }

    /// The table of `rows` and their predictions, as [`Self::table_with`]; for every model.
    ///
    /// # Errors
    /// Input error when two classes have the same name, which no trained model has.
    pub fn of_rows(
        &self,
        rows: &Table,
        predictions: &Predictions,
        regions: Option<&Regions>,
    ) -> Result<Table> {
        let Some(fair) = &self.fair else { return self.table_with(predictions, regions) };
        let thresholds = fair.of_rows(rows);
        let decide = |(p, t): (&f64, f64)| u32::from(*p >= t);
        let codes = predictions.values.iter().zip(thresholds).map(decide).collect();
        self.decided(codes, predictions, regions)
    }

    fn decided(
        &self,
        codes: Vec<u32>,
        predictions: &Predictions,
        regions: Option<&Regions>,
    ) -> Result<Table> {
        if self.names.is_empty() {
            let mut columns = vec![Column::numbers("prediction", predictions.values.clone())];
            if let Some(threshold) = self.anomaly_threshold {
                let is_above = |score: &f64| f64::from(u8::from(*score > threshold));
                let unusual = predictions.values.iter().map(is_above).collect::<Vec<f64>>();
                columns.push(Column::numbers("is_anomaly", unusual));
            }
            columns.extend(self.region_columns(regions));
            return Table::new(columns);
        }
        let data = ColumnData::String { codes, dictionary: self.labels.clone() };
        let mut columns = vec![Column { name: "prediction".to_owned(), data }];
        for (class, name) in self.names.iter().enumerate() {
            columns.push(Column::numbers(name, probabilities(predictions, class)));
        }
        columns.extend(self.region_columns(regions));
        Table::new(columns)
    }

    fn region_columns(&self, regions: Option<&Regions>) -> Vec<Column> {
        let name = |what: &str, level: f64, n_levels: usize| {
            if n_levels == 1 { what.to_owned() } else { format!("{what}_{level}") }
        };
        match regions {
            None => Vec::new(),
            Some(Regions::Intervals(levels)) => {
                let of_level = |l: &LevelIntervals| {
                    let low = l.intervals.iter().map(|i| i.low).collect::<Vec<f64>>();
                    let high = l.intervals.iter().map(|i| i.high).collect::<Vec<f64>>();
                    let n = levels.len();
                    [
                        Column::numbers(name("prediction_lower", l.level, n), low),
                        Column::numbers(name("prediction_upper", l.level, n), high),
                    ]
                };
                levels.iter().flat_map(of_level).collect()
            }
            Some(Regions::Sets(levels)) => {
                let of_level = |l: &LevelSets| {
                    let rows = l.members.chunks_exact(l.n_classes);
                    let texts: Vec<String> = rows.map(|row| set_text(row, &self.classes)).collect();
                    let texts = texts.iter().map(|text| Some(text.as_str()));
                    Column::strings(name("prediction_set", l.level, levels.len()), texts)
                };
                levels.iter().map(of_level).collect()
            }
        }
    }
}

/// The labels of a set, in class order, as a JSON array: whatever a label holds, it can be read.
fn set_text(members: &[bool], classes: &[String]) -> String {
    let labels: Vec<&String> =
        members.iter().zip(classes).filter(|(m, _)| **m).map(|(_, label)| label).collect();
    serde_json::json!(labels).to_string()
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
    use modelwright_core::record::Interval;

    fn of_classes(classes: &[&str]) -> PredictionTable {
        let names = classes.iter().map(|c| format!("probability_{c}")).collect();
        let labels = classes.iter().collect();
        let classes = classes.iter().map(|c| (*c).to_owned()).collect();
        let (threshold, costs, fair) = (0.4, None, None);
        PredictionTable { classes, labels, names, threshold, costs, fair, anomaly_threshold: None }
    }

    fn table(classes: &[&str], predictions: &Predictions) -> Table {
        of_classes(classes).table(predictions).unwrap()
    }

    #[test]
    fn a_binary_prediction_gets_a_label_by_the_threshold_and_both_probabilities() {
        let table = table(&["no", "yes"], &Predictions::new(1, vec![0.25, 0.4]));
        let names: Vec<&str> = table.names().collect();
        assert_eq!(names, ["prediction", "probability_no", "probability_yes"]);
        assert_eq!(table.columns()[0].text(0), Some("no"));
        assert_eq!(table.columns()[0].text(1), Some("yes"));
        assert_eq!(table.columns()[1].data, ColumnData::Number(vec![0.75, 0.6].into()));
    }

    #[test]
    fn a_multiclass_prediction_has_a_probability_per_class_in_class_order() {
        let table = table(&["a", "b", "c"], &Predictions::new(3, vec![0.25, 0.5, 0.25]));
        assert_eq!(table.columns()[0].text(0), Some("b"));
        assert_eq!(table.columns()[3].data, ColumnData::Number(vec![0.25].into()));
    }

    #[test]
    fn a_regression_has_one_column_and_two_for_each_level() {
        let predictions = Predictions::new(1, vec![12.5]);
        assert_eq!(table(&[], &predictions).n_columns(), 1);
        let level = |level, reach| LevelIntervals {
            level,
            intervals: vec![Interval { low: 12.5 - reach, high: 12.5 + reach }],
        };
        let columns = |levels| {
            let regions = Regions::Intervals(levels);
            let table = of_classes(&[]).table_with(&predictions, Some(&regions)).unwrap();
            table.names().map(str::to_owned).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(columns(vec![level(0.9, 1.0)]), "prediction prediction_lower prediction_upper");
        assert_eq!(
            columns(vec![level(0.8, 1.0), level(0.95, 2.0)]),
            "prediction prediction_lower_0.8 prediction_upper_0.8 prediction_lower_0.95 \
             prediction_upper_0.95"
        );
    }

    #[test]
    fn a_set_is_a_json_array_of_labels_whatever_they_hold() {
        let predictions = Predictions::new(3, vec![0.5, 0.25, 0.25, 0.1, 0.1, 0.8]);
        let members = vec![true, false, true, false, false, true];
        let regions = Regions::Sets(vec![LevelSets { level: 0.9, members, n_classes: 3 }]);
        let table = of_classes(&["a,b", "c", "d\"e"]);
        let table = table.table_with(&predictions, Some(&regions)).unwrap();
        let column = table.column("prediction_set").unwrap();
        assert_eq!(column.text(0), Some(r#"["a,b","d\"e"]"#));
        assert_eq!(column.text(1), Some(r#"["d\"e"]"#));
    }
}
