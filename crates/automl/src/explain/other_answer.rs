//! What is wanted of a prediction: another class, or a value on another side of a limit.

use modelwright_core::data::Table;
use modelwright_core::task::Predictions;
use modelwright_core::{Context, Error, Result};
use modelwright_inspect::explain::counterfactual::{
    CounterfactualOptions, Counterfactuals, Goal, counterfactuals as search,
};

use super::{in_storage_of_kinds, subject};
use crate::fair::GroupThresholds;
use crate::predictor::Predictor;

/// What is wanted.
#[derive(Debug, Clone, PartialEq)]
pub enum Desired {
    /// This class is decided for.
    Class(String),
    /// A predicted value of at least this.
    AtLeast(f64),
    /// A predicted value of at most this.
    AtMost(f64),
}

impl Desired {
    /// What people mean by `text`: a label, or `>=100`, `<=100` (regression).
    ///
    /// # Errors
    /// Input error when it is no label of the predictor, or no limit.
    pub fn of(text: &str, predictor: &Predictor) -> Result<Self> {
        if predictor.task.is_classification() {
            let label = predictor.classes.iter().find(|class| *class == text);
            return label.map(|label| Self::Class(label.clone())).ok_or_else(|| {
                Error::input("the model knows no such class")
                    .at("--desired")
                    .expected(predictor.classes.join(", "))
                    .got(text)
                    .suggest(text, predictor.classes.iter().map(String::as_str))
            });
        }
        let limit = |text: &str| text.trim().parse::<f64>().ok().filter(|v| v.is_finite());
        let wanted = match (text.strip_prefix(">="), text.strip_prefix("<=")) {
            (Some(low), _) => limit(low).map(Self::AtLeast),
            (_, Some(high)) => limit(high).map(Self::AtMost),
            _ => None,
        };
        wanted.ok_or_else(|| {
            Error::input("not a limit of the predicted value")
                .at("--desired")
                .expected("e.g. \">=100\" or \"<=100\"")
                .got(text)
        })
    }

    /// The other class of two; `None` where there are more, or none.
    pub fn other(predictor: &Predictor, row: &Table, ctx: &Context) -> Result<Option<Self>> {
        let [negative, positive] = &predictor.classes[..] else { return Ok(None) };
        let decided = predictor.decide(row, &predictor.predict(row, ctx)?);
        let other = if decided.first() == Some(&1) { negative } else { positive };
        Ok(Some(Self::Class(other.clone())))
    }
}

/// Changes of a row that make the predictor decide as desired: see
/// [`modelwright_inspect::explain::counterfactual`].
///
/// # Errors
/// Input error when a column or class is unknown, nothing may vary, or tables lack a column.
pub fn counterfactuals(
    predictor: &Predictor,
    row: &Table,
    observed: &Table,
    desired: &Desired,
    options: &CounterfactualOptions,
    ctx: &Context,
) -> Result<Counterfactuals> {
    let subject = subject(predictor)?;
    let held = held_fixed(predictor, &subject.columns, options)?;
    let threshold = predictor.group_thresholds().and_then(|g| g.of_rows(row).first().copied());
    let (row, observed) =
        (in_storage_of_kinds(predictor, row)?, in_storage_of_kinds(predictor, observed)?);
    let now = predictor.predict(&row, ctx)?.values.first().copied().unwrap_or(0.0);
    let class = match desired {
        Desired::Class(label) => {
            let place = predictor.classes.iter().position(|class| class == label);
            place
                .ok_or_else(|| Error::input("the model knows no such class").got(label.as_str()))?
        }
        _ => 0,
    };
    let goal = Wanted { predictor, desired, class, now, threshold };
    ctx.install(|| search(&subject, &goal, &row, &observed, &held, ctx))
}

/// The options with the columns that make groups with own thresholds held fixed: nobody is told to
/// be somebody else, and the row keeps its threshold.
///
/// # Errors
/// Input error when the user lets such a column vary.
fn held_fixed(
    predictor: &Predictor,
    columns: &[String],
    options: &CounterfactualOptions,
) -> Result<CounterfactualOptions> {
    let mut held = options.clone();
    for column in predictor.group_thresholds().into_iter().flat_map(GroupThresholds::columns) {
        let varies =
            options.vary.as_ref().is_some_and(|v| v.iter().any(|(name, _)| name == column));
        if varies {
            return Err(Error::input(
                "a column that makes the groups of the thresholds cannot vary",
            )
            .column(column)
            .hint("leave it out: the model decides by a threshold for each of its groups"));
        }
        if columns.iter().any(|c| c == column) && !held.immutable.iter().any(|c| c == column) {
            held.immutable.push(column.to_owned());
        }
    }
    Ok(held)
}

struct Wanted<'a> {
    predictor: &'a Predictor,
    desired: &'a Desired,
    class: usize,
    /// The first number of the prediction as it is.
    now: f64,
    /// The threshold of the row's group, where groups have own ones.
    threshold: Option<f64>,
}

impl Goal for Wanted<'_> {
    fn is_reached(&self, predictions: &Predictions) -> Vec<bool> {
        match self.desired {
            Desired::Class(_) if self.threshold.is_some() => {
                let limit = self.threshold.unwrap_or(0.5);
                let is_wanted = |p: &f64| (*p >= limit) == (self.class == 1);
                predictions.values.iter().map(is_wanted).collect()
            }
            Desired::Class(_) => {
                let decided = self.predictor.decide(&Table::default(), predictions);
                decided.into_iter().map(|class| class as usize == self.class).collect()
            }
            Desired::AtLeast(low) => predictions.values.iter().map(|v| v >= low).collect(),
            Desired::AtMost(high) => predictions.values.iter().map(|v| v <= high).collect(),
        }
    }

    fn nearness(&self, numbers: &[f64]) -> f64 {
        // Values are counted in units of the way to go.
        let way = |limit: f64| (limit - self.now).abs().max(f64::MIN_POSITIVE);
        match self.desired {
            Desired::AtLeast(low) => (numbers[0] - low) / way(*low),
            Desired::AtMost(high) => (high - numbers[0]) / way(*high),
            Desired::Class(_) if numbers.len() == 1 => {
                if self.class == 1 {
                    numbers[0]
                } else {
                    -numbers[0]
                }
            }
            Desired::Class(_) => {
                let others = numbers.iter().enumerate().filter(|(i, _)| *i != self.class);
                let best = others.map(|(_, p)| *p).fold(f64::NEG_INFINITY, f64::max);
                numbers[self.class] - best
            }
        }
    }
}
