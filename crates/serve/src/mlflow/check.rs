//! Names, keys and values within MLflow's limits.

use modelwright_lifecycle::store::tracking::{Batch, NewPoint, Pair};

use super::fault::Fault;
use super::fields::Fields;

/// Values of metrics in one request.
const POINTS_MAX: usize = 1000;
/// Parameters, or tags, in one request.
const PAIRS_MAX: usize = 100;
/// Everything in one request.
const ENTITIES_MAX: usize = 1000;
/// Characters of a key.
const KEY_MAX: usize = 250;
/// Characters of a parameter's value.
const PARAM_MAX: usize = 6000;
/// Characters of a run's tag; longer ones are cut, as in MLflow's own server.
const TAG_MAX: usize = 8000;
/// Characters of an experiment's tag.
const EXPERIMENT_TAG_MAX: usize = 20_000;
/// Characters of a tag in the registry.
const MODEL_TAG_MAX: usize = 100_000;
/// Characters of an experiment's name.
const EXPERIMENT_NAME_MAX: usize = 500;
/// Characters of an alias.
const ALIAS_MAX: usize = 255;
/// Bytes of a batch.
pub(super) const BATCH_BYTES_MAX: usize = 1_000_000;

/// Refuses keys that MLflow refuses: other signs than letters, digits and `_-. :/`, and those
/// that would be another path as a file's name.
pub(super) fn key(name: &str, path: &str) -> Result<(), Fault> {
    let fits = |c: char| c.is_alphanumeric() || "_-. :/".contains(c);
    if name.is_empty() {
        return Err(Fault::invalid(format!(
            "Missing value for required parameter '{path}'. A key name must be provided."
        )));
    }
    if !name.chars().all(fits) {
        return Err(invalid(
            path,
            name,
            "Names may only contain alphanumerics, underscores (_), dashes (-), periods (.), \
             spaces ( ), colon(:) and slashes (/).",
        ));
    }
    plain_path(name, path)?;
    length(name, KEY_MAX, path)
}

/// Refuses what would be another path as a file's name.
fn plain_path(name: &str, path: &str) -> Result<(), Fault> {
    let is_plain = name.split('/').all(|part| !matches!(part, "" | "." | ".."));
    if is_plain {
        return Ok(());
    }
    Err(invalid(
        path,
        name,
        "Names may be treated as files in certain cases, and must not resolve to other names when \
         treated as such.",
    ))
}

fn invalid(path: &str, got: &str, why: &str) -> Fault {
    let got: String = got.chars().take(100).collect();
    Fault::invalid(format!("Invalid value \"{got}\" for parameter '{path}' supplied: {why}"))
}

fn length(text: &str, n_max: usize, path: &str) -> Result<(), Fault> {
    // Bytes are no fewer than characters, and counted at once.
    if text.len() <= n_max || text.chars().count() <= n_max {
        return Ok(());
    }
    Err(Fault::invalid(format!("'{path}' exceeds the maximum length of {n_max} characters")))
}

/// The text, cut after `n_max` characters.
fn cut(text: &str, n_max: usize) -> String {
    if text.len() <= n_max { text.to_owned() } else { text.chars().take(n_max).collect() }
}

/// The name of an experiment.
pub(super) fn experiment_name(name: &str) -> Result<(), Fault> {
    if name.is_empty() {
        return Err(Fault::invalid("Invalid experiment name: ''"));
    }
    length(name, EXPERIMENT_NAME_MAX, "name")
}

/// The name of a registered model.
pub(super) fn model_name(name: &str) -> Result<(), Fault> {
    if name.trim().is_empty() {
        return Err(super::fields::missing("name"));
    }
    if name.contains(['/', ':', '@']) {
        return Err(Fault::invalid(format!(
            "Invalid model name '{name}'. Names cannot contain '/', ':' or '@'."
        )));
    }
    plain_path(name, "name")?;
    length(name, KEY_MAX, "name")
}

/// An alias. Numbers would be versions.
pub(super) fn alias(alias: &str) -> Result<(), Fault> {
    let fits = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
    if alias.is_empty() {
        return Err(Fault::invalid("Registered model alias name cannot be empty."));
    }
    if !alias.chars().all(fits) {
        return Err(Fault::invalid(format!(
            "Invalid alias name: '{alias}'. Names may only contain alphanumerics, underscores (_) \
             and dashes (-)."
        )));
    }
    let number = alias.strip_prefix(['v', 'V']).unwrap_or(alias);
    if !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()) {
        return Err(Fault::invalid(format!(
            "Version aliases of the form 'v<int>' or '<int>' are reserved: '{alias}'."
        )));
    }
    if alias.eq_ignore_ascii_case("latest") {
        return Err(Fault::invalid("'latest' alias name (case insensitive) is reserved."));
    }
    length(alias, ALIAS_MAX, "Registered model alias name")
}

/// A tag of an experiment.
pub(super) fn experiment_tag(fields: &Fields) -> Result<Pair, Fault> {
    pair(fields, EXPERIMENT_TAG_MAX)
}

/// A tag of a registered model or a version.
pub(super) fn model_tag(fields: &Fields) -> Result<Pair, Fault> {
    pair(fields, MODEL_TAG_MAX)
}

/// Key and value within a limit.
fn pair(fields: &Fields, value_max: usize) -> Result<Pair, Fault> {
    let name = fields.needed("key")?;
    key(name, "key")?;
    let value = fields.text("value")?.unwrap_or_default();
    length(value, value_max, "value")?;
    Ok((name.to_owned(), value.to_owned()))
}

/// A tag of a run.
pub(super) fn run_tag(fields: &Fields) -> Result<Pair, Fault> {
    let name = fields.needed("key")?;
    key(name, "key")?;
    Ok((name.to_owned(), cut(fields.text("value")?.unwrap_or_default(), TAG_MAX)))
}

/// A parameter.
pub(super) fn param(fields: &Fields) -> Result<Pair, Fault> {
    let name = fields.needed("key")?;
    key(name, "key")?;
    Ok((name.to_owned(), cut(fields.text("value")?.unwrap_or_default(), PARAM_MAX)))
}

/// A value of a metric.
pub(super) fn point(fields: &Fields) -> Result<NewPoint, Fault> {
    let name = fields.needed("key")?;
    key(name, "name")?;
    let at_ms = fields.whole("timestamp")?.ok_or_else(|| super::fields::missing("timestamp"))?;
    if at_ms < 0 {
        return Err(invalid(
            "timestamp",
            &at_ms.to_string(),
            "Timestamp must be a nonnegative long (64-bit integer)",
        ));
    }
    let owned = |text: Option<&str>| text.filter(|t| !t.is_empty()).map(str::to_owned);
    let dataset = owned(fields.text("dataset_name")?);
    let digest = owned(fields.text("dataset_digest")?).unwrap_or_default();
    Ok(NewPoint {
        name: name.to_owned(),
        value: fields.number("value")?,
        at_ms,
        step: fields.whole("step")?.unwrap_or(0),
        model: owned(fields.text("model_id")?),
        dataset: dataset.map(|name| (name, digest)),
    })
}

/// Several values at once.
pub(super) fn batch(fields: &Fields) -> Result<Batch, Fault> {
    let few = |what: &str, n: usize, n_max: usize| {
        if n <= n_max {
            return Ok(());
        }
        Err(Fault::invalid(format!(
            "A batch logging request can contain at most {n_max} {what}. Got {n} {what}. Please \
             split up {what} across multiple requests and try again."
        )))
    };
    let n = |name: &str| fields.list(name).len();
    few("metrics", n("metrics"), POINTS_MAX)?;
    few("params", n("params"), PAIRS_MAX)?;
    few("tags", n("tags"), PAIRS_MAX)?;
    few("metrics, params, and tags", n("metrics") + n("params") + n("tags"), ENTITIES_MAX)?;
    Ok(Batch {
        points: fields.items("metrics")?.iter().map(point).collect::<Result<_, _>>()?,
        params: fields.items("params")?.iter().map(param).collect::<Result<_, _>>()?,
        tags: fields.items("tags")?.iter().map(run_tag).collect::<Result<_, _>>()?,
    })
}
