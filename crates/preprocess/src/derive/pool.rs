//! The inputs that derived columns can be made of, on the rows of the screening sample.

use std::borrow::Cow;

use modelwright_core::data::{Column, ColumnData, Field, Kind};
use modelwright_core::{Context, Result};
use serde::{Deserialize, Serialize};

use super::codes::Codes;
use crate::encode::conform;

/// A number with at most this many distinct values is also tried as a category.
const RECAST_VALUES_MAX: usize = 250;

/// And so is one with more of them, if each has so many rows of the sample on average: it may name
/// households, shops or postcodes, if only by what all rows of a household share.
const RECAST_REPEATS_MIN: usize = 2;

/// With fewer, a number is as good as a flag, and only tried as a category.
const NUMBER_VALUES_MIN: usize = 5;

/// A raw column that derived ones read, and as what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RawInput {
    /// The column's name.
    pub name: String,
    /// Its kind.
    pub kind: Kind,
    /// Whether it may be absent (and is then taken as missing).
    pub optional: bool,
    /// Whether its numbers are read as the names of categories.
    pub recast: bool,
}

impl RawInput {
    /// The kind as which derived columns read it.
    pub fn read_as(&self) -> Kind {
        if self.recast { Kind::Category } else { self.kind }
    }

    /// The column in the storage of [`Self::read_as`], from the storage of its kind.
    ///
    /// # Errors
    /// Input error for another storage.
    pub fn read<'a>(&self, column: &'a Column) -> Result<Cow<'a, Column>> {
        conform(column, self.read_as())
    }
}

/// An input on the sample's rows.
pub(super) struct Entry {
    /// Position of its field.
    pub(super) field: usize,
    pub(super) raw: RawInput,
    pub(super) column: Column,
    pub(super) codes: Codes,
    /// Of numbers: the middle half's width, and whether none is below or none above 0.
    pub(super) width: f64,
    pub(super) has_one_sign: bool,
    /// The share of the sample's rows that miss it.
    pub(super) missing: f64,
    /// Of numbers: enough distinct values to calculate with.
    pub(super) is_size: bool,
}

/// The inputs of all fields, in field order.
pub(super) fn pool(
    fields: &[(&Field, Cow<'_, Column>)],
    sample: &[u32],
    ctx: &Context,
) -> Result<Vec<Entry>> {
    let of_field = |i: usize| -> Result<Vec<Entry>> {
        let (field, column) = &fields[i];
        if matches!(field.kind, Kind::Text) {
            return Ok(Vec::new());
        }
        let raw = RawInput {
            name: field.name.clone(),
            kind: field.kind,
            optional: field.optional,
            recast: false,
        };
        let entry = Entry::new(i, raw, column.select(sample));
        let recast = (field.kind == Kind::Number && may_be_names(&entry.column)).then(
            || -> Result<Entry> {
                let raw = RawInput { recast: true, ..entry.raw.clone() };
                let column = raw.read(&entry.column)?.into_owned();
                Ok(Entry::new(i, raw, column))
            },
        );
        Ok(std::iter::once(entry).chain(recast.transpose()?).collect())
    };
    let entries: Vec<Result<Vec<Entry>>> = ctx.map(fields.len(), of_field);
    let entries: Vec<Vec<Entry>> = entries.into_iter().collect::<Result<_>>()?;
    Ok(entries.into_iter().flatten().collect())
}

/// Exactly these inputs, whatever their values; those whose column is absent are left out.
pub(super) fn pool_of(
    fields: &[(&Field, Cow<'_, Column>)],
    inputs: &[RawInput],
    sample: &[u32],
    ctx: &Context,
) -> Result<Vec<Entry>> {
    let of_input = |i: usize| -> Result<Option<Entry>> {
        let raw = &inputs[i];
        let is_it = |(field, _): &(&Field, Cow<'_, Column>)| {
            field.name == raw.name && field.kind == raw.kind
        };
        let Some(at) = fields.iter().position(is_it) else { return Ok(None) };
        let column = fields[at].1.select(sample);
        let column = raw.read(&column)?.into_owned();
        Ok(Some(Entry::new(at, raw.clone(), column)))
    };
    let entries: Vec<Result<Option<Entry>>> = ctx.map(inputs.len(), of_input);
    entries.into_iter().filter_map(Result::transpose).collect()
}

impl Entry {
    fn new(field: usize, raw: RawInput, column: Column) -> Self {
        let mut entry = Self {
            field,
            raw,
            codes: Codes::of(&column),
            width: 0.0,
            has_one_sign: false,
            missing: share_missing(&column),
            is_size: false,
            column,
        };
        if let ColumnData::Number(values) = &entry.column.data {
            let mut known: Vec<f64> = values.iter().filter(|v| v.is_finite()).collect();
            known.sort_unstable_by(f64::total_cmp);
            let at = |share: usize| known.get(known.len() * share / 4).copied().unwrap_or(0.0);
            entry.width = at(3) - at(1);
            entry.has_one_sign =
                known.first().is_some_and(|v| *v >= 0.0) || known.last().is_some_and(|v| *v <= 0.0);
            entry.is_size = n_values(&entry.column) >= NUMBER_VALUES_MIN;
        }
        entry
    }

    /// Whether it can be a group or a part of a cross.
    pub(super) fn is_category(&self) -> bool {
        matches!(self.column.data, ColumnData::String { .. })
    }
}

fn share_missing(column: &Column) -> f64 {
    let n = (0..column.n_rows()).filter(|row| column.is_missing(*row)).count();
    n as f64 / column.n_rows().max(1) as f64
}

/// Whether numbers may be the names of categories.
fn may_be_names(column: &Column) -> bool {
    let ColumnData::Number(values) = &column.data else { return false };
    let n = n_values(column);
    n <= RECAST_VALUES_MAX || n * RECAST_REPEATS_MIN <= values.len()
}

/// Distinct values of a column of numbers.
fn n_values(column: &Column) -> usize {
    let ColumnData::Number(values) = &column.data else { return 0 };
    let seen: std::collections::HashSet<u64, foldhash::fast::FixedState> =
        values.iter().filter(|v| !v.is_nan()).map(|v| (v + 0.0).to_bits()).collect();
    seen.len()
}
