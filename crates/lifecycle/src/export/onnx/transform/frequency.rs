//! The share of training rows with the same level.

use modelwright_core::Result;
use modelwright_preprocess::encode::PartView;
use modelwright_preprocess::transform::frequency::FittedFrequency;

use super::super::columns::Column;
use super::super::encoder::Piece;
use super::super::graph::Graph;
use super::{fitted, table};

pub(super) fn write(
    graph: &mut Graph,
    column: &Column,
    part: &PartView<'_>,
) -> Option<Result<Piece>> {
    let own = fitted::<FittedFrequency>(part)?;
    let value = |level: usize, _| own.shares()[level];
    Some(table::write(graph, column, own.levels(), part.kept, value))
}
