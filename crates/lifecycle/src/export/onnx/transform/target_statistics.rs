//! The mean of the target per level, as it is for rows that were not learned from.

use modelwright_core::Result;
use modelwright_preprocess::encode::PartView;
use modelwright_preprocess::transform::target_statistics::FittedTargetStatistics;

use super::super::columns::Column;
use super::super::encoder::Piece;
use super::super::graph::Graph;
use super::{fitted, table};

pub(super) fn write(
    graph: &mut Graph,
    column: &Column,
    part: &PartView<'_>,
) -> Option<Result<Piece>> {
    let own = fitted::<FittedTargetStatistics>(part)?;
    let value = |level: usize, output: usize| own.statistics()[output][level];
    Some(table::write(graph, column, own.levels(), part.kept, value))
}
