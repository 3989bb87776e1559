//! The position of a level in a list.

use modelwright_core::Result;
use modelwright_preprocess::encode::PartView;
use modelwright_preprocess::transform::category_position::FittedCategoryPosition;

use super::super::columns::Column;
use super::super::encoder::Piece;
use super::super::graph::Graph;
use super::{fitted, table};

pub(super) fn write(
    graph: &mut Graph,
    column: &Column,
    part: &PartView<'_>,
) -> Option<Result<Piece>> {
    let own = fitted::<FittedCategoryPosition>(part)?;
    let levels = own.levels();
    let value = |level, _| {
        let is_unlisted = level == levels.other() && own.unlisted_is_missing();
        if level == levels.missing() || is_unlisted { f32::NAN } else { level as f32 }
    };
    Some(table::write(graph, column, levels, part.kept, value))
}
