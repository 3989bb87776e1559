//! A step: what it depends on and what it makes.

use std::path::{Path, PathBuf};

use modelwright_core::{Error, Result};
use modelwright_lifecycle::digest::sha256_file;

/// Something to do.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Step {
    /// Its name, which is that of its table.
    pub(super) name: String,
    /// What it was asked, as JSON: other settings are another step.
    pub(super) settings: String,
    /// Files that it reads.
    pub(super) inputs: Vec<PathBuf>,
    /// Files that it makes.
    pub(super) outputs: Vec<PathBuf>,
}

impl Step {
    /// The place in errors.
    pub(super) fn at_error(&self) -> String {
        format!("[{}] of {}", self.name, super::PROJECT_FILE)
    }
}

/// The hash of a file; `None` when it is not there.
pub(super) fn hash(path: &Path) -> Result<Option<String>> {
    if !path.exists() {
        return Ok(None);
    }
    sha256_file(path).map(Some).map_err(|e| {
        Error::input("cannot read a file of the project").at(path.display().to_string()).because(e)
    })
}
