//! How honest probabilities are, and what decisions by them are worth.
//!
//! References: Murphy, Journal of Applied Meteorology 12, 1973, with the terms within bins of
//! Stephenson, Coelho & Jolliffe, Weather and Forecasting 23, 2008 (Brier score taken apart);
//! Bröcker & Smith, ibid. 22, 2007 (consistency bars); Nixon et al., CVPR Workshops 2019 (adaptive
//! and class-wise calibration errors); Vickers & Elkin, Medical Decision Making 26, 2006 (net
//! benefit).

use modelwright_core::record::{
    BrierParts, CalibrationBin, CurvePoint, Interval, Reliability, Usefulness,
};
use modelwright_core::task::{Predictions, Target};
use modelwright_core::{Error, Result};

use crate::distribution::Z_975;
use crate::metric::{Ranked, check_pair, check_weights};

/// Bins of the calibration errors.
const BINS: usize = 10;

/// Thresholds of the decision curve: 0.01 … 0.99.
const THRESHOLDS: u32 = 99;

/// Points of the cumulative gain.
const GAIN_POINTS: usize = 50;

/// A row as one class sees it.
#[derive(Clone, Copy)]
struct Row {
    weight: f64,
    probability: f64,
    happened: f64,
}

/// Measures the probabilities of a classification; `bins` are those of the reliability diagram.
///
/// # Errors
/// Input error for a regression target or predictions and weights that do not fit.
pub fn reliability(
    truth: &Target,
    predictions: &Predictions,
    weights: Option<&[f64]>,
    bins: &[CalibrationBin],
) -> Result<Reliability> {
    let codes = codes_of(truth, predictions, weights)?;
    let top = predictions.classes(0.5);
    let rows = |class: Option<u32>| -> Vec<Row> {
        let of_row = |row: usize| {
            let class = match (class, predictions.n_outputs) {
                (Some(class), _) => class,
                (None, 1) => 1,
                (None, _) => top[row],
            };
            Row {
                weight: weights.map_or(1.0, |w| w[row]),
                probability: probability(predictions, row, class),
                happened: f64::from(u8::from(codes[row] == class)),
            }
        };
        (0..codes.len()).map(of_row).collect()
    };
    let shown = rows(None);
    let n_classes = if predictions.n_outputs == 1 { 2 } else { predictions.n_outputs };
    let of_class = |class| error_of(&in_width(&rows(Some(class as u32))));
    let class_wise = (0..n_classes).map(of_class).sum::<f64>() / n_classes as f64;
    Ok(Reliability {
        ece_equal_width: error_of(&in_width(&shown)),
        ece_equal_mass: error_of(&in_mass(&shown)),
        ece_class_wise: class_wise,
        brier: brier_parts(&in_width(&shown), &shown),
        consistent: bins.iter().map(consistent).collect(),
    })
}

/// The curves of what binary decisions are worth.
///
/// # Errors
/// Input error when the target is not binary, has one class only, or does not fit the rest.
pub fn usefulness(
    truth: &Target,
    predictions: &Predictions,
    weights: Option<&[f64]>,
) -> Result<Usefulness> {
    let codes = codes_of(truth, predictions, weights)?;
    let scores = &predictions.values;
    let ranked = Ranked::new(codes.len(), |row| scores[row], |row| codes[row] == 1);
    let mut steps: Vec<(f64, f64, f64)> = Vec::new();
    let (mut negatives, mut positives) = (0.0, 0.0);
    ranked.walk(weights, |negative, positive, last| {
        negatives += negative;
        positives += positive;
        steps.push((scores[last as usize], negatives, positives));
    });
    let total = negatives + positives;
    if predictions.n_outputs != 1 || !(negatives > 0.0 && positives > 0.0) {
        return Err(Error::input("the worth of decisions needs rows of two classes")
            .expected("a binary target with both classes"));
    }
    let point = |x, y| CurvePoint { x, y, threshold: Some(x) };
    let (mut of_model, mut of_all) = (Vec::new(), Vec::new());
    for i in 1..=THRESHOLDS {
        let threshold = f64::from(i) / f64::from(THRESHOLDS + 1);
        let odds = threshold / (1.0 - threshold);
        let above = steps.partition_point(|(score, _, _)| *score >= threshold);
        let (fp, tp) = above.checked_sub(1).map_or((0.0, 0.0), |k| (steps[k].1, steps[k].2));
        of_model.push(point(threshold, (tp - fp * odds) / total));
        of_all.push(point(threshold, (positives - negatives * odds) / total));
    }
    Ok(Usefulness {
        net_benefit: of_model,
        net_benefit_of_all: of_all,
        gain: gain(&steps, negatives, positives),
    })
}

/// The share of positives among the most probable rows; rows of equal score in proportion.
fn gain(steps: &[(f64, f64, f64)], negatives: f64, positives: f64) -> Vec<CurvePoint> {
    let total = negatives + positives;
    let mut points = vec![CurvePoint { x: 0.0, y: 0.0, threshold: None }];
    let (mut at, mut before) = (0, (0.0, 0.0));
    for i in 1..=GAIN_POINTS {
        let share = i as f64 / GAIN_POINTS as f64;
        let wanted = share * total * (1.0 - 1e-12);
        while at + 1 < steps.len() && steps[at].1 + steps[at].2 < wanted {
            before = (steps[at].1 + steps[at].2, steps[at].2);
            at += 1;
        }
        let (score, n, p) = steps[at];
        let part = ((wanted - before.0) / (n + p - before.0)).clamp(0.0, 1.0);
        let found = before.1 + part * (p - before.1);
        points.push(CurvePoint { x: share, y: found / positives, threshold: Some(score) });
    }
    points
}

fn codes_of<'a>(
    truth: &'a Target,
    predictions: &Predictions,
    weights: Option<&[f64]>,
) -> Result<&'a [u32]> {
    check_pair(truth, predictions)?;
    if let Some(weights) = weights {
        check_weights(weights, truth.n_rows())?;
    }
    truth
        .codes()
        .ok_or_else(|| Error::input("calibration needs a classification target").got("regression"))
}

fn probability(predictions: &Predictions, row: usize, class: u32) -> f64 {
    match (predictions.row(row), class) {
        ([p], 0) => 1.0 - p,
        ([p], _) => *p,
        (many, class) => many[class as usize],
    }
}

/// Weight, Σ probability and Σ happened of each bin.
type Sums = [f64; 3];

fn in_width(rows: &[Row]) -> Vec<Sums> {
    let mut bins = vec![[0.0; 3]; BINS];
    for row in rows {
        let bin = ((row.probability * BINS as f64) as usize).min(BINS - 1);
        add(&mut bins[bin], row);
    }
    bins
}

/// Rows by probability, parted where a tenth of the weight is full; equal ones stay together.
fn in_mass(rows: &[Row]) -> Vec<Sums> {
    let mut order: Vec<&Row> = rows.iter().collect();
    order.sort_by(|a, b| a.probability.total_cmp(&b.probability));
    let total: f64 = rows.iter().map(|r| r.weight).sum();
    let (mut bins, mut seen) = (vec![[0.0; 3]], 0.0);
    for (at, row) in order.iter().enumerate() {
        let is_new = at > 0 && order[at - 1].probability < row.probability;
        if is_new && seen >= bins.len() as f64 * total / BINS as f64 * (1.0 - 1e-12) {
            bins.push([0.0; 3]);
        }
        let last = bins.len() - 1;
        add(&mut bins[last], row);
        seen += row.weight;
    }
    bins
}

fn add(bin: &mut Sums, row: &Row) {
    bin[0] += row.weight;
    bin[1] += row.weight * row.probability;
    bin[2] += row.weight * row.happened;
}

fn error_of(bins: &[Sums]) -> f64 {
    let total: f64 = bins.iter().map(|b| b[0]).sum();
    bins.iter().map(|b| (b[1] - b[2]).abs()).sum::<f64>() / total
}

fn brier_parts(bins: &[Sums], rows: &[Row]) -> BrierParts {
    let total: f64 = bins.iter().map(|b| b[0]).sum();
    let overall = bins.iter().map(|b| b[2]).sum::<f64>() / total;
    let mut parts = BrierParts { uncertainty: overall * (1.0 - overall), ..BrierParts::default() };
    for bin in bins.iter().filter(|b| b[0] > 0.0) {
        let (predicted, observed) = (bin[1] / bin[0], bin[2] / bin[0]);
        parts.reliability += bin[0] * (predicted - observed).powi(2) / total;
        parts.resolution += bin[0] * (observed - overall).powi(2) / total;
    }
    let score: f64 =
        rows.iter().map(|r| r.weight * (r.probability - r.happened).powi(2)).sum::<f64>() / total;
    parts.within = score - parts.reliability + parts.resolution - parts.uncertainty;
    parts
}

/// Where the observed share of a bin lies if its mean probability is honest: a binomial of as many
/// rows as the bin's count as, taken as normal.
fn consistent(bin: &CalibrationBin) -> Interval {
    let (p, n) = (bin.predicted, bin.n_effective.unwrap_or(bin.n_rows.max(1) as f64));
    let half = Z_975 * (p * (1.0 - p) / n).sqrt();
    Interval { low: (p - half).max(0.0), high: (p + half).min(1.0) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::curve::calibration_bins;
    use crate::metric::{MetricInput, metric};
    use modelwright_core::random::Random;

    fn honest(n: usize, seed: u64) -> (Target, Predictions) {
        let mut random = Random::new(seed);
        let p: Vec<f64> = (0..n).map(|_| random.unit()).collect();
        let codes = p.iter().map(|p| u32::from(random.unit() < *p)).collect();
        (Target::Class { codes, n_classes: 2 }, Predictions::new(1, p))
    }

    fn measured(truth: &Target, p: &Predictions) -> Reliability {
        let bins = calibration_bins(truth, p, None, None, 10).unwrap();
        let found = reliability(truth, p, None, &bins).unwrap();
        assert_eq!(found.consistent.len(), bins.len());
        found
    }

    #[test]
    fn a_small_table_has_the_errors_that_are_counted_by_hand() {
        let truth = Target::Class { codes: vec![0, 0, 1, 1], n_classes: 2 };
        let p = Predictions::new(1, vec![0.12, 0.18, 0.64, 0.66]);
        let found = measured(&truth, &p);
        // Bins [0.1, 0.2): 0.15 against 0; [0.6, 0.7): 0.65 against 1.
        assert!((found.ece_equal_width - 0.25).abs() < 1e-12);
        assert!((found.ece_equal_mass - (0.12 + 0.18 + 0.36 + 0.34) / 4.0).abs() < 1e-12);
        assert!((found.ece_class_wise - 0.25).abs() < 1e-12);
        let expected = f64::midpoint(0.15 * 0.15, 0.35 * 0.35);
        assert!((found.brier.reliability - expected).abs() < 1e-12);
        assert_eq!((found.brier.resolution, found.brier.uncertainty), (0.25, 0.25));
    }

    #[test]
    fn the_parts_of_the_brier_score_add_up() {
        let (truth, p) = honest(3000, 1);
        let found = measured(&truth, &p);
        let b = found.brier;
        let sum = b.reliability - b.resolution + b.uncertainty + b.within;
        let brier = metric("brier_score").unwrap();
        let score = brier.value(&MetricInput::new(&truth, &p)).unwrap();
        assert!((sum - score).abs() < 1e-12);
        assert!(b.within.abs() < 0.01 && b.reliability < 0.002 && found.ece_equal_mass < 0.03);
        let shifted = Predictions::new(1, p.values.iter().map(|p| p * 0.7).collect());
        assert!(measured(&truth, &shifted).brier.reliability > 0.02);
    }

    #[test]
    fn honest_probabilities_lie_inside_the_consistency_bars() {
        let (mut inside, mut n) = (0, 0);
        for seed in 0..60 {
            let (truth, p) = honest(1000, seed);
            let bins = calibration_bins(&truth, &p, None, None, 10).unwrap();
            let found = reliability(&truth, &p, None, &bins).unwrap();
            for (bin, bar) in bins.iter().zip(found.consistent) {
                inside += usize::from(bar.low <= bin.observed && bin.observed <= bar.high);
                n += 1;
            }
        }
        let share = f64::from(inside as u32) / f64::from(n);
        assert!((0.92..=0.98).contains(&share), "{share}");
    }

    #[test]
    fn decisions_are_worth_more_than_treating_all_or_none_and_gain_is_shared_by_ties() {
        let (truth, p) = honest(2000, 3);
        let worth = usefulness(&truth, &p, None).unwrap();
        for (own, all) in worth.net_benefit.iter().zip(&worth.net_benefit_of_all) {
            assert!(own.y > all.y.max(0.0) - 0.01, "{own:?}");
        }
        let last = worth.gain.last().unwrap();
        assert!((last.x - 1.0).abs() < 1e-9 && (last.y - 1.0).abs() < 1e-9);
        assert!(worth.gain[10].y > worth.gain[10].x * 1.5);
        let blind = Predictions::new(1, vec![0.3; 2000]);
        let worth = usefulness(&truth, &blind, None).unwrap();
        assert!(worth.gain.iter().all(|g| (g.x - g.y).abs() < 1e-9));
        let one = Target::Class { codes: vec![0; 4], n_classes: 2 };
        assert!(usefulness(&one, &Predictions::new(1, vec![0.1; 4]), None).is_err());
    }
}
