//! Rows by true and decided class.

use modelwright_core::record::{ConfusionMatrix, Interval, ShareIntervals};
use modelwright_core::task::{Predictions, Target};
use modelwright_core::{Error, Result};

use crate::conformal::share_held;
use crate::metric::check_pair;

/// Counts rows by true and decided class; binary targets decide at `threshold`.
///
/// # Errors
/// Input error for a regression target, predictions that do not fit, or labels that are not one
/// per class.
pub fn confusion_matrix(
    truth: &Target,
    predictions: &Predictions,
    threshold: f64,
    classes: &[String],
) -> Result<ConfusionMatrix> {
    check_pair(truth, predictions)?;
    let Target::Class { codes, n_classes } = truth else {
        return Err(
            Error::input("a confusion matrix needs a classification target").got("regression")
        );
    };
    let n_classes = (*n_classes).max(2);
    if classes.len() != n_classes {
        return Err(Error::input("there must be one label per class")
            .expected(format!("{n_classes} labels"))
            .got(format!("{} labels", classes.len())));
    }
    let mut counts = vec![vec![0; n_classes]; n_classes];
    for (truth, decided) in codes.iter().zip(predictions.classes(threshold)) {
        counts[*truth as usize][decided as usize] += 1;
    }
    Ok(ConfusionMatrix { classes: classes.to_vec(), counts, of_groups: None })
}

/// The 95 % intervals of the shares that the matrix shows where rows of a group belong together:
/// as many rows count as have the variance that the groups show. `None` where groups and rows do
/// not fit, or for a regression.
pub(crate) fn share_intervals(
    truth: &Target,
    predictions: &Predictions,
    threshold: f64,
    groups: &[u32],
) -> Option<ShareIntervals> {
    let Target::Class { codes, n_classes } = truth else { return None };
    let decided = predictions.classes(threshold);
    if groups.len() != codes.len() || decided.len() != codes.len() {
        return None;
    }
    let is_right: Vec<bool> = codes.iter().zip(&decided).map(|(a, b)| a == b).collect();
    let of = |rows: &[usize]| -> Option<Interval> {
        let right: Vec<bool> = rows.iter().map(|row| is_right[*row]).collect();
        let groups: Vec<u32> = rows.iter().map(|row| groups[*row]).collect();
        share_held(&right, None, Some(&groups)).map(|(_, ci95)| ci95)
    };
    let by_class = |classes: &[u32]| -> Vec<Option<Interval>> {
        let mut rows = vec![Vec::new(); (*n_classes).max(2)];
        classes.iter().enumerate().for_each(|(row, class)| rows[*class as usize].push(row));
        rows.iter().map(|rows| of(rows)).collect()
    };
    let all: Vec<usize> = (0..codes.len()).collect();
    Some(ShareIntervals {
        accuracy: of(&all),
        recall: by_class(codes),
        precision: by_class(&decided),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::curve::wilson;

    #[test]
    fn rows_of_a_group_are_one_witness_where_they_are_right_together() {
        // 20 groups of 10 rows: all rows of a group are right, or none is.
        let n = 200;
        let codes: Vec<u32> = (0..n).map(|row| row % 2).collect();
        let groups: Vec<u32> = (0..n).map(|row| row / 10).collect();
        let is_right = |group: u32| !group.is_multiple_of(4);
        let said = |row: usize| {
            let class = if is_right(groups[row]) { codes[row] } else { 1 - codes[row] };
            f64::from(class)
        };
        let predictions = Predictions::new(1, (0..n as usize).map(said).collect());
        let truth = Target::Class { codes, n_classes: 2 };
        let found = share_intervals(&truth, &predictions, 0.5, &groups).unwrap();
        let width = |ci: Interval| ci.high - ci.low;
        let (of_rows, of_groups) = (wilson(0.75, 200.0), wilson(0.75, 20.0));
        let accuracy = found.accuracy.unwrap();
        assert!(width(accuracy) > 0.95 * width(of_groups), "{accuracy:?}");
        assert!(width(accuracy) > 2.5 * width(of_rows));
        for ci in found.recall.iter().chain(&found.precision) {
            assert!(width(ci.unwrap()) > 1.5 * width(wilson(0.75, 100.0)), "{ci:?}");
        }
        // Where each row is a group of its own, it is as without groups.
        let own: Vec<u32> = (0..n).collect();
        let alone = share_intervals(&truth, &predictions, 0.5, &own).unwrap().accuracy.unwrap();
        assert!((width(alone) - width(of_rows)).abs() < 0.01, "{alone:?} {of_rows:?}");
        assert!(share_intervals(&truth, &predictions, 0.5, &own[1..]).is_none());
    }

    #[test]
    fn a_class_without_rows_has_no_interval() {
        let truth = Target::Class { codes: vec![0, 0, 1, 1], n_classes: 3 };
        let p = Predictions::new(3, [0.6, 0.3, 0.1].repeat(4));
        let found = share_intervals(&truth, &p, 0.5, &[0, 1, 2, 3]).unwrap();
        assert!(found.recall[2].is_none() && found.precision[1].is_none());
        assert!(found.recall[0].is_some() && found.precision[0].is_some());
    }
}
