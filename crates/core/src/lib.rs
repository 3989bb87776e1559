//! The shared vocabulary of Modelwright: plain values, no I/O.
//!
//! Every other crate speaks in these words. Nothing here opens a file, prints, or knows a
//! learner, a metric or a wire format; the one door to clock, threads, randomness, memory cap and
//! cancellation is [`context::Context`].
//!
//! | module | what it names |
//! |---|---|
//! | [`error`] | the one error type: what, where, expected, got, hint |
//! | [`data`] | raw tables ([`data::Table`]) and encoded features ([`data::FeatureMatrix`]) |
//! | [`task`] | what is predicted: task, target, predictions |
//! | [`params`] | hyper-parameters declared once: name, range, default, text, search domain |
//! | [`context`] | seed streams, threads, deadline, memory cap, cancellation, progress, decisions |
//! | [`quantity`] | durations and sizes as people write them |
//! | [`random`] | the random generator behind the seed streams |
//! | [`record`] | the complete, versioned account of a run |

pub mod context;
pub mod data;
pub mod error;
pub mod params;
pub mod quantity;
pub mod random;
pub mod record;
pub mod task;

pub use context::Context;
pub use error::{Error, ErrorKind, Result};
