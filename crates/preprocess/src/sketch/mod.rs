//! Mergeable summaries of a column, made in one pass.
//!
//! A [`ColumnSketch`] bundles five summaries, one file each: [`Moments`], [`Quantiles`] (KLL),
//! [`Distinct`] (exact, then HyperLogLog), [`Frequent`] (heavy hitters) and [`Histogram`]. The
//! profile of a table is read off its [`TableSketch`], and the same object is stored in a model
//! as the reference that drift is measured against: it has enough to compute PSI, the
//! Kolmogorov–Smirnov distance and chi-squared without a single raw row.
//!
//! All summaries are fed from *sorted runs*: a block of rows is sorted once, and every summary
//! then sees each distinct value with its count. Sketches of blocks are merged in row order, and
//! the blocks depend on the number of rows alone, so the result does not depend on threads.
//! All types are plain data with serde; their layout is part of the artifact format.

mod column;
mod distinct;
mod frequent;
pub(crate) mod hash;
mod histogram;
mod moments;
mod quantiles;
mod runs;
mod table;
#[cfg(test)]
mod tests;

/// Sketches hold instants in seconds, columns in so many parts of one.
pub const MICROS: f64 = 1e6;

pub use column::{ColumnSketch, NumberSketch, TextSketch, ValueSketch};
pub use distinct::Distinct;
pub use frequent::{Frequent, Key};
pub use histogram::Histogram;
pub use moments::{Moments, n_outside};
pub use quantiles::Quantiles;
pub use table::TableSketch;
