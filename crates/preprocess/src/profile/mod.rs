//! What a table looks like: the kind of every column with its evidence, statistics and alerts.
//!
//! [`profile_table`] makes one pass of mergeable sketches ([`crate::sketch`]), decides kinds from
//! them ([`mod@kind`]), reads the statistics off them, and adds what only the whole table shows:
//! repeated rows, repeated columns, correlations. The result has three parts: the record for the
//! report, the sketches for the drift reference, and the schema that transformers work from.

pub(crate) mod alerts;
mod kind;
pub(crate) mod name;
mod statistics;
mod task;
#[cfg(test)]
mod tests;
pub(crate) mod wording;

use std::collections::BTreeMap;

use modelwright_core::data::{Field, Kind, Schema, Table};
use modelwright_core::record::{ColumnProfile, TableProfile};
use modelwright_core::{Context, Error, Result};

use crate::sketch::TableSketch;

pub use alerts::row_hashes;
pub use task::guess_task;

/// What the caller knows beforehand.
#[derive(Debug, Clone, Default)]
pub struct ProfileOptions {
    /// Kinds that the user decided, by column name.
    pub kinds: BTreeMap<String, Kind>,
    /// The target column, which has alerts of its own.
    pub target: Option<String>,
}

/// What a table looks like.
#[derive(Debug, Clone)]
pub struct Profile {
    /// Statistics and alerts.
    pub record: TableProfile,
    /// The sketches they were read from: the reference for drift.
    pub sketches: TableSketch,
    /// The reader's schema with the kinds decided; columns with missing values are optional.
    pub schema: Schema,
}

/// Profiles a table.
///
/// `input_schema` comes from the reader (storages and formats) and has the columns of `table`.
///
/// # Errors
/// Input error when an overridden or target column does not exist, or when a kind does not suit
/// the way a column is held.
pub fn profile_table(
    table: &Table,
    input_schema: &Schema,
    options: &ProfileOptions,
    ctx: &Context,
) -> Result<Profile> {
    for name in options.kinds.keys().chain(&options.target) {
        table.require(name)?;
    }
    let sketches = TableSketch::of(table, ctx)?;
    let columns = ctx.map(table.n_columns(), |i| {
        let (column, sketch) = (&table.columns()[i], &sketches.columns[i].1);
        let field = input_schema.field(&column.name);
        let wish = options.kinds.get(&column.name).copied();
        let subject = kind::Subject::new(column, sketch, field.map(|f| f.kind));
        let guess = kind::decide(&subject, wish)?;
        Ok::<ColumnProfile, Error>(statistics::column_profile(&subject, guess))
    });
    let columns = columns.into_iter().collect::<Result<Vec<ColumnProfile>>>()?;
    let schema = decided_schema(table, input_schema, &columns);
    let facts: Vec<alerts::Facts<'_>> = table
        .columns()
        .iter()
        .zip(&columns)
        .zip(&sketches.columns)
        .map(|((column, profile), (_, sketch))| alerts::Facts { column, profile, sketch })
        .collect();
    let found = alerts::find(table, &facts, options.target.as_deref(), ctx);
    let record = TableProfile {
        n_rows: table.n_rows(),
        n_duplicate_rows: found.n_duplicate_rows,
        size_bytes: table.wide_bytes(),
        columns,
        n_left_out: 0,
        alerts: found.alerts,
    };
    Ok(Profile { record, sketches, schema })
}

/// The reader's fields with kinds as decided, in the table's order.
fn decided_schema(table: &Table, input: &Schema, columns: &[ColumnProfile]) -> Schema {
    let plain = table.storage_schema();
    let field = |(plain, profile): (&Field, &ColumnProfile)| {
        let mut field = input.field(&plain.name).unwrap_or(plain).clone();
        field.storage = plain.storage;
        field.kind = profile.kind.kind;
        field.optional = profile.n_missing > 0;
        field
    };
    Schema { fields: plain.fields.iter().zip(columns).map(field).collect() }
}
