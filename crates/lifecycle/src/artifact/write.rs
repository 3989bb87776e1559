//! Packing a finished run into an artifact.

use std::path::Path;

use modelwright_core::data::Schema;
use modelwright_core::record::RunRecord;
use modelwright_core::{Error, Result};
use serde::Serialize;

use super::container::{self, MANIFEST, MODEL, RECORD, REFERENCE, REPORT};
use super::manifest::{Manifest, Part};
use crate::atomic::atomic_write;
use crate::digest::sha256_hex;

/// What goes into an artifact.
#[derive(Debug, Clone, Copy)]
pub struct ArtifactParts<'a> {
    /// The encoded predictor.
    pub model: &'a [u8],
    /// The columns that the predictor reads.
    pub schema: &'a Schema,
    /// The encoded sketches of the training data.
    pub reference: &'a [u8],
    /// The run's account.
    pub record: &'a RunRecord,
    /// The report, a complete HTML document.
    pub report_html: &'a str,
}

/// The bytes of an artifact; equal parts give equal bytes.
///
/// # Errors
/// Work error when a part is too large for the format.
pub fn pack_artifact(parts: &ArtifactParts<'_>) -> Result<Vec<u8>> {
    let record = record_json(parts.record)?;
    let contents: [(&str, &[u8]); 4] = [
        (MODEL, parts.model),
        (REFERENCE, parts.reference),
        (RECORD, &record),
        (REPORT, parts.report_html.as_bytes()),
    ];
    let mut manifest = Manifest::of(parts.record, parts.schema);
    for (name, bytes) in contents {
        let part = Part { size_bytes: bytes.len() as u64, sha256: sha256_hex(bytes) };
        manifest.parts.insert(name.to_owned(), part);
    }
    let manifest = pretty_json(&manifest)?;
    let mut all: Vec<(&str, &[u8])> = vec![(MANIFEST, &manifest)];
    all.extend(contents);
    container::pack(&all)
}

/// Writes an artifact to `path`, completely or not at all.
///
/// # Errors
/// As [`pack_artifact`] and [`atomic_write`].
pub fn write_artifact(path: impl AsRef<Path>, parts: &ArtifactParts<'_>) -> Result<()> {
    atomic_write(path, &pack_artifact(parts)?)
}

/// The bytes of the account in the artifact, whole.
///
/// # Errors
/// Work error when the record holds a number that JSON cannot express.
pub fn record_json(record: &RunRecord) -> Result<Vec<u8>> {
    pretty_json(record)
}

/// The bytes of `record.json` beside the artifact and in the store: the same, but of a table of
/// very many columns only the first are described
/// ([`modelwright_core::record::TableProfile::LISTED_MAX`]).
///
/// # Errors
/// As [`record_json`].
pub fn account_json(record: &RunRecord) -> Result<Vec<u8>> {
    let Some(profile) = record.profile.shortened(Some(&record.task.target)) else {
        return pretty_json(record);
    };
    pretty_json(&RunRecord { profile, ..record.clone() })
}

fn pretty_json(value: &impl Serialize) -> Result<Vec<u8>> {
    let mut bytes = serde_json::to_vec_pretty(value)
        .map_err(|e| Error::work("cannot write as JSON").because(e))?;
    bytes.push(b'\n');
    Ok(bytes)
}
