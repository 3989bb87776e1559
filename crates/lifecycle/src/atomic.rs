//! Files that are complete or absent, never half written.
//!
//! An [`AtomicFile`] collects bytes under a temporary name in the folder of its target (a rename
//! is atomic only within one file system). [`AtomicFile::commit`] flushes them to disk, renames,
//! and flushes the folder, so that the new name survives a power cut. Dropped without a commit,
//! or discarded by [`discard_unfinished`] when the process is told to die, it leaves nothing.
//!
//! The new file has the permissions of the one that it replaces. A link stays one: what it leads
//! to is replaced. What is no file (a pipe, a device) is written to as the bytes come.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};

use modelwright_core::{Error, Result};

/// The temporary files of this process that are not committed yet.
static UNFINISHED: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

/// Distinguishes temporary files of one process.
static NEXT: AtomicU32 = AtomicU32::new(0);

/// A file that appears under its name when, and only when, it is complete.
#[derive(Debug)]
pub struct AtomicFile {
    path: PathBuf,
    /// Where the bytes are until they are complete; `None` for a pipe or a device.
    temporary: Option<PathBuf>,
    file: File,
    committed: bool,
}

impl AtomicFile {
    /// Begins a file that will replace `path`.
    ///
    /// # Errors
    /// Input error when `path` is a folder, its folder does not exist or cannot be written to.
    pub fn create(path: impl AsRef<Path>) -> Result<Self> {
        let path = &led_to(path.as_ref());
        let Some(name) = path.file_name().filter(|_| !path.is_dir()) else {
            return Err(Error::input("the output is a folder")
                .at(path.display().to_string())
                .expected("the name of a file to write")
                .hint("add a file name to the path"));
        };
        let there = fs::metadata(path).ok();
        if there.as_ref().is_some_and(|there| !there.is_file()) {
            let opened = OpenOptions::new().write(true).open(path);
            let file = opened.map_err(|cause| write_error(path, cause))?;
            return Ok(Self { path: path.clone(), temporary: None, file, committed: false });
        }
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let hidden = format!(".{}.{}-{number}.tmp", name.to_string_lossy(), std::process::id());
        let temporary = path.with_file_name(hidden);
        // Registered before it exists: a signal in between must find it.
        unfinished(|set| set.insert(temporary.clone()));
        match OpenOptions::new().write(true).create_new(true).open(&temporary) {
            Ok(file) => {
                let temporary = Some(temporary);
                let begun = Self { path: path.clone(), temporary, file, committed: false };
                // Before the first byte: who may not read the old file may not read the new one.
                #[cfg(unix)]
                if let Some(there) = there {
                    let kept = begun.file.set_permissions(there.permissions());
                    kept.map_err(|cause| write_error(path, cause))?;
                }
                Ok(begun)
            }
            Err(cause) => {
                unfinished(|set| set.remove(&temporary));
                Err(write_error(path, cause))
            }
        }
    }

    /// Brings what was written so far to the disk.
    ///
    /// # Errors
    /// When the disk is full or fails.
    pub fn sync(&mut self) -> io::Result<()> {
        // A pipe has no disk.
        if self.temporary.is_some() { self.file.sync_all() } else { self.file.flush() }
    }

    /// Completes the file: flushed to disk, then given its name.
    ///
    /// # Errors
    /// Work error when the disk is full or fails; the target is then as it was.
    pub fn commit(mut self) -> Result<()> {
        self.sync().map_err(|cause| write_error(&self.path, cause))?;
        let Some(temporary) = &self.temporary else { return Ok(()) };
        fs::rename(temporary, &self.path).map_err(|cause| write_error(&self.path, cause))?;
        self.committed = true;
        unfinished(|set| set.remove(temporary));
        sync_folder(&self.path);
        Ok(())
    }

    /// Completes the file under another name in the same file system.
    ///
    /// # Errors
    /// As [`Self::commit`].
    pub fn commit_as(mut self, path: &Path) -> Result<()> {
        path.clone_into(&mut self.path);
        self.commit()
    }

    /// The name it will have.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Write for AtomicFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Drop for AtomicFile {
    fn drop(&mut self) {
        if let Some(temporary) = self.temporary.as_ref().filter(|_| !self.committed) {
            // Nothing can be done about a failure here; a stray hidden file harms nobody.
            let _ = fs::remove_file(temporary);
            unfinished(|set| set.remove(temporary));
        }
    }
}

/// What a path leads to where it is a link, also to a file that is not there yet.
fn led_to(path: &Path) -> PathBuf {
    if !path.is_symlink() {
        return path.to_owned();
    }
    path.canonicalize().unwrap_or_else(|_| match fs::read_link(path) {
        Ok(target) => path.parent().unwrap_or(Path::new("")).join(target),
        Err(_) => path.to_owned(),
    })
}

/// Writes `bytes` to `path`, completely or not at all.
///
/// # Errors
/// As [`AtomicFile::create`] and [`AtomicFile::commit`].
pub fn atomic_write(path: impl AsRef<Path>, bytes: &[u8]) -> Result<()> {
    let path = path.as_ref();
    let mut file = AtomicFile::create(path)?;
    file.write_all(bytes).map_err(|cause| write_error(path, cause))?;
    file.commit()
}

/// Removes every temporary file of this process. For a signal handler that ends it.
pub fn discard_unfinished() {
    unfinished(|set| {
        while let Some(path) = set.pop_first() {
            let _ = fs::remove_file(path);
        }
    });
}

/// Says in the user's words why `path` could not be written.
pub fn write_error(path: &Path, cause: io::Error) -> Error {
    let error = match cause.kind() {
        ErrorKind::NotFound | ErrorKind::NotADirectory => {
            Error::input("the output's folder does not exist")
                .expected("a path inside an existing folder")
                .hint("create the folder first, or choose another path")
        }
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
            Error::input("no permission to write here")
                .expected("a folder that you may write to")
                .hint("choose another output path, or change the folder's permissions")
        }
        ErrorKind::IsADirectory => Error::input("the output is a folder")
            .expected("the name of a file to write")
            .hint("add a file name to the path"),
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => Error::work(
            "the disk is full",
        )
        .hint("free some space or choose another output path; nothing was left half written"),
        _ => Error::work("cannot write the file"),
    };
    error.at(path.display().to_string()).because(cause)
}

/// Flushes the folder's list of names. Not every file system can; the file itself is safe.
fn sync_folder(path: &Path) {
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if let Ok(folder) = File::open(folder) {
        let _ = folder.sync_all();
    }
}

pub(crate) fn unfinished<T>(work: impl FnOnce(&mut BTreeSet<PathBuf>) -> T) -> T {
    work(&mut UNFINISHED.lock().unwrap_or_else(PoisonError::into_inner))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outputs::tests::Folder;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        entries.map(|e| e.unwrap().file_name().to_string_lossy().into_owned()).collect()
    }

    #[test]
    fn a_file_appears_only_when_committed() {
        let folder = Folder::new("atomic-commit");
        let path = folder.path().join("a.txt");
        fs::write(&path, "old").unwrap();
        let mut file = AtomicFile::create(&path).unwrap();
        file.write_all(b"new").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "old");
        file.commit().unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "new");
        assert_eq!(names(folder.path()), ["a.txt"]);
    }

    #[test]
    fn a_dropped_file_leaves_nothing() {
        let folder = Folder::new("atomic-drop");
        let mut file = AtomicFile::create(folder.path().join("a.txt")).unwrap();
        file.write_all(b"half").unwrap();
        drop(file);
        assert!(names(folder.path()).is_empty());
    }

    #[cfg(unix)]
    #[test]
    fn permissions_and_links_stay_as_they_are() {
        use std::os::unix::fs::{PermissionsExt, symlink};
        let folder = Folder::new("atomic-kept");
        let at = |name: &str| folder.path().join(name);
        fs::write(at("private"), "old").unwrap();
        fs::set_permissions(at("private"), fs::Permissions::from_mode(0o600)).unwrap();
        symlink("private", at("link")).unwrap();
        symlink("not there", at("open")).unwrap();
        atomic_write(at("link"), b"new").unwrap();
        assert!(at("link").is_symlink());
        assert_eq!(fs::read_to_string(at("private")).unwrap(), "new");
        let mode = fs::metadata(at("private")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        atomic_write(at("open"), b"new").unwrap();
        assert!(at("open").is_symlink());
        assert_eq!(fs::read_to_string(at("not there")).unwrap(), "new");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn what_is_no_file_is_written_to_and_stays_what_it_is() {
        use std::os::unix::fs::FileTypeExt;
        let folder = Folder::new("atomic-pipe");
        let pipe = folder.path().join("pipe");
        let made = std::process::Command::new("mkfifo").arg(&pipe).status().unwrap();
        assert!(made.success());
        let reader = std::thread::spawn({
            let pipe = pipe.clone();
            move || fs::read_to_string(pipe).unwrap()
        });
        atomic_write(&pipe, b"new").unwrap();
        assert_eq!(reader.join().unwrap(), "new");
        assert!(fs::metadata(&pipe).unwrap().file_type().is_fifo());
        // A link, so that a slip replaces the link and not the machine's device.
        let full = folder.path().join("full");
        std::os::unix::fs::symlink("/dev/full", &full).unwrap();
        assert_eq!(atomic_write(&full, b"x").unwrap_err().what(), "the disk is full");
        assert_eq!(names(folder.path()).len(), 2, "nothing beside them");
    }

    #[test]
    fn folders_and_missing_folders_are_named() {
        let folder = Folder::new("atomic-errors");
        let error = atomic_write(folder.path(), b"x").unwrap_err();
        assert_eq!(error.what(), "the output is a folder");
        let error = atomic_write(folder.path().join("no/such/file"), b"x").unwrap_err();
        assert_eq!(error.what(), "the output's folder does not exist");
        assert!(error.hint_text().is_some());
    }

    #[cfg(unix)]
    #[test]
    fn a_full_disk_is_said_and_leaves_nothing() {
        // `/dev/full` refuses every byte with "no space left"; a rename cannot reach it, so the
        // mapping itself is what is tested.
        let mut full = OpenOptions::new().write(true).open("/dev/full").unwrap();
        let cause = full.write_all(b"x").and_then(|()| full.flush()).unwrap_err();
        let error = write_error(Path::new("out.csv"), cause);
        assert_eq!(error.what(), "the disk is full");
        assert_eq!(error.kind(), modelwright_core::ErrorKind::Work);
    }
}
