//! How far predictions of a number are off: predicted against true, and the residuals.

use modelwright_core::record::{CurvePoint, PredictedBin, Residuals, RunRecord};

use crate::report::chart::{Chart, NamedLine, Plot};
use crate::report::section::{Part, Section, Spec};
use crate::report::{number, words};

pub(crate) const SPEC: Spec =
    Spec { id: "residuals", part: Part::Quality, title: "Size of the errors" };

/// Applies to regression with residuals.
pub(crate) fn build(record: &RunRecord) -> Option<Section> {
    let evaluation = record.evaluation.as_ref()?;
    let residuals = evaluation.residuals.as_ref()?;
    let target = words::quoted(&record.task.target);
    let finding = match residuals.quantiles.as_slice() {
        [q05, q25, _, q75, q95] => format!(
            "Half of the true values lie between {} and {} of the prediction, nine in ten between \
             {} and {} ({}, in the unit of {target}).",
            signed(*q25),
            signed(*q75),
            signed(*q05),
            signed(*q95),
            number::untouched(evaluation.n_rows)
        ),
        _ => format!("Errors of {target} on {}.", number::rows(evaluation.n_rows)),
    };
    Some(
        Section::new(&SPEC, finding)
            .maybe(by_prediction(residuals, &target))
            .maybe(scatter(residuals, &target))
            .maybe(histogram(residuals, &target)),
    )
}

/// What came out where the model said about so much.
fn by_prediction(residuals: &Residuals, target: &str) -> Option<Chart> {
    let bins = &residuals.by_prediction;
    let n_least = bins.iter().map(|bin| bin.n_rows).min()?;
    let line = |label: &str, value: fn(&PredictedBin) -> f64| NamedLine {
        label: label.to_owned(),
        points: bins
            .iter()
            .map(|bin| CurvePoint { x: bin.predicted, y: value(bin), threshold: None })
            .collect(),
    };
    Some(Chart {
        title: "What came out, by what was predicted".to_owned(),
        summary: format!(
            "The rows in {} groups of {} and more with like predictions: where the mean runs along \
             the line of exact predictions, the model is neither too high nor too low; nine in \
             ten true values of a group lie between the outer lines.",
            number::count(bins.len()),
            number::rows(n_least)
        ),
        x: format!("Predicted {target}"),
        y: format!("True {target}"),
        plot: Plot::Lines {
            lines: vec![
                line("mean of the true values", |bin| bin.mean),
                line("exact", |bin| bin.predicted),
                line("5 % lie below", |bin| bin.low),
                line("5 % lie above", |bin| bin.high),
            ],
            mark: None,
        },
    })
}

fn scatter(residuals: &Residuals, target: &str) -> Option<Chart> {
    if residuals.sample.is_empty() {
        return None;
    }
    Some(Chart {
        title: "Predicted against true".to_owned(),
        summary: format!(
            "Each point is one of {} drawn at random; on the dashed diagonal the prediction is \
             exact.",
            number::counted(residuals.sample.len(), "untouched row", "untouched rows")
        ),
        x: format!("Predicted {target}"),
        y: format!("True {target}"),
        plot: Plot::Scatter(residuals.sample.clone()),
    })
}

fn histogram(residuals: &Residuals, target: &str) -> Option<Chart> {
    let n_rows: usize = residuals.histogram.iter().map(|b| b.n_rows).sum();
    if n_rows == 0 {
        return None;
    }
    let median = residuals.quantiles.get(2).map_or(String::new(), |m| {
        format!("Half of the residuals are below {}. ", number::significant(*m, 3))
    });
    Some(Chart {
        title: "Distribution of the residuals".to_owned(),
        summary: format!(
            "{median}Right of the dashed zero the prediction was too low, left of it too high; {}.",
            number::rows(n_rows)
        ),
        x: format!("True − predicted {target}"),
        y: "Rows".to_owned(),
        plot: Plot::Histogram(residuals.histogram.clone()),
    })
}

fn signed(value: f64) -> String {
    let text = number::significant(value, 3);
    if value > 0.0 { format!("+{text}") } else { text }
}
