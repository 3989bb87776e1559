//! Resampling: how uncertain a metric is, and what remains of a score after selection.
//!
//! All of it draws rows with replacement, within the classes of a classification target where their
//! mix was made so (*stratified*), or groups of rows that belong together, and expresses a resample
//! as row weights: a row drawn twice weighs 2. Metrics are prepared once and asked under every
//! weighting, so a resample costs one pass over the rows and no sorting.
//!
//! Resample `i` uses the random stream number `i`; blocks of resamples run in parallel and are
//! put together in order, so results do not depend on the number of threads.

mod bca;
mod bootstrap;
mod carried;
mod closed;
mod drawing;
mod ends;
mod moments;
pub mod permutation;
mod relabelled;
mod selection;
mod strata;
mod studentised;
mod tail;

#[cfg(test)]
pub(crate) use bca::corrected as bca_of;
pub use bootstrap::{
    bootstrap_interval, bootstrap_intervals, bootstrap_row_mean, n_resamples_for, work_rows,
};
pub(crate) use drawing::numbered;
pub use drawing::{Drawing, Mix};
pub use selection::{bootstrap_bias_corrected, corrected_score};
pub use tail::unseen_errors;

pub(crate) use bootstrap::{percentile_interval, spared};
pub(crate) use strata::Strata;

#[cfg(test)]
mod tests;
