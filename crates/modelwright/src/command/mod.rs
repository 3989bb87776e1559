//! The subcommands, one file each: its flags, and the work it hands to the libraries.

pub(crate) mod compare;
pub(crate) mod evaluate;
pub(crate) mod export;
pub(crate) mod fit;
pub(crate) mod import;
pub(crate) mod inspect;
pub(crate) mod predict;
pub(crate) mod profile;
pub(crate) mod replay;
pub(crate) mod report;
pub(crate) mod serve;
pub(crate) mod train;

use modelwright_core::Result;

use crate::flags::Command;
use crate::session::Session;

/// Does what was asked.
///
/// # Errors
/// Whatever the subcommand could not do.
pub(crate) fn run(command: Command, session: &Session) -> Result<()> {
    match command {
        Command::Profile(profile) => profile.run(session),
        Command::Fit(fit) => fit.run(session),
        Command::Train(train) => train.run(session),
        Command::Predict(predict) => predict.run(session),
        Command::Evaluate(evaluate) => evaluate.run(session),
        Command::Compare(compare) => compare.run(session),
        Command::Inspect(inspect) => inspect.run(session),
        Command::Report(report) => report.run(session),
        Command::Replay(replay) => replay.run(session),
        Command::Serve(serve) => serve.run(session),
        Command::Export(export) => export.run(session),
        Command::Import(import) => import.run(session),
    }
}
