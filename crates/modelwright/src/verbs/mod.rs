//! The subcommands, one file each: its flags, and the work it hands to the libraries.

pub(crate) mod compare;
pub(crate) mod evaluate;
pub(crate) mod fit;
pub(crate) mod inspect;
pub(crate) mod predict;
pub(crate) mod profile;
pub(crate) mod replay;
pub(crate) mod report;

use modelwright_core::Result;

use crate::flags::Verb;
use crate::session::Session;

/// Does what was asked.
///
/// # Errors
/// Whatever the subcommand could not do.
pub(crate) fn run(verb: Verb, session: &Session) -> Result<()> {
    match verb {
        Verb::Profile(profile) => profile.run(session),
        Verb::Fit(fit) => fit.run(session),
        Verb::Predict(predict) => predict.run(session),
        Verb::Evaluate(evaluate) => evaluate.run(session),
        Verb::Compare(compare) => compare.run(session),
        Verb::Inspect(inspect) => inspect.run(session),
        Verb::Report(report) => report.run(session),
        Verb::Replay(replay) => replay.run(session),
    }
}
