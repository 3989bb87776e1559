//! The command line: flags in, work handed to the libraries, results out.
//!
//! It contains no algorithm. Results go to stdout and talk to stderr; exit codes are [`Exit`].
//! The binary and the Python package both come in here.

use std::ffi::OsString;
use std::process::ExitCode;

use modelwright_core::{ErrorKind, Result};

use crate::flags::{self, Cli};
use crate::session::Session;
use crate::{command, machine, output};

/// How the process ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// The work is done.
    Done = 0,
    /// The work failed.
    Failed = 1,
    /// The input or the flags are wrong.
    BadInput = 2,
    /// The user interrupted and nothing could be kept.
    Interrupted = 130,
}

/// The whole process: its arguments in, its exit code out.
pub fn main() -> ExitCode {
    ExitCode::from(run(std::env::args_os()) as u8)
}

/// Does what the arguments ask, the first of which is the program's name. It listens for signals
/// from then on, so that a process calls it once.
pub fn run(args: impl IntoIterator<Item = OsString>) -> Exit {
    let started = machine::process_start();
    match obey(args, started) {
        Ok(()) => Exit::Done,
        Err(error) => {
            output::complain(&error);
            match error.kind() {
                ErrorKind::Work => Exit::Failed,
                ErrorKind::Input => Exit::BadInput,
                ErrorKind::Interrupted => Exit::Interrupted,
            }
        }
    }
}

fn obey(args: impl IntoIterator<Item = OsString>, started: std::time::Instant) -> Result<()> {
    let Some(Cli { global, command }) = flags::parse(args)? else {
        return Ok(());
    };
    let session = Session::new(global, started);
    // A server answers signals itself: it drains.
    if !matches!(command, flags::Command::Serve(_) | flags::Command::Ui(_)) {
        session.listen_for_signals()?;
    }
    command::run(command, &session)
}
