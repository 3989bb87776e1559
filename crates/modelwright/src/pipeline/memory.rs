//! What was done, in `.modelwright/run.json` of the project, and who is doing it now.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use modelwright_core::{Error, Result};
use modelwright_lifecycle::atomic_write;
use serde::{Deserialize, Serialize};

use super::step::{Step, hash};

/// The folder of what is remembered.
const FOLDER: &str = ".modelwright";
const FILE: &str = "run.json";
const LOCK: &str = "lock";

/// What was done.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Memory {
    steps: BTreeMap<String, Done>,
}

/// A step that was done.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Done {
    engine_version: String,
    settings: String,
    /// Path within the project, and SHA-256.
    inputs: BTreeMap<String, String>,
    outputs: BTreeMap<String, String>,
    at: String,
    said: String,
}

/// Files by their path within the project, with what was in them.
pub(super) struct Hashes(BTreeMap<String, String>);

impl Hashes {
    /// What a step reads. To be asked before the step: what changes while it works is a change.
    pub(super) fn of_inputs(step: &Step, folder: &Path) -> Result<Self> {
        let absent = Error::input("a file that a step reads is not there");
        hashes(&step.inputs, step, folder, absent)
    }
}

fn hashes(files: &[PathBuf], step: &Step, folder: &Path, absent: Error) -> Result<Hashes> {
    let mut known = BTreeMap::new();
    for path in files {
        let name = name_of(path, folder);
        let Some(of) = hash(path)? else { return Err(absent.at(step.at_error()).expected(name)) };
        known.insert(name, of);
    }
    Ok(Hashes(known))
}

fn name_of(path: &Path, folder: &Path) -> String {
    path.strip_prefix(folder).unwrap_or(path).display().to_string()
}

impl Memory {
    /// What is written down in a project; nothing, where nothing is.
    pub(super) fn read(folder: &Path) -> Result<Self> {
        let path = folder.join(FOLDER).join(FILE);
        let Ok(text) = fs::read_to_string(&path) else { return Ok(Self::default()) };
        serde_json::from_str(&text).map_err(|e| {
            Error::input("what was done cannot be read")
                .at(path.display().to_string())
                .hint("remove the file: every step is then done again")
                .because(e)
        })
    }

    /// Why a step must be done; `None` when nothing changed.
    pub(super) fn reason(&self, step: &Step, folder: &Path) -> Result<Option<String>> {
        let Some(done) = self.steps.get(&step.name) else {
            return Ok(Some("it was not done before, or not to its end".to_owned()));
        };
        if done.settings != step.settings {
            return Ok(Some("its settings changed".to_owned()));
        }
        if done.engine_version != env!("CARGO_PKG_VERSION") {
            return Ok(Some(format!("Modelwright was {} then", done.engine_version)));
        }
        for (files, known, gone) in [
            (&step.inputs, &done.inputs, "is not there"),
            (&step.outputs, &done.outputs, "is gone"),
        ] {
            if files.len() != known.len() {
                return Ok(Some("its settings changed".to_owned()));
            }
            for path in files {
                let name = name_of(path, folder);
                match (hash(path)?, known.get(&name)) {
                    (None, _) => return Ok(Some(format!("`{name}` {gone}"))),
                    (Some(is), Some(was)) if is == *was => {}
                    _ => return Ok(Some(format!("`{name}` changed"))),
                }
            }
        }
        Ok(None)
    }

    /// Forgets a step that is about to be done again.
    pub(super) fn forget(&mut self, name: &str, folder: &Path) -> Result<()> {
        match self.steps.remove(name) {
            Some(_) => self.write(folder),
            None => Ok(()),
        }
    }

    /// Writes down that a step was done, with the `inputs` that it began with.
    pub(super) fn remember(
        &mut self,
        step: &Step,
        inputs: Hashes,
        folder: &Path,
        said: &str,
        at: &str,
    ) -> Result<()> {
        let absent = Error::work("a step did not make a file that it was to make");
        let done = Done {
            engine_version: env!("CARGO_PKG_VERSION").to_owned(),
            settings: step.settings.clone(),
            inputs: inputs.0,
            outputs: hashes(&step.outputs, step, folder, absent)?.0,
            at: at.to_owned(),
            said: said.to_owned(),
        };
        self.steps.insert(step.name.clone(), done);
        self.write(folder)
    }

    fn write(&self, folder: &Path) -> Result<()> {
        let path = folder.join(FOLDER).join(FILE);
        let text = serde_json::to_string_pretty(self)
            .map_err(|e| Error::work("cannot write down what was done").because(e))?;
        atomic_write(path, format!("{text}\n").as_bytes())
    }
}

/// The right to work on a project: a lock of the system on a file, which ends with the process
/// however that ends.
pub(super) struct Lock {
    _file: File,
}

impl Lock {
    /// Takes it.
    ///
    /// # Errors
    /// Input error when another process that is still there has it.
    pub(super) fn take(folder: &Path) -> Result<Self> {
        let home = folder.join(FOLDER);
        let path = home.join(LOCK);
        let failed = |e: std::io::Error| {
            Error::input("the project's folder cannot be written to")
                .at(folder.display().to_string())
                .because(e)
        };
        fs::create_dir_all(&home).map_err(failed)?;
        let open =
            OpenOptions::new().read(true).create(true).truncate(false).write(true).open(&path);
        let mut file = open.map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {
                // For people, and for the error of whoever comes next.
                file.set_len(0).map_err(failed)?;
                write!(file, "{}", std::process::id()).map_err(failed)?;
                Ok(Self { _file: file })
            }
            Err(TryLockError::WouldBlock) => {
                let holder = fs::read_to_string(&path).unwrap_or_default();
                Err(Error::input("another process works on this project")
                    .at(folder.display().to_string())
                    .got(format!("process {holder}"))
                    .hint("wait until it is done"))
            }
            Err(TryLockError::Error(e)) => Err(failed(e)),
        }
    }
}
