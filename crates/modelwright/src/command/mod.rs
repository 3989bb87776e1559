//! The subcommands, one file each: its flags, and the work it hands to the libraries.

pub(crate) mod alerts;
pub(crate) mod audit;
pub(crate) mod compare;
pub(crate) mod data;
pub(crate) mod edit;
pub(crate) mod evaluate;
pub(crate) mod explain;
pub(crate) mod export;
pub(crate) mod fit;
pub(crate) mod import;
pub(crate) mod inspect;
pub(crate) mod learning_curve;
pub(crate) mod models;
pub(crate) mod monitor;
pub(crate) mod pick;
pub(crate) mod predict;
pub(crate) mod profile;
pub(crate) mod replay;
pub(crate) mod report;
pub(crate) mod retrain;
pub(crate) mod run;
pub(crate) mod runs;
pub(crate) mod serve;
pub(crate) mod train;
pub(crate) mod ui;
pub(crate) mod watch;

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
        Command::LearningCurve(curve) => curve.run(session),
        Command::Pick(pick) => pick.run(session),
        Command::Edit(edit) => edit.run(session),
        Command::Audit(audit) => audit.run(session),
        Command::Explain(explain) => explain.run(session),
        Command::Inspect(inspect) => inspect.run(session),
        Command::Report(report) => report.run(session),
        Command::Replay(replay) => replay.run(session),
        Command::Monitor(monitor) => monitor.run(session),
        Command::Retrain(retrain) => retrain.run(session),
        Command::Data(data) => data.run(session),
        Command::Run(run) => run.run(session),
        Command::Watch(watch) => watch.run(session),
        Command::Alerts(alerts) => alerts.run(session),
        Command::Runs(runs) => runs.run(session),
        Command::Models(models) => models.run(session),
        Command::Serve(serve) => serve.run(session),
        Command::Ui(ui) => ui.run(session),
        Command::Export(export) => export.run(session),
        Command::Import(import) => import.run(session),
    }
}
