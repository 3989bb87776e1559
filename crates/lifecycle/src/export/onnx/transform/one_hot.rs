//! A column per level.

use modelwright_core::Result;
use modelwright_preprocess::encode::PartView;
use modelwright_preprocess::transform::one_hot::FittedOneHot;

use super::super::columns::Column;
use super::super::encoder::Piece;
use super::super::graph::Graph;
use super::{fitted, table};

pub(super) fn write(
    graph: &mut Graph,
    column: &Column,
    part: &PartView<'_>,
) -> Option<Result<Piece>> {
    let own = fitted::<FittedOneHot>(part)?;
    let value =
        |level: usize, feature: usize| f32::from(u8::from(own.shown()[feature] as usize == level));
    Some(table::write(graph, column, own.levels(), part.kept, value))
}
