//! Gradients against finite differences, a golden forward pass, and what the whole learner learns.

use modelwright_core::context::{Decisions, Settings};
use modelwright_core::data::{FeatureColumn, FeatureMatrix, FeatureView};
use modelwright_core::params::Params;
use modelwright_core::random::Random;
use modelwright_core::task::Target;
use serde::Deserialize;

use super::columns::Inputs;
use super::pass::{Learning, Pass, place};
use super::shape::{LEVEL_WIDTH, NUMBER_WIDTH, Part};
use super::*;
use crate::learner::Model;

/// A net with every kind of part, whose parameters follow a formula.
fn small(hidden: usize) -> Net {
    let shape = Shape {
        numbers: 2,
        flags: 1,
        tables: vec![4],
        hidden: vec![32; hidden],
        members: 2,
        outputs: 3,
    };
    let rows: Vec<Vec<f32>> = (shape.parts())
        .map(|part| {
            let (copies, rows, columns) = shape.matrices(part);
            let value = |i: usize| 0.4 * (1.0 + part.index() as f64 + 0.7 * i as f64).sin();
            (0..copies * rows * columns).map(|i| value(i) as f32).collect()
        })
        .collect();
    Net::from_rows(shape, &rows).unwrap()
}

/// The pass of one row in double precision, by its definition: the head's numbers.
fn plainly(
    net: &[Vec<f64>],
    shape: &Shape,
    member: usize,
    values: &[f32],
    level: usize,
) -> Vec<f64> {
    let part = |p: Part| &net[p.index()];
    let mut x = Vec::new();
    for (f, value) in values[..shape.numbers].iter().enumerate() {
        let value = f64::from(*value);
        let p = &part(Part::Periodic)[f * 83..(f + 1) * 83];
        x.push(value);
        for o in 0..3 {
            let wave = |h: usize| (std::f64::consts::TAU * (p[h] * value + p[16 + h])).cos();
            x.push(p[80 + o] + (0..16).map(|h| p[32 + 16 * o + h] * wave(h)).sum::<f64>());
        }
    }
    x.extend(values[shape.numbers..].iter().map(|v| f64::from(*v)));
    x.extend(&part(Part::Levels)[level * LEVEL_WIDTH..(level + 1) * LEVEL_WIDTH]);
    let scales = &part(Part::Scales)[member * x.len()..];
    x.iter_mut().zip(scales).for_each(|(x, scale)| *x *= scale);
    for layer in 0..shape.n_layers() {
        let (inputs, outputs) = shape.layer(layer);
        let copy = if shape.copies(layer) > 1 { member } else { 0 };
        let weights = &part(Part::Weights(layer))[copy * inputs * outputs..];
        let biases = &part(Part::Biases(layer))[member * outputs..];
        let sum = |j: usize| {
            biases[j] + (0..inputs).map(|i| x[i] * weights[i * outputs + j]).sum::<f64>()
        };
        let sums: Vec<f64> = (0..outputs).map(sum).collect();
        let mish = |z: &f64| z * z.exp().ln_1p().tanh();
        x = if layer + 1 < shape.n_layers() { sums.iter().map(mish).collect() } else { sums };
    }
    x
}

fn in_f64(net: &Net) -> Vec<Vec<f64>> {
    net.to_rows().iter().map(|part| part.iter().map(|v| f64::from(*v)).collect()).collect()
}

fn some_inputs() -> Inputs {
    let values = (0..15).map(|i| (i as f32 * 1.3).sin() * 2.0).collect();
    Inputs { values, levels: vec![0, 3, 1, 1, 2], n_rows: 5 }
}

#[derive(Deserialize)]
struct Golden {
    values: Vec<f32>,
    levels: Vec<u32>,
    outputs: Vec<f32>,
}

#[test]
fn a_forward_pass_gives_what_numpy_gives() {
    let text = include_str!("../../../../testdata/learners/neural_net.toml");
    let golden: Golden = toml::from_str(text).unwrap();
    let net = small(1);
    let inputs = Inputs { values: golden.values, levels: golden.levels, n_rows: 3 };
    let mut pass = Pass::new(&net.shape, 3);
    pass.embed(&net, &inputs, &[0, 1, 2]);
    for (member, want) in golden.outputs.chunks_exact(9).enumerate() {
        pass.forward(&net, member, 3);
        for (at, want) in want.iter().enumerate() {
            let got = pass.out[place(3, at / 3, at % 3)];
            assert!((got - want).abs() < 2e-5, "member {member}, {at}: {got} {want}");
        }
    }
}

#[test]
fn the_gradient_of_every_layer_is_that_of_finite_differences() {
    let (net, inputs, rows) = (small(2), some_inputs(), [4, 0, 3, 1, 2]);
    let shape = net.shape.clone();
    // A loss whose gradient by the head's numbers is known: their sum with these factors.
    let factor = |i: usize, k: usize| (1.0 + i as f64 * 0.9 + k as f64 * 1.7).sin();
    for member in 0..2 {
        let mut learning = Learning::new(&shape, 5, member);
        learning.forward(&net, &inputs, &rows, 0.0, 1);
        let mut got = net.clone();
        for (i, k) in (0..5).flat_map(|i| (0..3).map(move |k| (i, k))) {
            learning.pass.out[place(5, i, k)] = factor(i, k) as f32;
        }
        let turned = optimiser::Optimiser::new(&net).turned;
        learning.backward(&net, &inputs, &rows, &turned);
        got.tensors = learning.gradients;
        let loss = |parameters: &[Vec<f64>]| -> f64 {
            let of_row = |(i, row): (usize, &u32)| {
                let values = &inputs.values[*row as usize * 3..][..3];
                let level = inputs.levels[*row as usize] as usize;
                let out = plainly(parameters, &shape, member, values, level);
                out.iter().enumerate().map(|(k, out)| factor(i, k) * out).sum::<f64>()
            };
            rows.iter().enumerate().map(of_row).sum()
        };
        let (mut parameters, got) = (in_f64(&net), in_f64(&got));
        for part in shape.parts() {
            let n = parameters[part.index()].len();
            for at in (0..n).step_by(1 + n / 60) {
                let middle = parameters[part.index()][at];
                let mut moved = |by: f64| {
                    parameters[part.index()][at] = middle + by;
                    loss(&parameters)
                };
                let want = (moved(1e-5) - moved(-1e-5)) / 2e-5;
                parameters[part.index()][at] = middle;
                let got = got[part.index()][at];
                let near = (got - want).abs() < 1e-3 * (1.0 + want.abs());
                assert!(near, "{part:?} {at} of member {member}: {got} {want}");
            }
        }
    }
}

#[test]
fn the_loss_gradient_is_the_slope_of_the_loss() {
    let features = FeatureMatrix::new(3, vec![]);
    let targets = [
        Target::Real(vec![1.0, 4.0, -2.0]),
        Target::Class { codes: vec![0, 1, 1], n_classes: 2 },
        Target::Class { codes: vec![2, 0, 1], n_classes: 3 },
    ];
    for target in &targets {
        let weights = [1.0, 0.5, 2.0];
        let train = TrainView {
            features: &features,
            target,
            weights: Some(&weights),
            rows: &[0, 1, 2],
            validation: &[],
        };
        let link = Link::learn(&train, &[0, 1, 2]).unwrap();
        let goal = link.goal(&train, &[0, 1, 2]);
        let n = link.n_outputs();
        let head = |i: usize, k: usize| 0.2 * ((i * 3 + k) as f64).sin();
        let loss = |moved: (usize, usize), by: f64| {
            let mut predictions = vec![0.0; 3 * n];
            for (i, row) in predictions.chunks_exact_mut(n).enumerate() {
                let at = |k| (head(i, k) + if (i, k) == moved { by } else { 0.0 }) as f32;
                link.add(at, 1.0, row);
            }
            link.loss(&goal, &predictions)
        };
        let mut out = vec![0.0; 3 * 32];
        for (i, k) in (0..3).flat_map(|i| (0..n).map(move |k| (i, k))) {
            out[place(3, i, k)] = head(i, k) as f32;
        }
        goal.gradient(&[0, 1, 2], &mut out, n, 1.0 / 3.0);
        for (i, k) in (0..3).flat_map(|i| (0..n).map(move |k| (i, k))) {
            let want = (loss((i, k), 1e-3) - loss((i, k), -1e-3)) / 2e-3;
            let got = f64::from(out[place(3, i, k)]);
            assert!((got - want).abs() < 1e-3, "{:?} {i} {k}: {got} {want}", link.task);
        }
    }
}

/// A table of `n` rows and what `target` makes of two uniform numbers.
fn table(n: usize, target: impl Fn(f64, f64) -> f64) -> (FeatureMatrix, Vec<f64>) {
    let mut random = Random::new(5);
    let mut column =
        || -> Vec<f32> { (0..n).map(|_| (random.unit() * 2.0 - 1.0) as f32).collect() };
    let (a, b) = (column(), column());
    let values = a.iter().zip(&b).map(|(a, b)| target(f64::from(*a), f64::from(*b))).collect();
    let columns = vec![FeatureColumn::dense("a", a), FeatureColumn::dense("b", b)];
    (FeatureMatrix::new(n, columns), values)
}

fn fit(features: &FeatureMatrix, target: &Target, params: NeuralNetParams) -> NeuralNetModel {
    fit_with(features, target, params, &Context::unlimited(3, 1))
}

/// Learns from three rows of four, of which a fifth judges.
fn fit_with(
    features: &FeatureMatrix,
    target: &Target,
    params: NeuralNetParams,
    ctx: &Context,
) -> NeuralNetModel {
    let n = features.n_rows as u32;
    let (validation, rows): (Vec<u32>, Vec<u32>) = (0..n * 3 / 4).partition(|r| r % 5 == 0);
    let train = TrainView { features, target, weights: None, rows: &rows, validation: &validation };
    NeuralNet::fit(&train, &params.check("neural_net").unwrap(), ctx).unwrap()
}

/// Predictions of the last quarter of the rows.
fn judge(model: &NeuralNetModel, features: &FeatureMatrix) -> (Vec<u32>, Vec<f64>) {
    let n = features.n_rows as u32;
    let rows: Vec<u32> = (n * 3 / 4..n).collect();
    let predicted = model.predict(&FeatureView::of(features, &rows), &Context::unlimited(0, 1));
    (rows, predicted.unwrap().values)
}

fn quick() -> NeuralNetParams {
    NeuralNetParams { n_epochs: 40, hidden_units: 64, ..NeuralNetParams::default() }
}

#[test]
fn learns_the_exclusive_or_that_a_line_cannot() {
    let (features, values) = table(1200, |a, b| f64::from(u8::from((a > 0.0) != (b > 0.0))));
    let codes: Vec<u32> = values.iter().map(|v| *v as u32).collect();
    let target = Target::Class { codes: codes.clone(), n_classes: 2 };
    let model = fit(&features, &target, quick());
    let (rows, predicted) = judge(&model, &features);
    let right =
        rows.iter().zip(&predicted).filter(|(r, p)| (**p > 0.5) == (codes[**r as usize] == 1));
    let share = right.count() as f64 / rows.len() as f64;
    assert!(share > 0.93, "{share}");
}

#[test]
fn learns_a_smooth_function_to_a_few_percent() {
    let (features, values) = table(1200, |a, b| (3.0 * a).sin() * b + a * a);
    let target = Target::Real(values.clone());
    for members in [1, 4] {
        let model = fit(&features, &target, NeuralNetParams { members, ..quick() });
        let (rows, predicted) = judge(&model, &features);
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        let (mut error, mut spread) = (0.0, 0.0);
        for (row, p) in rows.iter().zip(&predicted) {
            error += (p - values[*row as usize]).powi(2);
            spread += (values[*row as usize] - mean).powi(2);
        }
        // A linear function explains none of it.
        assert!(error < 0.02 * spread, "{members} members: {}", error / spread);
    }
}

#[test]
fn a_category_of_many_levels_is_learned_and_new_and_missing_levels_have_a_prediction() {
    let n = 2000;
    let mut random = Random::new(9);
    let levels: Vec<f32> = (0..n).map(|_| random.below(25) as f32).collect();
    let level = |i: usize| levels[i];
    let worth = |level: f32| f64::from((level * 12.9).sin()) * 5.0;
    let column = FeatureColumn { is_category: true, ..FeatureColumn::dense("c", levels.clone()) };
    let features = FeatureMatrix::new(n, vec![column]);
    let target = Target::Real((0..n).map(|i| worth(level(i))).collect());
    let model = fit(&features, &target, quick());
    let (rows, predicted) = judge(&model, &features);
    for (row, p) in rows.iter().zip(&predicted) {
        let want = worth(level(*row as usize));
        assert!((p - want).abs() < 0.5, "level {}: {p} {want}", level(*row as usize));
    }
    let odd = FeatureColumn::dense("c", vec![f32::NAN, 25.0, 1e30, -1.0, 0.5]);
    let odd = FeatureMatrix::new(5, vec![odd]);
    let ctx = Context::unlimited(0, 1);
    let predicted = model.predict(&FeatureView::all(&odd), &ctx).unwrap().values;
    assert!(predicted.iter().all(|p| p.is_finite() && p.abs() <= 5.0), "{predicted:?}");
    assert_eq!(predicted[1..], [predicted[1]; 4], "all unknown levels are one");
}

#[test]
fn a_refit_of_as_many_epochs_comes_to_rest_as_the_fit_did() {
    let (features, values) = table(600, |a, b| (3.0 * a).sin() * b);
    let target = Target::Real(values);
    let rows: Vec<u32> = (0..450).collect();
    let train = TrainView {
        features: &features,
        target: &target,
        weights: None,
        rows: &rows,
        validation: &[],
    };
    let params = NeuralNetParams { n_epochs: 25, ..quick() };
    let ctx = Context::unlimited(3, 1);
    let fit =
        |p: NeuralNetParams| NeuralNet::fit(&train, &p.check("neural_net").unwrap(), &ctx).unwrap();
    let whole = fit(params.clone());
    let same = fit(NeuralNetParams { schedule_epochs: 25, ..params.clone() });
    let cut = fit(NeuralNetParams { schedule_epochs: 100, ..params });
    let bytes = |m: &NeuralNetModel| postcard::to_stdvec(m).unwrap();
    assert!(whole.rounds() == 25 && bytes(&whole) == bytes(&same));
    assert!(cut.rounds() == 25 && bytes(&whole) != bytes(&cut));
}

#[test]
fn the_clock_shortens_the_schedule_once_and_a_replay_repeats_it() {
    let (features, values) = table(4000, |a, b| (3.0 * a).sin() * b);
    let target = Target::Real(values);
    let params = NeuralNetParams { n_epochs: 10_000, ..quick() };
    let limit = std::time::Duration::from_millis(400);
    let settings = Settings { time_limit: Some(limit), threads: 1, ..Settings::default() };
    let live = Context::new(settings).unwrap();
    let first = fit_with(&features, &target, params.clone(), &live);
    let decisions = live.decisions();
    let steps = decisions.chosen[":steps"];
    assert!(steps > 0 && first.rounds() < 10_000, "{steps} steps");
    let replay = Settings { replay: Some(decisions), threads: 2, ..Settings::default() };
    let again = fit_with(&features, &target, params, &Context::new(replay).unwrap());
    assert!(postcard::to_stdvec(&first).unwrap() == postcard::to_stdvec(&again).unwrap());
}

#[test]
fn a_clock_that_ends_within_an_epoch_leaves_what_was_learned() {
    // Each question comes after many steps of one epoch.
    let (features, values) = table(60_000, |a, b| a * b);
    let target = Target::Real(values);
    let stopped_after = [(String::new(), 3)].into();
    let replay = Some(Decisions { stopped_after, ..Decisions::default() });
    let ctx = Context::new(Settings { replay, threads: 2, ..Settings::default() }).unwrap();
    let params = NeuralNetParams { hidden_units: 512, n_epochs: 3, ..NeuralNetParams::default() };
    let model = fit_with(&features, &target, params, &ctx);
    assert_eq!(model.rounds(), 1, "a part of an epoch counts as one");
    model.validate().unwrap();
}

#[test]
fn a_hostile_model_is_refused_before_it_can_overflow() {
    let (features, values) = table(200, |a, b| a * b);
    let params = NeuralNetParams { n_epochs: 2, ..quick() };
    let model = fit(&features, &Target::Real(values), params);
    model.validate().unwrap();
    let broken = |change: &dyn Fn(&mut Vec<Vec<f32>>)| {
        let mut model = model.clone();
        let body = model.body.as_mut().unwrap();
        let mut net = Net::zeros(body.shape().clone()).to_rows();
        net.clone_from(body.parameters());
        change(&mut net);
        body.set_parameters(net);
        model.validate().is_err()
    };
    assert!(!broken(&|_| ()));
    assert!(broken(&|net| net[3][0] = f32::NAN));
    assert!(broken(&|net| net[3].push(0.0)));
    assert!(broken(&|net| drop(net.pop())));
    assert!(broken(&|net| net.iter_mut().for_each(|part| part.fill(1e6))));
}

#[test]
fn numbers_lie_side_by_side_in_a_panel() {
    assert!(modelwright_kernels::product::PANEL.is_multiple_of(NUMBER_WIDTH));
}

#[test]
fn a_validation_row_without_weight_does_not_end_the_course_and_is_predicted() {
    let values: Vec<f32> = (0..80).map(|i| i as f32 / 80.0).collect();
    let target = Target::Real(values.iter().map(|x| f64::from(*x).sin()).collect());
    let features = FeatureMatrix::new(80, vec![FeatureColumn::dense("x", values)]);
    let rows: Vec<u32> = (0..60).collect();
    let validation: Vec<u32> = (60..80).collect();
    let course_of = |weights: &[f64]| {
        let train = TrainView {
            features: &features,
            target: &target,
            weights: Some(weights),
            rows: &rows,
            validation: &validation,
        };
        let params = NeuralNetParams { n_epochs: 4, ..NeuralNetParams::default() };
        let params = params.check("neural_net").unwrap();
        let observed = NeuralNet::fit_observed(&train, &params, &Context::unlimited(3, 1));
        observed.map(|fitted| fitted.unwrap().1)
    };
    let mut weights = vec![1.0; 80];
    let all = course_of(&weights).unwrap();
    weights[65] = 0.0;
    let most = course_of(&weights).unwrap();
    assert_eq!(most.predictions[1].values.len(), 20);
    assert_eq!(most.predictions[1], all.predictions[1], "the net is the same, and so is its word");
    assert!(most.losses[1] != all.losses[1], "the row has no say in the loss");
    weights[60..].fill(0.0);
    assert!(course_of(&weights).is_none(), "nobody judges");
}
