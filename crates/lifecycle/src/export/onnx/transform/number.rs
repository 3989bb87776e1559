//! A number as it is, or less what its transformer subtracts.

use modelwright_core::Result;
use modelwright_preprocess::encode::PartView;
use modelwright_preprocess::transform::number::FittedNumber;

use super::super::columns::Column;
use super::super::encoder::Piece;
use super::super::graph::Graph;
use super::{fitted, no_number};

pub(super) fn write(
    graph: &mut Graph,
    column: &Column,
    part: &PartView<'_>,
) -> Option<Result<Piece>> {
    let center = fitted::<FittedNumber>(part)?.center();
    let Some(value) = column.number() else { return Some(Err(no_number())) };
    if center == 0.0 {
        return Some(Ok(Piece::Number(value.clone())));
    }
    let center = graph.f64(center);
    Some(Ok(Piece::Number(graph.op("Sub", &[value, &center]))))
}
