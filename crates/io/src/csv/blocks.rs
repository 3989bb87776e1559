//! A stream of bytes cut into blocks of whole records, for workers to parse.

use std::io::{self, Read};

use super::records::{Dialect, last_record_end};

/// A record longer than this is taken for a quote that was never closed.
const RECORD_BYTES_MAX: usize = 256 << 20;

/// Cuts a stream into blocks; every block begins and ends with a record.
pub(crate) struct Blocks<'a> {
    reader: Box<dyn Read + Send + 'a>,
    dialect: Dialect,
    block_bytes: usize,
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
        Self { reader, dialect, block_bytes: block_bytes.max(1), carry: Vec::new(), ended: false }
    }

    /// The next block; `None` at the end. The last one may lack its line end.
    pub(crate) fn next_block(&mut self) -> io::Result<Option<Vec<u8>>> {
        let mut block = std::mem::take(&mut self.carry);
        let mut wanted = self.block_bytes;
        loop {
            self.fill(&mut block, wanted)?;
            if self.ended {
                return Ok((!block.is_empty()).then_some(block));
            }
            if let Some(end) = last_record_end(&block, self.dialect) {
                self.carry = block.split_off(end);
                return Ok(Some(block));
            }
            if block.len() > RECORD_BYTES_MAX {
                // Whoever parses it reports the open quote with its line.
                self.ended = true;
                return Ok(Some(block));
            }
            wanted = block.len() * 2;
        }
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
                let block = String::from_utf8(block).unwrap();
                super::super::records::split(&block, dialect, 2, usize::MAX).unwrap();
                joined.extend(block.into_bytes());
            }
            assert_eq!(joined, text.as_bytes());
        }
    }
}
