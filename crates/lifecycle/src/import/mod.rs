//! Model files of other libraries, as values.
//!
//! A reader is a pure function from bytes to a [`ForeignModel`]: the trees, what their sum means,
//! and what is known of the features. Nothing is guessed: what a file does not say (the names of
//! the classes, the name of the target) is for the caller to add, and what cannot be kept exactly
//! is refused with a reason.
//!
//! | module | reads |
//! |---|---|
//! | [`lightgbm`] | LightGBM's text models, of every version that has them |
//!
//! Files are not trusted: every count is checked against the data that are there, so that memory
//! stays a small multiple of the file; every tree is proved to be one.

mod foreign;
#[cfg(test)]
mod golden;
pub mod lightgbm;
mod round;

pub use foreign::{Answer, ForeignFeature, ForeignModel, Levels, Reading};
