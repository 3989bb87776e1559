//! Fitted transformers as operators, one file each.
//!
//! Those that write levels differ in one table alone: a row of features for each level, for other
//! values and for missing ones ([`table`]). Texts are not written: hashed n-grams and counts of
//! letters have no operator that does the same, and something similar would be another model.

mod boolean;
mod category_code;
mod category_level;
mod category_position;
mod category_value;
mod cut_number;
mod date_parts;
mod frequency;
mod number;
mod one_hot;
mod one_hot_sparse;
pub(super) mod scaled_number;
mod table;
mod target_statistics;

use std::any::Any;

use modelwright_core::{Error, Result};
use modelwright_preprocess::encode::PartView;

use super::columns::Column;
use super::encoder::Piece;
use super::graph::Graph;

pub(super) use scaled_number::Scaled;

/// Writes one form of transformer; `None` when the part is of another.
type Write = fn(&mut Graph, &Column, &PartView<'_>) -> Option<Result<Piece>>;

/// All that can be written.
const WRITERS: [Write; 13] = [
    number::write,
    scaled_number::write,
    boolean::write,
    category_code::write,
    category_level::write,
    category_position::write,
    category_value::write,
    cut_number::write,
    frequency::write,
    one_hot::write,
    one_hot_sparse::write,
    target_statistics::write,
    date_parts::write,
];

/// What a fitted transformer makes of a column; nothing where none of its features is used.
///
/// # Errors
/// Input error that names the column when the format has no operator for it.
pub(super) fn write(
    graph: &mut Graph,
    name: &str,
    column: &Column,
    part: &PartView<'_>,
) -> Result<Option<Piece>> {
    if part.kept.is_empty() && part.transformer.fitted.n_sparse() == 0 {
        return Ok(None);
    }
    for write in WRITERS {
        if let Some(piece) = write(graph, column, part) {
            return piece.map(Some);
        }
    }
    Err(Error::input("ONNX has no operators for what the model reads of this column")
        .at("--format onnx")
        .column(name)
        .got(part.transformer.spec.title.to_lowercase())
        .hint("fit without the column (--exclude), or use `modelwright serve` or `predict`"))
}

/// The fitted transformer, if it is of this type.
fn fitted<'a, T: Any>(part: &PartView<'a>) -> Option<&'a T> {
    (part.transformer.fitted.as_ref() as &dyn Any).downcast_ref()
}

/// What a column that is no number is answered with.
fn no_number() -> Error {
    Error::work("a transformer of numbers reads another column")
}
