//! Intervals and sets around a predictor's predictions.

use modelwright_core::data::Table;
use modelwright_core::task::{Predictions, Target};
use modelwright_core::{Context, Result};

use super::Predictor;
use crate::conformal::{Held, Intervals, Regions, Rule};

impl Predictor {
    /// Whether it can say in which interval or set the truth lies.
    pub fn has_regions(&self) -> bool {
        self.intervals.is_some()
    }

    /// The levels of its intervals or sets, ascending; empty when it has none.
    pub fn levels(&self) -> &[f64] {
        self.intervals.as_ref().map_or(&[], |intervals| &intervals.levels)
    }

    /// Intervals or sets of rows that were predicted as `predictions`; `None` when it has none.
    ///
    /// # Errors
    /// As [`Self::predict`].
    pub fn regions(
        &self,
        table: &Table,
        predictions: &Predictions,
        ctx: &Context,
    ) -> Result<Option<Regions>> {
        let Some(intervals) = &self.intervals else { return Ok(None) };
        let groups = intervals.groups.as_ref().map_or(Vec::new(), |groups| groups.of_rows(table));
        let values = &predictions.values;
        let quantiles = match &intervals.rule {
            Rule::Sets { .. } => {
                return Ok(Some(Regions::Sets(intervals.sets(predictions, &groups))));
            }
            Rule::Constant => None,
            Rule::Quantiles { encoder, model } => {
                let features = self.encoders[*encoder].transform(table, ctx)?;
                Some(Intervals::quantiles(model, features, values, ctx)?)
            }
        };
        let regions = intervals.intervals(values, quantiles.as_ref(), &groups);
        Ok(Some(Regions::Intervals(regions)))
    }

    /// Whether the intervals or sets of rows hold their known answers; `None` when it has none.
    ///
    /// # Errors
    /// As [`Self::predict`].
    pub fn held(
        &self,
        table: &Table,
        predictions: &Predictions,
        truth: &Target,
        ctx: &Context,
    ) -> Result<Option<Held>> {
        let (Some(intervals), Some(regions)) =
            (&self.intervals, self.regions(table, predictions, ctx)?)
        else {
            return Ok(None);
        };
        let (groups, names) = match (&intervals.groups, truth.codes()) {
            (Some(groups), _) => {
                let own = groups.values.iter().map(|value| Some(value.clone()));
                (groups.of_rows(table), [None].into_iter().chain(own).collect())
            }
            (None, Some(codes)) if matches!(intervals.rule, Rule::Sets { per_class: true }) => {
                (codes.to_vec(), self.classes.iter().cloned().map(Some).collect())
            }
            _ => (Vec::new(), Vec::new()),
        };
        Ok(Some(Held::of(&regions, truth, groups, names)))
    }
}
