//! Where the model is weak, in words for the first screen: groups of rows that it is worse for,
//! and strains on the inputs that take its lead away.
//!
//! Nearly every model has rows that are harder than others; that alone is no reason for care. It
//! becomes one where the model is no better than always giving the same answer, or errs at least
//! [`TWICE`] as much as over all rows; and where everyday wear takes [`HALF`] of its lead.

use modelwright_core::record::{
    COST_OF_A_DECISION, RobustnessRecord, RunRecord, Strain, StrainKind, WeakSlice,
};

use super::headline::Headline;
use super::slices::{conditions, loss_text};
use crate::report::{number, words};

/// From so many times the mean loss on, a group is a reason for care.
const TWICE: f64 = 2.0;

/// From this share of the lead over the constant answer on, everyday wear is a reason for care.
const HALF: f64 = 0.5;

/// From this share of the lead on, a strain is worth a word on the first screen.
const TENTH: f64 = 0.1;

/// Reasons for care: the worst group, and the worst everyday strain, where they are bad enough.
pub(super) fn cares(record: &RunRecord, headline: &Headline<'_>) -> Vec<String> {
    let mut cares = Vec::new();
    if let Some((slice, true)) = hopeless(record) {
        cares.push(format!(
            "Where {}, it is no better than always giving the same answer ({}).",
            conditions(slice),
            number::rows(slice.n_rows)
        ));
    } else if let Some(worst) = worst(record).filter(|(_, factor)| *factor >= TWICE) {
        cares.push(group_sentence(record, worst.0));
    }
    let wear = strains(record, StrainKind::Wear).and_then(|(robust, strain)| {
        let lost = lead_lost(robust, strain, headline)?;
        (lost >= HALF).then(|| wear_sentence(strain, lost))
    });
    cares.extend(wear);
    cares
}

/// What could go wrong, where it is not already a reason for care.
pub(super) fn risks(record: &RunRecord, headline: &Headline<'_>) -> Vec<String> {
    let cares = cares(record, headline);
    let mut risks = Vec::new();
    if let Some((slice, _)) = worst(record) {
        risks.push(group_sentence(record, slice));
    }
    for kind in [StrainKind::Wear, StrainKind::Unit] {
        let Some((robust, strain)) = strains(record, kind) else { continue };
        let Some(lost) = lead_lost(robust, strain, headline).filter(|l| *l >= TENTH) else {
            continue;
        };
        risks.push(wear_sentence(strain, lost));
    }
    risks.retain(|risk| !cares.contains(risk));
    risks
}

/// The confirmed group in which the model does not beat the constant answer, if it does over all
/// rows: where it does not even there, its decisions aim at something else than few errors.
fn hopeless(record: &RunRecord) -> Option<(&WeakSlice, bool)> {
    let slices = record.slices.as_ref()?;
    let helps = slices.constant_loss.is_some_and(|constant| slices.mean_loss < constant);
    let is_hopeless = |s: &&WeakSlice| s.constant_loss.is_some_and(|c| s.mean_loss >= c);
    slices.weak.iter().find(is_hopeless).map(|slice| (slice, helps))
}

/// The confirmed group with the highest loss, and how many times the mean that is.
fn worst(record: &RunRecord) -> Option<(&WeakSlice, f64)> {
    let slices = record.slices.as_ref()?;
    let worst = slices.weak.iter().max_by(|a, b| a.mean_loss.total_cmp(&b.mean_loss))?;
    let factor = worst.mean_loss / slices.mean_loss;
    factor.is_finite().then_some((worst, factor))
}

/// `Where …, it decides 25 of 100 rows wrongly, against 12 over all rows.`
fn group_sentence(record: &RunRecord, slice: &WeakSlice) -> String {
    let slices = record.slices.as_ref();
    let (loss, mean) = slices.map_or(("error rate", 0.0), |s| (s.loss.as_str(), s.mean_loss));
    let is_rate = loss == "error rate";
    let place = conditions(slice);
    let rows = number::rows(slice.n_rows);
    if is_rate {
        let of_hundred = |share: f64| number::fixed(share * 100.0, 0);
        format!(
            "Where {place}, it decides {} of 100 rows wrongly, against {} over all rows ({rows}).",
            of_hundred(slice.mean_loss),
            of_hundred(mean)
        )
    } else if loss == COST_OF_A_DECISION {
        format!(
            "Where {place}, a decision costs {} on average, against {} over all rows ({rows}).",
            loss_text(is_rate, slice.mean_loss),
            loss_text(is_rate, mean)
        )
    } else {
        format!(
            "Where {place}, it is off by {} on average, against {} over all rows ({rows}).",
            loss_text(is_rate, slice.mean_loss),
            loss_text(is_rate, mean)
        )
    }
}

/// The worst strain of a kind.
fn strains(record: &RunRecord, kind: StrainKind) -> Option<(&RobustnessRecord, &Strain)> {
    let robust = record.robustness.as_ref()?;
    let of_kind = robust.strains.iter().filter(|s| s.kind == kind && s.loss.is_finite());
    of_kind.max_by(|a, b| a.loss.total_cmp(&b.loss)).map(|strain| (robust, strain))
}

/// The share of the lead over the constant answer that a strain takes; `None` without a lead that
/// is shown.
fn lead_lost(robust: &RobustnessRecord, strain: &Strain, headline: &Headline<'_>) -> Option<f64> {
    let is_judged = headline.holdout.is_some();
    let (before, baseline) = (robust.before?, headline.baseline?);
    if is_judged && !headline.is_shown {
        return None;
    }
    let lead = if headline.larger_is_better { before - baseline } else { baseline - before };
    (lead > 0.0).then(|| strain.loss / lead)
}

/// `If …, it loses 31 % of its lead over always giving the same answer.`
fn wear_sentence(strain: &Strain, lost: f64) -> String {
    let what = words::sentence(&strain.what);
    if lost >= 1.0 {
        return format!("If {what}, it is no better than always giving the same answer.");
    }
    format!(
        "If {what}, it loses {} % of its lead over always giving the same answer.",
        number::fixed(lost * 100.0, 0)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::canonical;

    fn binary() -> RunRecord {
        let all = canonical::all();
        all.into_iter().map(|(_, r)| r).find(|r| r.slices.is_some()).expect("one has slices")
    }

    fn of(record: &RunRecord) -> (Vec<String>, Vec<String>) {
        let headline = Headline::of(record);
        (cares(record, &headline), risks(record, &headline))
    }

    #[test]
    fn a_group_that_is_twice_as_hard_is_a_reason_for_care_and_a_milder_one_only_a_risk() {
        let mut record = binary();
        record.robustness = None;
        let (cares, risks) = of(&record);
        assert_eq!(cares.len(), 1, "{cares:?}");
        assert!(cares[0].contains("28 of 100 rows wrongly, against 13 over all"), "{cares:?}");
        assert!(risks.is_empty(), "said once: {risks:?}");
        let slices = record.slices.as_mut().expect("it has slices");
        slices.weak[0].mean_loss = 0.2;
        let (cares, risks) = of(&record);
        assert!(cares.is_empty() && risks.len() == 1, "{cares:?} {risks:?}");
    }

    #[test]
    fn a_group_in_which_it_does_not_beat_the_constant_answer_is_named() {
        let mut record = binary();
        record.robustness = None;
        let slices = record.slices.as_mut().expect("it has slices");
        slices.weak[0].constant_loss = Some(0.25);
        let (cares, _) = of(&record);
        assert!(cares[0].contains("no better than always giving the same answer"), "{cares:?}");
        // Decisions that err more often than the constant over all rows aim at something else.
        record.slices.as_mut().expect("it has slices").constant_loss = Some(0.1);
        assert!(!of(&record).0[0].contains("no better"));
    }

    #[test]
    fn wear_that_takes_half_of_the_lead_is_a_reason_for_care_and_a_unit_error_a_risk() {
        let mut record = binary();
        record.slices = None;
        let strain =
            |what: &str, loss, kind| Strain { what: what.into(), loss, kind, ..Strain::default() };
        record.robustness = Some(RobustnessRecord {
            before: Some(0.9),
            strains: vec![
                strain("10 % of all values are lost", 0.3, StrainKind::Wear),
                strain("`age` comes in another unit", 0.5, StrainKind::Unit),
            ],
            ..RobustnessRecord::default()
        });
        let (cares, risks) = of(&record);
        assert!(cares[0].starts_with("If 10 % of all values are lost, it loses 75 %"), "{cares:?}");
        assert_eq!(
            risks,
            ["If “age” comes in another unit, it is no better than always giving the same answer."]
        );
    }
}
