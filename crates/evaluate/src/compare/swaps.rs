//! The test of exchanged rows, for two models that differ in few of them.
//!
//! If neither model is better, each row's two losses may as well have come the other way round.
//! The p-value is the share of all such exchanges after which the difference is at least as large.
//! It is exact, where resamples are not: with three differing rows, all in favour of one model, a
//! quarter of the exchanges says as much, but a resample without any of the three has no error.
//! Reference: Good, "Permutation, Parametric and Bootstrap Tests of Hypotheses", 2005, chapter 3.

use modelwright_core::Context;

use super::studentised::Difference;

/// With more differing rows resamples are as good.
const DIFFERING_MAX: usize = 25;
/// Up to so many differing rows all exchanges are tried; of more, as many random ones.
const EXHAUSTIVE_MAX: usize = 12;
/// What the same difference may differ by when its sums are taken in another order.
const ROUNDING: f64 = 1e-9;

/// The p-value of the exchanges for a difference of the metric; `None` where the models differ in
/// many rows, or the metric is only near to such a mean.
pub(super) fn p_value(of: &Difference<'_>, difference: f64, ctx: &Context) -> Option<f64> {
    let weight = |row: usize| of.weights.map_or(1.0, |w| w[row]);
    let rows = || 0..of.a.rows.len();
    let shifts: Vec<f64> = rows()
        .filter(|row| weight(*row) > 0.0 && of.a.rows[*row] != of.b.rows[*row])
        .map(|row| weight(row) * (of.b.rows[row] - of.a.rows[row]))
        .take(DIFFERING_MAX + 1)
        .collect();
    if shifts.len() > DIFFERING_MAX {
        return None;
    }
    let sum = |values: &[f64]| rows().map(|row| weight(row) * values[row]).sum::<f64>();
    let total = |over: &Option<Vec<f64>>| match over {
        Some(over) => sum(over),
        None => rows().map(weight).sum(),
    };
    let (sum_a, sum_b) = (sum(&of.a.rows), sum(&of.b.rows));
    let (total_a, total_b) = (total(&of.a.over), total(&of.b.over));
    let size = |moved: f64| {
        ((of.a.of)((sum_a + moved) / total_a) - (of.b.of)((sum_b - moved) / total_b)).abs()
    };
    if (size(0.0) - difference.abs()).abs() > ROUNDING * difference.abs() {
        return None;
    }
    let own = difference.abs() * (1.0 - ROUNDING);
    let moved = |exchange: u64| -> f64 {
        let is_in = |i: usize| exchange >> i & 1 == 1;
        shifts.iter().enumerate().filter(|(i, _)| is_in(*i)).map(|(_, shift)| shift).sum()
    };
    let n = 1_u64 << shifts.len().min(EXHAUSTIVE_MAX);
    if shifts.len() <= EXHAUSTIVE_MAX {
        let n_as_large = (0..n).filter(|exchange| size(moved(*exchange)) >= own).count();
        return Some(n_as_large as f64 / n as f64);
    }
    let mut random = ctx.random("evaluate/compare/swaps", 0);
    let n_as_large = (0..n).filter(|_| size(moved(random.next_u64())) >= own).count();
    // The rows as they are are one exchange more.
    Some((n_as_large + 1) as f64 / (n + 1) as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metric::RowMean;

    /// The p-value where A is right in the first rows, B in the next, and both in all others.
    fn of_wins(n_a: usize, n_b: usize) -> Option<f64> {
        let rows = |from: usize, to: usize| -> Vec<f64> {
            (0..1000).map(|row| f64::from(u8::from(!(from..to).contains(&row)))).collect()
        };
        let mean = |rows: Vec<f64>| RowMean { rows, over: None, of: |mean| mean };
        let (a, b) = (mean(rows(n_a, n_a + n_b)), mean(rows(0, n_a)));
        let difference = (n_b as f64 - n_a as f64) / 1000.0;
        p_value(&Difference { a: &a, b: &b, weights: None }, difference, &Context::unlimited(0, 1))
    }

    #[test]
    fn few_differing_rows_have_the_p_value_of_the_sign_test() {
        for (n_a, n_b, exact) in [(3, 0, 0.25), (4, 0, 0.125), (6, 0, 0.03125), (4, 1, 0.375)] {
            assert_eq!(of_wins(n_a, n_b), Some(exact), "{n_a} against {n_b}");
        }
        // 2 · (C(16, 0) + C(16, 1) + C(16, 2) + C(16, 3)) / 2^16.
        let sampled = of_wins(13, 3).unwrap();
        assert!((sampled - 0.0213).abs() < 0.008, "{sampled}");
        assert_eq!(of_wins(0, 0), Some(1.0));
        assert_eq!(of_wins(20, 6), None);
    }

    #[test]
    fn rows_without_weight_are_no_witnesses() {
        let mean = |rows: [f64; 8]| RowMean { rows: rows.to_vec(), over: None, of: f64::sqrt };
        let (a, b) = (mean([0.0; 8]), mean([1.0; 8]));
        let weights = [1.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0];
        let of = Difference { a: &a, b: &b, weights: Some(&weights) };
        assert_eq!(p_value(&of, -1.0, &Context::unlimited(0, 1)), Some(0.25));
    }
}
