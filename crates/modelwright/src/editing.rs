//! Changing by hand what an explainable model adds, and measuring what that did.

use std::fmt::Write as _;
use std::path::Path;

use modelwright_automl::reference::{PredictionReference, Reference};
use modelwright_automl::{FitOutcome, Predictor, Purpose, shapes};
use modelwright_core::context::Event;
use modelwright_core::data::Table;
use modelwright_core::record::{EditRecord, MetricValue, RunRecord, ShapeBin, Shapes};
use modelwright_core::{Context, Error, Result};
use modelwright_evaluate::metric_or_default;
use modelwright_io::{ReadOptions, TableFile};

use crate::Model;
use crate::assess::{Assessment, assess};
use crate::labelled::{Labelled, label_table};
use crate::reading::read_within_limits;

/// More than any column adds to any target, and far from what overflows when it is summed over
/// rows.
const ADDED_MAX: f64 = 1e30;

/// Who changes a model, and why.
#[derive(Debug, Clone)]
pub struct EditRequest {
    /// The name of a person.
    pub author: String,
    /// The reason, in the author's words.
    pub reason: Option<String>,
    /// ISO 8601 in UTC.
    pub created: String,
    /// SHA-256 of the file that the model was read from.
    pub parent_sha256: String,
}

/// The model with the functions of `edited` in place of its own: a model of its own, whose record
/// says who changed what, and whose scores are those on the rows of `data`.
///
/// What was measured of the model before is left out: weak slices, fairness and what it was made
/// to be, calibration, costs, importances, strains. Where `data` is the file that the model learned
/// from, the scores stand in the account of the edit alone: they are no evaluation, and what the
/// model says there is no reference for a monitor.
///
/// # Errors
/// Input error when the author has no name, the file cannot be measured on, or as
/// [`shapes::edit`].
pub fn edit(
    model: Model,
    edited: &Shapes,
    data: &Path,
    request: EditRequest,
    ctx: &Context,
) -> Result<FitOutcome> {
    let name = data.file_name().unwrap_or(data.as_os_str()).to_string_lossy().into_owned();
    let read = |options| read_within_limits(data, options, Purpose::Look, "read", ctx);
    edit_on(model, edited, (read, name), request, ctx)
}

/// As [`edit()`], on rows that `read` reads as it is asked; records call them `name`.
///
/// # Errors
/// As [`edit()`].
pub fn edit_on(
    model: Model,
    edited: &Shapes,
    rows: (impl FnOnce(ReadOptions) -> Result<TableFile>, String),
    request: EditRequest,
    ctx: &Context,
) -> Result<FitOutcome> {
    must_be_bounded(edited)?;
    let mut outcome = changed(model, edited, rows, request, ctx)?;
    // What is written must be a model that can be loaded.
    Predictor::decode(&outcome.predictor.encode()?)
        .map_err(|e| Error::input("the edited functions are no sound model").because(e))?;
    let record = &mut outcome.record;
    if record.edits.last().is_some_and(|edit| edit.learned_from) {
        (record.evaluation, record.costs, outcome.predictions) = (None, None, None);
        for level in record.intervals.iter_mut().flat_map(|intervals| &mut intervals.levels) {
            (level.reached, level.groups) = (None, Vec::new());
        }
        let text = "the rows of the edit are those that the model learned from: its scores there \
                    are too good, and nothing says how good it is on others; edit with other rows";
        record.warnings.push(text.to_owned());
        ctx.tell(Event::Warning(text.to_owned()));
    }
    Ok(outcome)
}

/// Refuses numbers so large that sums of them overflow, or are no prediction of anything.
fn must_be_bounded(edited: &Shapes) -> Result<()> {
    let is_over = |values: &[f64]| values.iter().any(|v| v.abs() > ADDED_MAX);
    let term = edited.terms.iter().find(|term| term.cells().iter().any(|cell| is_over(cell)));
    let place = match term {
        Some(term) => term.features.join(" × "),
        None if is_over(&edited.intercepts) => "the intercepts".to_owned(),
        None => return Ok(()),
    };
    Err(Error::input("what is added is too large")
        .at(place)
        .expected(format!("numbers from {:e} to {ADDED_MAX:e}", -ADDED_MAX))
        .hint("a few units decide a chance: 10 of log-odds are 22,026 to 1"))
}

/// The model with the functions of `edited`, whatever rows it is measured on.
fn changed(
    mut model: Model,
    edited: &Shapes,
    (read, name): (impl FnOnce(ReadOptions) -> Result<TableFile>, String),
    request: EditRequest,
    ctx: &Context,
) -> Result<FitOutcome> {
    if request.author.trim().is_empty() {
        return Err(Error::input("an edit needs an author").at("--by").expected("a name"));
    }
    let mut record = model.artifact.record()?;
    let Reference { columns: reference, usual, .. } = model.reference()?;
    ctx.tell(Event::Phase("read".to_owned()));
    let file = read(read_options(&model, &record)?)?;
    let (table, sha256) = (file.table, file.source.sha256);
    let (before, _) = measured(&model, &table, &name, ctx)?;
    ctx.tell(Event::Phase("edit".to_owned()));
    let terms = shapes::edit(&mut model.predictor, edited, &table, ctx)?;
    let (after, rows) = measured(&model, &table, &name, ctx)?;
    record.edits.push(EditRecord {
        author: request.author,
        reason: request.reason,
        created: request.created,
        parent_sha256: request.parent_sha256,
        terms,
        on: name,
        n_rows: after.evaluation.n_rows,
        before: before.evaluation.metrics,
        after: after.evaluation.metrics.clone(),
        learned_from: sha256 == record.data.sha256,
    });
    forget(&mut record);
    if let (Some(intervals), Some(reached)) = (&mut record.intervals, after.reached) {
        intervals.levels = reached;
    }
    record.evaluation = Some(after.evaluation);
    record.shapes = shapes::recorded(&model.predictor);
    let predictor = model.predictor;
    let said = PredictionReference::of(&predictor, &rows.predictions, &rows.truth, ctx)?;
    let predictions = Some(said);
    Ok(FitOutcome { predictor, record, reference, predictions, usual, tested: None })
}

/// The functions as a file: JSON, or CSV with a row for each number when its name ends so.
///
/// # Errors
/// Work error when a number cannot be expressed.
pub fn shapes_text(found: &Shapes, path: &Path) -> Result<String> {
    if path.extension().is_some_and(|e| e.eq_ignore_ascii_case("csv")) {
        return Ok(csv(found));
    }
    serde_json::to_string_pretty(found)
        .map_err(|e| Error::work("cannot write the functions as JSON").because(e))
}

/// Reads functions that were written as JSON.
///
/// # Errors
/// Input error with the place when the text is none.
pub fn shapes_of_text(text: &str, shown: &str) -> Result<Shapes> {
    serde_json::from_str(text).map_err(|e| {
        Error::input("the functions cannot be read")
            .at(shown)
            .expected("JSON as `explain MODEL --shapes FILE.json` writes it")
            .because(e)
    })
}

/// How labelled rows are read with all columns that measuring needs.
fn read_options(model: &Model, record: &RunRecord) -> Result<ReadOptions> {
    let (mut options, _) = model.read_options_with_target()?;
    if let (Some(schema), Some(group)) = (&mut options.schema, &record.options.group) {
        Model::add_column(schema, &record.schema, group);
    }
    Ok(options)
}

fn measured(
    model: &Model,
    table: &Table,
    name: &str,
    ctx: &Context,
) -> Result<(Assessment, Labelled)> {
    let rows = label_table(model, table.clone(), name, &[], ctx)?;
    Ok((assess(model, &rows, ctx)?, rows))
}

/// Leaves out what was found about the model as it was, and says what was promised of it.
pub(crate) fn forget(record: &mut RunRecord) {
    record.forget_findings();
    if record.mitigation.take().is_some() {
        record.warnings.push(
            "decisions were made fair before the edit; whether they still are was not measured: \
             run `modelwright audit`"
                .to_owned(),
        );
    }
}

/// The values of a metric before and after an edit, the optimised one first.
pub fn before_and_after<'a>(
    record: &RunRecord,
    edit: &'a EditRecord,
) -> Vec<(&'a MetricValue, &'a MetricValue)> {
    let main = metric_or_default(&record.task.metric, record.task.task).spec.name;
    let pair = |after: &'a MetricValue| {
        edit.before.iter().find(|m| m.name == after.name).map(|before| (before, after))
    };
    let mut pairs: Vec<_> = edit.after.iter().filter_map(pair).collect();
    pairs.sort_by_key(|(before, _)| before.name != main);
    pairs
}

/// A row for each number: features, bins, output, what is added.
fn csv(found: &Shapes) -> String {
    let mut text = "term,importance,bin,bin_of_second,output,add\n".to_owned();
    let mut line = |fields: [&str; 4], output: &str, add: f64| {
        let fields = fields.iter().chain([&output]).map(|f| quoted(f));
        let fields: Vec<String> = fields.collect();
        let _ = writeln!(text, "{},{add}", fields.join(","));
    };
    for (output, intercept) in found.outputs.iter().zip(&found.intercepts) {
        line(["(intercept)", "", "", ""], output, *intercept);
    }
    for term in &found.terms {
        let (name, importance) = (term.features.join(" × "), term.importance.to_string());
        let (first, second) = match term.sides.as_slice() {
            [first, second] => (words(first), words(second)),
            _ => (words(&term.bins), vec![String::new()]),
        };
        let places = first.iter().flat_map(|a| second.iter().map(move |b| (a, b)));
        for ((a, b), cell) in places.zip(term.cells()) {
            for (output, add) in found.outputs.iter().zip(cell) {
                line([&name, &importance, a, b], output, *add);
            }
        }
    }
    text
}

fn words(bins: &[ShapeBin]) -> Vec<String> {
    bins.iter().map(bin_words).collect()
}

/// A bin in words, such as `25 < … ≤ 30`.
pub fn bin_words(bin: &ShapeBin) -> String {
    let mut text = match (bin.above, bin.up_to) {
        (Some(a), Some(b)) => format!("{a} < … ≤ {b}"),
        (Some(a), None) => format!("> {a}"),
        (None, Some(b)) => format!("≤ {b}"),
        (None, None) if bin.levels.is_empty() && bin.missing => return "missing".to_owned(),
        (None, None) if bin.levels.is_empty() => "any".to_owned(),
        (None, None) => bin.levels.join(" | "),
    };
    if bin.missing {
        text.push_str(" or missing");
    }
    text
}

fn quoted(field: &str) -> String {
    if field.contains([',', '"', '\n', '\r']) {
        return format!("\"{}\"", field.replace('"', "\"\""));
    }
    field.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_whose_sums_overflow_are_refused_with_their_place() {
        let of = |intercept: f64, add: f64| -> Shapes {
            serde_json::from_value(serde_json::json!({
                "format": Shapes::FORMAT, "target": "y", "scale": "log_odds", "outputs": ["yes"],
                "intercepts": [intercept],
                "terms": [{ "columns": ["age"], "features": ["age"], "importance": 1.0,
                            "bins": [{ "missing": true, "add": [add] }] }],
            }))
            .unwrap()
        };
        assert!(must_be_bounded(&of(-1e9, 1e9)).is_ok());
        let refused = |shapes: &Shapes| must_be_bounded(shapes).unwrap_err().to_string();
        assert!(refused(&of(0.0, -1e308)).contains("age"));
        assert!(refused(&of(1e308, 0.0)).contains("the intercepts"));
    }
}
