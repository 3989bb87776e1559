//! Bodies in, within limits, and out.
//!
//! What a body becomes when it is decompressed is bounded by the same limit as what is sent, and
//! the limit is kept while decompressing, so that a small body that grows without end (a
//! decompression bomb) costs no more than an honest one.

use std::io::Read;
use std::sync::Arc;
use std::time::Duration;

use flate2::Compression;
use flate2::bufread::{MultiGzDecoder, ZlibDecoder};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::Version;
use hyper::body::{Body, Bytes, Frame, Incoming};
use hyper::header::{CONTENT_ENCODING, EXPECT, HeaderMap, HeaderValue};
use hyper::http::request::Parts;

use crate::held::{Bodies, Held};
use crate::problem::Problem;

/// Shorter answers are sent as they are: a packet holds them.
pub(crate) const COMPRESSED_BYTES_MIN: usize = 4096;

/// Memory that a body of zstd may ask for, as a power of two: what the format's own tools use at
/// most without being told to (8 MiB).
const WINDOW_LOG_MAX: u32 = 23;

/// Longer bodies are decompressed on a thread of their own: health checks and other connections
/// would wait for them otherwise.
const ASIDE_BYTES_MIN: usize = 128 << 10;

/// A body that announces no more than this is small.
pub(crate) const SMALL_BYTES_MAX: u64 = 64 << 10;

/// So many bytes are decompressed before they are counted.
const INFLATED_STEP: u64 = 1 << 20;

/// Whether a body is known to be small before it comes.
pub(crate) fn is_small(body: &Incoming) -> bool {
    body.size_hint().upper().is_some_and(|n| n <= SMALL_BYTES_MAX)
}

/// Reads a body whole and undoes its content encoding; what it holds of `bodies` is to be kept as
/// long as the body.
pub(crate) async fn receive(
    headers: &HeaderMap,
    body: &mut Incoming,
    n_max: usize,
    bodies: &Arc<Bodies>,
) -> Result<(Bytes, Held), Problem> {
    let n_announced = body.size_hint().lower();
    if n_announced > n_max as u64 {
        return Err(too_large(n_max));
    }
    let mut held = bodies.begin();
    if n_announced > SMALL_BYTES_MAX {
        held.reach(n_announced as usize)?;
    }
    let bytes = whole(Limited::new(body, n_max), n_max, &mut held).await?;
    let Some(encoding) = headers.get(CONTENT_ENCODING) else { return Ok((bytes, held)) };
    let name = encoding.to_str().unwrap_or_default().trim().to_ascii_lowercase();
    unpacked(name, bytes, n_max, held).await
}

/// A body that was received whole without its content encoding, and what it holds then.
pub(crate) async fn unpacked(
    encoding: String,
    bytes: Bytes,
    n_max: usize,
    mut held: Held,
) -> Result<(Bytes, Held), Problem> {
    if bytes.len() <= ASIDE_BYTES_MIN {
        return Ok((decoded(&encoding, bytes, n_max, &mut held)?, held));
    }
    let work = move || Ok((decoded(&encoding, bytes, n_max, &mut held)?, held));
    let work = tokio::task::spawn_blocking(work);
    work.await.unwrap_or_else(|cause| Err(Problem::malformed(format!("no body: {cause}"))))
}

/// A body without its content encoding.
fn decoded(name: &str, bytes: Bytes, n_max: usize, held: &mut Held) -> Result<Bytes, Problem> {
    match name {
        "" | "identity" => Ok(bytes),
        "gzip" | "x-gzip" => inflate(MultiGzDecoder::new(&bytes[..]), n_max, held),
        // Some clients send raw DEFLATE under this name, but the standard and tritonclient zlib.
        "deflate" => inflate(ZlibDecoder::new(&bytes[..]), n_max, held),
        "zstd" => {
            let decoder = zstd::Decoder::with_buffer(&bytes[..]);
            let mut decoder = decoder.map_err(|e| broken_encoding(&e))?;
            decoder.window_log_max(WINDOW_LOG_MAX).map_err(|e| broken_encoding(&e))?;
            inflate(decoder, n_max, held)
        }
        _ => Err(unknown_encoding(name)),
    }
}

/// What of a refused body is let come, and for how long.
const UNREAD_BYTES_MAX: u64 = 8 << 20;
const UNREAD_TIME_MAX: Duration = Duration::from_secs(2);

/// Whether a refused body would come all the same: a client that waits for a word before it sends
/// (`Expect`) sends none, and of HTTP/2 one request can be ended without the others.
pub(crate) fn may_come(parts: &Parts) -> bool {
    parts.version < Version::HTTP_2 && !parts.headers.contains_key(EXPECT)
}

/// Lets a body come that nobody reads, while its refusal is sent. A connection that is closed
/// before what was sent is read makes the client's system drop the answer, so that most clients
/// would see a broken connection where they were told to come back later.
pub(crate) fn let_come(mut body: Incoming) {
    if body.is_end_stream() || body.size_hint().lower() > UNREAD_BYTES_MAX {
        return;
    }
    tokio::spawn(async move {
        let mut n_left = UNREAD_BYTES_MAX;
        let rest = async {
            while let Some(Ok(frame)) = body.frame().await {
                let n = frame.data_ref().map_or(0, |data| data.len() as u64);
                n_left = n_left.saturating_sub(n);
                if n_left == 0 {
                    break;
                }
            }
        };
        let _ = tokio::time::timeout(UNREAD_TIME_MAX, rest).await;
    });
}

/// A body of any length without its content encoding, while it is read.
pub(crate) fn decoder(
    encoding: &str,
    reader: impl Read + Send + 'static,
) -> Result<Box<dyn Read + Send>, Problem> {
    Ok(match encoding {
        "" | "identity" => Box::new(reader),
        "gzip" | "x-gzip" => Box::new(flate2::read::MultiGzDecoder::new(reader)),
        "deflate" => Box::new(flate2::read::ZlibDecoder::new(reader)),
        "zstd" => {
            let decoder = zstd::stream::read::Decoder::new(reader);
            let mut decoder = decoder.map_err(|e| broken_encoding(&e))?;
            decoder.window_log_max(WINDOW_LOG_MAX).map_err(|e| broken_encoding(&e))?;
            Box::new(decoder)
        }
        _ => return Err(unknown_encoding(encoding)),
    })
}

fn unknown_encoding(name: &str) -> Problem {
    Problem::new(415, "unknown-encoding", "the content encoding is unknown")
        .expected("gzip, deflate, zstd or identity")
        .got(name)
}

/// A whole body. One that came in one piece, as most do, is not copied.
async fn whole(
    mut body: Limited<&mut Incoming>,
    n_max: usize,
    held: &mut Held,
) -> Result<Bytes, Problem> {
    let data = |frame: Frame<Bytes>| frame.into_data().unwrap_or_default();
    let broken = |cause: Box<dyn std::error::Error + Send + Sync>| {
        if cause.is::<LengthLimitError>() {
            too_large(n_max)
        } else {
            Problem::malformed(format!("the body broke off: {cause}"))
        }
    };
    let first = body.frame().await.transpose().map_err(broken)?.map(data);
    let Some(first) = first else { return Ok(Bytes::new()) };
    if body.is_end_stream() {
        return Ok(first);
    }
    let mut bytes = first.to_vec();
    while let Some(frame) = body.frame().await {
        let more = data(frame.map_err(broken)?);
        if bytes.len() + more.len() > SMALL_BYTES_MAX as usize {
            held.reach(bytes.len() + more.len())?;
        }
        bytes.extend_from_slice(&more);
    }
    Ok(bytes.into())
}

fn inflate(reader: impl Read, n_max: usize, held: &mut Held) -> Result<Bytes, Problem> {
    let mut bytes = Vec::new();
    let mut reader = reader.take(n_max as u64 + 1);
    loop {
        let before = bytes.len();
        let step = reader.by_ref().take(INFLATED_STEP).read_to_end(&mut bytes);
        step.map_err(|e| broken_encoding(&e))?;
        if bytes.len() > n_max {
            return Err(too_large(n_max));
        }
        if bytes.len() == before {
            return Ok(bytes.into());
        }
        if bytes.len() as u64 > SMALL_BYTES_MAX {
            held.reach(bytes.len())?;
        }
    }
}

fn broken_encoding(cause: &std::io::Error) -> Problem {
    Problem::malformed(format!("the body cannot be decompressed: {cause}"))
}

fn too_large(n_max: usize) -> Problem {
    Problem::new(413, "body-too-large", "the body is too large")
        .expected(format!("at most {n_max} bytes, also after decompression"))
        .hint("send its rows in several requests, or raise --max-body")
}

/// Whether what a client accepts decides how such a body is sent.
pub(crate) fn may_be_compressed(body: &Bytes) -> bool {
    body.len() >= COMPRESSED_BYTES_MIN
}

/// A body as the client can take it, and the name of its encoding.
pub(crate) fn compress(
    accepted: Option<&HeaderValue>,
    body: Bytes,
) -> (Bytes, Option<&'static str>) {
    if !may_be_compressed(&body) {
        return (body, None);
    }
    let accepted = accepted.and_then(|v| v.to_str().ok()).unwrap_or_default();
    let takes = |name: &str| {
        accepted.split(',').any(|part| {
            let mut parts = part.split(';');
            let own = parts.next().unwrap_or_default().trim();
            own.eq_ignore_ascii_case(name) && !parts.any(|q| q.trim() == "q=0")
        })
    };
    let packed = if takes("zstd") {
        zstd::encode_all(&body[..], 1).ok().map(|b| (b, "zstd"))
    } else if takes("gzip") {
        let mut packed = Vec::new();
        gzip(&body, &mut packed).ok().map(|()| (packed, "gzip"))
    } else if takes("deflate") {
        let mut packed = Vec::new();
        let mut encoder = flate2::bufread::ZlibEncoder::new(&body[..], Compression::fast());
        encoder.read_to_end(&mut packed).ok().map(|_| (packed, "deflate"))
    } else {
        None
    };
    match packed {
        Some((packed, name)) => (packed.into(), Some(name)),
        None => (body, None),
    }
}

/// Adds the bytes, packed, to what is there.
pub(crate) fn gzip(bytes: &[u8], packed: &mut Vec<u8>) -> std::io::Result<()> {
    let mut encoder = flate2::bufread::GzEncoder::new(bytes, Compression::fast());
    encoder.read_to_end(packed).map(drop)
}
