//! The fields of Google's Model Card Toolkit (schema 0.0.2), as JSON.

use modelwright_core::record::RunRecord;
use serde_json::{Value, json};

use super::{Sections, columns, name_of, output};
use crate::report::words;

/// The card of a run; numbers are strings, as the schema has them.
pub fn model_card_json(record: &RunRecord) -> String {
    let sections = Sections::of(record);
    let decision = sections.get("decision");
    let caveats = decision.into_iter().flat_map(|s| s.blocks.iter());
    let limitations: Vec<Value> = caveats
        .filter_map(|block| match block {
            crate::report::section::Block::List { title, items } if title.contains("wrong") => {
                Some(items)
            }
            _ => None,
        })
        .flatten()
        .map(|text| json!({ "description": text }))
        .collect();
    let members: Vec<String> = record.ensemble.members.iter().map(|m| m.trial.clone()).collect();
    let card = json!({
        "schema_version": "0.0.2",
        "model_details": {
            "name": name_of(record),
            "overview": sections.findings(&["decision"]),
            "documentation": sections.findings(&["performance", "ensemble", "importance"]),
            "version": {
                "name": words::clean(&record.engine_version),
                "date": words::day(&record.clock.created),
            },
            "owners": [],
            "licenses": [],
        },
        "model_parameters": {
            "model_architecture": format!("weighted mean of {}", members.join(", ")),
            "data": [data(record)],
            "input_format": columns(record),
            "output_format": output(record),
        },
        "quantitative_analysis": { "performance_metrics": metrics(record) },
        "considerations": {
            "users": [],
            "use_cases": [],
            "limitations": limitations,
            "ethical_considerations": [],
        },
    });
    format!("{card:#}\n")
}

fn data(record: &RunRecord) -> Value {
    json!({
        "name": words::clean(&record.data.name),
        "description": format!(
            "{} rows, {} columns, SHA-256 {}",
            record.data.n_rows, record.data.n_columns, record.data.sha256
        ),
        "sensitive": { "sensitive_data": record.options.sensitive },
    })
}

fn metrics(record: &RunRecord) -> Vec<Value> {
    let Some(evaluation) = &record.evaluation else { return Vec::new() };
    let measured = evaluation.metrics.iter().filter_map(|metric| {
        let mut entry = json!({
            "type": metric.name,
            "value": metric.value?.to_string(),
            "slice": evaluation.on,
        });
        if let Some(ci) = metric.ci95 {
            entry["confidence_interval"] = json!({
                "lower_bound": ci.low.to_string(),
                "upper_bound": ci.high.to_string(),
            });
        }
        Some(entry)
    });
    measured.collect()
}
