//! Which calibration is worth having, told by rows that it was not fitted on.
//!
//! The methods are tried from the simplest to the richest. Each is fitted on all parts but one and
//! scored on that one, in turn; it takes the place of the best so far only when the mean log loss
//! falls by more than twice its standard error over the rows, and by a share that matters. A
//! richer map that is not clearly better is not worth its freedom.

use modelwright_core::random::number_at;
use modelwright_core::task::{Predictions, Target};

use super::{Calibrator, Method};

/// By how many standard errors a method must be better than the best so far: one-sided 2.3 %.
const ERRORS_MIN: f64 = 2.0;

/// By which share the log loss must fall.
const GAIN_MIN: f64 = 0.001;

/// Rows, and rows of the rarest class, that a map of few numbers needs.
const N_ROWS_MIN: usize = 500;
const N_RAREST_MIN: usize = 25;

/// The same for isotonic regression, which learns a step for every few dozen rows.
const N_ROWS_MIN_ISOTONIC: usize = 2_000;
const N_RAREST_MIN_ISOTONIC: usize = 200;

/// Numbers (rows × outputs) that decide at most; more would cost time and decide the same.
pub const N_CELLS_MAX: usize = 100_000;

/// What was chosen, and what was tried.
#[derive(Debug, Clone, PartialEq)]
pub struct Choice {
    /// Fitted on all rows; [`Calibrator::None`] when nothing is worth having.
    pub calibrator: Calibrator,
    /// The same predictions, each row calibrated by a map of the chosen method that the row's part
    /// had no share in: what a score out of fold must be measured on. `None` when nothing is worth
    /// having.
    pub cross_fitted: Option<Predictions>,
    /// Log loss of the probabilities as they are.
    pub log_loss: f64,
    /// The methods that were tried, simplest first.
    pub tried: Vec<Tried>,
    /// Why nothing was tried.
    pub note: Option<String>,
}

/// A method on rows that it was not fitted on.
#[derive(Debug, Clone, PartialEq)]
pub struct Tried {
    /// Its name.
    pub method: Method,
    /// Its mean log loss.
    pub log_loss: f64,
    /// By how much that is less than the best before it.
    pub gain: f64,
    /// Standard error of the gain.
    pub standard_error: f64,
    /// Whether it took that one's place.
    pub accepted: bool,
}

/// Chooses a calibration of out-of-fold `predictions`.
///
/// `parts` are positions of rows that are judged together; a row in no part only helps to fit. A
/// regression, fewer than two parts, or too few rows get none, and a note.
pub fn choose(
    truth: &Target,
    predictions: &Predictions,
    weights: Option<&[f64]>,
    parts: &[Vec<u32>],
) -> Choice {
    let refused = |why: String| Choice {
        calibrator: Calibrator::None,
        cross_fitted: None,
        log_loss: f64::NAN,
        tried: Vec::new(),
        note: Some(why),
    };
    let Some(codes) = truth.codes() else { return refused("a regression".to_owned()) };
    let rarest = rows_of_rarest(codes, truth);
    // A temperature of many classes is one number for all of them.
    let n_rarest_min = if predictions.n_outputs > 1 { 0 } else { N_RAREST_MIN };
    if codes.len() < N_ROWS_MIN || rarest < n_rarest_min || parts.len() < 2 {
        return refused(format!(
            "{} judged rows, {rarest} of the rarest class, in {} parts: too few to tell (it takes \
             {N_ROWS_MIN} rows{} in 2 parts)",
            codes.len(),
            parts.len(),
            if n_rarest_min > 0 {
                format!(", {n_rarest_min} of each class,")
            } else {
                String::new()
            }
        ));
    }
    let step = predictions.values.len().div_ceil(N_CELLS_MAX).max(1) as u64;
    let data = Data { truth, predictions, weights, parts: thinned(parts, step) };
    let judged: Vec<u32> = data.parts.iter().flatten().copied().collect();
    let mut best = data.losses(&judged, &Calibrator::None);
    let weights_of_judged: Vec<f64> = judged.iter().map(|r| data.weight(*r)).collect();
    let as_is = mean(&best, &weights_of_judged);
    let (mut chosen, mut tried) = (None, Vec::new());
    for method in Method::ALL {
        let enough = codes.len() >= N_ROWS_MIN_ISOTONIC && rarest >= N_RAREST_MIN_ISOTONIC;
        if method == Method::Isotonic && !enough {
            continue;
        }
        let Some((losses, fitted)) = data.cross_validated(method) else { continue };
        let gains: Vec<f64> = best.iter().zip(&losses).map(|(b, l)| b - l).collect();
        let gain = mean(&gains, &weights_of_judged);
        let standard_error = standard_error(&gains, gain, &weights_of_judged);
        let accepted =
            gain > ERRORS_MIN * standard_error && gain > GAIN_MIN * mean(&best, &weights_of_judged);
        let log_loss = mean(&losses, &weights_of_judged);
        tried.push(Tried { method, log_loss, gain, standard_error, accepted });
        if accepted {
            (best, chosen) = (losses, Some((method, fitted)));
        }
    }
    let everywhere = (0..codes.len() as u32).filter(|row| is_kept(*row, step));
    let fitted = chosen.as_ref().and_then(|(method, _)| data.fit_on(*method, everywhere));
    let cross_fitted = chosen
        .zip(fitted.as_ref())
        .map(|((_, of_parts), whole)| data.cross_fitted(&of_parts, parts, whole));
    let calibrator = fitted.unwrap_or_default();
    Choice { calibrator, cross_fitted, log_loss: as_is, tried, note: None }
}

struct Data<'a> {
    truth: &'a Target,
    predictions: &'a Predictions,
    weights: Option<&'a [f64]>,
    parts: Vec<Vec<u32>>,
}

impl Data<'_> {
    fn weight(&self, row: u32) -> f64 {
        self.weights.map_or(1.0, |w| w[row as usize])
    }

    /// Fits on the given rows.
    fn fit_on(&self, method: Method, rows: impl Iterator<Item = u32>) -> Option<Calibrator> {
        let rows: Vec<u32> = rows.collect();
        let weights: Option<Vec<f64>> =
            self.weights.map(|w| rows.iter().map(|r| w[*r as usize]).collect());
        let (truth, predictions) = (self.truth.select(&rows), self.predictions.select(&rows));
        method.fit(&truth, &predictions, weights.as_deref())
    }

    /// The loss of every judged row by a calibrator that was fitted on the other parts, and the
    /// calibrator of each part.
    fn cross_validated(&self, method: Method) -> Option<(Vec<f64>, Vec<Calibrator>)> {
        let (mut losses, mut fitted) = (Vec::new(), Vec::new());
        for (own, part) in self.parts.iter().enumerate() {
            let calibrator = self.fit_without(method, own)?;
            losses.extend(self.losses(part, &calibrator));
            fitted.push(calibrator);
        }
        Some((losses, fitted))
    }

    /// Fits on all parts but one.
    fn fit_without(&self, method: Method, own: usize) -> Option<Calibrator> {
        let others = self.parts.iter().enumerate().filter(|(other, _)| *other != own);
        self.fit_on(method, others.flat_map(|(_, rows)| rows.iter().copied()))
    }

    /// The predictions of all rows, those of each of `parts` calibrated by what the others fitted
    /// (`of_parts`); rows of no part are calibrated by the `whole`.
    fn cross_fitted(
        &self,
        of_parts: &[Calibrator],
        parts: &[Vec<u32>],
        whole: &Calibrator,
    ) -> Predictions {
        let mut all = self.predictions.clone();
        whole.apply(&mut all);
        let filled = parts.iter().filter(|part| !part.is_empty());
        for (calibrator, part) in of_parts.iter().zip(filled) {
            let mut of_part = self.predictions.select(part);
            calibrator.apply(&mut of_part);
            let n = of_part.n_outputs;
            for (at, row) in part.iter().enumerate() {
                let row = *row as usize;
                all.values[row * n..(row + 1) * n].copy_from_slice(of_part.row(at));
            }
        }
        all
    }

    fn losses(&self, rows: &[u32], calibrator: &Calibrator) -> Vec<f64> {
        let mut calibrated = self.predictions.select(rows);
        calibrator.apply(&mut calibrated);
        let codes = self.truth.codes().unwrap_or_default();
        let of_row = |(at, row): (usize, &u32)| {
            let code = codes[*row as usize];
            let p = match calibrated.row(at) {
                [p] => [1.0 - p, *p][code as usize],
                many => many[code as usize],
            };
            -p.clamp(f64::EPSILON, 1.0).ln()
        };
        rows.iter().enumerate().map(of_row).collect()
    }
}

/// About one of `step` rows of each part, and one at least: a part stays a part.
fn thinned(parts: &[Vec<u32>], step: u64) -> Vec<Vec<u32>> {
    let thin = |part: &Vec<u32>| -> Vec<u32> {
        let kept: Vec<u32> = part.iter().copied().filter(|row| is_kept(*row, step)).collect();
        if kept.is_empty() { part.iter().copied().take(1).collect() } else { kept }
    };
    parts.iter().map(thin).filter(|part| !part.is_empty()).collect()
}

/// Whether a row is among the one of `step` that is looked at. Chance decides and not its place:
/// rows may have a period.
fn is_kept(row: u32, step: u64) -> bool {
    /// Any number: the same rows whoever asks.
    const KEY: u64 = 0x0ca1_1b8a;
    number_at(KEY, u64::from(row)).is_multiple_of(step)
}

fn rows_of_rarest(codes: &[u32], truth: &Target) -> usize {
    let Target::Class { n_classes, .. } = truth else { return 0 };
    let mut counts = vec![0_usize; *n_classes];
    for code in codes {
        counts[*code as usize] += 1;
    }
    // A class that no judged row has says nothing about the others.
    counts.into_iter().filter(|n| *n > 0).min().unwrap_or(0)
}

fn mean(values: &[f64], weights: &[f64]) -> f64 {
    let total: f64 = weights.iter().sum();
    values.iter().zip(weights).map(|(v, w)| v * w).sum::<f64>() / total
}

fn standard_error(values: &[f64], mean: f64, weights: &[f64]) -> f64 {
    let total: f64 = weights.iter().sum();
    let squares: f64 = values.iter().zip(weights).map(|(v, w)| (w * (v - mean)).powi(2)).sum();
    squares.sqrt() / total
}
