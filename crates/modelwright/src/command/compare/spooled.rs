//! Rows that come once, kept until both models have read them.

use std::fs::File;
use std::io;
use std::path::Path;

use modelwright_core::{Error, Result};
use modelwright_lifecycle::temporary::TemporaryFile;

/// A file of the rows of a stream, removed at the end, and by Ctrl-C.
pub(super) struct Spooled(TemporaryFile);

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
        let failed = |e: io::Error| {
            Error::work("the rows cannot be kept for the second model")
                .at(std::env::temp_dir().display().to_string())
                .hint("write them to a file, and name it; or choose another folder by TMPDIR")
                .because(e)
        };
        let mut file = TemporaryFile::create(".rows").map_err(failed)?;
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
        Ok(Some(Self(file)))
    }

    /// Where they are.
    pub(super) fn path(&self) -> &Path {
        self.0.path()
    }
}
