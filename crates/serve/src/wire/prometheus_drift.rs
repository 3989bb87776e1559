//! Drift as gauges: by model, version and column, what moved among the rows of the window.

use std::fmt::Write;
use std::sync::Arc;

use modelwright_core::record::ColumnDrift;
use modelwright_lifecycle::monitor::{LiveColumn, LiveDrift};

use super::prometheus::head;

/// Fewer rows say too little: their scores are not shown.
const ROWS_MIN: u64 = 100;

/// A gauge of a column: name, help, and its value where there is one.
type ColumnGauge = (&'static str, &'static str, fn(&LiveColumn, u64) -> Option<f64>);

const COLUMN_GAUGES: [ColumnGauge; 8] = [
    (
        "modelwright_column_drift_score",
        "How far from training, by the measure: a distance or a p-value",
        |c, n| c.drift.score.filter(|_| n >= ROWS_MIN),
    ),
    (
        "modelwright_column_drift_threshold",
        "From where on a distance, or down to where a p-value, counts",
        |c, _| c.drift.threshold,
    ),
    (
        "modelwright_column_drifted",
        "Whether the column drifted: beyond the threshold and chance",
        |c, n| (n >= ROWS_MIN && c.drift.score.is_some()).then(|| f64::from(c.drift.drifted)),
    ),
    ("modelwright_column_missing_share", "Share of rows without a value", |c, n| {
        share(c.drift.current.n_missing, n)
    }),
    ("modelwright_column_training_missing_share", "The same in training", |c, _| {
        share(c.drift.reference.n_missing, c.drift.reference.n_rows)
    }),
    (
        "modelwright_column_unseen_share",
        "Share of rows with a value that training never had",
        |c, n| share(c.n_unseen, n),
    ),
    (
        "modelwright_column_outside_share",
        "Share of rows with a number outside training's range",
        |c, n| share(c.n_outside, n),
    ),
    (
        "modelwright_column_effective_rows",
        "As how many independent rows those of the window count",
        |c, _| Some(c.n_effective as f64),
    ),
];

/// Name, help and value of a gauge of predictions.
type Gauge = (&'static str, &'static str, fn(&ColumnDrift) -> Option<f64>);

fn share(part: u64, all: u64) -> Option<f64> {
    (all > 0).then(|| part as f64 / all as f64)
}

/// Writes the gauges of all models.
pub(super) fn write(out: &mut String, found: &[(Arc<str>, u64, Arc<LiveDrift>)]) {
    if found.is_empty() {
        return;
    }
    let labels = |(name, version, _): &(Arc<str>, u64, Arc<LiveDrift>)| {
        format!("model=\"{name}\",version=\"{version}\"")
    };
    let name = "modelwright_drift_rows";
    head(out, name, "Rows of the window that were looked at", "gauge");
    for model in found {
        line(out, name, &labels(model), model.2.n_rows as f64);
    }
    let name = "modelwright_drift_effective_rows";
    head(out, name, "As how many independent rows they count, at least", "gauge");
    for model in found {
        line(out, name, &labels(model), model.2.n_effective as f64);
    }
    let name = "modelwright_drift_share";
    head(out, name, "Share of the columns that drifted", "gauge");
    for model in found.iter().filter(|m| m.2.n_rows >= ROWS_MIN && m.2.dataset.n_columns > 0) {
        line(out, name, &labels(model), model.2.dataset.share);
    }
    for (name, help, value) in COLUMN_GAUGES {
        head(out, name, help, "gauge");
        for model in found {
            for column in &model.2.columns {
                if let Some(value) = value(column, model.2.n_rows) {
                    line(out, name, &of_column(&labels(model), &column.drift), value);
                }
            }
        }
    }
    let gauges: [Gauge; 2] = [
        ("modelwright_prediction_drift_score", "Distance of predictions", |d| d.score),
        ("modelwright_prediction_drifted", "Whether predictions drifted", |d| {
            d.score.map(|_| f64::from(d.drifted))
        }),
    ];
    for (name, help, value) in gauges {
        head(out, name, help, "gauge");
        for model in found.iter().filter(|m| m.2.n_rows >= ROWS_MIN) {
            if let Some((drift, value)) =
                model.2.predictions.as_ref().and_then(|d| Some((d, value(d)?)))
            {
                let measure = drift.measure.as_deref().unwrap_or_default();
                line(out, name, &format!("{},measure=\"{measure}\"", labels(model)), value);
            }
        }
    }
}

fn of_column(labels: &str, drift: &ColumnDrift) -> String {
    let name = drift.column.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    let measure = drift.measure.as_deref().unwrap_or_default();
    format!("{labels},column=\"{name}\",measure=\"{measure}\"")
}

fn line(out: &mut String, name: &str, labels: &str, value: f64) {
    // Writing to a string cannot fail.
    let _ = writeln!(out, "{name}{{{labels}}} {value}");
}
