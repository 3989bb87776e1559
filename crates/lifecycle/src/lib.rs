//! lifecycle: see ARCHITECTURE.md.
