//! What the examples share: arguments, tables, scores, and what work costs.
#![allow(dead_code, reason = "each example uses a part of it")]

pub(crate) mod arguments;
pub(crate) mod cost;
pub(crate) mod prediction;
pub(crate) mod quality;
pub(crate) mod table;
