//! A document as JSON: the sections as data, for machines.

use crate::report::section::Document;

/// The document, indented by two blanks.
pub fn page(document: &Document) -> String {
    // Strings, numbers and lists only: no map with a key that is not text, so it cannot fail.
    serde_json::to_string_pretty(document).expect("a document is plain data")
}
