//! The sections of a report, in reading order.
//!
//! To add one: copy the shortest file of `sections/`, write `SPEC` and `build`, add its `mod` line
//! to `sections/mod.rs` and its line here. That line alone brings the conformance suite of
//! `checks.rs` and every renderer.

use modelwright_core::record::RunRecord;

use super::section::{Section, Spec};
use super::sections::{
    alerts, calibration, columns, confusion, costs, decision, discrimination, ensemble,
    explanation, fairness, familiarity, feature_cost, importance, intervals, leaderboard, leakage,
    mitigation, more_rows, nested, offers, performance, plan, promise, reproduce, residuals,
    robustness, shapes, slices, source, split, surrogate, suspects, target, threshold, timing,
    unusual, usefulness,
};

/// A section of the catalog.
#[derive(Debug)]
pub struct Entry {
    /// What is fixed about it.
    pub spec: &'static Spec,
    /// Builds it from a record; `None` when it does not apply.
    pub build: fn(&RunRecord) -> Option<Section>,
}

/// All sections, in reading order.
pub const SECTIONS: &[Entry] = &[
    Entry { spec: &decision::SPEC, build: decision::build },
    Entry { spec: &performance::SPEC, build: performance::build },
    Entry { spec: &promise::SPEC, build: promise::build },
    Entry { spec: &nested::SPEC, build: nested::build },
    Entry { spec: &discrimination::SPEC, build: discrimination::build },
    Entry { spec: &calibration::SPEC, build: calibration::build },
    Entry { spec: &usefulness::SPEC, build: usefulness::build },
    Entry { spec: &confusion::SPEC, build: confusion::build },
    Entry { spec: &threshold::SPEC, build: threshold::build },
    Entry { spec: &costs::SPEC, build: costs::build },
    Entry { spec: &residuals::SPEC, build: residuals::build },
    Entry { spec: &intervals::SPEC, build: intervals::build },
    Entry { spec: &slices::SPEC, build: slices::build },
    Entry { spec: &fairness::SPEC, build: fairness::build },
    Entry { spec: &robustness::SPEC, build: robustness::build },
    Entry { spec: &familiarity::SPEC, build: familiarity::build },
    Entry { spec: &unusual::SPEC, build: unusual::build },
    Entry { spec: &mitigation::SPEC, build: mitigation::build },
    Entry { spec: &importance::SPEC, build: importance::build },
    Entry { spec: &explanation::SPEC, build: explanation::build },
    Entry { spec: &shapes::SPEC, build: shapes::build },
    Entry { spec: &surrogate::SPEC, build: surrogate::build },
    Entry { spec: &leakage::SPEC, build: leakage::build },
    Entry { spec: &source::SPEC, build: source::build },
    Entry { spec: &target::SPEC, build: target::build },
    Entry { spec: &alerts::SPEC, build: alerts::build },
    Entry { spec: &suspects::SPEC, build: suspects::build },
    Entry { spec: &columns::SPEC, build: columns::build },
    Entry { spec: &split::SPEC, build: split::build },
    Entry { spec: &leaderboard::SPEC, build: leaderboard::build },
    Entry { spec: &ensemble::SPEC, build: ensemble::build },
    Entry { spec: &offers::SPEC, build: offers::build },
    Entry { spec: &feature_cost::SPEC, build: feature_cost::build },
    Entry { spec: &more_rows::SPEC, build: more_rows::build },
    Entry { spec: &plan::SPEC, build: plan::build },
    Entry { spec: &timing::SPEC, build: timing::build },
    Entry { spec: &reproduce::SPEC, build: reproduce::build },
];
