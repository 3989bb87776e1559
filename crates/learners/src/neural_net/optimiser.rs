//! How parameters move: Adam with decoupled weight decay, and the schedules of its numbers.
//!
//! Weights are parametrised plainly; their rate is divided by the root of the layer's inputs, which
//! moves the layer's function as RealMLP's neural tangent parametrisation does.

use modelwright_kernels::adam::{self, Step};
use modelwright_kernels::product::transpose;
use rayon::prelude::*;

use super::pass::Learning;
use super::shape::{Net, Part, Shape};

/// Memory of the mean gradient.
const BETA1: f64 = 0.9;
/// Memory of the mean square: short, as rates change fast.
const BETA2: f64 = 0.95;

/// Rates of parts as shares of that of weights: RealMLP-TD's, but for scales. At its six times the
/// rate of weights the net was worse on five of six small tables (the loss on `car_evaluation`
/// four times as high), at the rate of weights it was between.
const PERIODIC_RATE: f64 = 0.1;
const LEVELS_RATE: f64 = 1.0;
const SCALES_RATE: f64 = 0.2;
const BIASES_RATE: f64 = 0.1;

/// Cycles of [`coslog`].
const CYCLES: f64 = 4.0;

/// The numbers of a step that a schedule changes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pull {
    /// The rate of weights, before their division by the layer's inputs.
    pub rate: f64,
    /// The part of weights that is taken away per unit of rate.
    pub decay: f64,
}

/// The optimiser's memory.
pub(super) struct Optimiser {
    states: Vec<State>,
    steps: i32,
    /// The transposed weights of each layer, as [`Learning::backward`] wants them.
    pub turned: Vec<Vec<f32>>,
}

struct State {
    means: Vec<f32>,
    squares: Vec<f32>,
    rate: f64,
    decays: bool,
}

/// The rate of a cycle after the share `t` of all steps: `½ (1 − cos(2π log₂(1 + 15 t)))`, four
/// cycles, each twice as long as the one before (Holzmüller et al., "Better by Default").
pub(super) fn coslog(t: f64) -> f64 {
    let turns = (1.0 + (CYCLES.exp2() - 1.0) * t).log2();
    0.5 * (1.0 - (std::f64::consts::TAU * turns).cos())
}

/// How many whole cycles of [`coslog`] lie before `t`.
pub(super) fn cycles_before(t: f64) -> usize {
    // The last cycle ends at 1, which rounding must not miss.
    ((1.0 + (CYCLES.exp2() - 1.0) * t).log2() + 1e-9) as usize
}

/// 1 for the first half, then half a cosine down to 0.
pub(super) fn flat_cos(t: f64) -> f64 {
    if t < 0.5 { 1.0 } else { 0.5 * (1.0 + (std::f64::consts::PI * (2.0 * t - 1.0)).cos()) }
}

impl Optimiser {
    pub(super) fn new(net: &Net) -> Self {
        let state = |part: Part| {
            let length = net.shape.length(part);
            State {
                means: vec![0.0; length],
                squares: vec![0.0; length],
                rate: rate(&net.shape, part),
                decays: matches!(part, Part::Weights(_)),
            }
        };
        let turned = (0..net.shape.n_layers()).map(|l| turn(net, l)).collect();
        Self { states: net.shape.parts().map(state).collect(), steps: 0, turned }
    }

    /// One step with the summed gradients of all passes.
    pub(super) fn step(&mut self, net: &mut Net, passes: &mut [Learning], pull: Pull) {
        let Some((first, others)) = passes.split_first_mut() else { return };
        let others = &*others;
        self.steps = self.steps.saturating_add(1);
        let correction = |beta: f64| (1.0 - beta.powi(self.steps)) as f32;
        let plain = Step {
            rate: 0.0,
            decay: 0.0,
            beta1: BETA1 as f32,
            beta2: BETA2 as f32,
            correction1: correction(BETA1),
            correction2: correction(BETA2),
        };
        let tensors = net.tensors.par_iter_mut().zip(&mut self.states);
        tensors.zip(&mut first.gradients).enumerate().for_each(|(t, ((values, state), sum))| {
            for other in others {
                adam::add(sum, &other.gradients[t]);
            }
            let decay = if state.decays { pull.rate * pull.decay } else { 0.0 };
            let rate = (pull.rate * state.rate) as f32;
            let step = Step { rate, decay: decay as f32, ..plain };
            adam::step(values, &mut state.means, &mut state.squares, sum, step);
        });
        let net = &*net;
        self.turned.par_iter_mut().enumerate().for_each(|(l, turned)| turn_into(net, l, turned));
    }
}

/// The rate of a tensor as a share of [`Pull::rate`].
fn rate(shape: &Shape, part: Part) -> f64 {
    match part {
        Part::Periodic => PERIODIC_RATE,
        Part::Levels => LEVELS_RATE,
        Part::Scales => SCALES_RATE,
        Part::Weights(layer) => 1.0 / (shape.layer(layer).0.max(1) as f64).sqrt(),
        Part::Biases(_) => BIASES_RATE,
    }
}

fn turn(net: &Net, layer: usize) -> Vec<f32> {
    let mut turned = vec![0.0; net.shape.length(Part::Weights(layer))];
    turn_into(net, layer, &mut turned);
    turned
}

fn turn_into(net: &Net, layer: usize, turned: &mut [f32]) {
    let (rows, columns) = net.shape.filled(Part::Weights(layer));
    let weights = net.part(Part::Weights(layer)).chunks_exact(rows * columns);
    for (from, to) in weights.zip(turned.chunks_exact_mut(rows * columns)) {
        transpose(from, to, rows, columns);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cycle_begins_and_ends_at_rest_and_each_is_twice_as_long() {
        for (cycle, end) in [0.0, 1.0 / 15.0, 3.0 / 15.0, 7.0 / 15.0, 1.0].iter().enumerate() {
            assert!(coslog(*end) < 1e-9, "{end}");
            assert_eq!(cycles_before(*end), cycle, "{end}");
        }
        let middle = (2.0_f64.powf(3.5) - 1.0) / 15.0;
        assert!((coslog(middle) - 1.0).abs() < 1e-9);
    }

    #[test]
    fn decay_and_dropout_stay_for_half_the_steps_and_then_fade() {
        assert_eq!((flat_cos(0.0), flat_cos(0.49)), (1.0, 1.0));
        assert!((flat_cos(0.75) - 0.5).abs() < 1e-9 && flat_cos(1.0) < 1e-9);
    }
}
