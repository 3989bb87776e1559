//! `inspect`: what is inside a model file.

use std::fmt::Write;

use clap::Args;
use modelwright::Model;
use modelwright_core::Result;
use modelwright_core::data::{Storage, instant_text, number_text};
use modelwright_lifecycle::artifact::{Manifest, ManifestField};

use crate::flags::ModelArg;
use crate::output::{self, TextTable, count, number, size};
use crate::session::Session;
use crate::trees::TreeFlags;

const EXAMPLES: &str = "\
Examples:
  modelwright inspect churn
  modelwright inspect churn/model.mw --json | jq .schema
  modelwright inspect churn --trees 2
  modelwright inspect churn --tree-plot tree.svg --tree 10";

/// How many levels of a category are shown.
const LEVELS_SHOWN: usize = 4;

/// Flags of `inspect`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Inspect {
    #[command(flatten)]
    model: ModelArg,
    #[command(flatten)]
    trees: TreeFlags,
}

impl Inspect {
    /// Reads the model, checking every byte, and prints its manifest, or trees if asked for.
    pub(crate) fn run(self, session: &Session) -> Result<()> {
        if self.trees.asked() {
            return self.trees.run(&Model::open(&self.model.model)?, session);
        }
        let path = modelwright_lifecycle::resolve_model(&self.model.model)?;
        let artifact = modelwright_lifecycle::read_artifact(&path)?;
        if session.global.json {
            return output::print_json(&artifact.manifest);
        }
        output::print(&describe(&path.display().to_string(), &artifact.manifest))
    }
}

fn describe(path: &str, manifest: &Manifest) -> String {
    let mut text = String::new();
    let mut line = |name: &str, value: String| {
        let _ = writeln!(text, "{name:<14}{value}");
    };
    line("model", path.to_owned());
    line("predicts", format!("{} ({})", manifest.target, manifest.task.name()));
    if !manifest.classes.is_empty() {
        line("classes", manifest.classes.join(", "));
    }
    if let Some(threshold) = manifest.threshold {
        let positive = manifest.classes.last().map_or("", String::as_str);
        line("threshold", format!("{positive} from a probability of {}", number(threshold)));
    }
    line("created", manifest.created.clone());
    line(
        "versions",
        format!(
            "Modelwright {}, format {}",
            manifest.versions.modelwright, manifest.format_version
        ),
    );
    if !manifest.needs.is_empty() {
        line("needs", format!("Python: {}", manifest.needs.join(", ")));
    }
    line("seed", manifest.seeds.run.to_string());
    for (role, digest) in &manifest.data {
        line(&format!("{role} data"), format!("sha256 {digest}"));
    }
    for (name, part) in &manifest.parts {
        line(name, size(part.size_bytes));
    }
    metrics(&mut text, manifest);
    let _ = writeln!(text, "\ncolumns ({})", manifest.schema.len());
    let mut table = TextTable::new(&["column", "kind", "needed", "in training"]);
    for field in &manifest.schema {
        let needed = if field.optional { "no" } else { "yes" };
        table.row(vec![
            field.name.clone(),
            field.kind.name().to_owned(),
            needed.to_owned(),
            seen(field),
        ]);
    }
    text.push_str(&table.render());
    text
}

fn metrics(text: &mut String, manifest: &Manifest) {
    let Some(on) = &manifest.evaluated_on else {
        let _ = writeln!(text, "\nno rows were held out to measure it on");
        return;
    };
    let n_rows = count(manifest.n_rows_evaluated);
    let _ = writeln!(text, "\nmetrics on the {on} ({n_rows} rows)");
    let mut table = TextTable::new(&["metric", ">value", "95 % interval"]);
    for metric in &manifest.metrics {
        let value = metric.value.map_or("undefined".to_owned(), number);
        let interval = metric.ci95;
        let interval =
            interval.map_or(String::new(), |i| format!("{} to {}", number(i.low), number(i.high)));
        table.row(vec![metric.name.clone(), value, interval]);
    }
    text.push_str(&table.render());
}

/// What values a column had in training.
fn seen(field: &ManifestField) -> String {
    if !field.levels.is_empty() {
        let mut shown: Vec<&str> =
            field.levels.iter().take(LEVELS_SHOWN).map(String::as_str).collect();
        if field.n_distinct > shown.len() {
            shown.push("…");
        }
        return shown.join(", ");
    }
    match (field.min, field.max) {
        (Some(min), Some(max)) if field.storage == Storage::Instant => {
            let instant = |seconds: f64| instant_text((seconds * 1e6) as i64);
            format!("{} to {}", instant(min), instant(max))
        }
        (Some(min), Some(max)) => format!("{} to {}", quantity(min), quantity(max)),
        _ => format!("{} distinct values", count(field.n_distinct)),
    }
}

/// A value of a column: whole numbers without decimals.
fn quantity(value: f64) -> String {
    if value.fract() == 0.0 { number_text(value) } else { number(value) }
}
