//! Learners and their parameters in words and as JSON, from the catalog's declarations.

use std::fmt::Write;

use modelwright::automl::encoding::encodings;
use modelwright::learners::{Entry, LEARNERS, UNLABELLED};
use modelwright_core::params::{Domain, ParamSpec};
use modelwright_core::task::Task;
use serde_json::{Value, json};

use crate::output::{TextTable, wrap};

/// Lines of text are at most this wide, in characters.
const WIDTH: usize = 96;

/// All learners with their titles.
pub(crate) fn list() -> String {
    let mut table = TextTable::new(&["name", "title"]);
    for entry in LEARNERS.iter().chain(UNLABELLED) {
        table.row(vec![entry.spec.name.to_owned(), entry.spec.title.to_owned()]);
    }
    table.body()
}

/// What a learner is, and its parameters with default, range and meaning.
pub(crate) fn parameters(entry: &Entry) -> String {
    let spec = entry.spec;
    let mut text = String::new();
    let _ = writeln!(text, "{}: {}", spec.name, spec.title);
    text.push_str(&wrap(spec.text, 2, WIDTH));
    if spec.tasks.is_empty() {
        text.push_str("\nNeeds no target: modelwright train LEARNER DATA\n");
    } else {
        let _ = writeln!(text, "\ntasks      {}", names(spec.tasks));
        let _ = writeln!(text, "encodings  {}", encodings(entry).join(", "));
    }
    text.push_str("\nParameters, set with --param NAME=VALUE:\n");
    if entry.params.is_empty() {
        text.push_str("  none\n");
    }
    let defaults = entry.default_params();
    for param in entry.params {
        let default = defaults.get(param.name).map_or(String::new(), ToString::to_string);
        let _ = writeln!(text, "\n  {} = {default}", param.name);
        text.push_str(&wrap(param.text, 6, WIDTH));
        text.push_str(&wrap(&format!("({})", param.domain.describe()), 6, WIDTH));
    }
    if let Some(rounds) = spec.rounds_param.filter(|_| spec.abilities.early_stopping) {
        let about = format!(
            "Without {rounds}, early stopping on validation rows finds it; with it, exactly that \
             many are done."
        );
        text.push('\n');
        text.push_str(&wrap(&about, 0, WIDTH));
    }
    text
}

/// The same as [`parameters`], as JSON.
pub(crate) fn parameters_json(entry: &Entry) -> Value {
    let spec = entry.spec;
    let defaults = entry.default_params();
    let param = |p: &ParamSpec| {
        json!({
            "name": p.name,
            "default": defaults.get(p.name),
            "domain": domain(&p.domain),
            "text": p.text,
        })
    };
    json!({
        "learner": spec.name,
        "title": spec.title,
        "text": spec.text,
        "reference": spec.reference,
        "tasks": spec.tasks.iter().map(|t| t.name()).collect::<Vec<_>>(),
        "encodings": encodings(entry),
        "rounds_param": spec.rounds_param,
        "early_stopping": spec.abilities.early_stopping,
        "params": entry.params.iter().map(param).collect::<Vec<_>>(),
    })
}

fn domain(domain: &Domain) -> Value {
    match domain {
        Domain::Flag => json!({ "type": "flag" }),
        Domain::Int { min, max, .. } => json!({ "type": "int", "min": min, "max": max }),
        Domain::Real { min, max, .. } => json!({ "type": "real", "min": min, "max": max }),
        Domain::Choice(names) => json!({ "type": "choice", "choices": names }),
        Domain::Portion(names) => json!({ "type": "portion", "choices": names }),
        Domain::Text(form) => json!({ "type": "text", "form": form }),
    }
}

fn names(tasks: &[Task]) -> String {
    tasks.iter().map(|t| t.name()).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_parameter_of_every_learner_is_told_with_default_range_and_text() {
        for entry in LEARNERS {
            let text = parameters(entry);
            let json = parameters_json(entry);
            assert!(text.lines().all(|l| l.chars().count() <= 100), "{text}");
            assert_eq!(json["params"].as_array().unwrap().len(), entry.params.len());
            for (i, param) in entry.params.iter().enumerate() {
                assert!(text.contains(&format!("  {} = ", param.name)), "{text}");
                assert_eq!(json["params"][i]["name"], param.name);
                assert!(!json["params"][i]["default"].is_null(), "{json}");
            }
        }
        assert!(LEARNERS.iter().all(|e| list().contains(e.spec.title)));
    }
}
