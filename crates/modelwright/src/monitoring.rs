//! A saved model on new rows.
//!
//! Files are read as the model reads them. A column whose values do not fit is then read as text
//! instead, so that the monitor can count what cannot be read, where prediction would stop.

mod labels;
mod seasons;
mod source;

use std::path::{Path, PathBuf};

use modelwright_automl::Purpose;
use modelwright_core::context::Event;
use modelwright_core::data::{Field, Kind, Schema, Storage, Table};
use modelwright_core::record::{MonitorRecord, TextLayout};
use modelwright_core::{Context, Error, ErrorKind, Result};
use modelwright_io::{ReadOptions, column_names, stream_path};
use modelwright_lifecycle::atomic_write;
use modelwright_lifecycle::monitor::{
    History, MonitorOptions, SeasonChoice, Side, Watched, conclude, must_have_reference,
};

use crate::{Model, Rows};
use labels::Labels;
use source::{Current, Source};

/// Rows that are looked at together.
const ROWS_PER_CHUNK: usize = 16 << 10;

/// What is to be compared.
#[derive(Debug, Clone, Default)]
pub struct MonitorRequest {
    /// The new rows, in one or more files; a folder is the log of a server, which is read with its
    /// feedback.
    pub current: Vec<Rows>,
    /// Rows to compare with; `None` takes what the model keeps of its training.
    pub reference: Option<Rows>,
    /// Rows with the answers, when they are not among the new rows.
    pub labels: Option<Rows>,
    /// The column by which answers belong to rows; `None` takes them in the order of the rows.
    pub id: Option<String>,
    /// What is asked of the comparison.
    pub options: MonitorOptions,
    /// The file with what is remembered of earlier batches, to which this one is added; it is made
    /// where there is none.
    pub history: Option<PathBuf>,
}

/// Compares new rows with what a model learned from.
///
/// # Errors
/// Input error when a file cannot be read, answers do not belong to the rows, or there is nothing
/// to compare with.
pub fn monitor(model: &Model, request: &MonitorRequest, ctx: &Context) -> Result<MonitorRecord> {
    let record = model.artifact.record()?;
    let reference = model.reference()?;
    let watched = Watched { predictor: &model.predictor, record: &record, reference };
    if let Some(path) = &request.history {
        // Before anything is read: of another model it is an error.
        history_of(path, &watched)?;
    }
    let text = model.text_layout();
    let mut options = request.options.clone();
    let current = Current::of(&watched, model, (request, &mut options), ctx)?;
    seasons::prepare(&watched, request.reference.is_some(), &mut options)?;
    let of_reference = request.reference.as_ref().map(std::slice::from_ref);
    if options.season == SeasonChoice::Auto {
        options.season = seasons::shown(&watched, of_reference, (&options, &text), ctx)?;
    }
    let options = &options;
    let reading = Reading::new(&watched, (options, &text), ctx);
    let reference = match of_reference {
        None => {
            must_have_reference(&watched)?;
            None
        }
        Some(rows) => {
            ctx.tell(Event::Phase("read the reference".to_owned()));
            let reading = reading.of_reference();
            let rows: Vec<Source<'_>> = rows.iter().map(Source::Given).collect();
            Some(reading.fill(&|| Side::reference(&watched, options, ctx), &rows, None)?)
        }
    };
    let labels = match &request.labels {
        None => None,
        Some(rows) => Some(Labels::read(rows, request.id.as_deref(), (&record, &text), ctx)?),
    };
    ctx.tell(Event::Phase("compare".to_owned()));
    let side = || match &reference {
        None => Side::new(&watched, options, ctx),
        Some(reference) => Side::beside(&watched, options, reference, ctx),
    };
    let side = reading.fill(&side, &current.sources, labels.as_ref())?;
    let notes = current.notes()?;
    let mut found = conclude(&watched, reference.as_ref(), &side, options, ctx)?;
    found.notes.extend(notes);
    found.notes.extend(labels.as_ref().and_then(Labels::note));
    if let Some(path) = &request.history {
        remember(path, &watched, &side, &mut found)?;
    }
    Ok(found)
}

/// Adds a batch to the history in a file, and says what all batches come to.
fn remember(
    path: &Path,
    watched: &Watched<'_>,
    side: &Side<'_>,
    found: &mut MonitorRecord,
) -> Result<()> {
    let mut history = history_of(path, watched)?;
    history.add(watched, side, found);
    atomic_write(path, history.to_json()?.as_bytes())
}

/// The history in a file; a new one where there is no file.
fn history_of(path: &Path, watched: &Watched<'_>) -> Result<History> {
    match std::fs::read_to_string(path) {
        Ok(text) => History::parse(&text, watched).map_err(|e| e.at(path.display().to_string())),
        Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => Ok(History::new(watched)),
        Err(cause) => Err(Error::input("the history cannot be read")
            .at(path.display().to_string())
            .expected("a file that `monitor --history` wrote, or none")
            .got(cause.to_string())
            .hint("give a file that can be read and written")),
    }
}

struct Reading<'a> {
    watched: &'a Watched<'a>,
    text: &'a TextLayout,
    /// The column with the time of each row, where it is known.
    time_column: Option<&'a str>,
    by_season: bool,
    /// Columns whose groups are looked at.
    by: Vec<&'a String>,
    /// Those of them that were asked for.
    asked_by: &'a [String],
    is_reference: bool,
    ctx: &'a Context,
}

impl<'a> Reading<'a> {
    fn new(
        watched: &'a Watched<'a>,
        (options, text): (&'a MonitorOptions, &'a TextLayout),
        ctx: &'a Context,
    ) -> Self {
        let by_season = options.season != SeasonChoice::None;
        let by = watched.record.options.sensitive.iter().chain(&options.by).collect();
        let (time_column, asked_by) = (options.time_column.as_deref(), &*options.by);
        Self { watched, text, time_column, by_season, by, asked_by, is_reference: false, ctx }
    }

    /// The same, of the rows to compare with.
    fn of_reference(&self) -> Self {
        Self { by: self.by.clone(), is_reference: true, ..*self }
    }

    /// Reads files into a side; begins again with another reading of a column that did not fit.
    fn fill<'s>(
        &self,
        begin: &dyn Fn() -> Side<'s>,
        all: &[Source<'_>],
        labels: Option<&Labels>,
    ) -> Result<Side<'s>> {
        let mut schema = self.schema(labels);
        loop {
            let mut side = begin();
            match self.pass(&mut side, all, &schema, labels) {
                Ok(()) => {
                    side.finish(self.ctx);
                    return Ok(side);
                }
                Err(error) => {
                    let is_stream = all.iter().any(Source::is_stream);
                    let Some(field) = misfit(&error, &mut schema).filter(|_| !is_stream) else {
                        return Err(error);
                    };
                    *field = Field::new(field.name.clone(), Storage::String, field.kind);
                }
            }
        }
    }

    /// The model's columns, the target, and the column that answers are found by.
    fn schema(&self, labels: Option<&Labels>) -> Schema {
        let mut schema = self.watched.predictor.schema.clone();
        let target = &self.watched.predictor.target;
        let known = self.watched.record.schema.field(target);
        let is_new = |schema: &Schema, name: &str| schema.field(name).is_none();
        let options = &self.watched.record.options;
        for role in options.weight.iter().chain(&options.group) {
            if is_new(&schema, role) {
                schema.fields.extend(self.watched.record.schema.field(role).cloned());
            }
        }
        for name in &self.by {
            if is_new(&schema, name) && *name != target {
                let plain = || Field::new(name.as_str(), Storage::String, Kind::Category);
                let mut field = self.watched.record.schema.field(name).cloned();
                schema.fields.push(field.take().unwrap_or_else(plain));
                schema.fields.iter_mut().rev().take(1).for_each(|field| field.optional = true);
            }
        }
        if let Some(name) = self.time_column.filter(|name| is_new(&schema, name)) {
            schema.fields.push(seasons::time_field(self, name));
        }
        if labels.is_none() && is_new(&schema, target) {
            schema.fields.extend(known.cloned());
        }
        if let Some(id) = labels.and_then(Labels::id).filter(|id| is_new(&schema, id)) {
            schema.fields.push(Field::new(id, Storage::String, Kind::Identifier));
        }
        schema
    }

    fn pass(
        &self,
        side: &mut Side<'_>,
        all: &[Source<'_>],
        schema: &Schema,
        labels: Option<&Labels>,
    ) -> Result<()> {
        if let Some(labels) = labels {
            labels.begin();
        }
        for source in all {
            let Some(rows) = source.rows()? else { continue };
            let rows = rows.as_ref();
            let shown = rows.shown();
            let unexpected = self.unexpected(rows)?;
            side.begin(&name_of(rows), unexpected);
            let mut add = |table: Table| {
                self.check(&table).map_err(|e| e.at(shown.clone()))?;
                let table = match labels {
                    Some(labels) => labels.attach(table, side.n_rows())?,
                    None => table,
                };
                side.add(table, self.ctx)
                    .map_err(|e| if e.place().source.is_some() { e } else { e.at(shown.clone()) })
            };
            match rows {
                Rows::File(path) => {
                    let schema = Some(schema.clone());
                    let options = ReadOptions { schema, ..ReadOptions::of_text(self.text)? };
                    for table in stream_path(path, &options, ROWS_PER_CHUNK, self.ctx)? {
                        add(table?)?;
                    }
                }
                Rows::Table { .. } => {
                    let schema = Some(schema.clone());
                    let options = ReadOptions { schema, ..ReadOptions::default() };
                    add(rows.read(options, Purpose::Look, "read", self.ctx)?.table)?;
                }
            }
        }
        labels.map_or(Ok(()), |labels| labels.check(side.n_rows()))
    }

    /// Refuses rows without a column that nothing can be said without.
    fn check(&self, table: &Table) -> Result<()> {
        seasons::check(self, table)?;
        if !self.is_reference {
            let absent = self.asked_by.iter().find(|name| table.column(name).is_none());
            return absent.map_or(Ok(()), |name| {
                Err(Error::input("the rows have no such column to group by")
                    .column(name)
                    .expected("a column of the new rows for --by")
                    .suggest(name, table.names()))
            });
        }
        let predictor = self.watched.predictor;
        let read: Vec<&str> = predictor.feature_columns().collect();
        let needed = predictor.schema.fields.iter().filter(|f| !f.optional).map(|f| &*f.name);
        let needed: Vec<&str> = needed.filter(|name| read.contains(name)).collect();
        let lacking: Vec<&str> =
            needed.iter().copied().filter(|name| table.column(name).is_none()).collect();
        if lacking.is_empty() {
            return Ok(());
        }
        let names: Vec<String> = lacking.iter().map(|name| format!("`{name}`")).collect();
        Err(Error::input("the rows to compare with lack columns that the model reads")
            .expected(format!("the {} columns that the model reads", needed.len()))
            .got(format!("no {}", names.join(", ")))
            .hint("give rows of the same kind as the training table's, or leave --reference out"))
    }

    /// Columns that training never saw.
    fn unexpected(&self, rows: &Rows) -> Result<Vec<String>> {
        let names: Vec<String> = match rows {
            Rows::File(_) if is_stream(rows) => Vec::new(),
            Rows::File(path) => column_names(path, &ReadOptions::of_text(self.text)?, self.ctx)?,
            Rows::Table { columns, .. } => columns.iter().map(|c| c.name.clone()).collect(),
        };
        let is_unknown = |name: &String| {
            self.watched.record.schema.field(name).is_none()
                && self.time_column != Some(name.as_str())
        };
        Ok(names.into_iter().filter(is_unknown).collect())
    }
}

/// Which of some files cannot be read, and why.
///
/// # Errors
/// What is about something else than a file, such as the memory.
pub(crate) fn unreadable_of(
    model: &Model,
    paths: &[PathBuf],
    ctx: &Context,
) -> Result<Vec<(PathBuf, Error)>> {
    // As text, which any value is, and in parts: a file may be larger than the memory.
    let mut options = model.read_options()?;
    for field in options.schema.iter_mut().flat_map(|schema| &mut schema.fields) {
        field.storage = Storage::String;
    }
    let read = |path: &PathBuf| -> Result<()> {
        stream_path(path, &options, ROWS_PER_CHUNK, ctx)?.try_for_each(|table| table.map(drop))
    };
    let mut unreadable = Vec::new();
    for path in paths {
        match read(path) {
            Ok(()) => {}
            Err(why) if why.kind() == ErrorKind::Input => unreadable.push((path.clone(), why)),
            Err(other) => return Err(other),
        }
    }
    Ok(unreadable)
}

/// The files of a request that cannot be read, each with why: what alerts tell of, where the
/// monitor could not look at all.
///
/// # Errors
/// As [`monitor`], for what is not about a file of new rows.
pub fn unreadable_files(
    model: &Model,
    request: &MonitorRequest,
    ctx: &Context,
) -> Result<Vec<(String, String)>> {
    let file = |rows: &Rows| match rows {
        Rows::File(path) if !is_stream(rows) && !path.is_dir() => Some(path.clone()),
        _ => None,
    };
    let paths: Vec<PathBuf> = request.current.iter().filter_map(file).collect();
    let found = unreadable_of(model, &paths, ctx)?;
    Ok(found.into_iter().map(|(path, why)| (path.display().to_string(), why.to_string())).collect())
}

/// The name without its folder.
fn name_of(rows: &Rows) -> String {
    match rows {
        Rows::File(path) => path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into(),
        Rows::Table { name, .. } => name.clone(),
    }
}

/// Whether rows can be read but once.
fn is_stream(rows: &Rows) -> bool {
    matches!(rows, Rows::File(path) if path.as_os_str() == "-")
}

/// The field whose value did not fit, if that is what the error says.
pub(crate) fn misfit<'a>(error: &Error, schema: &'a mut Schema) -> Option<&'a mut Field> {
    let place = error.place();
    let column = place.column.as_deref()?;
    let is_value = place.row.is_some() || place.line.is_some();
    schema.fields.iter_mut().find(|f| {
        error.kind() == ErrorKind::Input
            && is_value
            && f.name == column
            && f.storage != Storage::String
    })
}
