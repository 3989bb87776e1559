//! A neural net for tables: periodic embeddings of numbers, a trunk of a few layers, and an
//! ensemble of members that share its weights.
//!
//! | file | does |
//! |---|---|
//! | `params` | the parameters and what "automatic" resolves to |
//! | `columns` | what each feature is: number, flag, category; how it is scaled |
//! | `shape` | sizes, and the net as tensors |
//! | `pass` | forward and backward, by hand, on `kernels::product` |
//! | `goal` | target, losses, link |
//! | `optimiser` | Adam and the schedules |
//! | `train` | batches, early stopping, the clock |
//! | `model` | what is stored, and prediction |
//!
//! The recipe is RealMLP's with tuned defaults: robust scaling with a smooth clip, PBLD embeddings
//! at a tenth of the rate, a learnable scale of each input, Mish, dropout and weight decay that
//! fade, a rate in cycles each twice as long as the one before, the best epoch kept. Members are
//! TabM's: each scales the inputs in its own way and has its own biases and head.
//!
//! Cost of a step: three products of `batch × inputs × outputs` for each layer and member.
//! Good where targets are smooth in many features, or classes are combinations; weak on tables of
//! a few hundred rows and where thresholds of single features decide: trees are better there.
//!
//! References: Holzmüller, Grinsztajn & Steinwart, "Better by Default", NeurIPS 2024; Gorishniy,
//! Kotelnikov & Babenko, "TabM", ICLR 2025; Wen, Tran & Ba, "BatchEnsemble", ICLR 2020.

mod columns;
mod goal;
mod model;
mod optimiser;
mod params;
mod pass;
mod shape;
#[cfg(test)]
mod tests;
mod train;

use modelwright_core::data::{FeatureView, TrainView};
use modelwright_core::params::Checked;
use modelwright_core::task::Task;
use modelwright_core::{Context, Result};

pub use self::columns::{Column, Role};
pub use self::model::{NetView, NeuralNetModel, OutputView};
pub use self::params::NeuralNetParams;

use self::goal::Link;
use self::model::Body;
use self::shape::{Net, Shape};
use self::train::Material;
use crate::course::Course;
use crate::learner::{Abilities, Learner, LearnerSpec, Model};

/// The most validation rows that judge an epoch: every k-th, where there are more.
const JUDGES_MAX: usize = 32_768;

/// The neural net.
#[derive(Debug)]
pub struct NeuralNet;

impl Learner for NeuralNet {
    const SPEC: &'static LearnerSpec = &LearnerSpec {
        name: "neural_net",
        title: "Neural net",
        text: "A small net with periodic embeddings of numbers, made for tables.",
        reference: "Holzmüller, Grinsztajn & Steinwart, Better by Default, NeurIPS 2024; \
                    Gorishniy, Kotelnikov & Babenko, TabM, ICLR 2025",
        tasks: &Task::ALL,
        abilities: Abilities {
            weights: true,
            missing: true,
            bins: false,
            sparse: false,
            early_stopping: true,
            out_of_bag: false,
        },
        rounds_param: Some("n_epochs"),
    };
    type Params = NeuralNetParams;
    type Model = NeuralNetModel;

    fn fit(
        train: &TrainView<'_>,
        params: &Checked<NeuralNetParams>,
        ctx: &Context,
    ) -> Result<NeuralNetModel> {
        learn(train, params, None, ctx)
    }

    fn fit_observed(
        train: &TrainView<'_>,
        params: &Checked<NeuralNetParams>,
        ctx: &Context,
    ) -> Option<Result<(NeuralNetModel, Course)>> {
        let n_judges = train.validation.len();
        // Rows without weight do not judge, and are predicted like the others.
        let are_all_asked = (1..=JUDGES_MAX).contains(&n_judges)
            && train.validation.iter().any(|row| train.weight(*row) > 0.0);
        if !are_all_asked || !Course::may_keep(n_judges, train.target.n_outputs(), params.n_epochs)
        {
            return None;
        }
        Some(observe(train, params, ctx))
    }
}

/// Learns, and writes down how each epoch predicts the validation rows.
fn observe(
    train: &TrainView<'_>,
    params: &NeuralNetParams,
    ctx: &Context,
) -> Result<(NeuralNetModel, Course)> {
    let mut course = Course::default();
    let model = learn(train, params, Some(&mut course), ctx)?;
    // There is no net before the first epoch.
    let start = NeuralNetModel { body: None, epochs: 0, ..model.clone() };
    let said = start.predict(&FeatureView::of(train.features, train.validation), ctx)?;
    course.losses.insert(0, f64::INFINITY);
    course.predictions.insert(0, said);
    Ok((model, course))
}

fn learn(
    train: &TrainView<'_>,
    params: &NeuralNetParams,
    course: Option<&mut Course>,
    ctx: &Context,
) -> Result<NeuralNetModel> {
    let with_weight = |rows: &[u32]| -> Vec<u32> {
        rows.iter().copied().filter(|r| train.weight(*r) > 0.0).collect()
    };
    let rows = with_weight(train.rows);
    let link = Link::learn(train, &rows)?;
    let constant = |link, epochs| NeuralNetModel {
        n_features: train.features.n_features() as u32,
        link,
        epochs,
        body: None,
    };
    if link.is_constant() {
        return Ok(constant(link, 1));
    }
    if !ctx.proceed() {
        return Ok(constant(link, 0));
    }
    let columns = columns::learn(train, &rows);
    let (numbers, flags, tables) = columns::count(&columns);
    let hidden = vec![params.units(rows.len()); params.hidden_layers];
    let outputs = link.n_outputs();
    let shape = Shape { numbers, flags, tables, hidden, members: params.members, outputs };
    // Without a feature that varies there is nothing to learn from.
    if !shape.is_sound() {
        return Ok(constant(link, 1));
    }
    let convert = |rows: &[u32]| {
        columns::convert(&columns, &shape, train.features, rows.len(), |i| rows[i] as usize)
    };
    let inputs = convert(&rows);
    let judging = with_weight(train.validation);
    let step = judging.len().div_ceil(JUDGES_MAX).max(1);
    let judging: Vec<u32> = judging.into_iter().step_by(step).collect();
    let judges = (!judging.is_empty()).then(|| (convert(&judging), link.goal(train, &judging)));
    let is_observed = course.is_some() && judging.len() < train.validation.len();
    let observed = is_observed.then(|| convert(train.validation));
    let goal = link.goal(train, &rows);
    let material = Material { link: &link, goal, judges, observed, inputs };
    let seen = columns::seen(&shape, &material.inputs);
    let mut random = ctx.random("neural_net/start", 0);
    let mut net = Net::random(shape, &seen, &link.start, &mut random);
    let epochs = train::train(&mut net, &material, params, course, ctx) as u32;
    if epochs == 0 {
        return Ok(constant(link, 0));
    }
    let n_features = train.features.n_features() as u32;
    Ok(NeuralNetModel { n_features, link, epochs, body: Some(Body::new(columns, &net)) })
}
