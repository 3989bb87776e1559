//! The command line: flags in, work handed to the libraries, results out.
//!
//! It contains no algorithm. Results go to stdout and talk to stderr; exit codes are [`Exit`].
//! One file per subcommand in [`command`], and the rest of what a rim needs:
//!
//! | module | what it does |
//! |---|---|
//! | [`flags`] | what can be typed, and how a slip is answered |
//! | [`command`] | one file per subcommand |
//! | [`session`] | settings shared by all subcommands; signals |
//! | [`machine`] | what only the operating system knows: memory, processor, start of the process |
//! | [`progress`] | live lines on a terminal, plain lines elsewhere |
//! | [`rows_json`] | tables as a JSON array |
//! | [`output`] | stdout, tables of text, numbers in words |
//! | [`question`] | what `fit` and `train` both ask, and the run that answers it |
//! | [`learner_text`] | learners and their parameters in words |
//! | [`labelled`] | rows whose answers are known, for `evaluate` and `compare` |
//! | [`summary`] | what is printed when a fit is done or planned |

mod command;
mod flags;
mod labelled;
mod learner_text;
mod machine;
mod output;
mod progress;
mod question;
mod rows_json;
mod session;
mod summary;
mod trees;

use std::process::ExitCode;

use modelwright_core::{ErrorKind, Result};

use flags::Cli;
use session::Session;

/// How the process ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
enum Exit {
    /// The work is done.
    Done = 0,
    /// The work failed.
    Failed = 1,
    /// The input or the flags are wrong.
    BadInput = 2,
    /// The user interrupted and nothing could be kept.
    Interrupted = 130,
}

fn main() -> ExitCode {
    let started = machine::process_start();
    let exit = match run(started) {
        Ok(()) => Exit::Done,
        Err(error) => {
            output::complain(&error);
            match error.kind() {
                ErrorKind::Work => Exit::Failed,
                ErrorKind::Input => Exit::BadInput,
                ErrorKind::Interrupted => Exit::Interrupted,
            }
        }
    };
    ExitCode::from(exit as u8)
}

fn run(started: std::time::Instant) -> Result<()> {
    let Some(Cli { global, command }) = flags::parse(std::env::args_os())? else {
        return Ok(());
    };
    let session = Session::new(global, started);
    if !matches!(command, flags::Command::Serve(_)) {
        session.listen_for_signals()?;
    }
    command::run(command, &session)
}
