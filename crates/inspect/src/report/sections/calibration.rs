//! Whether the probabilities mean what they say: a reliability diagram.

use modelwright_core::record::{
    CalibrationBin, CalibrationRecord, Interval, Reliability, RunRecord,
};
use modelwright_core::task::Task;

use crate::report::chart::{Chart, Plot};
use crate::report::section::{Block, Cell, Fact, Part, Section, Spec, Table, TableColumn};
use crate::report::{number, words};

pub(crate) const SPEC: Spec = Spec { id: "calibration", part: Part::Quality, title: "Calibration" };

/// Applies to classification with calibration bins.
pub(crate) fn build(record: &RunRecord) -> Option<Section> {
    let bins = &record.evaluation.as_ref()?.calibration;
    let n_rows: usize = bins.iter().map(|b| b.n_rows).sum();
    if n_rows == 0 {
        return None;
    }
    let reliability = record.evaluation.as_ref().and_then(|e| e.reliability.as_ref());
    let gap = mean_gap(bins, reliability);
    let off = n_off(bins, reliability);
    let subject = match record.task.task {
        Task::Binary => {
            record.task.classes.get(1).map_or("the positive class".to_owned(), |c| words::quoted(c))
        }
        _ => "the predicted class".to_owned(),
    };
    let finding = format!(
        "The probability of {subject} is off by {} percentage points on average over {}; {}.",
        number::significant(gap * 100.0, 2),
        number::rows(n_rows),
        beyond_chance(off, bins.len())
    );
    let consistent = reliability.map_or(Vec::new(), |r| r.consistent.clone());
    let bars = if consistent.is_empty() {
        ""
    } else {
        " Shaded is where 95 % of honest probabilities would fall."
    };
    // Rows that belong together say less than as many others, and so do rows of unlike weight.
    let few = if bins.iter().any(|bin| bin.n_effective.is_some()) {
        ", of as many independent rows as the tested ones are worth"
    } else {
        ""
    };
    let chart = Chart {
        title: "Predicted against observed".to_owned(),
        summary: format!(
            "On the dashed diagonal, probabilities mean what they say. Bars are 95 % Wilson \
             intervals{few}; larger points rest on more of the {}.{bars}",
            number::rows(n_rows)
        ),
        x: "Mean predicted probability".to_owned(),
        y: "Observed share".to_owned(),
        plot: Plot::Reliability { bins: bins.clone(), consistent },
    };
    let section = Section::new(&SPEC, finding).block(chart).block(Block::Details {
        summary: format!("{} as a table", number::counted(bins.len(), "bin", "bins")),
        blocks: vec![table(bins, n_rows).into()],
    });
    let section = match reliability {
        Some(measured) => section.block(Block::Facts(facts(measured, bins))),
        None => section,
    };
    Some(match &record.calibration {
        None => section,
        Some(calibration) => {
            section.block(Block::Text(method(calibration))).maybe(tried(calibration))
        }
    })
}

/// In how many bins the gap is no chance, in words.
fn beyond_chance(off: usize, n_bins: usize) -> String {
    match (off, n_bins) {
        (0, 1) => "that may be chance".to_owned(),
        (0, n) => format!("in none of {} bins is the gap beyond chance", number::count(n)),
        (_, 1) => "that is beyond chance".to_owned(),
        (off, n) => format!(
            "in {} of {} bins the gap is beyond chance",
            number::count(off),
            number::count(n)
        ),
    }
}

/// A term that is added, with its sign.
fn added(value: f64, digits: usize) -> String {
    let sign = if value < 0.0 { '−' } else { '+' };
    format!("{sign} {}", number::significant(value.abs(), digits))
}

/// The expected calibration error with bins of equal weight (Naeini et al., AAAI 2015), as a share;
/// of records without it, the gap of the bins of the diagram, weighted by rows.
fn mean_gap(bins: &[CalibrationBin], reliability: Option<&Reliability>) -> f64 {
    let n_rows: usize = bins.iter().map(|b| b.n_rows).sum();
    let gap = |b: &CalibrationBin| b.n_rows as f64 * (b.predicted - b.observed).abs();
    reliability
        .map_or_else(|| bins.iter().map(gap).sum::<f64>() / n_rows as f64, |r| r.ece_equal_mass)
}

/// Bins that honest probabilities would rarely give; of records without these bars, bins whose
/// interval does not hold the prediction.
fn n_off(bins: &[CalibrationBin], reliability: Option<&Reliability>) -> usize {
    let Some(measured) = reliability else {
        return bins
            .iter()
            .filter(|b| b.predicted < b.ci95.low || b.predicted > b.ci95.high)
            .count();
    };
    let is_off = |(bin, bar): &(&CalibrationBin, &Interval)| {
        bin.observed < bar.low || bin.observed > bar.high
    };
    bins.iter().zip(&measured.consistent).filter(is_off).count()
}

/// The calibration errors and the parts of the Brier score.
fn facts(measured: &Reliability, bins: &[CalibrationBin]) -> Vec<Fact> {
    let share = |v: f64| format!("{} percentage points", number::significant(v * 100.0, 2));
    let off = n_off(bins, Some(measured));
    let brier = &measured.brier;
    vec![
        Fact::new("Calibration error, bins of equal width", share(measured.ece_equal_width)),
        Fact::new("Calibration error, bins of equal weight", share(measured.ece_equal_mass)),
        Fact::new("Calibration error, mean of the classes", share(measured.ece_class_wise)),
        Fact::new(
            "Bins farther off than honest probabilities would be",
            format!("{} of {}", number::count(off), number::count(bins.len())),
        ),
        Fact::new(
            "Brier score",
            format!(
                "{} unreliable {} resolved {} uncertain {} within bins",
                number::significant(brier.reliability, 2),
                added(-brier.resolution, 3),
                added(brier.uncertainty, 3),
                added(brier.within, 2)
            ),
        ),
    ]
}

fn method(calibration: &CalibrationRecord) -> String {
    let used = match calibration.method.as_str() {
        "none" => "The probabilities are used as the models give them",
        "temperature" => "The probabilities are calibrated by a temperature",
        "platt" => "The probabilities are calibrated by Platt scaling",
        "beta" => "The probabilities are calibrated by beta calibration",
        _ => "The probabilities are calibrated by isotonic regression",
    };
    let reason = words::remark(&calibration.reason);
    let scores = if calibration.method == "none" {
        ""
    } else {
        " Scores out of fold are of probabilities calibrated by the other folds."
    };
    format!("{used}, chosen on {} out of fold. {reason}{scores}", number::rows(calibration.n_rows))
}

/// The methods that were tried, folded away.
fn tried(calibration: &CalibrationRecord) -> Option<Block> {
    let before = calibration.log_loss.filter(|_| !calibration.tried.is_empty())?;
    let mut table = Table::new(
        format!(
            "Cross-validated log loss, {} without calibration; {} out of fold",
            number::significant(before, 4),
            number::rows(calibration.n_rows)
        ),
        vec![
            TableColumn::words("Method"),
            TableColumn::numbers("Log loss"),
            TableColumn::numbers("Better than the best before by (95 %)"),
            TableColumn::words("Taken"),
        ],
    );
    for trial in &calibration.tried {
        table.rows.push(vec![
            Cell::new(words::clean(&trial.method)),
            Cell::new(number::significant(trial.log_loss, 4)),
            Cell::new(number::interval(trial.gain_ci95)),
            Cell::new(if trial.accepted { "yes" } else { "no" }),
        ]);
    }
    let summary = "The calibrations that were tried".to_owned();
    Some(Block::Details { summary, blocks: vec![table.into()] })
}

fn table(bins: &[CalibrationBin], n_rows: usize) -> Table {
    let mut table = Table::new(
        number::rows(n_rows),
        vec![
            TableColumn::numbers("Predicted"),
            TableColumn::numbers("Observed"),
            TableColumn::numbers("95 % interval"),
            TableColumn::numbers("Rows"),
        ],
    );
    for bin in bins {
        table.rows.push(vec![
            Cell::new(number::share(bin.predicted)),
            Cell::new(number::share(bin.observed)),
            Cell::new(format!(
                "{} to {}",
                number::share(bin.ci95.low),
                number::share(bin.ci95.high)
            )),
            Cell::new(number::count(bin.n_rows)),
        ]);
    }
    table
}
