//! What is read from its end waits in a file.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use crate::problem::Problem;

/// The file may be so many times the largest body that is taken into memory.
const BYTES_PER_BODY: u64 = 16;

/// A file that is gone when this is.
pub(super) struct Spool(PathBuf);

impl Spool {
    /// Takes all that comes, in the system's folder of passing files; `id` is the request's.
    ///
    /// # Errors
    /// Problem 413 for more than a limit, 400 for a body that broke off, 507 without a place.
    pub(super) fn take(reader: impl Read, id: u64, body_bytes_max: usize) -> Result<Self, Problem> {
        let n_max = (body_bytes_max as u64).saturating_mul(BYTES_PER_BODY);
        let full = |cause: io::Error| {
            Problem::new(507, "no-place", "the server has no place for the file")
                .got(&cause.to_string())
        };
        let (spool, mut file) = Self::create(id).map_err(full)?;
        let mut reader = Source { reader: reader.take(n_max.saturating_add(1)), failed: None };
        let n = io::copy(&mut reader, &mut file);
        if let Some(cause) = reader.failed {
            return Err(Problem::malformed(cause.to_string()));
        }
        if n.map_err(full)? > n_max {
            return Err(Problem::new(413, "body-too-large", "the file is too large")
                .expected(format!("at most {n_max} bytes"))
                .hint("send it in parts, as CSV, JSON Lines or an Arrow stream"));
        }
        Ok(spool)
    }

    fn create(id: u64) -> io::Result<(Self, File)> {
        let name = format!("modelwright-{}-{id:016x}", std::process::id());
        let path = std::env::temp_dir().join(name);
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(&path)?;
        Ok((Self(path), file))
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Spool {
    fn drop(&mut self) {
        // What cannot be removed now is for whoever cleans the folder.
        let _ = fs::remove_file(&self.0);
    }
}

/// Tells the trouble of who sends from that of the disk.
struct Source<R> {
    reader: R,
    failed: Option<io::Error>,
}

impl<R: Read> Read for Source<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        self.reader.read(out).map_err(|cause| {
            let kind = cause.kind();
            if kind != io::ErrorKind::Interrupted {
                self.failed = Some(cause);
            }
            kind.into()
        })
    }
}
