//! OTLP as JSON: what its messages look like (opentelemetry-proto 1.x, "JSON Protobuf Encoding").
//!
//! Ids are hexadecimal, whole numbers of 64 bits are texts, enumerations are numbers.

use serde::Serialize;
use serde_json::{Value, json};

/// An attribute of a text.
pub(super) fn text(key: &str, value: &str) -> Value {
    json!({ "key": key, "value": { "stringValue": value } })
}

/// An attribute of a whole number.
pub(super) fn whole(key: &str, value: u64) -> Value {
    json!({ "key": key, "value": { "intValue": value.to_string() } })
}

/// Who tells.
pub(super) fn resource(attributes: &[(String, String)]) -> Value {
    json!({ "attributes": attributes.iter().map(|(k, v)| text(k, v)).collect::<Vec<_>>() })
}

/// What part of it tells.
pub(super) fn scope() -> Value {
    json!({ "name": "modelwright", "version": env!("CARGO_PKG_VERSION") })
}

/// A span on the wire.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct WireSpan<'a> {
    pub(super) trace_id: String,
    pub(super) span_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) parent_span_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) trace_state: Option<&'a str>,
    /// The flags of the trace, and that it is known whether the parent is of another process.
    pub(super) flags: u32,
    pub(super) name: String,
    pub(super) kind: u8,
    pub(super) start_time_unix_nano: String,
    pub(super) end_time_unix_nano: String,
    pub(super) attributes: Vec<Value>,
    pub(super) status: Value,
}

/// A counter that only grows.
pub(super) fn sum(name: &str, help: &str, points: &[Value]) -> Value {
    json!({ "name": name, "description": help,
            "sum": { "aggregationTemporality": 2, "isMonotonic": true, "dataPoints": points } })
}

/// A number that goes up and down.
pub(super) fn gauge(name: &str, help: &str, points: &[Value]) -> Value {
    json!({ "name": name, "description": help, "gauge": { "dataPoints": points } })
}
