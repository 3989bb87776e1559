//! What a model learned, how good it is, and how both are shown.
//!
//! | module | what it does |
//! |---|---|
//! | [`drift`] | whether columns are distributed as they were: measures, tests, choices |
//! | [`explain`] | permutation importance of the raw columns; the picture of a tree |
//! | [`report`] | a run's record as an HTML page, Markdown or JSON; a table's profile as a page |
//!
//! A report reads a [`modelwright_core::record::RunRecord`] and nothing else, so an old run can be
//! shown again without its model.

pub mod drift;
pub mod explain;
pub mod report;

pub use report::{
    monitor_html, monitor_markdown, monitor_text, profile_html, profile_text, report_html,
    report_json, report_markdown,
};
