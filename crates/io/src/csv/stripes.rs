//! Some parts of a text file, spread over all of it: for files that take longer to read than
//! there is time.
//!
//! The text is cut into stripes of equal length, and a stripe owns the records that begin in it.
//! Where a record begins is found by looking at the bytes behind the cut alone, so that
//! neighbours agree on their border whether both are read or not. A cut may lie inside quotes: of
//! the two possibilities the one counts in which the records that follow have the right number of
//! fields.

use std::io::{self, SeekFrom};

use sha2::{Digest, Sha256};

use super::blocks::{Block, Feed};
use super::records::{Dialect, first_record_end, last_record_end, n_good_records};
use crate::hash::hex;
use crate::sampling::Sampling;
use crate::source::ReadSeek;

/// The length of a stripe: long enough that finding its place costs little.
pub(crate) const STRIPE_BYTES: u64 = 1 << 20;

/// Bytes behind a cut that are looked at first to find the next record.
const WINDOW_BYTES: usize = 64 << 10;

/// A record longer than this is not looked for.
const WINDOW_BYTES_MAX: usize = 16 << 20;

/// A text in a file, and how its records are told apart.
pub(crate) struct Text<'a> {
    pub file: Box<dyn ReadSeek + 'a>,
    /// Bytes before the text: its byte order mark.
    pub n_mark: u64,
    /// Bytes of the text.
    pub len: u64,
    pub dialect: Dialect,
    /// Fields of every record; `None` where records have no fields.
    pub n_fields: Option<usize>,
}

/// See the module's text.
pub(crate) struct Stripes<'a> {
    text: Text<'a>,
    sampling: Sampling,
    block_bytes: usize,
    next: u64,
    /// What is left of the current stripe, and where that begins.
    rest: Vec<u8>,
    given: usize,
    start: u64,
    sha: Sha256,
    n_hashed: u64,
    /// The hash behind each stripe that was read, with the stripe's beginning.
    hashes: Vec<(u64, Sha256, u64)>,
}

impl<'a> Stripes<'a> {
    /// The stripes that are in the sample, in blocks of about `block_bytes` bytes.
    pub(crate) fn new(text: Text<'a>, sampling: Sampling, block_bytes: usize) -> Self {
        Self {
            text,
            sampling,
            block_bytes: block_bytes.max(1),
            next: 0,
            rest: Vec::new(),
            given: 0,
            start: 0,
            sha: Sha256::new(),
            n_hashed: 0,
            hashes: Vec::new(),
        }
    }

    /// Reads the next stripe that is wanted and has records; false at the end.
    fn load(&mut self) -> io::Result<bool> {
        let end = self.text.len.min(self.sampling.end);
        loop {
            let (index, from) = (self.next, self.next * STRIPE_BYTES);
            if from >= end {
                return Ok(false);
            }
            self.next += 1;
            if !self.sampling.keeps_part(index) {
                continue;
            }
            self.start = self.text.record_at(from)?;
            let to = self.text.record_at((from + STRIPE_BYTES).min(self.text.len))?.min(end);
            if to <= self.start {
                continue;
            }
            self.rest.resize((to - self.start) as usize, 0);
            self.given = 0;
            self.text.read_at(self.start, &mut self.rest)?;
            self.sha.update(self.start.to_le_bytes());
            self.sha.update(&self.rest);
            self.n_hashed += self.rest.len() as u64;
            self.hashes.push((self.start, self.sha.clone(), self.n_hashed));
            return Ok(true);
        }
    }
}

impl Feed for Stripes<'_> {
    fn next_block(&mut self) -> io::Result<Option<Block>> {
        if self.given == self.rest.len() && !self.load()? {
            return Ok(None);
        }
        let rest = &self.rest[self.given..];
        let mut cut = self.block_bytes.min(rest.len());
        while cut < rest.len() {
            match last_record_end(&rest[..cut], self.text.dialect) {
                Some(end) => {
                    cut = end;
                    break;
                }
                None => cut = (cut * 2).min(rest.len()),
            }
        }
        let block = Block { start: self.start + self.given as u64, bytes: rest[..cut].to_vec() };
        self.given += cut;
        Ok(Some(block))
    }

    fn digest(&self, end: u64) -> Option<(String, u64)> {
        let counted = self.hashes.iter().rev().find(|(start, ..)| *start < end);
        let empty = Sha256::new();
        let (sha, n) = counted.map_or((&empty, 0), |(_, sha, n)| (sha, *n));
        Some((hex(&sha.clone().finalize()), n))
    }

    /// At the beginning of a stripe: one that is cut would have another hash.
    fn is_border(&self, place: u64) -> bool {
        self.hashes.iter().any(|(start, ..)| *start == place)
    }
}

impl Text<'_> {
    /// Where the first record begins that does so at or behind `place`.
    fn record_at(&mut self, place: u64) -> io::Result<u64> {
        if place == 0 || place >= self.len {
            return Ok(place.min(self.len));
        }
        // With the byte before, which tells whether a record ends there.
        let from = place - 1;
        let mut window = WINDOW_BYTES;
        loop {
            let n = (self.len - from).min(window as u64) as usize;
            let mut bytes = vec![0; n];
            self.read_at(from, &mut bytes)?;
            let is_whole = from + n as u64 == self.len;
            match self.border(&bytes) {
                Some(at) => return Ok(from + at as u64),
                None if is_whole => return Ok(self.len),
                None if window >= WINDOW_BYTES_MAX => {
                    return Err(io::Error::new(
                        io::ErrorKind::InvalidData,
                        format!("no record ends within {window} bytes behind byte {place}"),
                    ));
                }
                None => window *= 4,
            }
        }
    }

    /// Where the first record begins in bytes that begin anywhere.
    fn border(&self, bytes: &[u8]) -> Option<usize> {
        let outside = first_record_end(bytes, self.dialect, false);
        let Some(n_fields) = self.n_fields.filter(|_| self.dialect.quote.is_some()) else {
            return outside;
        };
        let inside = first_record_end(bytes, self.dialect, true);
        let (Some(a), Some(b)) = (outside, inside) else { return outside.or(inside) };
        let good = |at: usize| n_good_records(&bytes[at..], self.dialect, n_fields);
        if a == b || good(a) >= good(b) { Some(a) } else { Some(b) }
    }

    fn read_at(&mut self, place: u64, bytes: &mut [u8]) -> io::Result<()> {
        self.file.seek(SeekFrom::Start(self.n_mark + place))?;
        self.file.read_exact(bytes)
    }
}
