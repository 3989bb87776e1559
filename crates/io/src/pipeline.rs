//! Blocks through many workers, back in order.
//!
//! While one batch of blocks is parsed by all threads, the next is read (and hashed, and
//! unpacked) by one of them. What is parsed is handed over in file order, so that results do not
//! depend on the number of threads, and no more than two batches are in memory.

use std::io;

use modelwright_core::{Context, Error, Result};
use rayon::prelude::*;

use crate::csv::blocks::Blocks;

/// A numbered block of a file.
pub(crate) type Numbered = (usize, Vec<u8>);

/// A stream of blocks that are parsed ahead, batch by batch.
pub(crate) struct Batches<'a> {
    blocks: Blocks<'a>,
    n_batch: usize,
    n_read: usize,
    next: Option<io::Result<Vec<Numbered>>>,
}

impl<'a> Batches<'a> {
    /// Batches of `n_batch` blocks.
    pub(crate) fn new(blocks: Blocks<'a>, n_batch: usize) -> Self {
        Self { blocks, n_batch, n_read: 0, next: None }
    }

    /// Parses the next batch in parallel while reading the one after it; results are in file
    /// order, and none at the end of the file.
    ///
    /// # Errors
    /// What reading said; when the user interrupted.
    pub(crate) fn parse_next<T: Send>(
        &mut self,
        ctx: &Context,
        parse: impl Fn(usize, Vec<u8>) -> T + Sync + Send,
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
            rayon::join(
                || batch.into_par_iter().map(|(i, block)| parse(i, block)).collect(),
                || self.read(),
            )
        });
        self.next = Some(next);
        Ok(parsed)
    }

    fn read(&mut self) -> io::Result<Vec<Numbered>> {
        let mut batch = Vec::with_capacity(self.n_batch);
        while batch.len() < self.n_batch {
            match self.blocks.next_block()? {
                Some(block) => batch.push((self.n_read, block)),
                None => break,
            }
            self.n_read += 1;
        }
        Ok(batch)
    }
}
