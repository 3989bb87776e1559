//! preprocess: see ARCHITECTURE.md.
