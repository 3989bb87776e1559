//! What LightGBM minimised, and so what its scores mean.
//!
//! LightGBM's `ConvertOutput` of each objective, version 4.7. Ranking and custom objectives leave
//! scores as they are.

use modelwright_core::{Error, Result};
use modelwright_learners::gbdt::Link;

use crate::import::foreign::Answer;

/// An objective.
pub(super) struct Objective {
    /// As the file says it.
    pub(super) text: String,
    pub(super) link: Link,
    /// What scores are multiplied with before the link.
    pub(super) scale: f64,
    is_binary: bool,
}

impl Objective {
    /// What a model of this objective with so many outputs answers.
    pub(super) fn answer(&self, n_outputs: usize) -> Result<Answer> {
        let per_class = matches!(self.link, Link::Softmax | Link::LogisticEach);
        match n_outputs {
            1 if self.is_binary => Ok(Answer::Probability),
            1 if !per_class => Ok(Answer::Value),
            2.. if per_class => Ok(Answer::Classes(n_outputs)),
            _ => Err(Error::input("the number of outputs does not fit the objective")
                .at("num_tree_per_iteration")
                .expected(if per_class { "2 or more" } else { "1" })
                .got(format!("{n_outputs} with objective `{}`", self.text))
                .hint("models of several numbers that are not classes cannot be imported")),
        }
    }
}

/// The objective of a file; without one, scores are the predictions.
pub(super) fn parse(text: Option<&str>) -> Result<Objective> {
    let text = text.unwrap_or("custom").trim();
    let mut words = text.split_ascii_whitespace();
    let name = words.next().unwrap_or("custom");
    let (mut sigmoid, mut is_root) = (1.0, false);
    for word in words {
        match word.split_once(':') {
            Some(("sigmoid", value)) => sigmoid = scale(value)?,
            None if word == "sqrt" => is_root = true,
            // num_class repeats what the header says; others are of no use to a predictor.
            _ => {}
        }
    }
    let link = match name {
        "regression" | "regression_l1" | "huber" | "fair" | "quantile" | "mape" if is_root => {
            Link::SignedSquare
        }
        "regression" | "regression_l1" | "huber" | "fair" | "quantile" | "mape" | "lambdarank"
        | "rank_xendcg" | "custom" | "none" => Link::Identity,
        "poisson" | "gamma" | "tweedie" => Link::Exponential,
        "binary" | "cross_entropy" | "xentropy" => Link::Logistic,
        "cross_entropy_lambda" | "xentlambda" => Link::Softplus,
        "multiclass" | "softmax" => Link::Softmax,
        "multiclassova" | "multiclass_ova" | "ova" | "ovr" => Link::LogisticEach,
        _ => {
            return Err(Error::input("the LightGBM model has an objective that is not known")
                .at("objective")
                .got(name)
                .suggest(name, KNOWN));
        }
    };
    let has_scale = matches!(name, "binary" | "multiclassova" | "multiclass_ova" | "ova" | "ovr");
    let scale = if has_scale { sigmoid } else { 1.0 };
    Ok(Objective { text: text.to_owned(), link, scale, is_binary: name == "binary" })
}

const KNOWN: [&str; 16] = [
    "binary",
    "cross_entropy",
    "cross_entropy_lambda",
    "custom",
    "fair",
    "gamma",
    "huber",
    "lambdarank",
    "mape",
    "multiclass",
    "multiclassova",
    "poisson",
    "quantile",
    "rank_xendcg",
    "regression",
    "tweedie",
];

fn scale(text: &str) -> Result<f64> {
    match text.parse() {
        Ok(value) if f64::is_finite(value) && value > 0.0 => Ok(value),
        _ => Err(Error::input("the LightGBM model is broken")
            .at("objective, sigmoid")
            .expected("a number above 0")
            .got(text)),
    }
}
