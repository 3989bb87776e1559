//! What the examples share: arguments, tables, scores, and what work costs.

pub(crate) mod arguments;
pub(crate) mod cost;
pub(crate) mod quality;
pub(crate) mod table;
