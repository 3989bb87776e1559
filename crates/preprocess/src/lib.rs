//! What is in a table, what leaks, and as which numbers it enters a learner.
//!
//! [`sketch`] summarises columns in one mergeable pass; [`profile`] decides from that what each
//! column means and what deserves attention; [`leakage`] looks for the target among the features;
//! [`transform`] holds one transformer per file, listed in [`catalog`]; [`mod@derive`] makes
//! columns of several raw ones; [`encode`] applies all that once for all folds and learners.

pub mod catalog;
#[cfg(test)]
mod checks;
pub mod derive;
pub mod encode;
pub mod leakage;
pub mod profile;
pub mod sketch;
pub mod transform;
#[cfg(test)]
mod widths;

pub use encode::{EncodingSpec, FittedEncoder, PrepareInput, Prepared, prepare};
