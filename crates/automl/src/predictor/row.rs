//! Predictions of single rows without tables: a server's work, in memory that is used again.

use modelwright_core::data::RawRow;
use modelwright_core::task::Predictions;
use modelwright_core::{Context, Error, Result};
use modelwright_preprocess::encode::RowFeatures;

use super::Predictor;

/// Memory for the rows of one predictor: see [`Predictor::row_memory`].
pub struct RowMemory {
    /// Of each encoder that a member reads.
    features: Vec<Option<RowFeatures>>,
    mean: Predictions,
}

impl Predictor {
    /// Memory in which [`Self::predict_row`] works; one for each thread.
    pub fn row_memory(&self) -> RowMemory {
        let encoders = self.encoders.iter().enumerate();
        let features =
            encoders.map(|(i, encoder)| self.reads(i).then(|| encoder.row_features(&self.schema)));
        RowMemory { features: features.collect(), mean: Predictions::zeros(1, self.n_outputs()) }
    }

    /// The prediction of a row whose values are at the places of [`Self::schema`]: the bits of
    /// [`Self::predict`] for a table of that row.
    ///
    /// # Errors
    /// As [`Self::predict`]; input error for the memory of another predictor.
    pub fn predict_row<'m>(
        &self,
        row: &RawRow,
        memory: &'m mut RowMemory,
        ctx: &Context,
    ) -> Result<&'m Predictions> {
        let RowMemory { features, mean } = memory;
        let foreign = || Error::input("the memory belongs to another predictor");
        if features.len() != self.encoders.len() || mean.n_outputs != self.n_outputs() {
            return Err(foreign());
        }
        for (encoder, features) in self.encoders.iter().zip(features.iter_mut()) {
            if let Some(features) = features {
                encoder.write_row(row, &self.schema, features, ctx)?;
            }
        }
        mean.values.fill(0.0);
        let of = |encoder: usize| features.get(encoder)?.as_ref().map(RowFeatures::matrix);
        self.say(of, mean, ctx)?;
        Ok(mean)
    }
}
