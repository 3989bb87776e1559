//! What a table looks like: kinds, statistics, alerts.
