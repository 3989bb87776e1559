//! What a server tells others while it runs: traces and metrics by OpenTelemetry's protocol.
//!
//! A request leaves a span in a bounded queue and goes on; a thread of its own sends batches as
//! JSON over HTTP (OTLP/HTTP, `/v1/traces` and `/v1/metrics`). What there is no room for, or what
//! the other side does not take, is lost and counted.

mod exporter;
mod metrics;
mod shape;
mod trace;

pub use exporter::TelemetrySettings;
pub(crate) use exporter::{Span, Telemetry};
pub(crate) use trace::TraceIds;
