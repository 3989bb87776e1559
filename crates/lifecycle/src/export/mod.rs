//! Our boosters as model files of other libraries.
//!
//! A writer is a pure function from an [`ExportModel`] to bytes. The exported model reads the
//! *features* that our encoder writes, not the raw table: no other library has the encoder. Its
//! predictions are ours for the same features; [`ExportModel::feature_names`] says how they are
//! called in the file.
//!
//! | module | question it answers |
//! |---|---|
//! | `choose` | which booster of a predictor, and what of the predictor goes into it |
//! | `names` | how are the features called where not every name is allowed |
//! | `covers` | whole row counts for formats that have nothing else |
//! | [`lightgbm`] | LightGBM's text model |
//! | `mlflow` | the files by which MLflow loads a model.mw as it is |
//! | [`xgboost`] | XGBoost's JSON and UBJSON |

mod choose;
mod covers;
pub mod lightgbm;
mod mlflow;
mod names;
pub mod onnx;
pub mod xgboost;

pub use choose::{ExportModel, MemberChoice, choose};
pub use mlflow::{MLFLOW_DATA, MLFLOW_MODEL, mlflow_files};

#[cfg(test)]
mod tests;
