//! A place on the disk for what does not fit in memory, while a run lasts.
//!
//! Files there have no names ([`modelwright_kernels::mapped`]): nothing is left of them when the
//! run ends, whichever way it ends.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use modelwright_core::data::{Draft, Store, Stored};
use modelwright_core::{Error, Result};
use modelwright_kernels::mapped::{Mapped, Nameless};

/// See the module's text.
#[derive(Debug, Clone)]
pub struct Scratch {
    folder: PathBuf,
    room: u64,
}

impl Scratch {
    /// A place on the disk of `folder`; of each file about `room` bytes are in memory at a time.
    pub fn new(folder: &Path, room: u64) -> Self {
        Self { folder: folder.to_owned(), room }
    }

    fn failed(&self, n_bytes: u64, because: std::io::Error) -> Error {
        let full = because.kind() == std::io::ErrorKind::StorageFull
            || because.kind() == std::io::ErrorKind::QuotaExceeded;
        let what = if full {
            "the disk is full: what does not fit in memory cannot be kept there"
        } else {
            "what does not fit in memory cannot be kept on the disk"
        };
        Error::work(what)
            .at(self.folder.display().to_string())
            .expected(format!("room for {:.1} MB", n_bytes as f64 / 1e6))
            .hint("choose a folder with room by the environment variable TMPDIR, or raise --memory")
            .because(because)
    }
}

struct Writing {
    scratch: Scratch,
    file: Nameless,
    n_bytes: u64,
}

#[derive(Debug)]
struct Written {
    scratch: Scratch,
    bytes: Mapped,
}

impl Store for Scratch {
    fn begin(&self, n_bytes: u64) -> Result<Box<dyn Draft>> {
        let file = Nameless::create(&self.folder, n_bytes).map_err(|e| self.failed(n_bytes, e))?;
        Ok(Box::new(Writing { scratch: self.clone(), file, n_bytes }))
    }
}

impl Draft for Writing {
    fn write(&mut self, at: u64, bytes: &[u8]) -> Result<()> {
        self.file.write(at, bytes).map_err(|e| self.scratch.failed(self.n_bytes, e))
    }

    fn finish(self: Box<Self>) -> Result<Arc<dyn Stored>> {
        let Self { scratch, file, n_bytes } = *self;
        let bytes = file.map(scratch.room).map_err(|e| scratch.failed(n_bytes, e))?;
        Ok(Arc::new(Written { scratch, bytes }))
    }
}

impl Stored for Written {
    fn bytes(&self) -> &[u8] {
        self.bytes.bytes()
    }

    fn will_read(&self, n_bytes: usize) {
        self.bytes.will_read(n_bytes);
    }

    fn store(&self) -> Arc<dyn Store> {
        Arc::new(self.scratch.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_come_back_and_the_folder_stays_empty() {
        let folder = std::env::temp_dir().join(format!("mw-scratch-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let scratch = Scratch::new(&folder, 64);
        let mut draft = scratch.begin(10_000).unwrap();
        draft.write(9_990, b"end").unwrap();
        let stored = draft.finish().unwrap();
        stored.will_read(1000);
        assert_eq!(stored.bytes()[9_988..], *b"\0\0end\0\0\0\0\0\0\0");
        assert!(stored.store().begin(5).is_ok());
        assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 0);
        std::fs::remove_dir(&folder).unwrap();
    }

    #[test]
    fn a_full_disk_is_an_error_with_a_way_out() {
        // A device that is always full stands for the disk.
        let full = std::io::Error::from(std::io::ErrorKind::StorageFull);
        let error = Scratch::new("/somewhere".as_ref(), 1).failed(3_000_000, full).to_string();
        for part in ["the disk is full", "/somewhere", "3.0 MB", "TMPDIR"] {
            assert!(error.contains(part), "{error}");
        }
        let nowhere = Scratch::new("/no/such/folder".as_ref(), 1).begin(10);
        let error = nowhere.err().unwrap().to_string();
        assert!(error.contains("/no/such/folder") && !error.contains("full"), "{error}");
    }
}
