//! JSON Lines to growing columns, block by block, watched.

use std::collections::HashSet;
use std::io::Read;
use std::sync::Arc;

use modelwright_core::Result;

use super::rows::Rows;
use super::{Text, parse_lines, too_sparse};
use crate::csv::LINES;
use crate::csv::blocks::{Block, Blocks, Feed};
use crate::csv::stripes::{self, Stripes};
use crate::hash::{Hash, Progress};
use crate::options::Encoding;
use crate::pipeline::Batches;
use crate::source::{Compression, Source};
use crate::watch::{Done, Verdict, Watch};

/// Lines that are about to be read.
pub(super) struct Lines<'a, 'b> {
    pub source: &'b Source<'a>,
    pub text: Text<'a>,
    pub hash: &'b Hash<'a>,
    pub compression: Option<Compression>,
    pub block_bytes: usize,
    pub n_max: usize,
    /// The only keys that become columns.
    pub wanted: Option<Arc<HashSet<String>>>,
}

/// What is known when they were read.
#[derive(Default)]
pub(super) struct LinesRead {
    /// Objects that were seen, kept or not.
    pub n_seen: u64,
    /// The hash of what was read, when that was not the opened stream.
    pub digest: Option<(String, u64)>,
}

impl<'a> Lines<'a, '_> {
    /// Reads into `all`; `None` when the watch wants fewer rows.
    pub(super) fn read(self, all: &mut Rows, watch: &mut Watch<'_>) -> Result<Option<LinesRead>> {
        let (source, n_max, wanted) = (self.source, self.n_max, self.wanted.clone());
        let is_utf16 = matches!(self.text.encoding, Encoding::Utf16Le | Encoding::Utf16Be);
        let is_as_it_lies = self.compression.is_none() && !is_utf16 && source.is_repeatable();
        watch.can_skip = is_as_it_lies;
        watch.begin_pass();
        let sampling = watch.sampling;
        let progress = Progress::of(source, self.hash, is_as_it_lies);
        let mut batches = Batches::new(self.feed(watch)?, 2 * watch.ctx.threads());
        let (mut n_lines, mut n_seen, mut n_bytes) = (0, 0, 0);
        while all.n_rows() < n_max {
            let parse = |block: Block| {
                let parsed = parse_lines(&block, &sampling, wanted.as_ref());
                (block.bytes.len() as u64, parsed)
            };
            let parsed = batches.parse_next(watch.ctx, parse, |e| source.broken(e))?;
            if parsed.is_empty() {
                break;
            }
            for (n, part) in parsed {
                let part = part.map_err(|e| e.explain(source, n_lines))?;
                all.append(part.rows);
                if all.is_too_sparse() {
                    return Err(too_sparse(source));
                }
                n_lines += part.n_lines;
                n_seen += part.n_seen;
                n_bytes += n;
            }
            let share = progress.share(n_bytes, sampling.parts);
            let done = Done { share, bytes: n_bytes, n_seen, table_bytes: all.size_bytes() };
            match watch.judge(done).map_err(|e| e.at(source.shown()))? {
                Verdict::GoOn => {}
                Verdict::Again => return Ok(None),
                Verdict::Stop => {
                    if let Some(end) = batches.border() {
                        watch.sampling.end = end;
                        break;
                    }
                }
            }
        }
        let digest = batches.digest(watch.sampling.end);
        Ok(Some(LinesRead { n_seen, digest }))
    }

    fn feed(self, watch: &Watch<'_>) -> Result<Box<dyn Feed + 'a>> {
        let sampling = watch.sampling;
        if let (false, Some(file)) = (sampling.parts.is_all(), self.source.at_any_place()) {
            let (file, n_mark) = (file?, self.text.n_mark);
            let len = self.source.n_bytes().unwrap_or(0).saturating_sub(n_mark);
            let text = stripes::Text { file, n_mark, len, dialect: LINES, n_fields: None };
            return Ok(Box::new(Stripes::new(text, sampling, self.block_bytes)));
        }
        let text = Box::new(self.text.reader.take(sampling.end));
        let blocks = Blocks::new(text, LINES, self.block_bytes);
        Ok(Box::new(blocks.with_record_max(watch.room_bytes().map(|room| room / 8))))
    }
}
