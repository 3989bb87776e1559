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
//! let new = read_path("new.csv".as_ref(), &model.read_options(), &ctx)?;
//! let predictions = model.predictor.predict(&new.table, &ctx)?;
//! println!("{:?}", predictions.row(0));
//! # Ok(())
//! # }
//! ```
//!
//! The crates behind it are re-exported under their short names.

mod fitting;
mod imported;
mod model;
mod reading;

pub use fitting::{FitInput, Saved, fit, input_of, plan, save};
pub use imported::{Imported, import};
pub use model::Model;
pub use reading::read_within_limits;

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
