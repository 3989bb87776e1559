//! Learners that are code of the caller's own, beside those of the catalog.
//!
//! A program (the Python package) brings an [`OwnLearner`]; the search treats it like any other
//! [`Algorithm`]. What it learns is an [`OwnFitted`] behind an [`OwnModel`], which is stored as
//! bytes that only such a program can read: a model that was read back is *asleep* and refuses to
//! predict until [`OwnModel::wake`] is given what the bytes become. Nothing here runs the bytes.
//!
//! Unlike learners of the catalog these cannot ask [`Context::proceed`] while they learn, and
//! nothing proves that they are deterministic: who calls them asks between two fits, and a record
//! says that they were there.

use std::any::Any;
use std::sync::Arc;

use modelwright_core::data::{FeatureView, TrainView};
use modelwright_core::params::{ParamMap, Params};
use modelwright_core::task::{Predictions, Task};
use modelwright_core::{Context, Error, Result};
use serde::{Deserialize, Serialize};

use crate::course::Course;
use crate::gbdt::{FitOptions, Gbdt, GbdtModel, GbdtParams, Objective};
use crate::learner::{Abilities, Entry, Fitted, Learner, LearnerSpec, Model};

/// The name of all of them in plans, records and models; which one it is, the trial's name says.
pub const OWN: &str = "own";

/// The layout of [`Stored`].
const LAYOUT: u32 = 1;

/// What is known of them before one is asked.
const SPEC: &LearnerSpec = &LearnerSpec {
    name: OWN,
    title: "A learner of the user's own",
    text: "Code that a program brought; the model needs that program to predict",
    reference: "",
    tasks: &[Task::Binary, Task::Multiclass, Task::Regression],
    abilities: Abilities {
        weights: true,
        missing: true,
        bins: false,
        sparse: false,
        early_stopping: false,
        out_of_bag: false,
    },
    rounds_param: None,
};

/// A learner that a program brings.
pub trait OwnLearner: Send + Sync {
    /// Learns from `train.rows`; `seed` is all that may be random in it.
    ///
    /// # Errors
    /// Input error with what its code says is wrong.
    fn fit(&self, train: &TrainView<'_>, seed: u64, ctx: &Context) -> Result<Arc<dyn OwnFitted>>;
}

/// What such a learner learned.
pub trait OwnFitted: Send + Sync {
    /// Predictions of the rows of `x`, finite and of the shape of the task.
    ///
    /// # Errors
    /// Input error with what its code says is wrong.
    fn predict(&self, x: &FeatureView<'_>, ctx: &Context) -> Result<Predictions>;

    /// The bytes that the same program can read back.
    ///
    /// # Errors
    /// Work error when it cannot be stored.
    fn store(&self) -> Result<Vec<u8>>;
}

/// A model of a learner of the caller's own.
pub struct OwnModel {
    about: About,
    state: State,
}

enum State {
    Awake(Arc<dyn OwnFitted>),
    /// As it was stored.
    Asleep(Vec<u8>),
}

/// What is known of a model without its program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct About {
    name: String,
    needs: Vec<String>,
    n_features: u32,
    n_outputs: u32,
}

/// How it is stored.
#[derive(Serialize, Deserialize)]
struct Stored {
    about: About,
    bytes: Vec<u8>,
}

impl OwnModel {
    /// What its author calls its learner.
    pub fn name(&self) -> &str {
        &self.about.name
    }

    /// What it was made with, such as `Python 3.11.4` or `lightgbm 4.6.0`.
    pub fn needs(&self) -> &[String] {
        &self.about.needs
    }

    /// The stored bytes of a model that cannot predict yet; `None` of one that can.
    pub fn asleep(&self) -> Option<&[u8]> {
        match &self.state {
            State::Awake(_) => None,
            State::Asleep(bytes) => Some(bytes),
        }
    }

    /// Lets it predict by what its bytes became in the program that knows them.
    pub fn wake(&mut self, fitted: Arc<dyn OwnFitted>) {
        self.state = State::Awake(fitted);
    }

    /// What predicts, where it can.
    pub fn fitted(&self) -> Option<&Arc<dyn OwnFitted>> {
        match &self.state {
            State::Awake(fitted) => Some(fitted),
            State::Asleep(_) => None,
        }
    }

    /// The model behind `fitted`, if it is one of these.
    pub fn of(fitted: &Fitted) -> Option<&Self> {
        (fitted.model.as_ref() as &dyn Any).downcast_ref()
    }

    /// As [`Self::of`], to be woken.
    pub fn of_mut(fitted: &mut Fitted) -> Option<&mut Self> {
        (fitted.model.as_mut() as &mut dyn Any).downcast_mut()
    }

    fn stored(&self) -> Result<Vec<u8>> {
        let bytes = match &self.state {
            State::Awake(fitted) => fitted.store()?,
            State::Asleep(bytes) => bytes.clone(),
        };
        postcard::to_stdvec(&Stored { about: self.about.clone(), bytes })
            .map_err(|e| Error::work("cannot encode the model").because(e))
    }

    fn erased(self) -> Fitted {
        let encode = |model: &dyn Model| {
            let model = (model as &dyn Any).downcast_ref::<Self>();
            model.expect("a fitted model keeps the type of the learner that made it").stored()
        };
        Fitted::erased(OWN, LAYOUT, Box::new(self), encode)
    }
}

/// Why a model that is asleep does not answer.
///
/// `name` is its learner's, `needs` what it was made with.
pub fn needs_program(name: &str, needs: &[String]) -> Error {
    let with = if needs.is_empty() { "Python".to_owned() } else { needs.join(", ") };
    Error::input(format!("the model needs Python: its part `{name}` is code of its user's own"))
        .expected(format!("a Python with {with}"))
        .hint(
            "if you trust where the file comes from: modelwright.load(path, trust=True); or fit a \
             model without own learners, which runs anywhere",
        )
}

impl Model for OwnModel {
    fn predict(&self, x: &FeatureView<'_>, ctx: &Context) -> Result<Predictions> {
        let n_features = x.features.n_features();
        if n_features != self.n_features() {
            return Err(Error::input("the rows do not have the model's features")
                .expected(format!("{} features", self.n_features()))
                .got(n_features.to_string()));
        }
        match &self.state {
            State::Awake(fitted) => {
                let found = fitted.predict(x, ctx)?;
                check(&found, x.n_rows(), self.about.n_outputs as usize, &self.about.name)?;
                Ok(found)
            }
            State::Asleep(_) => Err(needs_program(&self.about.name, &self.about.needs)),
        }
    }

    fn rounds(&self) -> usize {
        1
    }

    fn n_features(&self) -> usize {
        self.about.n_features as usize
    }

    fn validate(&self) -> Result<()> {
        if self.about.name.is_empty() || self.about.n_outputs == 0 {
            return Err(Error::input("the stored model of an own learner is broken"));
        }
        Ok(())
    }
}

/// Proves that foreign predictions are what the rest of the engine takes them for.
fn check(found: &Predictions, n_rows: usize, n_outputs: usize, name: &str) -> Result<()> {
    let error = |what: String| Error::input(what).at(format!("learner {name}"));
    if found.n_outputs != n_outputs || found.values.len() != n_rows * n_outputs {
        return Err(error("an own learner gave predictions of a wrong shape".to_owned())
            .expected(format!("{n_rows} rows of {n_outputs}"))
            .got(format!("{} numbers", found.values.len())));
    }
    let n_broken = found
        .values
        .chunks_exact(n_outputs)
        .filter(|row| row.iter().any(|value| !value.is_finite()))
        .count();
    if n_broken > 0 {
        return Err(error(format!("{name} predicts what is no number"))
            .expected("finite numbers")
            .got(format!("NaN or infinity in {n_broken} of {n_rows} rows")));
    }
    Ok(())
}

/// A learner of the caller's own, with what the record says of it.
#[derive(Clone)]
pub struct Named {
    /// What its author calls it: the name of its trial.
    pub name: String,
    /// The encoding that it reads.
    pub encoding: String,
    /// What it is, in words.
    pub text: String,
    /// What it is made with.
    pub needs: Vec<String>,
    /// The code.
    pub learner: Arc<dyn OwnLearner>,
}

/// A learner of the catalog, or one of the caller's own.
#[derive(Clone)]
pub enum Algorithm {
    /// One of the catalog.
    Catalog(&'static Entry),
    /// One that a program brought.
    Own(Named),
    /// The gradient booster of the catalog, by a loss that a program brought.
    Boosted(Arc<dyn Objective>),
    /// The booster, which adds rounds to an earlier one.
    Continued(Arc<GbdtModel>),
}

impl Algorithm {
    /// What it is and can do.
    pub fn spec(&self) -> &'static LearnerSpec {
        match self {
            Self::Catalog(entry) => entry.spec,
            Self::Own(_) => SPEC,
            Self::Boosted(_) | Self::Continued(_) => Gbdt::SPEC,
        }
    }

    /// Whether it is code of the caller's own.
    pub fn is_own(&self) -> bool {
        matches!(self, Self::Own(_))
    }

    /// Fits with the defaults changed by `params`, of which own learners have none. Equal scopes of
    /// `ctx` give an own learner equal seeds.
    ///
    /// # Errors
    /// As [`Entry::fit`] and [`OwnLearner::fit`].
    pub fn fit(&self, train: &TrainView<'_>, params: &ParamMap, ctx: &Context) -> Result<Fitted> {
        let own = match self {
            Self::Catalog(entry) => return entry.fit(train, params, ctx),
            Self::Boosted(objective) => {
                let params = GbdtParams::from_map(Gbdt::SPEC.name, params)?;
                let model = Gbdt::fit_with(train, &params, &by(objective.as_ref()), ctx)?;
                return Ok(Fitted::of::<Gbdt>(model));
            }
            Self::Continued(model) => {
                let params = GbdtParams::from_map(Gbdt::SPEC.name, params)?;
                let model = Gbdt::fit_with(train, &params, &after(model), ctx)?;
                return Ok(Fitted::of::<Gbdt>(model));
            }
            Self::Own(own) => own,
        };
        let seed = ctx.random(&format!("own/{}", ctx.name()), 0).next_u64();
        let fitted = own.learner.fit(train, seed, ctx)?;
        let about = About {
            name: own.name.clone(),
            needs: own.needs.clone(),
            n_features: train.features.n_features() as u32,
            n_outputs: train.target.n_outputs() as u32,
        };
        Ok(OwnModel { about, state: State::Awake(fitted) }.erased())
    }

    /// As [`Entry::fit_observed`]; no own learner can.
    ///
    /// # Errors
    /// As [`Entry::fit_observed`].
    pub fn fit_observed(
        &self,
        train: &TrainView<'_>,
        params: &ParamMap,
        ctx: &Context,
    ) -> Result<Option<(Fitted, Course)>> {
        match self {
            Self::Catalog(entry) => entry.fit_observed(train, params, ctx),
            Self::Boosted(objective) => {
                let params = GbdtParams::from_map(Gbdt::SPEC.name, params)?;
                let found = Gbdt::observe_with(train, &params, &by(objective.as_ref()), ctx);
                found.map(|(model, course)| Some((Fitted::of::<Gbdt>(model), course)))
            }
            // The rounds that validation rows like best would have to be told from those it had.
            Self::Continued(_) | Self::Own(_) => Ok(None),
        }
    }

    /// As [`Entry::fit_out_of_bag`]; no own learner can.
    ///
    /// # Errors
    /// As [`Entry::fit_out_of_bag`].
    pub fn fit_out_of_bag(
        &self,
        train: &TrainView<'_>,
        params: &ParamMap,
        ctx: &Context,
    ) -> Result<Option<(Fitted, Predictions)>> {
        match self {
            Self::Catalog(entry) => entry.fit_out_of_bag(train, params, ctx),
            Self::Own(_) | Self::Boosted(_) | Self::Continued(_) => Ok(None),
        }
    }
}

fn after(model: &GbdtModel) -> FitOptions<'_> {
    FitOptions { warm_start: Some(model), ..FitOptions::default() }
}

fn by(objective: &dyn Objective) -> FitOptions<'_> {
    FitOptions { objective: Some(objective), ..FitOptions::default() }
}

/// Reads a model of any learner back: of the catalog, or one that sleeps until it is woken.
///
/// # Errors
/// As [`Entry::decode`]; input error for an unknown learner.
pub fn decode(learner: &str, layout: u32, bytes: &[u8]) -> Result<Fitted> {
    if learner != OWN {
        return crate::learner(learner)?.decode(layout, bytes);
    }
    if layout != LAYOUT {
        return Err(Error::input("the stored model of an own learner has an unknown layout")
            .expected(format!("layout {LAYOUT}"))
            .got(layout.to_string())
            .hint("install the version of Modelwright that wrote it, or a later one"));
    }
    let Stored { about, bytes } = crate::learner::decode_whole(OWN, bytes)?;
    let model = OwnModel { about, state: State::Asleep(bytes) };
    model.validate()?;
    Ok(model.erased())
}

#[cfg(test)]
mod tests {
    use modelwright_core::data::{FeatureColumn, FeatureMatrix};
    use modelwright_core::task::Target;

    use super::*;

    /// The mean of the training target, or whatever `said` is.
    struct Mean {
        said: Option<f64>,
    }

    impl OwnLearner for Mean {
        fn fit(&self, train: &TrainView<'_>, _: u64, _: &Context) -> Result<Arc<dyn OwnFitted>> {
            let values = train.target.values().unwrap_or(&[]);
            let mean = values.iter().sum::<f64>() / values.len() as f64;
            Ok(Arc::new(Constant(self.said.unwrap_or(mean))))
        }
    }

    struct Constant(f64);

    impl OwnFitted for Constant {
        fn predict(&self, x: &FeatureView<'_>, _: &Context) -> Result<Predictions> {
            Ok(Predictions::new(1, vec![self.0; x.n_rows()]))
        }

        fn store(&self) -> Result<Vec<u8>> {
            Ok(self.0.to_le_bytes().to_vec())
        }
    }

    fn fitted(said: Option<f64>) -> (Result<Fitted>, FeatureMatrix) {
        let learner = Arc::new(Mean { said });
        let (name, encoding, text) = ("mean".to_owned(), "linear".to_owned(), String::new());
        let own = Algorithm::Own(Named {
            name,
            encoding,
            text,
            needs: vec!["Python 3.12".to_owned()],
            learner,
        });
        assert!(own.is_own() && own.spec().name == OWN);
        let features = FeatureMatrix::new(3, vec![FeatureColumn::dense("x", vec![1.0, 2.0, 3.0])]);
        let target = Target::Real(vec![1.0, 2.0, 6.0]);
        let view = TrainView {
            features: &features,
            target: &target,
            weights: None,
            rows: &[0, 1, 2],
            validation: &[],
        };
        let model = own.fit(&view, &ParamMap::new(), &Context::unlimited(0, 1));
        (model, features)
    }

    #[test]
    fn a_stored_model_sleeps_until_it_is_woken_and_stays_what_it_was() {
        let ctx = Context::unlimited(0, 1);
        let (model, features) = fitted(None);
        let model = model.unwrap();
        let view = FeatureView::all(&features);
        assert_eq!(model.model.predict(&view, &ctx).unwrap().values, [3.0; 3]);
        let bytes = model.encode().unwrap();
        let mut read = decode(OWN, 1, &bytes).unwrap();
        let error = read.model.predict(&view, &ctx).unwrap_err().to_string();
        assert!(error.contains("needs Python") && error.contains("trust=True"), "{error}");
        assert_eq!(read.encode().unwrap(), bytes, "it can be stored while it sleeps");
        let own = OwnModel::of_mut(&mut read).unwrap();
        let value = f64::from_le_bytes(own.asleep().unwrap().try_into().unwrap());
        own.wake(Arc::new(Constant(value)));
        assert_eq!(read.model.predict(&view, &ctx).unwrap().values, [3.0; 3]);
        assert_eq!(read.encode().unwrap(), bytes);
    }

    #[test]
    fn what_is_no_number_is_refused_with_the_learners_name() {
        let ctx = Context::unlimited(0, 1);
        for said in [f64::NAN, f64::INFINITY] {
            let (model, features) = fitted(Some(said));
            let error = model.unwrap().model.predict(&FeatureView::all(&features), &ctx);
            let error = error.unwrap_err().to_string();
            assert!(error.contains("mean") && error.contains("3 of 3 rows"), "{error}");
        }
    }

    #[test]
    fn broken_bytes_are_refused() {
        let bytes = fitted(None).0.unwrap().encode().unwrap();
        for end in 0..bytes.len() {
            assert!(decode(OWN, 1, &bytes[..end]).is_err(), "{end}");
        }
        assert!(decode(OWN, 2, &bytes).is_err());
        assert!(decode("owm", 1, &bytes).is_err());
    }
}
