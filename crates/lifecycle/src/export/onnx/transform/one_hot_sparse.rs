//! A sparse column per level: only which one it is.

use modelwright_core::Result;
use modelwright_preprocess::encode::PartView;
use modelwright_preprocess::transform::one_hot_sparse::FittedOneHotSparse;

use super::super::columns::Column;
use super::super::encoder::{Piece, SparseLevels};
use super::super::graph::Graph;
use super::fitted;

pub(super) fn write(
    graph: &mut Graph,
    column: &Column,
    part: &PartView<'_>,
) -> Option<Result<Piece>> {
    let levels = fitted::<FittedOneHotSparse>(part)?.levels();
    let codes = column.codes(graph, levels);
    Some(codes.map(|codes| Piece::Levels(SparseLevels { codes, n: levels.n_codes() })))
}
