//! automl: see ARCHITECTURE.md.
