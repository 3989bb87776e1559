//! What tells one content of a file from another without reading it.

use std::path::Path;
use std::time::SystemTime;

/// How a file is; equal for a file that was not touched between two looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FileStamp {
    modified: Option<SystemTime>,
    n_bytes: u64,
    /// A file that was renamed into its place is another, however like the one before it is.
    node: u64,
}

impl FileStamp {
    /// That of the file that `path` leads to now; `None` where there is none.
    pub(crate) fn of(path: &Path) -> Option<Self> {
        let meta = path.metadata().ok()?;
        #[cfg(unix)]
        let node = std::os::unix::fs::MetadataExt::ino(&meta);
        #[cfg(not(unix))]
        let node = 0;
        Some(Self { modified: meta.modified().ok(), n_bytes: meta.len(), node })
    }
}
