//! A file that a process needs for a while: gone when it is no longer needed, and when the process
//! is told to die.
//!
//! Who is killed without a word leaves it; only its owner can read it.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::Path;

use tempfile::NamedTempFile;

use crate::atomic::unfinished;

/// A file in the folder for temporary files, under a name that nobody else has.
#[derive(Debug)]
pub struct TemporaryFile(NamedTempFile<File>);

impl TemporaryFile {
    /// Begins an empty file; its name ends in `suffix`.
    ///
    /// # Errors
    /// What the system says when the folder cannot be written to.
    pub fn create(suffix: &str) -> io::Result<Self> {
        let make = |path: &Path| {
            let mut options = OpenOptions::new();
            options.write(true).create_new(true);
            // Rows are data of people.
            #[cfg(unix)]
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
            // Registered before it exists: a signal in between must find it.
            unfinished(|set| set.insert(path.to_owned()));
            options.open(path).inspect_err(|_| {
                unfinished(|set| set.remove(path));
            })
        };
        // So many letters that the name is nobody else's.
        let mut named = tempfile::Builder::new();
        named.prefix("modelwright-").suffix(suffix).rand_bytes(16).make(make).map(Self)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.0.path()
    }
}

impl io::Write for TemporaryFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.as_file_mut().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.as_file_mut().flush()
    }
}

impl Drop for TemporaryFile {
    fn drop(&mut self) {
        // It goes before it is forgotten: a signal in between must find it. Nothing can be done
        // about a failure here.
        let _ = std::fs::remove_file(self.0.path());
        unfinished(|set| set.remove(self.0.path()));
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn a_temporary_file_is_its_owners_alone_and_goes_with_what_holds_it() {
        let mut one = TemporaryFile::create(".rows").unwrap();
        let other = TemporaryFile::create(".rows").unwrap();
        assert_ne!(one.path(), other.path());
        one.write_all(b"x").unwrap();
        assert_eq!(std::fs::read(one.path()).unwrap(), b"x");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = std::fs::metadata(one.path()).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        let path = one.path().to_owned();
        assert!(unfinished(|set| set.contains(&path)), "a signal removes it");
        drop(one);
        assert!(!path.exists() && !unfinished(|set| set.contains(&path)));
    }
}
