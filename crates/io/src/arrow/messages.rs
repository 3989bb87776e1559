//! A stream of Arrow messages that comes once, looked at message by message.
//!
//! The decoder allocates what a message says of itself, so that each is read whole first, as far
//! as it is really there, and checked ([`super::limits`]). No more than one is held.

use std::io::{self, Cursor, Read};

use arrow_ipc::root_as_message;
use arrow_schema::ArrowError;

use super::limits::check_batch;

/// What stands before the length of a message; old streams lack it.
const CONTINUATION: [u8; 4] = [0xff; 4];

/// Gives the bytes of a stream, those of a message only when it is found sound.
pub(super) struct Checked<R> {
    reader: R,
    n_bytes_max: u64,
    /// The message that is being given out.
    message: Cursor<Vec<u8>>,
    is_over: bool,
}

impl<R: Read> Checked<R> {
    /// Of a stream whose messages have at most `n_bytes_max` bytes, packed and unpacked together.
    pub(super) fn new(reader: R, n_bytes_max: Option<u64>) -> Self {
        let n_bytes_max = n_bytes_max.unwrap_or(u64::MAX);
        Self { reader, n_bytes_max, message: Cursor::default(), is_over: false }
    }

    /// Reads the next message; nothing at the end.
    fn next_message(&mut self) -> io::Result<Vec<u8>> {
        let mut message = Vec::new();
        self.add(4, &mut message)?;
        if message == CONTINUATION {
            self.add(4, &mut message)?;
        }
        let Some(length) = message.last_chunk::<4>() else { return Ok(message) };
        // An end that says so has a length of 0.
        let (n_header, start) = (u64::from(u32::from_le_bytes(*length)), message.len());
        if n_header == 0 {
            self.is_over = true;
            return Ok(message);
        }
        // What is no Arrow has a length of any size, and ends before.
        self.add(n_header.min(self.n_bytes_max.saturating_add(1)), &mut message)?;
        self.must_fit(n_header)?;
        let header = message[start..].to_vec();
        let parsed = root_as_message(&header).map_err(|e| broken(e.to_string()))?;
        let n_body = u64::try_from(parsed.bodyLength());
        let n_body = n_body.map_err(|e| broken(e.to_string()))?;
        self.must_fit(n_header.saturating_add(n_body))?;
        let start = message.len();
        self.add(n_body, &mut message)?;
        let batch = parsed
            .header_as_record_batch()
            .or_else(|| parsed.header_as_dictionary_batch().and_then(|d| d.data()));
        if let Some(batch) = batch {
            let mut body = Cursor::new(&message[start..]);
            let unpacked = check_batch(&mut body, &batch, 0, n_body).map_err(|e| match e {
                ArrowError::ParseError(text) => broken(text),
                other => broken(other.to_string()),
            })?;
            self.must_fit(n_body.saturating_add(unpacked))?;
        }
        Ok(message)
    }

    fn must_fit(&self, n_bytes: u64) -> io::Result<()> {
        if n_bytes <= self.n_bytes_max {
            return Ok(());
        }
        let text = format!(
            "a message of {n_bytes} bytes; expected at most {} bytes, unpacked too",
            self.n_bytes_max
        );
        Err(io::Error::new(io::ErrorKind::FileTooLarge, text))
    }

    /// Adds the next `n` bytes. Memory is taken as they come, not as they are promised.
    fn add(&mut self, n: u64, message: &mut Vec<u8>) -> io::Result<()> {
        let n_before = message.len();
        let n_read = (&mut self.reader).take(n).read_to_end(message)? as u64;
        if n_read == 0 && n_before == 0 {
            self.is_over = true;
            return Ok(());
        }
        if n_read < n { Err(broken("a message is cut short".to_owned())) } else { Ok(()) }
    }
}

impl<R: Read> Read for Checked<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        loop {
            let n = self.message.read(out)?;
            if n > 0 || out.is_empty() || self.is_over {
                return Ok(n);
            }
            // Given up before the next one is read.
            self.message = Cursor::default();
            self.message = Cursor::new(self.next_message()?);
            if self.message.get_ref().is_empty() {
                return Ok(0);
            }
        }
    }
}

fn broken(text: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, text)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use arrow_array::{ArrayRef, Float64Array, RecordBatch};
    use arrow_ipc::reader::StreamReader;
    use arrow_ipc::writer::StreamWriter;

    use super::*;

    const ROWS: usize = 1000;

    fn stream(n_batches: usize) -> Vec<u8> {
        let values: ArrayRef =
            Arc::new(Float64Array::from_iter_values((0..ROWS).map(|i| i as f64)));
        let batch = RecordBatch::try_from_iter([("x", values)]).unwrap();
        let mut writer = StreamWriter::try_new(Vec::new(), &batch.schema()).unwrap();
        (0..n_batches).for_each(|_| writer.write(&batch).unwrap());
        writer.into_inner().unwrap()
    }

    /// Counts what was read.
    struct Counted<'a>(&'a [u8], Arc<AtomicUsize>);

    impl Read for Counted<'_> {
        fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
            let n = self.0.read(out)?;
            self.1.fetch_add(n, Ordering::Relaxed);
            Ok(n)
        }
    }

    #[test]
    fn a_stream_is_read_no_further_than_the_batch_that_is_asked_for() {
        let (bytes, n_read) = (stream(50), Arc::new(AtomicUsize::new(0)));
        let reader = Checked::new(Counted(&bytes, n_read.clone()), Some(16_000));
        let mut batches = StreamReader::try_new(reader, None).unwrap();
        assert_eq!(batches.next().unwrap().unwrap().num_rows(), ROWS);
        assert!(n_read.load(Ordering::Relaxed) < 2 * bytes.len() / 50);
        let n_rows: usize = batches.map(|batch| batch.unwrap().num_rows()).sum();
        assert_eq!(n_rows, 49 * ROWS);
    }

    #[test]
    fn what_is_too_large_cut_short_or_no_message_is_an_error() {
        let bytes = stream(1);
        let all = |bytes: &[u8], n_max| {
            let mut out = Vec::new();
            Checked::new(bytes, n_max).read_to_end(&mut out).map(|_| out)
        };
        assert_eq!(all(&bytes, None).unwrap(), bytes);
        let kind = |bytes: &[u8], n_max| all(bytes, n_max).unwrap_err().kind();
        assert_eq!(kind(&bytes, Some(4000)), io::ErrorKind::FileTooLarge);
        for end in [2, 6, 40, bytes.len() - 100] {
            assert_eq!(kind(&bytes[..end], None), io::ErrorKind::InvalidData, "{end}");
        }
        assert_eq!(
            kind(&[0xff, 0xff, 0xff, 0xff, 9, 0, 0, 0, 1, 2, 3], None),
            io::ErrorKind::InvalidData
        );
        // The length alone takes no memory.
        assert_eq!(kind(b"no arrow", Some(1000)), io::ErrorKind::InvalidData);
        let endless = [b"no arrow".as_slice(), &[0; 2000]].concat();
        assert_eq!(kind(&endless, Some(1000)), io::ErrorKind::FileTooLarge);
    }
}
