//! Mergeable summaries of a column in one pass.
