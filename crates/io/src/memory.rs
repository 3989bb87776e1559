//! Tables that another program holds in memory: what they are is found out as of a file.
//!
//! A binding makes columns of what it was given, by a [`crate::Builder`], [`columns_of_batches`]
//! or directly; [`table_in_memory`] then decides or conforms them by the same rules as every typed
//! format. The [`fingerprint`] stands for the hash of a file: equal tables have equal ones,
//! whatever program held them.

use arrow_array::RecordBatch;
use arrow_schema::{ArrowError, SchemaRef};
use modelwright_core::data::{Column, ColumnData, Schema, Table};
use modelwright_core::record::DataSource;
use modelwright_core::{Context, Error, Result};
use rayon::prelude::*;
use sha2::{Digest, Sha256};

use crate::arrow::{is_flat, push_array};
use crate::conform::conform;
use crate::hash::hex;
use crate::options::ReadOptions;
use crate::read::{TableFile, choose};
use crate::typed::{Builder, decide_data};

/// Bytes that are hashed at a time.
const HASH_BLOCK_BYTES: usize = 64 << 10;

/// The columns of Arrow batches, as they are; nested and binary ones are left out with a note.
///
/// # Errors
/// Input error when a batch cannot be read.
pub fn columns_of_batches(
    schema: &SchemaRef,
    batches: impl Iterator<Item = std::result::Result<RecordBatch, ArrowError>>,
    notes: &mut Vec<String>,
    ctx: &Context,
) -> Result<Vec<Column>> {
    let mut places = Vec::new();
    for (position, field) in schema.fields().iter().enumerate() {
        if is_flat(field.data_type()) {
            places.push(position);
        } else {
            let name = field.name();
            notes.push(format!("column `{name}` holds nested or binary values and is left out"));
        }
    }
    let mut builders: Vec<Builder> = places.iter().map(|_| Builder::new(0)).collect();
    for batch in batches {
        let batch = batch.map_err(|e| Error::input("the Arrow data cannot be read").because(e))?;
        ctx.install(|| {
            let pairs = builders.par_iter_mut().zip(&places);
            pairs.for_each(|(builder, place)| push_array(builder, batch.column(*place)));
        });
    }
    let named = places.iter().zip(builders);
    let column = |(place, builder): (&usize, Builder)| Column {
        name: schema.field(*place).name().clone(),
        data: builder.into_data(),
    };
    Ok(named.map(column).collect())
}

/// A table of columns, read as `options` say; `name` and `format` are what the record calls it,
/// and its hash is left empty.
///
/// # Errors
/// Input error when columns differ in length, have the same name, or hold a value that does not
/// fit the schema in `options`.
pub fn table_in_memory(
    columns: Vec<Column>,
    (name, format): (&str, &str),
    mut notes: Vec<String>,
    options: &ReadOptions,
    ctx: &Context,
) -> Result<TableFile> {
    // Proved before columns of equal names could be taken for each other.
    let table = Table::new(columns)?;
    let wanted = |c: &Column| options.schema.as_ref().is_none_or(|s| s.field(&c.name).is_some());
    let columns: Vec<Column> = table.into_columns().into_iter().filter(wanted).collect();
    let decide = |c: Column| {
        let decided = decide_data(c.data, &c.name, options.schema.as_ref());
        (c.name, decided)
    };
    let decided = ctx.install(|| columns.into_par_iter().map(decide).collect());
    let (columns, schema) = choose(decided, options, &mut notes)?;
    let table = Table::new(columns)?;
    let source = DataSource {
        name: name.to_owned(),
        format: format.to_owned(),
        n_rows: table.n_rows(),
        n_columns: table.n_columns(),
        notes,
        ..DataSource::default()
    };
    Ok(TableFile { table, schema, source })
}

/// The columns of `schema` among some columns, in its order and storage, without more ado: for few
/// rows that must be ready soon.
///
/// # Errors
/// Input error when columns differ in length or hold a value that does not fit the schema.
pub fn conform_in_memory(columns: Vec<Column>, schema: &Schema) -> Result<Table> {
    Table::new(conform(columns, schema, 0)?)
}

/// SHA-256 of a table's names and values: of each column, and of those in their order.
pub fn fingerprint(table: &Table, ctx: &Context) -> String {
    let columns = table.columns();
    let mut whole = Sha256::new();
    for of_column in ctx.map(columns.len(), |i| hash_of_column(&columns[i])) {
        whole.update(of_column);
    }
    hex(&whole.finalize())
}

fn hash_of_column(column: &Column) -> [u8; 32] {
    let mut sha = Sha256::new();
    text(&mut sha, &column.name);
    match &column.data {
        ColumnData::Number(values) => {
            sha.update(b"number");
            blocks(&mut sha, values.iter(), f64::to_le_bytes);
        }
        ColumnData::Instant(values) => {
            sha.update(b"instant");
            blocks(&mut sha, values.iter().copied(), i64::to_le_bytes);
        }
        ColumnData::String { codes, dictionary } => {
            sha.update(b"string");
            dictionary.iter().for_each(|entry| text(&mut sha, entry));
            blocks(&mut sha, codes.iter().copied(), u32::to_le_bytes);
        }
    }
    sha.finalize().into()
}

/// A text behind its length, so that two texts never run together.
fn text(sha: &mut Sha256, text: &str) {
    sha.update((text.len() as u64).to_le_bytes());
    sha.update(text.as_bytes());
}

fn blocks<T, const N: usize>(
    sha: &mut Sha256,
    values: impl Iterator<Item = T>,
    bytes: fn(T) -> [u8; N],
) {
    let mut block = Vec::with_capacity(HASH_BLOCK_BYTES);
    values.for_each(|value| {
        if block.len() + N > HASH_BLOCK_BYTES {
            sha.update(&block);
            block.clear();
        }
        block.extend_from_slice(&bytes(value));
    });
    sha.update(&block);
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{ArrayRef, Float32Array, Float64Array, StringArray};
    use modelwright_core::data::{Field, Kind, Storage};

    use super::*;

    fn table(columns: Vec<Column>, options: &ReadOptions) -> Result<TableFile> {
        let ctx = Context::unlimited(0, 2);
        table_in_memory(columns, ("frame", "pandas"), Vec::new(), options, &ctx)
    }

    #[test]
    fn strings_that_are_all_numbers_are_numbers_as_in_every_format() {
        let texts = Column::strings("n", [Some("1"), None, Some("2.5")]);
        let file = table(vec![texts], &ReadOptions::default()).unwrap();
        let ColumnData::Number(values) = &file.table.columns()[0].data else { panic!() };
        assert!(values.at(0) == 1.0 && values.at(1).is_nan() && values.at(2) == 2.5);
        assert_eq!((file.source.n_rows, file.source.format.as_str()), (3, "pandas"));
    }

    #[test]
    fn a_schema_is_kept_to_and_equal_names_are_refused() {
        let schema = Schema { fields: vec![Field::new("n", Storage::Number, Kind::Number)] };
        let options = ReadOptions { schema: Some(schema), ..ReadOptions::default() };
        let extra = Column::strings("x", [Some("a")]);
        let file = table(vec![extra, Column::strings("n", [Some("7")])], &options).unwrap();
        assert_eq!(file.table.columns(), [Column::numbers("n", vec![7.0])]);
        let error = table(vec![Column::strings("n", [Some("seven")])], &options).unwrap_err();
        assert_eq!(error.place().column.as_deref(), Some("n"));
        let twice = vec![Column::numbers("n", vec![1.0]), Column::numbers("n", vec![2.0])];
        assert!(table(twice, &options).is_err());
    }

    #[test]
    fn categories_that_read_as_numbers_are_the_same_alone_and_among_others() {
        let schema = Schema { fields: vec![Field::new("c", Storage::String, Kind::Category)] };
        let options = ReadOptions { schema: Some(schema), ..ReadOptions::default() };
        for name in ["1e3", "007", " 12 ", "2024-01-31"] {
            let alone = table(vec![Column::strings("c", [Some(name)])], &options).unwrap();
            let among = Column::strings("c", [Some(name), Some("a")]);
            let among = table(vec![among], &options).unwrap();
            let text = |file: &TableFile| file.table.columns()[0].text(0).map(str::to_owned);
            assert_eq!(text(&alone).as_deref(), Some(name));
            assert_eq!(text(&alone), text(&among));
        }
    }

    #[test]
    fn batches_become_columns_and_bytes_are_left_out() {
        let numbers: ArrayRef = Arc::new(Float64Array::from(vec![Some(1.0), None]));
        let texts: ArrayRef = Arc::new(StringArray::from(vec![Some("a"), Some(" ")]));
        let bytes: ArrayRef = Arc::new(arrow_array::BinaryArray::from(vec![&b"x"[..], b"y"]));
        let batch =
            RecordBatch::try_from_iter([("n", numbers), ("t", texts), ("b", bytes)]).unwrap();
        let mut notes = Vec::new();
        let twice = [Ok(batch.clone()), Ok(batch.clone())].into_iter();
        let ctx = Context::unlimited(0, 2);
        let columns = columns_of_batches(&batch.schema(), twice, &mut notes, &ctx).unwrap();
        assert_eq!(columns[1], Column::strings("t", [Some("a"), None, Some("a"), None]));
        assert_eq!((columns.len(), columns[0].n_rows(), notes.len()), (2, 4, 1));
    }

    #[test]
    fn a_fingerprint_changes_with_every_name_and_value() {
        let ctx = Context::unlimited(0, 2);
        let of = |columns: Vec<Column>| fingerprint(&Table::new(columns).unwrap(), &ctx);
        let one = || Column::numbers("a", vec![1.0, 2.0]);
        let base = of(vec![one(), Column::strings("b", [Some("x"), None])]);
        assert_eq!(base, of(vec![one(), Column::strings("b", [Some("x"), None])]));
        for other in [
            vec![one(), Column::strings("b", [Some("x"), Some("x")])],
            vec![one(), Column::strings("c", [Some("x"), None])],
            vec![Column::numbers("a", vec![1.0, 3.0]), Column::strings("b", [Some("x"), None])],
            vec![one()],
        ] {
            assert_ne!(base, of(other));
        }
        // More than one block, of either width.
        let many: Vec<f32> =
            (0..40_000).map(|i| if i % 7 == 0 { f32::NAN } else { i as f32 / 7.0 }).collect();
        let wide: Vec<f64> = many.iter().map(|v| f64::from(*v)).collect();
        let narrow = of(vec![Column::numbers("a", many)]);
        assert_eq!(narrow, of(vec![Column::numbers("a", wide)]));
    }

    #[test]
    fn numbers_of_a_stream_keep_their_width() {
        let narrow: ArrayRef = Arc::new(Float32Array::from(vec![Some(0.1_f32), None]));
        let batch = RecordBatch::try_from_iter([("n", narrow)]).unwrap();
        let twice = [Ok(batch.clone()), Ok(batch.clone())].into_iter();
        let ctx = Context::unlimited(0, 2);
        let columns = columns_of_batches(&batch.schema(), twice, &mut Vec::new(), &ctx).unwrap();
        let ColumnData::Number(values) = &columns[0].data else { panic!("no numbers") };
        assert!(values.is_narrow() && values.len() == 4);
        assert_eq!(values.at(2), f64::from(0.1_f32));
    }
}
