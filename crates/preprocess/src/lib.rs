//! preprocess: see ARCHITECTURE.md.

pub mod leakage;
pub mod profile;
pub mod sketch;
pub mod catalog;
#[cfg(test)]
mod checks;
pub mod encode;
pub mod transform;

pub use encode::{EncodingSpec, FittedEncoder, PrepareInput, Prepared, prepare};
