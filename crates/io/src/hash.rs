//! The hash of a file's bytes, taken while they are read, and how far the reading is.

use std::io::{self, Read};
use std::sync::{Arc, Mutex, PoisonError};

use modelwright_core::Context;
use sha2::{Digest, Sha256};

use crate::sampling::Share;
use crate::source::Source;
use crate::watch::Deadline;

/// Bytes in hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        for digit in [byte >> 4, byte & 15] {
            text.push(char::from(b"0123456789abcdef"[usize::from(digit)]));
        }
        text
    })
}

/// A reader that hashes what passes, and can be asked for the hash of all in the end.
#[derive(Clone)]
pub(crate) struct Hash<'a>(Arc<Mutex<Hashing<'a>>>);

struct Hashing<'a> {
    inner: Box<dyn Read + Send + 'a>,
    sha: Sha256,
    n_bytes: u64,
    /// Where a replay must stop hashing, and the hash up to there.
    mark: Option<u64>,
    marked: Option<Sha256>,
}

/// The hash of a file.
pub(crate) struct Hashed {
    /// Hexadecimal.
    pub sha256: String,
    /// How many bytes it covers, when not all.
    pub n_bytes: Option<u64>,
}

/// The name of the decision how many bytes are hashed.
const HASHED_BYTES: &str = "hashed-bytes";

impl<'a> Hash<'a> {
    pub(crate) fn new(inner: Box<dyn Read + Send + 'a>) -> Self {
        let sha = Sha256::new();
        Self(Arc::new(Mutex::new(Hashing { inner, sha, n_bytes: 0, mark: None, marked: None })))
    }

    /// Heeds how many bytes a replay must hash; to be called before much has passed.
    pub(crate) fn mark(&self, ctx: &Context) {
        self.state().mark = ctx.replayed(HASHED_BYTES);
    }

    /// How many bytes have passed.
    pub(crate) fn n_bytes(&self) -> u64 {
        self.state().n_bytes
    }

    /// Reads what is left, and returns the SHA-256 of all bytes; of those so far, when the time
    /// for reading is over, or the rest is not wanted.
    pub(crate) fn finish(mut self, deadline: Deadline<'_>, all: bool) -> io::Result<Hashed> {
        if !all {
            let state = self.state();
            let (sha, n_bytes) = (state.sha.clone(), Some(state.n_bytes));
            return Ok(Hashed { sha256: hex(&sha.finalize()), n_bytes });
        }
        let mut buffer = vec![0; 256 << 10];
        loop {
            let n = self.read(&mut buffer)?;
            let mut state = self.state();
            if let Some(sha) = state.marked.take() {
                deadline.ctx.decide(HASHED_BYTES, || 0);
                return Ok(Hashed { sha256: hex(&sha.finalize()), n_bytes: state.mark });
            }
            if n > 0 && !deadline.has_passed() {
                continue;
            }
            let (sha, n_bytes) = (state.sha.clone(), state.n_bytes);
            // Without a last look it is not known whether this was all.
            if n > 0 {
                deadline.ctx.decide(HASHED_BYTES, || n_bytes);
            }
            let n_bytes = (n > 0).then_some(n_bytes);
            return Ok(Hashed { sha256: hex(&sha.finalize()), n_bytes });
        }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, Hashing<'a>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Read for Hash<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut state = self.state();
        let n = state.inner.read(buffer)?;
        let before = state.n_bytes;
        state.n_bytes += n as u64;
        let to_mark = state.mark.and_then(|mark| mark.checked_sub(before)).unwrap_or(u64::MAX);
        if to_mark <= n as u64 && state.marked.is_none() {
            let (left, right) = buffer[..n].split_at(to_mark as usize);
            state.sha.update(left);
            state.marked = Some(state.sha.clone());
            state.sha.update(right);
        } else {
            state.sha.update(&buffer[..n]);
        }
        Ok(n)
    }
}

/// How far a reading is in its file.
pub(crate) struct Progress<'a> {
    n_bytes: Option<u64>,
    /// Counts what was read, where the text is not the file's bytes.
    passed: Option<Hash<'a>>,
}

impl<'a> Progress<'a> {
    /// `is_as_it_lies` tells that the text's bytes are the file's.
    pub(crate) fn of(source: &Source<'_>, hash: &Hash<'a>, is_as_it_lies: bool) -> Self {
        let passed = (!is_as_it_lies).then(|| hash.clone());
        Self { n_bytes: source.n_bytes(), passed }
    }

    /// How much has been read of the parts of the file that shall be, when so many bytes of the
    /// text have.
    pub(crate) fn share(&self, n_text: u64, parts: Share) -> f64 {
        let n = self.passed.as_ref().map_or(n_text, Hash::n_bytes);
        let wanted = |all: u64| (all as f64 * parts.as_f64()).max(1.0);
        self.n_bytes.map_or(0.0, |all| n as f64 / wanted(all)).min(1.0)
    }
}
