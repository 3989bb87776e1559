//! The number that names a category, as a number.
//!
//! A column of texts is converted by the runtime, which knows no words: a text that is neither
//! empty nor a number is an error there, where our own prediction takes it as missing.

use modelwright_core::Result;
use modelwright_preprocess::encode::PartView;
use modelwright_preprocess::transform::category_value::FittedCategoryValue;

use super::super::columns::Column;
use super::super::constant::texts;
use super::super::encoder::Piece;
use super::super::graph::Graph;
use super::super::proto::DataType;
use super::{fitted, no_number};

pub(super) fn write(
    graph: &mut Graph,
    column: &Column,
    part: &PartView<'_>,
) -> Option<Result<Piece>> {
    fitted::<FittedCategoryValue>(part)?;
    Some(match column {
        Column::NumberName(value) => Ok(Piece::Number(value.clone())),
        Column::Text(value) => {
            let missing = column.is_missing(graph);
            let none = graph.constant(texts(&["NaN"], &[]));
            let numbers = graph.choose(&missing, &none, value);
            Ok(Piece::Number(graph.cast(&numbers, DataType::Double)))
        }
        _ => Err(no_number()),
    })
}
