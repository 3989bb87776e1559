//! One pass of some rows through the net, forward and backward, in buffers that are used again.
//!
//! A [`Pass`] holds what the layers make of at most [`ROWS`] rows. A [`Learning`] pass belongs to
//! one member and also keeps slopes and the gradient by every parameter. Each number of a gradient
//! is a sum over the rows of the pass in their order, whichever thread computes it.

use modelwright_kernels::activation::{
    Dropout, add_to_columns, column_dots, column_sums, mish, mish_with_derivative,
    multiply_in_place, scale_columns,
};
use modelwright_kernels::periodic::{BLOCK, MIXTURES, N_NUMBERS, Periodic, embed, embed_gradient};
use modelwright_kernels::product::{PANEL, multiply, multiply_transposed};

use super::columns::Inputs;
use super::shape::{LEVEL_WIDTH, NUMBER_WIDTH, Net, Part, Shape, padded};

/// The most rows of a pass: what its layers hold stays in the second-level cache.
pub(super) const ROWS: usize = 128;

/// Buffers of a forward pass.
pub(super) struct Pass {
    /// The numbers of the rows, one run of rows per number, filled up to whole blocks.
    numbers: Vec<f32>,
    /// Mixtures of one number.
    mixed: Vec<f32>,
    /// Embedded inputs, and the same scaled by the member.
    embedded: Vec<f32>,
    scaled: Vec<f32>,
    /// What each hidden layer makes of them.
    hidden: Vec<Vec<f32>>,
    /// The head's numbers, in panels of the pass's rows.
    pub out: Vec<f32>,
}

/// Buffers of a member's pass forward and back.
pub(super) struct Learning {
    pub pass: Pass,
    pub member: usize,
    slopes: Vec<Vec<f32>>,
    /// Gradients by the outputs of a layer, and by its inputs.
    by_out: Vec<f32>,
    by_in: Vec<f32>,
    by_mixed: Vec<f32>,
    /// By tensor, as the net's. Parts of other members stay zero.
    pub gradients: Vec<Vec<f32>>,
}

/// Where the element of row `i` and column `j` is in panels of `rows` rows.
#[inline]
pub(super) fn place(rows: usize, i: usize, j: usize) -> usize {
    (j / PANEL * rows + i) * PANEL + j % PANEL
}

impl Pass {
    /// Buffers for at most `rows` rows.
    pub(super) fn new(shape: &Shape, rows: usize) -> Self {
        let blocks = rows.next_multiple_of(BLOCK);
        let buffer = |width: usize| vec![0.0; rows * padded(width)];
        Self {
            numbers: vec![0.0; shape.numbers * blocks],
            mixed: vec![0.0; MIXTURES * blocks],
            embedded: buffer(shape.inputs()),
            scaled: buffer(shape.inputs()),
            hidden: shape.hidden.iter().map(|width| buffer(*width)).collect(),
            out: buffer(shape.outputs),
        }
    }

    /// Embeds the given rows of the inputs.
    pub(super) fn embed(&mut self, net: &Net, inputs: &Inputs, rows: &[u32]) {
        let shape = &net.shape;
        let (n, width) = (rows.len(), shape.numbers + shape.flags);
        let blocks = n.next_multiple_of(BLOCK);
        let mut flag = NUMBER_WIDTH * shape.numbers;
        for (i, row) in rows.iter().enumerate() {
            let values = &inputs.values[*row as usize * width..][..width];
            let (numbers, flags) = values.split_at(shape.numbers);
            for (f, value) in numbers.iter().enumerate() {
                self.numbers[f * blocks + i] = *value;
            }
            for (j, value) in flags.iter().enumerate() {
                self.embedded[place(n, i, flag + j)] = *value;
            }
        }
        flag += shape.flags;
        let (tables, levels) = (shape.tables.len(), net.part(Part::Levels));
        for (i, row) in rows.iter().enumerate() {
            for (t, level) in inputs.levels[*row as usize * tables..][..tables].iter().enumerate() {
                let from = &levels[*level as usize * LEVEL_WIDTH..][..LEVEL_WIDTH];
                for (j, value) in from.iter().enumerate() {
                    self.embedded[place(n, i, flag + t * LEVEL_WIDTH + j)] = *value;
                }
            }
        }
        self.embed_numbers(net, n, blocks);
    }

    fn embed_numbers(&mut self, net: &Net, n: usize, blocks: usize) {
        let mixed = &mut self.mixed[..MIXTURES * blocks];
        let periodics = net.part(Part::Periodic).as_chunks::<N_NUMBERS>().0;
        for (f, periodic) in periodics.iter().enumerate() {
            let x = &mut self.numbers[f * blocks..][..blocks];
            x[n..].fill(0.0);
            embed(x, &Periodic::from_slice(periodic), mixed);
            for i in 0..n {
                // The width divides a panel, so that a number's inputs lie side by side.
                let to = place(n, i, f * NUMBER_WIDTH);
                let to = &mut self.embedded[to..to + NUMBER_WIDTH];
                to[0] = x[i];
                for o in 0..MIXTURES {
                    to[1 + o] = mixed[o * blocks + i];
                }
            }
        }
    }

    /// A member's view of the `n` rows that were embedded: [`Self::out`].
    pub(super) fn forward(&mut self, net: &Net, member: usize, n: usize) {
        self.scale(net, member, n);
        for layer in 0..net.shape.hidden.len() {
            self.sums(net, member, n, layer);
            let biases = net.of_member(Part::Biases(layer), member);
            mish(&mut self.hidden[layer][..n * biases.len()], biases, n);
        }
        self.head(net, member, n);
    }

    fn scale(&mut self, net: &Net, member: usize, n: usize) {
        let scales = net.of_member(Part::Scales, member);
        let length = n * scales.len();
        scale_columns(&self.embedded[..length], scales, &mut self.scaled[..length], n);
    }

    /// The weighted sums of a hidden layer, before its bias.
    fn sums(&mut self, net: &Net, member: usize, n: usize, layer: usize) {
        let (inputs, outputs) = net.shape.filled(Part::Weights(layer));
        let weights = net.of_member(Part::Weights(layer), member);
        let (below, above) = self.hidden.split_at_mut(layer);
        let input = below.last().unwrap_or(&self.scaled);
        multiply(&input[..n * inputs], weights, &mut above[0][..n * outputs], n, inputs, outputs);
    }

    fn head(&mut self, net: &Net, member: usize, n: usize) {
        let layer = net.shape.hidden.len();
        let (inputs, outputs) = net.shape.filled(Part::Weights(layer));
        let weights = net.of_member(Part::Weights(layer), member);
        let out = &mut self.out[..n * outputs];
        let input = self.hidden.last().unwrap_or(&self.scaled);
        multiply(&input[..n * inputs], weights, out, n, inputs, outputs);
        add_to_columns(out, net.of_member(Part::Biases(layer), member), n);
    }

    /// Divides the weights of each hidden layer by the size of its sums over the first rows, so
    /// that activations begin where they bend, whatever the inputs look like.
    pub(super) fn normalise(&mut self, net: &mut Net, n: usize) {
        self.scale(net, 0, n);
        for layer in 0..net.shape.hidden.len() {
            self.sums(net, 0, n, layer);
            let width = net.shape.hidden[layer];
            let sums = &mut self.hidden[layer][..n * width];
            let square: f64 = sums.iter().map(|z| f64::from(*z).powi(2)).sum();
            let size = (square / sums.len().max(1) as f64).sqrt();
            if size > 1e-6 {
                let factor = (1.0 / size) as f32;
                for weight in net.part_mut(Part::Weights(layer)) {
                    *weight *= factor;
                }
                for z in &mut *sums {
                    *z *= factor;
                }
            }
            mish(sums, net.of_member(Part::Biases(layer), 0), n);
        }
    }
}

impl Learning {
    /// Buffers for a member's passes of at most `rows` rows.
    pub(super) fn new(shape: &Shape, rows: usize, member: usize) -> Self {
        let widest = shape.hidden.iter().copied().chain([shape.inputs(), shape.outputs]).max();
        let buffer = |width: usize| vec![0.0; rows * padded(width)];
        Self {
            pass: Pass::new(shape, rows),
            member,
            slopes: shape.hidden.iter().map(|width| buffer(*width)).collect(),
            by_out: buffer(widest.unwrap_or(0)),
            by_in: buffer(widest.unwrap_or(0)),
            by_mixed: vec![0.0; MIXTURES * rows.next_multiple_of(BLOCK)],
            gradients: shape.parts().map(|part| vec![0.0; shape.length(part)]).collect(),
        }
    }

    /// The member's view of the given rows, with dropout; `key` names its draws.
    pub(super) fn forward(
        &mut self,
        net: &Net,
        inputs: &Inputs,
        rows: &[u32],
        dropout: f64,
        key: u64,
    ) {
        let (pass, member, n) = (&mut self.pass, self.member, rows.len());
        pass.embed(net, inputs, rows);
        pass.scale(net, member, n);
        for (layer, slopes) in self.slopes.iter_mut().enumerate() {
            pass.sums(net, member, n, layer);
            let biases = net.of_member(Part::Biases(layer), member);
            let length = n * biases.len();
            let key = modelwright_core::random::number_at(key, layer as u64) as u32;
            let dropout = Dropout::of_share(dropout, key);
            let sums = &mut pass.hidden[layer][..length];
            mish_with_derivative(sums, &mut slopes[..length], biases, n, dropout);
        }
        pass.head(net, member, n);
    }

    /// The gradient by every parameter, when `pass.out` holds that by the head's numbers.
    /// `turned` are the transposed weights of each layer, laid out as the weights.
    pub(super) fn backward(
        &mut self,
        net: &Net,
        inputs: &Inputs,
        rows: &[u32],
        turned: &[Vec<f32>],
    ) {
        let (shape, n, member) = (&net.shape, rows.len(), self.member);
        let length = n * padded(shape.outputs);
        self.by_out[..length].copy_from_slice(&self.pass.out[..length]);
        for layer in (0..shape.n_layers()).rev() {
            let (inputs, outputs) = shape.filled(Part::Weights(layer));
            let by_out = &mut self.by_out[..n * outputs];
            if let Some(slopes) = self.slopes.get(layer) {
                multiply_in_place(by_out, &slopes[..n * outputs]);
            }
            let copy = if shape.copies(layer) > 1 { member } else { 0 };
            let weights = copy * inputs * outputs..(copy + 1) * inputs * outputs;
            let input = if layer == 0 { &self.pass.scaled } else { &self.pass.hidden[layer - 1] };
            let gradient = &mut self.gradients[Part::Weights(layer).index()][weights.clone()];
            multiply_transposed(&input[..n * inputs], by_out, gradient, inputs, n, outputs);
            let biases = &mut self.gradients[Part::Biases(layer).index()];
            column_sums(by_out, &mut biases[member * outputs..(member + 1) * outputs], n);
            let by_in = &mut self.by_in[..n * inputs];
            multiply(by_out, &turned[layer][weights], by_in, n, outputs, inputs);
            std::mem::swap(&mut self.by_out, &mut self.by_in);
        }
        self.backward_inputs(net, inputs, rows);
    }

    /// From the gradient by the scaled inputs, in `by_out`, to scales and embeddings.
    fn backward_inputs(&mut self, net: &Net, inputs: &Inputs, rows: &[u32]) {
        let (shape, n) = (&net.shape, rows.len());
        let width = padded(shape.inputs());
        let by_scaled = &self.by_out[..n * width];
        let scales = &mut self.gradients[Part::Scales.index()];
        let scales = &mut scales[self.member * width..(self.member + 1) * width];
        column_dots(by_scaled, &self.pass.embedded[..n * width], scales, n);
        let by_embedded = &mut self.by_in[..n * width];
        scale_columns(by_scaled, net.of_member(Part::Scales, self.member), by_embedded, n);
        let blocks = n.next_multiple_of(BLOCK);
        let by_mixed = &mut self.by_mixed[..MIXTURES * blocks];
        let gradients = self.gradients[Part::Periodic.index()].as_chunks_mut::<N_NUMBERS>().0;
        let periodics = net.part(Part::Periodic).as_chunks::<N_NUMBERS>().0;
        for (f, (periodic, gradient)) in periodics.iter().zip(gradients).enumerate() {
            for o in 0..MIXTURES {
                let by_mixed = &mut by_mixed[o * blocks..][..blocks];
                for (i, by) in by_mixed[..n].iter_mut().enumerate() {
                    *by = by_embedded[place(n, i, f * NUMBER_WIDTH + 1 + o)];
                }
                by_mixed[n..].fill(0.0);
            }
            let x = &self.pass.numbers[f * blocks..][..blocks];
            embed_gradient(x, &Periodic::from_slice(periodic), by_mixed).write(gradient);
        }
        let levels = &mut self.gradients[Part::Levels.index()];
        levels.fill(0.0);
        let (first, tables) = (NUMBER_WIDTH * shape.numbers + shape.flags, shape.tables.len());
        for (i, row) in rows.iter().enumerate() {
            for (t, level) in inputs.levels[*row as usize * tables..][..tables].iter().enumerate() {
                let to = &mut levels[*level as usize * LEVEL_WIDTH..][..LEVEL_WIDTH];
                for (j, to) in to.iter_mut().enumerate() {
                    *to += by_embedded[place(n, i, first + t * LEVEL_WIDTH + j)];
                }
            }
        }
    }
}
