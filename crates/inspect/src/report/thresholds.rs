//! What follows from a threshold on the probability of a class: rows found, false alarms, costs.

use serde::Serialize;

use super::number;
use super::section::{Cell, Table, TableColumn};

/// Thresholds of the table that stands for the slider where there is none.
const TABLE: [f64; 9] = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9];

/// What was measured at many thresholds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Thresholds {
    /// The class that is acted on, quoted.
    pub positive: String,
    /// Measured rows of that class.
    pub n_positive: u64,
    /// Measured rows of the other.
    pub n_negative: u64,
    /// The threshold in use.
    pub threshold: f64,
    /// What a false alarm and a miss cost, in any unit.
    pub costs: [f64; 2],
    /// The measurements, by falling threshold.
    pub points: Vec<ThresholdPoint>,
}

/// One threshold.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct ThresholdPoint {
    /// Acted on from this probability on, in `[0, 1]`.
    pub threshold: f64,
    /// Share of the class that is found, in `[0, 1]`.
    pub found: f64,
    /// Share of the others that is flagged, in `[0, 1]`.
    pub flagged: f64,
}

impl Thresholds {
    /// The measurement that holds at a threshold: the one of the lowest measured threshold that is
    /// not below it. Above all of them nothing is flagged. `None` without measurements.
    pub fn at(&self, threshold: f64) -> Option<ThresholdPoint> {
        let first = self.points.first()?;
        let nothing = ThresholdPoint { threshold, found: 0.0, flagged: 0.0 };
        if threshold > first.threshold {
            return Some(nothing);
        }
        self.points.iter().take_while(|p| p.threshold >= threshold).last().copied()
    }

    /// Rows that are rightly and wrongly flagged at a measurement: whole numbers but with weights.
    /// The slider of the page counts on from them, in the same steps as [`Self::of_hundred`], so
    /// that both round the same number.
    pub(crate) fn flagged(&self, point: &ThresholdPoint) -> (f64, f64) {
        /// A millionth of a row is what rounding of shares leaves.
        const ROUNDING: f64 = 1e6;
        let rows = |share: f64, n: u64| (share * n as f64 * ROUNDING).round() / ROUNDING;
        (rows(point.found, self.n_positive), rows(point.flagged, self.n_negative))
    }

    /// Rows flagged, rightly flagged and missed at a measurement, of 100 rows.
    fn of_hundred(&self, point: &ThresholdPoint) -> (f64, f64, f64) {
        let n = (self.n_positive + self.n_negative) as f64 / 100.0;
        let (right, wrong) = self.flagged(point);
        ((right + wrong) / n, right / n, (self.n_positive as f64 - right) / n)
    }

    /// What happens at a measurement, in words.
    pub fn effect(&self, point: &ThresholdPoint) -> String {
        let (flagged, right, missed) = self.of_hundred(point);
        format!(
            "of 100 rows {} are flagged, {} of them rightly, and {} are missed",
            number::fixed(flagged, 1),
            number::fixed(right, 1),
            number::fixed(missed, 1)
        )
    }

    /// The cost of 100 rows at a measurement.
    fn cost(&self, point: &ThresholdPoint) -> f64 {
        let n = (self.n_positive + self.n_negative) as f64 / 100.0;
        let (_, _, missed) = self.of_hundred(point);
        self.flagged(point).1 / n * self.costs[0] + missed * self.costs[1]
    }

    /// The measurements at round thresholds and at the one in use.
    pub fn table(&self) -> Table {
        let mut table = Table::new(
            format!(
                "Of 100 rows, by threshold; measured on {}",
                number::rows((self.n_positive + self.n_negative) as usize)
            ),
            vec![
                TableColumn::numbers("From a chance of"),
                TableColumn::numbers("Flagged"),
                TableColumn::numbers("Rightly"),
                TableColumn::numbers("Missed"),
                TableColumn::numbers(format!(
                    "Cost of 100 rows (false alarm {}, miss {})",
                    number::significant(self.costs[0], 3),
                    number::significant(self.costs[1], 3)
                )),
            ],
        );
        let mut at: Vec<f64> = TABLE.into_iter().chain([self.threshold]).collect();
        at.sort_by(f64::total_cmp);
        at.dedup();
        for threshold in at {
            let Some(point) = self.at(threshold) else { continue };
            let (flagged, right, missed) = self.of_hundred(&point);
            let name = Cell::new(number::share(threshold));
            let is_used = threshold == self.threshold;
            table.rows.push(vec![
                if is_used { name.detail("in use") } else { name },
                Cell::new(number::fixed(flagged, 1)),
                Cell::new(number::fixed(right, 1)),
                Cell::new(number::fixed(missed, 1)),
                Cell::new(number::significant(self.cost(&point), 3)),
            ]);
        }
        table
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn thresholds() -> Thresholds {
        let point = |threshold, found, flagged| ThresholdPoint { threshold, found, flagged };
        Thresholds {
            positive: "“yes”".to_owned(),
            n_positive: 40,
            n_negative: 60,
            threshold: 0.5,
            costs: [1.0, 5.0],
            points: vec![point(0.9, 0.25, 0.0), point(0.6, 0.5, 0.1), point(0.2, 1.0, 0.5)],
        }
    }

    #[test]
    fn a_threshold_holds_what_the_next_higher_measured_one_gave() {
        let t = thresholds();
        assert_eq!(t.at(0.95).unwrap().found, 0.0);
        assert_eq!(t.at(0.9).unwrap().found, 0.25);
        assert_eq!(t.at(0.5).unwrap().found, 0.5);
        assert_eq!(t.at(0.0).unwrap().found, 1.0);
    }

    #[test]
    fn effects_and_costs_count_rows_of_a_hundred() {
        let t = thresholds();
        let now = t.at(0.5).unwrap();
        let words = "of 100 rows 26.0 are flagged, 20.0 of them rightly, and 20.0 are missed";
        assert_eq!(t.effect(&now), words);
        assert!((t.cost(&now) - (6.0 + 100.0)).abs() < 1e-9);
        assert_eq!(t.table().rows.len(), 9, "0.5 is in the table once");
    }
}
