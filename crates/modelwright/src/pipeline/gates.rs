//! What must hold of a model before it comes into use.

use std::path::Path;

use modelwright_core::record::MetricValue;
use modelwright_core::{Context, Error, Result};
use modelwright_evaluate::metric;
use modelwright_lifecycle::store::{Store, parse_reference};

use super::config::{GatePart, PipelineConfig};
use crate::Model;
use crate::assess::{CompareOptions, check_comparable, compare_models};
use crate::labelled::predict_labelled;

/// Asks all gates; says what was found.
///
/// # Errors
/// Work error that names the first gate that does not hold.
pub(super) fn ask(
    config: &PipelineConfig,
    folder: &Path,
    model: &Model,
    store: Option<&Path>,
    ctx: &Context,
) -> Result<String> {
    let record = model.artifact.record()?;
    let metrics = record.evaluation.map_or_else(Vec::new, |e| e.metrics);
    let mut said = Vec::new();
    for gate in &config.gates {
        if let Some(name) = &gate.metric {
            said.push(bound(gate, name, &metrics)?);
        }
        if let Some(limit) = gate.max_bytes {
            said.push(size(&model.path, limit)?);
        }
        if let (Some(other), Some(test)) = (&gate.not_worse_than, &config.data.test) {
            said.push(not_worse(model, other, &folder.join(test), (folder, store), ctx)?);
        }
    }
    Ok(said.join("; "))
}

fn failed(what: String) -> Error {
    Error::work("a gate does not hold")
        .got(what)
        .hint("the model stays in its folder, unregistered")
}

fn bound(gate: &GatePart, name: &str, metrics: &[MetricValue]) -> Result<String> {
    let spec = metric(name)?.spec;
    let found = metrics.iter().find(|m| m.name == spec.name).and_then(|m| m.value);
    let Some(value) = found else {
        return Err(failed(format!("{name} was not measured on untouched rows")));
    };
    let bounds = [(gate.at_least, "at least"), (gate.at_most, "at most")];
    for (bound, word) in bounds {
        let Some(bound) = bound else { continue };
        let holds = if word == "at least" { value >= bound } else { value <= bound };
        if !holds {
            return Err(failed(format!("{name} is {value:.5}, and must be {word} {bound}")));
        }
    }
    Ok(format!("{name} is {value:.5}"))
}

fn size(path: &Path, limit: u64) -> Result<String> {
    let size = std::fs::metadata(path).map(|meta| meta.len()).map_err(|e| {
        Error::work("cannot read the model file").at(path.display().to_string()).because(e)
    })?;
    if size > limit {
        return Err(failed(format!("the model has {size} bytes, and may have {limit}")));
    }
    Ok(format!("the model has {size} bytes"))
}

fn not_worse(
    model: &Model,
    other: &str,
    test: &Path,
    (folder, store): (&Path, Option<&Path>),
    ctx: &Context,
) -> Result<String> {
    let Some(path) = resolve(other, folder, store)? else {
        return Ok(format!("there is no {other} yet"));
    };
    let other_model = Model::load(path)?;
    check_comparable(model, &other_model)?;
    let rows = predict_labelled(model, test, ctx)?;
    let rows_other = predict_labelled(&other_model, test, ctx)?;
    let asked = CompareOptions { rope: None, costs: None };
    let all = compare_models((model, &rows), (&other_model, &rows_other), &asked, ctx)?;
    // A gate stands on the metric of the model, not on one that happens to be defined.
    let main = model.metric(ctx).spec.name;
    if all.iter().all(|weighed| weighed.test.metric != main) {
        return Err(failed(format!("{main} is undefined on the test rows")));
    }
    let test = &all[0].test;
    let larger_is_better = metric(&test.metric)?.spec.larger_is_better;
    let is_worse = if larger_is_better { test.ci95.high < 0.0 } else { test.ci95.low > 0.0 };
    let numbers = format!(
        "{} is {:.5}, that of {other} {:.5} (difference {:.5} to {:.5})",
        test.metric, test.value_a, test.value_b, test.ci95.low, test.ci95.high
    );
    if is_worse { Err(failed(format!("{numbers}: worse beyond chance"))) } else { Ok(numbers) }
}

/// The file that a name means; `None` for a registered name that is not there yet.
fn resolve(name: &str, folder: &Path, store: Option<&Path>) -> Result<Option<std::path::PathBuf>> {
    let path = folder.join(name);
    if path.exists() {
        return Ok(Some(path));
    }
    let Some((of, selector)) = parse_reference(name) else {
        return Err(Error::input("there is no such model").got(name));
    };
    let Some(Ok(store)) = store.map(Store::read) else { return Ok(None) };
    if !store.models()?.iter().any(|m| m.name == of) {
        return Ok(None);
    }
    let is_number = selector.parse::<u64>().is_ok() || selector == "latest";
    let has_alias = store.versions(of)?.iter().any(|v| v.aliases.iter().any(|a| a == selector));
    if is_number || has_alias { store.model_file(of, selector).map(Some) } else { Ok(None) }
}
