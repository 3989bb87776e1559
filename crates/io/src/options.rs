//! What a caller may say about a file; everything else is found out by looking.

use modelwright_core::Error;
use modelwright_core::data::Schema;
use modelwright_core::record::TextLayout;

/// How a table is to be read; the default finds everything out.
#[derive(Debug, Clone)]
pub struct ReadOptions {
    /// The format; `None` decides by the file's first bytes, then by its name.
    pub format: Option<Format>,
    /// The field separator of a CSV; a blank stands for any run of blanks and tabs. `None` is
    /// sniffed from `,`, `;`, tab, `|` and, where none of them fits, blanks.
    pub delimiter: Option<u8>,
    /// Whether the first record of a CSV holds the names; `None` takes it so unless it clearly
    /// holds values. With a schema, a first record of its names is a header in any case.
    pub header: Option<bool>,
    /// Whether a comma is the decimal sign in a CSV; `None` goes by what fits.
    pub decimal_comma: Option<bool>,
    /// The encoding of a text file; `None` is detected.
    pub encoding: Option<Encoding>,
    /// Read no more than this many rows.
    pub n_rows_max: Option<usize>,
    /// Whether the hash of the whole file is wanted, as is usual; else it is that of the bytes that
    /// were read, and a look at the first rows of a large file takes no time.
    pub hash: bool,
    /// Read columns as this schema says, in its order: a cell that does not fit is an error,
    /// columns that it does not name are dropped, and columns that the file lacks are left out.
    pub schema: Option<Schema>,
    /// Read these columns only (in file order); a name that the file lacks is an error.
    pub columns: Option<Vec<String>>,
    /// How many bytes of text one worker parses at a time. Does not change the result.
    pub block_bytes: usize,
    /// What reading a whole table may take; `None` takes what it needs.
    pub room: Option<Room>,
    /// Bytes of what must be held at once by who reads in parts (see [`crate::Portions`]); whole
    /// tables have a room.
    pub piece_bytes_max: Option<u64>,
}

impl ReadOptions {
    /// The bytes that may be held at once: what is asked for, and no more than `room`.
    pub(crate) fn piece_bytes_max_in(&self, room: Option<u64>) -> Option<u64> {
        self.piece_bytes_max.into_iter().chain(room).min()
    }
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

impl ReadOptions {
    /// As said about a text file, everything else by default.
    ///
    /// # Errors
    /// Input error for a separator that is no single byte, and an encoding that is not known.
    pub fn of_text(layout: &TextLayout) -> Result<Self, Error> {
        let delimiter = layout.separator.map(|c| {
            u8::try_from(c).ok().filter(u8::is_ascii).ok_or_else(|| {
                Error::input("a separator that cannot be used")
                    .at("--separator")
                    .expected("one ASCII character")
                    .got(c.to_string())
            })
        });
        let encoding = layout.encoding.as_deref().map(str::parse);
        Ok(Self {
            delimiter: delimiter.transpose()?,
            header: layout.header,
            decimal_comma: layout.decimal_comma,
            encoding: encoding.transpose()?,
            ..Self::default()
        })
    }
}

impl Default for ReadOptions {
    fn default() -> Self {
        Self {
            format: None,
            delimiter: None,
            header: None,
            decimal_comma: None,
            encoding: None,
            n_rows_max: None,
            hash: true,
            schema: None,
            columns: None,
            block_bytes: 1 << 20,
            room: None,
            piece_bytes_max: None,
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

impl std::str::FromStr for Encoding {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        let same = |e: &Self| e.name().eq_ignore_ascii_case(name);
        let alias = match name.to_ascii_lowercase().as_str() {
            "utf8" => Some(Self::Utf8),
            "utf16" | "utf-16" => Some(Self::Utf16Le),
            "latin1" | "latin-1" | "iso-8859-1" | "cp1252" => Some(Self::Windows1252),
            _ => None,
        };
        Self::ALL.into_iter().find(same).or(alias).ok_or_else(|| {
            Error::input("unknown encoding").got(name).suggest(name, Self::ALL.map(Self::name))
        })
    }
}

impl Encoding {
    /// All encodings.
    pub const ALL: [Self; 4] = [Self::Utf8, Self::Utf16Le, Self::Utf16Be, Self::Windows1252];

    /// The name used in flags and records.
    pub fn name(self) -> &'static str {
        match self {
            Self::Utf8 => "UTF-8",
            Self::Utf16Le => "UTF-16LE",
            Self::Utf16Be => "UTF-16BE",
            Self::Windows1252 => "windows-1252",
        }
    }
}
