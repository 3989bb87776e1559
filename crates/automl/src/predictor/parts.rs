//! The parts of a predictor: what each member says, and a predictor of some of them.

use modelwright_core::data::{FeatureMatrix, FeatureView, Table};
use modelwright_core::task::Predictions;
use modelwright_core::{Context, Error, Result};

use super::{Member, Predictor};
use crate::ensemble;
use crate::offers::Offered;
use crate::second_level::SecondLevel;

impl Predictor {
    /// The members that its own predictions are made of: all but students.
    pub(crate) fn active(&self) -> &[Member] {
        let n = self.members.iter().take_while(|m| m.weight > 0.0).count();
        &self.members[..n]
    }

    /// Whether predictions are made of what an encoder writes.
    pub(super) fn reads(&self, encoder: usize) -> bool {
        let of_level = self.second_level.as_ref().and_then(SecondLevel::encoder);
        of_level == Some(encoder) || self.active().iter().any(|m| m.encoder == encoder)
    }

    /// Adds up what the members say of some rows, corrects it, and calibrates it. `features` are
    /// those of the rows, by the number of an encoder; `mean` is 0.
    ///
    /// # Errors
    /// Input error when features are not there, or are other ones.
    pub(super) fn say<'f>(
        &self,
        features: impl Fn(usize) -> Option<&'f FeatureMatrix>,
        mean: &mut Predictions,
        ctx: &Context,
    ) -> Result<()> {
        let foreign = || Error::input("the memory belongs to another predictor");
        // What each says is looked at where there is a second level alone.
        let mut said = self.second_level.as_ref().map(|_| Vec::with_capacity(self.active().len()));
        for member in self.active() {
            let view = FeatureView::all(features(member.encoder).ok_or_else(foreign)?);
            let n_models = member.models.len() as f64;
            let share = member.weight / n_models;
            let mut own = said.as_ref().map(|_| Predictions::zeros(mean.n_rows(), mean.n_outputs));
            for fitted in &member.models {
                let predictions = fitted.model.predict(&view, ctx)?;
                for (m, p) in mean.values.iter_mut().zip(&predictions.values) {
                    *m += share * p;
                }
                let own = own.iter_mut().flat_map(|own| &mut own.values);
                own.zip(&predictions.values).for_each(|(o, p)| *o += p / n_models);
            }
            said.iter_mut().zip(own).for_each(|(said, own)| said.push(own));
        }
        if let (Some(level), Some(said)) = (&self.second_level, &said) {
            level.apply(said, mean, level.encoder().and_then(features), ctx)?;
        }
        self.calibrator.apply(mean);
        Ok(())
    }

    /// What each member predicts for every row, before weights and calibration.
    ///
    /// # Errors
    /// As [`Self::predict`].
    pub(crate) fn predict_members(&self, table: &Table, ctx: &Context) -> Result<Vec<Predictions>> {
        let mut all = Vec::with_capacity(self.members.len());
        for member in &self.members {
            let features = self.encoders[member.encoder].transform(table, ctx)?;
            let view = FeatureView::all(&features);
            let mut mean = Predictions::zeros(table.n_rows(), self.n_outputs());
            for fitted in &member.models {
                let own = fitted.model.predict(&view, ctx)?;
                for (m, p) in mean.values.iter_mut().zip(&own.values) {
                    *m += p / member.models.len() as f64;
                }
            }
            all.push(mean);
        }
        Ok(all)
    }

    /// The predictions of an offer, from those of all members.
    pub(crate) fn predictions_of(offered: &Offered, members: &[Predictions]) -> Predictions {
        let parts: Vec<(&Predictions, f64)> =
            offered.members.iter().map(|(i, weight)| (&members[*i as usize], *weight)).collect();
        let mut mean = ensemble::combine(&parts);
        offered.calibrator.apply(&mut mean);
        mean
    }

    /// Becomes what an offer is; intervals stay only where they were learned for it.
    pub(crate) fn keep(&mut self, offered: &Offered, intervals_stay: bool) {
        let position = |i: usize| offered.members.iter().find(|(m, _)| *m as usize == i);
        let members = std::mem::take(&mut self.members).into_iter().enumerate();
        self.members = members
            .filter_map(|(i, mut member)| {
                member.weight = position(i)?.1;
                Some(member)
            })
            .collect();
        self.calibrator = offered.calibrator.clone();
        self.threshold = offered.threshold.unwrap_or(self.threshold);
        self.offers = Vec::new();
        if !intervals_stay {
            // Both were learned for the delivered combination.
            self.intervals = None;
            self.second_level = None;
            self.drop_unused();
        }
    }

    /// Drops the encoders that no member reads, and the columns that no encoder reads.
    fn drop_unused(&mut self) {
        let is_used: Vec<bool> =
            (0..self.encoders.len()).map(|i| self.members.iter().any(|m| m.encoder == i)).collect();
        for member in &mut self.members {
            member.encoder = is_used[..member.encoder].iter().filter(|used| **used).count();
        }
        let mut used = is_used.iter();
        self.encoders.retain(|_| used.next().is_some_and(|used| *used));
        let reads = |name: &str| {
            self.encoders.iter().any(|e| e.input_columns().any(|(own, _)| own == name))
        };
        let fields = std::mem::take(&mut self.schema.fields);
        self.schema.fields = fields.into_iter().filter(|f| reads(&f.name)).collect();
    }
}
