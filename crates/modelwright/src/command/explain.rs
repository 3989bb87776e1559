//! `explain`: why a model predicts what it predicts, in terms of the raw columns.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use modelwright::automl::Purpose;
use modelwright::automl::explain::{
    self, Background, Method, Origin, Reasons, RowSelection, Scale, ShapleyOptions,
};
use modelwright::io::TableWriter;
use modelwright::{ExplanationDocument, Model, explanation_table, read_within_limits};
use modelwright_core::context::Event;
use modelwright_core::data::Table;
use modelwright_core::{Context, Error, Result};
use modelwright_lifecycle::AtomicFile;

use crate::command::predict::same_file;
use crate::explanation_text::Shown;
use crate::flags::{ModelArg, values};
use crate::output::{self, count};
use crate::session::{Limits, Session};

const EXAMPLES: &str = "\
Examples:
  modelwright explain churn customers.csv
  modelwright explain churn customers.csv --rows 0,5,10-20
  modelwright explain churn customers.csv -o values.csv
  modelwright explain churn one_customer.csv --background training.csv --json

Each prediction is divided among the raw columns: the parts and the base value add up to it. What a
column adds is measured against background rows. They are those of DATA; where DATA has fewer than
30 rows, columns are drawn by what the model file knows of each. Rows are counted from 0.";

/// Rows that are explained when nobody says which.
const ROWS_MAX: usize = 10_000;

/// Flags of `explain`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Explain {
    #[command(flatten)]
    model: ModelArg,
    /// The rows to explain; `-` is standard input
    #[arg(value_name = "DATA")]
    data: PathBuf,
    /// Only these rows, counted from 0, e.g. 0,5,10-20
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
    /// Rows that stand for what is typical [default: those of DATA]
    #[arg(long, value_name = "FILE")]
    background: Option<PathBuf>,
    /// Background rows to use [default: by the work they make, at most 64]
    #[arg(long, value_name = "N", value_parser = values::count)]
    background_rows: Option<usize>,
    /// Reasons to give for a row
    #[arg(long, value_name = "N", default_value = "5", value_parser = values::count)]
    top: usize,
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
        if let Some(path) = &self.output {
            form(path)?;
            if same_file(path, &self.data) {
                return Err(Error::input("the output would overwrite the data")
                    .at(path.display().to_string())
                    .expected("another file than DATA")
                    .hint("choose another name with -o"));
            }
        }
        let model = Model::load(&self.model.model)?;
        let ctx = session.context(Limits::default())?;
        let data = read(&self.data, &model, &ctx)?;
        let background = self.background(&model, &data, &ctx)?;
        let rows = self.rows(&data, &ctx)?;
        let table = data.select(&rows);
        ctx.tell(Event::Phase("explain".to_owned()));
        let options = ShapleyOptions {
            method: self.method.and_then(How::method),
            scale: self.scale.map(What::scale),
            n_background: self.background_rows,
        };
        let found = explain::rows(&model.predictor, &table, &background, &options, &ctx)?;
        drop(ctx);
        let reasons = Reasons::new(&found, &table, &background);
        if let Some(path) = &self.output {
            write(path, &explanation_table(&found, &rows)?)?;
            session.note(&format!("{} rows explained to {}", count(rows.len()), path.display()));
        }
        let origin = background.origin();
        if session.global.json {
            let document = ExplanationDocument::new(&found, &reasons, &rows, origin, self.top);
            return output::print_json(&document);
        }
        if self.output.is_some() {
            return Ok(());
        }
        let shown = Shown {
            target: &model.predictor.target,
            explanation: &found,
            rows: &rows,
            reasons: &reasons,
            origin,
            top: self.top,
            are_chosen: self.rows.is_some(),
        };
        output::print(&shown.text())
    }

    fn background(&self, model: &Model, data: &Table, ctx: &Context) -> Result<Background> {
        let n = self.background_rows.unwrap_or(0).max(Background::N_ROWS);
        let Some(path) = &self.background else { return model.background(Some(data), n, ctx) };
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
                .at(self.data.display().to_string())
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

/// Reads rows as the model reads them.
fn read(path: &Path, model: &Model, ctx: &Context) -> Result<Table> {
    ctx.tell(Event::Phase("read".to_owned()));
    let file = read_within_limits(path, model.read_options(), Purpose::Look, "read", ctx)?;
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
