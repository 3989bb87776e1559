//! The archive itself: named parts to bytes and back, under a seal.
//!
//! Layout: an ordinary ZIP (deflate, names in fixed order, timestamps of 1980-01-01) whose
//! archive comment is [`SEAL`] followed by the SHA-256, in 64 hexadecimal digits, of every byte
//! of the file before those digits. The comment is what a ZIP file ends with, so nothing can be
//! appended, prepended, cut or changed without breaking the seal.

use std::io::{Cursor, Read, Write};

use modelwright_core::{Error, Result};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipArchive, ZipWriter};

use crate::digest::{DIGEST_LEN, sha256_hex};

/// Name of the part that says what the file is.
pub const MANIFEST: &str = "manifest.json";
/// Name of the part with the predictor.
pub const MODEL: &str = "model.bin";
/// Name of the part with the reference sketches.
pub const REFERENCE: &str = "reference.bin";
/// Name of the part with the run's account.
pub const RECORD: &str = "record.json";
/// Name of the part with the report.
pub const REPORT: &str = "report.html";

/// What the archive's comment begins with.
pub(crate) const SEAL: &str = "modelwright artifact, sha256 of all bytes before: ";

/// What every ZIP with at least one part begins with.
const ZIP_START: &[u8] = b"PK\x03\x04";

/// Length of the end record of a ZIP without its comment.
const END_RECORD_LEN: usize = 22;

/// Deflate's level: 6 is zlib's own default.
const DEFLATE_LEVEL: i64 = 6;

/// A part of up to this size may have any compression ratio.
const SMALL_PART_BYTES: u64 = 16 << 20;

/// A larger part may be at most so many times its packed size (real parts stay under 30).
const RATIO_MAX: u64 = 200;

/// Packs named parts; equal parts give equal bytes.
///
/// # Errors
/// Work error when a part is too large for the format.
pub(crate) fn pack(parts: &[(&str, &[u8])]) -> Result<Vec<u8>> {
    let failed = |cause| Error::work("cannot pack the model").because(cause);
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in parts {
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Deflated)
            .compression_level(Some(DEFLATE_LEVEL))
            .last_modified_time(DateTime::default())
            .unix_permissions(0o644)
            .large_file(bytes.len() > u32::MAX as usize);
        writer.start_file(*name, options).map_err(failed)?;
        writer.write_all(bytes).map_err(|e| failed(e.into()))?;
    }
    let comment = format!("{SEAL}{}", "0".repeat(DIGEST_LEN));
    writer.set_raw_comment(comment.into_bytes().into_boxed_slice()).map_err(failed)?;
    let mut bytes = writer.finish().map_err(failed)?.into_inner();
    reseal(&mut bytes);
    Ok(bytes)
}

/// Recomputes the seal of a file, whatever else it holds.
///
/// For tests that must get past the seal to reach the parsers behind it. Bytes too short to hold
/// a seal are left alone.
pub fn reseal(bytes: &mut [u8]) {
    if let Some(start) = bytes.len().checked_sub(DIGEST_LEN) {
        let digest = sha256_hex(&bytes[..start]);
        bytes[start..].copy_from_slice(digest.as_bytes());
    }
}

/// Whether the bytes begin and end as an artifact does (the seal itself is not checked).
pub(crate) fn has_artifact_shape(bytes: &[u8]) -> bool {
    let seal_start = bytes.len().saturating_sub(DIGEST_LEN);
    bytes.starts_with(ZIP_START) && bytes[..seal_start].ends_with(SEAL.as_bytes())
}

/// Checks that the bytes are exactly what was once packed.
///
/// # Errors
/// Input error: not an artifact, or a damaged one.
pub(crate) fn check_seal(bytes: &[u8]) -> Result<()> {
    if bytes.is_empty() {
        return Err(Error::input("the model file is empty")
            .expected("a model.mw written by `modelwright fit`"));
    }
    if !bytes.starts_with(ZIP_START) {
        return Err(Error::input("not a Modelwright model")
            .expected("a model.mw written by `modelwright fit`")
            .got(String::from_utf8_lossy(&bytes[..bytes.len().min(24)]))
            .hint("MODEL is the first argument and DATA the second"));
    }
    if !has_artifact_shape(bytes) {
        return Err(Error::input("not a Modelwright model, or one that was cut off or changed")
            .expected("a file that ends with Modelwright's seal")
            .hint("copy the file again, or fit the model again"));
    }
    let (sealed, digest) = bytes.split_at(bytes.len() - DIGEST_LEN);
    if sha256_hex(sealed).as_bytes() != digest {
        return Err(Error::input("the model file is damaged: its checksum does not match")
            .expected("the bytes that were written")
            .hint("copy the file again, or fit the model again"));
    }
    Ok(())
}

/// The parts of a sealed archive, decompressed one at a time.
pub(crate) struct Container<'a> {
    archive: ZipArchive<Cursor<&'a [u8]>>,
}

impl<'a> Container<'a> {
    /// Opens a file whose seal has been checked.
    ///
    /// # Errors
    /// Input error when the archive is malformed, or hides a part behind another.
    pub(crate) fn open(bytes: &'a [u8]) -> Result<Self> {
        let archive = ZipArchive::new(Cursor::new(bytes))
            .map_err(|e| malformed("its list of parts cannot be read").because(e))?;
        if archive.offset() != 0 {
            return Err(malformed("bytes stand before the archive"));
        }
        // The reader keeps the last of two parts with one name: the count in the end record
        // shows that there was another.
        let end = bytes.len() - DIGEST_LEN - SEAL.len() - END_RECORD_LEN;
        let n_listed = usize::from(u16::from_le_bytes([bytes[end + 10], bytes[end + 11]]));
        if n_listed != archive.len() {
            return Err(malformed("a part occurs twice"));
        }
        Ok(Self { archive })
    }

    /// Checks that exactly these parts are there, in this order.
    ///
    /// # Errors
    /// Input error that names the first part that is too many, missing or out of place.
    pub(crate) fn require_parts(&self, names: &[&str]) -> Result<()> {
        for index in 0..self.archive.len().max(names.len()) {
            let found = match self.archive.name_for_index(index) {
                None => None,
                Some(name) => Some(name.map_err(|e| malformed("a name is not text").because(e))?),
            };
            if found.as_deref() != names.get(index).copied() {
                return Err(malformed("it holds other parts than a model should")
                    .expected(names.join(", "))
                    .got(found.as_deref().unwrap_or("nothing more")));
            }
        }
        Ok(())
    }

    /// One part, decompressed.
    ///
    /// # Errors
    /// Input error when it is missing, broken, or larger than it honestly could be.
    pub(crate) fn part(&mut self, name: &str) -> Result<Vec<u8>> {
        let broken = |what: &str| malformed(&format!("part `{name}` {what}"));
        let file = self.archive.by_name(name).map_err(|e| broken("cannot be read").because(e))?;
        let limit = SMALL_PART_BYTES.max(file.compressed_size().saturating_mul(RATIO_MAX));
        if file.size() > limit {
            return Err(broken("claims to be larger than it can be"));
        }
        let declared = file.size();
        let mut bytes = Vec::new();
        // One byte more than promised tells a longer part from an honest one.
        file.take(declared + 1)
            .read_to_end(&mut bytes)
            .map_err(|e| broken("cannot be unpacked").because(e))?;
        if bytes.len() as u64 != declared {
            return Err(broken("has another size than its header says"));
        }
        Ok(bytes)
    }
}

/// The error of an archive that has a good seal and bad contents.
pub(crate) fn malformed(what: &str) -> Error {
    Error::input(format!("the model file is malformed: {what}"))
        .expected("a model.mw written by `modelwright fit`")
        .hint("the file was not made by Modelwright, or by a defective tool; fit the model again")
}
