//! What goes into a fit and what comes out.

use std::sync::Arc;

use modelwright_core::Result;
use modelwright_core::data::{Schema, Table};
use modelwright_core::record::{
    DataSource, LeakFinding, Options, Picked, Plan, RunRecord, SplitRecord, TableProfile,
    TaskRecord,
};
use modelwright_core::task::Predictions;
use modelwright_preprocess::sketch::TableSketch;
use serde::Serialize;

use crate::offers;
use crate::own::Own;
use crate::predictor::Predictor;
use crate::reference::PredictionReference;
use crate::unusual::UsualRows;
use crate::whole_file::AllRows;

/// A table, what is known about it, and what is asked.
#[derive(Debug)]
pub struct FitInput {
    /// The training table as read.
    pub table: Table,
    /// Storage and formats of its columns, as the reader found them.
    pub schema: Schema,
    /// Where it came from.
    pub source: DataSource,
    /// A test table that replaces the holdout.
    pub test: Option<(Table, DataSource)>,
    /// What is asked.
    pub options: Options,
    /// Parts that are code of the caller's own; those that `options.own` names.
    pub own: Own,
    /// The rows of the file, for a last fit when they do not fit in memory.
    pub all_rows: Option<Arc<dyn AllRows>>,
}

/// A tested predictor and the account of how it was made.
pub struct FitOutcome {
    /// Raw rows in, predictions out.
    pub predictor: Predictor,
    /// The complete account; its `clock` is filled by the caller.
    pub record: RunRecord,
    /// What the training data looked like: the reference that drift is measured against.
    pub reference: TableSketch,
    /// What the model said on the untouched rows, as far as there were any.
    pub predictions: Option<PredictionReference>,
    /// What tells how unusual later rows are; `None` where there were too few rows, or no time.
    pub usual: Option<UsualRows>,
    /// What the model said of each row of a test table before it learned from that too
    /// ([`crate::ALL_AND_TEST`]).
    pub tested: Option<Predictions>,
}

impl FitOutcome {
    /// The outcome with one of its offers in place of the delivered predictor.
    ///
    /// # Errors
    /// As [`offers::pick()`].
    pub fn pick(self, picked: Picked) -> Result<Self> {
        let (predictor, record) = offers::pick(self.predictor, self.record, picked)?;
        let predictions = self.predictions.filter(|_| picked.offer == 0);
        // Another offer says something else of these rows.
        let tested = self.tested.filter(|_| picked.offer == 0);
        let (reference, usual) = (self.reference, self.usual);
        Ok(Self { predictor, record, reference, predictions, usual, tested })
    }
}

/// What `fit` would do, without doing it.
#[derive(Debug, Clone, Serialize)]
pub struct FitPlan {
    /// What the data look like.
    pub profile: TableProfile,
    /// Suspected leaks.
    pub leakage: Vec<LeakFinding>,
    /// The question.
    pub task: TaskRecord,
    /// How rows would be parted.
    pub split: SplitRecord,
    /// What would be tried.
    pub plan: Plan,
}
