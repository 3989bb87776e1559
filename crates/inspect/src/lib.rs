//! inspect: see ARCHITECTURE.md.
