//! The Open Inference Protocol, version 2, over HTTP, with Triton's binary tensors.
//!
//! A model has one input per column, of shape `[N]` or `[N, 1]`; a single tensor `[N, F]` with the
//! values of all columns in the order of the metadata is taken too. Numbers are `FP64`, everything
//! else is `BYTES`; whatever type comes is taken by its value. Outputs are `prediction` (the label
//! as `BYTES`, or the value as `FP64`) and, for classes, `probabilities` `[N, K]` in `FP64`; with
//! the parameter `classification: n` these are the `n` most probable classes as texts.
//! Where a request names MLServer's codecs, inputs are decoded by them and outputs name theirs.
//!
//! Specification: `inference_rest.md` of the Open Inference Protocol, and Triton's
//! `extension_binary_data.md`.

mod binary;
mod codec;
pub(crate) mod describe;
mod extensions;
mod one_row;
mod request;
mod response;
mod tensor;
mod wanted;

pub(crate) use binary::{Binary, is_datatype};
pub(crate) use codec::{CONTENT_TYPE, Codec};
pub(crate) use extensions::{check_load, check_load_parameters, refuse_shared_memory};
pub(crate) use request::ON_ERROR;
pub(crate) use response::{Output, write_binary};
pub(crate) use tensor::{Tensor, Values};
pub(crate) use wanted::Wanted;

use modelwright_core::Context;
use modelwright_core::data::Table;

use super::answer::Outcome;
use super::quick;
use crate::ask::{Ask, Reply};
use crate::clock;
use crate::problem::Problem;

/// Says how long the JSON at the front of a body is, when binary tensors follow.
pub(crate) const HEADER_LENGTH: &str = "inference-header-content-length";

/// The only row of a request that wants nothing but its prediction.
pub(crate) fn lone_row(ask: &Ask) -> Option<Table> {
    let (json, tail) = request::split(ask).ok()?;
    if tail.is_empty()
        && let Some(row) = quick::lone_row(ask, |row| one_row::read(json, row, &mut None))
    {
        return Some(row);
    }
    lone_row_of(ask, &request::parse(json).ok()?.tensors(tail).ok()?)
}

/// The same of tensors.
pub(crate) fn lone_row_of(ask: &Ask, tensors: &[Tensor<'_>]) -> Option<Table> {
    quick::lone_row(ask, |row| tensor::read_one(tensors, row))
}

/// Answers `infer`.
pub(crate) fn infer(ask: &mut Ask, ctx: &Context) -> Result<Reply, Problem> {
    let (json, tail) = request::split(ask)?;
    if tail.is_empty() {
        let mut id = None;
        let outcome = quick::outcome(ask, ctx, |row| one_row::read(json, row, &mut id));
        if let Some(outcome) = outcome {
            let begun = clock::now();
            let reply = response::write_one(ask, id, &outcome);
            ask.model.stats.output_ns.add(clock::nanos(begun.elapsed()));
            return Ok(reply.of_rows(1));
        }
    }
    let begun = clock::now();
    let request = request::parse(json)?;
    if let Some(on_error) = request.on_error() {
        let text = on_error.as_str().map_or_else(|| on_error.to_string(), str::to_owned);
        ask.query.also(ON_ERROR, text);
    }
    let ask = &*ask;
    let (_, tail) = request::split(ask)?;
    let tensors = request.tensors(tail)?;
    let wanted = request.wanted(ask)?;
    ask.model.stats.input_ns.add(clock::nanos(begun.elapsed()));
    let outcome = outcome(ask, &tensors, ctx)?;
    let begun = clock::now();
    let reply = response::write(ask, &request, &wanted, &outcome);
    ask.model.stats.output_ns.add(clock::nanos(begun.elapsed()));
    Ok(reply.of_rows(outcome.batch.n_rows))
}

/// The predictions of the rows that tensors hold.
pub(crate) fn outcome(
    ask: &Ask,
    tensors: &[Tensor<'_>],
    ctx: &Context,
) -> Result<Outcome, Problem> {
    if let Some(outcome) = quick::outcome(ask, ctx, |row| tensor::read_one(tensors, row)) {
        return Ok(outcome);
    }
    let begun = clock::now();
    let batch = tensor::batch(ask, tensors)?;
    ask.model.stats.input_ns.add(clock::nanos(begun.elapsed()));
    Outcome::of(ask, batch, ctx)
}
