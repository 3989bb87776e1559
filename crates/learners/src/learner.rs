//! The two traits every learning algorithm implements, and the typed-to-erased catalog entry.
//!
//! A [`Learner`] is the algorithm: parameters in, model out. A [`Model`] exists only after a
//! successful fit, is immutable, and can be shared between threads. [`Entry`] erases the types, so
//! that one list holds all learners while authors write typed code.

use modelwright_core::data::{FeatureView, TrainView};
use modelwright_core::params::{Checked, ParamMap, ParamSpec, Params};
use modelwright_core::task::{Predictions, Task};
use modelwright_core::{Context, Error, Result};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::course::Course;

/// What a learner is and can do.
#[derive(Debug, Clone, Copy)]
pub struct LearnerSpec {
    /// Its name in plans, flags and records.
    pub name: &'static str,
    /// Its name in reports.
    pub title: &'static str,
    /// What it does, in one line.
    pub text: &'static str,
    /// Paper or book section.
    pub reference: &'static str,
    /// The tasks it can learn.
    pub tasks: &'static [Task],
    /// What it can do.
    pub abilities: Abilities,
    /// The parameter that says how many rounds (trees, sweeps) are done, if it learns in rounds.
    /// A refit sets it to the rounds that early stopping found.
    pub rounds_param: Option<&'static str>,
}

/// What a learner can do; everything else is refused by name or prepared above.
#[derive(Debug, Clone, Copy, Default)]
#[expect(clippy::struct_excessive_bools, reason = "a list of independent yes and no")]
pub struct Abilities {
    /// Uses sample weights.
    pub weights: bool,
    /// Takes NaN features.
    pub missing: bool,
    /// Reads [`modelwright_core::data::FeatureColumn::bins`] and needs them on every column.
    pub bins: bool,
    /// Reads [`modelwright_core::data::FeatureMatrix::sparse`].
    pub sparse: bool,
    /// Uses validation rows to stop early.
    pub early_stopping: bool,
    /// Can judge its training rows by parts of the model that did not learn from them:
    /// [`Learner::fit_out_of_bag`].
    pub out_of_bag: bool,
}

/// A learning algorithm.
pub trait Learner: 'static {
    /// What it is and can do.
    const SPEC: &'static LearnerSpec;
    /// Its parameters.
    type Params: Params;
    /// What it learns.
    type Model: Model + Serialize + DeserializeOwned;

    /// The number of the layout in which its models are stored; raised when their fields change.
    const LAYOUT: u32 = 1;

    /// Learns from `train.rows`, stopping by `train.validation` where it can.
    ///
    /// Asks [`Context::proceed`] before every round; when told to stop it returns the model so far
    /// (at least a valid constant one). The result depends on nothing but the inputs, the seed and
    /// the rounds allowed; never on the number of threads.
    ///
    /// # Errors
    /// Input error for data it cannot learn from.
    fn fit(
        train: &TrainView<'_>,
        params: &Checked<Self::Params>,
        ctx: &Context,
    ) -> Result<Self::Model>;

    /// As [`Self::fit`], and predictions of `train.rows` by those parts of the model that did not
    /// learn from the row (NaN where all of them did); `None` for learners without such parts.
    fn fit_out_of_bag(
        train: &TrainView<'_>,
        params: &Checked<Self::Params>,
        ctx: &Context,
    ) -> Option<Result<(Self::Model, Predictions)>> {
        let _ = (train, params, ctx);
        None
    }

    /// As [`Self::fit`], but with the number of rounds still open: the model has all that were
    /// done, where it can be cut ([`Model::cut`]), else those that its validation rows like best;
    /// the course says what these rows thought of every number. `None` for learners whose rounds
    /// no validation row decides, and where there are too many such rows for it to matter.
    fn fit_observed(
        train: &TrainView<'_>,
        params: &Checked<Self::Params>,
        ctx: &Context,
    ) -> Option<Result<(Self::Model, Course)>> {
        let _ = (train, params, ctx);
        None
    }

    /// Reads a model stored in an older layout; `None` when there never was such a layout.
    fn decode_older(layout: u32, bytes: &[u8]) -> Option<Result<Self::Model>> {
        let _ = (layout, bytes);
        None
    }
}

/// A fitted model.
pub trait Model: std::any::Any + Send + Sync {
    /// Predictions of the rows of `x`: see [`Predictions`] for the shape.
    ///
    /// A row's prediction does not depend on the other rows.
    ///
    /// # Errors
    /// Input error when `x` does not have the columns it was fitted on.
    fn predict(&self, x: &FeatureView<'_>, ctx: &Context) -> Result<Predictions>;

    /// Rounds (trees per output, sweeps) in the model; 1 where the word has no meaning.
    fn rounds(&self) -> usize;

    /// Keeps the first `n_rounds` rounds, if there are more and the model is a sum of them; one
    /// that is not stays as it is.
    fn cut(&mut self, n_rounds: usize) {
        let _ = n_rounds;
    }

    /// Lets go of what the next prediction makes again, where that is large; predictions stay the
    /// same.
    fn rest(&mut self) {}

    /// How many dense features it was fitted on.
    fn n_features(&self) -> usize;

    /// Proves that a decoded model is sound: every index in bounds, every number usable.
    ///
    /// # Errors
    /// Input error that says what is broken.
    fn validate(&self) -> Result<()>;
}

/// A fitted model whose type is erased, with what is needed to store it.
pub struct Fitted {
    /// Name of the learner that made it.
    pub learner: &'static str,
    /// The layout of the model's bytes: [`Learner::LAYOUT`].
    pub layout: u32,
    /// The model.
    pub model: Box<dyn Model>,
    encode: fn(&dyn Model) -> Result<Vec<u8>>,
}

impl Fitted {
    /// A model of learner `L`, however it came about.
    pub fn of<L: Learner>(model: L::Model) -> Self {
        erase::<L>(model)
    }

    /// A model with what is needed to store it, for learners beside the catalog.
    pub(crate) fn erased(
        learner: &'static str,
        layout: u32,
        model: Box<dyn Model>,
        encode: fn(&dyn Model) -> Result<Vec<u8>>,
    ) -> Self {
        Self { learner, layout, model, encode }
    }

    /// The model's bytes, to be read back by [`Entry::decode`] of the same learner.
    ///
    /// # Errors
    /// Work error when the model cannot be encoded.
    pub fn encode(&self) -> Result<Vec<u8>> {
        (self.encode)(self.model.as_ref())
    }
}

type FitObserved = fn(&TrainView<'_>, &ParamMap, &Context) -> Result<Option<(Fitted, Course)>>;
type FitOutOfBag = fn(&TrainView<'_>, &ParamMap, &Context) -> Result<Option<(Fitted, Predictions)>>;

/// A learner with its types erased: one line of the catalog.
#[derive(Clone, Copy)]
pub struct Entry {
    /// What it is and can do.
    pub spec: &'static LearnerSpec,
    /// Its parameter declarations.
    pub params: &'static [ParamSpec],
    default_params: fn() -> ParamMap,
    check_params: fn(&ParamMap) -> Result<()>,
    fit: fn(&TrainView<'_>, &ParamMap, &Context) -> Result<Fitted>,
    fit_observed: FitObserved,
    fit_out_of_bag: FitOutOfBag,
    decode: fn(u32, &[u8]) -> Result<Fitted>,
}

impl Entry {
    /// The entry of a learner.
    pub const fn of<L: Learner>() -> Self {
        Self {
            spec: L::SPEC,
            params: <L::Params as Params>::SPECS,
            default_params: || L::Params::default().to_map(),
            check_params: |params| L::Params::from_map(L::SPEC.name, params).map(drop),
            fit: fit::<L>,
            fit_observed: fit_observed::<L>,
            fit_out_of_bag: fit_out_of_bag::<L>,
            decode: decode::<L>,
        }
    }

    /// The default parameters.
    pub fn default_params(&self) -> ParamMap {
        (self.default_params)()
    }

    /// Proves that [`Self::fit`] would take these parameters.
    ///
    /// # Errors
    /// Input error that names the unknown or out-of-range parameter.
    pub fn check_params(&self, params: &ParamMap) -> Result<()> {
        (self.check_params)(params)
    }

    /// Fits with the defaults changed by `params`.
    ///
    /// # Errors
    /// As [`Learner::fit`], and input error for unknown or out-of-range parameters.
    pub fn fit(&self, train: &TrainView<'_>, params: &ParamMap, ctx: &Context) -> Result<Fitted> {
        (self.fit)(train, params, ctx)
    }

    /// As [`Self::fit`], with the number of rounds still open; `None` for learners whose rounds no
    /// validation row decides. See [`Learner::fit_observed`].
    ///
    /// # Errors
    /// As [`Self::fit`].
    pub fn fit_observed(
        &self,
        train: &TrainView<'_>,
        params: &ParamMap,
        ctx: &Context,
    ) -> Result<Option<(Fitted, Course)>> {
        (self.fit_observed)(train, params, ctx)
    }

    /// As [`Self::fit`], with predictions of the training rows by parts of the model that did not
    /// learn from them; `None` for learners without such parts. See [`Learner::fit_out_of_bag`].
    ///
    /// # Errors
    /// As [`Self::fit`].
    pub fn fit_out_of_bag(
        &self,
        train: &TrainView<'_>,
        params: &ParamMap,
        ctx: &Context,
    ) -> Result<Option<(Fitted, Predictions)>> {
        (self.fit_out_of_bag)(train, params, ctx)
    }

    /// Reads a model back and proves it sound.
    ///
    /// # Errors
    /// Input error when the bytes are not a sound model of this learner in that layout.
    pub fn decode(&self, layout: u32, bytes: &[u8]) -> Result<Fitted> {
        (self.decode)(layout, bytes)
    }
}

fn fit<L: Learner>(train: &TrainView<'_>, params: &ParamMap, ctx: &Context) -> Result<Fitted> {
    let params = checked::<L>(train, params)?;
    let model = ctx.install(|| L::fit(train, &params, ctx))?;
    Ok(erase::<L>(model))
}

fn fit_observed<L: Learner>(
    train: &TrainView<'_>,
    params: &ParamMap,
    ctx: &Context,
) -> Result<Option<(Fitted, Course)>> {
    let params = checked::<L>(train, params)?;
    let fitted = ctx.install(|| L::fit_observed(train, &params, ctx)).transpose()?;
    Ok(fitted.map(|(model, course)| (erase::<L>(model), course)))
}

fn fit_out_of_bag<L: Learner>(
    train: &TrainView<'_>,
    params: &ParamMap,
    ctx: &Context,
) -> Result<Option<(Fitted, Predictions)>> {
    let params = checked::<L>(train, params)?;
    let fitted = ctx.install(|| L::fit_out_of_bag(train, &params, ctx)).transpose()?;
    Ok(fitted.map(|(model, predictions)| (erase::<L>(model), predictions)))
}

/// The parameters for a task that the learner can learn; one of no task reads no target.
fn checked<L: Learner>(train: &TrainView<'_>, params: &ParamMap) -> Result<Checked<L::Params>> {
    let task = train.target.task();
    if !L::SPEC.tasks.is_empty() && !L::SPEC.tasks.contains(&task) {
        return Err(Error::input(format!("{} cannot learn this task", L::SPEC.name))
            .expected(L::SPEC.tasks.iter().map(|t| t.name()).collect::<Vec<_>>().join(", "))
            .got(task.name()));
    }
    L::Params::from_map(L::SPEC.name, params)
}

fn decode<L: Learner>(layout: u32, bytes: &[u8]) -> Result<Fitted> {
    let name = L::SPEC.name;
    let model = if layout == L::LAYOUT {
        decode_whole(name, bytes)?
    } else {
        L::decode_older(layout, bytes).unwrap_or_else(|| {
            Err(Error::input(format!("the stored {name} model has an unknown layout"))
                .expected(format!("layout {} or older", L::LAYOUT))
                .got(layout.to_string())
                .hint("install the version of Modelwright that wrote it, or a later one"))
        })?
    };
    model.validate()?;
    Ok(erase::<L>(model))
}

/// Reads a value that takes up all of `bytes`; `name` is the learner whose model it is.
///
/// # Errors
/// Input error when the bytes are not exactly such a value.
pub(crate) fn decode_whole<T: DeserializeOwned>(name: &str, bytes: &[u8]) -> Result<T> {
    let (value, rest) = postcard::take_from_bytes(bytes)
        .map_err(|e| Error::input(format!("the stored {name} model cannot be read")).because(e))?;
    if !rest.is_empty() {
        return Err(Error::input(format!("the stored {name} model has extra bytes"))
            .got(format!("{} bytes too many", rest.len())));
    }
    Ok(value)
}

fn erase<L: Learner>(model: L::Model) -> Fitted {
    let model = Box::new(model);
    Fitted { learner: L::SPEC.name, layout: L::LAYOUT, model, encode: encode::<L> }
}

fn encode<L: Learner>(model: &dyn Model) -> Result<Vec<u8>> {
    let model = (model as &dyn std::any::Any).downcast_ref::<L::Model>();
    let model = model.expect("a fitted model keeps the type of the learner that made it");
    postcard::to_stdvec(model).map_err(|e| Error::work("cannot encode the model").because(e))
}
