//! Rows that come once, kept until both models have read them.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use modelwright_core::{Error, Result};

/// A file of the rows of a stream, removed at the end.
pub(super) struct Spooled(PathBuf);

impl Spooled {
    /// The rows of standard input (`-`) or of a pipe; `None` for a file, which can be read twice.
    ///
    /// # Errors
    /// Input error when the stream cannot be read, work error when there is no room for its rows.
    pub(super) fn of(data: &Path) -> Result<Option<Self>> {
        let is_stdin = data.as_os_str() == "-";
        let is_file = || data.metadata().map_or(true, |meta| meta.is_file() || meta.is_dir());
        if !is_stdin && is_file() {
            return Ok(None);
        }
        let name = format!("modelwright-compare-{}.rows", std::process::id());
        let kept = Self(std::env::temp_dir().join(name));
        let failed = |e: io::Error| {
            Error::work("the rows cannot be kept for the second model")
                .at(kept.0.display().to_string())
                .hint("write them to a file, and name it; or choose another folder by TMPDIR")
                .because(e)
        };
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        // Rows are data of people.
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&kept.0).map_err(failed)?;
        let copied = if is_stdin {
            io::copy(&mut io::stdin().lock(), &mut file)
        } else {
            let opened = File::open(data);
            let mut stream = opened.map_err(|e| {
                Error::input("the file cannot be read").at(data.display().to_string()).because(e)
            })?;
            io::copy(&mut stream, &mut file)
        };
        copied.map_err(failed)?;
        Ok(Some(kept))
    }

    /// Where they are.
    pub(super) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Spooled {
    fn drop(&mut self) {
        // Nothing can be done about a failure here.
        let _ = std::fs::remove_file(&self.0);
    }
}
