//! The serving log as rows with their labels, for whoever looks once.

use std::cell::RefCell;
use std::fs;
use std::path::{Path, PathBuf};

use modelwright_core::{Context, Error, Result};

use super::{Labels, Reading, ServedRows, labelled, parts, usable_labels};
use crate::{Model, Rows};

/// The folder of a log that holds the rows, model by model.
const REQUESTS: &str = "requests";

/// The rows of a log with the labels that are known. Parts are read one at a time, whenever they
/// are asked for: a log may be larger than the memory.
pub(crate) struct JoinedLog<'a> {
    /// What the model is served as.
    name: String,
    folder: PathBuf,
    parts: Vec<PathBuf>,
    labels: Labels,
    /// What is to be said of labels.
    remarks: Vec<String>,
    model: &'a Model,
    with_time: bool,
    reading: Reading<'a>,
}

impl<'a> JoinedLog<'a> {
    /// Opens the log in a folder: that of `serve --request-log`, where one model was served, or its
    /// `requests/NAME`. When rows were asked is told `with_time`.
    ///
    /// # Errors
    /// Input error when the folder is no such log, or has no rows.
    pub(crate) fn open(
        path: &Path,
        model: &'a Model,
        with_time: bool,
        ctx: &'a Context,
    ) -> Result<Self> {
        let (folder, name) = place(path)?;
        let log = ServedRows { folder: &folder, name: &name, out: Path::new("") };
        let reading = Reading { ctx, broken: RefCell::default() };
        let (folder, parts) = (log.requests(), parts(&log.requests())?);
        let (labels, remarks) = usable_labels(&log, &parts, model, &reading)?;
        if parts.is_empty() {
            return Err(no_rows(&folder));
        }
        Ok(Self { name, folder, parts, labels, remarks, model, with_time, reading })
    }

    /// Its parts, oldest first.
    pub(crate) fn parts(&self) -> std::ops::Range<usize> {
        0..self.parts.len()
    }

    /// The rows of a part; `None` where it cannot be read, of which [`Self::notes`] tell.
    pub(crate) fn rows(&self, part: usize) -> Result<Option<Rows>> {
        let Some(part) = self.parts.get(part) else { return Ok(None) };
        let Some(table) = self.reading.read(part)? else { return Ok(None) };
        let columns = labelled(&table, self.model, &self.labels, self.with_time)?.into_columns();
        let file = part.file_name().unwrap_or_default().to_string_lossy();
        let name = format!("{}/{file}", self.name);
        Ok(Some(Rows::Table { name, format: "serving log".to_owned(), columns }))
    }

    /// What is to be said of labels, and of parts that could not be read.
    ///
    /// # Errors
    /// Input error when none could.
    pub(crate) fn notes(&self) -> Result<Vec<String>> {
        let broken = self.reading.broken.borrow();
        if self.parts.iter().all(|part| broken.contains_key(part)) {
            return Err(no_rows(&self.folder));
        }
        let left_out =
            broken.iter().map(|(part, why)| format!("{} is left out: {why}", part.display()));
        Ok(self.remarks.iter().cloned().chain(left_out).collect())
    }
}

fn no_rows(folder: &Path) -> Error {
    Error::input("the serving log holds no rows that can be read")
        .at(folder.display().to_string())
        .expected("part-*.parquet, as `serve --request-log` writes them")
}

/// The folder of the log, and the model that is meant.
fn place(path: &Path) -> Result<(PathBuf, String)> {
    let name_of = |path: &Path| path.file_name().map(|name| name.to_string_lossy().into_owned());
    let above = path.parent().filter(|above| name_of(above).is_some_and(|name| name == REQUESTS));
    if let Some((folder, name)) = above.and_then(Path::parent).zip(name_of(path)) {
        return Ok((folder.to_owned(), name));
    }
    let entries = fs::read_dir(path.join(REQUESTS)).map_err(|e| {
        Error::input("this is a folder, and no serving log")
            .at(path.display().to_string())
            .expected("files of rows, or the folder that `serve --request-log` wrote")
            .because(e)
    })?;
    let mut names: Vec<String> = entries
        .flatten()
        .filter(|entry| entry.path().is_dir())
        .filter_map(|entry| name_of(&entry.path()))
        .collect();
    names.sort();
    match names.as_slice() {
        [name] => Ok((path.to_owned(), name.clone())),
        names => Err(Error::input("it is not clear which model's rows are meant")
            .at(path.display().to_string())
            .expected("a log of one model, or its folder requests/NAME")
            .got(if names.is_empty() { "no model".to_owned() } else { names.join(", ") })),
    }
}

#[cfg(test)]
mod tests {
    use modelwright_core::data::{Column, Table};
    use modelwright_io::TableWriter;

    use super::*;

    #[test]
    fn parts_are_read_when_they_are_asked_for_and_not_all_at_once() {
        let folder = std::env::temp_dir().join(format!("mw-joined-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        let requests = folder.join("requests/m");
        fs::create_dir_all(&requests).unwrap();
        for part in ["part-1.parquet", "part-2.parquet"] {
            let columns = vec![
                Column::strings("request_id", [Some(part)]),
                Column::numbers("request_row", vec![1.0]),
                Column::numbers("age", vec![40.0]),
            ];
            let mut writer = TableWriter::parquet(Vec::new());
            writer.write(&Table::new(columns).unwrap()).unwrap();
            fs::write(requests.join(part), writer.finish().unwrap()).unwrap();
        }
        let stored = Path::new(env!("CARGO_MANIFEST_DIR"));
        let model = Model::load(stored.join("../../testdata/artifact/v2-binary.mw")).unwrap();
        let ctx = Context::unlimited(0, 1);
        let log = JoinedLog::open(&folder, &model, false, &ctx).unwrap();
        fs::remove_file(requests.join("part-2.parquet")).unwrap();
        assert!(log.rows(0).unwrap().is_some());
        assert!(log.notes().unwrap().is_empty(), "nobody has asked for the second part");
        assert!(log.rows(1).unwrap().is_none());
        let notes = log.notes().unwrap();
        assert!(notes.len() == 1 && notes[0].contains("part-2.parquet is left out"), "{notes:?}");
        fs::remove_file(requests.join("part-1.parquet")).unwrap();
        assert!(log.rows(0).unwrap().is_none());
        assert!(log.notes().unwrap_err().to_string().contains("holds no rows"));
        fs::remove_dir_all(&folder).unwrap();
        let none = JoinedLog::open(&folder, &model, false, &ctx).err().unwrap();
        assert!(none.to_string().contains("no serving log"), "{none}");
    }
}
