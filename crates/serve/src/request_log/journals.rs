//! The open journals of a log: one per form of rows, so that versions whose columns differ in
//! type, as beside a canary, do not end each other's lines.
//!
//! Rows whose columns fit together share lines, as answers of several forms do. Others have lines
//! of their own in `beside/JOURNAL/NUMBER`, whose files move into the folder of the journal: that
//! is where all files of it are.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use modelwright_core::data::Schema;
use modelwright_core::{Context, Error, Result};
use modelwright_lifecycle::journal::{Journal, bound, parts, recover_left};

use super::{FEEDBACK, REQUESTS, RequestLogSettings, Rows};
use crate::clock;

/// Forms of rows of a journal whose lines are open at a time: the versions of a model that may
/// answer. Those of one more end the lines that were not added to for longest.
const FORMS: usize = 6;
/// Where lines of a second form and of further ones are.
const BESIDE: &str = "beside";

/// Lines that are open.
struct Open {
    journal: Journal,
    begun: Instant,
    /// Grows with each batch.
    used: u64,
}

/// See the module's text.
pub(super) struct Journals {
    settings: Arc<RequestLogSettings>,
    ctx: Context,
    /// By journal and the number of the form, 0 for lines in the folder itself.
    open: BTreeMap<(String, usize), Open>,
    n_names: u64,
    n_batches: u64,
}

impl Journals {
    pub(super) fn new(settings: Arc<RequestLogSettings>, ctx: Context) -> Self {
        Self { settings, ctx, open: BTreeMap::new(), n_names: 0, n_batches: 0 }
    }

    /// Turns what another process left into files, whichever models are served now.
    pub(super) fn recover(&mut self) -> Result<()> {
        let folder = self.settings.folder.join(REQUESTS);
        for (journal, path) in folders(&folder) {
            let name = self.new_name();
            recover_left(&path, &name, &self.ctx)?;
            let journal = format!("{REQUESTS}/{journal}");
            let beside = self.settings.folder.join(BESIDE).join(&journal);
            for (_, path) in folders(&beside) {
                let name = self.new_name();
                recover_left(&path, &name, &self.ctx)?;
                self.move_files(&journal, &path)?;
            }
        }
        Ok(())
    }

    /// Adds rows to the lines that they fit.
    pub(super) fn write(&mut self, rows: &Rows) -> Result<()> {
        let own = rows.table.storage_schema();
        let (form, schema) = self.form_of(&rows.journal, &own);
        let key = (rows.journal.clone(), form);
        if self.open.get(&key).is_some_and(|open| *open.journal.schema() != schema) {
            self.open.remove(&key);
        }
        if !self.open.contains_key(&key) {
            let (folder, name) = (self.folder(&rows.journal, form), self.new_name());
            // Lines under the older columns become a file when it is opened.
            let bytes_max = self.settings.bytes_max;
            let journal = Journal::open(&folder, schema, bytes_max, &name, &self.ctx)?;
            if form > 0 {
                self.move_files(&rows.journal, &folder)?;
            }
            let open = Open { journal, begun: clock::now(), used: 0 };
            self.open.insert(key.clone(), open);
        }
        self.n_batches += 1;
        match self.open.get_mut(&key) {
            Some(open) => {
                open.used = self.n_batches;
                open.journal.append(&rows.table)
            }
            None => Ok(()),
        }
    }

    /// Hands lines to the system, and turns those that are old or many, or all, into files; what
    /// came of it by journal.
    pub(super) fn flush(&mut self, all: bool) -> Vec<(String, Result<()>)> {
        let keys: Vec<(String, usize)> = self.open.keys().cloned().collect();
        keys.into_iter().map(|key| (key.0.clone(), self.flush_one(&key, all))).collect()
    }

    fn flush_one(&mut self, key: &(String, usize), all: bool) -> Result<()> {
        let name = self.new_name();
        let Some(Open { journal, begun, .. }) = self.open.get_mut(key) else { return Ok(()) };
        let is_due = begun.elapsed() >= self.settings.rotate
            || journal.n_bytes() >= self.settings.journal_bytes_max;
        if !(all || is_due && journal.n_rows() > 0) {
            return journal.flush();
        }
        *begun = clock::now();
        journal.rotate(&name, &self.ctx)?;
        if key.0 != FEEDBACK {
            // The next rows decide anew which columns there are.
            self.open.remove(key);
        }
        match key.1 {
            0 => Ok(()),
            form => self.move_files(&key.0, &self.folder(&key.0, form)),
        }
    }

    /// The number of the lines for rows of these columns, and the columns that the lines have then.
    fn form_of(&self, journal: &str, own: &Schema) -> (usize, Schema) {
        let open = |form: usize| self.open.get(&(journal.to_owned(), form));
        let fitting = (0..FORMS).find_map(|form| {
            open(form).and_then(|open| joined(open.journal.schema(), own)).map(|all| (form, all))
        });
        fitting.unwrap_or_else(|| {
            let free = (0..FORMS).find(|form| open(*form).is_none());
            let oldest = || (0..FORMS).min_by_key(|form| open(*form).map(|open| open.used));
            (free.or_else(oldest).unwrap_or_default(), own.clone())
        })
    }

    /// Where the lines of a form of rows are.
    fn folder(&self, journal: &str, form: usize) -> PathBuf {
        let folder = &self.settings.folder;
        match form {
            0 => folder.join(journal),
            form => folder.join(BESIDE).join(journal).join(form.to_string()),
        }
    }

    /// Moves files of lines beside into the folder of their journal.
    fn move_files(&self, journal: &str, from: &Path) -> Result<()> {
        let (to, files) = (self.folder(journal, 0), parts(from)?);
        for file in &files {
            let Some(name) = file.file_name() else { continue };
            fs::rename(file, to.join(name)).map_err(|e| {
                let shown = file.display().to_string();
                Error::work("a file of the request log cannot be moved").at(shown).because(e)
            })?;
        }
        if files.is_empty() { Ok(()) } else { bound(&to, self.settings.bytes_max) }
    }

    /// A name for a file: later ones are greater.
    fn new_name(&mut self) -> String {
        self.n_names += 1;
        format!("{:016}-{:06}", clock::unix_micros(), self.n_names % 1_000_000)
    }
}

/// The columns of the lines that are open, and those of new rows among them: answers of several
/// forms, and versions that read other columns, share the lines. `None` where a column is of
/// another type.
fn joined(open: &Schema, new: &Schema) -> Option<Schema> {
    let mut joined = open.clone();
    for field in &new.fields {
        match open.field(&field.name) {
            Some(known) if known == field => {}
            Some(_) => return None,
            None => joined.fields.push(field.clone()),
        }
    }
    Some(joined)
}

/// The folders in a folder, with their names; none where it is not there.
fn folders(folder: &Path) -> Vec<(String, PathBuf)> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let named = entries.filter_map(|entry| Some((entry.file_name().into_string().ok()?, entry)));
    named.map(|(name, entry)| (name, entry.path())).filter(|(_, path)| path.is_dir()).collect()
}

#[cfg(test)]
mod tests {
    use modelwright_core::data::{Column, Table};
    use modelwright_io::{ReadOptions, read_path};

    use super::*;

    struct Folder(PathBuf);

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    fn folder(name: &str) -> Folder {
        let path = std::env::temp_dir().join(format!("mw-journals-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        Folder(path)
    }

    fn journals(folder: &Folder) -> Journals {
        let settings = Arc::new(RequestLogSettings::new(folder.0.clone()));
        Journals::new(settings, Context::unlimited(0, 1))
    }

    fn rows(column: Column) -> Rows {
        let table = Table::new(vec![Column::strings("id", [Some("a")]), column]).unwrap();
        Rows { journal: "requests/m".to_owned(), table }
    }

    /// Files of the journal, and rows in them.
    fn kept(folder: &Folder) -> (usize, usize) {
        let paths = parts(&folder.0.join("requests/m")).unwrap();
        let options = ReadOptions::default();
        let n_rows = |path: &PathBuf| {
            read_path(path, &options, &Context::unlimited(0, 1)).unwrap().table.n_rows()
        };
        (paths.len(), paths.iter().map(n_rows).sum())
    }

    #[test]
    fn rows_of_two_types_in_turn_become_one_file_each() {
        let folder = folder("turns");
        let mut journals = journals(&folder);
        for i in 0..60 {
            let code = match i % 2 {
                0 => Column::numbers("code", vec![f64::from(i)]),
                _ => Column::strings("code", [Some("A1")]),
            };
            journals.write(&rows(code)).unwrap();
        }
        assert!(journals.flush(false).iter().all(|(_, done)| done.is_ok()));
        assert_eq!(kept(&folder), (0, 0));
        assert!(journals.flush(true).iter().all(|(_, done)| done.is_ok()));
        assert_eq!(kept(&folder), (2, 60));
        // The next rows begin in the folder itself again, whatever their type.
        journals.write(&rows(Column::strings("code", [Some("B")]))).unwrap();
        assert!(journals.open.contains_key(&("requests/m".to_owned(), 0)));
    }

    #[test]
    fn lines_of_a_second_type_that_a_killed_process_left_become_a_file_too() {
        let (left, folder) = (folder("killed"), folder("recovered"));
        let mut killed = journals(&left);
        killed.write(&rows(Column::numbers("code", vec![1.0]))).unwrap();
        killed.write(&rows(Column::strings("code", [Some("A1")]))).unwrap();
        killed.flush(false);
        // As they are while it runs.
        for place in ["requests/m", "beside/requests/m/1"] {
            fs::create_dir_all(folder.0.join(place)).unwrap();
            for file in ["journal.jsonl", "journal.schema.json"] {
                let from = left.0.join(place).join(file);
                fs::copy(from, folder.0.join(place).join(file)).unwrap();
            }
        }
        journals(&folder).recover().unwrap();
        assert_eq!(kept(&folder), (2, 2));
    }

    #[test]
    fn more_types_than_lines_may_be_open_lose_nothing() {
        let folder = folder("many");
        let mut journals = journals(&folder);
        for i in 0..3 * FORMS {
            let mut columns = vec![Column::strings("id", [Some("a")])];
            for place in 0..=FORMS {
                let name = format!("c{place}");
                columns.push(if place == i % (FORMS + 1) {
                    Column::strings(&name, [Some("x")])
                } else {
                    Column::numbers(&name, vec![1.0])
                });
            }
            let table = Table::new(columns).unwrap();
            journals.write(&Rows { journal: "requests/m".to_owned(), table }).unwrap();
        }
        assert!(journals.flush(true).iter().all(|(_, done)| done.is_ok()));
        assert_eq!(kept(&folder).1, 3 * FORMS);
    }
}
