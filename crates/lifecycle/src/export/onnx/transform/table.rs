//! A row of features for each level: what most transformers of categories come to.

use modelwright_core::Result;
use modelwright_preprocess::transform::levels::Levels;

use super::super::columns::Column;
use super::super::constant::f32s;
use super::super::encoder::Piece;
use super::super::graph::{Graph, Value};

/// Features by the level of each row: `value(level, feature)` for the features at `kept`.
///
/// # Errors
/// Input error when the column has no levels.
pub(super) fn write(
    graph: &mut Graph,
    column: &Column,
    levels: &Levels,
    kept: &[u32],
    value: impl Fn(usize, usize) -> f32,
) -> Result<Piece> {
    let codes = column.codes(graph, levels)?;
    Ok(of_codes(graph, &codes, levels.n_codes(), kept, value))
}

/// The same by numbers of levels, int64 `[rows]`.
pub(super) fn of_codes(
    graph: &mut Graph,
    codes: &Value,
    n_codes: usize,
    kept: &[u32],
    value: impl Fn(usize, usize) -> f32,
) -> Piece {
    let value = &value;
    let rows = (0..n_codes).flat_map(|level| kept.iter().map(move |k| value(level, *k as usize)));
    let rows: Vec<f32> = rows.collect();
    let table = graph.constant(f32s(&rows, &[n_codes, kept.len()]));
    Piece::Table(graph.gather(&table, codes, 0), kept.len())
}
