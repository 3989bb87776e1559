//! The rows of all files as one table: each once, without those that cannot be used, and which of
//! them the old model has learned from.

use std::collections::HashSet;

use modelwright_automl::Purpose;
use modelwright_automl::target::rows_with_usable_target;
use modelwright_core::context::Event;
use modelwright_core::data::Table;
use modelwright_core::record::{DataSource, RetrainedFile, RunRecord};
use modelwright_core::{Context, Error, Result};
use modelwright_io::{ReadOptions, TableFile};
use modelwright_lifecycle::digest::sha256_hex;
use modelwright_preprocess::profile::row_hashes;

use crate::tolerant::{fitting_rows, read_loosely, tell_left_out};
use crate::{Model, Rows};

/// Of this share of the answers on, values that the old model does not know are no slips.
const UNKNOWN_SHARE: f64 = 0.1;

/// The rows of all files.
pub(super) struct AllRows {
    /// As one table.
    pub(super) file: TableFile,
    /// Which files they are from.
    pub(super) files: Vec<RetrainedFile>,
    /// Of each row whether the old model has learned from it.
    pub(super) learned: Vec<bool>,
}

/// A file as it was read.
struct OneFile {
    file: TableFile,
    learned: Vec<bool>,
    /// Answers, and those that the old model does not know.
    n_answers: usize,
    n_unknown: usize,
    account: RetrainedFile,
}

impl AllRows {
    /// Reads files as the old model's training table was read.
    ///
    /// # Errors
    /// Input error when a file cannot be read, or when many answers are none that the old model
    /// knows.
    pub(super) fn read(
        champion: &Model,
        record: &RunRecord,
        all: &[Rows],
        ctx: &Context,
    ) -> Result<Self> {
        let mut whole: Option<TableFile> = None;
        let (mut files, mut learned, mut ends) = (Vec::new(), Vec::new(), Vec::new());
        let (mut n_answers, mut n_unknown) = (0, 0);
        for (i, rows) in all.iter().enumerate() {
            let one = OneFile::read(champion, record, (rows, i), ctx)?;
            files.push(one.account);
            learned.extend(one.learned);
            ends.push(learned.len());
            (n_answers, n_unknown) = (n_answers + one.n_answers, n_unknown + one.n_unknown);
            match &mut whole {
                None => whole = Some(one.file),
                Some(whole) => append(whole, &one.file, rows)?,
            }
        }
        if n_unknown as f64 >= UNKNOWN_SHARE * n_answers as f64 && n_unknown > 0 {
            return Err(unknown(champion, n_unknown, n_answers));
        }
        let none = || Error::input("there are no rows to learn from").expected("--data FILE");
        let mut all = Self { file: whole.ok_or_else(none)?, files, learned };
        all.each_once(&ends, record, ctx);
        Ok(all)
    }

    /// Keeps of rows that several files hold the first one; the files end at `ends`. What the old
    /// model has learned from, it has learned from in whatever file it stands.
    fn each_once(&mut self, ends: &[usize], record: &RunRecord, ctx: &Context) {
        if ends.len() < 2 {
            return;
        }
        let table = &self.file.table;
        let names: Vec<&str> = record.schema.fields.iter().map(|f| f.name.as_str()).collect();
        let hashes = row_hashes(table, &names, ctx);
        let mut seen: HashSet<u64> = HashSet::new();
        let mut taught: HashSet<u64> = HashSet::new();
        let mut is_copy = vec![false; table.n_rows()];
        let mut first = 0;
        for end in ends {
            let of_file = &hashes[first..*end];
            // Where rows repeat within a file, an equal row of another one is no copy.
            if tell_apart(of_file) {
                for row in first..*end {
                    is_copy[row] = seen.contains(&hashes[row]);
                    if self.learned[row] {
                        taught.insert(hashes[row]);
                    }
                }
                seen.extend(of_file);
            }
            first = *end;
        }
        let kept: Vec<u32> =
            (0..).zip(&is_copy).filter(|(_, copy)| !**copy).map(|pair| pair.0).collect();
        let is_taught =
            |row: &u32| self.learned[*row as usize] || taught.contains(&hashes[*row as usize]);
        self.learned = kept.iter().map(is_taught).collect();
        let n_copies = table.n_rows() - kept.len();
        if n_copies == 0 {
            return;
        }
        ctx.tell(Event::Warning(format!(
            "{n_copies} of {} rows stand in another file, too: each counts once",
            table.n_rows()
        )));
        self.file.table = std::mem::take(&mut self.file.table).into_selected(&kept);
    }
}

/// Whether hardly any row of a file repeats another one.
fn tell_apart(hashes: &[u64]) -> bool {
    let distinct: HashSet<&u64> = hashes.iter().collect();
    (hashes.len() - distinct.len()) * 10 <= hashes.len()
}

fn append(whole: &mut TableFile, more: &TableFile, rows: &Rows) -> Result<()> {
    whole.table.append(&more.table).map_err(|e| e.at(rows.shown()))?;
    let digests = format!("{}{}", whole.source.sha256, more.source.sha256);
    whole.source.sha256 = sha256_hex(digests.as_bytes());
    whole.source.name = format!("{} + {}", whole.source.name, more.source.name);
    whole.source.n_rows = whole.table.n_rows();
    Ok(())
}

fn unknown(champion: &Model, n_unknown: usize, n_answers: usize) -> Error {
    Error::input("the new rows have other answers than the old model knows")
        .column(&champion.predictor.target)
        .expected(match champion.predictor.classes.as_slice() {
            [] => "finite numbers".to_owned(),
            classes => classes.join(", "),
        })
        .got(format!("{n_unknown} of {n_answers} answers that are none of them"))
        .hint("fit a new model with `modelwright fit`: there is no old one to compare with")
}

impl OneFile {
    fn read(
        champion: &Model,
        record: &RunRecord,
        (rows, number): (&Rows, usize),
        ctx: &Context,
    ) -> Result<Self> {
        let text = ReadOptions::of_text(&champion.text_layout())?;
        let mut n_tries = 0;
        let file = read_loosely(&record.schema, |schema| {
            let options = ReadOptions { schema: Some(schema.clone()), ..text.clone() };
            n_tries += 1;
            let scope = match n_tries {
                1 => format!("read-{number}"),
                n => format!("read-{number}-{n}"),
            };
            rows.read(options, Purpose::Learn, &scope, ctx)
        })?;
        let TableFile { table, mut schema, source } = file;
        for field in &mut schema.fields {
            if let Some(wanted) = record.schema.field(&field.name) {
                field.clone_from(wanted);
            }
        }
        let n_rows = table.n_rows();
        let is_learned = learned_by(record, &source, n_rows);
        let (table, fitting) = fitting_rows(table, &record.schema)?;
        let (usable, n_answers) = usable_rows(champion, &table);
        let learned = usable.iter().map(|row| is_learned(fitting[*row as usize])).collect();
        let n_unknown = table.n_rows() - usable.len();
        tell_left_out(n_rows - usable.len(), &rows.shown(), ctx);
        let whole = source.sample.is_none().then_some(n_rows as u64);
        let account = RetrainedFile {
            name: source.name.clone(),
            sha256: source.sha256.clone(),
            n_rows: whole,
        };
        let table = if n_unknown == 0 { table } else { table.into_selected(&usable) };
        let file = TableFile { table, schema, source };
        Ok(Self { file, learned, n_answers, n_unknown, account })
    }
}

/// The rows without an answer, or with one that the old model knows; and how many answers there
/// are.
fn usable_rows(champion: &Model, table: &Table) -> (Vec<u32>, usize) {
    let predictor = &champion.predictor;
    let Some(target) = table.column(&predictor.target) else {
        return ((0..table.n_rows() as u32).collect(), 0);
    };
    let known = rows_with_usable_target(target, &predictor.classes, predictor.task);
    let mut is_usable: Vec<bool> = (0..table.n_rows()).map(|row| target.is_missing(row)).collect();
    let n_missing = is_usable.iter().filter(|missing| **missing).count();
    for row in known {
        is_usable[row as usize] = true;
    }
    let usable = (0..).zip(&is_usable).filter(|(_, usable)| **usable).map(|pair| pair.0).collect();
    (usable, table.n_rows() - n_missing)
}

/// Which rows of a file the old model has learned from: all of one whose bytes are those of a file
/// that it learned from, and the first of one that has grown since.
fn learned_by(
    record: &RunRecord,
    source: &DataSource,
    n_rows: usize,
) -> impl Fn(u32) -> bool + use<> {
    let retrained = record.retrained.iter().flat_map(|retrained| &retrained.files);
    let n_learned = retrained
        .filter_map(|file| {
            if file.sha256 == source.sha256 {
                return Some(n_rows as u64);
            }
            let is_grown = file.name == source.name && source.sample.is_none();
            file.n_rows.filter(|n| is_grown && *n <= n_rows as u64)
        })
        .max();
    let n_first = if record.data.sha256 == source.sha256 { Some(n_rows as u64) } else { n_learned };
    let n_first = n_first.unwrap_or(0);
    move |row| u64::from(row) < n_first
}
