//! A stream of bytes cut into blocks of whole records, for workers to parse.

use std::io::{self, Read};

use super::records::{Dialect, last_record_end};

/// A record longer than this is taken for a quote that was never closed.
const RECORD_BYTES_MAX: usize = 256 << 20;

/// Whole records of a text.
pub(crate) struct Block {
    /// The byte of the text (behind its byte order mark) at which the first of them begins.
    pub start: u64,
    pub bytes: Vec<u8>,
}

/// Gives the blocks of a text, or of a part of it, in order.
pub(crate) trait Feed: Send {
    /// The next block; `None` at the end. The last one may lack its line end.
    fn next_block(&mut self) -> io::Result<Option<Block>>;

    /// The hash of what was given out so far, and the bytes it covers, where the feed itself reads
    /// the file; what lies at or behind `end` does not count.
    fn digest(&self, _end: u64) -> Option<(String, u64)> {
        None
    }

    /// Whether the text may be taken to end at the beginning of the block at `place`.
    fn is_border(&self, _place: u64) -> bool {
        true
    }
}

/// Cuts a stream into blocks; every block begins and ends with a record.
pub(crate) struct Blocks<'a> {
    reader: Box<dyn Read + Send + 'a>,
    dialect: Dialect,
    block_bytes: usize,
    record_bytes_max: usize,
    /// Whether a longer record is refused as such.
    is_bounded: bool,
    start: u64,
    carry: Vec<u8>,
    ended: bool,
}

impl<'a> Blocks<'a> {
    /// Blocks of about `block_bytes` bytes; longer where a record is.
    pub(crate) fn new(
        reader: Box<dyn Read + Send + 'a>,
        dialect: Dialect,
        block_bytes: usize,
    ) -> Self {
        Self {
            reader,
            dialect,
            block_bytes: block_bytes.max(1),
            record_bytes_max: RECORD_BYTES_MAX,
            is_bounded: false,
            start: 0,
            carry: Vec::new(),
            ended: false,
        }
    }

    /// The same with a tighter bound on the length of a record.
    pub(crate) fn with_record_max(mut self, bytes: Option<u64>) -> Self {
        let bytes = bytes.and_then(|b| usize::try_from(b).ok()).unwrap_or(RECORD_BYTES_MAX);
        self.record_bytes_max = bytes.clamp(self.block_bytes, RECORD_BYTES_MAX);
        self
    }

    /// The same, where a record that is longer than so many bytes (or than a block) is refused,
    /// whatever is the matter with it.
    pub(crate) fn bounded(mut self, bytes: Option<u64>) -> Self {
        if let Some(bytes) = bytes {
            let bytes = usize::try_from(bytes).unwrap_or(RECORD_BYTES_MAX);
            let bytes = bytes.max(self.block_bytes);
            self.is_bounded = bytes <= self.record_bytes_max;
            self.record_bytes_max = self.record_bytes_max.min(bytes);
        }
        self
    }

    fn fill(&mut self, block: &mut Vec<u8>, wanted: usize) -> io::Result<()> {
        while !self.ended && block.len() < wanted {
            let missing = wanted - block.len();
            block.reserve_exact(missing);
            let n = (&mut self.reader).take(missing as u64).read_to_end(block)?;
            self.ended = n == 0;
        }
        Ok(())
    }

    fn cut(&mut self) -> io::Result<Vec<u8>> {
        let mut block = std::mem::take(&mut self.carry);
        let mut wanted = self.block_bytes;
        loop {
            self.fill(&mut block, wanted)?;
            if self.ended {
                return Ok(block);
            }
            if let Some(end) = last_record_end(&block, self.dialect) {
                self.carry = block.split_off(end);
                return Ok(block);
            }
            if block.len() >= self.record_bytes_max && self.is_bounded {
                let text = format!("a record has more than {} bytes", self.record_bytes_max);
                return Err(io::Error::new(io::ErrorKind::FileTooLarge, text));
            }
            if block.len() >= self.record_bytes_max {
                // Whoever parses it reports the open quote with its line.
                self.ended = true;
                return Ok(block);
            }
            wanted = (block.len() * 2).min(self.record_bytes_max);
        }
    }
}

impl Feed for Blocks<'_> {
    fn next_block(&mut self) -> io::Result<Option<Block>> {
        let bytes = self.cut()?;
        let start = self.start;
        self.start += bytes.len() as u64;
        Ok((!bytes.is_empty()).then_some(Block { start, bytes }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_of_any_size_join_to_the_whole_and_never_cut_a_record() {
        let text = "a,b\n\"x\ny\",1\n,\"\"\"\n\"\nlast,2";
        let dialect =
            Dialect { delimiter: b',', quote: Some(b'"'), newline: b'\n', skip_blanks: false };
        for block_bytes in 1..text.len() + 2 {
            let mut blocks = Blocks::new(Box::new(text.as_bytes()), dialect, block_bytes);
            let mut joined = Vec::new();
            while let Some(block) = blocks.next_block().unwrap() {
                assert_eq!(block.start, joined.len() as u64);
                let block = String::from_utf8(block.bytes).unwrap();
                super::super::records::split(&block, dialect, 2, usize::MAX, |_| true).unwrap();
                joined.extend(block.into_bytes());
            }
            assert_eq!(joined, text.as_bytes());
        }
    }

    #[test]
    fn a_record_beyond_a_bound_is_refused_before_all_of_it_is_read() {
        let dialect =
            Dialect { delimiter: b',', quote: Some(b'"'), newline: b'\n', skip_blanks: false };
        for quote in ["", "\""] {
            let head = format!("a,b\n1,2\n{quote}");
            let endless = Box::new(io::Cursor::new(head).chain(io::repeat(b'x')));
            let mut blocks = Blocks::new(endless, dialect, 4).bounded(Some(1000));
            let error = loop {
                match blocks.next_block() {
                    Ok(block) => assert!(block.unwrap().bytes.len() <= 8),
                    Err(error) => break error,
                }
            };
            assert_eq!(error.kind(), io::ErrorKind::FileTooLarge);
            assert!(error.to_string().contains("1000 bytes"), "{error}");
        }
    }
}
