//! The result of a fit: raw rows in, predictions out.
//!
//! A predictor holds the fitted encoders and the members of the ensemble. The code that encoded
//! the training rows encodes the served rows; nothing of it is repeated elsewhere.

mod asleep;
mod parts;
mod regions;
mod row;

use std::collections::HashSet;

use modelwright_core::data::{FeatureMatrix, Schema, Table};
use modelwright_core::task::{Predictions, Target, Task};
use modelwright_core::{Context, Error, Result};
use modelwright_evaluate::{Calibrator, CostMatrix};
use modelwright_inspect::explain::RawPredictor;
use modelwright_learners::Fitted;
use modelwright_learners::gbdt::GbdtModel;
use modelwright_learners::own;
use modelwright_preprocess::encode::FittedEncoder;
use serde::{Deserialize, Serialize};

use crate::conformal::{self, Intervals};
use crate::fair::GroupThresholds;
use crate::offers::Offered;
use crate::second_level::{self, SecondLevel};
use crate::target;

pub use row::RowMemory;

/// Raw rows in, predictions out.
pub struct Predictor {
    /// The columns it reads.
    pub schema: Schema,
    /// What it predicts.
    pub task: Task,
    /// The target column.
    pub target: String,
    /// Labels in class order (for binary the positive class is the second).
    pub classes: Vec<String>,
    /// The metric that was optimised.
    pub metric: String,
    /// Positive is predicted from this probability on (binary).
    pub threshold: f64,
    /// What corrects the mean of the members before it is calibrated.
    pub(crate) second_level: Option<SecondLevel>,
    pub(crate) calibrator: Calibrator,
    pub(crate) costs: Option<CostMatrix>,
    pub(crate) intervals: Option<Intervals>,
    pub(crate) fair: Option<GroupThresholds>,
    pub(crate) encoders: Vec<FittedEncoder>,
    /// Those of the ensemble, then students without weight, which only offers are made of.
    pub(crate) members: Vec<Member>,
    /// How smaller combinations of the members are made; empty for none.
    pub(crate) offers: Vec<Offered>,
}

/// A member of the ensemble: models that read one encoding and are averaged.
pub(crate) struct Member {
    pub encoder: usize,
    pub weight: f64,
    pub models: Vec<Fitted>,
}

/// How a predictor is stored.
#[derive(Serialize, Deserialize)]
struct Stored {
    schema: Schema,
    task: Task,
    target: String,
    classes: Vec<String>,
    metric: String,
    threshold: f64,
    temperature: f64,
    encoders: Vec<Vec<u8>>,
    members: Vec<StoredMember>,
}

/// What stands behind [`Stored`] in the bytes, since format version 3 and only where there is any:
/// a predictor without is stored as it ever was.
#[derive(Default, Serialize, Deserialize)]
struct StoredExtras {
    /// In place of the temperature.
    calibrator: Option<Calibrator>,
    costs: Option<CostMatrix>,
    intervals: Option<conformal::Stored>,
}

#[derive(Serialize, Deserialize)]
struct StoredMember {
    encoder: u32,
    weight: f64,
    /// Name of the learner, and `@layout` if its models are not stored in the first layout.
    learner: String,
    models: Vec<Vec<u8>>,
}

/// One model as a predictor: what a fit would have found out, given.
pub struct SinglePredictor {
    /// The columns it reads.
    pub schema: Schema,
    /// What it predicts.
    pub task: Task,
    /// The target column.
    pub target: String,
    /// Labels in class order; none for regression.
    pub classes: Vec<String>,
    /// What writes the columns as the model's features.
    pub encoder: FittedEncoder,
    /// The model.
    pub model: Fitted,
}

/// A member of an ensemble, for those who take it out.
#[derive(Clone, Copy)]
pub struct MemberView<'a> {
    /// What writes the columns as the features of its models.
    pub encoder: &'a FittedEncoder,
    /// Its share of the predictions.
    pub weight: f64,
    /// Its models, whose predictions are averaged.
    pub models: &'a [Fitted],
}

/// What corrects the weighted mean of the members, for those who take it out: `intercept + slope ·
/// start + Σ weight · away`, and what the trees add to that. `start` is the ensemble's log-odds (of
/// several classes the logarithms of probabilities, of numbers these), `away` how far a member's
/// are from these.
#[derive(Clone, Copy)]
pub struct SecondLevelView<'a> {
    /// What is added to every score.
    pub intercept: f64,
    /// What the ensemble's scores are multiplied with.
    pub slope: f64,
    /// Of each member's difference; empty where members have none.
    pub weights: &'a [f64],
    /// The largest sum of weighted differences, in size.
    pub reach: f64,
    /// Bounds of corrected numbers whose start is not beyond them; `None` for classes.
    pub range: Option<(f64, f64)>,
    /// What writes the columns of the trees, and these. Behind the columns they read the ensemble's
    /// scores and each member's.
    pub trees: Option<(&'a FittedEncoder, &'a GbdtModel)>,
}

impl SecondLevelView<'_> {
    /// `start` is that of a probability at least so far from 0 and 1.
    pub const MARGIN: f64 = second_level::MARGIN;
    /// What is added to each probability, for differences and columns, before all are divided by
    /// their sum.
    pub const SOFTENING: f64 = second_level::SOFTENING;
}

impl Predictor {
    /// What corrects the weighted mean of the members before it is calibrated, if anything does.
    pub fn second_level(&self) -> Option<SecondLevelView<'_>> {
        let level = self.second_level.as_ref()?;
        Some(SecondLevelView {
            intercept: level.line.intercept,
            slope: level.line.slope,
            weights: &level.line.weights,
            reach: level.reach,
            range: level.range,
            trees: level
                .trees
                .as_ref()
                .and_then(|trees| Some((self.encoders.get(trees.encoder)?, trees.booster().ok()?))),
        })
    }

    /// A predictor of one model that was not fitted here.
    ///
    /// # Errors
    /// Input error when the parts do not fit together.
    pub fn of_one(single: SinglePredictor) -> Result<Self> {
        let predictor = Self {
            schema: single.schema,
            task: single.task,
            target: single.target,
            classes: single.classes,
            metric: single.task.default_metric().to_owned(),
            threshold: 0.5,
            second_level: None,
            calibrator: Calibrator::None,
            costs: None,
            intervals: None,
            fair: None,
            encoders: vec![single.encoder],
            members: vec![Member { encoder: 0, weight: 1.0, models: vec![single.model] }],
            offers: Vec::new(),
        };
        predictor.validate()?;
        Ok(predictor)
    }

    /// What makes the ensemble's probabilities honest.
    pub fn calibrator(&self) -> &Calibrator {
        &self.calibrator
    }

    /// What decisions cost, if the user said so.
    pub fn costs(&self) -> Option<&CostMatrix> {
        self.costs.as_ref()
    }

    /// The class that is decided for in every row of a classification: the cheapest if costs are
    /// known, else by the threshold, or the most probable one; with thresholds of groups, each row
    /// by that of its own group, which `table` tells.
    pub fn decide(&self, table: &Table, predictions: &Predictions) -> Vec<u32> {
        match (&self.fair, &self.costs) {
            (Some(fair), _) => fair.decide(table, predictions),
            (None, Some(costs)) => costs.decide(predictions),
            (None, None) => predictions.classes(self.threshold),
        }
    }

    /// From which probability on each row of a task of two classes is decided positive: its
    /// group's threshold, the one that costs imply, or the model's; `None` for other tasks.
    pub fn thresholds(&self, table: &Table) -> Option<Vec<f64>> {
        if self.classes.len() != 2 {
            return None;
        }
        let all = |threshold| vec![threshold; table.n_rows()];
        Some(match (&self.fair, &self.costs) {
            (Some(fair), _) => fair.of_rows(table),
            (None, Some(costs)) => all(costs.threshold().unwrap_or(self.threshold)),
            (None, None) => all(self.threshold),
        })
    }

    /// The thresholds of groups, if decisions must be fair.
    pub fn group_thresholds(&self) -> Option<&GroupThresholds> {
        self.fair.as_ref()
    }

    /// The raw columns that the members' features are written from.
    pub fn feature_columns(&self) -> impl Iterator<Item = &str> {
        let encoders = self.active().iter().map(|m| &self.encoders[m.encoder]);
        let read: HashSet<&str> =
            encoders.flat_map(|e| e.input_columns().map(|(name, _)| name)).collect();
        self.schema.fields.iter().map(|f| f.name.as_str()).filter(move |name| read.contains(name))
    }

    /// The members, in the order of [`Self::members`].
    pub fn member_views(&self) -> impl Iterator<Item = MemberView<'_>> {
        self.active().iter().map(|m| MemberView {
            encoder: &self.encoders[m.encoder],
            weight: m.weight,
            models: &m.models,
        })
    }

    /// Predictions of every row of a table that has the model's columns, in any order.
    ///
    /// # Errors
    /// Input error for a missing column or a wrong type.
    pub fn predict(&self, table: &Table, ctx: &Context) -> Result<Predictions> {
        let of_members = |(i, encoder): (usize, &FittedEncoder)| {
            // One may be for the intervals alone.
            if self.reads(i) { encoder.transform(table, ctx) } else { Ok(FeatureMatrix::default()) }
        };
        let features: Vec<FeatureMatrix> =
            self.encoders.iter().enumerate().map(of_members).collect::<Result<_>>()?;
        let mut mean = Predictions::zeros(table.n_rows(), self.n_outputs());
        self.say(|encoder| features.get(encoder), &mut mean, ctx)?;
        Ok(mean)
    }

    /// How many numbers a prediction has: see [`Predictions`].
    pub fn n_outputs(&self) -> usize {
        if self.classes.len() > 2 { self.classes.len() } else { 1 }
    }

    /// The target of a table with known answers, by the labels of the training.
    ///
    /// # Errors
    /// Input error for a missing column, a missing or unknown value.
    pub fn encode_target(&self, table: &Table) -> Result<Target> {
        target::encode(table.require(&self.target)?, &self.classes, self.task)
    }

    /// The class that a label means, as answers are read anywhere; `None` where it is none.
    pub fn class_of(&self, label: &str) -> Option<u32> {
        target::class_of(&self.classes, label)
    }

    /// Whether a text can be an answer: a class, or a number where numbers are predicted.
    pub fn is_answer(&self, text: &str) -> bool {
        match self.task {
            Task::Regression => text.trim().parse().is_ok_and(target::is_usable),
            _ => self.class_of(text).is_some(),
        }
    }

    /// Short names of the members with their weights and numbers of models.
    pub fn members(&self) -> impl Iterator<Item = (&'static str, f64, usize)> {
        self.active().iter().map(|m| (m.models[0].learner, m.weight, m.models.len()))
    }

    /// The predictor's bytes.
    ///
    /// # Errors
    /// Work error when a part cannot be encoded.
    pub fn encode(&self) -> Result<Vec<u8>> {
        let member = |m: &Member| -> Result<StoredMember> {
            Ok(StoredMember {
                encoder: m.encoder as u32,
                weight: m.weight,
                learner: stored_name(&m.models[0]),
                models: m.models.iter().map(Fitted::encode).collect::<Result<_>>()?,
            })
        };
        let stored = Stored {
            schema: self.schema.clone(),
            task: self.task,
            target: self.target.clone(),
            classes: self.classes.clone(),
            metric: self.metric.clone(),
            threshold: self.threshold,
            temperature: match self.calibrator {
                Calibrator::Temperature(t) => t,
                _ => 1.0,
            },
            encoders: self.encoders.iter().map(FittedEncoder::encode).collect::<Result<_>>()?,
            members: self.members.iter().map(member).collect::<Result<_>>()?,
        };
        let failed = |e| Error::work("cannot encode the predictor").because(e);
        let mut bytes = postcard::to_stdvec(&stored).map_err(failed)?;
        if let Some(extras) = self.extras()? {
            bytes.extend(postcard::to_stdvec(&extras).map_err(failed)?);
            if !self.offers.is_empty() || self.has_more_behind() {
                bytes.extend(postcard::to_stdvec(&self.offers).map_err(failed)?);
            }
        }
        let words = self.missing_words();
        let has_words = !words.is_empty() || self.second_level.is_some();
        if self.fair.is_some() || has_words {
            let fair = self.fair.clone().unwrap_or_else(GroupThresholds::none);
            bytes.extend(postcard::to_stdvec(&fair).map_err(failed)?);
        }
        if has_words {
            bytes.extend(postcard::to_stdvec(&words).map_err(failed)?);
        }
        if let Some(level) = &self.second_level {
            bytes.extend(postcard::to_stdvec(&level.store()?).map_err(failed)?);
        }
        Ok(bytes)
    }

    fn extras(&self) -> Result<Option<StoredExtras>> {
        let is_known = matches!(self.calibrator, Calibrator::None | Calibrator::Temperature(_));
        let is_plain = self.costs.is_none() && self.intervals.is_none() && self.offers.is_empty();
        if is_known && is_plain && !self.has_more_behind() {
            return Ok(None);
        }
        Ok(Some(StoredExtras {
            calibrator: (!is_known).then(|| self.calibrator.clone()),
            costs: self.costs.clone(),
            intervals: self.intervals.as_ref().map(Intervals::store).transpose()?,
        }))
    }

    /// Whether something is stored behind the offers.
    fn has_more_behind(&self) -> bool {
        self.fair.is_some() || self.second_level.is_some() || !self.missing_words().is_empty()
    }

    /// The words beside numbers that are missing values, with the places of their columns.
    fn missing_words(&self) -> Vec<(u32, Vec<String>)> {
        let fields = (0_u32..).zip(&self.schema.fields);
        let words = fields.map(|(at, field)| (at, field.number_format.missing_words.clone()));
        words.filter(|(_, words)| !words.is_empty()).collect()
    }

    /// Reads a predictor back and proves it sound.
    ///
    /// # Errors
    /// Input error when the bytes are not a sound predictor.
    pub fn decode(bytes: &[u8]) -> Result<Self> {
        let (stored, rest) = postcard::take_from_bytes::<Stored>(bytes)
            .map_err(|e| Error::input("the stored predictor cannot be read").because(e))?;
        let Behind { extras, offers, fair, missing_words, second_level } = decode_extras(rest)?;
        let mut schema = stored.schema;
        for (at, words) in missing_words {
            let field = schema.fields.get_mut(at as usize);
            let field = field.ok_or_else(|| broken("words of a column that it has not"))?;
            field.number_format.missing_words = words;
        }
        let of_temperature = match stored.temperature {
            1.0 => Calibrator::None,
            t => Calibrator::Temperature(t),
        };
        let encoders: Vec<FittedEncoder> =
            stored.encoders.iter().map(|e| FittedEncoder::decode(e)).collect::<Result<_>>()?;
        let members: Vec<Member> =
            stored.members.iter().map(decode_member).collect::<Result<_>>()?;
        let predictor = Self {
            schema,
            task: stored.task,
            target: stored.target,
            classes: stored.classes,
            metric: stored.metric,
            threshold: stored.threshold,
            second_level: second_level.map(SecondLevel::read).transpose()?,
            calibrator: extras.calibrator.unwrap_or(of_temperature),
            costs: extras.costs,
            intervals: extras.intervals.map(Intervals::read).transpose()?,
            fair,
            encoders,
            members,
            offers,
        };
        predictor.validate()?;
        Ok(predictor)
    }

    pub(crate) fn validate(&self) -> Result<()> {
        let n_classes_fit = match self.task {
            Task::Binary => self.classes.len() == 2,
            Task::Multiclass => self.classes.len() > 2,
            Task::Regression => self.classes.is_empty(),
        };
        let weights: f64 = self.members.iter().map(|m| m.weight).sum();
        if !n_classes_fit {
            return Err(broken("classes do not fit the task"));
        }
        if self.members.is_empty() || (weights - 1.0).abs() > 1e-6 {
            return Err(broken("weights do not sum to 1"));
        }
        if self.members[self.active().len()..].iter().any(|m| m.weight != 0.0) {
            return Err(broken("a member with a weight stands behind one without"));
        }
        if !self.threshold.is_finite() {
            return Err(broken("the threshold is not a number"));
        }
        self.calibrator.validate(self.n_outputs())?;
        if let Some(costs) = &self.costs {
            costs.validate(self.classes.len())?;
        }
        if let Some(intervals) = &self.intervals {
            let n_features = |i: usize| self.encoders.get(i).map(|e| e.feature_names().len());
            intervals.validate(self.task, self.classes.len(), n_features)?;
        }
        if let Some(level) = &self.second_level {
            let n_features = |i: usize| self.encoders.get(i).map(|e| e.feature_names().len());
            level.validate((self.task, self.n_outputs(), self.active().len()), n_features)?;
        }
        for offer in &self.offers {
            offer.validate(self.members.len(), self.n_outputs())?;
        }
        if let Some(fair) = &self.fair {
            fair.validate(self.task)?;
        }
        for member in &self.members {
            let Some(encoder) = self.encoders.get(member.encoder) else {
                return Err(broken("a member names an encoder that is not there"));
            };
            let n_features = encoder.feature_names().len();
            let fits = |f: &Fitted| f.model.n_features() == n_features;
            if member.weight < 0.0 || member.models.is_empty() || !member.models.iter().all(fits) {
                return Err(broken("a member does not fit its encoder"));
            }
        }
        Ok(())
    }
}

impl RawPredictor for Predictor {
    fn predict(&self, table: &Table, ctx: &Context) -> Result<Predictions> {
        Self::predict(self, table, ctx)
    }

    fn threshold(&self) -> f64 {
        self.threshold
    }
}

/// What stands behind the predictor itself.
#[derive(Default)]
struct Behind {
    extras: StoredExtras,
    offers: Vec<Offered>,
    fair: Option<GroupThresholds>,
    missing_words: Vec<(u32, Vec<String>)>,
    second_level: Option<second_level::Stored>,
}

/// The extras; behind them the offers; behind these the thresholds of groups
/// ([`GroupThresholds::none`] where there are none); behind these the words that are missing
/// values; behind these the second level. Each is there only when it, or what comes after it, is.
fn decode_extras(bytes: &[u8]) -> Result<Behind> {
    let unreadable = |e| Error::input("the stored predictor cannot be read").because(e);
    let mut behind = Behind::default();
    if bytes.is_empty() {
        return Ok(behind);
    }
    let (extras, rest) = postcard::take_from_bytes(bytes).map_err(unreadable)?;
    behind.extras = extras;
    if rest.is_empty() {
        return Ok(behind);
    }
    let (offers, rest) = postcard::take_from_bytes(rest).map_err(unreadable)?;
    behind.offers = offers;
    if rest.is_empty() {
        return Ok(behind);
    }
    let (fair, rest) = postcard::take_from_bytes::<GroupThresholds>(rest).map_err(unreadable)?;
    behind.fair = Some(fair).filter(|fair| !fair.is_none());
    if rest.is_empty() {
        return Ok(behind);
    }
    let (words, rest) = postcard::take_from_bytes(rest).map_err(unreadable)?;
    behind.missing_words = words;
    if rest.is_empty() {
        return Ok(behind);
    }
    let (level, rest) = postcard::take_from_bytes(rest).map_err(unreadable)?;
    behind.second_level = Some(level);
    if rest.is_empty() { Ok(behind) } else { Err(broken("extra bytes at its end")) }
}

fn stored_name(fitted: &Fitted) -> String {
    match fitted.layout {
        1 => fitted.learner.to_owned(),
        layout => format!("{}@{layout}", fitted.learner),
    }
}

fn decode_member(stored: &StoredMember) -> Result<Member> {
    let (name, layout) = stored.learner.split_once('@').unwrap_or((&stored.learner, "1"));
    let layout = layout.parse().map_err(|_| broken("a layout is not a number"))?;
    Ok(Member {
        encoder: stored.encoder as usize,
        weight: stored.weight,
        models: stored
            .models
            .iter()
            .map(|m| own::decode(name, layout, m))
            .collect::<Result<_>>()?,
    })
}

fn broken(what: &str) -> Error {
    Error::input(format!("the stored predictor is broken: {what}"))
        .hint("fit the model again, or fetch the file again")
}
