//! A file or memory that many threads read at any place.
//!
//! `std::fs::File` as a `ChunkReader` shares one position among its clones, so that two columns
//! read at once would take each other's bytes; here the position is set under a lock.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use parquet::errors::Result;
use parquet::file::reader::{ChunkReader, Length};

/// See the module's text.
#[derive(Clone)]
pub(crate) enum SharedBytes {
    File { file: Arc<Mutex<File>>, len: u64 },
    Memory(Bytes),
}

impl SharedBytes {
    /// A file that is read where it lies.
    pub(crate) fn file(file: File) -> io::Result<Self> {
        let len = file.metadata()?.len();
        Ok(Self::File { file: Arc::new(Mutex::new(file)), len })
    }
}

impl Length for SharedBytes {
    fn len(&self) -> u64 {
        match self {
            Self::File { len, .. } => *len,
            Self::Memory(bytes) => bytes.len() as u64,
        }
    }
}

impl ChunkReader for SharedBytes {
    type T = BufReader<At>;

    fn get_read(&self, start: u64) -> Result<Self::T> {
        Ok(BufReader::new(At { bytes: self.clone(), at: start }))
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes> {
        if let Self::Memory(bytes) = self {
            return bytes.get_bytes(start, length);
        }
        // Not more than there is, whatever a broken footer asks for.
        if start.checked_add(length as u64).is_none_or(|end| end > self.len()) {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
        }
        let mut buffer = vec![0; length];
        At { bytes: self.clone(), at: start }.read_exact(&mut buffer)?;
        Ok(Bytes::from(buffer))
    }
}

/// A reader with a position of its own.
pub(crate) struct At {
    bytes: SharedBytes,
    at: u64,
}

impl Read for At {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = match &self.bytes {
            SharedBytes::File { file, .. } => {
                let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
                file.seek(SeekFrom::Start(self.at))?;
                file.read(buffer)?
            }
            SharedBytes::Memory(bytes) => {
                let start = (self.at as usize).min(bytes.len());
                let n = buffer.len().min(bytes.len() - start);
                buffer[..n].copy_from_slice(&bytes[start..start + n]);
                n
            }
        };
        self.at += n as u64;
        Ok(n)
    }
}
