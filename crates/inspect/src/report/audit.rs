//! An audit as a page of its own, for rows that came after the fit.

use modelwright_core::record::{FairnessRecord, RobustnessRecord};

use super::section::Document;
use super::sections::{fairness, robustness};
use super::{number, render, words};

/// The audit of a model on `record.on`, as one self-contained HTML page; `model` is its name.
pub fn audit_html(record: &FairnessRecord, robust: &RobustnessRecord, model: &str) -> String {
    render::html::page(&Document {
        kind: "Audit",
        title: format!("{} on {}", words::clean(model), words::clean(&record.on)),
        subtitle: number::rows(record.n_rows),
        footer: format!("Modelwright {}", env!("CARGO_PKG_VERSION")),
        sections: [Some(fairness::of(record)), robustness::of(robust)]
            .into_iter()
            .flatten()
            .collect(),
    })
}
