//! Metrics as Prometheus reads them: Triton's names, for which dashboards exist, KServe's, ours.

use std::fmt::Write;

use super::prometheus_drift;
use crate::app::App;
use crate::model::{Entry, State};
use crate::stats::{Count, Histogram, LATENCY_ENDS_US, Stats};

/// The media type of Prometheus' text format.
pub(crate) const MEDIA_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Counters of a model: name, help, and where it is counted; of times in microseconds.
pub(crate) type ModelCounter = (&'static str, &'static str, fn(&Stats) -> u64);

pub(crate) const MODEL_COUNTERS: [ModelCounter; 23] = [
    ("nv_inference_request_success", "Requests that got predictions", |s| s.n_success.get()),
    ("nv_inference_request_failure", "Requests that did not", |s| s.n_failure.get()),
    ("nv_inference_count", "Rows predicted", |s| s.n_rows.get()),
    ("nv_inference_exec_count", "Calls of the model", |s| s.n_executions.get()),
    ("nv_inference_request_duration_us", "Time of whole requests", |s| us(&s.request_ns)),
    ("nv_inference_queue_duration_us", "Time spent waiting for a thread", |s| us(&s.queue_ns)),
    ("nv_inference_compute_input_duration_us", "Time spent reading rows", |s| us(&s.input_ns)),
    ("nv_inference_compute_infer_duration_us", "Time spent in the model", |s| us(&s.infer_ns)),
    ("nv_inference_compute_output_duration_us", "Time spent writing answers", |s| us(&s.output_ns)),
    ("modelwright_rows_total", "Rows predicted", |s| s.n_rows.get()),
    ("modelwright_quick_requests_total", "Single rows that went the quick way", |s| {
        s.n_quick.get()
    }),
    ("modelwright_gathered_rows_total", "Single rows predicted together with others", |s| {
        s.n_gathered.get()
    }),
    ("modelwright_rows_refused_total", "Rows refused while others were answered", |s| {
        s.n_rows_refused.get()
    }),
    ("modelwright_unusual_values_total", "Values unlike those of training", |s| s.n_unusual.get()),
    ("modelwright_given_up_total", "Work stopped as its client left or its time was over", |s| {
        s.n_given_up.get()
    }),
    ("modelwright_rows_explained_total", "Rows that got reasons", |s| s.n_explained.get()),
    ("modelwright_explain_duration_us", "Time spent explaining", |s| us(&s.explain_ns)),
    ("modelwright_model_loads_total", "Models loaded under this name", |s| s.n_loads.get()),
    ("modelwright_model_load_failures_total", "Files that were no sound model", |s| {
        s.n_load_failures.get()
    }),
    ("modelwright_shadow_rows_total", "Rows that a version in the shadow predicted too", |s| {
        s.shadow.n_rows.get()
    }),
    ("modelwright_shadow_other_labels_total", "Rows of these with another label", |s| {
        s.shadow.n_other_label.get()
    }),
    ("modelwright_shadow_difference_ppm_total", "Their differences, in millionths", |s| {
        s.shadow.difference_ppm.get()
    }),
    ("modelwright_shadow_failures_total", "Requests that the shadow did not answer", |s| {
        s.shadow.n_failed.get()
    }),
];

fn us(ns: &Count) -> u64 {
    ns.get() / 1000
}

/// All metrics, of models those of a state.
pub(crate) fn text(app: &App, state: &State) -> String {
    let entries: Vec<(&String, &Entry)> = state.entries.iter().collect();
    let mut out = String::new();
    for (name, help, value) in MODEL_COUNTERS {
        head(&mut out, name, help, "counter");
        for (model, entry) in &entries {
            line(&mut out, name, &labels(model, entry), value(&entry.stats));
        }
    }
    for name in ["modelwright_request_seconds", "request_predict_seconds"] {
        head(&mut out, name, "Time from the head of a request to its answer", "histogram");
        for (model, entry) in &entries {
            let label = if name.starts_with("modelwright") { "model" } else { "model_name" };
            histogram(&mut out, name, &format!("{label}=\"{model}\""), &entry.stats.latency);
        }
    }
    head(&mut out, "modelwright_model_info", "The model that answers", "gauge");
    for (name, entry) in &entries {
        if let Some(model) = entry.current() {
            let labels = format!(
                "{},sha256=\"{}\",task=\"{}\"",
                labels(name, entry),
                model.digest,
                model.predictor.task.name()
            );
            line(&mut out, "modelwright_model_info", &labels, 1);
        }
    }
    if let Some(drift) = &app.drift {
        let mut found = drift.found();
        found.retain(|(name, ..)| state.entries.contains_key(&**name));
        prometheus_drift::write(&mut out, &found);
    }
    server(&mut out, app);
    out
}

fn server(out: &mut String, app: &App) {
    let stats = &app.stats;
    let name = "modelwright_http_responses_total";
    head(out, name, "Answers by status", "counter");
    for (class, count) in stats.by_status.iter().enumerate() {
        line(out, name, &format!("status=\"{}xx\"", class + 1), count.get());
    }
    let name = "modelwright_key_refusals_total";
    head(out, name, "Requests whose key had asked for too much", "counter");
    for (reason, count) in [("rate", &stats.n_too_often), ("at_once", &stats.n_too_many_at_once)] {
        line(out, name, &format!("reason=\"{reason}\""), count.get());
    }
    let gauges = [
        ("modelwright_requests_in_flight", "Requests being answered", &stats.n_in_flight),
        ("modelwright_connections", "Open connections", &stats.n_connections),
    ];
    for (name, help, count) in gauges {
        head(out, name, help, "gauge");
        line(out, name, "", count.get());
    }
    let counters = [
        ("modelwright_overload_total", "Requests told to come back later", &stats.n_overload),
        (
            "modelwright_request_log_rows_lost_total",
            "Rows that the request log had no time or room for",
            &stats.n_rows_not_logged,
        ),
        (
            "modelwright_event_rows_lost_total",
            "Rows that nobody was told of, though somebody wants to be",
            &stats.n_rows_not_told,
        ),
        ("modelwright_spans_lost_total", "Spans that nobody took", &stats.n_spans_lost),
        ("modelwright_log_lines_lost_total", "Lines the log had no room for", &stats.n_log_lost),
    ];
    for (name, help, count) in counters {
        head(out, name, help, "counter");
        line(out, name, "", count.get());
    }
    head(out, "process_start_time_seconds", "When the process began", "gauge");
    let _ = writeln!(out, "process_start_time_seconds {}", app.started);
    if let Some(bytes) = resident_bytes() {
        head(out, "process_resident_memory_bytes", "Resident memory", "gauge");
        line(out, "process_resident_memory_bytes", "", bytes);
    }
}

fn labels(name: &str, entry: &Entry) -> String {
    format!("model=\"{name}\",version=\"{}\"", entry.current)
}

// Writing to a string cannot fail.

pub(super) fn head(out: &mut String, name: &str, help: &str, kind: &str) {
    let _ = write!(out, "# HELP {name} {help}\n# TYPE {name} {kind}\n");
}

fn line(out: &mut String, name: &str, labels: &str, value: u64) {
    let _ = match labels {
        "" => writeln!(out, "{name} {value}"),
        labels => writeln!(out, "{name}{{{labels}}} {value}"),
    };
}

fn histogram(out: &mut String, name: &str, labels: &str, histogram: &Histogram) {
    let cumulative = histogram.cumulative();
    for (end, n) in LATENCY_ENDS_US.iter().zip(&cumulative) {
        let end = *end as f64 / 1e6;
        let _ = writeln!(out, "{name}_bucket{{{labels},le=\"{end}\"}} {n}");
    }
    let all = cumulative[cumulative.len() - 1];
    let _ = writeln!(out, "{name}_bucket{{{labels},le=\"+Inf\"}} {all}");
    let _ = writeln!(out, "{name}_sum{{{labels}}} {}", histogram.sum_s());
    let _ = writeln!(out, "{name}_count{{{labels}}} {all}");
}

fn resident_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|l| l.strip_prefix("VmRSS:"))?;
    Some(line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()? * 1024)
}
