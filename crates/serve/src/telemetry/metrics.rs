//! The counters of `/metrics` as OTLP has them: sums since the start, and a histogram of times.

use serde_json::{Value, json};

use super::shape::{gauge, resource, scope, sum, text};
use crate::app::App;
use crate::clock;
use crate::model::Entry;
use crate::stats::LATENCY_ENDS_US;
use crate::wire::prometheus::MODEL_COUNTERS;

/// All metrics as an export request.
pub(super) fn request(app: &App, attributes: &[(String, String)]) -> Value {
    let state = app.hub.state();
    let entries: Vec<(&String, &Entry)> = state.entries.iter().collect();
    let start = ((app.started * 1e9) as u64).to_string();
    let now = (clock::unix_micros().unsigned_abs() * 1000).to_string();
    let point = |value: u64, attributes: Vec<Value>| {
        json!({ "attributes": attributes, "startTimeUnixNano": start, "timeUnixNano": now,
                "asInt": value.to_string() })
    };
    let mut metrics = Vec::new();
    for (name, help, value) in MODEL_COUNTERS {
        // Those under the names of others say the same once more.
        let Some(name) = name.strip_prefix("modelwright_") else { continue };
        let name = format!("modelwright.{}", name.strip_suffix("_total").unwrap_or(name));
        let of_model = |(model, entry): &(&String, &Entry)| {
            let version = entry.current().map_or(0, |model| model.version).to_string();
            let labels = vec![text("model", model), text("model.version", &version)];
            point(value(&entry.stats), labels)
        };
        let points: Vec<Value> = entries.iter().map(of_model).collect();
        metrics.push(sum(&name, help, &points));
    }
    metrics.push(times(&entries, &start, &now));
    let stats = &app.stats;
    let classes = stats.by_status.iter().enumerate();
    let by_status = classes.map(|(class, count)| {
        point(count.get(), vec![text("status", &format!("{}xx", class + 1))])
    });
    let by_status: Vec<Value> = by_status.collect();
    metrics.push(sum("modelwright.http.responses", "Answers by status", &by_status));
    let by_reason: Vec<Value> =
        [("rate", &stats.n_too_often), ("at_once", &stats.n_too_many_at_once)]
            .map(|(reason, count)| point(count.get(), vec![text("reason", reason)]))
            .to_vec();
    let help = "Requests whose key had asked for too much";
    metrics.push(sum("modelwright.key.refusals", help, &by_reason));
    for (name, help, count) in [
        ("modelwright.overload", "Requests told to come back later", &stats.n_overload),
        ("modelwright.spans.lost", "Spans that nobody took", &stats.n_spans_lost),
    ] {
        metrics.push(sum(name, help, &[point(count.get(), Vec::new())]));
    }
    for (name, help, count) in [
        ("modelwright.requests.in_flight", "Requests being answered", &stats.n_in_flight),
        ("modelwright.connections", "Open connections", &stats.n_connections),
    ] {
        metrics.push(gauge(name, help, &[point(count.get(), Vec::new())]));
    }
    let scoped = json!({ "scope": scope(), "metrics": metrics });
    json!({ "resourceMetrics": [{ "resource": resource(attributes), "scopeMetrics": [scoped] }] })
}

/// How long requests took, by model.
fn times(entries: &[(&String, &Entry)], start: &str, now: &str) -> Value {
    let bounds: Vec<f64> = LATENCY_ENDS_US.iter().map(|us| *us as f64 / 1e6).collect();
    let points = entries.iter().map(|(model, entry)| {
        let cumulative = entry.stats.latency.cumulative();
        let mut before = 0;
        let counts = cumulative.iter().map(|all| {
            let own = all - before;
            before = *all;
            own.to_string()
        });
        let counts: Vec<String> = counts.collect();
        json!({
            "attributes": [text("model", model)], "startTimeUnixNano": start, "timeUnixNano": now,
            "count": cumulative[cumulative.len() - 1].to_string(),
            "sum": entry.stats.latency.sum_s(),
            "bucketCounts": counts, "explicitBounds": bounds,
        })
    });
    let points: Vec<Value> = points.collect();
    json!({ "name": "modelwright.request.duration", "unit": "s",
            "description": "From the head of a request to its answer",
            "histogram": { "aggregationTemporality": 2, "dataPoints": points } })
}
