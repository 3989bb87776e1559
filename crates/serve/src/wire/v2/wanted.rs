//! The outputs that a request wants, and in which form: as values, as bytes behind the JSON, or by
//! Triton's classification extension as the most probable classes.
//!
//! Reference: Triton's `extension_classification.md`.

use serde_json::{Map, Value};

use super::extensions::refuse_shared_memory;
use super::response::Output;
use crate::model::Model;
use crate::problem::Problem;
use crate::wire::answer::Outcome;

/// The parameter of an output that asks for its largest classes as texts.
const CLASSIFICATION: &str = "classification";

/// An output that is wanted, and its form.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted {
    pub(crate) output: Output,
    /// As bytes behind the JSON; gRPC has its own way of saying so.
    pub(crate) is_binary: bool,
    /// So many of the most probable classes as texts; 0 is the output itself.
    pub(crate) n_top: usize,
}

impl Wanted {
    /// An output as it is.
    pub(crate) fn plain(output: Output) -> Self {
        Self { output, is_binary: false, n_top: 0 }
    }

    /// An output by name, with the parameters that were given for it.
    ///
    /// # Errors
    /// Problem 400 for an output that the model does not have, shared memory, and a classification
    /// that is no count or of another output than the probabilities.
    pub(crate) fn named(
        model: &Model,
        name: &str,
        parameters: &Map<String, Value>,
    ) -> Result<Self, Problem> {
        refuse_shared_memory(parameters.keys().map(String::as_str))?;
        let all = Output::of_model(model);
        let output = all.iter().copied().find(|o| o.name() == name).ok_or_else(|| {
            let names: Vec<&str> = all.iter().map(|o| o.name()).collect();
            Problem::new(400, "no-such-output", "the model has no such output")
                .expected(names.join(" or "))
                .got(name)
        })?;
        let n_top = parameters.get(CLASSIFICATION).map_or(Ok(0), n_top)?;
        if n_top > 0 && output != Output::Probabilities {
            return Err(Problem::new(400, "no-such-extension", "an output without classes")
                .expected(format!("`{CLASSIFICATION}` of the output `probabilities`"))
                .got(name));
        }
        Ok(Self { n_top: n_top.min(model.class_json.len()), ..Self::plain(output) })
    }

    /// Its type.
    pub(crate) fn datatype(self) -> &'static str {
        if self.n_top > 0 { Output::Label.datatype() } else { self.output.datatype() }
    }

    /// What MLServer's clients read it by.
    pub(crate) fn codec(self) -> &'static str {
        if self.n_top > 0 { Output::Label.codec() } else { self.output.codec() }
    }

    /// Its second dimension, if it has one.
    pub(crate) fn n_columns(self, model: &Model) -> Option<usize> {
        match (self.n_top, self.output) {
            (0, Output::Probabilities) => Some(model.class_json.len()),
            (0, Output::Label | Output::Value) => None,
            (n_top, _) => Some(n_top),
        }
    }

    /// The most probable classes of a row of the table as `VALUE:INDEX:LABEL`, the value with six
    /// decimals as Triton writes it; of equal ones the first class goes first.
    pub(crate) fn classes(self, model: &Model, outcome: &Outcome, row: usize) -> Vec<String> {
        let labels = &model.predictor.classes;
        let p = |class: usize| outcome.probability(row, class);
        let mut order: Vec<usize> = (0..labels.len()).collect();
        order.sort_by(|a, b| p(*b).total_cmp(&p(*a)));
        let text = |class: &usize| format!("{:.6}:{class}:{}", p(*class), labels[*class]);
        order.iter().take(self.n_top).map(text).collect()
    }
}

/// A count of classes.
fn n_top(value: &Value) -> Result<usize, Problem> {
    // Counts come as whole numbers; the clients of some languages write all numbers as 2.0.
    let of_float = || value.as_f64().filter(|n| *n >= 0.0 && n.fract() == 0.0 && *n < 1e9);
    let n = value.as_u64().or_else(|| of_float().map(|n| n as u64));
    n.and_then(|n| usize::try_from(n).ok()).ok_or_else(|| {
        Problem::new(400, "bad-parameter", format!("the parameter `{CLASSIFICATION}` is wrong"))
            .expected("how many classes, a whole number from 0")
            .got(&value.to_string())
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_count_of_classes_is_a_whole_number() {
        for (value, wanted) in [(json!(2), 2), (json!(0), 0), (json!(3.0), 3)] {
            assert_eq!(n_top(&value).unwrap(), wanted);
        }
        for value in [json!(-1), json!(1.5), json!("2"), json!(true), json!(1e300)] {
            let refused = n_top(&value).unwrap_err();
            assert_eq!((refused.status, refused.kind), (400, "bad-parameter"), "{value}");
        }
    }
}
