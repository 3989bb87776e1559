//! The labels of a serving log, the last of each row.
//!
//! All of them are held at once, as any may belong to any row, and there may be millions: of each
//! are kept sixteen bytes of a digest of the row that it names, and the number of its text. That
//! two of a billion rows share such a digest has a chance of 10⁻²¹.

use std::collections::HashMap;
use std::path::PathBuf;

use modelwright_core::data::Table;
use modelwright_core::{Error, Result};
use modelwright_lifecycle::digest::sha256_start;

use super::{Reading, ServedRows, parts};
use crate::Model;

/// Texts that are looked for when they come again; classes are fewer, and numbers seldom repeat.
const TEXTS_KNOWN_MAX: usize = 4096;

/// What stands for a row.
type Digest = [u8; 16];

/// A row of a request, from 1.
pub(super) struct Key {
    id: String,
    row: u64,
}

impl Key {
    /// What stands for it.
    pub(super) fn digest(&self) -> Digest {
        sha256_start(&[&self.row.to_le_bytes(), self.id.as_bytes()])
    }
}

/// The request and the row in it that a row of a log is about.
///
/// # Errors
/// Input error when the table lacks the columns that say it.
pub(super) fn key(table: &Table, row: usize) -> Result<Option<Key>> {
    let id = table.require("request_id")?.display(row);
    let place = table.require("request_row")?.display(row);
    let place = place.and_then(|text| text.parse::<f64>().ok()).map(|place| place as u64);
    Ok(id.zip(place).map(|(id, row)| Key { id, row }))
}

/// Texts by their number.
#[derive(Debug, Default)]
struct Texts {
    all: String,
    /// Where each ends.
    ends: Vec<usize>,
    known: HashMap<String, u32>,
}

impl Texts {
    fn get(&self, number: u32) -> &str {
        let at = number as usize;
        let start = if at == 0 { 0 } else { self.ends[at - 1] };
        &self.all[start..self.ends[at]]
    }

    fn number(&mut self, text: &str) -> Result<u32> {
        if let Some(number) = self.known.get(text) {
            return Ok(*number);
        }
        let number = u32::try_from(self.ends.len()).map_err(|_| {
            Error::input("the serving log has too many labels")
                .at("feedback")
                .expected("at most four billion different ones")
                .hint("delete the oldest parts of the log")
        })?;
        self.all.push_str(text);
        self.ends.push(self.all.len());
        if self.known.len() < TEXTS_KNOWN_MAX {
            self.known.insert(text.to_owned(), number);
        }
        Ok(number)
    }
}

/// The label of each request's row, the last that came.
#[derive(Debug, Default)]
pub(super) struct Labels {
    /// By digest.
    all: Vec<(Digest, u32)>,
    texts: Texts,
}

impl Labels {
    /// The last label of each row in files of labels, and how many came that say something else
    /// than one before.
    fn read(parts: &[PathBuf], reading: &Reading<'_>) -> Result<(Self, usize)> {
        let mut labels = Self::default();
        for part in parts {
            let Some(table) = reading.read(part)? else { continue };
            let label = table.require("label")?;
            for row in 0..table.n_rows() {
                if let (Some(key), Some(text)) = (key(&table, row)?, label.display(row)) {
                    let number = labels.texts.number(&text)?;
                    labels.all.push((key.digest(), number));
                }
            }
        }
        let n_contradicted = labels.settle();
        Ok((labels, n_contradicted))
    }

    /// Sorts what came in turn, and keeps the last of each row.
    fn settle(&mut self) -> usize {
        // Stable: labels of one row stay in turn.
        self.all.sort_by_key(|label| label.0);
        let texts = &self.texts;
        let mut n_contradicted = 0;
        self.all.dedup_by(|next, kept| {
            let is_same = next.0 == kept.0;
            if is_same {
                n_contradicted += usize::from(texts.get(next.1) != texts.get(kept.1));
                kept.1 = next.1;
            }
            is_same
        });
        self.all.shrink_to_fit();
        n_contradicted
    }

    /// The label of a row.
    pub(super) fn get(&self, digest: &Digest) -> Option<&str> {
        self.place(digest).map(|place| self.texts.get(self.all[place].1))
    }

    fn place(&self, digest: &Digest) -> Option<usize> {
        self.all.binary_search_by_key(digest, |label| label.0).ok()
    }

    /// Leaves out those of which `asked` says that several rows have their key.
    fn retain_single(&mut self, asked: &Asked) {
        let mut place = 0;
        self.all.retain(|_| {
            place += 1;
            asked.rows[place - 1] < 2
        });
    }
}

/// The labels that belong to one row, and what is to be said of the others.
///
/// # Errors
/// What is about something else than a file of the log.
pub(super) fn usable_labels(
    log: &ServedRows<'_>,
    requests: &[PathBuf],
    model: &Model,
    reading: &Reading<'_>,
) -> Result<(Labels, Vec<String>)> {
    let feedback = parts(&log.feedback())?;
    let (mut labels, n_contradicted) = Labels::read(&feedback, reading)?;
    if labels.all.is_empty() {
        return Ok((labels, Vec::new()));
    }
    let asked = Asked::of(requests, &labels, reading)?;
    let mut remarks = Vec::new();
    if let Some(id) = &asked.twice {
        remarks.push(format!(
            "{} ids of requests stand for several rows of the serving log, such as `{id}`: labels \
             that name them are left out",
            asked.n(2)
        ));
    }
    if n_contradicted > 0 {
        remarks.push(format!(
            "{n_contradicted} labels contradict an earlier one of the same row: the last one counts"
        ));
    }
    if let Some(Key { id, row }) = orphan(&feedback, (&labels, &asked), reading)? {
        remarks.push(format!(
            "{} of {} labels belong to no row of the serving log, such as row {row} of the request \
             `{id}`",
            asked.n(0),
            asked.rows.len() - asked.n(2)
        ));
    }
    labels.retain_single(&asked);
    let texts = labels.all.iter().map(|label| labels.texts.get(label.1));
    let mut strange = texts.filter(|text| !model.predictor.is_answer(text));
    if let Some(first) = strange.next() {
        let lacked =
            if model.predictor.classes.is_empty() { "number" } else { "class of the model" };
        let n = 1 + strange.count();
        remarks.push(format!("{n} labels are no {lacked}, such as `{first}`"));
    }
    Ok((labels, remarks))
}

/// Which rows of a log labels name: a log may have far more rows than labels.
struct Asked {
    /// For each label how many rows have its key, where 2 are several: who sends one id with many
    /// requests has not said which of them a label is of.
    rows: Vec<u8>,
    /// The first id that several rows have.
    twice: Option<String>,
}

impl Asked {
    fn of(requests: &[PathBuf], labels: &Labels, reading: &Reading<'_>) -> Result<Self> {
        let (mut rows, mut twice) = (vec![0_u8; labels.all.len()], None);
        for part in requests {
            let Some(table) = reading.read(part)? else { continue };
            for row in 0..table.n_rows() {
                let Some(key) = key(&table, row)? else { continue };
                let Some(place) = labels.place(&key.digest()) else { continue };
                rows[place] = (rows[place] + 1).min(2);
                if rows[place] == 2 && twice.is_none() {
                    twice = Some(key.id);
                }
            }
        }
        Ok(Self { rows, twice })
    }

    /// Labels whose key so many rows have.
    fn n(&self, n_rows: u8) -> usize {
        self.rows.iter().map(|n| usize::from(*n == n_rows)).sum()
    }
}

/// The first row that a label names and the log lacks: of it only a digest is known, so that files
/// of labels are read once more, where there is one.
fn orphan(
    feedback: &[PathBuf],
    (labels, asked): (&Labels, &Asked),
    reading: &Reading<'_>,
) -> Result<Option<Key>> {
    if asked.n(0) == 0 {
        return Ok(None);
    }
    for part in feedback {
        let Some(table) = reading.read(part)? else { continue };
        for row in 0..table.n_rows() {
            let Some(key) = key(&table, row)? else { continue };
            if labels.place(&key.digest()).is_some_and(|place| asked.rows[place] == 0) {
                return Ok(Some(key));
            }
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::fs;
    use std::path::Path;

    use modelwright_core::Context;
    use modelwright_core::data::Column;

    use super::super::tests::write;
    use super::*;

    fn feedback(path: &Path, labels: &[(&str, f64, &str)]) {
        write(
            path,
            vec![
                Column::strings("request_id", labels.iter().map(|l| Some(l.0)).collect::<Vec<_>>()),
                Column::numbers("request_row", labels.iter().map(|l| l.1).collect::<Vec<f64>>()),
                Column::strings("label", labels.iter().map(|l| Some(l.2)).collect::<Vec<_>>()),
            ],
        );
    }

    fn digest(id: &str, row: u64) -> Digest {
        Key { id: id.to_owned(), row }.digest()
    }

    #[test]
    fn labels_find_their_rows_and_the_last_one_counts() {
        let folder = std::env::temp_dir().join(format!("mw-served-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        feedback(&folder.join("part-1.parquet"), &[("r1", 2.0, "no"), ("r9", 1.0, "yes")]);
        feedback(&folder.join("part-2.parquet"), &[("r1", 2.0, "yes"), ("r1", 1.0, "no")]);
        let ctx = Context::unlimited(0, 1);
        // What is cut off hides nothing but itself.
        fs::write(folder.join("part-0.parquet"), b"PAR1").unwrap();
        let reading = Reading { ctx: &ctx, broken: RefCell::default() };
        let (found, n_contradicted) = Labels::read(&parts(&folder).unwrap(), &reading).unwrap();
        assert_eq!(n_contradicted, 1);
        fs::remove_dir_all(&folder).unwrap();
        assert!(reading.broken.borrow().keys().eq([&folder.join("part-0.parquet")]));
        assert_eq!(found.all.len(), 3);
        assert_eq!(found.get(&digest("r1", 2)), Some("yes"));
        assert_eq!(found.get(&digest("r1", 1)), Some("no"));
        assert_eq!(found.get(&digest("r2", 1)), None);
        assert!(parts(&folder.join("absent")).unwrap().is_empty());
    }

    #[test]
    fn a_label_of_several_rows_is_left_out_and_one_of_none_is_named() {
        let folder = std::env::temp_dir().join(format!("mw-asked-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        let ids = |ids: &[&str]| {
            let rows = Column::numbers("request_row", vec![1.0; ids.len()]);
            let ids = ids.iter().map(|id| Some(*id)).collect::<Vec<_>>();
            vec![Column::strings("request_id", ids), rows]
        };
        let logged = [folder.join("log-1.parquet"), folder.join("log-2.parquet")];
        write(&logged[0], ids(&["trace", "own"]));
        write(&logged[1], ids(&["trace", "trace", "other"]));
        let named = [folder.join("labels.parquet")];
        let all = ["own", "none", "trace"].map(|id| (id, 1.0, "yes"));
        feedback(&named[0], &all);
        let ctx = Context::unlimited(0, 1);
        let reading = Reading { ctx: &ctx, broken: RefCell::default() };
        let (mut labels, _) = Labels::read(&named, &reading).unwrap();
        let asked = Asked::of(&logged, &labels, &reading).unwrap();
        assert_eq!((asked.n(0), asked.n(1), asked.n(2)), (1, 1, 1));
        assert_eq!(asked.twice.as_deref(), Some("trace"));
        let orphan = orphan(&named, (&labels, &asked), &reading).unwrap().unwrap();
        assert_eq!((orphan.id.as_str(), orphan.row), ("none", 1));
        fs::remove_dir_all(&folder).unwrap();
        labels.retain_single(&asked);
        let found = ["trace", "own", "none"].map(|id| labels.get(&digest(id, 1)));
        assert_eq!(found, [None, Some("yes"), Some("yes")]);
    }

    #[test]
    fn texts_are_kept_once_while_they_are_few() {
        let mut texts = Texts::default();
        let numbers = ["yes", "no", "yes", ""].map(|text| texts.number(text).unwrap());
        assert_eq!(numbers, [0, 1, 0, 2]);
        for number in 0..2 * TEXTS_KNOWN_MAX {
            let at = texts.number(&number.to_string()).unwrap();
            assert_eq!(texts.get(at), number.to_string());
        }
        assert_eq!(texts.known.len(), TEXTS_KNOWN_MAX);
        let again = texts.number("9000000").unwrap();
        assert_eq!((texts.get(again), texts.get(0), texts.get(2)), ("9000000", "yes", ""));
    }
}
