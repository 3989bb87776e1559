//! Whether the fairness that was asked for is reached on untouched rows.
//!
//! What was asked for is one definition, with a limit. The audit measures the same definition with
//! its interval: the limit is kept when the whole interval is below it, broken when the whole
//! interval is above it, and else the rows are too few to tell.

use modelwright_core::record::{
    Disparity, GroupAudit, Interval, MetricValue, MitigationRecord, RunRecord,
};

use crate::report::{number, words};

/// What is wrong beyond rounding between two ways of computing a gap.
const ROUNDING: f64 = 1e-6;

/// The gap that was limited, measured.
struct Measured<'a> {
    made: &'a MitigationRecord,
    gap: f64,
    ci95: Option<Interval>,
    n_rows: usize,
}

/// The gap of the definition that was asked for; `None` where none was, or it was not measured.
fn measured(record: &RunRecord) -> Option<Measured<'_>> {
    let (made, fairness) = (record.mitigation.as_ref()?, record.fairness.as_ref()?);
    let audit = fairness.audits.iter().find(|a| a.columns == made.columns)?;
    let asked = asked(audit, made)?;
    Some(Measured { made, gap: asked.value?, ci95: asked.ci95, n_rows: fairness.n_rows })
}

/// The definition of an audit that a model was to keep.
fn asked<'a>(audit: &'a GroupAudit, made: &MitigationRecord) -> Option<&'a Disparity> {
    let name = format!("{}_difference", made.constraint);
    audit.definitions.iter().find(|d| d.name == name)
}

/// Whether an audit is of groups whose gap was limited.
pub(super) fn is_of_limited(record: &RunRecord, audit: &GroupAudit) -> bool {
    let made = record.mitigation.as_ref();
    made.is_some_and(|made| audit.columns.iter().all(|c| made.columns.contains(c)))
}

/// What came of it, for the first screen.
pub(super) fn sentence(record: &RunRecord) -> Option<String> {
    let found = measured(record)?;
    let (limit, rates) = (found.made.max_gap, in_words(record, found.made));
    let verdict = match found.ci95 {
        Some(ci) if ci.high <= limit => "kept",
        Some(ci) if ci.low > limit => "not kept, and not by chance",
        _ if found.gap <= limit => "kept on these rows, which are too few to promise it for others",
        _ => "not kept on these rows, which may be chance",
    };
    Some(format!(
        "Fairness was asked for: groups of {} were to differ by at most {} in {rates}. On {} they \
         differ by {}{}: {verdict}.{}",
        words::quoted_list(&found.made.columns),
        points(limit),
        number::untouched(found.n_rows),
        points(found.gap),
        interval(found.ci95),
        without(&found)
    ))
}

/// What the gap would be without the measures, where they did more harm than good.
fn without(found: &Measured<'_>) -> String {
    let before = found.made.held.as_ref().map(|(before, _)| before.gap);
    match before.filter(|before| *before < found.gap) {
        Some(before) => format!(
            " Decided alike for everybody, without measures, they would differ by {}.",
            points(before)
        ),
        None => String::new(),
    }
}

/// What to do where it is not shown that what was asked for is reached.
pub(super) fn step(record: &RunRecord) -> Option<String> {
    care(record)?;
    let found = measured(record)?;
    let did_harm = !without(&found).is_empty();
    Some(if did_harm {
        "Look at “Fair decisions”: here the measures did not help. Fit with more rows of each \
         group, or without “--fair”, and audit that model (“modelwright audit”) on new rows."
            .to_owned()
    } else {
        "Audit it on more rows of each group (“modelwright audit”); if the difference stays, fit \
         with a smaller “--max-gap”, or with “--mitigation auto”, which tries every way."
            .to_owned()
    })
}

/// The rates that a definition of fairness compares, in words that need no statistics.
fn in_words(record: &RunRecord, made: &MitigationRecord) -> String {
    let positive = record.task.classes.get(1).map_or("so".to_owned(), |c| words::quoted(c));
    match made.constraint.as_str() {
        "demographic_parity" => format!("the share that is decided {positive}"),
        "equal_opportunity" => {
            format!("the share of those who are {positive} that is decided {positive}")
        }
        _ => format!(
            "the shares that are decided {positive}, of those who are and of those who are not"
        ),
    }
}

/// That what was asked for is not shown to be reached, as a reason for care.
pub(super) fn care(record: &RunRecord) -> Option<String> {
    let found = measured(record)?;
    let (limit, rates) = (found.made.max_gap, in_words(record, found.made));
    match found.ci95 {
        Some(ci) if ci.high <= limit => None,
        Some(ci) if ci.low > limit => Some(format!(
            "Groups differ by more than the {} that were asked for in {rates}.",
            points(limit)
        )),
        _ => Some(format!(
            "It is not shown that groups differ by no more than the {} that were asked for in \
             {rates}.",
            points(limit)
        )),
    }
}

/// The interval of a gap on untouched rows, if it is of the one that the audit measured.
pub(super) fn interval_of(record: &RunRecord, gap: f64) -> String {
    let same = measured(record).filter(|found| (found.gap - gap).abs() < ROUNDING);
    same.map_or(String::new(), |found| interval(found.ci95))
}

/// The interval of the accuracy on untouched rows, if it is of this one.
pub(super) fn interval_of_accuracy(record: &RunRecord, accuracy: f64) -> String {
    let metrics = record.evaluation.iter().flat_map(|e| &e.metrics);
    let is_same = |m: &&MetricValue| {
        m.name == "accuracy" && m.value.is_some_and(|v| (v - accuracy).abs() < ROUNDING)
    };
    let found = metrics.into_iter().find(is_same).and_then(|m| m.ci95);
    found.map_or(String::new(), |ci| {
        format!(" (95 %: {} to {})", number::share(ci.low), number::share(ci.high))
    })
}

fn points(share: f64) -> String {
    format!("{} points", number::fixed(100.0 * share, 1))
}

fn interval(ci95: Option<Interval>) -> String {
    ci95.map_or(String::new(), |ci| {
        // A largest difference is none that could be negative.
        let end = |share: f64| number::fixed(100.0 * share.max(0.0), 1);
        format!(" (95 %: {} to {})", end(ci.low), end(ci.high))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::canonical;

    /// A record whose limited gap has this interval.
    fn record(value: f64, low: f64, high: f64) -> RunRecord {
        let mut record = canonical::binary();
        let audits = &mut record.fairness.as_mut().expect("it is audited").audits;
        let asked = |d: &&mut Disparity| d.name == "equal_opportunity_difference";
        let found = audits[0].definitions.iter_mut().find(asked).expect("it is measured");
        (found.value, found.ci95) = (Some(value), Some(Interval { low, high }));
        record
    }

    #[test]
    fn what_was_asked_for_is_kept_broken_or_not_shown() {
        let of = |value, low, high| {
            let record = record(value, low, high);
            (sentence(&record).expect("it was asked for"), care(&record))
        };
        let (kept, care) = of(0.028, 0.01, 0.045);
        assert!(
            kept.contains("at most 5.0 points") && kept.contains("by 2.8 points (95 %: 1.0 to")
        );
        assert!(kept.ends_with("4.5): kept.") && care.is_none(), "{kept}");
        let (broken, care) = of(0.1, 0.06, 0.14);
        assert!(broken.contains("not kept, and not by chance"), "{broken}");
        assert!(care.is_some_and(|c| c.contains("more than the 5.0 points")));
        let (unclear, care) = of(0.03, 0.0, 0.08);
        assert!(unclear.contains("too few to promise"), "{unclear}");
        assert!(care.is_some_and(|c| c.contains("not shown")));
        assert!(of(0.06, 0.0, 0.12).0.contains("may be chance"));
    }
}
