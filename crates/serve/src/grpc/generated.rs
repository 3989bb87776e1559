//! The messages and the service of `proto/inference.proto`, as generated from it by
//! `proto/generate`.
#![allow(
    clippy::all,
    clippy::pedantic,
    missing_docs,
    unreachable_pub,
    dead_code,
    reason = "generated code"
)]

include!("generated/inference.rs.in");

/// What reflection tells of the service.
pub(super) const DESCRIPTORS: &[u8] = include_bytes!("generated/inference.bin");
