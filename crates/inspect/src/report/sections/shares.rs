//! How sure the shares of a confusion matrix are: by Wilson's interval of the counts, or, where
//! rows belong together in groups, by what the groups show.

use modelwright_core::record::{ConfusionMatrix, Interval, ShareIntervals};

use super::wilson;

/// The 95 % interval of all rows that are right.
pub(super) fn accuracy(matrix: &ConfusionMatrix, n_right: u64, n: u64) -> Option<Interval> {
    interval(matrix, |groups| groups.accuracy, (n_right, n))
}

/// That of the rows of a class that are found.
pub(super) fn recall(
    matrix: &ConfusionMatrix,
    class: usize,
    n_right: u64,
    n: u64,
) -> Option<Interval> {
    interval(matrix, |groups| groups.recall.get(class).copied().flatten(), (n_right, n))
}

/// That of the rows that are said to be of a class and are.
pub(super) fn precision(
    matrix: &ConfusionMatrix,
    class: usize,
    n_right: u64,
    n: u64,
) -> Option<Interval> {
    interval(matrix, |groups| groups.precision.get(class).copied().flatten(), (n_right, n))
}

fn interval(
    matrix: &ConfusionMatrix,
    of_groups: impl Fn(&ShareIntervals) -> Option<Interval>,
    (n_right, n): (u64, u64),
) -> Option<Interval> {
    match &matrix.of_groups {
        Some(found) => of_groups(found),
        None => wilson::interval(n_right, n),
    }
}

/// What the intervals are, in words.
pub(super) fn method(matrix: &ConfusionMatrix) -> &'static str {
    match matrix.of_groups {
        Some(_) => "95 % intervals of whole groups, whose rows belong together",
        None => "95 % Wilson intervals",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_groups_show_comes_before_what_counts_show() {
        let mut matrix = ConfusionMatrix {
            classes: vec!["a".into(), "b".into()],
            counts: vec![vec![8, 2], vec![0, 10]],
            of_groups: None,
        };
        assert_eq!(recall(&matrix, 0, 8, 10), wilson::interval(8, 10));
        assert_eq!(method(&matrix), "95 % Wilson intervals");
        let wide = Interval { low: 0.2, high: 0.99 };
        matrix.of_groups = Some(ShareIntervals {
            accuracy: Some(wide),
            recall: vec![Some(wide)],
            precision: vec![],
        });
        assert_eq!(accuracy(&matrix, 18, 20), Some(wide));
        assert_eq!(recall(&matrix, 0, 8, 10), Some(wide));
        assert_eq!(precision(&matrix, 0, 8, 8), None, "nothing is known of it");
        assert!(method(&matrix).contains("groups"));
    }
}
