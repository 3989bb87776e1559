//! What a look knows of files, for the next process: a watch that looks once and ends, as from
//! cron, reads no more of the serving log than one that stays.
//!
//! It is kept beside the copies of the log, and goes with them. Nothing rests on it but what need
//! not be read again: a file whose size or time of change is another, as of a log that was cut off
//! or begun anew, is read. Where it is damaged, or of another version, all is read.

use std::fs;
use std::path::Path;

use modelwright_lifecycle::atomic_write;
use serde::{Deserialize, Serialize};

use super::files::Files;
use super::served::Collected;

/// Its name in the folder of the copies.
const FILE: &str = "seen.json";

/// What is kept.
#[derive(Default, Serialize, Deserialize)]
pub(super) struct Seen {
    /// Who made the copies: another version may make others.
    engine_version: String,
    /// The hashes of files.
    pub(super) files: Files,
    /// The log and its copies as they were.
    pub(super) collected: Collected,
}

impl Seen {
    /// What the last process kept in the folder of the copies; nothing, where nothing is.
    pub(super) fn read(folder: &Path) -> Self {
        let bytes = fs::read(folder.join(FILE)).unwrap_or_default();
        let seen: Self = serde_json::from_slice(&bytes).unwrap_or_default();
        let is_own = seen.engine_version == env!("CARGO_PKG_VERSION");
        if is_own { seen } else { Self::default() }
    }

    /// Keeps it, where there are copies and it is news.
    pub(super) fn keep(&mut self, folder: &Path) {
        env!("CARGO_PKG_VERSION").clone_into(&mut self.engine_version);
        // What cannot be kept, such as a name that is no text, is read once more.
        let Ok(bytes) = serde_json::to_vec(self) else { return };
        let path = folder.join(FILE);
        let is_known = fs::read(&path).is_ok_and(|known| known == bytes);
        if folder.is_dir() && !is_known {
            drop(atomic_write(path, &bytes));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_damaged_or_of_another_version_is_not_believed() {
        let folder = std::env::temp_dir().join(format!("mw-seen-{}", std::process::id()));
        Seen::default().keep(&folder);
        assert!(!folder.exists(), "no folder is made for it");
        fs::create_dir_all(&folder).unwrap();
        let data = folder.join("rows.csv");
        fs::write(&data, "x\n1\n").unwrap();
        let mut seen = Seen::default();
        let pattern = [data.to_string_lossy().into_owned()];
        seen.files.find(&pattern);
        seen.keep(&folder);
        let text = fs::read_to_string(folder.join(FILE)).unwrap();
        assert!(Seen::read(&folder).files == seen.files && seen.files != Files::default());
        for other in [&text[1..], &text.replace(env!("CARGO_PKG_VERSION"), "0.0.0")] {
            fs::write(folder.join(FILE), other).unwrap();
            assert!(Seen::read(&folder).files == Files::default(), "{other}");
        }
        // Who is gone is not remembered.
        fs::remove_file(&data).unwrap();
        seen.files.find(&pattern);
        assert!(seen.files == Files::default());
        fs::remove_dir_all(&folder).unwrap();
    }
}
