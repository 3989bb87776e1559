//! A result that is too good to be true: nearly perfect, and nearly all of it from one column.
//!
//! Checks of the columns find many leaks and never all. What a reader who knows the table should be
//! asked, whatever they found, is whether that column is known when a prediction is wanted.

use modelwright_core::record::RunRecord;

use super::headline::Headline;
use super::next::share_of_first;
use crate::report::words;

/// This far from the baseline to perfect is nearly perfect.
const LEAD_MIN: f64 = 0.99;
/// A column with at least this share of all importances gives nearly all of a result.
const SHARE_MIN: f64 = 0.8;

/// The reason for care, where there is one.
pub(super) fn care(record: &RunRecord, headline: &Headline<'_>) -> Option<String> {
    let is_near_perfect = headline.lead().is_some_and(|lead| lead >= LEAD_MIN);
    // Hardly any rows show nothing, and be they all predicted right.
    let is_near_perfect = is_near_perfect && headline.hardly_any_rows().is_none();
    let is_of_one = share_of_first(record).is_some_and(|share| share >= SHARE_MIN);
    (is_near_perfect && is_of_one).then(|| {
        format!(
            "Too good to be true? It is nearly perfect, and nearly all of that comes from {}: make \
             sure that this column is known before the event that is predicted.",
            words::quoted(&record.importances[0].column)
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::canonical;

    #[test]
    fn a_nearly_perfect_result_of_one_column_is_a_reason_for_care() {
        let is_fit = |r: &RunRecord| r.task.metric == "roc_auc" && r.importances.len() > 1;
        let mut record =
            canonical::all().into_iter().map(|(_, r)| r).find(is_fit).expect("one is binary");
        let of = |record: &RunRecord| care(record, &Headline::of(record));
        assert_eq!(of(&record), None);
        let first = record.importances[0].column.clone();
        for (place, importance) in record.importances.iter_mut().enumerate() {
            importance.mean = if place == 0 { 0.4 } else { 0.001 };
        }
        assert_eq!(of(&record), None, "the result is as it was");
        let evaluation = record.evaluation.as_mut().expect("it was tested");
        evaluation.metrics.iter_mut().filter(|m| m.name == "roc_auc").for_each(|m| {
            m.value = Some(0.9999);
        });
        assert!(of(&record).is_some_and(|care| care.contains(&first)));
        record.evaluation.as_mut().expect("it was tested").n_rows = 3;
        assert_eq!(of(&record), None, "three rows are no perfect result");
    }
}
