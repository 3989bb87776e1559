//! Rows in the order of time that err alike: what an interval of them draws.
//!
//! The errors of a model on later rows go together: a level that moves lifts those of a whole week.
//! Such rows are no independent witnesses: an interval that draws them one by one is too narrow.
//! Blocks of successive rows are drawn instead, of Carlstein's length for non-overlapping blocks of
//! an autoregression of first order ("The use of subseries values for estimating the variance of a
//! general statistic from a stationary sequence", Annals of Statistics 14, 1986):
//!
//! ```text
//! length = (2 r / (1 - r²))^(2/3) · n^(1/3)      r: correlation of the losses of successive rows
//! ```

use modelwright_core::task::{Predictions, Target};

/// Fewer rows than this do not tell how they go together.
const ROWS_MIN: usize = 50;

/// Blocks that are drawn from, at least.
const BLOCKS_MIN: usize = 10;

/// A correlation within so many standard errors of none is chance.
const ERRORS: f64 = 2.5;

/// The block of each row, and how many rows a block has; `None` where successive rows err
/// independently, or are too few. `times` are those of the rows, in any order.
pub(crate) fn blocks(
    times: &[f64],
    truth: &Target,
    predictions: &Predictions,
) -> Option<(Vec<u32>, usize)> {
    let n = times.len();
    if n < ROWS_MIN || truth.n_rows() != n {
        return None;
    }
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by(|a, b| times[*a].total_cmp(&times[*b]).then(a.cmp(b)));
    let losses: Vec<f64> = order.iter().map(|row| loss(*row, truth, predictions)).collect();
    let r = correlation_of_neighbours(&losses)?;
    if r * (n as f64).sqrt() < ERRORS {
        return None;
    }
    let length = (2.0 * r / (1.0 - r * r)).powf(2.0 / 3.0) * (n as f64).cbrt();
    let length = (length.ceil() as usize).clamp(2, n / BLOCKS_MIN);
    let mut blocks = vec![0; n];
    for (place, row) in order.into_iter().enumerate() {
        blocks[row] = (place / length) as u32;
    }
    Some((blocks, length))
}

/// How far a prediction is from the truth.
fn loss(row: usize, truth: &Target, predictions: &Predictions) -> f64 {
    match truth {
        Target::Real(values) => (values[row] - predictions.values[row]).abs(),
        Target::Class { codes, .. } => match predictions.row(row) {
            [p] if codes[row] == 0 => *p,
            [p] => 1.0 - p,
            all => 1.0 - all[codes[row] as usize],
        },
    }
}

/// The correlation of values with those that follow them; `None` where they do not vary.
fn correlation_of_neighbours(values: &[f64]) -> Option<f64> {
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    let square: f64 = values.iter().map(|v| (v - mean).powi(2)).sum();
    let product: f64 = values.windows(2).map(|w| (w[0] - mean) * (w[1] - mean)).sum();
    let r = product / square;
    // Beyond, the length is the largest anyway.
    r.is_finite().then(|| r.min(0.999))
}

#[cfg(test)]
mod tests {
    use modelwright_core::random::Random;

    use super::*;

    #[test]
    fn rows_that_err_alike_with_their_neighbours_in_time_are_in_one_block() {
        let mut random = Random::new(2);
        let mut level = 0.0;
        let drifting: Vec<f64> = (0..800)
            .map(|_| {
                level = 0.95 * level + random.normal();
                level
            })
            .collect();
        // The table is not sorted by time.
        let times: Vec<f64> = (0..800).map(|row| f64::from((row * 7) % 800)).collect();
        let truth: Vec<f64> = times.iter().map(|t| drifting[*t as usize]).collect();
        let said = Predictions::zeros(800, 1);
        let (found, length) = blocks(&times, &Target::Real(truth), &said).unwrap();
        assert!((20..=80).contains(&length), "{length}");
        assert_eq!(found.iter().max(), Some(&((799 / length) as u32)));
        let same = (0..800).all(|row| found[row] as usize == times[row] as usize / length);
        assert!(same);
    }

    #[test]
    fn rows_that_err_independently_or_few_rows_are_drawn_one_by_one() {
        let mut random = Random::new(3);
        let times: Vec<f64> = (0..800).map(f64::from).collect();
        let noise: Vec<f64> = times.iter().map(|_| random.normal()).collect();
        let said = Predictions::zeros(800, 1);
        assert_eq!(blocks(&times, &Target::Real(noise), &said), None);
        assert_eq!(blocks(&times, &Target::Real(vec![1.0; 800]), &said), None);
        let few = Predictions::zeros(20, 1);
        let rising = Target::Real(times[..20].to_vec());
        assert_eq!(blocks(&times[..20], &rising, &few), None);
    }
}
