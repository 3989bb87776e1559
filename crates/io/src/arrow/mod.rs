//! Arrow IPC to a table: files (also Feather version 2) and streams.
//!
//! Batches are read one after the other; the columns of each are taken over in parallel. Lists,
//! maps, structs, unions and raw bytes are no columns of a table and are left out with a note.

mod limits;
mod messages;
mod pass;
pub(crate) mod stream;

use std::io::{BufReader, Cursor, Read};
use std::panic::{AssertUnwindSafe, catch_unwind};

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Date64Type, Decimal32Type, Decimal64Type, Decimal128Type, DurationMicrosecondType,
    DurationMillisecondType, DurationNanosecondType, DurationSecondType, Float16Type, Float32Type,
    Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, Time32MillisecondType,
    Time32SecondType, Time64MicrosecondType, Time64NanosecondType, TimestampMicrosecondType,
    TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType, UInt8Type, UInt16Type,
    UInt32Type, UInt64Type,
};
use arrow_array::{Array, ArrowPrimitiveType, RecordBatch};
use arrow_ipc::reader::{FileReader, StreamReader};
use arrow_schema::{ArrowError, DataType, SchemaRef, TimeUnit};
use modelwright_core::data::ColumnData;
use modelwright_core::record::DataSource;
use modelwright_core::{Context, Error, Result};
use rayon::prelude::*;

use self::limits::Messages;
use self::messages::Checked;
use self::pass::pass;
use crate::csv::repair_names;
use crate::options::ReadOptions;
use crate::parquet::{push_decimal, push_time};
use crate::read::{Parts, choose};
use crate::source::{Opened, ReadSeek, Source};
use crate::typed::Builder;
use crate::watch::{Watch, size};

const MICROS_PER_DAY: i64 = 86_400_000_000;

/// Reads a whole Arrow file or stream, or as many of its rows as there is room for.
pub(crate) fn read<'a>(
    source: &Source<'a>,
    opened: Opened<'a>,
    options: &ReadOptions,
    ctx: &Context,
) -> Result<Parts> {
    let (hash, compression) = (opened.hash.clone(), opened.compression);
    hash.mark(ctx);
    let mut watch = Watch::new(options, ctx);
    watch.can_skip = true;
    let mut opened = Some(opened);
    let (mut batches, builders, n_seen, mut notes) = loop {
        let this = match opened.take() {
            Some(opened) => opened,
            None => source.open()?,
        };
        let mut notes = Vec::new();
        let n_bytes_max = watch.room_bytes().map(|room| room / 3);
        let mut batches = open(source, this, options, n_bytes_max, &mut notes)?;
        watch.reserve(must_have_room(source, &batches.messages, watch.room_bytes())?);
        watch.begin_pass();
        if let Some((builders, n_seen)) = pass(source, &mut batches, options, &mut watch)? {
            break (batches, builders, n_seen, notes);
        }
    };
    let n_rows = builders.first().map_or(0, Builder::n_rows);
    if n_rows == 0 {
        return Err(Error::input("the file has no rows").at(source.shown()));
    }
    let names = std::mem::take(&mut batches.columns).into_iter().map(|(_, name)| name);
    drop(batches);
    let named: Vec<(String, Builder)> = names.zip(builders).collect();
    let decide = |(name, builder): (String, Builder)| {
        let decided = builder.decide(&name, options.schema.as_ref());
        (name, decided)
    };
    let decided = ctx.install(|| named.into_par_iter().map(decide).collect());
    let (columns, schema) =
        choose(decided, options, &mut notes).map_err(|e| e.at(source.shown()))?;
    let hashed = hash.finish(watch.deadline(), options.hash).map_err(|e| source.broken(e))?;
    let source = DataSource {
        name: source.name.clone(),
        format: "arrow".to_owned(),
        compression: compression.map(|c| c.name().to_owned()),
        sha256: hashed.sha256,
        n_bytes_hashed: hashed.n_bytes,
        n_rows,
        n_columns: columns.len(),
        notes,
        sample: watch.sample(n_rows as u64, n_seen),
        ..DataSource::default()
    };
    Ok(Parts { columns, schema, source })
}

/// The bytes that one batch takes while it is read: it comes as a whole, packed and unpacked.
fn must_have_room(
    source: &Source<'_>,
    messages: &Messages,
    room_bytes: Option<u64>,
) -> Result<u64> {
    let largest = messages.largest;
    match room_bytes {
        Some(room) if largest > room / 2 => {
            Err(Error::work("a batch of the file does not fit under the memory limit")
                .at(source.shown())
                .expected(format!("batches of at most {}", size(room / 2)))
                .got(size(largest))
                .hint("raise --memory, or write the file with smaller batches, e.g. 65,536 rows"))
        }
        _ => Ok(largest),
    }
}

/// The batches of a file or stream.
pub(crate) struct ArrowBatches {
    batches: Batches,
    /// Position and name of every column that is read.
    pub columns: Vec<(usize, String)>,
    /// The names of all columns.
    pub names: Vec<String>,
    messages: Messages,
}

impl ArrowBatches {
    /// Passes over the next batch, which has this index.
    fn pass_over(&mut self, source: &Source<'_>, index: u64) -> Result<()> {
        match &mut self.batches {
            Batches::File(reader) => {
                let next = index as usize + 1;
                // At the last batch there is nothing to go to.
                let _ = if next < reader.num_batches() { reader.set_index(next) } else { Ok(()) };
                Ok(())
            }
            Batches::Stream(_) => self.next_batch(source).map(|_| ()),
        }
    }

    /// The next batch; `None` at the end.
    pub(crate) fn next_batch(&mut self, source: &Source<'_>) -> Result<Option<RecordBatch>> {
        let next = || match &mut self.batches {
            Batches::File(reader) => reader.next().transpose(),
            Batches::Stream(reader) => reader.next().transpose(),
        };
        guard(next).map_err(|e| broken(source, e))
    }
}

fn broken(source: &Source<'_>, error: ArrowError) -> Error {
    let error = match error {
        ArrowError::IoError(_, cause) if cause.kind() == std::io::ErrorKind::FileTooLarge => {
            return source.broken(cause);
        }
        error => error,
    };
    Error::input("the Arrow file is broken or cut short")
        .at(source.shown())
        .because(error)
        .hint("copy or download it again")
}

/// Opens a source as Arrow; a plain file is read where it lies, all else from memory, which it may
/// take `n_bytes_max` of.
pub(crate) fn open(
    source: &Source<'_>,
    opened: Opened<'_>,
    options: &ReadOptions,
    n_bytes_max: Option<u64>,
    notes: &mut Vec<String>,
) -> Result<ArrowBatches> {
    let is_file = opened.head.starts_with(b"ARROW1");
    let started = if let (None, Some(file)) = (opened.compression, source.file()) {
        start(BufReader::new(file?), is_file)
    } else {
        start(Cursor::new(source.hold(opened.reader, n_bytes_max)?), is_file)
    };
    choose_columns(source, started.map_err(|e| broken(source, e))?, options, notes)
}

/// The same for who wants one batch after the other: a stream that is no plain file is read as it
/// comes, a message at a time, each of at most `n_bytes_max`.
pub(crate) fn open_in_parts(
    source: &Source<'static>,
    opened: Opened<'static>,
    options: &ReadOptions,
    n_bytes_max: Option<u64>,
    notes: &mut Vec<String>,
) -> Result<ArrowBatches> {
    let is_plain_file = opened.compression.is_none() && source.file().is_some();
    if is_plain_file || opened.head.starts_with(b"ARROW1") {
        return open(source, opened, options, n_bytes_max, notes);
    }
    let reader: Box<dyn Read + Send> = Box::new(Checked::new(opened.reader, n_bytes_max));
    let started = guard(move || {
        let reader = StreamReader::try_new(reader, None)?;
        Ok((Messages::default(), reader.schema(), Batches::Stream(Box::new(reader))))
    });
    choose_columns(source, started.map_err(|e| broken(source, e))?, options, notes)
}

/// The columns that are asked for.
fn choose_columns(
    source: &Source<'_>,
    (messages, schema, batches): Started,
    options: &ReadOptions,
    notes: &mut Vec<String>,
) -> Result<ArrowBatches> {
    let names: Vec<String> = schema.fields().iter().map(|f| f.name().clone()).collect();
    let names = repair_names(&names, notes);
    for wanted in options.columns.iter().flatten() {
        if !names.contains(wanted) {
            let error = Error::input("no such column").at(source.shown()).column(wanted);
            return Err(error.suggest(wanted, names.iter().map(String::as_str)));
        }
    }
    let mut columns = Vec::new();
    for (position, name) in names.iter().cloned().enumerate() {
        let is_wanted = options.columns.as_ref().is_none_or(|w| w.contains(&name))
            && options.schema.as_ref().is_none_or(|s| s.field(&name).is_some());
        if !is_flat(schema.field(position).data_type()) {
            notes.push(format!("column `{name}` holds nested or binary values and is left out"));
        } else if is_wanted {
            columns.push((position, name));
        }
    }
    Ok(ArrowBatches { batches, columns, names, messages })
}

enum Batches {
    File(Box<FileReader<Box<dyn ReadSeek>>>),
    Stream(Box<StreamReader<Box<dyn Read + Send>>>),
}

type Started = (Messages, SchemaRef, Batches);

fn start(
    reader: impl ReadSeek + 'static,
    is_file: bool,
) -> std::result::Result<Started, ArrowError> {
    let mut reader: Box<dyn ReadSeek> = Box::new(reader);
    guard(move || {
        let messages = limits::check(&mut reader, is_file)?;
        if is_file {
            let reader = FileReader::try_new(reader, None)?;
            Ok((messages, reader.schema(), Batches::File(Box::new(reader))))
        } else {
            let reader: Box<dyn Read + Send> = Box::new(reader);
            let reader = StreamReader::try_new(reader, None)?;
            Ok((messages, reader.schema(), Batches::Stream(Box::new(reader))))
        }
    })
}

/// Runs a decoder; a panic on broken bytes becomes an error.
fn guard<T>(
    work: impl FnOnce() -> std::result::Result<T, ArrowError>,
) -> std::result::Result<T, ArrowError> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| {
        Err(ArrowError::ParseError("the decoder found impossible values".to_owned()))
    })
}

/// Whether values of a type can be a column of a table.
pub(crate) fn is_flat(data_type: &DataType) -> bool {
    match data_type {
        DataType::Dictionary(_, values) => is_flat(values),
        DataType::Interval(_)
        | DataType::Binary
        | DataType::LargeBinary
        | DataType::BinaryView
        | DataType::FixedSizeBinary(_)
        | DataType::Struct(_)
        | DataType::Union(_, _)
        | DataType::Map(_, _)
        | DataType::RunEndEncoded(_, _) => false,
        other => !other.is_nested(),
    }
}

/// Adds the values of an array; its type must be flat.
pub(crate) fn push_array(builder: &mut Builder, array: &dyn Array) {
    let b = builder;
    match array.data_type() {
        DataType::Boolean => {
            for value in array.as_boolean() {
                match value {
                    Some(value) => b.push_text(if value { "true" } else { "false" }),
                    None => b.push_missing(),
                }
            }
        }
        DataType::Int8 => each::<Int8Type>(array, b, |b, v| b.push_integer(i128::from(v))),
        DataType::Int16 => each::<Int16Type>(array, b, |b, v| b.push_integer(i128::from(v))),
        DataType::Int32 => each::<Int32Type>(array, b, |b, v| b.push_integer(i128::from(v))),
        DataType::Int64 => each::<Int64Type>(array, b, |b, v| b.push_integer(i128::from(v))),
        DataType::UInt8 => each::<UInt8Type>(array, b, |b, v| b.push_integer(i128::from(v))),
        DataType::UInt16 => each::<UInt16Type>(array, b, |b, v| b.push_integer(i128::from(v))),
        DataType::UInt32 => each::<UInt32Type>(array, b, |b, v| b.push_integer(i128::from(v))),
        DataType::UInt64 => each::<UInt64Type>(array, b, |b, v| b.push_integer(i128::from(v))),
        DataType::Float16 => each::<Float16Type>(array, b, |b, v| b.push_number(v.to_f64())),
        DataType::Float32 => each::<Float32Type>(array, b, Builder::push_narrow),
        DataType::Float64 => each::<Float64Type>(array, b, Builder::push_number),
        DataType::Decimal32(_, s) => each::<Decimal32Type>(array, b, |b, v| {
            push_decimal(b, i128::from(v), i32::from(*s));
        }),
        DataType::Decimal64(_, s) => each::<Decimal64Type>(array, b, |b, v| {
            push_decimal(b, i128::from(v), i32::from(*s));
        }),
        DataType::Decimal128(_, s) => {
            each::<Decimal128Type>(array, b, |b, v| push_decimal(b, v, i32::from(*s)));
        }
        DataType::Utf8 => push_texts(b, array.as_string::<i32>().iter()),
        DataType::LargeUtf8 => push_texts(b, array.as_string::<i64>().iter()),
        DataType::Utf8View => push_texts(b, array.as_string_view().iter()),
        DataType::Date32 => {
            each::<Date32Type>(array, b, |b, v| b.push_instant(i64::from(v) * MICROS_PER_DAY));
        }
        DataType::Date64 => {
            each::<Date64Type>(array, b, |b, v| b.push_instant(v.saturating_mul(1000)));
        }
        DataType::Timestamp(unit, _) => push_timestamps(b, array, *unit),
        DataType::Time32(_) | DataType::Time64(_) | DataType::Duration(_) => push_times(b, array),
        DataType::Dictionary(_, _) => push_dictionary(b, array),
        // Null, and 256-bit decimals whose text is the only form they have here.
        DataType::Decimal256(_, _) => {
            let values = array.as_primitive::<arrow_array::types::Decimal256Type>();
            for row in 0..array.len() {
                match array.is_valid(row).then(|| values.value_as_string(row).parse::<f64>()) {
                    Some(Ok(value)) => b.push_number(value),
                    _ => b.push_missing(),
                }
            }
        }
        _ => (0..array.len()).for_each(|_| b.push_missing()),
    }
}

fn each<T: ArrowPrimitiveType>(
    array: &dyn Array,
    builder: &mut Builder,
    push: impl Fn(&mut Builder, T::Native),
) {
    for value in array.as_primitive::<T>() {
        match value {
            Some(value) => push(builder, value),
            None => builder.push_missing(),
        }
    }
}

fn push_texts<'a>(builder: &mut Builder, values: impl Iterator<Item = Option<&'a str>>) {
    for value in values {
        match value {
            Some(text) => builder.push_text(text),
            None => builder.push_missing(),
        }
    }
}

fn push_timestamps(b: &mut Builder, array: &dyn Array, unit: TimeUnit) {
    match unit {
        TimeUnit::Second => each::<TimestampSecondType>(array, b, |b, v| {
            b.push_instant(v.saturating_mul(1_000_000));
        }),
        TimeUnit::Millisecond => each::<TimestampMillisecondType>(array, b, |b, v| {
            b.push_instant(v.saturating_mul(1000));
        }),
        TimeUnit::Microsecond => {
            each::<TimestampMicrosecondType>(array, b, Builder::push_instant);
        }
        TimeUnit::Nanosecond => each::<TimestampNanosecondType>(array, b, |b, v| {
            b.push_instant(v.div_euclid(1000));
        }),
    }
}

/// Times of day as text, durations as seconds.
fn push_times(b: &mut Builder, array: &dyn Array) {
    use TimeUnit::{Microsecond, Millisecond, Nanosecond, Second};
    match array.data_type() {
        DataType::Time32(Second) => {
            each::<Time32SecondType>(array, b, |b, v| push_time(b, i64::from(v) * 1_000_000));
        }
        DataType::Time32(_) => {
            each::<Time32MillisecondType>(array, b, |b, v| push_time(b, i64::from(v) * 1000));
        }
        DataType::Time64(Nanosecond) => {
            each::<Time64NanosecondType>(array, b, |b, v| push_time(b, v.div_euclid(1000)));
        }
        DataType::Time64(_) => each::<Time64MicrosecondType>(array, b, push_time),
        DataType::Duration(Second) => {
            each::<DurationSecondType>(array, b, |b, v| b.push_number(v as f64));
        }
        DataType::Duration(Millisecond) => {
            each::<DurationMillisecondType>(array, b, |b, v| b.push_number(v as f64 / 1e3));
        }
        DataType::Duration(Microsecond) => {
            each::<DurationMicrosecondType>(array, b, |b, v| b.push_number(v as f64 / 1e6));
        }
        _ => each::<DurationNanosecondType>(array, b, |b, v| b.push_number(v as f64 / 1e9)),
    }
}

fn push_dictionary(builder: &mut Builder, array: &dyn Array) {
    let dictionary = array.as_any_dictionary();
    let keys = dictionary.keys();
    // An array of missing values only may have no values for its keys to point at.
    if dictionary.values().is_empty() {
        return (0..array.len()).for_each(|_| builder.push_missing());
    }
    let mut values = Builder::new(0);
    push_array(&mut values, dictionary.values());
    let values = values.into_data();
    for (row, key) in dictionary.normalized_keys().into_iter().enumerate() {
        if keys.is_null(row) {
            builder.push_missing();
            continue;
        }
        match &values {
            ColumnData::Number(v) if v.at(key).is_nan() => builder.push_missing(),
            ColumnData::Number(v) => match v.narrow() {
                Some(values) => builder.push_narrow(values[key]),
                None => builder.push_number(v.at(key)),
            },
            ColumnData::Instant(v) => builder.push_instant(v[key]),
            ColumnData::String { codes, dictionary } => match codes[key] {
                modelwright_core::data::MISSING_CODE => builder.push_missing(),
                code => builder.push_text(dictionary.get(code)),
            },
        }
    }
}
