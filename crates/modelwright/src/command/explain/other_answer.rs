//! `explain --counterfactual`: what would have to be different for another answer.

use std::fmt::Write as _;

use clap::Args;
use modelwright::automl::explain::{Counterfactual, CounterfactualOptions, Desired};
use modelwright::{Model, OtherAnswers, other_answers, varied};
use modelwright_core::data::Table;
use modelwright_core::task::Predictions;
use modelwright_core::{Context, Result};

use crate::flags::values;
use crate::output::{self, number};

/// Flags of other answers.
#[derive(Debug, Args)]
#[command(next_help_heading = "Other answers")]
pub(super) struct OtherAnswer {
    /// Say what would have to be different for another answer (needs --rows)
    #[arg(long, requires = "rows", conflicts_with_all = ["method", "report", "profile"])]
    pub(super) counterfactual: bool,
    /// The class wanted, or a limit such as ">=100" [default: the other of two classes]
    #[arg(long, value_name = "VALUE", requires = "counterfactual")]
    desired: Option<String>,
    /// Columns that may not change
    #[arg(long, value_name = "COLUMN,…", value_delimiter = ',', value_parser = values::name,
          requires = "counterfactual")]
    immutable: Vec<String>,
    /// The only columns that may change; COLUMN:+ only upwards, COLUMN:- only downwards
    #[arg(long, value_name = "COLUMN,…", value_delimiter = ',', value_parser = values::name,
          requires = "counterfactual", allow_hyphen_values = true)]
    vary: Vec<String>,
}

impl OtherAnswer {
    /// Searches and prints.
    pub(super) fn run(
        &self,
        model: &Model,
        data: &Table,
        rows: &[u32],
        json: bool,
        ctx: &Context,
    ) -> Result<()> {
        let options = CounterfactualOptions {
            vary: (!self.vary.is_empty()).then(|| self.vary.iter().map(|v| varied(v)).collect()),
            immutable: self.immutable.clone(),
            ..CounterfactualOptions::default()
        };
        let desired = self.desired.as_deref();
        let mut all = other_answers(model, (data, rows), data, desired, &options, ctx)?;
        for (_, answered) in &mut all {
            answered.row += 1;
        }
        if json {
            let documents: Vec<&OtherAnswers> = all.iter().map(|(_, answered)| answered).collect();
            return output::print_json(&documents);
        }
        let mut text = String::new();
        for (desired, answered) in &all {
            let row = data.select(&[answered.row - 1]);
            text.push_str(&described(model, &row, (desired, answered)));
        }
        output::print(&text)
    }
}

/// What is decided of `row` and why not otherwise, then the changes that are enough.
fn described(model: &Model, row: &Table, (desired, answered): (&Desired, &OtherAnswers)) -> String {
    let found = &answered.found;
    let thresholds = model.predictor.thresholds(row);
    let threshold = thresholds.and_then(|of_rows| of_rows.first().copied());
    let wanted = match desired {
        Desired::Class(label) => match threshold {
            Some(threshold) => format!("{label} ({})", limit(model, label, threshold)),
            None => label.clone(),
        },
        Desired::AtLeast(low) => format!("at least {}", number(*low)),
        Desired::AtMost(high) => format!("at most {}", number(*high)),
    };
    let predicted = |numbers: &[f64]| predicted(model, desired, numbers);
    let now = match desired {
        Desired::Class(_) => decided(model, row, &found.prediction),
        _ => predicted(&found.prediction),
    };
    let mut text = format!("row {}: {now}; wanted: {wanted}\n", answered.row);
    if found.is_reached {
        text.push_str("  it is already so\n");
    } else if found.answers.is_empty() {
        text.push_str("  no change of up to 4 columns to observed values is enough\n");
    }
    for Counterfactual { changes, prediction, .. } in &found.answers {
        let changes: Vec<String> = changes
            .iter()
            .map(|c| {
                let value = |v: &Option<String>| v.clone().unwrap_or_else(|| "missing".to_owned());
                format!("{} {} → {}", c.column, value(&c.from), value(&c.to))
            })
            .collect();
        let _ = writeln!(text, "  {}: {}", changes.join(", "), predicted(prediction));
    }
    text
}

/// The class that is decided for, and how probable it is: with costs, or thresholds of groups,
/// that need not be the most probable one.
fn decided(model: &Model, row: &Table, numbers: &[f64]) -> String {
    let predictions = Predictions::new(numbers.len(), numbers.to_vec());
    let class = model.predictor.decide(row, &predictions).first().copied().unwrap_or(0);
    let label = model.predictor.classes.get(class as usize).map_or("", String::as_str);
    format!("decided {label} ({:.1} %)", 100.0 * share(numbers, class as usize))
}

/// How probable a class of two must be to be decided for.
fn limit(model: &Model, label: &str, threshold: f64) -> String {
    if model.predictor.classes.first().is_some_and(|negative| negative == label) {
        format!("needs more than {:.1} %", 100.0 * (1.0 - threshold))
    } else {
        format!("needs {:.1} %", 100.0 * threshold)
    }
}

/// The prediction of what is wanted.
fn predicted(model: &Model, desired: &Desired, numbers: &[f64]) -> String {
    let Desired::Class(label) = desired else { return number(numbers[0]) };
    let class = model.predictor.classes.iter().position(|c| c == label).unwrap_or(0);
    format!("{:.1} % for {label}", share(numbers, class) * 100.0)
}

/// The probability of a class.
fn share(numbers: &[f64], class: usize) -> f64 {
    match (numbers, class) {
        ([p], 0) => 1.0 - p,
        ([p], _) => *p,
        _ => numbers.get(class).copied().unwrap_or(0.0),
    }
}
