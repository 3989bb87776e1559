//! A part of an ensemble that says nearly what all of it says, in a fraction of the time.
//!
//! Most of an ensemble's weight is often in a member that is small; and of the several models of
//! a member one says about what their mean does. Neither time nor rows decide what is taken, so
//! that a row is explained alike everywhere.

use std::any::Any;

use modelwright_core::data::{FeatureView, Table};
use modelwright_core::task::Predictions;
use modelwright_core::{Context, Result};
use modelwright_inspect::explain::RawPredictor;
use modelwright_learners::Fitted;
use modelwright_learners::baseline::BaselineModel;
use modelwright_learners::forest::ForestModel;
use modelwright_learners::gbdt::GbdtModel;
use modelwright_learners::linear::LinearModel;

use crate::predictor::Predictor;

/// Smaller ensembles are quick as they are (in trees, as all that follows).
const WORK_MIN: usize = 400;
/// The part takes at most this share of the work of all.
const WORK_SHARE: usize = 6;
/// And it has at least this share of the weight, or it says something else.
const WEIGHT_MIN: f64 = 0.25;
/// What a model of another kind takes: nearest neighbours, a neural net.
const WORK_OF_OTHERS: usize = 2000;
/// Leaves of a forest's tree that take as long as a booster's tree.
const LEAVES_PER_TREE: usize = 32;

/// See the module's text.
pub(super) struct Quick<'a> {
    predictor: &'a Predictor,
    /// Numbers of the members, of which the first model is taken, and their shares.
    members: Vec<(usize, f64)>,
}

impl<'a> Quick<'a> {
    /// The part; `None` where it would not pay, or would say something else.
    pub(super) fn of(predictor: &'a Predictor) -> Option<Self> {
        let active = predictor.active();
        let work = work_of(predictor);
        if work < WORK_MIN {
            return None;
        }
        let mut order: Vec<usize> = (0..active.len()).collect();
        order.sort_by(|a, b| active[*b].weight.total_cmp(&active[*a].weight));
        let mut left = work / WORK_SHARE;
        let mut members = Vec::new();
        for i in order {
            let own = self::work(&active[i].models[0]);
            if own <= left {
                left -= own;
                members.push((i, active[i].weight));
            }
        }
        let all: f64 = active.iter().map(|m| m.weight).sum();
        let weight: f64 = members.iter().map(|(_, weight)| weight).sum();
        for (_, share) in &mut members {
            *share /= weight;
        }
        (weight >= WEIGHT_MIN * all).then_some(Self { predictor, members })
    }
}

impl RawPredictor for Quick<'_> {
    fn predict(&self, table: &Table, ctx: &Context) -> Result<Predictions> {
        let mut mean = Predictions::zeros(table.n_rows(), self.predictor.n_outputs());
        let mut encoded = Vec::new();
        encoded.resize_with(self.predictor.encoders.len(), || None);
        for (i, share) in &self.members {
            let member = &self.predictor.active()[*i];
            let features = match &mut encoded[member.encoder] {
                Some(features) => features,
                none => none.insert(self.predictor.encoders[member.encoder].transform(table, ctx)?),
            };
            let own = member.models[0].model.predict(&FeatureView::all(features), ctx)?;
            mean.values.iter_mut().zip(&own.values).for_each(|(m, p)| *m += share * p);
        }
        self.predictor.calibrator.apply(&mut mean);
        Ok(mean)
    }
}

/// What a prediction takes, in trees of a booster.
pub(crate) fn work_of(predictor: &Predictor) -> usize {
    predictor.active().iter().flat_map(|m| &m.models).map(work).sum()
}

/// What a model's prediction takes, in trees of a booster.
fn work(fitted: &Fitted) -> usize {
    let model: &dyn Any = fitted.model.as_ref();
    if let Some(booster) = model.downcast_ref::<GbdtModel>() {
        return booster.trees().len();
    }
    if let Some(forest) = model.downcast_ref::<ForestModel>() {
        return forest.trees().iter().map(|tree| tree.n_leaves() / LEAVES_PER_TREE + 1).sum();
    }
    if model.is::<LinearModel>() || model.is::<BaselineModel>() {
        return 1;
    }
    WORK_OF_OTHERS
}
