//! Reports: a record in, a document of sections (plain data), rendered three ways.
//!
//! [`catalog::SECTIONS`] lists the sections in reading order; each builds a [`section::Section`]
//! (title, one-sentence finding, tables, charts, caveats) from the record, or nothing when it does
//! not apply. Renderers know blocks, never section names. The same record gives the same bytes.

mod audit;
pub mod card;
pub mod catalog;
pub mod chart;
mod explanation;
mod monitor;
pub(crate) mod number;
mod profile;
pub mod render;
pub mod section;
mod sections;
mod thresholds;
pub(crate) mod words;

#[cfg(test)]
mod canonical;
#[cfg(test)]
mod checks;

pub use audit::audit_html;
pub use explanation::explanation_html;
pub use monitor::{monitor_html, monitor_markdown, monitor_text};
pub(crate) use number::counted;
pub use profile::{profile_html, profile_text};

use modelwright_core::record::RunRecord;
use modelwright_learners::forest::ISOLATION_FOREST;
use section::Document;

/// The report as one self-contained HTML page: no network, light and dark.
pub fn report_html(record: &RunRecord) -> String {
    render::html::page(&document(record))
}

/// The report as Markdown, for pull requests and terminals.
pub fn report_markdown(record: &RunRecord) -> String {
    render::markdown::page(&document(record))
}

/// The report's sections as a JSON document, for machines.
pub fn report_json(record: &RunRecord) -> String {
    render::json::page(&document(record))
}

/// The report as data: every section of the catalog that applies to the record.
pub fn document(record: &RunRecord) -> Document {
    Document {
        kind: "Model report",
        title: format!("Predicting {}", words::quoted(&record.task.target)),
        subtitle: words::join([
            words::task_label(record.task.task).to_owned(),
            words::clean(&record.data.name),
            format!(
                "{} rows × {} columns",
                number::count(record.data.n_rows),
                number::count(record.data.n_columns)
            ),
            words::day(&record.clock.created),
            measured_on(record),
        ]),
        footer: format!(
            "Modelwright {} · record format {} · seed {}",
            words::clean(&record.engine_version),
            record.format_version,
            record.options.seed
        ),
        sections: catalog::SECTIONS.iter().filter_map(|entry| (entry.build)(record)).collect(),
    }
}

/// Whether the model was fitted to a target: an isolation forest learns without one, and nothing
/// can measure it.
pub fn has_target(record: &RunRecord) -> bool {
    record.options.single.as_ref().is_none_or(|one| one.learner != ISOLATION_FOREST)
}

/// The file whose rows tested the model, where it is one of its own.
fn measured_on(record: &RunRecord) -> String {
    let on = record.evaluation.as_ref().map(|e| e.on.as_str()).filter(|on| *on != "holdout");
    on.map_or(String::new(), |on| format!("measured on {}", words::clean(on)))
}
