//! The shape of a net: how many numbers come in, how wide the layers are, where parameters lie.
//!
//! Parameters are tensors, in this order: periodic embeddings of numbers; embedding tables of
//! categories, end to end; the scale of each input, for each member; then weights and biases of
//! each hidden layer, and of the head. Weights of hidden layers are shared by all members; scales,
//! biases and the head are each member's own. Matrices are in panels (`kernels::product`), with
//! rows and columns filled up to whole panels by zeros that stay zeros.

use modelwright_core::random::Random;
use modelwright_kernels::periodic::{MIXTURES, N_NUMBERS, WAVES};
use modelwright_kernels::product::PANEL;
use serde::{Deserialize, Serialize};

/// Inputs that a number becomes: itself and three periodic mixtures.
pub(super) const NUMBER_WIDTH: usize = 1 + MIXTURES;
/// Inputs that a category becomes.
pub(super) const LEVEL_WIDTH: usize = 8;

/// Standard deviation of the frequencies of periodic embeddings at the start, in turns per unit.
const FREQUENCY: f64 = 0.1;
/// Standard deviation of embeddings of categories at the start.
const LEVEL_SPREAD: f64 = 0.5;
/// Standard deviation of biases at the start.
const BIAS_SPREAD: f64 = 0.5;

/// Standard deviation of the scales of several members at the start: what makes them differ.
const MEMBER_SPREAD: f64 = 0.5;

/// The most numbers that a net may have: 4 GiB.
const N_PARAMETERS_MAX: usize = 1 << 30;

/// The sizes that decide all others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Shape {
    /// Numbers with periodic embeddings.
    pub numbers: usize,
    /// Flags, which come in as they are.
    pub flags: usize,
    /// Rows of each category's embedding table.
    pub tables: Vec<usize>,
    /// Units of each hidden layer, multiples of [`PANEL`].
    pub hidden: Vec<usize>,
    /// Members of the ensemble.
    pub members: usize,
    /// Numbers of the head.
    pub outputs: usize,
}

/// Which tensor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Periodic,
    Levels,
    Scales,
    /// Of a layer: hidden layers from 0, then the head.
    Weights(usize),
    Biases(usize),
}

impl Part {
    /// Its place among the tensors.
    pub(super) fn index(self) -> usize {
        match self {
            Self::Periodic => 0,
            Self::Levels => 1,
            Self::Scales => 2,
            Self::Weights(layer) => 3 + 2 * layer,
            Self::Biases(layer) => 4 + 2 * layer,
        }
    }
}

/// `n` filled up to whole panels.
pub(super) fn padded(n: usize) -> usize {
    n.next_multiple_of(PANEL)
}

impl Shape {
    /// Layers with weights: the hidden ones and the head.
    pub(super) fn n_layers(&self) -> usize {
        self.hidden.len() + 1
    }

    /// All tensors in their order.
    pub(super) fn parts(&self) -> impl Iterator<Item = Part> + use<> {
        let layers = (0..self.n_layers()).flat_map(|l| [Part::Weights(l), Part::Biases(l)]);
        [Part::Periodic, Part::Levels, Part::Scales].into_iter().chain(layers)
    }

    /// Inputs of the first layer, without filling.
    pub(super) fn inputs(&self) -> usize {
        NUMBER_WIDTH * self.numbers + self.flags + LEVEL_WIDTH * self.tables.len()
    }

    /// Inputs and outputs of a layer, without filling.
    pub(super) fn layer(&self, layer: usize) -> (usize, usize) {
        let input = if layer == 0 { self.inputs() } else { self.hidden[layer - 1] };
        (input, self.hidden.get(layer).copied().unwrap_or(self.outputs))
    }

    /// How many matrices the weights of a layer are: one, or one per member for the head.
    pub(super) fn copies(&self, layer: usize) -> usize {
        if layer == self.hidden.len() { self.members } else { 1 }
    }

    /// Matrices of a tensor, and rows and columns of each, without filling.
    pub(super) fn matrices(&self, part: Part) -> (usize, usize, usize) {
        match part {
            Part::Periodic => (1, self.numbers, N_NUMBERS),
            Part::Levels => (1, self.tables.iter().sum(), LEVEL_WIDTH),
            Part::Scales => (self.members, 1, self.inputs()),
            Part::Weights(l) => (self.copies(l), self.layer(l).0, self.layer(l).1),
            Part::Biases(l) => (self.members, 1, self.layer(l).1),
        }
    }

    /// Rows and columns of a tensor's matrices as they lie in memory.
    pub(super) fn filled(&self, part: Part) -> (usize, usize) {
        let (_, rows, columns) = self.matrices(part);
        match part {
            Part::Periodic | Part::Levels => (rows, columns),
            Part::Scales | Part::Biases(_) => (rows, padded(columns)),
            Part::Weights(_) => (padded(rows), padded(columns)),
        }
    }

    /// How many numbers a tensor has in memory.
    pub(super) fn length(&self, part: Part) -> usize {
        let (rows, columns) = self.filled(part);
        self.matrices(part).0 * rows * columns
    }

    /// Whether the net can be: sizes that are not nothing and not too much.
    pub(super) fn is_sound(&self) -> bool {
        let sizes = [self.numbers, self.flags, self.members, self.outputs, self.tables.len()];
        let hidden = &self.hidden;
        let bounded = sizes.iter().chain(hidden).chain(&self.tables).all(|n| *n <= 1 << 20);
        let whole = hidden.iter().all(|n| *n > 0 && n.is_multiple_of(PANEL));
        if !(bounded && whole && hidden.len() <= 16 && self.members > 0 && self.outputs > 0) {
            return false;
        }
        // No product of two bounded sizes and the members overflows 64 bits.
        let length = |part| {
            let (rows, columns) = self.filled(part);
            self.matrices(part).0 as u128 * rows as u128 * columns as u128
        };
        self.inputs() > 0 && self.parts().map(length).sum::<u128>() <= N_PARAMETERS_MAX as u128
    }

    /// Multiplications of one row's forward pass.
    pub(super) fn work(&self) -> usize {
        let of_layer = |l| padded(self.layer(l).0) * padded(self.layer(l).1);
        (0..self.n_layers()).map(of_layer).sum::<usize>() * self.members
    }
}

/// A net: its shape and its parameters.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Net {
    pub shape: Shape,
    /// By [`Part::index`].
    pub tensors: Vec<Vec<f32>>,
}

impl Net {
    /// A net of zeros.
    pub(super) fn zeros(shape: Shape) -> Self {
        let tensors = shape.parts().map(|part| vec![0.0; shape.length(part)]).collect();
        Self { shape, tensors }
    }

    /// A net to begin with: random weights, a head of zeros with the given biases.
    ///
    /// Levels that are not `seen` stay at zero, the middle of the others.
    pub(super) fn random(shape: Shape, seen: &[bool], head: &[f32], random: &mut Random) -> Self {
        let mut net = Self::zeros(shape);
        let shape = net.shape.clone();
        for periodic in net.part_mut(Part::Periodic).chunks_exact_mut(N_NUMBERS) {
            let (frequencies, rest) = periodic.split_at_mut(WAVES);
            let (phases, rest) = rest.split_at_mut(WAVES);
            frequencies.fill_with(|| (FREQUENCY * random.normal()) as f32);
            phases.fill_with(|| (random.unit() - 0.5) as f32);
            let reach = 1.0 / (WAVES as f64).sqrt();
            rest.fill_with(|| ((2.0 * random.unit() - 1.0) * reach) as f32);
        }
        let levels = net.part_mut(Part::Levels).chunks_exact_mut(LEVEL_WIDTH);
        for (level, _) in levels.zip(seen).filter(|(_, seen)| **seen) {
            level.fill_with(|| (LEVEL_SPREAD * random.normal()) as f32);
        }
        let n_inputs = shape.inputs();
        for member in net.part_mut(Part::Scales).chunks_exact_mut(padded(n_inputs)) {
            let spread = if shape.members > 1 { MEMBER_SPREAD } else { 0.0 };
            member[..n_inputs].fill_with(|| (1.0 + spread * random.normal()) as f32);
        }
        for layer in 0..shape.hidden.len() {
            let (inputs, outputs) = shape.layer(layer);
            let deviation = 1.0 / (inputs as f64).sqrt();
            let rows = padded(inputs);
            let weights = net.part_mut(Part::Weights(layer));
            for j in 0..outputs {
                for i in 0..inputs {
                    weights[(j / PANEL * rows + i) * PANEL + j % PANEL] =
                        (deviation * random.normal()) as f32;
                }
            }
            let biases = net.part_mut(Part::Biases(layer));
            biases.fill_with(|| (BIAS_SPREAD * random.normal()) as f32);
        }
        let biases = net.part_mut(Part::Biases(shape.hidden.len()));
        for member in biases.chunks_exact_mut(padded(shape.outputs)) {
            member[..head.len()].copy_from_slice(head);
        }
        net
    }

    pub(super) fn part(&self, part: Part) -> &[f32] {
        &self.tensors[part.index()]
    }

    pub(super) fn part_mut(&mut self, part: Part) -> &mut [f32] {
        &mut self.tensors[part.index()]
    }

    /// The part of a tensor that a member uses: its own, or what all share.
    pub(super) fn of_member(&self, part: Part, member: usize) -> &[f32] {
        let (copies, _, _) = self.shape.matrices(part);
        let (rows, columns) = self.shape.filled(part);
        let start = if copies > 1 { member * rows * columns } else { 0 };
        &self.part(part)[start..start + rows * columns]
    }

    /// The parameters without the filling, row by row.
    pub(super) fn to_rows(&self) -> Vec<Vec<f32>> {
        let rows_of = |part: Part| {
            let (copies, rows, columns) = self.shape.matrices(part);
            let mut out = Vec::with_capacity(copies * rows * columns);
            self.each(part, |at| out.push(self.part(part)[at]));
            out
        };
        self.shape.parts().map(rows_of).collect()
    }

    /// The net of parameters as [`Self::to_rows`] gives them; `None` when their lengths are wrong.
    pub(super) fn from_rows(shape: Shape, rows: &[Vec<f32>]) -> Option<Self> {
        let parts: Vec<Part> = shape.parts().collect();
        let length = |part| {
            let (copies, rows, columns) = shape.matrices(part);
            copies * rows * columns
        };
        if parts.len() != rows.len() || parts.iter().zip(rows).any(|(p, r)| length(*p) != r.len()) {
            return None;
        }
        let mut net = Self::zeros(shape);
        for (part, from) in parts.into_iter().zip(rows) {
            let mut places = Vec::with_capacity(from.len());
            net.each(part, |at| places.push(at));
            let tensor = net.part_mut(part);
            for (at, value) in places.into_iter().zip(from) {
                tensor[at] = *value;
            }
        }
        Some(net)
    }

    /// Calls `f` with the place of every number of a tensor that is not filling, row by row.
    fn each(&self, part: Part, mut f: impl FnMut(usize)) {
        let (copies, rows, columns) = self.shape.matrices(part);
        let (filled_rows, filled_columns) = self.shape.filled(part);
        let in_panels = !matches!(part, Part::Periodic | Part::Levels);
        for copy in 0..copies {
            let start = copy * filled_rows * filled_columns;
            for i in 0..rows {
                for j in 0..columns {
                    f(start
                        + if in_panels {
                            (j / PANEL * filled_rows + i) * PANEL + j % PANEL
                        } else {
                            i * filled_columns + j
                        });
                }
            }
        }
    }
}
