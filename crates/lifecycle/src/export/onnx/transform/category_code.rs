//! The number of a level, most frequent first.

use modelwright_core::Result;
use modelwright_preprocess::encode::PartView;
use modelwright_preprocess::transform::category_code::FittedCategoryCode;

use super::super::columns::Column;
use super::super::encoder::Piece;
use super::super::graph::Graph;
use super::{fitted, table};

pub(super) fn write(
    graph: &mut Graph,
    column: &Column,
    part: &PartView<'_>,
) -> Option<Result<Piece>> {
    let levels = fitted::<FittedCategoryCode>(part)?.levels();
    let value = |level, _| if level == levels.missing() { f32::NAN } else { level as f32 };
    Some(table::write(graph, column, levels, part.kept, value))
}
