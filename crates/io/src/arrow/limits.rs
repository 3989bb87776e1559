//! Sizes that a broken Arrow file may ask for, checked before anything is decoded.
//!
//! Compressed buffers begin with the length of their plain bytes, and the decoder allocates what
//! they say: one flipped bit would ask for terabytes and end the process. So all messages of the
//! file are walked first (their headers only), and a length that no compressor could have
//! reached is refused.

use std::io::{Read, Seek, SeekFrom};

use arrow_ipc::{RecordBatch, root_as_message};
use arrow_schema::ArrowError;

/// zstd's densest block makes 128 KiB of 4 bytes.
const RATIO_MAX: u64 = 33_000;

/// Plain bytes of a buffer beyond which an unusual ratio is no longer believed.
const LARGE_BYTES: u64 = 4 << 30;

/// The ratio that even large buffers may have.
const RATIO_USUAL: u64 = 64;

/// What the messages of a file are.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Messages {
    /// Record batches.
    pub n_batches: u64,
    /// Bytes of the largest batch once unpacked, and of all.
    pub largest: u64,
    pub n_bytes: u64,
}

/// Walks the messages of a file or stream, and goes back to its beginning.
pub(super) fn check<R: Read + Seek>(reader: &mut R, is_file: bool) -> Result<Messages, ArrowError> {
    let mut found = Messages::default();
    let n_bytes = reader.seek(SeekFrom::End(0))?;
    // Behind `ARROW1` and two bytes of padding.
    let mut at = if is_file { 8 } else { 0 };
    while at + 8 <= n_bytes {
        reader.seek(SeekFrom::Start(at))?;
        let mut prefix = [0; 8];
        reader.read_exact(&mut prefix)?;
        let [a, b, c, d, e, f, g, h] = prefix;
        // Old files lack the continuation mark before the length.
        let (length, n_prefix) = match [a, b, c, d] {
            [0xff, 0xff, 0xff, 0xff] => (u32::from_le_bytes([e, f, g, h]), 8),
            length => (u32::from_le_bytes(length), 4),
        };
        let body = at + n_prefix + u64::from(length);
        if length == 0 || body > n_bytes {
            break;
        }
        let mut header = vec![0; length as usize];
        reader.seek(SeekFrom::Start(at + n_prefix))?;
        reader.read_exact(&mut header)?;
        let message = root_as_message(&header)
            .map_err(|e| ArrowError::ParseError(format!("a message cannot be read: {e}")))?;
        let batch = message
            .header_as_record_batch()
            .or_else(|| message.header_as_dictionary_batch().and_then(|d| d.data()));
        if let Some(batch) = batch {
            let packed = u64::try_from(message.bodyLength()).unwrap_or(0);
            let plain = packed + check_batch(reader, &batch, body, n_bytes)?;
            found.n_batches += u64::from(message.header_as_record_batch().is_some());
            found.largest = found.largest.max(plain);
            found.n_bytes += plain;
        }
        let n_body = u64::try_from(message.bodyLength()).unwrap_or(u64::MAX);
        at = match body.checked_add(n_body) {
            Some(next) if next <= n_bytes => next,
            _ => return Err(ArrowError::ParseError("a message is cut short".to_owned())),
        };
    }
    reader.seek(SeekFrom::Start(0))?;
    Ok(found)
}

/// The bytes that the compressed buffers of a batch unpack to.
pub(super) fn check_batch<R: Read + Seek>(
    reader: &mut R,
    batch: &RecordBatch<'_>,
    body: u64,
    n_bytes: u64,
) -> Result<u64, ArrowError> {
    let mut unpacked = 0_u64;
    if batch.compression().is_none() {
        return Ok(0);
    }
    for buffer in batch.buffers().iter().flatten() {
        let (Ok(offset), Ok(packed)) =
            (u64::try_from(buffer.offset()), u64::try_from(buffer.length()))
        else {
            return Err(ArrowError::ParseError("a buffer has a negative place".to_owned()));
        };
        let start = body.saturating_add(offset);
        if packed < 8 || start.saturating_add(packed) > n_bytes {
            continue;
        }
        let mut length = [0; 8];
        reader.seek(SeekFrom::Start(start))?;
        reader.read_exact(&mut length)?;
        // −1 says that the buffer is stored as it is.
        let plain = i64::from_le_bytes(length);
        let limit = (packed * RATIO_MAX + 4096).min(LARGE_BYTES.max(packed * RATIO_USUAL));
        if plain != -1 && u64::try_from(plain).map_or(true, |p| p > limit) {
            return Err(ArrowError::ParseError(format!(
                "a buffer of {packed} bytes claims to hold {plain} bytes"
            )));
        }
        unpacked += u64::try_from(plain).unwrap_or(0);
    }
    Ok(unpacked)
}
