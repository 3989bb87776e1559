//! `explain`: why a model predicts what it predicts, in terms of the raw columns.

mod other_answer;
mod profile;

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use modelwright::automl::explain::{
    self, Background, ColumnInteractions, ColumnProfile, Explanation, Method, Origin, ProfileKind,
    Reasons, RowSelection, Scale, ShapleyOptions,
};
use modelwright::automl::{Purpose, shapes};
use modelwright::editing::shapes_text;
use modelwright::io::TableWriter;
use modelwright::{
    ExplanationDocument, Model, PageRequest, explanation_page, explanation_table, profiles,
    read_within_limits,
};
use modelwright_core::context::Event;
use modelwright_core::data::Table;
use modelwright_core::{Context, Error, Result};
use modelwright_lifecycle::AtomicFile;
use serde::Serialize;
use serde_json::json;

use self::other_answer::OtherAnswer;
use crate::explanation_text::Shown;
use crate::flags::text::TextArgs;
use crate::flags::{ModelArg, values};
use crate::output::{self, TextTable, count};
use crate::session::{Limits, Session};

const EXAMPLES: &str = "\
Examples:
  modelwright explain churn customers.csv
  modelwright explain churn customers.csv --rows 1,5,10-20
  modelwright explain churn customers.csv -o values.csv
  modelwright explain churn customers.csv --rows 5 --report why.html
  modelwright explain churn customers.csv --profile age,income --ice
  modelwright explain churn customers.csv --rows 5 --counterfactual --immutable age,sex
  modelwright explain churn one_customer.csv --background training.csv --json
  modelwright explain churn --shapes churn.json

Each prediction is divided among the raw columns: the parts and the base value add up to it. What a
column adds is measured against background rows, drawn by what the model file knows of its training
data: the same for every DATA, `predict --explain` and `serve`. Rows are counted from 1.";

/// Rows that are explained when nobody says which.
const ROWS_MAX: usize = 10_000;

/// Pairs of columns that are listed.
const PAIRS_SHOWN: usize = 15;

/// Flags of `explain`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Explain {
    #[command(flatten)]
    model: ModelArg,
    /// The rows to explain; `-` is standard input
    #[arg(value_name = "DATA", required_unless_present = "shapes")]
    data: Option<PathBuf>,
    /// Write the functions that an explainable boosting machine adds up: .json (which `edit` takes)
    /// or .csv
    #[arg(long, value_name = "FILE", conflicts_with_all = [
        "data", "report", "output", "profile", "rows", "sample", "method", "scale", "background",
        "background_rows", "top", "ice", "interactions", "counterfactual",
    ])]
    shapes: Option<PathBuf>,
    /// Only these rows, counted from 1, e.g. 1,5,10-20
    #[arg(long, value_name = "ROWS", value_parser = values::row_numbers)]
    rows: Option<RowSelection>,
    /// So many rows drawn at random [default: 10000; all with --output]
    #[arg(long, value_name = "N", conflicts_with = "rows", value_parser = values::count)]
    sample: Option<usize>,
    /// How the parts are found [default: what suits model and rows]
    #[arg(long, value_enum)]
    method: Option<How>,
    /// What is divided (classification) [default: probability]
    #[arg(long, value_enum)]
    scale: Option<What>,
    /// Rows that stand for what is typical [default: drawn by what the model file knows]
    #[arg(long, value_name = "FILE")]
    background: Option<PathBuf>,
    /// Background rows to use [default: 32, fewer where columns are many]
    #[arg(long, value_name = "N", value_parser = values::count)]
    background_rows: Option<usize>,
    /// Reasons to give for a row
    #[arg(long, value_name = "N", default_value = "5", value_parser = values::count)]
    top: usize,
    /// Show how predictions move along these columns instead: local effects (numbers, dates) or
    /// partial dependence (categories)
    #[arg(long, value_name = "COLUMN,…", value_delimiter = ',', value_parser = values::name)]
    profile: Vec<String>,
    /// With --profile or --report: how differently rows respond to the columns, by the curves of
    /// single rows (ICE) from each row's own prediction at the first value
    #[arg(long)]
    ice: bool,
    /// Show which columns act together: SHAP interactions, exact for a single booster (on its
    /// score), drawn on at most 300 rows for other models
    #[arg(long, conflicts_with_all = ["profile", "report", "method", "scale"])]
    interactions: bool,
    /// Write a page with charts: importances, profiles, and a waterfall for each row of --rows
    #[arg(long, value_name = "FILE.html")]
    report: Option<PathBuf>,
    #[command(flatten)]
    text: TextArgs,
    #[command(flatten)]
    other: OtherAnswer,
    /// Write the values of every row: .csv or .parquet
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// The methods, as typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum How {
    /// The one that suits model and rows
    Auto,
    /// The trees' own structure: exact
    Tree,
    /// As LightGBM's pred_contrib: a single booster by the ways of its training rows
    Path,
    /// Drawn orders of the columns, with standard errors; any model
    Permutation,
    /// Every mixture of the columns; up to 16 columns
    Exact,
}

/// The scales, as typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum What {
    /// Probabilities
    Probability,
    /// Log-odds, or logarithms of probabilities
    Margin,
}

impl Explain {
    /// Reads, explains, prints or writes.
    pub(crate) fn run(self, session: &Session) -> Result<()> {
        self.check()?;
        let model = Model::load(&self.model.model)?.with_text(self.text.layout());
        if let Some(path) = &self.shapes {
            return write_shapes(&model, path, session);
        }
        let ctx = session.context(Limits::default())?;
        let data = read(self.data(), &model, &ctx)?;
        let rows = self.rows(&data, &ctx)?;
        let json = session.global.json;
        if self.other.counterfactual {
            return self.other.run(&model, &data, &rows, json, &ctx);
        }
        if !self.profile.is_empty() && self.report.is_none() {
            let profiles = self.profiles(&model, &data, &self.profile, &ctx)?;
            drop(ctx);
            return shown(json, &profiles, || profile::text(&profiles, self.ice));
        }
        if self.interactions {
            let background = || self.background(&model, &data, &ctx);
            let rows = data.select(&rows);
            let found = explain::interactions(&model.predictor, &rows, background, &ctx)?;
            drop(ctx);
            return shown(json, &found, || interactions_text(&found));
        }
        self.reasons(&model, &data, &rows, session, ctx)
    }

    /// Divides the predictions, and prints or writes what was found.
    fn reasons(
        &self,
        model: &Model,
        data: &Table,
        rows: &[u32],
        session: &Session,
        ctx: Context,
    ) -> Result<()> {
        let background = self.background(model, data, &ctx)?;
        let table = data.select(rows);
        ctx.tell(Event::Phase("explain".to_owned()));
        let options = ShapleyOptions {
            method: self.method.and_then(How::method),
            scale: self.scale.map(What::scale),
            n_background: self.background_rows,
        };
        let found = explain::rows(&model.predictor, &table, &background, &options, &ctx)?;
        let reasons = Reasons::new(&found, &table, &background);
        let numbers: Vec<u32> = rows.iter().map(|row| row + 1).collect();
        if let Some(path) = &self.report {
            let page = self.page(model, data, rows, &found, &reasons, &ctx)?;
            modelwright_lifecycle::atomic_write(path, page.as_bytes())?;
            session.note(&format!("the page is {}", path.display()));
        }
        drop(ctx);
        if let Some(path) = &self.output {
            write(path, &explanation_table(&found, &numbers)?)?;
            session.note(&format!("{} rows explained to {}", count(rows.len()), path.display()));
        }
        let origin = background.origin();
        if session.global.json {
            let document = ExplanationDocument::new(&found, &reasons, &numbers, origin, self.top);
            return output::print_json(&document);
        }
        if self.output.is_some() || self.report.is_some() {
            return Ok(());
        }
        let shown = Shown {
            target: &model.predictor.target,
            explanation: &found,
            rows: &numbers,
            reasons: &reasons,
            origin,
            top: self.top,
            are_chosen: self.rows.is_some(),
        };
        output::print(&shown.text())
    }

    /// The file of rows; with --shapes none is asked for.
    fn data(&self) -> &Path {
        self.data.as_deref().unwrap_or(Path::new(""))
    }

    /// Refuses an output that cannot be, before anything is read.
    fn check(&self) -> Result<()> {
        output::spare(self.report.as_deref(), [self.data()], "--report")?;
        output::spare_model(self.report.as_deref(), &self.model.model, "--report")?;
        if self.ice && self.profile.is_empty() && self.report.is_none() {
            return Err(Error::input("`--ice` needs `--profile` or `--report`")
                .at("--ice")
                .expected("--profile COLUMN,… or --report FILE.html beside it"));
        }
        let Some(path) = &self.output else { return Ok(()) };
        form(path)?;
        output::spare(Some(path), [self.data()], "--output")?;
        output::spare_model(Some(path), &self.model.model, "--output")
    }

    fn profiles(
        &self,
        model: &Model,
        data: &Table,
        columns: &[String],
        ctx: &Context,
    ) -> Result<Vec<ColumnProfile>> {
        let kind = self.ice.then_some(ProfileKind::PartialDependence);
        profiles(model, data, columns, (kind, self.scale.map(What::scale)), ctx)
    }

    /// The page: profiles of the columns asked for, or of the first ones; rows if they were chosen.
    fn page(
        &self,
        model: &Model,
        data: &Table,
        rows: &[u32],
        found: &Explanation,
        reasons: &Reasons<'_>,
        ctx: &Context,
    ) -> Result<String> {
        let name = self.data().file_name().unwrap_or_default().to_string_lossy();
        let asked = PageRequest {
            name: &name,
            columns: &self.profile,
            scale: self.scale.map(What::scale),
            with_rows: self.rows.is_some(),
            first_row: 1,
            ice: self.ice,
        };
        explanation_page(model, (data, rows), (found, reasons), &asked, ctx)
    }

    fn background(&self, model: &Model, data: &Table, ctx: &Context) -> Result<Background> {
        let n = self.background_rows;
        let Some(path) = &self.background else { return model.background(Some(data), n, ctx) };
        let n = n.unwrap_or_else(|| explain::background_rows(&model.predictor));
        let table = read(path, model, ctx)?;
        let place = |e: Error| e.at(path.display().to_string());
        explain::background(&model.predictor, &table, Origin::File, n, ctx).map_err(place)
    }

    /// The numbers of the rows to explain.
    fn rows(&self, data: &Table, ctx: &Context) -> Result<Vec<u32>> {
        let n_rows = data.n_rows();
        if let Some(selection) = &self.rows {
            return selection.rows(n_rows);
        }
        if n_rows == 0 {
            return Err(Error::input("there is no row to explain")
                .at(self.data().display().to_string())
                .expected("at least one row below the header"));
        }
        let n_max = self.sample.unwrap_or(match self.output {
            Some(_) => usize::MAX,
            None => ROWS_MAX,
        });
        if n_rows <= n_max {
            return Ok((0..n_rows as u32).collect());
        }
        if self.sample.is_none() {
            let note = format!("{} of {} rows are explained", count(n_max), count(n_rows));
            ctx.tell(Event::Note(format!("{note}: choose with --rows or --sample")));
        }
        Ok(ctx.random("explain/rows", 0).sample(n_rows, n_max))
    }
}

impl How {
    fn method(self) -> Option<Method> {
        match self {
            Self::Auto => None,
            Self::Tree => Some(Method::Tree),
            Self::Path => Some(Method::Path),
            Self::Permutation => Some(Method::Permutation),
            Self::Exact => Some(Method::Exact),
        }
    }
}

impl What {
    fn scale(self) -> Scale {
        match self {
            Self::Probability => Scale::Probability,
            Self::Margin => Scale::Margin,
        }
    }
}

/// Prints one document, or the text.
fn shown(json: bool, found: &impl Serialize, text: impl FnOnce() -> String) -> Result<()> {
    if json { output::print_json(found) } else { output::print(&text()) }
}

/// The pairs of columns that do most together.
fn interactions_text(found: &ColumnInteractions) -> String {
    let on = match (found.scale, found.standard_errors.is_some()) {
        (Scale::Margin, _) => "on the score of the booster",
        (_, false) => "exact",
        (Scale::Probability, _) => "on the probabilities; drawn, without what may be chance",
        (Scale::Value, _) => "drawn, without what may be chance",
    };
    let mut table = TextTable::new(&["columns", ">mean effect together"]);
    for (a, b, size) in found.pairs().into_iter().take(PAIRS_SHOWN) {
        table.row(vec![format!("{a} × {b}"), output::number(size)]);
    }
    format!("{} rows, {on}\n\n{}", count(found.n_rows), table.render())
}

/// Writes the functions of a model that is a sum of them.
fn write_shapes(model: &Model, path: &Path, session: &Session) -> Result<()> {
    let extension = path.extension().and_then(|e| e.to_str()).unwrap_or_default();
    if !["json", "csv"].contains(&extension.to_ascii_lowercase().as_str()) {
        return Err(Error::input("unknown form of output")
            .at("--shapes")
            .expected("a file name that ends in .json or .csv")
            .got(path.display().to_string()));
    }
    output::spare_model(Some(path), &model.path, "--shapes")?;
    let found =
        shapes::shapes(&model.predictor).map_err(|e| e.at(model.path.display().to_string()))?;
    modelwright_lifecycle::atomic_write(path, shapes_text(&found, path)?.as_bytes())?;
    let n = found.terms.len();
    if session.global.json {
        return output::print_json(&json!({ "path": path, "n_terms": n }));
    }
    session.note(&format!("{} functions are in {}", count(n), path.display()));
    Ok(())
}

/// Reads rows as the model reads them.
fn read(path: &Path, model: &Model, ctx: &Context) -> Result<Table> {
    ctx.tell(Event::Phase("read".to_owned()));
    let file = read_within_limits(path, model.read_options()?, Purpose::Look, "read", ctx)?;
    crate::tell_sample(&file.source, ctx);
    model.check_columns(&file.table, ctx).map_err(|e| e.at(path.display().to_string()))?;
    Ok(file.table)
}

/// Whether a file is to be Parquet; CSV if not.
fn form(path: &Path) -> Result<bool> {
    let extension = path.extension().and_then(|e| e.to_str()).unwrap_or_default();
    match extension.to_ascii_lowercase().as_str() {
        "csv" => Ok(false),
        "parquet" | "pq" => Ok(true),
        _ => Err(Error::input("unknown form of output")
            .at("--output")
            .expected("a file name that ends in .csv or .parquet")
            .got(path.display().to_string())),
    }
}

fn write(path: &Path, table: &Table) -> Result<()> {
    let file = AtomicFile::create(path)?;
    let mut writer = if form(path)? { TableWriter::parquet(file) } else { TableWriter::csv(file) };
    writer.write(table)?;
    writer.finish()?.commit()
}
