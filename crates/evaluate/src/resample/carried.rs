//! How large a mean loss may be, if few rows carry it.
//!
//! A loss that few rows carry is a sum of rare events, each as large as its row's loss. The upper
//! end of an interval for such a sum is known without resampling (Fay & Feuer, "Confidence
//! intervals for directly standardized rates", Statistics in Medicine 16, 1997): a χ² with as many
//! degrees of freedom as the rows are worth, one more of the largest added. Of one row that carries
//! all, other rows may have up to 5.57 times the loss, as a Poisson count of one may have the mean
//! 5.57.

use crate::distribution::chi_square_above;

/// The 97.5 % end of the mean of losses, none negative; infinite where they have none.
pub(super) fn most_by_chance(losses: &[f64], weights: Option<&[f64]>) -> f64 {
    let own = |row: usize| weights.map_or(1.0, |w| w[row]);
    let total: f64 = (0..losses.len()).map(own).sum();
    let (mut mean, mut variance, mut largest) = (0.0, 0.0, 0.0_f64);
    for (row, loss) in losses.iter().enumerate() {
        let part = loss * own(row) / total;
        mean += part;
        variance += part * part;
        largest = largest.max(part);
    }
    let (mean, variance) = (mean + largest, variance + largest * largest);
    let degrees = 2.0 * mean * mean / variance;
    let most = variance / (2.0 * mean) * chi_square_above(0.025, degrees);
    if most.is_finite() && most > 0.0 { most } else { f64::INFINITY }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_row_that_carries_all_may_have_been_five_and_many_alike_hardly_more() {
        let mut losses = vec![0.0; 100];
        losses[7] = 3.0;
        assert!((most_by_chance(&losses, None) / 0.03 - 5.572).abs() < 1e-3);
        let many = most_by_chance(&vec![0.5; 10_000], None);
        assert!((0.505..0.512).contains(&many), "{many}");
        // A row of weight two is one witness.
        let weighted = most_by_chance(&[1.0, 0.0], Some(&[2.0, 2.0]));
        assert!((weighted - most_by_chance(&[1.0, 0.0], None)).abs() < 1e-12);
        assert_eq!(most_by_chance(&[0.0; 5], None), f64::INFINITY);
        assert_eq!(most_by_chance(&[], None), f64::INFINITY);
    }
}
