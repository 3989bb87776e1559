//! An explanation as a page of its own.

use modelwright_core::record::ExplanationRecord;

use super::section::Document;
use super::sections::{explanation, response};
use super::{number, render, words};
use crate::explain::ColumnProfile;

/// An explanation of the rows of `data` as one self-contained HTML page; `target` is what the model
/// predicts, `responses` are profiles whose curves of rows are shown, too.
pub fn explanation_html(
    found: &ExplanationRecord,
    responses: &[ColumnProfile],
    target: &str,
    data: &str,
) -> String {
    render::html::page(&Document {
        kind: "Explanation",
        title: format!("Why {} is predicted so", words::quoted(target)),
        subtitle: words::join([
            words::clean(data),
            number::rows(found.n_rows),
            number::counted(found.effects.len(), "column", "columns"),
        ]),
        footer: format!("Modelwright {}", env!("CARGO_PKG_VERSION")),
        sections: explanation::of(found).into_iter().chain(response::of(responses)).collect(),
    })
}
