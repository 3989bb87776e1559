//! One raw row as features, written in place: what a server does thousands of times a second.
//!
//! The numbers are the bits that [`FittedEncoder::transform`] gives for a table of that row.
//! Columns of one row are kept and written again and again; a transformer that can write a single
//! value does so without a column, the others are asked with a column of one row.

use std::borrow::Cow;
use std::sync::Arc;

use modelwright_core::data::{
    Column, FeatureColumn, FeatureMatrix, Kind, RawRow, RawValue, Schema, SparseColumns, Storage,
    Table, number_text,
};
use modelwright_core::{Context, Result};

use super::conform::conform;
use super::derived::read_input;
use super::encoder::{FittedEncoder, Part, Source, join_sparse, join_sparse_of, read};
use crate::derive::RawInput;
use crate::transform::Encoded;

/// The features of one row, and what is needed to write those of the next; made by
/// [`FittedEncoder::row_features`] for that encoder alone.
pub struct RowFeatures {
    matrix: FeatureMatrix,
    /// The place in the schema of each raw column that is a feature.
    places: Vec<Option<usize>>,
    /// The place of each input of derived columns.
    inputs: Vec<Option<usize>>,
    /// These inputs, as they are read.
    given: RawRow,
    /// All features of one transformer, used or not.
    all: Vec<f32>,
    /// A number as text.
    text: String,
    /// A derived column's text.
    made: String,
}

impl RowFeatures {
    /// The features of the row that was last written: a matrix of one row.
    pub fn matrix(&self) -> &FeatureMatrix {
        &self.matrix
    }
}

/// Sparse features, by raw column.
type Blocks = Vec<(Arc<str>, SparseColumns)>;

/// Writes features one after the other.
struct Writer<'a> {
    columns: &'a mut [FeatureColumn],
    at: usize,
    blocks: Blocks,
}

impl FittedEncoder {
    /// Memory for rows of the columns of `schema`.
    pub fn row_features(&self, schema: &Schema) -> RowFeatures {
        let mut columns = Vec::new();
        for source in self.all_sources() {
            for part in &source.parts {
                columns.extend(part.names().iter().map(|name| FeatureColumn {
                    name: name.clone(),
                    source: source.name.clone(),
                    values: Arc::from([f32::NAN]),
                    is_category: part.writes_levels(),
                    bins: None,
                }));
            }
        }
        RowFeatures {
            matrix: FeatureMatrix { n_rows: 1, columns, sparse: None },
            places: self.sources.iter().map(|s| schema.position(&s.name)).collect(),
            inputs: self.derived.inputs.iter().map(|i| schema.position(&i.name)).collect(),
            given: RawRow::default(),
            all: Vec::new(),
            text: String::new(),
            made: String::new(),
        }
    }

    /// Writes a row of the columns of `schema` as features.
    ///
    /// # Errors
    /// As [`Self::transform`].
    pub fn write_row(
        &self,
        row: &RawRow,
        schema: &Schema,
        features: &mut RowFeatures,
        ctx: &Context,
    ) -> Result<()> {
        let RowFeatures { matrix, places, all, text, .. } = features;
        let mut writer = Writer { columns: &mut matrix.columns, at: 0, blocks: Vec::new() };
        for (source, place) in self.sources.iter().zip(&*places) {
            let value = match place {
                Some(place) => conformed(row.value(*place), source.kind, text),
                None if source.optional => Some(RawValue::Missing),
                None => None,
            };
            if let Some(value) = value {
                writer.write(source, value, all, ctx)?;
            } else {
                let table = part_of(row, schema, *place)?;
                let column = read(&table, &source.name, source.kind, source.optional)?;
                writer.take(source, source.write(&column, ctx)?);
            }
        }
        let (at, blocks) = (writer.at, writer.blocks);
        let blocks = self.write_derived(row, schema, features, (at, blocks), ctx)?;
        // The columns of the row before are those of this one.
        let before = features.matrix.sparse.take().and_then(Arc::into_inner);
        let n_columns: usize = blocks.iter().map(|(_, block)| block.n_columns).sum();
        features.matrix.sparse = match before {
            Some(before) if before.sources.len() == n_columns => {
                join_sparse_of(1, blocks, before.sources)
            }
            _ => join_sparse(1, blocks),
        };
        Ok(())
    }

    /// Writes the derived columns from feature `at` on.
    fn write_derived(
        &self,
        row: &RawRow,
        schema: &Schema,
        features: &mut RowFeatures,
        (at, blocks): (usize, Blocks),
        ctx: &Context,
    ) -> Result<Blocks> {
        let RowFeatures { matrix, inputs, given, all, text, made, .. } = features;
        let mut writer = Writer { columns: &mut matrix.columns, at, blocks };
        if self.derived.columns.is_empty() {
            return Ok(writer.blocks);
        }
        given.begin(inputs.len());
        let mut is_given = true;
        for (i, (input, place)) in self.derived.inputs.iter().zip(&*inputs).enumerate() {
            match given_as(input, place.map(|place| row.value(place)), text, made) {
                Some(value) => given.set(i, value),
                None => is_given = false,
            }
        }
        let mut columns = None;
        for (i, derived) in self.derived.columns.iter().enumerate() {
            let value = if is_given { derived.derived.of_row(given, made) } else { None };
            if let Some(value) = value {
                writer.write(&derived.source, value, all, ctx)?;
                continue;
            }
            if columns.is_none() {
                // One by one: two inputs may be the same column, read in two ways.
                let one = |(input, place): (&RawInput, &Option<usize>)| {
                    if place.is_none() && input.optional {
                        let storage = storage_of(input.read_as()).unwrap_or(Storage::String);
                        return Ok(Cow::Owned(RawValue::Missing.to_column(&input.name, storage)));
                    }
                    let table = part_of(row, schema, *place)?;
                    Ok(Cow::Owned(read_input(input, &table)?.into_owned()))
                };
                let all = self.derived.inputs.iter().zip(&*inputs).map(one);
                columns = Some(all.collect::<Result<Vec<Cow<'_, Column>>>>()?);
            }
            let columns = columns.as_deref().unwrap_or_default();
            writer.take(&derived.source, self.derived.write(i, columns, ctx)?);
        }
        Ok(writer.blocks)
    }
}

/// A value of an input as derived columns read it; `None` where only columns know.
fn given_as<'a>(
    input: &RawInput,
    value: Option<RawValue<'a>>,
    text: &'a mut String,
    again: &'a mut String,
) -> Option<RawValue<'a>> {
    let value = match value {
        Some(value) => conformed(value, input.kind, text)?,
        None if input.optional => RawValue::Missing,
        None => return None,
    };
    if input.recast { conformed(value, input.read_as(), again) } else { Some(value) }
}

/// A column of a row as a table; an empty one where the row has no such column.
fn part_of(row: &RawRow, schema: &Schema, place: Option<usize>) -> Result<Table> {
    let column = |place: usize| {
        let field = &schema.fields[place];
        row.value(place).to_column(&field.name, field.storage)
    };
    Table::new(place.map(column).into_iter().collect())
}
/// The value in the storage of a kind; `None` where only [`conform`] knows.
fn conformed<'a>(value: RawValue<'a>, kind: Kind, text: &'a mut String) -> Option<RawValue<'a>> {
    match (storage_of(kind)?, value) {
        (_, RawValue::Missing)
        | (Storage::Number, RawValue::Number(_))
        | (Storage::Instant, RawValue::Instant(_))
        | (Storage::String, RawValue::Text(_)) => Some(value),
        (Storage::String, RawValue::Number(number)) if number.is_nan() => Some(RawValue::Missing),
        (Storage::String, RawValue::Number(number)) => {
            // Zeros of both signs are one text.
            *text = number_text(number + 0.0);
            Some(RawValue::Text(text))
        }
        _ => None,
    }
}

fn storage_of(kind: Kind) -> Option<Storage> {
    match kind {
        Kind::Number => Some(Storage::Number),
        Kind::Datetime => Some(Storage::Instant),
        Kind::Category | Kind::IntegerCategory | Kind::Boolean | Kind::Text => {
            Some(Storage::String)
        }
        Kind::Identifier | Kind::Constant | Kind::Unsupported => None,
    }
}

impl Writer<'_> {
    /// Writes a value that is in the storage of its kind.
    fn write(
        &mut self,
        source: &Source,
        value: RawValue<'_>,
        all: &mut Vec<f32>,
        ctx: &Context,
    ) -> Result<()> {
        for part in &source.parts {
            all.clear();
            all.resize(part.n_all(), f32::NAN);
            let fitted = &part.fitted().fitted;
            if fitted.n_sparse() == 0 && fitted.write_row(value, all) {
                for position in part.kept() {
                    self.put(all[*position as usize]);
                }
            } else if let Some(place) = fitted.sparse_place(value) {
                let block = SparseColumns {
                    n_columns: fitted.n_sparse(),
                    row_starts: vec![0, 1],
                    indices: vec![place],
                    values: vec![1.0],
                    sources: Vec::new(),
                };
                self.blocks.push((source.name.clone(), block));
            } else {
                let storage = storage_of(source.kind).unwrap_or(Storage::String);
                let column = value.to_column(&source.name, storage);
                let encoded = fitted.transform(&*conform(&column, source.kind)?, ctx)?;
                self.take_part(source, part, encoded);
            }
        }
        Ok(())
    }

    /// Takes what was written for a column of one row.
    fn take(&mut self, source: &Source, encoded: Vec<Encoded>) {
        for (part, encoded) in source.parts.iter().zip(encoded) {
            self.take_part(source, part, encoded);
        }
    }

    fn take_part(&mut self, source: &Source, part: &Part, encoded: Encoded) {
        for position in part.kept() {
            self.put(encoded.columns[*position as usize][0]);
        }
        self.blocks.extend(encoded.sparse.map(|block| (source.name.clone(), block)));
    }

    fn put(&mut self, value: f32) {
        let column = &mut self.columns[self.at];
        self.at += 1;
        // Nobody else holds the values, unless a model kept them.
        match Arc::get_mut(&mut column.values) {
            Some([place]) => *place = value,
            _ => column.values = Arc::from([value]),
        }
    }
}
