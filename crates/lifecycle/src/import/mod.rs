//! Model files of other libraries, as values.
//!
//! A reader is a pure function from bytes to a [`ForeignModel`]: the trees, what their sum means,
//! and what is known of the features. Nothing is guessed: what a file does not say (the names of
//! the classes, the name of the target) is for the caller to add, and what cannot be kept exactly
//! is refused with a reason.
//!
//! | module | reads |
//! |---|---|
//! | [`lightgbm`] | LightGBM's text models, of every version that has them |
//! | [`xgboost`] | XGBoost's models in JSON and UBJSON |
//!
//! Files are not trusted: every count is checked against the data that are there, so that memory
//! stays a small multiple of the file; every tree is proved to be one.

mod foreign;
#[cfg(test)]
pub(crate) mod golden;
pub mod lightgbm;
mod predictor;
mod record;
pub mod xgboost;

use modelwright_core::{Error, Result};

pub(crate) use foreign::scale_tree;
pub use foreign::{Answer, ForeignFeature, ForeignModel, Levels, Reading};
pub use predictor::Naming;
pub use record::{Origin, PRESET};

/// What the caller knows or wants of a model file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ImportOptions {
    /// The columns that were of pandas' dtype `category` in training, in the table's order; only
    /// needed where the file leaves that open (the error then says so).
    pub category_columns: Option<Vec<String>>,
    /// Only the first rounds; `None` is all.
    pub rounds: Option<usize>,
}

/// Reads a model file, whichever library wrote it.
///
/// # Errors
/// Input error when it is none that is known, is broken, or cannot be kept exactly.
pub fn read_model(bytes: &[u8], options: &ImportOptions) -> Result<ForeignModel> {
    if lightgbm::is_lightgbm(bytes) {
        return lightgbm::read(bytes, options);
    }
    if xgboost::is_xgboost(bytes) {
        return xgboost::read(bytes, options);
    }
    let (what, hint) = match bytes {
        [] => ("an empty file", "save the model again"),
        [0x80, ..] => (
            "a Python pickle",
            "load it in Python and save the booster: LightGBM booster_.save_model(\"m.txt\"), \
             XGBoost get_booster().save_model(\"m.ubj\")",
        ),
        [b'b', b'i', b'n', b'f', ..] => (
            "XGBoost's old binary form",
            "load it in XGBoost and save it with Booster.save_model(\"m.ubj\")",
        ),
        [b'P', b'K', ..] => (
            "a ZIP archive",
            "a model.mw needs no import: use it with predict, evaluate or inspect",
        ),
        _ => ("another kind of file", "save the model in one of these formats"),
    };
    Err(Error::input("not a model file that can be imported")
        .expected("a LightGBM text model, or an XGBoost model in JSON or UBJSON")
        .got(what)
        .hint(hint))
}
