//! Bytes to tables, and tables to bytes.
//!
//! [`read_path`] and [`read_bytes`] read a whole file into a [`TableFile`]: the values, what the
//! text said about them, and where they came from. Nothing has to be told: compression, format,
//! encoding, separators, header and the type of every column are found out by looking at all of
//! the file, and what was assumed is said in the source's notes.
//!
//! | part | does |
//! |---|---|
//! | `source` | opens files, undoes gzip and zstd, and refuses what is no table |
//! | `hash` | the hash of what is read |
//! | `encoding` | UTF-8, UTF-16, Windows-1252 |
//! | `cell` | one cell: missing, number, instant; and what a whole column is |
//! | `csv` | separated text: layout, records, parallel parsing |
//! | `json` | JSON Lines and arrays of objects |
//! | `arrow` | Arrow IPC |
//! | `parquet` | Parquet without Arrow |
//! | `sampling`, `watch` | which rows are read when memory or time is short |
//! | `typed` | columns of formats that bring their own types |
//! | `memory` | tables that another program holds in memory |
//! | `conform` | the columns that a schema asks for, strictly |
//! | `rows` | rows that arrive value by value, as a server gets them |
//!
//! [`stream_path`] gives a file of any size in parts, strictly by a schema, and [`TableWriter`]
//! writes tables in parts.
//!
//! This crate opens files for reading only; writers take any `impl Write`.

mod arrow;
mod cell;
mod conform;
mod csv;
mod encoding;
mod hash;
mod interner;
mod json;
mod memory;
mod options;
mod parquet;
mod pipeline;
mod read;
mod rows;
mod sampling;
mod source;
mod stream;
mod typed;
mod watch;
mod write;

pub use memory::{columns_of_batches, conform_in_memory, fingerprint, table_in_memory};
pub use options::{Encoding, Format, ReadOptions, Room};
pub use read::{TableFile, column_names, read_bytes, read_path};
pub use rows::{Cell, RowReader, Rows};
pub use stream::{Portions, TableStream, is_too_large, stream_file, stream_path, stream_reader};
pub use typed::Builder;
pub use write::TableWriter;
