//! A class that the model hardly ever finds, in words for the first screen: a good score over all
//! rows may hide it.

use modelwright_core::record::RunRecord;

use super::one_class;
use crate::report::{number, words};

/// Fewer tested rows of a class say too little about it.
const ROWS_MIN: u64 = 10;

/// From this share of its rows on, a class counts as found.
const FOUND_SHARE: f64 = 0.1;

/// The class of which least is found, quoted, with the rows found and all its rows; `None` where
/// each is found now and then, or one class alone was tested.
fn least(record: &RunRecord) -> Option<(String, u64, u64)> {
    let matrix = record.evaluation.as_ref()?.confusion.as_ref()?;
    if one_class::sentence(record).is_some() {
        return None;
    }
    let of_class = |(i, row): (usize, &Vec<u64>)| {
        let n: u64 = row.iter().sum();
        (i, row.get(i).copied().unwrap_or(0), n)
    };
    let is_missed = |(_, found, n): &(usize, u64, u64)| {
        *n >= ROWS_MIN && (*found as f64) < FOUND_SHARE * *n as f64
    };
    let share = |(_, found, n): &(usize, u64, u64)| *found as f64 / *n as f64;
    let missed = matrix.counts.iter().enumerate().map(of_class).filter(is_missed);
    let (class, found, n) = missed.min_by(|a, b| share(a).total_cmp(&share(b)))?;
    Some((words::quoted(matrix.classes.get(class)?), found, n))
}

/// That a class is hardly ever found, as a reason for care.
pub(super) fn care(record: &RunRecord) -> Option<String> {
    let (class, found, n) = least(record)?;
    let found = if found == 0 { "none".to_owned() } else { number::count(found as usize) };
    Some(format!(
        "Of {} that are {class} it finds {found}: the others decide the score.",
        number::rows(n as usize)
    ))
}

/// What to do about it.
pub(super) fn step(record: &RunRecord) -> Option<String> {
    let (class, ..) = least(record)?;
    Some(if record.costs.is_some() {
        format!(
            "Check that the costs of errors say what a missed {class} is worth, or collect more \
             such rows."
        )
    } else {
        format!(
            "If {class} matters, say what missing it costs (“--cost”) or choose a metric that \
             counts every class alike (“--metric balanced_accuracy”), or collect more such rows."
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::canonical;

    #[test]
    fn a_class_that_is_never_found_is_told_with_what_to_do() {
        let with = |row: Vec<u64>| {
            let mut record = canonical::binary();
            let evaluation = record.evaluation.as_mut().expect("it was tested");
            evaluation.confusion.as_mut().expect("it has classes").counts[1] = row;
            (care(&record), step(&record))
        };
        let (care, step) = with(vec![19, 0]);
        assert!(care.is_some_and(|c| c.starts_with("Of 19 rows that are “") && c.contains("none")));
        assert!(step.is_some());
        assert_eq!(with(vec![9, 0]), (None, None), "too few to say so");
        assert_eq!(with(vec![50, 50]), (None, None));
        assert!(with(vec![95, 5]).0.is_some_and(|c| c.contains("it finds 5")));
    }
}
