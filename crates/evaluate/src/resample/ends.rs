//! How much of the resamples a 95 % interval leaves out on either side, where there is little to
//! draw.
//!
//! Resamples of few groups, or of few positive rows, are too narrow: their variance has `n` below
//! and not `n − 1`, and it is itself uncertain. Expanded percentiles make up for both (Hesterberg,
//! "What teachers should know about the bootstrap", The American Statistician 69, 2015, 5.3).

use modelwright_core::task::{Target, Task};

use crate::distribution::{normal_cdf, normal_quantile, student_quantile};
use crate::metric::MetricEntry;

/// From so many rows on, resamples of ranks are as wide as they must be.
const RANKED_ROWS: usize = 400;

/// What is left out below and above: of so many groups, or of an average precision of so many
/// positive rows.
pub(super) fn ends(n_groups: Option<usize>, few_positive: Option<usize>) -> [f64; 2] {
    match (n_groups, few_positive) {
        (Some(n_groups), _) => [expanded(n_groups); 2],
        // The upper end has 1 in sight, and reaches far enough with its variance made whole.
        (None, Some(n)) => [expanded(n), normal_cdf(normal_quantile(ENDS) * narrow(n))],
        (None, None) => [ENDS; 2],
    }
}

/// The positive rows of two classes, for an average precision of few rows: resamples of so few
/// positive rows are too narrow, as those of few groups are.
pub(super) fn few_positive(metrics: &[&MetricEntry], truth: &Target) -> Vec<Option<usize>> {
    let codes = truth.codes().filter(|c| truth.task() == Task::Binary && c.len() < RANKED_ROWS);
    let n_positive = codes.map(|codes| codes.iter().filter(|code| **code == 1).count());
    let of = |m: &&MetricEntry| n_positive.filter(|_| m.spec.name == "average_precision");
    metrics.iter().map(of).collect()
}

/// What a 95 % interval leaves out on each side.
pub(super) const ENDS: f64 = 0.025;

/// What to leave out where so few groups are drawn: resamples of few are as much too narrow as
/// their own variance is too small, and as a t-distribution is wider than a normal one (expanded
/// percentiles; Hesterberg, The American Statistician 69, 2015, section 5.3).
fn expanded(n_groups: usize) -> f64 {
    let degrees = (n_groups.max(2) - 1) as f64;
    normal_cdf(-student_quantile(1.0 - ENDS, degrees) * narrow(n_groups))
}

/// How much too narrow resamples of so many are, because their variance has `n` below, not `n − 1`.
fn narrow(n: usize) -> f64 {
    let n = n.max(2) as f64;
    (n / (n - 1.0)).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metric::metric;

    #[test]
    fn less_is_left_out_of_few_and_hardly_less_of_many() {
        let (few, many) = (ends(Some(5), None), ends(Some(5000), None));
        assert!(few[0] < 0.005 && (many[0] - ENDS).abs() < 1e-4, "{few:?} {many:?}");
        let [below, above] = ends(None, Some(12));
        assert!(below < above && above < ENDS, "{below} {above}");
        assert_eq!(ends(None, None), [ENDS; 2]);
    }

    #[test]
    fn positive_rows_are_few_in_short_tables_of_two_classes() {
        let names = ["average_precision", "roc_auc"].map(|name| metric(name).unwrap());
        let of = |n_rows: usize, n_classes: usize| {
            let codes = (0..n_rows).map(|row| u32::from(row % 4 == 0)).collect();
            few_positive(&names, &Target::Class { codes, n_classes })
        };
        assert_eq!(of(40, 2), [Some(10), None]);
        assert_eq!(of(400, 2), [None, None]);
        assert_eq!(of(40, 3), [None, None]);
        assert_eq!(few_positive(&names, &Target::Real(vec![1.0; 9])), [None, None]);
    }
}
