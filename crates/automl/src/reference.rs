//! What later data and predictions are compared with: the reference part of an artifact.
//!
//! The sketches of the training table stand first, as they always did; behind them, since there is
//! a monitor, what the model said on the untouched rows; behind that, where the delivered model
//! learned from those rows after the test, what it says of them; behind all of these what tells how
//! unusual rows are, with empty sketches in place of what is not there. Readers of today read all
//! forms.

use modelwright_core::data::{Column, Table};
use modelwright_core::record::MetricValue;
use modelwright_core::task::{Predictions, Target};
use modelwright_core::{Context, Error, Result};
use modelwright_evaluate::estimate::{
    ErrorCurve, ExpectedBinary, ExpectedErrors, ExpectedMulticlass,
};
use modelwright_preprocess::sketch::{ColumnSketch, TableSketch};
use serde::{Deserialize, Serialize};

use crate::predictor::Predictor;
use crate::unusual::UsualRows;

/// The name under which predictions are sketched like a column.
pub const PREDICTION: &str = "prediction";

/// The reference part of an artifact.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Reference {
    /// The sketches of the training table.
    pub columns: TableSketch,
    /// What the model said on the untouched rows; `None` without such rows and in old artifacts.
    pub predictions: Option<PredictionReference>,
    /// What tells how unusual rows are; `None` where a fit had too few rows or no time for it, and
    /// in old artifacts.
    pub usual: Option<UsualRows>,
}

/// What a model said on the untouched rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PredictionReference {
    /// The sketch of one column, [`PREDICTION`]: see [`prediction_column`].
    sketch: TableSketch,
    /// How large errors are by the size of the prediction (regression).
    pub errors: Option<ErrorCurve>,
    /// Metrics that were to be expected without looking at the answers.
    pub expected: Vec<MetricValue>,
    /// What the delivered model says of the same rows, from which it learned after the test: by as
    /// much as it differs, `sketch` may be wrong about it. Stored behind the rest.
    #[serde(skip)]
    served: Option<TableSketch>,
}

impl PredictionReference {
    /// What `predictions` of rows with known answers leave behind.
    ///
    /// # Errors
    /// None that rows can cause.
    pub fn of(
        predictor: &Predictor,
        predictions: &Predictions,
        truth: &Target,
        ctx: &Context,
    ) -> Result<Self> {
        let table = Table::new(vec![prediction_column(predictor, predictions)])?;
        let errors = truth.values().and_then(|y| ErrorCurve::learn(y, &predictions.values));
        let mut expectation = Expectation::new(predictor, errors.as_ref());
        expectation.add(predictions);
        let expected = expectation.metrics(ctx);
        Ok(Self { sketch: TableSketch::of(&table, ctx)?, errors, expected, served: None })
    }

    /// With what the delivered model says of the untouched rows, or of a sample of them, once it
    /// has learned from them.
    ///
    /// # Errors
    /// None that rows can cause.
    pub fn with_served(
        mut self,
        predictor: &Predictor,
        predictions: &Predictions,
        ctx: &Context,
    ) -> Result<Self> {
        let table = Table::new(vec![prediction_column(predictor, predictions)])?;
        self.served = Some(TableSketch::of(&table, ctx)?);
        Ok(self)
    }

    /// What stands where a model said nothing.
    fn nothing() -> Self {
        let sketch = TableSketch::default();
        Self { sketch, errors: None, expected: Vec::new(), served: None }
    }

    /// The sketch of the predictions.
    pub fn predictions(&self) -> Option<&ColumnSketch> {
        self.sketch.column(PREDICTION)
    }

    /// The sketch of what the delivered model says of the same rows, where it learned from them.
    pub fn served(&self) -> Option<&ColumnSketch> {
        self.served.as_ref()?.column(PREDICTION)
    }
}

impl Reference {
    /// The bytes of the reference part.
    ///
    /// # Errors
    /// Work error when a part cannot be encoded.
    pub fn encode(
        columns: &TableSketch,
        predictions: Option<&PredictionReference>,
        usual: Option<&UsualRows>,
    ) -> Result<Vec<u8>> {
        let failed = |e| Error::work("cannot encode the reference sketches").because(e);
        let mut bytes = postcard::to_stdvec(columns).map_err(failed)?;
        let (nothing, nowhere) = (PredictionReference::nothing(), TableSketch::default());
        if let Some(predictions) = predictions.or(usual.map(|_| &nothing)) {
            bytes.extend(postcard::to_stdvec(predictions).map_err(failed)?);
            if let Some(served) = predictions.served.as_ref().or(usual.map(|_| &nowhere)) {
                bytes.extend(postcard::to_stdvec(served).map_err(failed)?);
            }
        }
        if let Some(usual) = usual {
            bytes.extend(postcard::to_stdvec(usual).map_err(failed)?);
        }
        Ok(bytes)
    }

    /// Reads the reference part and proves it sound.
    ///
    /// # Errors
    /// Input error when the bytes are no sound reference.
    pub fn decode(bytes: &[u8]) -> Result<Self> {
        let failed = |e| Error::input("the stored reference cannot be read").because(e);
        let (columns, rest) = postcard::take_from_bytes::<TableSketch>(bytes).map_err(failed)?;
        columns.validate()?;
        if rest.is_empty() {
            return Ok(Self { columns, predictions: None, usual: None });
        }
        let (mut predictions, mut rest) =
            postcard::take_from_bytes::<PredictionReference>(rest).map_err(failed)?;
        predictions.sketch.validate()?;
        if !rest.is_empty() {
            let (served, after) = postcard::take_from_bytes::<TableSketch>(rest).map_err(failed)?;
            served.validate()?;
            let is_there = served.column(PREDICTION).is_some();
            (predictions.served, rest) = (is_there.then_some(served), after);
        }
        let mut usual = None;
        if !rest.is_empty() {
            let (found, after) = postcard::take_from_bytes::<UsualRows>(rest).map_err(failed)?;
            (usual, rest) = (Some(found.validated()?), after);
        }
        if !rest.is_empty() || predictions.errors.as_ref().is_some_and(|e| !e.is_sound()) {
            return Err(Error::input("the stored reference is damaged"));
        }
        let predictions = Some(predictions).filter(|p| p.predictions().is_some());
        Ok(Self { columns, predictions, usual })
    }
}

/// Predictions as a column that drift can be measured on: the probability of the positive class,
/// the label that is decided for among many, or the predicted number.
pub fn prediction_column(predictor: &Predictor, predictions: &Predictions) -> Column {
    if predictions.n_outputs == 1 {
        return Column::numbers(PREDICTION, predictions.values.clone());
    }
    // Only decisions between two classes depend on the rows.
    let decided = predictor.decide(&Table::default(), predictions);
    let label = |class: &u32| predictor.classes.get(*class as usize);
    Column::strings(PREDICTION, decided.iter().map(label))
}

/// Metrics that are to be expected on rows without answers, by task; takes rows part by part.
pub enum Expectation {
    /// Of calibrated probabilities.
    Binary(Box<ExpectedBinary>),
    /// Of calibrated probabilities of many classes.
    Multiclass(ExpectedMulticlass),
    /// Of errors that are known by the size of the prediction.
    Errors(ErrorCurve, ExpectedErrors),
    /// A regression whose errors are not known.
    Unknown,
}

impl Expectation {
    /// No rows yet.
    pub fn new(predictor: &Predictor, errors: Option<&ErrorCurve>) -> Self {
        match (predictor.classes.len(), errors) {
            (2, _) => Self::Binary(Box::new(ExpectedBinary::new(predictor.threshold))),
            (0, Some(errors)) => Self::Errors(errors.clone(), ExpectedErrors::default()),
            (0, None) => Self::Unknown,
            _ => Self::Multiclass(ExpectedMulticlass::default()),
        }
    }

    /// The same without its rows.
    #[must_use]
    pub fn empty(&self) -> Self {
        match self {
            Self::Binary(sums) => Self::Binary(Box::new(ExpectedBinary::new(sums.threshold()))),
            Self::Multiclass(_) => Self::Multiclass(ExpectedMulticlass::default()),
            Self::Errors(curve, _) => Self::Errors(curve.clone(), ExpectedErrors::default()),
            Self::Unknown => Self::Unknown,
        }
    }

    /// Adds rows.
    pub fn add(&mut self, predictions: &Predictions) {
        match self {
            Self::Binary(sums) => sums.add(&predictions.values),
            Self::Multiclass(sums) => sums.add(predictions),
            Self::Errors(curve, sums) => sums.add(curve, &predictions.values),
            Self::Unknown => {}
        }
    }

    /// The expected metrics with intervals; empty without rows, or when nothing is known.
    pub fn metrics(&self, ctx: &Context) -> Vec<MetricValue> {
        match self {
            Self::Binary(sums) => sums.metrics(ctx),
            Self::Multiclass(sums) => sums.metrics(),
            Self::Errors(_, sums) => sums.metrics(),
            Self::Unknown => Vec::new(),
        }
    }
}
