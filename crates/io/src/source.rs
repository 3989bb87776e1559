//! Where bytes come from: a file, standard input or memory; compressed or not.
//!
//! A [`Source`] can be opened more than once (but for standard input), because a reader that
//! guessed wrong reads again. The first bytes decide compression and format: names may lie.

use std::fs::File;
use std::io::{self, Read, Seek};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use modelwright_core::{Error, Result};

use crate::hash::Hash;
use crate::options::Format;

/// How many bytes are looked at before anything is decided.
const HEAD_BYTES: usize = 256 << 10;

/// What is said of more than may be held at once; see [`crate::is_too_large`].
pub(crate) const PIECE_TOO_LARGE: &str = "a piece of the data is too large to be held";
pub(crate) const WHOLE_TOO_LARGE: &str =
    "the data must be held in memory as a whole, and do not fit";

/// Bytes that are read at any place.
pub(crate) trait ReadSeek: Read + Seek + Send {}

impl<T: Read + Seek + Send> ReadSeek for T {}

/// Bytes of a table, wherever they lie.
pub(crate) struct Source<'a> {
    /// File name without its folder.
    pub name: String,
    place: Place<'a>,
}

enum Place<'a> {
    File(PathBuf),
    /// One that is open; clones share its position.
    Opened(File),
    Memory(&'a [u8]),
    Stdin,
    /// Bytes that come but once; `None` when they were taken.
    Once(Mutex<Option<Box<dyn Read + Send + 'a>>>),
}

/// The compressions that are undone while reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Compression {
    Gzip,
    Zstd,
}

impl Compression {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
        }
    }
}

/// A source that has been opened: its plain bytes, and what the first of them say.
pub(crate) struct Opened<'a> {
    /// Bytes without compression.
    pub reader: Box<dyn Read + Send + 'a>,
    /// The first of them (all, when there are few); still to be read from `reader` too.
    pub head: Vec<u8>,
    pub compression: Option<Compression>,
    pub hash: Hash<'a>,
}

impl Opened<'_> {
    /// Whether the head is all there is.
    pub(crate) fn is_whole(&self) -> bool {
        self.head.len() < HEAD_BYTES
    }
}

impl<'a> Source<'a> {
    /// A file, or standard input when the path is `-`.
    ///
    /// # Errors
    /// Input error when there is no such file (with the nearest name in its folder), when it is
    /// a directory, or when it may not be read.
    pub(crate) fn path(path: &Path) -> Result<Self> {
        if path.as_os_str() == "-" {
            return Ok(Self { name: "standard input".to_owned(), place: Place::Stdin });
        }
        let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
        let metadata = std::fs::metadata(path).map_err(|e| cannot_open(path, e))?;
        if metadata.is_dir() {
            return Err(Error::input("this is a directory, not a file")
                .at(path.display().to_string())
                .expected("a CSV, JSON Lines, Parquet or Arrow file")
                .hint(files_in(path)));
        }
        Ok(Self { name, place: Place::File(path.to_owned()) })
    }

    /// Bytes in memory under a name.
    pub(crate) fn memory(name: &str, bytes: &'a [u8]) -> Self {
        Self { name: name.to_owned(), place: Place::Memory(bytes) }
    }

    /// Bytes that come but once, under a name.
    pub(crate) fn once(name: &str, reader: Box<dyn Read + Send + 'a>) -> Self {
        Self { name: name.to_owned(), place: Place::Once(Mutex::new(Some(reader))) }
    }

    /// A file that is open, under a name.
    pub(crate) fn opened(name: &str, file: File) -> Self {
        Self { name: name.to_owned(), place: Place::Opened(file) }
    }

    /// Whether it can be opened a second time: not standard input, nor a pipe with a name.
    pub(crate) fn is_repeatable(&self) -> bool {
        matches!(self.place, Place::Memory(_)) || self.is_regular_file()
    }

    /// Whether it is a file whose bytes lie on a disk.
    pub(crate) fn is_regular_file(&self) -> bool {
        matches!(&self.place, Place::File(path) if path.is_file())
    }

    /// Its bytes, to be read at any place; `None` where they come but once.
    pub(crate) fn at_any_place(&self) -> Option<Result<Box<dyn ReadSeek + 'a>>> {
        match &self.place {
            Place::Memory(bytes) => Some(Ok(Box::new(io::Cursor::new(*bytes)))),
            _ if !self.is_regular_file() => None,
            _ => self.file().map(|file| Ok(Box::new(file?) as _)),
        }
    }

    /// How many bytes it has, packed as it is; `None` when that is not known before its end.
    pub(crate) fn n_bytes(&self) -> Option<u64> {
        match &self.place {
            Place::File(path) => {
                std::fs::metadata(path).ok().filter(std::fs::Metadata::is_file).map(|m| m.len())
            }
            Place::Opened(file) => file.metadata().ok().map(|m| m.len()),
            Place::Memory(bytes) => Some(bytes.len() as u64),
            Place::Stdin | Place::Once(_) => None,
        }
    }

    /// All of its bytes, which must be held in memory: it cannot be read a second time, or its
    /// format cannot be read in parts.
    ///
    /// # Errors
    /// Work error when they are more than `n_bytes_max`; input error when it cannot be read.
    pub(crate) fn hold(&self, reader: impl Read, n_bytes_max: Option<u64>) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let most = n_bytes_max.unwrap_or(u64::MAX);
        let n = reader.take(most.saturating_add(1)).read_to_end(&mut bytes);
        let n = n.map_err(|e| self.broken(e))? as u64;
        if n <= most {
            return Ok(bytes);
        }
        Err(Error::work(WHOLE_TOO_LARGE)
            .at(self.shown())
            .expected(format!("at most {}", crate::watch::size(most)))
            .got("more than that")
            .hint(
                "raise --memory; or give it as an unpacked file (of JSON Lines, not one array), \
                 which is read in parts",
            ))
    }

    /// Opens what can be opened only once.
    ///
    /// # Errors
    /// Input error when it cannot be opened.
    pub(crate) fn open_once(&self) -> Result<Box<dyn Read>> {
        Ok(match &self.place {
            Place::File(path) => Box::new(File::open(path).map_err(|e| cannot_open(path, e))?),
            Place::Memory(_) | Place::Stdin => Box::new(io::stdin()),
            Place::Opened(_) | Place::Once(_) => Box::new(io::empty()),
        })
    }

    /// The file itself, for formats that are read from their end.
    pub(crate) fn file(&self) -> Option<Result<File>> {
        match &self.place {
            Place::File(path) => Some(File::open(path).map_err(|e| cannot_open(path, e))),
            Place::Opened(file) => Some(file.try_clone().map_err(|e| self.broken(e))),
            _ => None,
        }
    }

    /// How the user knows it, for errors.
    pub(crate) fn shown(&self) -> String {
        match &self.place {
            Place::File(path) => path.display().to_string(),
            _ => self.name.clone(),
        }
    }

    /// Opens it, looks at the first bytes, and undoes compression.
    ///
    /// # Errors
    /// Input error when it is empty, cannot be read, or is broken.
    pub(crate) fn open(&self) -> Result<Opened<'a>> {
        let raw: Box<dyn Read + Send + 'a> = match &self.place {
            Place::File(path) => Box::new(File::open(path).map_err(|e| cannot_open(path, e))?),
            Place::Opened(file) => {
                let begun = file.try_clone().and_then(|mut file| {
                    file.rewind()?;
                    Ok(file)
                });
                Box::new(begun.map_err(|e| self.broken(e))?)
            }
            Place::Memory(bytes) => Box::new(*bytes),
            Place::Stdin => Box::new(io::stdin()),
            Place::Once(reader) => {
                let taken = reader.lock().unwrap_or_else(PoisonError::into_inner).take();
                taken.unwrap_or_else(|| Box::new(io::empty()))
            }
        };
        let hash = Hash::new(raw);
        let mut raw = hash.clone();
        let head = read_head(&mut raw).map_err(|e| self.broken(e))?;
        if head.is_empty() {
            return Err(Error::input("the file is empty")
                .at(self.shown())
                .expected("a table with a header and at least one row")
                .got("0 bytes"));
        }
        let compression = match head.get(..4) {
            Some([0x1f, 0x8b, ..]) => Some(Compression::Gzip),
            Some([0x28, 0xb5, 0x2f, 0xfd]) => Some(Compression::Zstd),
            _ => None,
        };
        let raw = io::Cursor::new(head.clone()).chain(raw);
        let (mut reader, head): (Box<dyn Read + Send + 'a>, _) = match compression {
            None => return Ok(Opened { reader: Box::new(raw), head, compression, hash }),
            Some(Compression::Gzip) => {
                (Box::new(flate2::read::MultiGzDecoder::new(io::BufReader::new(raw))), Vec::new())
            }
            Some(Compression::Zstd) => {
                let decoder = zstd::stream::read::Decoder::new(raw).map_err(|e| self.broken(e))?;
                (Box::new(decoder), head)
            }
        };
        drop(head);
        let head = read_head(&mut reader).map_err(|e| self.broken(e))?;
        if head.is_empty() {
            return Err(Error::input("the file is empty inside its compression")
                .at(self.shown())
                .expected("a table with a header and at least one row"));
        }
        let reader = Box::new(io::Cursor::new(head.clone()).chain(reader));
        Ok(Opened { reader, head, compression, hash })
    }

    /// What a failed read means.
    pub(crate) fn broken(&self, error: io::Error) -> Error {
        if error.kind() == io::ErrorKind::FileTooLarge {
            return Error::input(PIECE_TOO_LARGE)
                .at(self.shown())
                .because(error)
                .hint("cut it into smaller records or batches, or raise the limit");
        }
        let what = match error.kind() {
            io::ErrorKind::UnexpectedEof => "the file is cut short",
            io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData => "the file is broken",
            _ if error.to_string().contains("incomplete") => "the file is cut short",
            _ => "the file cannot be read",
        };
        Error::input(what)
            .at(self.shown())
            .because(error)
            .hint("copy or download it again, and check it with its own tool (gzip -t, zstd -t)")
    }
}

/// The format of a file by its first bytes, else by its name, else by how its text begins.
///
/// # Errors
/// Input error that names the format, when it is a known one that cannot be read, or when the
/// bytes are no text.
pub(crate) fn detect_format(source: &Source<'_>, head: &[u8]) -> Result<Format> {
    if head.starts_with(b"PAR1") {
        return Ok(Format::Parquet);
    }
    if head.starts_with(b"ARROW1") || head.starts_with(&[0xff; 4]) {
        return Ok(Format::Arrow);
    }
    refuse_foreign(source, head)?;
    let stem = source.name.trim_end_matches(".gz").trim_end_matches(".zst");
    let by_name = stem.rsplit_once('.').and_then(|(_, e)| Format::of_extension(e));
    match by_name {
        Some(format @ (Format::Parquet | Format::Arrow)) => {
            let magic = if format == Format::Parquet { "PAR1" } else { "ARROW1" };
            Err(Error::input(format!("this is no {} file, in spite of its name", format.name()))
                .at(source.shown())
                .expected(format!("a file that begins with {magic}"))
                .got(String::from_utf8_lossy(&head[..head.len().min(16)]))
                .hint("if it is text, give it the extension .csv or .jsonl"))
        }
        Some(format) => Ok(format),
        None => {
            let text = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head).trim_ascii_start();
            let in_array = text.strip_prefix(b"[").map(<[u8]>::trim_ascii_start);
            let is_array = in_array.is_some_and(|t| t.starts_with(b"{") || t.starts_with(b"]"));
            let is_json = text.starts_with(b"{") || is_array;
            Ok(if is_json { Format::Json } else { Format::Csv })
        }
    }
}

/// Files of known other formats, by their first bytes.
const FOREIGN: [(&[u8], &str, &str); 11] = [
    (b"PK\x03\x04", "a ZIP archive or an Excel workbook", "unpack it, or save the sheet as CSV"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook", "save the sheet as CSV"),
    (b"BZh", "compressed with bzip2", "unpack it with bunzip2, or pack it with gzip or zstd"),
    (b"\xfd7zXZ", "compressed with xz", "unpack it with unxz, or pack it with gzip or zstd"),
    (b"7z\xbc\xaf", "a 7z archive", "unpack it first"),
    (b"SQLite format 3\0", "an SQLite database", "export the table as CSV"),
    (b"%PDF", "a PDF document", "export the table as CSV"),
    (b"\x89HDF", "an HDF5 file", "save the table as Parquet"),
    (b"\x93NUMPY", "a NumPy array", "save the table as Parquet"),
    (b"Obj\x01", "an Avro file", "save the table as Parquet"),
    (b"ORC", "an ORC file", "save the table as Parquet"),
];

fn refuse_foreign(source: &Source<'_>, head: &[u8]) -> Result<()> {
    let error = |what: &str, hint: &str| {
        Err(Error::input(format!("this is {what}, not a table that can be read"))
            .at(source.shown())
            .expected("CSV, JSON Lines, Parquet or Arrow IPC, plain or packed with gzip or zstd")
            .hint(hint))
    };
    for (magic, what, hint) in FOREIGN {
        // Magic of letters only could be the beginning of a header.
        if head.starts_with(magic) && (magic.len() > 3 || head.contains(&0)) {
            return error(what, hint);
        }
    }
    if head.starts_with(b"FEA1") {
        return error("a Feather file of version 1", "save it as Feather version 2 or Parquet");
    }
    Ok(())
}

fn cannot_open(path: &Path, error: io::Error) -> Error {
    let shown = path.display().to_string();
    if error.kind() != io::ErrorKind::NotFound {
        return Error::input("the file cannot be opened").at(shown).because(error);
    }
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let base = Error::input("no such file").at(shown);
    if !folder.is_dir() {
        return base.hint(format!("there is no folder {}", folder.display()));
    }
    let names = names_in(folder);
    let wanted = path.file_name().unwrap_or_default().to_string_lossy();
    base.suggest(&wanted, names.iter().map(String::as_str))
}

/// The names of the files in a folder, sorted; the first thousand.
fn names_in(folder: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut names: Vec<String> = entries
        .filter_map(std::result::Result::ok)
        .filter(|e| e.path().is_file())
        .take(1000)
        .map(|e| e.file_name().to_string_lossy().into_owned())
        .filter(|n| !n.starts_with('.'))
        .collect();
    names.sort();
    names
}

fn files_in(folder: &Path) -> String {
    let names = names_in(folder);
    if names.is_empty() {
        return "name a file".to_owned();
    }
    let shown: Vec<&str> = names.iter().take(5).map(String::as_str).collect();
    format!("name a file in it, such as {}", shown.join(", "))
}

fn read_head(reader: &mut dyn Read) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    reader.take(HEAD_BYTES as u64).read_to_end(&mut head)?;
    Ok(head)
}
