//! Bytes that are kept outside of memory, for what would not fit.
//!
//! A table of bins can be larger than the memory a run may take. The rim of the program, which
//! knows where there is room, implements [`Store`]; learners write a [`Draft`] piece by piece and
//! read the finished bytes ([`Stored`]) as a slice. Whoever reads says so before
//! ([`Stored::will_read`]), so that pages that were read long ago can be given back.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use crate::Result;

/// A place with room for bytes.
pub trait Store: fmt::Debug + Send + Sync {
    /// Room for `n_bytes` bytes, which are zero until they are written.
    ///
    /// # Errors
    /// Work error when there is no such room.
    fn begin(&self, n_bytes: u64) -> Result<Box<dyn Draft>>;
}

/// Bytes that are being written.
pub trait Draft: Send {
    /// Writes bytes from place `at`.
    ///
    /// # Errors
    /// Work error when the place is full or fails.
    fn write(&mut self, at: u64, bytes: &[u8]) -> Result<()>;

    /// Ends the writing.
    ///
    /// # Errors
    /// Work error when the bytes cannot be read back.
    fn finish(self: Box<Self>) -> Result<Arc<dyn Stored>>;
}

/// Bytes that were written, and never change.
pub trait Stored: fmt::Debug + Send + Sync {
    /// All of them.
    fn bytes(&self) -> &[u8];

    /// Says that about so many bytes are going to be read, anywhere.
    fn will_read(&self, n_bytes: usize);

    /// Where they are kept, with room for more.
    fn store(&self) -> Arc<dyn Store>;
}

/// A part of stored bytes.
#[derive(Debug, Clone)]
pub struct StoredPart {
    stored: Arc<dyn Stored>,
    range: Range<usize>,
}

impl StoredPart {
    /// The bytes of `range`.
    ///
    /// # Panics
    /// If there are fewer bytes.
    pub fn new(stored: Arc<dyn Stored>, range: Range<usize>) -> Self {
        assert!(range.start <= range.end && range.end <= stored.bytes().len(), "bytes exist");
        Self { stored, range }
    }

    /// The bytes that it is a part of.
    pub fn stored(&self) -> &Arc<dyn Stored> {
        &self.stored
    }
}

impl AsRef<[u8]> for StoredPart {
    fn as_ref(&self) -> &[u8] {
        &self.stored.bytes()[self.range.clone()]
    }
}

impl PartialEq for StoredPart {
    fn eq(&self, other: &Self) -> bool {
        self.as_ref() == other.as_ref()
    }
}

impl Eq for StoredPart {}

/// Memory that plays the part of a place outside of it, for tests.
#[derive(Debug, Clone, Default)]
pub struct Shelf;

/// The bytes of a [`Shelf`].
#[derive(Debug)]
struct OnShelf(Vec<u8>);

impl Store for Shelf {
    fn begin(&self, n_bytes: u64) -> Result<Box<dyn Draft>> {
        Ok(Box::new(OnShelf(vec![0; n_bytes as usize])))
    }
}

impl Draft for OnShelf {
    fn write(&mut self, at: u64, bytes: &[u8]) -> Result<()> {
        self.0[at as usize..][..bytes.len()].copy_from_slice(bytes);
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<Arc<dyn Stored>> {
        Ok(Arc::new(*self))
    }
}

impl Stored for OnShelf {
    fn bytes(&self) -> &[u8] {
        &self.0
    }

    fn will_read(&self, _: usize) {}

    fn store(&self) -> Arc<dyn Store> {
        Arc::new(Shelf)
    }
}
