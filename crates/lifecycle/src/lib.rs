//! A model after training: the one file it lives in, and how files are written at all.
//!
//! The only library of the workspace that writes files. Everything it writes goes to a temporary
//! name in the target's folder, is flushed to disk and then renamed ([`atomic`]), so that nobody
//! ever sees half a file.
//!
//! | module | what it does |
//! |---|---|
//! | [`alerts`] | who is told when, and that nothing is lost on the way |
//! | [`artifact`] | `model.mw`: pack, check and unpack a fitted model and all that is known of it |
//! | [`atomic`] | files that are complete or absent |
//! | [`outputs`] | a fit's folder: `model.mw`, `report.html`, `record.json` |
//! | [`digest`] | SHA-256 in hexadecimal |
//! | [`export`] | our boosters as model files of other libraries |
//! | [`journal`] | rows written down as they come, as Parquet in the end |
//! | [`import`] | model files of other libraries, as values |
//! | [`retrain`] | whether a new model may take the place of the old one |
//! | [`scratch`] | a place for what does not fit in memory, while a run lasts |
//! | [`smtp`] | mail, handed to a server |
//! | [`store`] | runs and registered models, for many processes at once |
//! | [`temporary`] | rows that are kept while a process needs them |
//! | [`monitor`] | a model on new rows: drift, data quality, performance |
//! | [`versions`] | data sets as versions: what changed, and what that did to the score |
//! | [`watch`] | when to retrain, what to do with what comes of it: the rules, and their record |
//! | [`when`] | moments and spans of time as people write them |

pub mod alerts;
pub mod artifact;
pub mod atomic;
pub mod digest;
mod document;
pub mod export;
pub mod http;
pub mod import;
pub mod journal;
pub mod monitor;
pub mod outputs;
pub mod retrain;
pub mod scratch;
pub mod smtp;
pub mod store;
pub mod temporary;
pub mod toml_file;
mod trust;
pub mod versions;
pub mod watch;
pub mod when;

pub use artifact::{Artifact, read_artifact, resolve_model};
pub use atomic::{AtomicFile, atomic_write};
