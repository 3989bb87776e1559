//! A predictor of one of the offers of a fit.

use modelwright_core::record::{CostRecord, Evaluation, Member, MetricValue, Picked, RunRecord};
use modelwright_core::{Error, Result};

use crate::predictor::Predictor;
use crate::shapes;

/// The predictor that an offer is, with a record that says so.
///
/// Scores in the new record are the offer's own. What belongs to the delivered combination as a
/// whole is left out: its intervals, importances and explanations, what strains do to it, and all
/// of its evaluation but the optimised metric.
///
/// # Errors
/// Input error when there is no such offer, the model is a picked one itself, or it decides by
/// thresholds of groups, which hold for the delivered combination alone.
pub fn pick(
    mut predictor: Predictor,
    mut record: RunRecord,
    picked: Picked,
) -> Result<(Predictor, RunRecord)> {
    if record.picked.is_some() {
        return Err(Error::input("the model was picked itself, from a larger one")
            .hint("pick from the folder that `modelwright fit` wrote"));
    }
    let is_delivered = picked.offer == 0;
    if !is_delivered && predictor.group_thresholds().is_some() {
        return Err(Error::input("the thresholds of groups hold for the delivered model alone")
            .expected("offer 1")
            .got((picked.offer + 1).to_string())
            .hint("fit with --fair and --preset quick to get a smaller model that keeps them"));
    }
    let (Some(offered), Some(offer)) =
        (predictor.offers.get(picked.offer).cloned(), record.offers.get(picked.offer).cloned())
    else {
        return Err(Error::input("there is no such offer")
            .expected(match record.offers.len() {
                0 => "a model whose fit listed offers".to_owned(),
                n => format!("a number from 1 to {n}"),
            })
            .got((picked.offer + 1).to_string()));
    };
    predictor.keep(&offered, is_delivered);
    if picked.one_model_each {
        for member in &mut predictor.members {
            member.models.truncate(1);
        }
    }
    let students = std::mem::take(&mut record.ensemble.students);
    let members: Vec<Member> =
        std::mem::take(&mut record.ensemble.members).into_iter().chain(students).collect();
    record.ensemble.members = kept(&members, &offered.members, &predictor);
    if !is_delivered {
        record.ensemble.score = offer.score;
        record.ensemble.corrected_score = None;
        record.ensemble.corrected_ci95 = None;
        record.threshold = offered.threshold;
        record.calibration = None;
        record.second_level = None;
        record.intervals = None;
        record.costs =
            record.costs.map(|whole| CostRecord { costs: whole.costs, ..Default::default() });
        record.importances.clear();
        record.explanation = None;
        record.robustness = None;
        record.familiarity = None;
        record.fairness = None;
        record.slices = None;
        record.evaluation =
            record.evaluation.zip(offer.holdout).map(|(whole, own)| only(whole, own));
    }
    record.shapes = shapes::recorded(&predictor);
    if let (Some(costs), Some(cost)) = (&mut record.feature_costs, offer.feature_cost) {
        costs.of_model = cost;
    }
    record.picked = Some(picked);
    Ok((predictor, record))
}

/// The evaluation of the delivered model with the one metric that was measured of an offer.
fn only(whole: Evaluation, own: MetricValue) -> Evaluation {
    Evaluation {
        on: whole.on,
        n_rows: whole.n_rows,
        interval_method: whole.interval_method,
        metrics: vec![own],
        baseline: whole.baseline.into_iter().take(1).collect(),
        baseline_is: whole.baseline_is,
        learned_from: whole.learned_from,
        ..Evaluation::default()
    }
}

/// The record's members as the picked predictor has them.
fn kept(members: &[Member], offered: &[(u32, f64)], predictor: &Predictor) -> Vec<Member> {
    let pairs = offered.iter().zip(&predictor.members);
    pairs
        .filter_map(|((i, weight), now)| {
            let member = members.get(*i as usize)?;
            Some(Member { weight: *weight, n_models: now.models.len(), ..member.clone() })
        })
        .collect()
}
