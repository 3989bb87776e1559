//! Blocks through many workers, back in order.
//!
//! While one batch of blocks is parsed by all threads, the next is read (and hashed, and
//! unpacked) by one of them. What is parsed is handed over in file order, so that results do not
//! depend on the number of threads, and no more than two batches are in memory.

use std::io;

use modelwright_core::{Context, Error, Result};
use rayon::prelude::*;

use crate::csv::blocks::{Block, Feed};

/// A stream of blocks that are parsed ahead, batch by batch.
pub(crate) struct Batches<'a> {
    feed: Box<dyn Feed + 'a>,
    n_batch: usize,
    n_bytes_max: u64,
    next: Option<io::Result<Vec<Block>>>,
}

impl<'a> Batches<'a> {
    /// Batches of `n_batch` blocks.
    pub(crate) fn new(feed: Box<dyn Feed + 'a>, n_batch: usize) -> Self {
        Self { feed, n_batch, n_bytes_max: u64::MAX, next: None }
    }

    /// The same of fewer blocks where these have so many bytes already: long records make long
    /// blocks.
    pub(crate) fn bounded(mut self, n_bytes_max: Option<u64>) -> Self {
        self.n_bytes_max = n_bytes_max.unwrap_or(u64::MAX);
        self
    }

    /// The place of the text at which what has not been parsed begins, when there is more and
    /// the text may be taken to end there.
    pub(crate) fn border(&self) -> Option<u64> {
        let block = self.next.as_ref()?.as_ref().ok()?.first()?;
        self.feed.is_border(block.start).then_some(block.start)
    }

    /// See [`Feed::digest`].
    pub(crate) fn digest(&self, end: u64) -> Option<(String, u64)> {
        self.feed.digest(end)
    }

    /// Parses the next batch in parallel while reading the one after it; results are in file
    /// order, and none at the end of the file.
    ///
    /// # Errors
    /// What reading said; when the user interrupted.
    pub(crate) fn parse_next<T: Send>(
        &mut self,
        ctx: &Context,
        parse: impl Fn(Block) -> T + Sync + Send,
        broken: impl Fn(io::Error) -> Error,
    ) -> Result<Vec<T>> {
        if ctx.is_cancelled() {
            return Err(Error::interrupted("interrupted while reading"));
        }
        let batch = match self.next.take() {
            Some(batch) => batch,
            None => self.read(),
        };
        let batch = batch.map_err(broken)?;
        if batch.is_empty() {
            self.next = Some(Ok(Vec::new()));
            return Ok(Vec::new());
        }
        let (parsed, next) = ctx.install(|| {
            rayon::join(|| batch.into_par_iter().map(&parse).collect(), || self.read())
        });
        self.next = Some(next);
        Ok(parsed)
    }

    fn read(&mut self) -> io::Result<Vec<Block>> {
        let mut batch = Vec::with_capacity(self.n_batch);
        let mut n_bytes = 0;
        while batch.is_empty() || (batch.len() < self.n_batch && n_bytes < self.n_bytes_max) {
            let Some(block) = self.feed.next_block()? else { break };
            n_bytes += block.bytes.len() as u64;
            batch.push(block);
        }
        Ok(batch)
    }
}
