//! `model.mw`: a fitted model and everything known about it, in one file.
//!
//! A ZIP archive that any tool can list, with five parts in this order:
//!
//! | part | holds |
//! |---|---|
//! | `manifest.json` | what this is ([`Manifest`]): versions, task, schema, metrics, digests |
//! | `model.bin` | the predictor, as `automl` encodes it: data only, no code |
//! | `reference.bin` | sketches of the training data, that drift is measured against |
//! | `record.json` | the complete account of the run |
//! | `report.html` | the report |
//!
//! # What protects it
//!
//! 1. The archive's comment, the last bytes of the file, is a *seal*: the SHA-256 of every byte
//!    before it ([`container`]). It is checked before anything is parsed, so a flipped bit, a cut
//!    or an inserted byte anywhere is one clear error and never a different prediction.
//! 2. The manifest names the size and SHA-256 of every other part.
//! 3. Parsers trust nothing even then: a file sealed by a hostile hand meets limits on size and
//!    compression ratio, exact lists of names, and a decoder that checks every bound.
//!
//! Timestamps and order inside the archive are fixed: equal parts give equal bytes.

mod container;
mod manifest;
mod read;
mod resolve;
mod write;

#[cfg(test)]
pub(crate) mod tests;

pub use container::{MANIFEST, MODEL, RECORD, REFERENCE, REPORT, reseal};
pub use manifest::{
    FORMAT_VERSION, Manifest, ManifestField, ManifestMetric, Part, Seeds, Versions,
};
pub use read::{Artifact, read_artifact, unpack_artifact};
pub use resolve::{looks_like_artifact, read_record, resolve_model};
pub(crate) use resolve::{parse_record, read_error};
pub use write::{ArtifactParts, account_json, pack_artifact, record_json, write_artifact};
