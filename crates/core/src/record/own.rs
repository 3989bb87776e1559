//! Parts of a run that are code of the caller's own: a record names them, but cannot hold them.

use serde::{Deserialize, Serialize};

/// One part that a program gave to a run, and that no command line has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnPart {
    /// What it is.
    pub kind: OwnKind,
    /// What its author calls it.
    pub name: String,
    /// SHA-256 of what decides alone, where that is data (the rows of a split); `None` for code,
    /// which may change under the same name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// What it was run with, such as `Python 3.11.4` or `numpy 2.3.5`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub needs: Vec<String>,
}

/// What a part of the caller's own can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OwnKind {
    /// What models are judged by.
    Metric,
    /// Which rows are learned from and which are judged.
    Split,
    /// A candidate of the search.
    Learner,
    /// What boosters minimise.
    Loss,
}

impl OwnKind {
    /// The name in words, and the keyword that it is given by.
    pub fn name(self) -> &'static str {
        match self {
            Self::Metric => "metric",
            Self::Split => "split",
            Self::Learner => "learner",
            Self::Loss => "loss",
        }
    }
}
