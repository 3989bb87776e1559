//! The parts of a predictor: what each member says, and a predictor of some of them.

use modelwright_core::data::{FeatureView, Table};
use modelwright_core::task::Predictions;
use modelwright_core::{Context, Result};

use super::{Member, Predictor};
use crate::ensemble;
use crate::offers::Offered;

impl Predictor {
    /// The members that its own predictions are made of: all but students.
    pub(crate) fn active(&self) -> &[Member] {
        let n = self.members.iter().take_while(|m| m.weight > 0.0).count();
        &self.members[..n]
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
            self.intervals = None;
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
