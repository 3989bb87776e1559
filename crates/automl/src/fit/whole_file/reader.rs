//! Reads all rows of a file as bins: written as they come, column by column, outside of memory.

use std::sync::Arc;

use modelwright_core::context::Event;
use modelwright_core::data::{
    BinnedColumn, Codes, ColumnData, Draft, FeatureColumn, FeatureMatrix, Numbers, Schema,
    StoredPart, Table,
};
use modelwright_core::random::number_at;
use modelwright_core::task::{Target, Task};
use modelwright_core::{Context, Error, Result};
use modelwright_preprocess::FittedEncoder;
use modelwright_preprocess::encode::bins;

use super::encoder_of;
use crate::fit::combine::Combined;
use crate::target;
use crate::whole_file::WholeFile;

/// The rows of a file that are learned from, when there is no room for all.
pub(super) struct Keep {
    key: u64,
    /// In units of 2⁻³².
    share: u64,
}

impl Keep {
    pub(super) fn of(n_learned: usize, n_rows: usize, ctx: &Context) -> Self {
        let share = n_learned as f64 / n_rows.max(1) as f64;
        let key = ctx.random("whole-file/rows", 0).next_u64();
        Self { key, share: (share * (1_u64 << 32) as f64) as u64 }
    }

    fn keeps(&self, row: usize) -> bool {
        number_at(self.key, row as u64) >> 32 < self.share
    }
}

/// The bins of one encoding as they are written.
pub(super) struct Encoding {
    pub(super) name: String,
    /// Features without values, and their cuts.
    pub(super) columns: Vec<(FeatureColumn, Vec<f32>)>,
    pub(super) draft: Box<dyn Draft>,
    /// Places from one column to the next.
    pub(super) stride: usize,
    pub(super) n_bytes: u64,
}

impl Encoding {
    /// Writes rows from place `at`.
    fn write(
        &mut self,
        encoder: &FittedEncoder,
        rows: &Table,
        at: usize,
        ctx: &Context,
    ) -> Result<()> {
        let features = encoder.transform(rows, ctx)?;
        let columns = &self.columns;
        let codes =
            ctx.map(columns.len(), |i| bins::codes(&features.columns[i].values, &columns[i].1));
        for (i, codes) in codes.iter().enumerate() {
            self.draft.write((i * self.stride + at) as u64, codes)?;
        }
        Ok(())
    }

    fn finish(self, n_rows: usize) -> Result<(String, FeatureMatrix)> {
        let stored = self.draft.finish()?;
        let column = |(i, (column, cuts)): (usize, (FeatureColumn, Vec<f32>))| {
            let start = i * self.stride;
            let codes = Codes::Stored(StoredPart::new(stored.clone(), start..start + n_rows));
            FeatureColumn { bins: Some(Arc::new(BinnedColumn { codes, cuts })), ..column }
        };
        let columns = self.columns.into_iter().enumerate().map(column).collect();
        Ok((self.name, FeatureMatrix::of_bins(n_rows, columns)))
    }
}

/// Reads all rows.
pub(super) struct Reader {
    pub(super) schema: Schema,
    pub(super) classes: Vec<String>,
    pub(super) is_class: bool,
    pub(super) task: Task,
    /// The column, and the classes or numbers so far.
    pub(super) target: (String, Vec<u32>, Vec<f64>),
    pub(super) weights: Option<(String, Vec<f64>)>,
    pub(super) rows_per_part: usize,
    pub(super) keep: Keep,
    pub(super) n_file: usize,
    pub(super) n_seen: usize,
    /// Rows of classes that the sample does not have.
    pub(super) n_left_out: usize,
    /// Rows whose target is infinite or too large.
    pub(super) n_unusable: usize,
    pub(super) encodings: Vec<Encoding>,
}

/// All rows, as far as they are learned from.
pub(super) struct Read {
    pub(super) matrices: Vec<(String, FeatureMatrix)>,
    pub(super) target: Target,
    pub(super) weights: Option<Vec<f64>>,
    pub(super) n_bytes: u64,
}

impl Reader {
    fn n_rows(&self) -> usize {
        self.target.1.len().max(self.target.2.len())
    }

    pub(super) fn read(
        &mut self,
        file: &WholeFile,
        combined: &Combined,
        ctx: &Context,
    ) -> Result<()> {
        for part in file.rows.tables(&self.schema, self.rows_per_part, ctx)? {
            let part = part?;
            if !ctx.proceed() {
                return Err(Error::interrupted("there was no time to read the file again"));
            }
            self.add(&part, combined, ctx)?;
        }
        if self.n_left_out > 0 {
            let n = self.n_left_out;
            let note = format!("{n} rows of the file have classes that the sample lacks: left out");
            ctx.tell(Event::Warning(note));
        }
        if self.n_unusable > 0 {
            let n = self.n_unusable;
            let note = format!("{n} rows of the file have no number as a target: left out");
            ctx.tell(Event::Warning(note));
        }
        Ok(())
    }

    fn add(&mut self, part: &Table, combined: &Combined, ctx: &Context) -> Result<()> {
        let first = self.n_seen;
        self.n_seen += part.n_rows();
        if self.n_seen > self.n_file {
            return Err(Error::input("the file has more rows than before")
                .expected(format!("{} rows", self.n_file)));
        }
        let column = part.require(&self.target.0)?;
        let mut rows = target::rows_with_target(column);
        if self.is_class {
            let n = rows.len();
            rows = target::rows_of_known_classes(column, &self.classes);
            self.n_left_out += n - rows.len();
        }
        if let (false, ColumnData::Number(values)) = (self.is_class, &column.data) {
            // The sample had none, or the run would have ended: one row must not end it now.
            let n = rows.len();
            rows.retain(|row| target::is_usable(values.at(*row as usize)));
            self.n_unusable += n - rows.len();
        }
        rows.retain(|row| self.keep.keeps(first + *row as usize));
        if rows.is_empty() {
            return Ok(());
        }
        let chosen;
        let part = if rows.len() == part.n_rows() {
            part
        } else {
            chosen = part.select(&rows);
            &chosen
        };
        let at = self.n_rows();
        match target::encode(part.require(&self.target.0)?, &self.classes, self.task)? {
            Target::Class { codes, .. } => self.target.1.extend(codes),
            Target::Real(values) => self.target.2.extend(values),
        }
        if let Some((name, weights)) = &mut self.weights {
            weights.extend(usable_weights(part, name)?);
        }
        for encoding in &mut self.encodings {
            let encoder = encoder_of(combined, &encoding.name);
            let encoder = encoder.ok_or_else(|| Error::work("no encoder"))?;
            encoding.write(encoder, part, at, ctx)?;
        }
        Ok(())
    }

    pub(super) fn finish(self) -> Result<Read> {
        let n_rows = self.n_rows();
        let n_bytes = self.encodings.iter().map(|e| e.n_bytes).sum();
        let matrices = self.encodings.into_iter().map(|e| e.finish(n_rows));
        let (_, codes, numbers) = self.target;
        let target = if self.is_class {
            Target::Class { codes, n_classes: self.classes.len() }
        } else {
            Target::Real(numbers)
        };
        Ok(Read {
            matrices: matrices.collect::<Result<_>>()?,
            target,
            weights: self.weights.map(|(_, weights)| weights),
            n_bytes,
        })
    }
}

/// The weights of some rows.
fn usable_weights<'a>(table: &'a Table, name: &str) -> Result<&'a Numbers> {
    let column = table.require(name)?;
    let error = || Error::input("a weight is not usable").column(name);
    let ColumnData::Number(values) = &column.data else {
        return Err(error().expected("numbers"));
    };
    match values.iter().find(|w| !w.is_finite() || *w < 0.0) {
        Some(wrong) => {
            Err(error().expected("a finite number, not negative").got(wrong.to_string()))
        }
        None => Ok(values),
    }
}
