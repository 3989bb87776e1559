//! Spans of time in Parquet: the format knows none. Writers of Arrow's family store them as whole
//! numbers and say what they are in Arrow's own schema, which they put beside the file's.

use std::collections::HashMap;

use arrow_ipc::convert::try_fb_to_schema;
use arrow_schema::{DataType, TimeUnit};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use parquet::file::metadata::FileMetaData;

/// Where Arrow's schema is.
const KEY: &str = "ARROW:schema";

/// What an encapsulated message begins with, before the length of its header.
const CONTINUATION: [u8; 4] = [0xff; 4];

/// The columns that hold spans of time, with the parts of a second that they are counted in.
///
/// A schema that cannot be read says nothing: the columns are then the numbers that they are.
pub(super) fn per_second(file: &FileMetaData) -> HashMap<String, i64> {
    let text = file
        .key_value_metadata()
        .and_then(|all| all.iter().find(|entry| entry.key == KEY))
        .and_then(|entry| entry.value.as_deref());
    text.and_then(read).unwrap_or_default()
}

fn read(text: &str) -> Option<HashMap<String, i64>> {
    let bytes = STANDARD.decode(text).ok()?;
    let header = match bytes.strip_prefix(&CONTINUATION) {
        Some(rest) => rest.get(4..)?,
        None => bytes.get(4..)?,
    };
    let message = arrow_ipc::root_as_message(header).ok()?;
    let schema = try_fb_to_schema(message.header_as_schema()?).ok()?;
    let unit = |unit: &TimeUnit| match unit {
        TimeUnit::Second => 1,
        TimeUnit::Millisecond => 1_000,
        TimeUnit::Microsecond => 1_000_000,
        TimeUnit::Nanosecond => 1_000_000_000,
    };
    let spans = schema.fields().iter().filter_map(|field| match field.data_type() {
        DataType::Duration(of) => Some((field.name().clone(), unit(of))),
        _ => None,
    });
    Some(spans.collect())
}
