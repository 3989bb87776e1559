//! The rows of a fit, their bins, and the blocks in which histograms read them; the draw of a bag.
//!
//! Rows to learn from and rows to stop by stand in one table, in row order, so that a step is added
//! to the scores of both in one pass. Rows without weight are left out.

use modelwright_core::data::TrainView;
use modelwright_core::random::Random;
use modelwright_core::task::Task;
use modelwright_core::{Error, Result};
use modelwright_kernels::histogram::{BinBlock, MAX_WIDTH, stride_for};

use super::EbmParams;
use crate::tree::Constraints;
use crate::tree::bins::{BinFeature, features_of};

/// Below this many rows none are held out: a handful cannot judge.
const FEWEST_TO_HOLD_OUT: usize = 20;

/// Rows, bins and blocks.
pub(super) struct Table<'a> {
    /// Matrix rows, ascending.
    pub(super) rows: Vec<u32>,
    /// Positions in `rows` of those to learn from.
    pub(super) learn: Vec<u32>,
    /// Positions in `rows` of those that are given to stop by.
    pub(super) judge: Vec<u32>,
    /// The features that are not constant, with the bins of `rows`.
    pub(super) features: Vec<BinFeature<'a>>,
    /// -1, 0 or 1 for each of them.
    pub(super) directions: Vec<i8>,
    pub(super) blocks: Vec<TermBlock>,
}

/// Features side by side.
pub(super) struct TermBlock {
    pub(super) bins: BinBlock,
    /// Positions in [`Table::features`].
    pub(super) members: Vec<usize>,
}

impl<'a> Table<'a> {
    /// The table of a training view.
    ///
    /// # Errors
    /// Input error when there are no rows, a column has no bins, or a direction cannot be obeyed.
    pub(super) fn new(train: &TrainView<'a>, params: &EbmParams) -> Result<Self> {
        // As losses see it: a weight that is 0 in single precision is none.
        let counts = |row: &&u32| train.weight(**row) as f32 != 0.0;
        let of = |rows: &'a [u32], judges: bool| {
            rows.iter().filter(counts).map(move |row| (*row, judges))
        };
        let mut all: Vec<(u32, bool)> =
            of(train.rows, false).chain(of(train.validation, true)).collect();
        all.sort_unstable();
        let place = |judges: bool| -> Vec<u32> {
            (0..all.len() as u32).filter(|at| all[*at as usize].1 == judges).collect()
        };
        let (learn, judge) = (place(false), place(true));
        if learn.is_empty() {
            return Err(Error::input("ebm has no rows to learn from")
                .expected("at least one row with a positive weight")
                .got(format!("{} rows", train.rows.len())));
        }
        let constraints = Constraints::parse(&params.monotone, "", train.features)?;
        if constraints.is_monotone() && train.target.task() == Task::Multiclass {
            return Err(Error::input("parameter `monotone` of ebm does not fit the task")
                .expected("a regression, or two classes")
                .got("several classes, whose probabilities cannot all rise"));
        }
        let rows: Vec<u32> = all.iter().map(|(row, _)| *row).collect();
        let features = features_of(train.features, &rows)?;
        let directions = features.iter().map(|f| constraints.direction(f.index as usize)).collect();
        Ok(Self { rows, learn, judge, blocks: blocks(&features), features, directions })
    }

    /// The matrix rows at some positions.
    pub(super) fn matrix_rows(&self, positions: &[u32]) -> Vec<u32> {
        positions.iter().map(|at| self.rows[*at as usize]).collect()
    }

    /// How many of the given rows each bin of a feature has.
    pub(super) fn counts(&self, feature: usize, positions: &[u32]) -> [u32; 256] {
        let mut counts = [0; 256];
        for at in positions {
            counts[usize::from(self.features[feature].codes[*at as usize])] += 1;
        }
        counts
    }
}

/// Features of similar numbers of bins share a block.
fn blocks(features: &[BinFeature<'_>]) -> Vec<TermBlock> {
    let mut order: Vec<usize> = (0..features.len()).collect();
    order.sort_by_key(|f| stride_for(features[*f].n_bins()));
    let alike = order
        .chunk_by(|a, b| stride_for(features[*a].n_bins()) == stride_for(features[*b].n_bins()));
    let groups = alike.flat_map(|same| {
        let n_blocks = same.len().div_ceil(MAX_WIDTH);
        same.chunks(same.len().div_ceil(n_blocks))
    });
    let block = |members: &[usize]| {
        let columns: Vec<&[u8]> = members.iter().map(|f| &*features[*f].codes).collect();
        let stride = stride_for(features[members[0]].n_bins());
        TermBlock { bins: BinBlock::from_columns(&columns, stride), members: members.to_vec() }
    };
    groups.map(block).collect()
}

/// The rows of a bag, as positions in [`Table::rows`].
pub(super) struct Bag {
    /// Rows that steps follow from.
    pub(super) learn: Vec<u32>,
    /// Rows that decide when to stop; none where there are too few.
    pub(super) judge: Vec<u32>,
}

impl Bag {
    /// Draws `share` of the rows of each class to be left out; with rows given to stop by, those
    /// judge, else the rows left out.
    pub(super) fn draw(
        table: &Table<'_>,
        train: &TrainView<'_>,
        share: f64,
        random: &mut Random,
    ) -> Self {
        if table.learn.len() < FEWEST_TO_HOLD_OUT {
            return Self { learn: table.learn.clone(), judge: table.judge.clone() };
        }
        let mut left_out = vec![false; table.rows.len()];
        for stratum in strata(table, train) {
            let wanted = (stratum.len() as f64 * share).round() as usize;
            for chosen in random.sample(stratum.len(), wanted) {
                left_out[stratum[chosen as usize] as usize] = true;
            }
        }
        let (out, learn): (Vec<u32>, Vec<u32>) =
            table.learn.iter().partition(|at| left_out[**at as usize]);
        let judge = if table.judge.is_empty() { out } else { table.judge.clone() };
        Self { learn, judge }
    }
}

/// The rows to learn from, by class.
fn strata(table: &Table<'_>, train: &TrainView<'_>) -> Vec<Vec<u32>> {
    let Some(codes) = train.target.codes() else { return vec![table.learn.clone()] };
    let mut strata = vec![Vec::new(); train.target.n_outputs().max(2)];
    for at in &table.learn {
        strata[codes[table.rows[*at as usize] as usize] as usize].push(*at);
    }
    strata
}
