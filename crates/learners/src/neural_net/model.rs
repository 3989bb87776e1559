//! A fitted net: what is stored of it, and how it predicts.

use std::sync::OnceLock;

use modelwright_core::data::FeatureView;
use modelwright_core::task::Predictions;
use modelwright_core::{Context, Error, Result};
use serde::{Deserialize, Serialize};

use super::columns::{Column, convert, count};
use super::goal::Link;
use super::pass::ROWS;
use super::shape::{Net, Part, Shape};
use super::train::predict;
use crate::learner::Model;

/// No parameter is larger.
pub(super) const LARGEST: f32 = 1e6;

/// No number inside the net can be larger, whatever the row: far from f32's limit.
const LARGEST_INSIDE: f64 = 1e30;

/// Scaled numbers, flags and mixtures of cosines are within this times the largest parameter.
const LARGEST_INPUT: f64 = 3.0;

/// A net, or a constant when nothing could be learned.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct NeuralNetModel {
    pub(super) n_features: u32,
    pub(super) link: Link,
    pub(super) epochs: u32,
    pub(super) body: Option<Body>,
}

/// What turns features into the head's numbers.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Body {
    columns: Vec<Column>,
    shape: Shape,
    /// By tensor, row by row, without filling.
    parameters: Vec<Vec<f32>>,
    #[serde(skip)]
    net: OnceLock<Net>,
}

impl Body {
    pub(super) fn new(columns: Vec<Column>, net: &Net) -> Self {
        let parameters = net.to_rows();
        Self { columns, shape: net.shape.clone(), parameters, net: OnceLock::new() }
    }

    #[cfg(test)]
    pub(super) fn shape(&self) -> &Shape {
        &self.shape
    }

    #[cfg(test)]
    pub(super) fn parameters(&self) -> &Vec<Vec<f32>> {
        &self.parameters
    }

    #[cfg(test)]
    pub(super) fn set_parameters(&mut self, parameters: Vec<Vec<f32>>) {
        self.parameters = parameters;
    }

    /// The net in the form that computes; made when it is first asked for.
    fn net(&self) -> &Net {
        self.net.get_or_init(|| {
            Net::from_rows(self.shape.clone(), &self.parameters)
                .unwrap_or_else(|| Net::zeros(self.shape.clone()))
        })
    }

    /// Whether the columns, the shape and the parameters fit each other and no row can overflow.
    fn is_sound(&self, link: &Link) -> bool {
        let shape = &self.shape;
        let counted = count(&self.columns);
        let fits = counted == (shape.numbers, shape.flags, shape.tables.clone());
        if !(fits && self.columns.iter().all(Column::is_sound) && shape.is_sound()) {
            return false;
        }
        let parts: Vec<Part> = shape.parts().collect();
        let whole = parts.len() == self.parameters.len()
            && parts.iter().zip(&self.parameters).all(|(part, numbers)| {
                let (copies, rows, columns) = shape.matrices(*part);
                numbers.len() == copies * rows * columns
            });
        let bounded = self.parameters.iter().flatten().all(|v| v.abs() <= LARGEST);
        whole && bounded && shape.outputs == link.n_outputs() && self.reach() < LARGEST_INSIDE
    }

    /// A bound of every number inside the net.
    fn reach(&self) -> f64 {
        let largest = |part: Part| {
            let numbers = &self.parameters[part.index()];
            numbers.iter().fold(0.0_f64, |most, v| most.max(f64::from(v.abs())))
        };
        // A mixture is a sum of at most 17 parameters times cosines.
        let embedded = (17.0 * largest(Part::Periodic)).max(largest(Part::Levels));
        let mut reach = embedded.max(LARGEST_INPUT) * largest(Part::Scales);
        for layer in 0..self.shape.n_layers() {
            let inputs = self.shape.layer(layer).0 as f64;
            let sums = inputs * reach * largest(Part::Weights(layer));
            reach = (sums + largest(Part::Biases(layer))).max(reach);
        }
        reach
    }
}

impl NeuralNetModel {
    /// Hidden units of each layer; none for a constant.
    pub fn hidden(&self) -> &[usize] {
        self.body.as_ref().map_or(&[], |body| &body.shape.hidden)
    }

    /// Nets that are averaged; 0 for a constant.
    pub fn members(&self) -> usize {
        self.body.as_ref().map_or(0, |body| body.shape.members)
    }
}

/// A net for those who write it in another form. All matrices are row by row.
pub struct NetView<'a> {
    /// What each feature is to the net.
    pub columns: &'a [Column],
    /// Units of each hidden layer.
    pub hidden: &'a [usize],
    /// Nets that are averaged: they share the weights of hidden layers.
    pub members: usize,
    /// Tensors, in this order: periodic embeddings (a row per number: 16 frequencies, 16 phases,
    /// three times 16 mixtures, three constants), embeddings of levels (8 numbers per level),
    /// scales of the inputs (a row per member), then for each layer, the head last, its weights
    /// (inputs × outputs; of the head, for each member) and its biases (a row per member).
    ///
    /// The inputs are, for each number, itself and its three mixtures; the flags; the levels.
    pub tensors: &'a [Vec<f32>],
}

/// What a net's numbers mean.
pub struct OutputView<'a> {
    /// The numbers of the head of a net that has learned nothing.
    pub start: &'a [f32],
    /// A regression's prediction is the head's number times this …
    pub scale: f64,
    /// … plus this …
    pub center: f64,
    /// … clamped to this.
    pub range: (f64, f64),
}

impl NeuralNetModel {
    /// Its net; `None` for a constant.
    pub fn net(&self) -> Option<NetView<'_>> {
        self.body.as_ref().map(|body| NetView {
            columns: &body.columns,
            hidden: &body.shape.hidden,
            members: body.shape.members,
            tensors: &body.parameters,
        })
    }

    /// What its numbers mean.
    pub fn output(&self) -> OutputView<'_> {
        let (start, range) = (self.link.start.as_slice(), self.link.range());
        OutputView { start, scale: self.link.scale(), center: self.link.center(), range }
    }
}

impl Model for NeuralNetModel {
    fn predict(&self, x: &FeatureView<'_>, ctx: &Context) -> Result<Predictions> {
        if x.features.n_features() != self.n_features as usize {
            return Err(Error::input("the table does not have the columns of the model")
                .expected(format!("{} features", self.n_features))
                .got(x.features.n_features().to_string()));
        }
        let (n_rows, n_outputs) = (x.n_rows(), self.link.n_outputs());
        let Some(body) = &self.body else {
            let mut row = vec![0.0; n_outputs];
            self.link.add(|k| self.link.start[k], 1.0, &mut row);
            self.link.finish(&mut row);
            return Ok(Predictions::new(n_outputs, row.repeat(n_rows)));
        };
        let predict = || {
            let net = body.net();
            let inputs = convert(&body.columns, &net.shape, x.features, n_rows, |i| x.row(i));
            predict(net, &self.link, &inputs)
        };
        let values = if n_rows <= ROWS { predict() } else { ctx.install(predict) };
        Ok(Predictions::new(n_outputs, values))
    }

    fn rounds(&self) -> usize {
        self.epochs as usize
    }

    fn n_features(&self) -> usize {
        self.n_features as usize
    }

    fn validate(&self) -> Result<()> {
        let broken = |what: &str| Err(Error::input("the stored net is not sound").got(what));
        if !self.link.is_sound() {
            return broken("a target that cannot be");
        }
        let Some(body) = &self.body else { return Ok(()) };
        if body.columns.len() != self.n_features as usize {
            return broken("a number of features that does not fit its columns");
        }
        if body.is_sound(&self.link) { Ok(()) } else { broken("parameters that do not fit") }
    }
}
