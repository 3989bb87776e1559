//! What the monitor found as Prometheus metrics, in the text format 0.0.4.

use std::fmt::Write as _;

use modelwright_core::record::{MetricChange, MonitorRecord, Status};

use super::state::severity;

/// The metrics of one model; `open` are the rules that fire, with their severity.
pub fn exposition(model: &str, found: &MonitorRecord, open: &[(String, String)]) -> String {
    let mut page = Page { text: String::new(), model: escaped(model) };
    page.family("modelwright_monitor_status", "0 stable, 1 watch, 2 alarm");
    let status = match found.verdict.status {
        Status::Stable => 0.0,
        Status::Watch => 1.0,
        Status::Alarm => 2.0,
    };
    page.value("modelwright_monitor_status", &[], status);
    page.family("modelwright_monitor_rows", "Rows that were looked at");
    page.value("modelwright_monitor_rows", &[], found.current.n_rows as f64);
    page.family("modelwright_drift_share", "Share of the columns that drifted");
    page.value("modelwright_drift_share", &[], found.dataset.share);
    page.columns(found);
    page.metrics(found);
    page.family("modelwright_alert_firing", "1 for every rule that fires");
    for (rule, name) in open {
        let labels = [("rule", rule.as_str()), ("severity", severity(name).name())];
        page.value("modelwright_alert_firing", &labels, 1.0);
    }
    page.text
}

struct Page {
    text: String,
    model: String,
}

impl Page {
    fn family(&mut self, name: &str, help: &str) {
        let _ = writeln!(self.text, "# HELP {name} {help}\n# TYPE {name} gauge");
    }

    fn value(&mut self, name: &str, labels: &[(&str, &str)], value: f64) {
        let _ = write!(self.text, "{name}{{model=\"{}\"", self.model);
        for (label, of) in labels {
            let _ = write!(self.text, ",{label}=\"{}\"", escaped(of));
        }
        let _ = writeln!(self.text, "}} {value}");
    }

    fn columns(&mut self, found: &MonitorRecord) {
        let all = || found.columns.iter().chain(&found.predictions).chain(&found.target);
        self.family("modelwright_column_drift_score", "Distance or p-value of a column");
        for column in all() {
            if let (Some(measure), Some(score)) = (&column.measure, column.score) {
                let labels = [("column", column.column.as_str()), ("measure", measure.as_str())];
                self.value("modelwright_column_drift_score", &labels, score);
            }
        }
        self.family("modelwright_column_drifted", "Whether a column drifted beyond chance");
        for column in all().filter(|c| c.score.is_some()) {
            let drifted = f64::from(column.drifted);
            self.value("modelwright_column_drifted", &[("column", &column.column)], drifted);
        }
        self.family("modelwright_column_missing_share", "Missing values of a column");
        for column in found.columns.iter().filter(|c| c.current.n_rows > 0) {
            let share = column.current.n_missing as f64 / column.current.n_rows as f64;
            self.value("modelwright_column_missing_share", &[("column", &column.column)], share);
        }
    }

    fn metrics(&mut self, found: &MonitorRecord) {
        self.family("modelwright_metric", "A metric on new rows; low and high end its interval");
        let of = [("measured", &found.performance), ("expected", &found.estimated)];
        for (how, performance) in of {
            let metrics: &[MetricChange] = performance.as_ref().map_or(&[], |p| &p.metrics);
            for metric in metrics {
                let ends = metric.ci95.map(|c| (c.low, c.high));
                let values = [
                    ("value", metric.value),
                    ("low", ends.map(|e| e.0)),
                    ("high", ends.map(|e| e.1)),
                    ("reference", metric.reference),
                ];
                for (part, value) in values {
                    let labels = [("metric", metric.name.as_str()), ("how", how), ("part", part)];
                    if let Some(value) = value {
                        self.value("modelwright_metric", &labels, value);
                    }
                }
            }
        }
    }
}

/// The three characters that a label's value may not hold as they are.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}
