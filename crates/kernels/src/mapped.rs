//! Files without names that are read as memory: for bytes that do not fit into it.
//!
//! A [`Nameless`] file has no entry in its folder (or loses it when it is closed, where the system
//! knows no such files): nobody else can open it, and the system takes it back when the program
//! ends, however it ends. It is written in the ordinary way, so that a full disk is an error and
//! not a signal; then it becomes [`Mapped`], which is a slice.
//!
//! Pages that were read stay in memory until somebody needs it. A limit on what a program may take
//! counts them all the same, so that they are given back whenever `room` bytes were read since the
//! last time; the system keeps them as long as nobody else needs the memory, and a page that is
//! read again costs little.

use std::fs::File;
use std::io::{Result, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use memmap2::Mmap;

/// A file that only its owner knows.
#[derive(Debug)]
pub struct Nameless {
    file: File,
}

impl Nameless {
    /// A file of `n_bytes` zeros, on the disk of `folder`.
    ///
    /// # Errors
    /// When the folder does not exist or is not ours, or the disk knows no files of this size.
    pub fn create(folder: &Path, n_bytes: u64) -> Result<Self> {
        let file = tempfile::tempfile_in(folder)?;
        file.set_len(n_bytes)?;
        Ok(Self { file })
    }

    /// Writes bytes from place `at`.
    ///
    /// # Errors
    /// When the disk is full or fails.
    pub fn write(&mut self, at: u64, bytes: &[u8]) -> Result<()> {
        self.file.seek(SeekFrom::Start(at))?;
        self.file.write_all(bytes)
    }

    /// The file as memory, of which about `room` bytes are held at a time.
    ///
    /// # Errors
    /// When the system has no room for the addresses.
    pub fn map(self, room: u64) -> Result<Mapped> {
        // SAFETY: a mapping is sound as long as nobody changes the file. It has no name by which
        // another program could open it, the only handle is consumed here, and it is not written
        // to any more.
        let map = unsafe { Mmap::map(&self.file)? };
        Ok(Mapped { map, room: room.max(1), n_read: AtomicU64::new(0) })
    }
}

/// The bytes of a file that nobody changes.
#[derive(Debug)]
pub struct Mapped {
    map: Mmap,
    room: u64,
    /// Bytes that were read since pages were given back.
    n_read: AtomicU64,
}

impl Mapped {
    /// All of them.
    pub fn bytes(&self) -> &[u8] {
        &self.map
    }

    /// Says that about so many bytes are going to be read, anywhere; may give back those before.
    pub fn will_read(&self, n_bytes: usize) {
        let n_bytes = n_bytes as u64;
        let before = self.n_read.fetch_add(n_bytes, Ordering::Relaxed);
        if before.saturating_add(n_bytes) > self.room {
            self.n_read.store(n_bytes, Ordering::Relaxed);
            self.give_back();
        }
    }

    /// Gives the pages back to the system. They are read from the file again when they are needed.
    #[cfg(unix)]
    fn give_back(&self) {
        // SAFETY: the mapping is of a file and never written to, so that its pages come back as
        // they were; whoever reads one at this moment waits for it.
        let advised = unsafe { self.map.unchecked_advise(memmap2::UncheckedAdvice::DontNeed) };
        // Advice that is not taken changes nothing but the memory in use.
        drop(advised);
    }

    #[cfg(not(unix))]
    #[expect(clippy::unused_self, reason = "there is nothing to say to such systems")]
    fn give_back(&self) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_read_back_whatever_is_given_back_and_nothing_stays_in_the_folder() {
        let folder = tempfile::tempdir().unwrap();
        let mut file = Nameless::create(folder.path(), 100_000).unwrap();
        let part: Vec<u8> = (0..50_000).map(|i| (i % 251) as u8).collect();
        file.write(40_000, &part).unwrap();
        file.write(10, &[7, 8]).unwrap();
        let mapped = file.map(4096).unwrap();
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "the file has no name");
        for _ in 0..10 {
            mapped.will_read(3000);
            assert_eq!(mapped.bytes()[9..13], [0, 7, 8, 0]);
            assert_eq!(mapped.bytes()[40_000..90_000], part[..]);
        }
        assert_eq!(mapped.bytes().len(), 100_000);
    }

    #[test]
    fn a_folder_that_does_not_exist_is_an_error() {
        assert!(Nameless::create("/nowhere/at/all".as_ref(), 10).is_err());
    }
}
