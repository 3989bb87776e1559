//! The files that hold the rows, by pattern and by what is in them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use modelwright_core::{Error, Result};
use modelwright_lifecycle::digest::sha256_file;
use serde::{Deserialize, Serialize};

/// A file with rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DataFile {
    /// Where it is.
    pub(crate) path: PathBuf,
    /// SHA-256 of its bytes: the same bytes are the same rows.
    pub(crate) sha256: String,
}

/// A file that cannot be read, or a pattern whose folder cannot, and why.
pub(crate) type Unreadable = (String, String);

/// The folder below that of new models in which the rows of the serving log lie.
pub(crate) const SERVED: &str = "served";

/// What names the rows that are there now, for [`came_later`]. Rows of the serving log are also
/// named by their file: labels that come later change its bytes, but the rows stay those that a
/// model may have learned from.
pub(crate) fn marks(files: &[DataFile], out: &Path) -> BTreeSet<String> {
    let served = out.join(SERVED);
    let of = |file: &DataFile| {
        let path = file.path.starts_with(&served).then(|| file.path.display().to_string());
        std::iter::once(file.sha256.clone()).chain(path)
    };
    files.iter().flat_map(of).collect()
}

/// Whether the rows of a file came after the marks were made.
pub(crate) fn came_later(file: &DataFile, marks: &BTreeSet<String>) -> bool {
    !marks.contains(&file.sha256) && !marks.contains(&*file.path.to_string_lossy())
}

/// Size and time of change of a file when it was hashed.
type Stamp = (u64, Option<SystemTime>);

/// Finds files, and remembers the hashes of those that did not change.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Files {
    known: BTreeMap<PathBuf, (Stamp, String)>,
}

impl Files {
    /// The files that patterns mean, by path, each once; and what cannot be opened or listed, with
    /// why: a file that is not there, or that nobody may read, does not hide the others.
    pub(crate) fn find(&mut self, patterns: &[String]) -> (Vec<DataFile>, Vec<Unreadable>) {
        let (mut paths, mut unreadable) = (Vec::new(), Vec::new());
        for pattern in patterns {
            match matching(Path::new(pattern)) {
                Ok(found) => paths.extend(found),
                Err(why) => unreadable.push((pattern.clone(), why.to_string())),
            }
        }
        paths.sort();
        paths.dedup();
        let mut files = Vec::with_capacity(paths.len());
        for path in paths {
            let shown = path.display().to_string();
            match self.hashed(path) {
                Ok(file) => files.push(file),
                Err(why) => unreadable.push((shown, why.to_string())),
            }
        }
        let found: BTreeSet<&PathBuf> = files.iter().map(|file| &file.path).collect();
        self.known.retain(|path, _| found.contains(path));
        (files, unreadable)
    }

    fn hashed(&mut self, path: PathBuf) -> Result<DataFile> {
        let failed = |e| {
            Error::input("cannot read a data file")
                .at(path.display().to_string())
                .expected("a file, or a pattern such as rows-*.parquet")
                .because(e)
        };
        let meta = fs::metadata(&path).map_err(failed)?;
        let stamp = (meta.len(), meta.modified().ok());
        // Who may read a file may change without a trace in it.
        fs::File::open(&path).map_err(failed)?;
        if let Some((_, sha256)) = self.known.get(&path).filter(|(known, _)| *known == stamp) {
            return Ok(DataFile { path, sha256: sha256.clone() });
        }
        let sha256 = sha256_file(&path).map_err(failed)?;
        self.known.insert(path.clone(), (stamp, sha256.clone()));
        Ok(DataFile { path, sha256 })
    }
}

/// The files whose name fits; a name without `*` must be there.
fn matching(pattern: &Path) -> Result<Vec<PathBuf>> {
    let name = pattern.file_name().unwrap_or_default().to_string_lossy().into_owned();
    if !name.contains('*') {
        return Ok(vec![pattern.to_owned()]);
    }
    let folder = pattern.parent().filter(|p| !p.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    let failed = |e| {
        Error::input("cannot list the folder of data files")
            .at(folder.display().to_string())
            .because(e)
    };
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let own = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        // Hidden files are those that somebody is still writing.
        if path.is_file() && !own.starts_with('.') && fits(&own, &name) {
            found.push(path);
        }
    }
    Ok(found)
}

/// Whether a name fits a pattern in which `*` stands for any characters.
fn fits(name: &str, pattern: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = name.strip_prefix(first) else { return false };
    let mut parts: Vec<&str> = parts.collect();
    let Some(last) = parts.pop() else { return rest.is_empty() };
    for part in parts {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_that_come_later_make_no_later_rows_of_the_serving_log() {
        let file = |path: &str, sha256: &str| DataFile { path: path.into(), sha256: sha256.into() };
        let out = Path::new("out");
        let before = marks(&[file("out/served/part-1.parquet", "a"), file("rows.csv", "b")], out);
        let is_later = |path, sha256| came_later(&file(path, sha256), &before);
        assert!(!is_later("out/served/part-1.parquet", "c"), "the same requests, more labels");
        assert!(is_later("out/served/part-2.parquet", "d"));
        assert!(!is_later("moved.csv", "b") && is_later("rows.csv", "e"));
    }

    #[test]
    fn a_file_that_is_not_there_does_not_hide_the_others() {
        let folder = std::env::temp_dir().join(format!("mw-found-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("rows-1.csv"), "x\n1\n").unwrap();
        let named = |name: &str| folder.join(name).to_string_lossy().into_owned();
        let patterns = [named("rows-*.csv"), named("late.csv"), named("away/rows-*.csv")];
        let (files, unreadable) = Files::default().find(&patterns);
        fs::remove_dir_all(&folder).unwrap();
        assert_eq!(files.len(), 1);
        let names: Vec<&String> = unreadable.iter().map(|(name, _)| name).collect();
        assert_eq!(names, [&patterns[2], &patterns[1]]);
    }

    #[test]
    fn a_star_stands_for_anything() {
        for (name, pattern) in [
            ("a-1.csv", "a-*.csv"),
            ("a.csv", "*.csv"),
            ("x", "*"),
            ("a1b2c", "a*b*c"),
            ("aa", "a*a"),
        ] {
            assert!(fits(name, pattern), "{name} {pattern}");
        }
        for (name, pattern) in [("a", "a*a"), ("b-1.csv", "a-*.csv"), ("a-1.csv.tmp", "a-*.csv")] {
            assert!(!fits(name, pattern), "{name} {pattern}");
        }
    }
}
