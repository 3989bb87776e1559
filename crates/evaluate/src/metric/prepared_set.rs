//! Several metrics of the same predictions, asked together under many weightings.
//!
//! All metrics of decided labels are functions of one confusion matrix, so a weighting costs one
//! pass for all of them together.

use modelwright_core::Result;

use super::confusion::{Cells, Confusion};
use super::prepared::RowMean;
use super::{MetricEntry, MetricInput, Prepared, input};

/// See the module's text.
#[derive(Default)]
pub(crate) struct PreparedSet {
    cells: Option<Cells>,
    members: Vec<Member>,
}

enum Member {
    OfConfusion(fn(&Confusion) -> Result<f64>),
    Own(Prepared),
}

impl PreparedSet {
    /// Adds a metric; all must have the same input.
    pub(crate) fn add(&mut self, metric: &MetricEntry, input: &MetricInput<'_>) -> Result<()> {
        let member = match metric.of_confusion {
            None => Member::Own(metric.prepare(input)?),
            Some(of_confusion) => {
                input::check(metric.spec, input)?;
                self.cells.get_or_insert_with(|| Cells::new(input));
                Member::OfConfusion(of_confusion)
            }
        };
        self.members.push(member);
        Ok(())
    }

    /// The value of each metric under known usable weights; `None` where it is undefined.
    pub(crate) fn values_unchecked(&self, weights: &[f64]) -> Vec<Option<f64>> {
        let confusion = self.cells.as_ref().map(|cells| cells.confusion(Some(weights)));
        let value = |member: &Member| match (member, &confusion) {
            (Member::Own(prepared), _) => prepared.value_unchecked(Some(weights)).ok(),
            (Member::OfConfusion(of), Some(confusion)) => {
                of(confusion).ok().filter(|value| value.is_finite())
            }
            (Member::OfConfusion(_), None) => None,
        };
        self.members.iter().map(value).collect()
    }

    /// The mean over rows that a metric is a function of, if it is one.
    pub(crate) fn mean(&self, metric: usize) -> Option<&RowMean> {
        match self.members.get(metric)? {
            Member::Own(prepared) => prepared.mean(),
            Member::OfConfusion(_) => None,
        }
    }

    /// How many metrics there are.
    pub(crate) fn len(&self) -> usize {
        self.members.len()
    }
}
