//! What a run tells while it is at work: lines of JSON in `live/RUN.jsonl` beside the database.
//!
//! A fit tells of a trial every few seconds or milliseconds. A transaction for each would have to
//! wait for the disk, and nobody needs it: what is told lives as long as the machine does, and the
//! complete account comes at the end. So lines are appended to a file that whoever watches reads
//! up to the last line that is whole.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use modelwright_core::Result;
use modelwright_core::context::Event;
use serde::{Deserialize, Serialize};

use super::Store;
use crate::atomic::write_error;

/// The folder of all files.
const FOLDER: &str = "live";

/// Something that a run told.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LiveLine {
    /// Seconds since the run began.
    pub after_s: f64,
    /// What.
    #[serde(flatten)]
    pub told: Told,
}

/// What a run can tell.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum Told {
    /// A phase begins.
    Phase {
        /// Its name.
        text: String,
    },
    /// A trial ended.
    Trial {
        /// Its name.
        name: String,
        /// Its validation score, in the optimised metric's unit; `None` when it failed.
        score: Option<f64>,
        /// Whether it is the best so far.
        best: bool,
    },
    /// Something the user should know.
    Note {
        /// The words.
        text: String,
    },
    /// Something the user should act on.
    Warning {
        /// The words.
        text: String,
    },
}

impl From<Event> for Told {
    fn from(event: Event) -> Self {
        match event {
            Event::Phase(text) => Self::Phase { text },
            Event::Trial { name, score, best } => {
                // JSON has no other numbers.
                Self::Trial { name, score: score.filter(|s| s.is_finite()), best }
            }
            Event::Note(text) => Self::Note { text },
            Event::Warning(text) => Self::Warning { text },
        }
    }
}

/// Takes the lines of one run.
#[derive(Debug)]
pub struct LiveWriter {
    file: File,
}

impl LiveWriter {
    /// Appends a line. What cannot be written is lost: no run fails because nobody can watch it.
    pub fn tell(&mut self, line: &LiveLine) {
        let Ok(mut text) = serde_json::to_vec(line) else { return };
        text.push(b'\n');
        // One call, so that readers see whole lines but for the last.
        let _ = self.file.write_all(&text);
    }
}

impl Store {
    /// Where a run is to tell what it does.
    ///
    /// # Errors
    /// Work error when the folder cannot be written to.
    pub fn live_writer(&self, run: i64) -> Result<LiveWriter> {
        let path = path(self.folder(), run);
        let parent = path.parent().unwrap_or(self.folder());
        fs::create_dir_all(parent).map_err(|e| write_error(parent, e))?;
        let file = OpenOptions::new().create(true).append(true).open(&path);
        Ok(LiveWriter { file: file.map_err(|e| write_error(&path, e))? })
    }

    /// What a run told so far, from the line with number `from` on (from 0); empty for runs that
    /// tell nothing.
    pub fn live(&self, run: i64, from: usize) -> Vec<LiveLine> {
        let bytes = fs::read(path(self.folder(), run)).unwrap_or_default();
        // The last line may end anywhere, also within a character.
        let n_whole = bytes.iter().rposition(|byte| *byte == b'\n').unwrap_or(0);
        let lines = bytes[..n_whole].split(|byte| *byte == b'\n').skip(from);
        lines.filter_map(|line| serde_json::from_slice(line).ok()).collect()
    }
}

/// Removes what a run told.
pub(super) fn remove(folder: &Path, run: i64) {
    // A file that stays harms nobody: numbers of runs are never given twice.
    let _ = fs::remove_file(path(folder, run));
}

fn path(folder: &Path, run: i64) -> PathBuf {
    folder.join(FOLDER).join(format!("{run}.jsonl"))
}
