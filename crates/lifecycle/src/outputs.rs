//! A fit's folder: what is in it, and when it may be overwritten.

use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use modelwright_core::{Error, ErrorKind, Result};

use crate::artifact::{ArtifactParts, account_json, pack_artifact};
use crate::atomic::{AtomicFile, write_error};

/// The artifact's name in a fit's folder.
pub const MODEL_FILE: &str = "model.mw";
/// The report's name in a fit's folder.
pub const REPORT_FILE: &str = "report.html";
/// The record's name in a fit's folder.
pub const RECORD_FILE: &str = "record.json";

/// How much of a file's start is looked at to tell who made it.
const START_BYTES: u64 = 4096;
/// How much of a file's end is looked at.
const END_BYTES: u64 = 1024;

/// A folder that can take the outputs of a fit: it can be written to, and holds nothing under
/// their names that is not Modelwright's.
#[derive(Debug, Clone)]
pub struct OutputFolder {
    path: PathBuf,
}

impl OutputFolder {
    /// Makes sure that `path` can take a fit's outputs, before the work begins. Nothing is made
    /// yet: a fit that fails leaves no folder.
    ///
    /// # Errors
    /// Input error when the folder cannot be made or written to, or when a file in it would be
    /// overwritten that is not an earlier fit's.
    pub fn prepare(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        // Components that do not exist are fine; a file among them is not.
        if path.ancestors().any(|p| p.exists() && !p.is_dir()) {
            return Err(Error::input("the output folder is a file")
                .at(path.display().to_string())
                .expected("a folder, or a name that does not exist yet")
                .hint("choose another folder with --out"));
        }
        for name in [MODEL_FILE, REPORT_FILE, RECORD_FILE] {
            refuse_foreign(&path.join(name))?;
        }
        // A file that is begun and dropped shows that the folder (or, while it does not exist,
        // the one that it will be made in) can be written to.
        let here = path.ancestors().find(|p| p.is_dir()).unwrap_or(Path::new("."));
        let here = if here.as_os_str().is_empty() { Path::new(".") } else { here };
        match AtomicFile::create(here.join(MODEL_FILE)) {
            Ok(probe) => drop(probe),
            Err(full) if full.kind() == ErrorKind::Work => return Err(full),
            Err(refused) => {
                return Err(Error::input("the output folder cannot be written to")
                    .at(path.display().to_string())
                    .expected("a folder that you may write to")
                    .hint("choose another folder with --out")
                    .because(refused.what().to_owned()));
            }
        }
        Ok(Self { path: path.to_owned() })
    }

    /// Writes the three files, all or none, and returns their paths: model, report, record.
    ///
    /// # Errors
    /// Work error when the disk is full or fails; what was there before is then still there.
    pub fn write(&self, parts: &ArtifactParts<'_>) -> Result<[PathBuf; 3]> {
        let paths = [MODEL_FILE, REPORT_FILE, RECORD_FILE].map(|name| self.path.join(name));
        let contents = [
            pack_artifact(parts)?,
            parts.report_html.as_bytes().to_vec(),
            account_json(parts.record)?,
        ];
        fs::create_dir_all(&self.path).map_err(|e| write_error(&self.path, e))?;
        let written = write_all(&paths, &contents);
        if written.is_err() {
            // Goes only if it is empty, that is, if it was made just now.
            let _ = fs::remove_dir(&self.path);
        }
        written.map(|()| paths)
    }

    /// The folder's path.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// Brings all contents to the disk before the first gets its name.
fn write_all(paths: &[PathBuf], contents: &[Vec<u8>]) -> Result<()> {
    let mut files = Vec::new();
    for (path, bytes) in paths.iter().zip(contents) {
        let mut file = AtomicFile::create(path)?;
        file.write_all(bytes).and_then(|()| file.sync()).map_err(|e| write_error(path, e))?;
        files.push(file);
    }
    files.into_iter().try_for_each(AtomicFile::commit)
}

/// Makes sure that a single model file may be written to `path`.
///
/// # Errors
/// Input error when a file is there that is not Modelwright's.
pub fn check_model_file(path: &Path) -> Result<()> {
    refuse_foreign(path)
}

fn refuse_foreign(path: &Path) -> Result<()> {
    if !path.exists() || is_ours(path) {
        return Ok(());
    }
    Err(Error::input("refusing to overwrite a file that Modelwright did not write")
        .at(path.display().to_string())
        .expected("no file, or the output of an earlier fit")
        .hint("move the file away, or choose another folder with --out"))
}

/// Whether an earlier fit wrote this file, judged by its first and last bytes.
fn is_ours(path: &Path) -> bool {
    let Ok((start, end)) = ends_of(path) else { return false };
    let start = String::from_utf8_lossy(&start);
    let name = path.file_name().and_then(|n| n.to_str());
    match name {
        _ if path.extension().is_some_and(|extension| extension == "mw") => {
            start.starts_with("PK")
                && String::from_utf8_lossy(&end).contains("modelwright artifact")
        }
        Some(REPORT_FILE) => {
            start.contains("Modelwright") || String::from_utf8_lossy(&end).contains("Modelwright ")
        }
        _ => start.contains("\"format_version\"") && start.contains("\"engine_version\""),
    }
}

fn ends_of(path: &Path) -> std::io::Result<(Vec<u8>, Vec<u8>)> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    let (mut start, mut end) = (Vec::new(), Vec::new());
    (&mut file).take(START_BYTES).read_to_end(&mut start)?;
    file.seek(SeekFrom::Start(length.saturating_sub(END_BYTES)))?;
    file.read_to_end(&mut end)?;
    Ok((start, end))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A folder of one test, removed at its end.
    pub(crate) struct Folder(PathBuf);

    impl Folder {
        pub(crate) fn new(name: &str) -> Self {
            let path =
                std::env::temp_dir().join(format!("modelwright-{}-{name}", std::process::id()));
            fs::create_dir_all(&path).unwrap();
            Self(path)
        }

        pub(crate) fn path(&self) -> &Path {
            &self.0
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn a_foreign_file_is_never_overwritten() {
        let folder = Folder::new("foreign");
        for name in [MODEL_FILE, REPORT_FILE, RECORD_FILE] {
            let path = folder.path().join(name);
            fs::write(&path, "my thesis").unwrap();
            let error = OutputFolder::prepare(folder.path()).unwrap_err();
            assert!(error.what().contains("refusing to overwrite"), "{error}");
            fs::remove_file(path).unwrap();
        }
        OutputFolder::prepare(folder.path()).unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_file_in_place_of_the_folder_is_refused() {
        let folder = Folder::new("not-a-folder");
        let path = folder.path().join("out");
        fs::write(&path, "x").unwrap();
        for bad in [path.clone(), path.join("deeper")] {
            let error = OutputFolder::prepare(&bad).unwrap_err();
            assert_eq!(error.what(), "the output folder is a file");
        }
    }

    #[test]
    fn all_files_are_written_or_none() {
        let folder = Folder::new("all-or-none");
        let (record, schema) = (crate::artifact::tests::record(), crate::artifact::tests::schema());
        let parts = ArtifactParts {
            model: b"m",
            schema: &schema,
            reference: b"r",
            record: &record,
            report_html: "<html>",
        };
        // A folder in the place of the last file: it cannot be begun.
        let out = OutputFolder { path: folder.path().join("out") };
        fs::create_dir_all(out.path().join(RECORD_FILE)).unwrap();
        assert_eq!(out.write(&parts).unwrap_err().what(), "the output is a folder");
        assert_eq!(fs::read_dir(out.path()).unwrap().count(), 1);
        fs::remove_dir(out.path().join(RECORD_FILE)).unwrap();
        let paths = out.write(&parts).unwrap();
        assert!(paths.iter().all(|p| p.is_file()));
        assert_eq!(fs::read_dir(out.path()).unwrap().count(), 3);
    }
}
