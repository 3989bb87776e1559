//! Rows of a file to audit a model on: read with the columns of the model, the target and the
//! sensitive columns, which the model need not know.

use std::path::Path;

use modelwright_automl::audit::{AuditInput, audit, one_class};
use modelwright_automl::robustness::{StrainInput, strained};
use modelwright_automl::target::rows_with_target;
use modelwright_automl::{Purpose, Units, is_judged_in_time, row_groups, row_times};
use modelwright_core::context::Event;
use modelwright_core::data::{Column, ColumnData, Table};
use modelwright_core::record::{AuditRecord, DataSource, Options};
use modelwright_core::task::{Predictions, Target};
use modelwright_core::{Context, Error, Result};
use modelwright_inspect::audit_html;
use modelwright_io::{ReadOptions, TableFile};

use crate::audit_document::audit_document;
use crate::learned_rows::{LearnedRows, of_digest};
use crate::model::Model;
use crate::reading::read_within_limits;

/// Rows whose answers are known, with everything an audit looks at.
pub struct AuditRows {
    /// The file's name without its folder.
    pub name: String,
    /// SHA-256 of the file; empty where there is none.
    pub sha256: String,
    /// The rows.
    pub table: Table,
    /// Their places in the file, from 0; `None` when a sample of it was read.
    pub places: Option<Vec<u32>>,
    /// Row weights, when the model was trained with them and the file has them.
    pub weights: Option<Vec<f64>>,
    /// The unit of each row, when the model was fitted with `--group` and the file has its column.
    pub units: Option<Vec<u32>>,
    /// When each row was, when the model is judged in the order of time and the file says it.
    pub times: Option<Vec<f64>>,
    /// What says that the model learned from these rows, in words; `None` when they seem new.
    pub learned_from: Option<String>,
}

impl AuditRows {
    /// Reads the rows of a file whose target is known.
    ///
    /// # Errors
    /// Input error when the file cannot be read, or lacks a column of the model, the target, or
    /// a sensitive column; or when no row has a known target.
    pub fn read(model: &Model, path: &Path, sensitive: &[String], ctx: &Context) -> Result<Self> {
        let rows = Self::read_with_any(model, path, sensitive, ctx)?;
        check_sensitive(&rows.table, &path.display().to_string(), sensitive)?;
        Ok(rows)
    }

    /// As [`Self::read`], with those of the sensitive columns that the file has.
    ///
    /// # Errors
    /// As [`Self::read`], but for a sensitive column that the file lacks.
    pub fn read_with_any(
        model: &Model,
        path: &Path,
        sensitive: &[String],
        ctx: &Context,
    ) -> Result<Self> {
        let read = |options| read_within_limits(path, options, Purpose::Learn, "read", ctx);
        Self::read_by(model, read, &path.display().to_string(), sensitive, ctx)
    }

    /// As [`Self::read_with_any`], from wherever `read` takes the columns that are wanted; errors
    /// call the rows `shown`.
    ///
    /// # Errors
    /// As [`Self::read_with_any`].
    pub fn read_by(
        model: &Model,
        read: impl FnOnce(ReadOptions) -> Result<TableFile>,
        shown: &str,
        sensitive: &[String],
        ctx: &Context,
    ) -> Result<Self> {
        let (options, weight) = model.read_options_of(sensitive)?;
        Self::of_table(model, read(options)?, shown.to_owned(), weight.as_deref(), ctx)
    }

    fn of_table(
        model: &Model,
        file: TableFile,
        shown: String,
        weight: Option<&str>,
        ctx: &Context,
    ) -> Result<Self> {
        let table = file.table;
        model.check_columns(&table, ctx).map_err(|e| e.at(shown.clone()))?;
        let known = rows_with_target(table.require(&model.predictor.target).map_err(|e| {
            let lacks = e.expected("the target column with the known answers");
            model.measures_nothing().unwrap_or(lacks).at(shown.clone())
        })?);
        if known.is_empty() {
            return Err(Error::input("no row has a known answer")
                .at(shown)
                .column(&model.predictor.target)
                .expected("at least one value of the target")
                .hint("an audit compares predictions with what came out: give rows with answers"));
        }
        let n_unknown = table.n_rows() - known.len();
        let table = if n_unknown == 0 { table } else { table.into_selected(&known) };
        if n_unknown > 0 {
            ctx.tell(Event::Warning(format!("left out {n_unknown} rows without a known answer")));
        }
        let weights = weight.and_then(|w| table.column(w)).map(weights_of);
        let record = model.artifact.record()?;
        let mut learned_rows = LearnedRows::of(model)?;
        learned_rows.look(&table);
        let is_file = of_digest(&record, &file.source.sha256);
        let learned_from = is_file.or_else(|| learned_rows.verdict());
        let times = is_judged_in_time(&record).then(|| row_times(&table, &record.options));
        let options = record.options;
        let units = row_groups(&table, &options);
        if let Some(name) = options.group.filter(|_| units.is_none()) {
            ctx.tell(Event::Warning(format!(
                "{shown} lacks the column `{name}`: its rows count as independent ones"
            )));
        }
        let (weights, times) = (weights.transpose()?, times.flatten());
        let DataSource { name, sha256, sample, .. } = file.source;
        let places = sample.is_none().then_some(known);
        Ok(Self { name, sha256, table, places, weights, units, times, learned_from })
    }

    /// What belongs together among the rows, given what is true and what the model says of them.
    pub fn units_of(&self, truth: &Target, predictions: &Predictions) -> Option<Units> {
        Units::of(self.units.as_deref(), self.times.as_deref(), truth, predictions)
    }
}

/// Refuses rows without a column that says who they are about.
fn check_sensitive(table: &Table, shown: &str, sensitive: &[String]) -> Result<()> {
    match sensitive.iter().find(|name| table.column(name).is_none()) {
        None => Ok(()),
        Some(name) => Err(Error::input("a sensitive column is not in the data")
            .at(shown)
            .column(name)
            .expected("a column of DATA in --sensitive")
            .suggest(name, table.names())),
    }
}

/// An audit of a model on rows, which `read` gives by the columns that are wanted; none are named
/// by `sensitive` where those that the model was fitted with are meant.
///
/// # Errors
/// As [`AuditRows::read`], and input error when no sensitive column is named.
pub fn audit_rows(
    model: &Model,
    read: impl FnOnce(ReadOptions) -> Result<TableFile>,
    (sensitive, min_group): (&[String], usize),
    ctx: &Context,
) -> Result<Audited> {
    let sensitive = model.sensitive_or(sensitive)?;
    let (options, weight) = model.read_options_of(&sensitive)?;
    let file = read(options)?;
    let shown = file.source.name.clone();
    check_sensitive(&file.table, &shown, &sensitive)?;
    let rows = AuditRows::of_table(model, file, shown, weight.as_deref(), ctx)?;
    rows.audited(model, (&model.predictor.target, &sensitive, min_group), ctx)
}

impl AuditRows {
    /// Measures the groups and strains the inputs of a model that is called `name`.
    ///
    /// # Errors
    /// As the predictor.
    pub fn audited(
        self,
        model: &Model,
        (name, sensitive, min_group): (&str, &[String], usize),
        ctx: &Context,
    ) -> Result<Audited> {
        if let Some(why) = &self.learned_from {
            ctx.tell(Event::Warning(why.clone()));
        }
        ctx.tell(Event::Phase("predict".to_owned()));
        let predictor = &model.predictor;
        let predictions = predictor.predict(&self.table, ctx)?;
        let truth = predictor.encode_target(&self.table)?;
        if let Some(open) = one_class(&truth, &predictor.classes) {
            ctx.tell(Event::Warning(open));
        }
        ctx.tell(Event::Phase("audit".to_owned()));
        let units = self.units_of(&truth, &predictions);
        let units = Units::told(units.as_ref()).0;
        let weights = self.weights.as_deref();
        let input = AuditInput {
            on: &self.name,
            table: &self.table,
            truth: &truth,
            predictions: &predictions,
            weights,
            units,
            sensitive,
            min_group,
        };
        let fairness = audit(predictor, &input, ctx)?;
        ctx.tell(Event::Phase("robustness".to_owned()));
        let input = StrainInput {
            on: &self.name,
            table: &self.table,
            truth: &truth,
            predictions: &predictions,
            weights,
            units,
            metric: model.metric(ctx),
        };
        let robustness = strained(predictor, &input, ctx)?;
        let (model, target) = (name.to_owned(), predictor.target.clone());
        let found = AuditRecord { model, target, fairness, robustness };
        Ok(Audited { found, sha256: self.sha256 })
    }
}

/// An audit, and the rows that it was made on.
pub struct Audited {
    /// What was found.
    pub found: AuditRecord,
    /// SHA-256 of the rows' file; empty where there is none.
    pub sha256: String,
}

impl Audited {
    /// The document of `modelwright audit --json`.
    pub fn document(&self) -> String {
        audit_document(&self.found.fairness, &self.found.robustness).to_string()
    }

    /// One self-contained page.
    pub fn html(&self) -> String {
        audit_html(&self.found.fairness, &self.found.robustness, &self.found.model)
    }
}

impl Model {
    /// The columns that are named, or where none is, those that the model was fitted with.
    ///
    /// # Errors
    /// Input error when there are none of either, or the model's record is of a newer version.
    pub fn sensitive_or(&self, named: &[String]) -> Result<Vec<String>> {
        let all = if named.is_empty() { self.sensitive()? } else { named.to_vec() };
        if all.is_empty() {
            return Err(Error::input("no sensitive column is named")
                .at("--sensitive")
                .expected("--sensitive COLUMN,…, because the model was fitted without")
                .hint("name the columns that say who a row is about, such as sex or age"));
        }
        Ok(all)
    }

    /// The sensitive columns that the model was fitted with.
    ///
    /// # Errors
    /// Input error when the model's record is of a newer version.
    pub fn sensitive(&self) -> Result<Vec<String>> {
        let record = self.artifact.record()?;
        let Options { sensitive, .. } = record.options;
        Ok(sensitive)
    }

    /// As [`Self::read_options_with_target`], with further columns.
    pub(crate) fn read_options_of(
        &self,
        columns: &[String],
    ) -> Result<(ReadOptions, Option<String>)> {
        let (mut options, weight) = self.read_options_with_target()?;
        let record = self.artifact.record()?;
        if let Some(schema) = &mut options.schema {
            let time = record.options.time_column.as_ref().filter(|_| is_judged_in_time(&record));
            for name in columns.iter().chain(&record.options.group).chain(time) {
                Self::add_column(schema, &record.schema, name);
            }
        }
        Ok((options, weight))
    }
}

fn weights_of(column: &Column) -> Result<Vec<f64>> {
    match &column.data {
        ColumnData::Number(weights) => Ok(weights.to_vec()),
        _ => Err(Error::input("weights must be numbers").column(&column.name)),
    }
}
