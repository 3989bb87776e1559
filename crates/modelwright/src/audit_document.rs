//! An audit as the document that `modelwright audit --json`, the page and Python give.

use std::collections::BTreeMap;

use modelwright_core::record::{
    Disparity, FairnessRecord, GroupAudit, MetricValue, RobustnessRecord,
};
use serde_json::{Value, json};

/// The audit as JSON, by group and measure.
pub fn audit_document(record: &FairnessRecord, robust: &RobustnessRecord) -> Value {
    json!({
        "on": record.on,
        "n_rows": record.n_rows,
        "min_group": record.min_group,
        "interval_method": record.interval_method,
        "n_questions": record.n_questions,
        "audits": record.audits.iter().map(audit_json).collect::<Vec<_>>(),
        "held": record.held,
        "proxies": record.proxies,
        "robustness": robust,
    })
}

fn audit_json(audit: &GroupAudit) -> Value {
    let by_group: BTreeMap<&str, Value> = audit
        .groups
        .iter()
        .map(|g| {
            let own = json!({
                "n_rows": g.n_rows,
                "judged": g.is_judged,
                "measures": measures_json(&g.measures),
            });
            (g.name.as_str(), own)
        })
        .collect();
    let of = |all: &[Disparity], pick: fn(&Disparity) -> Value| -> BTreeMap<String, Value> {
        all.iter().map(|d| (d.name.clone(), pick(d))).collect()
    };
    json!({
        "columns": audit.columns,
        "positive": audit.positive,
        "note": audit.note,
        "judgement": audit.judgement,
        "verdict": audit.verdict,
        "overall": measures_json(&audit.overall),
        "by_group": by_group,
        "difference": of(&audit.disparities, disparity_json),
        "ratio": of(&audit.disparities, |d| json!(d.ratio)),
        "definitions": of(&audit.definitions, disparity_json),
    })
}

fn measures_json(measures: &[MetricValue]) -> BTreeMap<&str, Value> {
    let of = |m: &MetricValue| match &m.note {
        None => json!({ "value": m.value, "ci95": m.ci95.map(|i| [i.low, i.high]) }),
        Some(note) => json!({ "value": m.value, "ci95": null, "note": note }),
    };
    measures.iter().map(|m| (m.name.as_str(), of(m))).collect()
}

fn disparity_json(d: &Disparity) -> Value {
    // Groups that are all alike lie between no two of them.
    let is_pair = d.lowest != d.highest;
    let mut document = json!({
        "value": d.value,
        "ci95": d.ci95.map(|i| [i.low, i.high]),
        "p_value": d.p_value,
        "p_holm": d.p_holm,
        "lowest": d.lowest.as_ref().filter(|_| is_pair),
        "highest": d.highest.as_ref().filter(|_| is_pair),
    });
    if let Some(note) = &d.note {
        document["note"] = json!(note);
    }
    document
}
