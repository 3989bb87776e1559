//! What XGBoost minimised, and so what its scores mean.

use modelwright_core::{Error, Result};
use modelwright_learners::gbdt::Link;

use crate::document::node::Node;
use crate::import::foreign::Answer;

/// An objective.
pub(super) struct Objective {
    pub(super) name: String,
    pub(super) link: Link,
    base: Base,
}

/// XGBoost keeps a base probability this far from 0 and 1.
const MARGIN: f32 = 1e-6;

/// How `base_score` becomes a score.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Base {
    Score,
    Probability,
    Positive,
}

/// Every objective that is known, its link, and what its `base_score` is.
const KNOWN: [(&str, Link, Base); 24] = [
    ("reg:squarederror", Link::Identity, Base::Score),
    ("reg:linear", Link::Identity, Base::Score),
    ("reg:squaredlogerror", Link::Identity, Base::Score),
    ("reg:pseudohubererror", Link::Identity, Base::Score),
    ("reg:absoluteerror", Link::Identity, Base::Score),
    ("reg:quantileerror", Link::Identity, Base::Score),
    ("reg:expectileerror", Link::Identity, Base::Score),
    ("reg:logistic", Link::Logistic, Base::Probability),
    ("reg:gamma", Link::Exponential, Base::Positive),
    ("reg:tweedie", Link::Exponential, Base::Positive),
    ("count:poisson", Link::Exponential, Base::Positive),
    ("survival:cox", Link::Exponential, Base::Positive),
    ("survival:aft", Link::Exponential, Base::Positive),
    ("binary:logistic", Link::Logistic, Base::Probability),
    ("binary:logitraw", Link::Identity, Base::Score),
    ("binary:hinge", Link::Step, Base::Score),
    ("multi:softprob", Link::Softmax, Base::Score),
    ("multi:softmax", Link::Softmax, Base::Score),
    ("rank:pairwise", Link::Identity, Base::Score),
    ("rank:ndcg", Link::Identity, Base::Score),
    ("rank:map", Link::Identity, Base::Score),
    ("gpu:reg:linear", Link::Identity, Base::Score),
    ("gpu:binary:logistic", Link::Logistic, Base::Probability),
    ("gpu:reg:logistic", Link::Logistic, Base::Probability),
];

/// The objective of that name.
pub(super) fn parse(name: &str) -> Result<Objective> {
    match KNOWN.iter().find(|(known, ..)| *known == name) {
        Some((_, link, base)) => Ok(Objective { name: name.to_owned(), link: *link, base: *base }),
        None => Err(Error::input("the XGBoost model has an objective that is not known")
            .at("learner/objective/name")
            .got(name)
            .suggest(name, KNOWN.iter().map(|(known, ..)| *known))),
    }
}

impl Objective {
    /// What a model of this objective with so many outputs answers.
    pub(super) fn answer(&self, n_outputs: usize) -> Result<Answer> {
        let per_class = self.link == Link::Softmax;
        match n_outputs {
            2.. if per_class => Ok(Answer::Classes(n_outputs)),
            1 if matches!(self.name.as_str(), "binary:logistic" | "gpu:binary:logistic") => {
                Ok(Answer::Probability)
            }
            1 if self.link == Link::Step => Ok(Answer::Probability),
            1 if !per_class => Ok(Answer::Value),
            _ => Err(Error::input("the XGBoost model has several targets")
                .at("learner/learner_model_param")
                .expected(if per_class { "2 classes or more" } else { "1 target" })
                .got(format!("{n_outputs} outputs with objective `{}`", self.name))
                .hint("a model.mw answers one question: train one model per target")),
        }
    }

    /// The scores before the first tree, as XGBoost computes them, in f32.
    pub(super) fn base_scores(&self, learner: &Node<'_>, n_outputs: usize) -> Result<Vec<f64>> {
        let node = learner.field("learner_model_param")?.field("base_score")?;
        let text = node.text()?.trim();
        let list = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        let broken = |expected: String| node.broken().expected(expected).got(text);
        let parsed: Option<Vec<f32>> =
            list.unwrap_or(text).split(',').map(|word| word.trim().parse().ok()).collect();
        let parsed = parsed.ok_or_else(|| broken("numbers".to_owned()))?;
        let scores: Vec<f64> = parsed.iter().map(|base| f64::from(self.score(*base))).collect();
        if scores.iter().any(|score| !score.is_finite()) {
            let expected = match self.base {
                Base::Score => "finite numbers",
                Base::Probability => "a probability from 0 to 1",
                Base::Positive => "a number above 0",
            };
            return Err(broken(expected.to_owned()));
        }
        match scores.len() {
            1 => Ok(vec![scores[0]; n_outputs]),
            n if n == n_outputs => Ok(scores),
            _ => Err(broken(format!("1 number, or {n_outputs}"))),
        }
    }

    fn score(&self, base: f32) -> f32 {
        match self.base {
            Base::Score => base,
            Base::Probability if !(0.0..=1.0).contains(&base) => f32::NAN,
            Base::Probability => -(1.0 / base.clamp(MARGIN, 1.0 - MARGIN) - 1.0).ln(),
            Base::Positive => base.ln(),
        }
    }
}
