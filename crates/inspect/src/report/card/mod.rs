//! Cards: the account of a run in the forms that hubs, registers and authorities ask for.
//!
//! Each is made of the same sections as the report, in another order and under other headings; what
//! a run cannot know (who answers for the model, what it is meant for) is left as a marked question
//! instead of being made up.

mod annex_iv;
mod hugging_face;
mod toolkit;

pub use annex_iv::annex_iv;
pub use hugging_face::model_card;
pub use toolkit::model_card_json;

use modelwright_core::record::RunRecord;

use super::section::{Document, Section};
use super::{document, number, render, words};

/// The report's sections, to be taken by name.
struct Sections(Document);

impl Sections {
    fn of(record: &RunRecord) -> Self {
        Self(document(record))
    }

    fn get(&self, id: &str) -> Option<&Section> {
        self.0.sections.iter().find(|s| s.id == id)
    }

    /// The named sections that the record has, as Markdown one level below the headings of a card.
    fn markdown(&self, ids: &[&str]) -> String {
        let mut all = String::new();
        for section in ids.iter().filter_map(|id| self.get(id)) {
            all.push('#');
            all.push_str(&render::markdown::section(section));
            all.push('\n');
        }
        all
    }

    /// The findings of the named sections, in one paragraph.
    fn findings(&self, ids: &[&str]) -> String {
        let findings: Vec<&str> =
            ids.iter().filter_map(|id| self.get(id)).map(|s| s.finding.as_str()).collect();
        findings.join(" ")
    }
}

/// What only a person can say.
fn question(text: &str) -> String {
    format!("> **To be stated:** {text}\n\n")
}

/// A name for the model, fit for a file or a hub.
fn name_of(record: &RunRecord) -> String {
    let fit = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    let name: String = record.task.target.chars().map(fit).collect();
    let parts: Vec<&str> = name.split('-').filter(|p| !p.is_empty()).collect();
    if parts.is_empty() { "model".to_owned() } else { format!("predicting-{}", parts.join("-")) }
}

/// The columns that the model reads, with their kinds.
fn columns(record: &RunRecord) -> String {
    let target = &record.task.target;
    let fields = record.schema.fields.iter().filter(|f| f.kind.is_usable() && f.name != *target);
    let listed: Vec<String> = fields
        .map(|f| format!("{} ({})", words::quoted(&f.name), words::kind_label(f.kind)))
        .collect();
    listed.join(", ")
}

/// How the model answers.
fn output(record: &RunRecord) -> String {
    match record.task.classes.as_slice() {
        [] => format!("a number: {}", words::quoted(&record.task.target)),
        classes => format!(
            "one of {} and a probability for each: {}",
            number::counted(classes.len(), "class", "classes"),
            words::quoted_list(classes)
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::canonical;

    #[test]
    fn every_record_has_every_card() {
        for (name, record) in canonical::all() {
            let card = model_card(&record);
            assert!(card.starts_with("---\n"), "{name}");
            assert!(card.contains("\n---\n"), "{name}");
            let json: serde_json::Value = serde_json::from_str(&model_card_json(&record)).unwrap();
            assert!(json["model_details"]["name"].is_string(), "{name}");
            let annex = annex_iv(&record);
            for n in 1..=9 {
                assert!(annex.contains(&format!("\n## {n}. ")), "{name} lacks part {n}");
            }
            for text in [card, annex] {
                assert!(!text.contains("NaN") && !text.contains("Some("), "{name}");
            }
        }
    }

    #[test]
    fn the_metadata_hold_what_was_measured() {
        let record = canonical::binary();
        let card = model_card(&record);
        let head = card.split("\n---\n").next().unwrap();
        assert!(head.contains("pipeline_tag: tabular-classification"), "{head}");
        assert!(head.contains("type: roc_auc"), "{head}");
        let value = record.evaluation.as_ref().unwrap().metrics[0].value.unwrap();
        assert!(head.contains(&format!("value: {value}")), "{head}");
        let json: serde_json::Value = serde_json::from_str(&model_card_json(&record)).unwrap();
        let first = &json["quantitative_analysis"]["performance_metrics"][0];
        assert_eq!(first["type"], "roc_auc");
        assert_eq!(first["value"], value.to_string());
    }

    #[test]
    fn hostile_names_stay_text_in_cards() {
        let record = canonical::hostile();
        let card = model_card(&record);
        let head = card.split("\n---\n").next().unwrap();
        assert!(head.lines().all(|l| !l.starts_with("<script")), "{head}");
        assert!(!name_of(&record).contains(['<', '/', '\n', ' ']));
    }
}
