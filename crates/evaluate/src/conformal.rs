//! Conformal prediction: how far to reach so that a stated share of new rows is held.
//!
//! Rows with known answers that a model did not learn from give *conformity scores*, larger where
//! the model was worse. The quantile of the scores that [`quantile`] takes holds a new row's score
//! with at least the stated probability when the rows are exchangeable with it, whatever the model
//! and the distribution. References: Vovk, Gammerman & Shafer, "Algorithmic learning in a random
//! world", 2005; Lei et al., JASA 113, 2018.
//!
//! | score | interval or set | reference |
//! |---|---|---|
//! | `|y − ŷ|` | constant width | Lei et al. 2018 |
//! | `max(l(x) − y, y − u(x))` | the estimated quantiles, moved out or in | CQR: Romano 2019 |
//! | `1 − p(y)` | all classes that are probable enough | LAC: Sadinle et al., JASA 114, 2019 |
//!
//! Scores that come from cross-validation (out of fold) rather than from one set of calibration
//! rows give the CV approximation of Barber et al. (Annals of Statistics 49(1), 2021): their CV+
//! has a guarantee of `1 − 2α` with the fold models, and about `1 − α` in practice.

use modelwright_core::record::{Coverage, Interval};
use modelwright_core::{Error, Result};

use crate::compare::clusters::{Clustered, clustered};
use crate::curve::wilson;
use crate::distribution::{Z_975, student_quantile};

/// The least number of rows that can give an interval of this level that is not infinite.
pub fn n_rows_min(level: f64) -> usize {
    // The ⌈(n + 1) level⌉-th of n scores must exist.
    (level / (1.0 - level) - 1e-9).ceil().max(1.0) as usize
}

/// The conformal quantile: the `⌈(n + 1) · level⌉`-th smallest score; infinite when there are
/// fewer scores than that.
///
/// With weights the same for a new row of mean weight: the smallest score at which the weights of
/// all scores up to it reach `level` of their sum and that of the new row.
pub fn quantile(scores: &[f64], weights: Option<&[f64]>, level: f64) -> f64 {
    let weight = |row: u32| weights.map_or(1.0, |w| w[row as usize]);
    let mut rows: Vec<u32> = (0..scores.len() as u32).filter(|row| weight(*row) > 0.0).collect();
    rows.sort_unstable_by(|a, b| {
        scores[*a as usize].total_cmp(&scores[*b as usize]).then(a.cmp(b))
    });
    let total: f64 = rows.iter().map(|row| weight(*row)).sum();
    let wanted = level * (total + total / rows.len().max(1) as f64);
    // Sums of weights such as 0.1 may fall short by rounding.
    let wanted = wanted * (1.0 - 1e-12);
    let mut reached = 0.0;
    for row in &rows {
        reached += weight(*row);
        if reached >= wanted {
            return scores[*row as usize];
        }
    }
    f64::INFINITY
}

/// The interval score of each row: its interval's width, and `2 / (1 − level)` times the distance
/// by which the truth lies outside. Its mean rewards intervals that are narrow where they can be.
/// Reference: Gneiting & Raftery, JASA 102, 2007 (Winkler's score).
pub fn interval_scores(truth: &[f64], intervals: &[Interval], level: f64) -> Vec<f64> {
    let penalty = 2.0 / (1.0 - level);
    let of_row = |(y, i): (&f64, &Interval)| {
        (i.high - i.low) + penalty * ((i.low - y).max(0.0) + (y - i.high).max(0.0))
    };
    truth.iter().zip(intervals).map(of_row).collect()
}

/// How often the truth was held, with Wilson's 95 % interval, and how large intervals or sets are.
/// `groups` says of each row which group it is of, where rows belong together: a few of them that
/// are held or missed as a whole say less than as many rows would.
///
/// # Errors
/// Input error when lengths differ or no row has weight.
pub fn coverage(
    held: &[bool],
    sizes: &[f64],
    weights: Option<&[f64]>,
    groups: Option<&[u32]>,
) -> Result<Coverage> {
    let n_rows = held.len();
    let weight = |row: usize| weights.map_or(1.0, |w| w[row]);
    let reached = share_held(held, weights, groups).filter(|_| sizes.len() == n_rows);
    let Some((share, ci95)) = reached else {
        return Err(Error::input("coverage needs rows with weight"));
    };
    let total: f64 = (0..n_rows).map(weight).sum();
    let size: f64 = sizes.iter().enumerate().map(|(row, size)| weight(row) * size).sum();
    Ok(Coverage { n_rows, share, ci95, mean_size: size / total })
}

/// The share of rows that are `held`, with its 95 % interval; `None` where no row has weight or
/// there are not as many weights as rows.
pub(crate) fn share_held(
    held: &[bool],
    weights: Option<&[f64]>,
    groups: Option<&[u32]>,
) -> Option<(f64, Interval)> {
    let (share, n) = share_and_worth(held, weights, groups)?;
    Some((share, wilson(share, n)))
}

/// The share of rows that are `held`, and as how many independent rows of one weight they count.
pub(crate) fn share_and_worth(
    held: &[bool],
    weights: Option<&[f64]>,
    groups: Option<&[u32]>,
) -> Option<(f64, f64)> {
    let n_rows = held.len();
    let weight = |row: usize| weights.map_or(1.0, |w| w[row]);
    let (mut total, mut squares, mut hits) = (0.0, 0.0, 0.0);
    let fits = weights.is_none_or(|w| w.len() == n_rows);
    for (row, is_held) in held.iter().enumerate().filter(|_| fits) {
        let w = weight(row);
        total += w;
        squares += w * w;
        hits += if *is_held { w } else { 0.0 };
    }
    if total <= 0.0 {
        return None;
    }
    let share = hits / total;
    // Weighted rows count by Kish's effective number.
    let effective = total * total / squares;
    let residual = |row: usize| f64::from(u8::from(held[row])) - share;
    let of_groups = groups.filter(|groups| groups.len() == n_rows);
    let certain = of_groups.map(|g| clustered(g, |row| weight(row) / total, residual));
    let worth = match certain {
        Some(Some(certain)) => of_few(share, effective, &certain),
        // All rows are of one group, which is one witness.
        Some(None) => 1.0,
        None => effective,
    };
    Some((share, worth))
}

/// So many rows as have the variance that the groups show, less for the quantile of few groups.
fn of_few(share: f64, n_rows: f64, certain: &Clustered) -> f64 {
    let variance = certain.standard_error.powi(2);
    let of_rows = share * (1.0 - share) / n_rows;
    // Never more witnesses than rows, nor fewer than groups. Where all groups say the same, they
    // show no variance of rows within them.
    let n_groups = (certain.df + 1.0).min(n_rows);
    let design = (variance / of_rows).max(1.0);
    let n = if of_rows > 0.0 { (n_rows / design).max(n_groups) } else { n_groups };
    let widened = (student_quantile(0.975, certain.df) / Z_975).powi(2);
    n / widened
}

#[cfg(test)]
mod tests {
    use super::*;
    use modelwright_core::random::Random;
    use serde::Deserialize;

    #[derive(Deserialize)]
    struct Golden {
        scores: Vec<f64>,
        levels: Vec<f64>,
        quantiles: Vec<f64>,
    }

    #[test]
    fn quantiles_agree_with_numpy() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/conformal/golden.toml");
        let cases: std::collections::BTreeMap<String, Golden> =
            toml::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        assert!(cases.len() >= 4);
        for (name, case) in cases {
            for (level, expected) in case.levels.iter().zip(&case.quantiles) {
                let own = quantile(&case.scores, None, *level);
                assert!(own == *expected, "{name} at {level}: {own}, not {expected}");
            }
        }
    }

    #[test]
    fn too_few_rows_give_an_infinite_quantile_and_one_more_does_not() {
        for level in [0.5, 0.8, 0.9, 0.95, 0.99] {
            let n = n_rows_min(level);
            let scores: Vec<f64> = (0..n).map(|i| i as f64).collect();
            assert!(quantile(&scores, None, level).is_finite(), "{level} {n}");
            assert!(quantile(&scores[1..], None, level).is_infinite(), "{level} {n}");
        }
        assert_eq!((n_rows_min(0.9), n_rows_min(0.99), n_rows_min(0.5)), (9, 99, 1));
    }

    #[test]
    fn equal_weights_change_nothing_and_a_row_without_weight_is_absent() {
        let mut random = Random::new(2);
        let scores: Vec<f64> = (0..57).map(|_| random.normal()).collect();
        let plain = quantile(&scores, None, 0.9);
        assert_eq!(quantile(&scores, Some(&[0.1; 57]), 0.9), plain);
        let (mut longer, mut weights) = (scores.clone(), vec![2.0; 57]);
        longer.push(1e9);
        weights.push(0.0);
        assert_eq!(quantile(&longer, Some(&weights), 0.9), plain);
    }

    #[test]
    fn exchangeable_rows_are_held_as_often_as_stated() {
        // Over draws of both sets the coverage has a beta distribution around
        // ⌈(n + 1) level⌉ / (n + 1); the mean of 400 draws lies within four standard errors.
        for (n, level) in [(19, 0.9), (50, 0.8), (200, 0.95)] {
            let (mut sum, n_draws) = (0.0, 400);
            for draw in 0..n_draws {
                let mut random = Random::stream(11, "coverage", draw);
                let mut score = || random.normal().abs().powi(3);
                let scores: Vec<f64> = (0..n).map(|_| score()).collect();
                let q = quantile(&scores, None, level);
                sum += (0..500).filter(|_| score() <= q).count() as f64 / 500.0;
            }
            let expected = ((n as f64 + 1.0) * level).ceil() / (n as f64 + 1.0);
            let spread = (expected * (1.0 - expected) / (n as f64 + 2.0)
                + expected * (1.0 - expected) / 500.0)
                .sqrt();
            let mean = sum / n_draws as f64;
            let error = 4.0 * spread / (n_draws as f64).sqrt();
            assert!((mean - expected).abs() < error, "n = {n}: {mean}, not {expected} ± {error}");
        }
    }

    #[test]
    fn coverage_counts_what_is_held_and_the_score_punishes_what_is_not() {
        let held = [true, true, false, true];
        let given = coverage(&held, &[1.0, 2.0, 3.0, 2.0], None, None).unwrap();
        assert_eq!((given.n_rows, given.share, given.mean_size), (4, 0.75, 2.0));
        assert!(given.ci95.low < 0.75 && given.ci95.high > 0.75);
        let weighted = coverage(&held, &[1.0; 4], Some(&[1.0, 1.0, 2.0, 0.0]), None).unwrap();
        assert_eq!(weighted.share, 0.5);
        assert!(coverage(&[], &[], None, None).is_err());
        let i = Interval { low: 0.0, high: 2.0 };
        assert_eq!(interval_scores(&[1.0, 2.5, -1.0], &[i; 3], 0.75), [2.0, 6.0, 10.0]);
    }

    #[test]
    fn rows_that_are_held_or_missed_together_say_less() {
        // 20 groups of 10 rows, 4 of them missed as a whole.
        let held: Vec<bool> = (0..200).map(|row| row / 10 % 5 != 0).collect();
        let groups: Vec<u32> = (0..200).map(|row| row / 10).collect();
        let sizes = vec![1.0; 200];
        let of_rows = coverage(&held, &sizes, None, None).unwrap().ci95;
        let of_groups = coverage(&held, &sizes, None, Some(&groups)).unwrap().ci95;
        // As if 20 rows were asked: 16 of 20, Wilson 0.584 to 0.919, and a little more.
        assert!(of_rows.low > 0.73 && of_groups.low < 0.584 && of_groups.low > 0.54);
        assert!(of_groups.high > 0.919 && of_groups.high < 0.95, "{of_groups:?}");
        let each: Vec<u32> = (0..200).collect();
        let alone = coverage(&held, &sizes, None, Some(&each)).unwrap().ci95;
        assert!((alone.low - of_rows.low).abs() < 0.002, "{alone:?} {of_rows:?}");
    }
}
