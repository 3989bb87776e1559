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
    let parts = losses.iter().enumerate().map(|(row, loss)| (loss * own(row) / total, 1.0));
    most_of_events(&parts.collect::<Vec<_>>(), 0.0)
}

/// The 97.5 % end of the sum of events, each of a size that is not negative, and expected so many
/// times; infinite where they sum to nothing. What is added is the largest that comes with a chance
/// of `chance` among all that are as large.
pub(super) fn most_of_events(events: &[(f64, f64)], chance: f64) -> f64 {
    let mut falling = events.to_vec();
    falling.sort_by(|a, b| b.0.total_cmp(&a.0));
    let mut expected = 0.0;
    let largest = falling.iter().find(|(_, times)| {
        expected += times;
        expected > 0.0 && expected >= chance
    });
    let largest = largest.map_or(0.0, |(size, _)| *size);
    let (mut mean, mut variance) = (0.0, 0.0);
    for (size, times) in events {
        mean += size * times;
        variance += size * size * times;
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

    #[test]
    fn an_event_that_hardly_ever_comes_is_not_added() {
        let events = [(1.0, 1.0), (1.0, 1.0), (50.0, 0.001)];
        let (often, rarely) = (most_of_events(&events, 0.025), most_of_events(&events, 0.0005));
        assert!(often < 20.0 && rarely > 50.0, "{often} {rarely}");
        assert_eq!(most_of_events(&[(3.0, 0.0)], 0.0), f64::INFINITY, "it never comes");
    }
}
