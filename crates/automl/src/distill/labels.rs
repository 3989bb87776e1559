//! What students learn: for each row half the truth, half what the teacher of the fold says.

use modelwright_core::data::{FeatureView, Fold, Table};
use modelwright_core::task::{Predictions, Target};
use modelwright_core::{Context, Result};

use super::{Class, teaches};
use crate::ensemble;
use crate::predictor::Predictor;
use crate::refit::Chosen;
use crate::search::Found;
use crate::trial::Trial;

/// The teacher's part of a label. Without the truth, the student of an ensemble that errs learns
/// its errors; without the teacher, it learns the noise of the truth.
const TEACHER: f64 = 0.5;

/// Bytes of a number of a label, and how often it is there beside once for each fold: for all rows,
/// as the truth, and while it is made.
const BYTES_PER_LABEL: u64 = 8;
const COPIES: u64 = 4;

/// Labels of all training rows, row-major with [`Target::n_outputs`] numbers each: probabilities
/// (of the second class, or of every class) or values.
pub(crate) struct Labels {
    /// As the student of each fold sees them: what the fold judges has its truth.
    pub folds: Vec<Vec<f64>>,
    /// As the student of all rows sees them, by the teachers of all folds.
    pub whole: Vec<f64>,
}

impl Labels {
    /// The labels by the ensemble that `class.weights` make of the trials; the reason where there
    /// are none.
    pub(super) fn of(
        class: &Class<'_>,
        found: &Found,
        ctx: &Context,
    ) -> std::result::Result<Self, String> {
        let members = found.usable().map(|(_, t)| t).zip(class.weights.iter().copied());
        let teachers: Vec<(&Trial, f64)> =
            members.filter(|(t, weight)| *weight > 0.0 && teaches(t)).collect();
        if teachers.is_empty() {
            return Err("no member of the ensemble has models of folds that could teach".into());
        }
        let ground = class.ground;
        if !has_room(ground.target, ground.folds.len(), ctx) {
            return Err("the memory limit did not allow it".into());
        }
        let truth = truth_of(ground.target);
        let n_outputs = ground.target.n_outputs();
        let mut whole = vec![0.0; truth.len()];
        let mut folds = Vec::with_capacity(ground.folds.len());
        for (k, fold) in ground.folds.iter().enumerate() {
            if !ctx.scope(&format!("teacher-{k}")).proceed() {
                return Err("the budget did not allow it".into());
            }
            let said = said_in_fold(&teachers, k, found, ctx).map_err(|e| e.to_string())?;
            let mixed = mixed(&said.values, &truth);
            for (sum, own) in whole.iter_mut().zip(&mixed) {
                *sum += own / ground.folds.len() as f64;
            }
            folds.push(with_truth_where_judged(mixed, &truth, fold, n_outputs));
        }
        Ok(Self { folds, whole })
    }
}

/// Gives students the labels of rows that were held out, behind those of the training rows: the
/// tested members, which have not seen these rows, teach them. `truth` is that of the held-out
/// rows.
///
/// # Errors
/// As [`Predictor::predict`].
pub(crate) fn learn_held_out(
    members: &mut [Chosen],
    predictor: &Predictor,
    held_out: &Table,
    truth: &Target,
    ctx: &Context,
) -> Result<()> {
    if members.iter().all(|m| m.labels.is_none()) {
        return Ok(());
    }
    let said = predictor.predict_members(held_out, ctx)?;
    let of_teachers = |m: &Chosen| if m.teaches { m.weight } else { 0.0 };
    let total: f64 = members.iter().map(of_teachers).sum();
    let parts: Vec<(&Predictions, f64)> =
        said.iter().zip(members.iter().map(|m| of_teachers(m) / total)).collect();
    let labels = mixed(&ensemble::combine(&parts).values, &truth_of(truth));
    for student in members.iter_mut().filter_map(|m| m.labels.as_mut()) {
        student.extend(&labels);
    }
    Ok(())
}

/// What the ensemble of fold `k` says of all rows.
fn said_in_fold(
    teachers: &[(&Trial, f64)],
    k: usize,
    found: &Found,
    ctx: &Context,
) -> Result<Predictions> {
    let total: f64 = teachers.iter().map(|(_, weight)| weight).sum();
    let mut said = Vec::with_capacity(teachers.len());
    for (trial, _) in teachers {
        let features = &found.prepared[&trial.planned.features()].folds[k];
        said.push(trial.models[k].model.predict(&FeatureView::all(features), ctx)?);
    }
    let weights = teachers.iter().map(|(_, weight)| weight / total);
    Ok(ensemble::combine(&said.iter().zip(weights).collect::<Vec<_>>()))
}

fn mixed(said: &[f64], truth: &[f64]) -> Vec<f64> {
    said.iter().zip(truth).map(|(s, t)| TEACHER * s + (1.0 - TEACHER) * t).collect()
}

/// Puts the truth in place of the labels that decide when a student has learned enough.
fn with_truth_where_judged(
    mut labels: Vec<f64>,
    truth: &[f64],
    fold: &Fold,
    n_outputs: usize,
) -> Vec<f64> {
    for row in &fold.validation {
        let at = *row as usize * n_outputs..(*row as usize + 1) * n_outputs;
        labels[at.clone()].copy_from_slice(&truth[at]);
    }
    labels
}

/// The truth in the shape of labels.
fn truth_of(target: &Target) -> Vec<f64> {
    match target {
        Target::Real(values) => values.clone(),
        Target::Class { codes, n_classes: 2 } => codes.iter().map(|c| f64::from(*c)).collect(),
        Target::Class { codes, n_classes } => {
            let mut labels = vec![0.0; codes.len() * n_classes];
            for (row, code) in labels.chunks_exact_mut(*n_classes).zip(codes) {
                row[*code as usize] = 1.0;
            }
            labels
        }
    }
}

/// Whether memory allows the labels of so many folds.
fn has_room(target: &Target, n_folds: usize, ctx: &Context) -> bool {
    let labels = (target.n_rows() * target.n_outputs()) as u64;
    let bytes = labels * (n_folds as u64 + COPIES) * BYTES_PER_LABEL;
    ctx.decide("room", || u64::from(ctx.memory_left_bytes().is_none_or(|left| left > bytes))) == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_is_half_the_truth_and_the_truth_where_the_fold_judges() {
        let target = Target::Class { codes: vec![0, 2, 1], n_classes: 3 };
        let truth = truth_of(&target);
        assert_eq!(truth, [1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 1.0, 0.0]);
        let said = [0.5, 0.25, 0.25, 0.2, 0.2, 0.6, 0.0, 1.0, 0.0];
        let mixed = mixed(&said, &truth);
        assert_eq!(mixed[..3], [0.75, 0.125, 0.125]);
        let fold = Fold { train: vec![0, 2], validation: vec![1] };
        let labels = with_truth_where_judged(mixed, &truth, &fold, 3);
        assert_eq!(labels[3..6], [0.0, 0.0, 1.0]);
        assert_eq!(labels[..3], [0.75, 0.125, 0.125]);
        assert_eq!(truth_of(&Target::Class { codes: vec![1, 0], n_classes: 2 }), [1.0, 0.0]);
    }
}
