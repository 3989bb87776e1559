//! What a caller may say about a file; everything else is found out by looking.

use modelwright_core::Error;
use modelwright_core::data::Schema;

/// How a table is to be read; the default finds everything out.
#[derive(Debug, Clone)]
pub struct ReadOptions {
    /// The format; `None` decides by the file's first bytes, then by its name.
    pub format: Option<Format>,
    /// The field separator of a CSV; `None` is sniffed from `,`, `;`, tab and `|`.
    pub delimiter: Option<u8>,
    /// Whether the first record of a CSV holds the names; `None` takes it so unless it clearly
    /// holds values.
    pub header: Option<bool>,
    /// The encoding of a text file; `None` is detected.
    pub encoding: Option<Encoding>,
    /// Read no more than this many rows.
    pub n_rows_max: Option<usize>,
    /// Read columns as this schema says, in its order: a cell that does not fit is an error,
    /// columns that it does not name are dropped, and columns that the file lacks are left out.
    pub schema: Option<Schema>,
    /// Read these columns only (in file order); a name that the file lacks is an error.
    pub columns: Option<Vec<String>>,
    /// How many bytes of text one worker parses at a time. Does not change the result.
    pub block_bytes: usize,
    /// What reading a whole table may take; `None` takes what it needs.
    pub room: Option<Room>,
}

/// What reading a whole table may take.
///
/// With a room, the reader also keeps to its context's deadline. A file that asks for more memory
/// or time is read as a sample of its rows; [`modelwright_core::record::Sample`] says which. The
/// decision goes through the context, so that a replay reads the same rows without looking at the
/// clock or the memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    /// Bytes for the table and for everything that is needed to read it.
    pub bytes: u64,
    /// A sample of fewer rows than this is of no use: such a file is refused.
    pub n_rows_min: u64,
}

impl Default for ReadOptions {
    fn default() -> Self {
        Self {
            format: None,
            delimiter: None,
            header: None,
            encoding: None,
            n_rows_max: None,
            schema: None,
            columns: None,
            block_bytes: 1 << 20,
            room: None,
        }
    }
}

/// The formats that can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Text with one record per line and separated fields.
    Csv,
    /// JSON: one object per line, or one array of objects.
    Json,
    /// Apache Parquet.
    Parquet,
    /// Apache Arrow IPC, file or stream (also Feather version 2).
    Arrow,
}

impl Format {
    /// All formats.
    pub const ALL: [Self; 4] = [Self::Csv, Self::Json, Self::Parquet, Self::Arrow];

    /// The name used in flags and records.
    pub fn name(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Json => "json",
            Self::Parquet => "parquet",
            Self::Arrow => "arrow",
        }
    }

    /// The format that a file name's extension stands for (without `.gz` or `.zst`).
    pub(crate) fn of_extension(extension: &str) -> Option<Self> {
        match extension.to_ascii_lowercase().as_str() {
            "csv" | "tsv" | "tab" | "txt" | "psv" | "data" => Some(Self::Csv),
            "json" | "jsonl" | "ndjson" => Some(Self::Json),
            "parquet" | "pq" | "parq" => Some(Self::Parquet),
            "arrow" | "arrows" | "feather" | "ipc" => Some(Self::Arrow),
            _ => None,
        }
    }
}

impl std::str::FromStr for Format {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        Self::ALL.into_iter().find(|f| f.name() == name).ok_or_else(|| {
            Error::input("unknown format").got(name).suggest(name, Self::ALL.map(Format::name))
        })
    }
}

/// Character encodings of text files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// UTF-8, with or without a byte order mark.
    Utf8,
    /// UTF-16, low byte first.
    Utf16Le,
    /// UTF-16, high byte first.
    Utf16Be,
    /// Windows-1252, of which Latin-1 (ISO 8859-1) is read as a part, as browsers do.
    Windows1252,
}

impl Encoding {
    /// The name used in records.
    pub fn name(self) -> &'static str {
        match self {
            Self::Utf8 => "UTF-8",
            Self::Utf16Le => "UTF-16LE",
            Self::Utf16Be => "UTF-16BE",
            Self::Windows1252 => "windows-1252",
        }
    }
}
