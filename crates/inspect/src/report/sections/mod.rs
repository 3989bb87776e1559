//! The sections, one file each: `SPEC` and `build(&RunRecord) -> Option<Section>`.

#![expect(clippy::unnecessary_wraps, reason = "every `build` has the catalog's shape")]

pub(crate) mod alerts;
pub(crate) mod calibration;
pub(crate) mod columns;
mod command_lines;
pub(crate) mod confusion;
pub(crate) mod costs;
pub(crate) mod decision;
pub(crate) mod discrimination;
pub(crate) mod ensemble;
pub(crate) mod explanation;
pub(crate) mod fairness;
pub(crate) mod familiarity;
pub(crate) mod feature_cost;
mod headline;
pub(crate) mod importance;
pub(crate) mod intervals;
pub(crate) mod leaderboard;
pub(crate) mod leakage;
pub(crate) mod mitigation;
pub(crate) mod more_rows;
pub(crate) mod nested;
mod next;
pub(crate) mod offers;
pub(crate) mod performance;
mod plain;
pub(crate) mod plan;
pub(crate) mod promise;
pub(crate) mod reproduce;
pub(crate) mod residuals;
pub(crate) mod response;
pub(crate) mod robustness;
pub(crate) mod shapes;
pub(crate) mod slices;
pub(crate) mod source;
pub(crate) mod split;
pub(crate) mod surrogate;
pub(crate) mod suspects;
pub(crate) mod target;
pub(crate) mod threshold;
pub(crate) mod timing;
mod too_good;
mod unequal;
pub(crate) mod usefulness;
mod weak;
mod wilson;
