//! The features of a fitted encoder.
//!
//! Raw numbers are brought side by side before they are converted, so that a table of many columns
//! does not become a graph of as many operators.

use modelwright_core::Result;
use modelwright_preprocess::FittedEncoder;

use super::columns::{Column, Inputs};
use super::derived;
use super::graph::{Graph, Value};
use super::transform::{self, Scaled};

/// Features of the rows.
pub(super) struct Features {
    /// Single precision `[rows, n]`; `None` where there are none.
    pub(super) table: Option<Value>,
    /// How many there are.
    pub(super) n: usize,
    /// Levels of categories whose columns are sparse: one column of each block is 1.
    pub(super) levels: Vec<SparseLevels>,
}

/// A sparse block of a column per level.
pub(super) struct SparseLevels {
    /// The column that is 1, int64 `[rows]`.
    pub(super) codes: Value,
    /// How many columns the block has.
    pub(super) n: usize,
}

/// What a transformer writes, not yet beside that of its neighbours.
pub(super) enum Piece {
    /// Numbers that become features as they are, double `[rows, 1]`.
    Number(Value),
    /// Numbers to be scaled.
    Scaled(Scaled),
    /// Finished features, single precision `[rows, n]`.
    Table(Value, usize),
    /// Sparse features.
    Levels(SparseLevels),
}

/// Writes an encoder.
///
/// # Errors
/// Input error for a column that cannot be written in the format, with its name.
pub(super) fn write(
    graph: &mut Graph,
    encoder: &FittedEncoder,
    inputs: &Inputs,
) -> Result<Features> {
    let mut pieces = Vec::new();
    for source in encoder.source_views() {
        let column = match source.derived {
            None => inputs.column(graph, source.name, false)?,
            Some(derived) => {
                let of = |i: &u32| &encoder.derived_inputs()[*i as usize];
                let raw = derived.inputs().iter().map(of);
                let raw = raw.map(|raw| inputs.column(graph, &raw.name, raw.recast));
                let raw = raw.collect::<Result<Vec<Column>>>()?;
                derived::make(graph, derived, &raw)?
            }
        };
        for part in &source.parts {
            pieces.extend(transform::write(graph, source.name, &column, part)?);
        }
    }
    Ok(join(graph, pieces))
}

/// All pieces side by side; neighbours of one sort are finished together.
fn join(graph: &mut Graph, pieces: Vec<Piece>) -> Features {
    let (mut tables, mut levels) = (Vec::new(), Vec::new());
    let mut n = 0;
    let mut pieces = pieces.into_iter().peekable();
    while let Some(piece) = pieces.next() {
        let (table, width) = match piece {
            Piece::Table(table, width) => (table, width),
            Piece::Levels(block) => {
                levels.push(block);
                continue;
            }
            Piece::Number(first) => {
                let mut numbers = vec![first];
                while let Some(Piece::Number(next)) =
                    pieces.next_if(|p| matches!(p, Piece::Number(_)))
                {
                    numbers.push(next);
                }
                let together = graph.side_by_side(&numbers);
                (graph.saturated(&together), numbers.len())
            }
            Piece::Scaled(first) => {
                let mut scaled = vec![first];
                while let Some(Piece::Scaled(next)) =
                    pieces.next_if(|p| matches!(p, Piece::Scaled(_)))
                {
                    scaled.push(next);
                }
                transform::scaled_number::finish(graph, &scaled)
            }
        };
        tables.push(table);
        n += width;
    }
    let table = (!tables.is_empty()).then(|| graph.side_by_side(&tables));
    Features { table, n, levels }
}
