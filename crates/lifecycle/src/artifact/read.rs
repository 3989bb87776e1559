//! Reading an artifact back, trusting nothing.

use std::fs;
use std::path::Path;

use modelwright_core::record::RunRecord;
use modelwright_core::{Error, Result};
use serde::Deserialize;

use super::container::{self, Container, MANIFEST, MODEL, RECORD, REFERENCE, REPORT, malformed};
use super::manifest::{FORMAT_VERSION, Manifest};
use super::resolve::{parse_record, read_error};
use crate::digest::sha256_hex;

/// An artifact whose every byte has been checked.
#[derive(Debug, Clone)]
pub struct Artifact {
    /// What it is.
    pub manifest: Manifest,
    /// The encoded predictor.
    pub model: Vec<u8>,
    /// The encoded sketches of the training data.
    pub reference: Vec<u8>,
    /// The run's account, as `record.json` holds it.
    pub record_json: Vec<u8>,
    /// The report, a complete HTML document.
    pub report_html: String,
}

impl Artifact {
    /// The run's account.
    ///
    /// # Errors
    /// Input error when it was written by a newer version.
    pub fn record(&self) -> Result<RunRecord> {
        parse_record(&self.record_json).map_err(|e| e.at(RECORD))
    }
}

/// Reads and checks the artifact at `path`.
///
/// # Errors
/// Input error when the file is missing, not an artifact, damaged, or of a newer format.
pub fn read_artifact(path: impl AsRef<Path>) -> Result<Artifact> {
    let path = path.as_ref();
    let bytes = fs::read(path).map_err(|e| read_error(path, e))?;
    unpack_artifact(&bytes).map_err(|e| e.at(path.display().to_string()))
}

/// Checks the bytes of an artifact and unpacks them.
///
/// # Errors
/// As [`read_artifact`], without the file's name.
pub fn unpack_artifact(bytes: &[u8]) -> Result<Artifact> {
    container::check_seal(bytes)?;
    let mut container = Container::open(bytes)?;
    let manifest = parse_manifest(&container.part(MANIFEST)?)?;
    container.require_parts(&[MANIFEST, MODEL, REFERENCE, RECORD, REPORT])?;
    if manifest.parts.len() != 4 {
        return Err(malformed("its manifest lists other parts than it holds"));
    }
    let mut part = |name: &str| {
        let bytes = container.part(name)?;
        let promised = manifest.parts.get(name);
        let kept = promised
            .is_some_and(|p| p.size_bytes == bytes.len() as u64 && p.sha256 == sha256_hex(&bytes));
        if kept { Ok(bytes) } else { Err(malformed(&format!("part `{name}` was replaced"))) }
    };
    let (model, reference) = (part(MODEL)?, part(REFERENCE)?);
    let record_json = part(RECORD)?;
    let report_html =
        String::from_utf8(part(REPORT)?).map_err(|_| malformed("its report is not UTF-8"))?;
    Ok(Artifact { manifest, model, reference, record_json, report_html })
}

/// Parses the manifest; the version is looked at first, because the rest may have changed.
fn parse_manifest(bytes: &[u8]) -> Result<Manifest> {
    #[derive(Deserialize)]
    struct Version {
        format_version: u32,
        versions: Option<Maker>,
    }
    #[derive(Deserialize)]
    struct Maker {
        modelwright: Option<String>,
    }
    let broken = |e: serde_json::Error| malformed("its manifest cannot be read").because(e);
    let version: Version = serde_json::from_slice(bytes).map_err(broken)?;
    if version.format_version > FORMAT_VERSION {
        let maker = version.versions.and_then(|v| v.modelwright);
        return Err(Error::input("the model was written by a newer Modelwright")
            .expected(format!("format version {FORMAT_VERSION} or older"))
            .got(format!(
                "format version {}, written by Modelwright {}",
                version.format_version,
                maker.as_deref().unwrap_or("of an unknown version")
            ))
            .hint("install that version of Modelwright or a later one"));
    }
    if version.format_version == 0 {
        return Err(malformed("its format version is 0"));
    }
    serde_json::from_slice(bytes).map_err(broken)
}
