//! What the values of a Parquet column are, and one column's values into a builder.
//!
//! The physical type says how values are stored, the logical type (or, in old files, the
//! converted type) what they mean. Only flat columns are read: lists, maps and structs are no
//! columns of a table.

use modelwright_core::data::{MISSING_CODE, instant_text};
use parquet::basic::{ConvertedType, LogicalType, TimeUnit, Type as Physical};
use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::{ByteArray, ByteArrayType, DataType, Int96};
use parquet::errors::Result;
use parquet::schema::types::ColumnDescriptor;

use crate::hash::hex;
use crate::typed::{Builder, Real};

/// How many values are decoded at a time.
const N_BATCH: usize = 4096;

/// Days from the Julian epoch of INT96 to 1970-01-01.
const JULIAN_1970: i64 = 2_440_588;

const MICROS_PER_DAY: i64 = 86_400_000_000;

/// What the values of a flat column are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Leaf {
    Boolean,
    Integer {
        is_signed: bool,
    },
    Decimal {
        scale: i32,
    },
    Float,
    Half,
    Date,
    /// Micros are `value × multiply ÷ divide`.
    Timestamp {
        multiply: i64,
        divide: i64,
    },
    /// A time of day; micros as above.
    Time {
        multiply: i64,
        divide: i64,
    },
    JulianNanos,
    /// A span of time in so many parts of a second; only Arrow's schema beside Parquet's tells.
    Duration {
        per_second: i64,
    },
    /// Text, if all bytes are UTF-8.
    Text {
        is_annotated: bool,
    },
    Uuid,
    /// Nothing but missing values.
    Null,
}

impl Leaf {
    /// Whether values become numbers or instants, which take eight bytes each.
    pub(crate) fn is_numeric(self) -> bool {
        !matches!(self, Self::Boolean | Self::Time { .. } | Self::Text { .. } | Self::Uuid)
    }

    /// What a flat column holds; `None` for what cannot be a column of a table.
    pub(crate) fn of(column: &ColumnDescriptor) -> Option<Self> {
        if column.max_rep_level() > 0 || column.path().parts().len() > 1 {
            return None;
        }
        let scale = column.type_scale();
        let by_logical = match column.logical_type_ref() {
            Some(LogicalType::Decimal(d)) => Some(Self::Decimal { scale: d.scale }),
            Some(LogicalType::Date) => Some(Self::Date),
            Some(LogicalType::Time(t)) => {
                let (multiply, divide) = scale_of(t.unit);
                Some(Self::Time { multiply, divide })
            }
            Some(LogicalType::Timestamp(t)) => {
                let (multiply, divide) = scale_of(t.unit);
                Some(Self::Timestamp { multiply, divide })
            }
            Some(LogicalType::Integer(i)) => Some(Self::Integer { is_signed: i.is_signed }),
            Some(LogicalType::Unknown) => Some(Self::Null),
            Some(LogicalType::String | LogicalType::Enum | LogicalType::Json) => {
                Some(Self::Text { is_annotated: true })
            }
            Some(LogicalType::Uuid) => Some(Self::Uuid),
            Some(LogicalType::Float16) => Some(Self::Half),
            Some(_) => return None,
            None => None,
        };
        let millis = (1000, 1);
        let micros = (1, 1);
        by_logical.or(match column.converted_type() {
            ConvertedType::UTF8 | ConvertedType::ENUM | ConvertedType::JSON => {
                Some(Self::Text { is_annotated: true })
            }
            ConvertedType::DECIMAL => Some(Self::Decimal { scale }),
            ConvertedType::DATE => Some(Self::Date),
            ConvertedType::TIME_MILLIS => Some(Self::Time { multiply: millis.0, divide: 1 }),
            ConvertedType::TIME_MICROS => Some(Self::Time { multiply: micros.0, divide: 1 }),
            ConvertedType::TIMESTAMP_MILLIS => {
                Some(Self::Timestamp { multiply: millis.0, divide: 1 })
            }
            ConvertedType::TIMESTAMP_MICROS => {
                Some(Self::Timestamp { multiply: micros.0, divide: 1 })
            }
            ConvertedType::UINT_8
            | ConvertedType::UINT_16
            | ConvertedType::UINT_32
            | ConvertedType::UINT_64 => Some(Self::Integer { is_signed: false }),
            ConvertedType::BSON | ConvertedType::INTERVAL => None,
            _ => match column.physical_type() {
                Physical::BOOLEAN => Some(Self::Boolean),
                Physical::INT32 | Physical::INT64 => Some(Self::Integer { is_signed: true }),
                Physical::INT96 => Some(Self::JulianNanos),
                Physical::FLOAT | Physical::DOUBLE => Some(Self::Float),
                Physical::BYTE_ARRAY => Some(Self::Text { is_annotated: false }),
                Physical::FIXED_LEN_BYTE_ARRAY => None,
            },
        })
    }
}

fn scale_of(unit: TimeUnit) -> (i64, i64) {
    match unit {
        TimeUnit::MILLIS => (1000, 1),
        TimeUnit::MICROS => (1, 1),
        TimeUnit::NANOS => (1, 1000),
    }
}

/// Passes over values of a column chunk, by whole pages where it can.
pub(crate) fn skip_values(reader: &mut ColumnReader, n_rows: usize) -> Result<usize> {
    match reader {
        ColumnReader::BoolColumnReader(r) => r.skip_records(n_rows),
        ColumnReader::Int32ColumnReader(r) => r.skip_records(n_rows),
        ColumnReader::Int64ColumnReader(r) => r.skip_records(n_rows),
        ColumnReader::Int96ColumnReader(r) => r.skip_records(n_rows),
        ColumnReader::FloatColumnReader(r) => r.skip_records(n_rows),
        ColumnReader::DoubleColumnReader(r) => r.skip_records(n_rows),
        ColumnReader::ByteArrayColumnReader(r) => r.skip_records(n_rows),
        ColumnReader::FixedLenByteArrayColumnReader(r) => r.skip_records(n_rows),
    }
}

/// Adds those of the next `n_rows` values of a column chunk to a builder that `keep` wants, by
/// their number from 0; returns how many there were, and false when the bytes are no text.
pub(crate) fn read_values(
    reader: &mut ColumnReader,
    leaf: Leaf,
    is_nullable: bool,
    n_rows: usize,
    keep: impl Fn(usize) -> bool,
    builder: &mut Builder,
) -> Result<(usize, bool)> {
    let mut is_text = true;
    let n = match reader {
        ColumnReader::BoolColumnReader(r) => drain(r, is_nullable, n_rows, &keep, |v| match v {
            Some(v) => builder.push_text(if *v { "true" } else { "false" }),
            None => builder.push_missing(),
        }),
        ColumnReader::Int32ColumnReader(r) => drain(r, is_nullable, n_rows, &keep, |v| match v {
            Some(v) => push_whole(builder, leaf, i64::from(*v), i64::from(*v as u32)),
            None => builder.push_missing(),
        }),
        ColumnReader::Int64ColumnReader(r) => drain(r, is_nullable, n_rows, &keep, |v| match v {
            Some(v) if leaf == (Leaf::Integer { is_signed: false }) => {
                builder.push_integer(i128::from(*v as u64));
            }
            Some(v) => push_whole(builder, leaf, *v, *v),
            None => builder.push_missing(),
        }),
        ColumnReader::Int96ColumnReader(r) => drain(r, is_nullable, n_rows, &keep, |v| match v {
            Some(v) => builder.push_instant(julian_micros(v)),
            None => builder.push_missing(),
        }),
        ColumnReader::FloatColumnReader(r) => drain(r, is_nullable, n_rows, &keep, |v| match v {
            Some(v) => builder.push_narrow(*v),
            None => builder.push_missing(),
        }),
        ColumnReader::DoubleColumnReader(r) => drain(r, is_nullable, n_rows, &keep, |v| match v {
            Some(v) => builder.push_number(*v),
            None => builder.push_missing(),
        }),
        ColumnReader::ByteArrayColumnReader(r) => {
            drain(r, is_nullable, n_rows, &keep, |v| match v {
                Some(v) => is_text &= push_bytes(builder, leaf, v),
                None => builder.push_missing(),
            })
        }
        ColumnReader::FixedLenByteArrayColumnReader(r) => {
            drain(r, is_nullable, n_rows, &keep, |v| match v {
                Some(v) => is_text &= push_bytes(builder, leaf, v),
                None => builder.push_missing(),
            })
        }
    }?;
    Ok((n, is_text))
}

/// Adds all of the next `n_rows` values of a column chunk to a builder; else like [`read_values`].
pub(crate) fn read_all_values(
    reader: &mut ColumnReader,
    leaf: Leaf,
    is_nullable: bool,
    n_rows: usize,
    builder: &mut Builder,
) -> Result<(usize, bool)> {
    match reader {
        ColumnReader::DoubleColumnReader(r) => {
            Ok((drain_numbers(r, is_nullable, n_rows, |v| *v, builder)?, true))
        }
        ColumnReader::FloatColumnReader(r) => {
            Ok((drain_numbers(r, is_nullable, n_rows, |v| *v, builder)?, true))
        }
        ColumnReader::Int32ColumnReader(r) if leaf == (Leaf::Integer { is_signed: true }) => {
            Ok((drain_numbers(r, is_nullable, n_rows, |v| f64::from(*v), builder)?, true))
        }
        ColumnReader::ByteArrayColumnReader(r) if matches!(leaf, Leaf::Text { .. }) => {
            drain_texts(r, leaf, is_nullable, n_rows, builder)
        }
        reader => read_values(reader, leaf, is_nullable, n_rows, |_| true, builder),
    }
}

/// Reads the next values, of at most `n_left` rows, and of a column that may miss some which rows
/// have one; returns the number of rows.
fn next_batch<T: DataType>(
    reader: &mut ColumnReaderImpl<T>,
    is_nullable: bool,
    n_left: usize,
    (levels, values): (&mut Vec<i16>, &mut Vec<T::T>),
) -> Result<usize> {
    levels.clear();
    values.clear();
    let level_sink = is_nullable.then_some(levels);
    Ok(reader.read_records(N_BATCH.min(n_left), level_sink, None, values)?.0)
}

/// Adds numbers by whole batches where none of them is missing.
fn drain_numbers<T: DataType, N: Real>(
    reader: &mut ColumnReaderImpl<T>,
    is_nullable: bool,
    n_rows: usize,
    number: impl Fn(&T::T) -> N + Copy,
    builder: &mut Builder,
) -> Result<usize> {
    let (mut levels, mut values) = (Vec::new(), Vec::new());
    let mut n_read = 0;
    while n_read < n_rows {
        let n = next_batch(reader, is_nullable, n_rows - n_read, (&mut levels, &mut values))?;
        if n == 0 {
            break;
        }
        if values.len() == n {
            N::push_all(builder, values.iter().map(number));
        } else {
            let mut present = values.iter();
            for level in &levels {
                match if *level > 0 { present.next() } else { None } {
                    Some(value) => number(value).push(builder),
                    None => builder.push_missing(),
                }
            }
        }
        n_read += n;
    }
    Ok(n_read)
}

/// Adds texts; false when bytes are none. Values of a dictionary that come again are known by where
/// they lie, so that a text is looked at once in a batch, and not once in each row.
fn drain_texts(
    reader: &mut ColumnReaderImpl<ByteArrayType>,
    leaf: Leaf,
    is_nullable: bool,
    n_rows: usize,
    builder: &mut Builder,
) -> Result<(usize, bool)> {
    let (mut levels, mut values) = (Vec::new(), Vec::new());
    let (mut n_read, mut is_text) = (0, true);
    while n_read < n_rows {
        let n = next_batch(reader, is_nullable, n_rows - n_read, (&mut levels, &mut values))?;
        if n == 0 {
            break;
        }
        // Of this batch alone: its values keep the bytes where they are.
        let mut seen = SeenTexts::default();
        let mut push = |value: &ByteArray, builder: &mut Builder| {
            let bytes = value.data();
            if let Some(code) = seen.code(bytes) {
                builder.push_code(code);
                return;
            }
            is_text &= push_bytes(builder, leaf, value);
            seen.note(bytes, builder.last_code());
        };
        if values.len() == n {
            for value in &values {
                push(value, builder);
            }
        } else {
            let mut present = values.iter();
            for level in &levels {
                match if *level > 0 { present.next() } else { None } {
                    Some(value) => push(value, builder),
                    None => builder.push_missing(),
                }
            }
        }
        n_read += n;
    }
    Ok((n_read, is_text))
}

/// Texts by where their bytes lie, and the codes that they got.
struct SeenTexts([(*const u8, usize, u32); SEEN_SLOTS]);

/// Slots for texts that were seen; one that comes later takes the place of another.
const SEEN_SLOTS: usize = 256;

impl Default for SeenTexts {
    fn default() -> Self {
        Self([(std::ptr::null(), 0, MISSING_CODE); SEEN_SLOTS])
    }
}

impl SeenTexts {
    /// Fibonacci hashing: texts of a dictionary lie behind each other, at any distance.
    fn slot(bytes: &[u8]) -> usize {
        let hash = (bytes.as_ptr() as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        (hash >> (u64::BITS - SEEN_SLOTS.ilog2())) as usize
    }

    fn code(&self, bytes: &[u8]) -> Option<u32> {
        let (start, n_bytes, code) = self.0[Self::slot(bytes)];
        (std::ptr::eq(start, bytes.as_ptr()) && n_bytes == bytes.len()).then_some(code)
    }

    /// Keeps the code of a text; none where it was not held as a code.
    fn note(&mut self, bytes: &[u8], code: Option<u32>) {
        if let Some(code) = code {
            self.0[Self::slot(bytes)] = (bytes.as_ptr(), bytes.len(), code);
        }
    }
}

fn drain<T: DataType>(
    reader: &mut ColumnReaderImpl<T>,
    is_nullable: bool,
    n_rows: usize,
    keep: impl Fn(usize) -> bool,
    mut push: impl FnMut(Option<&T::T>),
) -> Result<usize> {
    let (mut levels, mut values) = (Vec::new(), Vec::new());
    let mut n_read = 0;
    while n_read < n_rows {
        let n = next_batch(reader, is_nullable, n_rows - n_read, (&mut levels, &mut values))?;
        if n == 0 {
            break;
        }
        if is_nullable {
            let mut present = values.iter();
            for (i, level) in levels.iter().enumerate() {
                let value = if *level > 0 { present.next() } else { None };
                if keep(n_read + i) {
                    push(value);
                }
            }
        } else {
            for (i, value) in values.iter().enumerate() {
                if keep(n_read + i) {
                    push(Some(value));
                }
            }
        }
        n_read += n;
    }
    Ok(n_read)
}

fn push_whole(builder: &mut Builder, leaf: Leaf, signed: i64, unsigned: i64) {
    match leaf {
        Leaf::Integer { is_signed: false } => builder.push_integer(i128::from(unsigned)),
        Leaf::Decimal { scale } => push_decimal(builder, i128::from(signed), scale),
        Leaf::Date => builder.push_instant(signed.saturating_mul(MICROS_PER_DAY)),
        Leaf::Timestamp { multiply, divide } => {
            builder.push_instant(signed.saturating_mul(multiply).div_euclid(divide));
        }
        Leaf::Time { multiply, divide } => {
            push_time(builder, signed.saturating_mul(multiply).div_euclid(divide));
        }
        // Seconds, as spans of time are in tables from memory.
        Leaf::Duration { per_second } => builder.push_number(signed as f64 / per_second as f64),
        Leaf::Null => builder.push_missing(),
        _ => builder.push_integer(i128::from(signed)),
    }
}

/// A decimal; whole ones follow the rule of whole numbers, others round to the nearest f64.
pub(crate) fn push_decimal(builder: &mut Builder, unscaled: i128, scale: i32) {
    if scale == 0 {
        return builder.push_integer(unscaled);
    }
    // Through text, so that rounding is the one of reading the decimal from a CSV.
    let text = format!("{unscaled}e{}", -i64::from(scale));
    builder.push_number(fast_float2::parse(text).unwrap_or(f64::NAN));
}

/// A time of day, as text: it is no instant.
pub(crate) fn push_time(builder: &mut Builder, micros: i64) {
    let text = instant_text(micros.rem_euclid(MICROS_PER_DAY));
    let time = text.split_once('T').map_or("00:00:00", |(_, time)| time.trim_end_matches('Z'));
    builder.push_text(time);
}

fn julian_micros(value: &Int96) -> i64 {
    let [low, high, day] = value.data() else { return 0 };
    let nanos = (i64::from(*high) << 32) | i64::from(*low);
    (i64::from(*day) - JULIAN_1970) * MICROS_PER_DAY + nanos.div_euclid(1000)
}

fn push_bytes(builder: &mut Builder, leaf: Leaf, value: &ByteArray) -> bool {
    let bytes = value.data();
    match leaf {
        Leaf::Decimal { scale } if bytes.len() <= 16 => {
            let sign = if bytes.first().is_some_and(|b| *b >= 128) { 0xff } else { 0 };
            let mut wide = [sign; 16];
            wide[16 - bytes.len()..].copy_from_slice(bytes);
            push_decimal(builder, i128::from_be_bytes(wide), scale);
        }
        Leaf::Decimal { scale } => builder.push_number(wide_decimal(bytes, scale)),
        Leaf::Half => match bytes {
            [low, high] => builder.push_number(half(u16::from_le_bytes([*low, *high]))),
            _ => builder.push_missing(),
        },
        Leaf::Uuid => builder.push_text(&hex(bytes)),
        Leaf::Null => builder.push_missing(),
        Leaf::Text { is_annotated } => match std::str::from_utf8(bytes) {
            Ok(text) => builder.push_text(text),
            Err(_) if is_annotated => builder.push_text(&String::from_utf8_lossy(bytes)),
            Err(_) => {
                builder.push_missing();
                return false;
            }
        },
        _ => return false,
    }
    true
}

/// A decimal of more than 16 bytes (two's complement, high byte first), to f64's precision.
fn wide_decimal(bytes: &[u8], scale: i32) -> f64 {
    let start = if bytes[0] >= 128 { -1.0 } else { 0.0 };
    let unscaled = bytes.iter().fold(start, |sum, b| sum * 256.0 + f64::from(*b));
    unscaled / 10_f64.powi(scale)
}

/// IEEE 754 half precision.
pub(crate) fn half(bits: u16) -> f64 {
    let sign = if bits >> 15 == 1 { -1.0 } else { 1.0 };
    let (exponent, fraction) = (i32::from(bits >> 10 & 31), f64::from(bits & 1023));
    sign * match exponent {
        0 => fraction * 2_f64.powi(-24),
        31 if fraction == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        _ => (1.0 + fraction / 1024.0) * 2_f64.powi(exponent - 15),
    }
}
