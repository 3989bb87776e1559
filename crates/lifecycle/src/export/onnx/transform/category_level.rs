//! The number of a level as a name.

use modelwright_core::Result;
use modelwright_preprocess::encode::PartView;
use modelwright_preprocess::transform::category_level::FittedCategoryLevel;

use super::super::columns::Column;
use super::super::encoder::Piece;
use super::super::graph::Graph;
use super::{fitted, table};

pub(super) fn write(
    graph: &mut Graph,
    column: &Column,
    part: &PartView<'_>,
) -> Option<Result<Piece>> {
    let levels = fitted::<FittedCategoryLevel>(part)?.levels();
    let value = |level, _| if level == levels.missing() { f32::NAN } else { level as f32 };
    Some(table::write(graph, column, levels, part.kept, value))
}
