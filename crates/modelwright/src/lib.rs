//! Modelwright for Rust programs: everything the command line does, as functions and values.
//!
//! ```no_run
//! use modelwright::core::Context;
//! use modelwright::core::record::Options;
//! use modelwright::{Model, OutputFolder, fit, input_of, save};
//! use modelwright::io::{ReadOptions, read_path};
//!
//! # fn main() -> modelwright::core::Result<()> {
//! let ctx = Context::unlimited(0, 0);
//! let file = read_path("sales.csv".as_ref(), &ReadOptions::default(), &ctx)?;
//! let outcome = fit(input_of(file, None, Options::new("churned")), &ctx)?;
//! save(&outcome, &OutputFolder::prepare("churn")?)?;
//!
//! let model = Model::load("churn")?;
//! let new = read_path("new.csv".as_ref(), &model.read_options()?, &ctx)?;
//! let predictions = model.predictor.predict(&new.table, &ctx)?;
//! println!("{:?}", predictions.row(0));
//! # Ok(())
//! # }
//! ```
//!
//! The crates behind it are re-exported under their short names.
//!
//! The command line is in here too, so that the Python package brings it along: [`cli`] is its
//! door, [`asked`] says what a run can be asked and how. What only a rim needs:
//!
//! | module | what it does |
//! |---|---|
//! | `flags` | what can be typed, and how a slip is answered |
//! | `command` | one file per subcommand |
//! | `session` | settings shared by all subcommands; signals |
//! | [`machine`] | what only the operating system knows: memory, processor, start of the process |
//! | `progress` | live lines on a terminal, plain lines elsewhere |
//! | `rows_json` | tables as a JSON array |
//! | `output` | stdout, tables of text, numbers in words |
//! | `question` | what `fit` and `train` both ask, and the run that answers it |
//! | `run_account`, `heart` | a run is written down in the store; that it is still at work, too |
//! | [`run_end`], [`mlflow_log`] | what is kept of a run that is over, also by an MLflow server |
//! | `recording` | all of that for the command line: watched live |
//! | `learned_rows` | whether rows are those that a model learned from |
//! | `learner_text` | learners and their parameters in words |
//! | `explanation_text` | an explanation in words |
//! | [`labelled`] | rows whose answers are known, for `evaluate` and `compare` |
//! | [`by_group`](mod@by_group) | the same in each group of rows |
//! | [`assess`], [`looking`], [`repeat`] | what `evaluate`, `compare`, `profile` and `replay` do |
//! | [`more_rows`], [`studying`] | what `learning-curve` and `compare --scores` do |
//! | [`pipeline`] | what `run` does: a project as data |
//! | [`watching`] | what `watch` does: look, decide, act |
//! | `summary` | what is printed when a fit is done or planned |

// The modules name this crate as everybody else does.
extern crate self as modelwright;

mod audit_document;
mod auditing;
mod beside_score;
mod command;
mod continuing;
mod explaining;
mod explanation_document;
mod explanation_text;
mod feature_costs;
mod fitting;
mod flags;
mod heart;
mod imported;
mod later_report;
mod learned_rows;
mod learner_text;
mod model;
mod monitoring;
mod other_answers;
mod output;
mod picking;
mod progress;
mod question;
mod reading;
mod recording;
mod retraining;
mod rows_json;
mod run_account;
mod session;
mod summary;
mod tolerant;
mod trees;
mod whole_file;

pub mod asked;
pub mod assess;
pub mod by_group;
pub mod cli;
pub mod editing;
pub mod labelled;
pub mod looking;
pub mod machine;
pub mod mlflow_log;
pub mod more_rows;
pub mod pipeline;
pub mod repeat;
pub mod run_end;
pub mod studying;
pub mod watching;

pub use audit_document::audit_document;
pub use auditing::{AuditRows, Audited, audit_rows};
pub use continuing::Continuing;
pub use explaining::{PageRequest, StreamedReasons, explanation_page, explanation_table, profiles};
pub use explanation_document::{ExplainedRow, ExplanationDocument};
pub use feature_costs::feature_costs_of;
pub use fitting::{FitInput, Saved, fit, input_of, pack, plan, save};
pub use imported::{Imported, import};
pub use later_report::{later_record, later_report, later_report_of};
pub use model::Model;
pub use modelwright_automl::explain::reason_columns;
pub use monitoring::{MonitorRequest, monitor, unreadable_files};
pub use other_answers::{OtherAnswers, other_answers, varied};
pub use picking::{Offers, PickRequest, offers, pick};
pub use reading::{
    Rows, read_test, read_train, read_train_as, read_within_limits, tell_remarks, tell_sample,
};
pub use retraining::{RetrainRequest, Retrained, RowWindow, retrain, retrain_time};
pub use run_account::RunAccount;
pub use whole_file::all_rows;

pub use modelwright_automl::PredictionTable;
pub use modelwright_lifecycle::outputs::OutputFolder;

pub use modelwright_automl as automl;
pub use modelwright_core as core;
pub use modelwright_evaluate as evaluate;
pub use modelwright_inspect as inspect;
pub use modelwright_io as io;
pub use modelwright_learners as learners;
pub use modelwright_lifecycle as lifecycle;
pub use modelwright_preprocess as preprocess;
pub use modelwright_serve as serve;
