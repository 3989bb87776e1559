//! preprocess: see ARCHITECTURE.md.

pub mod leakage;
pub mod profile;
pub mod sketch;
