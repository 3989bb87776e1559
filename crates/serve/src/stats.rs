//! What is counted for each model and for the server; all counters are atomic and never lock.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::clock;
use crate::drift::Budget;
use crate::model::ShadowStats;

/// Upper ends of the latency classes, in microseconds; the last class has none.
pub(crate) const LATENCY_ENDS_US: [u64; 15] = [
    100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000,
    1_000_000, 2_500_000, 10_000_000,
];

/// A counter.
#[derive(Debug, Default)]
pub(crate) struct Count(AtomicU64);

impl Count {
    /// Adds.
    pub(crate) fn add(&self, n: u64) {
        self.0.fetch_add(n, Ordering::Relaxed);
    }

    /// Sets.
    pub(crate) fn set(&self, n: u64) {
        self.0.store(n, Ordering::Relaxed);
    }

    /// Takes away.
    pub(crate) fn sub(&self, n: u64) {
        self.0.fetch_sub(n, Ordering::Relaxed);
    }

    /// The number so far.
    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// How often something took how long.
#[derive(Debug, Default)]
pub(crate) struct Histogram {
    classes: [Count; LATENCY_ENDS_US.len() + 1],
    sum_ns: Count,
}

impl Histogram {
    /// Adds one that took `ns`.
    pub(crate) fn observe(&self, ns: u64) {
        let class = LATENCY_ENDS_US.partition_point(|end| end * 1000 < ns);
        self.classes[class].add(1);
        self.sum_ns.add(ns);
    }

    /// How many took at most the end of each class, ascending; the last is all.
    pub(crate) fn cumulative(&self) -> [u64; LATENCY_ENDS_US.len() + 1] {
        let mut total = 0;
        std::array::from_fn(|class| {
            total += self.classes[class].get();
            total
        })
    }

    /// All together, in seconds.
    pub(crate) fn sum_s(&self) -> f64 {
        self.sum_ns.get() as f64 / 1e9
    }
}

/// The requests of one model.
#[derive(Debug, Default)]
pub(crate) struct Stats {
    /// Requests that got predictions.
    pub(crate) n_success: Count,
    /// Requests that did not.
    pub(crate) n_failure: Count,
    /// Rows predicted.
    pub(crate) n_rows: Count,
    /// Rows refused.
    pub(crate) n_rows_refused: Count,
    /// Values unlike those of training.
    pub(crate) n_unusual: Count,
    /// Calls of the model.
    pub(crate) n_executions: Count,
    /// Of these, single rows that went the quick way.
    pub(crate) n_quick: Count,
    /// Single rows that were predicted together with those of other requests.
    pub(crate) n_gathered: Count,
    /// Time of whole requests, successes.
    pub(crate) request_ns: Count,
    /// Time of whole requests, failures.
    pub(crate) failure_ns: Count,
    /// Time spent waiting for a free thread.
    pub(crate) queue_ns: Count,
    /// Time spent reading rows.
    pub(crate) input_ns: Count,
    /// Time spent in the model.
    pub(crate) infer_ns: Count,
    /// Time spent writing answers.
    pub(crate) output_ns: Count,
    /// Work that nobody waited for to its end.
    pub(crate) n_given_up: Count,
    /// Rows that got reasons.
    pub(crate) n_explained: Count,
    /// Time spent explaining.
    pub(crate) explain_ns: Count,
    /// Unix milliseconds of the last request.
    pub(crate) last_ms: Count,
    /// Whole requests.
    pub(crate) latency: Histogram,
    /// Newer files that were no sound model.
    pub(crate) n_load_failures: Count,
    /// Models loaded.
    pub(crate) n_loads: Count,
    /// Rows that may be looked at for drift.
    pub(crate) drift_budget: Budget,
    /// A version in the shadow beside what was answered.
    pub(crate) shadow: ShadowStats,
}

impl Stats {
    /// Counts a request that is over.
    pub(crate) fn count_request(&self, is_success: bool, ns: u64) {
        let (count, time) = if is_success {
            (&self.n_success, &self.request_ns)
        } else {
            (&self.n_failure, &self.failure_ns)
        };
        count.add(1);
        time.add(ns);
        self.last_ms.set((clock::unix_micros() / 1000).cast_unsigned());
        self.latency.observe(ns);
    }
}

/// The requests of the whole server.
#[derive(Debug, Default)]
pub(crate) struct ServerStats {
    /// Answers by the first digit of their status, 1 to 5.
    pub(crate) by_status: [Count; 5],
    /// Requests that are being answered now.
    pub(crate) n_in_flight: Count,
    /// Open connections.
    pub(crate) n_connections: Count,
    /// Requests that were told to come back later.
    pub(crate) n_overload: Count,
    /// Requests whose key had used up its rate.
    pub(crate) n_too_often: Count,
    /// Requests whose key had too many others at the time.
    pub(crate) n_too_many_at_once: Count,
    /// Rows that the request log had no time or room for.
    pub(crate) n_rows_not_logged: Count,
    /// Rows that nobody was told of, though somebody wants to be.
    pub(crate) n_rows_not_told: Count,
    /// Spans that the telemetry had no room for, or that nobody took.
    pub(crate) n_spans_lost: Count,
    /// Lines of the log that were lost because nobody wrote them fast enough.
    pub(crate) n_log_lost: Count,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn latencies_fall_into_the_class_that_ends_at_or_above_them() {
        let histogram = Histogram::default();
        for us in [1, 100, 101, 999, 20_000_000] {
            histogram.observe(us * 1000);
        }
        let cumulative = histogram.cumulative();
        assert_eq!((cumulative[0], cumulative[1], cumulative[3]), (2, 3, 4));
        assert_eq!((cumulative[14], cumulative[15]), (4, 5));
        assert!((histogram.sum_s() - 20.001_201).abs() < 1e-9);
    }
}
