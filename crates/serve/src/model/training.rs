//! What the model file knows of its training data, read when it is first needed.
//!
//! Most requests ask for predictions only, so that a server is ready before any of it is decoded.

use std::sync::{OnceLock, PoisonError, RwLock};

use modelwright_automl::explain::RowReasons;
use modelwright_automl::{Predictor, Reference};
use modelwright_core::{Context, Error, Result};

/// See the module's text.
pub(crate) struct Training {
    /// As the file holds it; empty once it is decoded.
    bytes: RwLock<Vec<u8>>,
    reference: OnceLock<Result<Reference>>,
    reasons: OnceLock<Result<RowReasons>>,
}

impl Training {
    /// Of the reference part of an artifact.
    pub(crate) fn new(bytes: Vec<u8>) -> Self {
        Self { bytes: RwLock::new(bytes), reference: OnceLock::new(), reasons: OnceLock::new() }
    }

    /// The sketches of the training data.
    ///
    /// # Errors
    /// Input error when they cannot be read.
    pub(crate) fn reference(&self) -> std::result::Result<&Reference, &Error> {
        let decode = || {
            let mut bytes = self.bytes.write().unwrap_or_else(PoisonError::into_inner);
            Reference::decode(&std::mem::take(&mut *bytes))
        };
        self.reference.get_or_init(decode).as_ref()
    }

    /// What explains rows of the model, against typical values of its training data.
    ///
    /// # Errors
    /// Input error when the model file does not know what they were like.
    pub(crate) fn reasons(
        &self,
        predictor: &Predictor,
        ctx: &Context,
    ) -> std::result::Result<&RowReasons, &Error> {
        let reference = self.reference()?;
        let known = (&reference.columns, reference.predictions.as_ref());
        let begin = || RowReasons::begin(predictor, known, None, ctx);
        self.reasons.get_or_init(begin).as_ref()
    }
}
