//! What a model learned, how good it is, and how both are shown.
//!
//! | module | what it does |
//! |---|---|
//! | [`drift`] | whether columns are distributed as they were: measures, tests, choices |
//! | [`explain`] | Shapley values, profiles, counterfactuals and importances of raw columns |
//! | [`slices`] | groups of rows for which the model is worse |
//! | [`unusual`] | how unusual a row is, from what can be kept without keeping rows |
//! | [`report`] | a run's record as a page, Markdown, JSON or a card; a table's profile as a page |
//!
//! A report reads a [`modelwright_core::record::RunRecord`] and nothing else, so an old run can be
//! shown again without its model.

pub mod drift;
pub mod explain;
pub mod report;
pub mod slices;
pub mod unusual;

pub use report::card::{annex_iv, model_card, model_card_json};
pub use report::{
    audit_html, explanation_html, has_target, monitor_html, monitor_markdown, monitor_text,
    profile_html, profile_text, report_html, report_json, report_markdown,
};
