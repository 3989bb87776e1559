//! From a raw table to the features that learners read.
//!
//! An [`EncodingSpec`] says, as data, which transformers write which kind of column. [`prepare()`]
//! applies it to the training table once: columns that do not see the target are written and
//! binned a single time and shared (reference-counted) by every fold and learner; those that do
//! are written per fold, cross-fitted. What was learned is a [`FittedEncoder`], which writes new
//! tables by the same code and is stored in the artifact.
//!
//! ```text
//! Table --conform--> column in its kind's storage --Transformer--> f32 columns --bins--> bytes
//!                       \-- derive (see [`crate::derive`]) --/
//! ```

pub mod bins;
mod conform;
mod derived;
mod encoder;
mod prepare;
mod row;
mod sort;
mod spec;
mod view;

pub use conform::conform;
pub use encoder::{ColumnEncoding, FittedEncoder};
pub use prepare::{PrepareInput, Prepared, prepare};
pub use row::RowFeatures;
pub use spec::{EncodingSpec, ONE_HOT_LEVELS_OF_TREES, Rule, Step};
pub use view::{PartView, SourceView};

#[cfg(test)]
mod tests;
