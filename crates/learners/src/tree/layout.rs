//! Which columns stand side by side in a block.
//!
//! Blocks have columns of similar numbers of codes, so that their sums are as few as they can be,
//! but each block costs a pass over the rows of a leaf. Columns that nearly always have their usual
//! code make sparse blocks: a row is added to its unusual bins alone.

use modelwright_kernels::histogram::{MAX_PLACES, MAX_WIDTH, STRIDES, stride_for};
use rayon::prelude::*;

use super::bins::BinFeature;
use super::block::Block;
use super::dictionary::Column;

/// Columns of one stride that are too few for a pass over the rows of their own.
const FEW: usize = 6;
/// The most unusual bins per row, on average, of a column in a sparse block.
const MAX_DENSITY: f64 = 0.5;
/// Updates per row that sparse blocks must save: a row of unknown length costs about as many.
const LEAST_SAVED: f64 = 12.0;
/// Rows that are looked at to find how dense a column is.
const SAMPLE_ROWS: usize = 4096;

/// Blocks of all columns.
pub(super) fn blocks(features: &[BinFeature<'_>], columns: Vec<Column<'_>>) -> Vec<Block> {
    let (sparse, dense) = by_density(features, columns);
    let mut classes: [Vec<Column<'_>>; STRIDES.len()] = Default::default();
    for column in dense {
        let stride = stride_for(column.n_codes(features));
        classes[STRIDES.iter().position(|s| *s == stride).unwrap_or(0)].push(column);
    }
    for class in 0..STRIDES.len() {
        let larger = (class + 1..STRIDES.len()).find(|larger| !classes[*larger].is_empty());
        if let Some(larger) = larger.filter(|_| classes[class].len() < FEW) {
            let few = std::mem::take(&mut classes[class]);
            classes[larger].extend(few);
        }
    }
    // Features before codes of several, which are expanded in the same block.
    for class in &mut classes {
        class.sort_by_key(|column| matches!(column, Column::Joint(_)));
    }
    let dense = classes.into_iter().flat_map(in_widths).map(|run| (run, false));
    let sparse = in_rooms(features, sparse).into_iter().map(|run| (run, true));
    // Those of many features first: they take longest.
    let groups: Vec<(Vec<Column<'_>>, bool)> = sparse.chain(dense).collect();
    let block = |(run, is_sparse): (Vec<Column<'_>>, bool)| {
        if is_sparse { Block::sparse(features, &run) } else { Block::dense(features, &run) }
    };
    groups.into_par_iter().map(block).collect()
}

/// Runs of nearly equal length, none longer than a block is wide.
pub(super) fn in_widths<T>(columns: Vec<T>) -> Vec<Vec<T>> {
    let n_blocks = columns.len().div_ceil(MAX_WIDTH).max(1);
    let width = columns.len().div_ceil(n_blocks).max(1);
    let mut rest = columns.into_iter();
    let runs = std::iter::repeat_with(|| rest.by_ref().take(width).collect::<Vec<T>>());
    runs.take_while(|run| !run.is_empty()).collect()
}

/// The columns of sparse blocks, none where they would save too little, and the others.
fn by_density<'a>(
    features: &[BinFeature<'_>],
    columns: Vec<Column<'a>>,
) -> (Vec<Column<'a>>, Vec<Column<'a>>) {
    if columns.len() <= MAX_WIDTH {
        return (Vec::new(), columns);
    }
    let density = |column: &Column<'_>| {
        let fits = Room::of_block(features, *column).after(features, *column).is_some();
        if fits { density(features, *column) } else { f64::INFINITY }
    };
    let densities: Vec<f64> = columns.par_iter().map(density).collect();
    let is_sparse = |density: &f64| *density <= MAX_DENSITY;
    let saved: f64 = densities.iter().filter(|d| is_sparse(d)).map(|d| 1.0 - d).sum();
    if saved < LEAST_SAVED {
        return (Vec::new(), columns);
    }
    let mut densities = densities.into_iter();
    columns.into_iter().partition(|_| densities.next().is_some_and(|d| is_sparse(&d)))
}

/// How many of a column's members a row has in another bin than their usual one, on average.
fn density(features: &[BinFeature<'_>], column: Column<'_>) -> f64 {
    let codes = column.codes(features);
    let mut n_rows_of = vec![0_usize; column.n_codes(features)];
    for code in codes.iter().step_by((codes.len() / SAMPLE_ROWS).max(1)) {
        n_rows_of[usize::from(*code)] += 1;
    }
    let n: usize = n_rows_of.iter().sum();
    let unusual = |member: usize| {
        let mut n_rows = [0_usize; 256];
        for (code, n) in n_rows_of.iter().enumerate() {
            n_rows[usize::from(column.bin(code, member))] += n;
        }
        n - n_rows.iter().max().copied().unwrap_or(0)
    };
    (0..column.members().len()).map(unusual).sum::<usize>() as f64 / n.max(1) as f64
}

/// What a sparse block has room for.
#[derive(Debug, Clone, Copy)]
struct Room {
    /// Bins of its members: each is a place.
    bins: usize,
    /// Members: places of all rows together are counted in 32 bits.
    members: usize,
}

impl Room {
    /// The room of an empty block for columns as long as this one.
    fn of_block(features: &[BinFeature<'_>], column: Column<'_>) -> Self {
        let n_rows = column.codes(features).len().max(1);
        Self { bins: MAX_PLACES, members: u32::MAX as usize / n_rows }
    }

    /// What is left when a column is in; `None` when it does not fit.
    fn after(self, features: &[BinFeature<'_>], column: Column<'_>) -> Option<Self> {
        let members = column.members();
        let n_bins: usize = members.iter().map(|feature| features[*feature].n_bins()).sum();
        let bins = self.bins.checked_sub(n_bins)?;
        Some(Self { bins, members: self.members.checked_sub(members.len())? })
    }
}

/// Runs of columns that fit one sparse block; each column fits one alone.
fn in_rooms<'a>(features: &[BinFeature<'_>], columns: Vec<Column<'a>>) -> Vec<Vec<Column<'a>>> {
    let mut runs: Vec<Vec<Column<'a>>> = Vec::new();
    let mut room: Option<Room> = None;
    for column in columns {
        room = room.and_then(|room| room.after(features, column));
        if let (Some(run), Some(_)) = (runs.last_mut(), room) {
            run.push(column);
        } else {
            runs.push(vec![column]);
            room = Room::of_block(features, column).after(features, column);
        }
    }
    runs
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::*;

    const N_ROWS: usize = 1000;

    fn hash(i: usize) -> usize {
        i.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40
    }

    /// The number of members of each block, and whether it is one of dense columns: those have room
    /// for a power of two of bins each.
    fn laid_out(columns: &[Vec<u8>], n_cuts: usize) -> Vec<(usize, bool)> {
        let cuts = vec![0.5; n_cuts];
        let features: Vec<BinFeature<'_>> = (0..)
            .zip(columns)
            .map(|(index, codes)| {
                let codes = Cow::Borrowed(&**codes);
                BinFeature { index, codes, cuts: &cuts, is_category: false }
            })
            .collect();
        let all = (0..columns.len()).map(Column::Feature).collect();
        let is_dense = |block: &Block| block.len == block.members.len() * stride_for(n_cuts + 2);
        let blocks = blocks(&features, all);
        blocks.iter().map(|block| (block.members.len(), is_dense(block))).collect()
    }

    fn dense(f: usize) -> Vec<u8> {
        (0..N_ROWS).map(|r| (hash(r * 31 + f) % 30) as u8).collect()
    }

    /// One row in twenty is not at bin 4.
    fn rare(f: usize) -> Vec<u8> {
        (0..N_ROWS)
            .map(|r| if (r + f).is_multiple_of(20) { (hash(r + f) % 30) as u8 } else { 4 })
            .collect()
    }

    #[test]
    fn many_columns_with_a_usual_bin_make_a_sparse_block() {
        let columns: Vec<Vec<u8>> = (0..18).map(dense).chain((0..20).map(rare)).collect();
        assert_eq!(laid_out(&columns, 28), [(20, false), (9, true), (9, true)]);
        // A few of them, or a table that fits one block, are not worth it.
        let columns: Vec<Vec<u8>> = (0..14).map(dense).chain((0..10).map(rare)).collect();
        assert_eq!(laid_out(&columns, 28), [(12, true), (12, true)]);
        let columns: Vec<Vec<u8>> = (0..16).map(rare).collect();
        assert_eq!(laid_out(&columns, 28), [(16, true)]);
    }

    #[test]
    fn a_sparse_block_has_no_more_places_than_its_numbers_can_tell() {
        let columns: Vec<Vec<u8>> = (0..300).map(rare).collect();
        // 254 bins each: 258 of them fit.
        assert_eq!(laid_out(&columns, 252), [(258, false), (42, false)]);
    }
}
