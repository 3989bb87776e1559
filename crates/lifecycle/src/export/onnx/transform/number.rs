//! A number as it is.

use modelwright_core::Result;
use modelwright_preprocess::encode::PartView;
use modelwright_preprocess::transform::number::FittedNumber;

use super::super::columns::Column;
use super::super::encoder::Piece;
use super::super::graph::Graph;
use super::{fitted, no_number};

pub(super) fn write(_: &mut Graph, column: &Column, part: &PartView<'_>) -> Option<Result<Piece>> {
    fitted::<FittedNumber>(part)?;
    Some(column.number().cloned().map(Piece::Number).ok_or_else(no_number))
}
