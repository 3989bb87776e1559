//! Renderers: a document in, text out. They know blocks, never section names.

pub mod html;
pub mod json;
pub mod markdown;
pub mod text;
