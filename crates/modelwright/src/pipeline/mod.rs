//! A project as data: `modelwright.toml` says what there is to do, and [`Pipeline::run`] does what
//! has changed.
//!
//! ```text
//! [source] a command ─▶ files ─▶ [fit] ─▶ model ─▶ [gates] ─▶ [register] an alias moves
//!                                            └───▶ [monitor] new rows
//! ```
//!
//! A step is done again when its settings, the bytes of a file that it reads, or a file that it
//! made are other than when it was last done. What was done is written down after each step, in one
//! piece, so that a run that is killed goes on where it stopped. Nothing here reads a clock but the
//! one that is given.

mod config;
mod gates;
mod memory;
mod step;
mod steps;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::time::Duration;

use modelwright_core::context::Event;
use modelwright_core::{Context, Error, Result};
use serde::Serialize;
use serde_json::Value;

use crate::RunAccount;
pub use config::PipelineConfig;
use memory::{Hashes, Lock, Memory};
use step::Step;

/// The file that describes a project.
pub const PROJECT_FILE: &str = "modelwright.toml";

/// What a run needs of the world.
pub struct Surroundings<'a> {
    /// The time, ISO 8601 in UTC.
    pub now: &'a dyn Fn() -> String,
    /// A context for work that may take so long.
    pub context: &'a dyn Fn(Option<Duration>) -> Result<Context>,
    /// The folder of the store; `None` when there can be none.
    pub store: Option<PathBuf>,
    /// Called when a step begins, with its name and why it is done.
    pub begins: &'a dyn Fn(&str, &str),
    /// Writes down that a run of this kind begins, asked like this, which makes this output.
    pub account: &'a dyn Fn(&str, &Value, &Path) -> Result<RunAccount>,
    /// Hears what is worth a line.
    pub says: &'a dyn Fn(&str),
    /// Hears what went wrong beside the work.
    pub warns: &'a dyn Fn(&str),
}

/// A step of a run: whether it is done, and why.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Outcome {
    /// Its name.
    pub step: String,
    /// Whether it is (or, of a dry run, would be) done.
    pub done: bool,
    /// Why.
    pub reason: String,
    /// What came of it; empty when it was not done.
    pub said: String,
}

/// A project.
pub struct Pipeline {
    config: PipelineConfig,
    folder: PathBuf,
}

impl Pipeline {
    /// Reads the project of a folder, or the file itself.
    ///
    /// # Errors
    /// Input error when there is none, or it cannot be understood.
    pub fn read(path: &Path) -> Result<Self> {
        let file = if path.is_dir() { path.join(PROJECT_FILE) } else { path.to_owned() };
        let config = PipelineConfig::read(&file)?;
        let folder = file.parent().filter(|p| !p.as_os_str().is_empty());
        let folder = folder.unwrap_or(Path::new(".")).to_owned();
        Ok(Self { config, folder })
    }

    /// Whether its models are registered: then it has a store.
    pub fn registers(&self) -> bool {
        self.config.register.is_some()
    }

    /// What a run would do, and why.
    ///
    /// # Errors
    /// Input error when what was done cannot be read.
    pub fn plan(&self) -> Result<Vec<Outcome>> {
        let memory = Memory::read(&self.folder)?;
        let mut made: Vec<PathBuf> = Vec::new();
        let mut outcomes = Vec::new();
        for step in steps::of(&self.config, &self.folder)? {
            let reason = match step.inputs.iter().find(|input| made.contains(input)) {
                Some(input) => Some(format!("`{}` is made anew", self.shown(input))),
                None => memory.reason(&step, &self.folder)?,
            };
            if reason.is_some() {
                made.extend(step.outputs.iter().cloned());
            }
            outcomes.push(outcome(&step, reason));
        }
        Ok(outcomes)
    }

    /// Does what has changed; all of it when `all`.
    ///
    /// # Errors
    /// When a step fails: those before it are done and stay so.
    pub fn run(&self, all: bool, world: &Surroundings<'_>) -> Result<Vec<Outcome>> {
        let _lock = Lock::take(&self.folder)?;
        let mut memory = Memory::read(&self.folder)?;
        let mut outcomes = Vec::new();
        for step in steps::of(&self.config, &self.folder)? {
            let reason = match memory.reason(&step, &self.folder)? {
                None if all => Some("it was asked for".to_owned()),
                reason => reason,
            };
            let mut outcome = outcome(&step, reason);
            if outcome.done {
                (world.begins)(&step.name, &outcome.reason);
                // What is written down now would be wrong if the step stopped half-way.
                memory.forget(&step.name, &self.folder)?;
                let at = step.at_error();
                let inputs = Hashes::of_inputs(&step, &self.folder)?;
                let said = steps::perform(&step, &self.config, &self.folder, world);
                outcome.said =
                    said.map_err(|e| if e.place().source.is_some() { e } else { e.at(at) })?;
                memory.remember(&step, inputs, &self.folder, &outcome.said, &(world.now)())?;
            }
            outcomes.push(outcome);
        }
        Ok(outcomes)
    }

    fn shown(&self, path: &Path) -> String {
        path.strip_prefix(&self.folder).unwrap_or(path).display().to_string()
    }
}

fn outcome(step: &Step, reason: Option<String>) -> Outcome {
    Outcome {
        step: step.name.clone(),
        done: reason.is_some(),
        reason: reason.unwrap_or_else(|| "nothing changed".to_owned()),
        said: String::new(),
    }
}

/// Tells what goes on.
fn tell(ctx: &Context, phase: &str) {
    ctx.tell(Event::Phase(phase.to_owned()));
}

/// The error of a step that needs what the project does not have.
fn lacks(what: &str, hint: &str) -> Error {
    Error::input(what.to_owned()).at(PROJECT_FILE).hint(hint.to_owned())
}
