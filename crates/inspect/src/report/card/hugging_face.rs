//! A model card for the Hugging Face Hub: metadata in YAML, then Markdown.
//!
//! The order of the headings is that of the Hub's template (Mitchell et al., "Model Cards for Model
//! Reporting", FAT* 2019); the scores are repeated as `model-index` metadata, which the Hub shows.

use std::fmt::Write as _;

use modelwright_core::record::{Evaluation, RunRecord};
use modelwright_core::task::Task;

use super::{Sections, columns, name_of, output, question};
use crate::report::render::markdown::escape;
use crate::report::words;

/// The card of a run.
pub fn model_card(record: &RunRecord) -> String {
    let sections = Sections::of(record);
    let mut card = metadata(record);
    let _ = writeln!(card, "\n# Predicting {}\n", escape(&words::quoted(&record.task.target)));
    let _ = writeln!(card, "{}\n", escape(&sections.findings(&["decision"])));
    card.push_str("## Model Details\n\n");
    let _ = writeln!(
        card,
        "- **Made by:** Modelwright {}\n- **Made on:** {}\n- **Reads:** {}\n- **Answers:** {}\n",
        words::clean(&record.engine_version),
        words::day(&record.clock.created),
        escape(&columns(record)),
        escape(&output(record))
    );
    card.push_str("## Uses\n\n");
    card.push_str(&question("what the model is meant for, who uses it, and what it must not do."));
    card.push_str("## Bias, Risks, and Limitations\n\n");
    card.push_str(&sections.markdown(&["decision", "leakage", "fairness", "slices", "robustness"]));
    card.push_str("## How to Get Started with the Model\n\n");
    card.push_str(
        "```sh\nmodelwright predict model.mw new_rows.csv -o predictions.csv\n\
         modelwright inspect model.mw\n```\n\n",
    );
    card.push_str("## Training Details\n\n");
    card.push_str(&sections.markdown(&["source", "target", "alerts", "split", "plan"]));
    card.push_str("## Evaluation\n\n");
    card.push_str(&sections.markdown(&[
        "performance",
        "promise",
        "calibration",
        "confusion",
        "threshold",
        "costs",
        "residuals",
        "intervals",
    ]));
    card.push_str("## Model Examination\n\n");
    card.push_str(&sections.markdown(&["importance", "explanation"]));
    card.push_str("## Technical Specifications\n\n");
    card.push_str(&sections.markdown(&["ensemble", "leaderboard", "timing", "reproduce"]));
    card
}

/// The YAML head; strings are written as JSON, which YAML reads.
fn metadata(record: &RunRecord) -> String {
    let (pipeline, task) = match record.task.task {
        Task::Regression => ("tabular-regression", "Regression"),
        Task::Binary => ("tabular-classification", "Binary classification"),
        Task::Multiclass => ("tabular-classification", "Multiclass classification"),
    };
    let mut head = format!(
        "---\nlibrary_name: modelwright\npipeline_tag: {pipeline}\ntags:\n- tabular\n\
         - modelwright\n"
    );
    let Some(evaluation) = &record.evaluation else {
        head.push_str("---\n");
        return head;
    };
    let _ = write!(
        head,
        "model-index:\n- name: {}\n  results:\n  - task:\n      type: {pipeline}\n      \
         name: {}\n    dataset:\n      type: tabular\n      name: {}\n      split: {}\n    \
         metrics:\n",
        string(&name_of(record)),
        string(task),
        string(&record.data.name),
        string(&evaluation.on)
    );
    metrics(&mut head, evaluation);
    head.push_str("---\n");
    head
}

fn metrics(head: &mut String, evaluation: &Evaluation) {
    for metric in &evaluation.metrics {
        let Some(value) = metric.value.filter(|v| v.is_finite()) else { continue };
        let _ = write!(
            head,
            "    - type: {}\n      name: {}\n      value: {value}\n",
            metric.name,
            string(&words::metric_label(&metric.name))
        );
        if let Some(ci) = metric.ci95 {
            let _ = writeln!(head, "      args:\n        ci95: [{}, {}]", ci.low, ci.high);
        }
    }
}

/// A string in double quotes, without what would leave its line.
fn string(text: &str) -> String {
    serde_json::Value::from(words::clean(text)).to_string()
}
