//! Rows that do not all fit in memory: what the last fit may learn from beyond the sample.
//!
//! A table that is larger than the memory allowed is read as a sample, on which everything is
//! decided: what is tried, how members are combined, what is tested. Boosters need no more of a row
//! than its bins, a byte for each feature, and those can be kept in a file. So where rows were left
//! out by memory alone, and there is time, the file is read once more, row by row, through the
//! encoders that the sample taught, and the boosters learn from all of its rows (`fit/whole_file`).
//! The rim, which knows files, implements [`AllRows`].

use std::fmt;
use std::sync::Arc;

use modelwright_core::data::{Schema, Store, Table};
use modelwright_core::params::ParamValue;
use modelwright_core::record::{DataSource, Options, PlannedTrial, Sample};
use modelwright_core::{Context, Result};

use crate::last_fit::LastFit;
use crate::own::Own;
use crate::parts::Parts;
use crate::{budget, capacity, fit};

/// Tables in the order of their rows.
pub type Tables = Box<dyn Iterator<Item = Result<Table>> + Send>;

/// All rows behind a sample, and a place outside of memory.
pub trait AllRows: fmt::Debug + Send + Sync {
    /// All rows in their order, in tables of at most `n_rows` rows, as `schema` says.
    ///
    /// # Errors
    /// Input error when they cannot be read.
    fn tables(&self, schema: &Schema, n_rows: usize, ctx: &Context) -> Result<Tables>;

    /// A place for bins, of which about `room` bytes are held in memory at a time.
    fn store(&self, room: u64) -> Arc<dyn Store>;
}

/// The most rows that a search works on where the last fit learns from all of them: members,
/// weights and rounds found on so many hold for more, and trials that get their rounds on a sample
/// tell more than those that are cut off on everything (progressive sampling; Provost, Jensen &
/// Oates, KDD 1999).
pub(crate) const N_ROWS_SEARCH: usize = 2_000_000;

/// Fewer rows than this many times those of the sample are not worth another look at the file.
pub(crate) const MORE_ROWS: f64 = 1.1;

/// Reading and binning the file takes about so many times what reading it took at first.
const READS: f64 = 3.0;

/// Rounds of a booster for which there must be time, and how much a round costs more than in
/// memory.
const ROUNDS_MIN: f64 = 100.0;
const OUT_OF_MEMORY: f64 = 1.5;

/// The part of the time left that both may take.
const TIME_SHARE: f64 = 0.5;

/// The file that the last fit reads again.
#[derive(Debug)]
pub(crate) struct WholeFile {
    pub rows: Arc<dyn AllRows>,
    /// How many there are, known targets or not.
    pub n_rows: usize,
    /// Seconds that reading them once more should take.
    pub read_s: f64,
}

/// Whether a trial's learner can learn from bins alone.
pub(crate) fn may_learn(planned: &PlannedTrial) -> bool {
    let has_linear_leaves = planned.params.get("linear_tree") == Some(&ParamValue::Flag(true));
    planned.learner == "gbdt" && !has_linear_leaves
}

/// What decides whether a file is read again.
pub(crate) struct Wish<'a> {
    pub source: &'a DataSource,
    pub options: &'a Options,
    pub own: &'a Own,
    /// Why training rows were left out that had been read.
    pub left_out_by: Option<&'static str>,
}

impl Wish<'_> {
    /// Whether a longer look at the file is wanted, and memory was all that was lacking.
    fn is_open(&self, n_train: usize) -> bool {
        let is_memory = self.left_out_by.is_none_or(|by| by == capacity::BY_MEMORY);
        let was_read = |sample: &Sample| sample.part_share >= 1.0 && sample.end.is_none();
        let is_sample = self.source.sample.is_some() || self.left_out_by.is_some();
        (is_sample || n_train > N_ROWS_SEARCH)
            && is_memory
            && self.source.sample.as_ref().is_none_or(was_read)
            && self.options.refit == fit::REFITS[0]
            && self.own.parts().is_empty()
    }
}

impl WholeFile {
    /// The file, if it has more rows than there was memory for, and there is time for them.
    ///
    /// `read_s` are the seconds that the first reading took.
    pub(crate) fn planned(
        rows: Option<Arc<dyn AllRows>>,
        wish: &Wish<'_>,
        (parts, n_features, read_s): (&Parts, usize, Option<f64>),
        ctx: &Context,
    ) -> Option<Self> {
        let n_train = parts.train.n_rows();
        let rows = rows.filter(|_| wish.is_open(n_train))?;
        let seen = wish.source.sample.as_ref().map(|sample| sample.n_rows_seen as usize);
        let n_rows = seen.unwrap_or(wish.source.n_rows);
        let is_more = n_rows as f64 >= MORE_ROWS * n_train.min(N_ROWS_SEARCH) as f64;
        if !is_more || u32::try_from(n_rows).is_err() {
            return None;
        }
        let n_outputs = parts.target.n_outputs();
        let cells = (n_rows * n_features * n_outputs) as f64;
        let round_s = budget::round_s(cells, n_outputs, ctx);
        let read_s = read_s.unwrap_or(0.0) * READS;
        let needed_s = read_s + ROUNDS_MIN * OUT_OF_MEMORY * round_s;
        let is_planned = ctx.decide("whole-file", || {
            let left = ctx.remaining().map(|left| left.as_secs_f64() * TIME_SHARE);
            u64::from(left.is_none_or(|left| needed_s < left))
        }) == 1;
        is_planned.then_some(Self { rows, n_rows, read_s })
    }

    /// How many times the rows of the search these are.
    pub(crate) fn ratio(&self, n_train: usize) -> f64 {
        self.n_rows as f64 / n_train.max(1) as f64
    }

    /// What a search on `n_train` rows, with the time of `ctx`, leaves for the last fit.
    pub(crate) fn last_fit(&self, n_train: usize, ctx: &Context) -> LastFit {
        LastFit::on_file(self.ratio(n_train), ctx)
    }

    /// What the plan says of it.
    pub(crate) fn note(&self) -> String {
        format!(
            "the search works on a sample; the last fit of boosters reads all {} rows of the file, \
             with bins outside of memory",
            self.n_rows
        )
    }
}
