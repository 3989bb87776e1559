//! Whether the rows that a model is to be measured on are those that it learned from: its scores
//! there say how well it remembers, not how good it is.
//!
//! Two things tell, both of which the model file holds anyway. The record has the SHA-256 of the
//! files of the training. And the reference has the distinct values of each training column,
//! exactly or as registers: where values hardly ever repeat, those of new rows are nearly all new
//! (of rows drawn alike, a share of at least 2u − 1 is, where u is the share of distinct values:
//! the missing mass of Good, "The population frequencies of species", Biometrika 40, 1953). One
//! such column may be the name of somebody who is measured again; several together are rows.

use std::path::Path;

use modelwright_core::Result;
use modelwright_core::data::Table;
use modelwright_core::record::{DataSource, RunRecord};
use modelwright_lifecycle::digest::sha256_file;
use modelwright_preprocess::sketch::{ColumnSketch, Distinct};

use crate::model::Model;

/// A column hardly repeats from this share of distinct values among its training values on …
const DISTINCT_MIN: f64 = 0.9;
/// … of at least so many values, in at least this share of the rows.
const VALUES_MIN: u64 = 50;
const FILLED_MIN: f64 = 0.5;
/// Fewer such columns tell nothing about rows.
const COLUMNS_MIN: usize = 2;
/// From this share of known values on, most rows seem to be known.
const KNOWN_MIN: f64 = 0.5;

/// What looking at rows says about where they come from.
pub(crate) struct LearnedRows {
    columns: Vec<Watched>,
    /// Rows of the training table that the model did not learn from.
    n_spared: usize,
}

/// A column whose values hardly repeat.
struct Watched {
    name: String,
    of_training: Distinct,
    here: Distinct,
}

impl LearnedRows {
    /// Nothing looked at yet.
    ///
    /// # Errors
    /// Input error when the model's record or reference cannot be read.
    pub(crate) fn of(model: &Model) -> Result<Self> {
        let record = model.artifact.record()?;
        let columns = model.reference()?.columns.columns;
        let watched = columns.into_iter().filter(|(_, sketch)| hardly_repeats(sketch));
        let watched = watched.map(|(name, sketch)| Watched {
            name,
            of_training: sketch.distinct,
            here: Distinct::default(),
        });
        let is_spared = record.ensemble.n_rows_all.is_none() && record.test_data.is_none();
        let n_spared = if is_spared { record.split.n_holdout } else { 0 };
        Ok(Self { columns: watched.collect(), n_spared })
    }

    /// Looks at some rows.
    pub(crate) fn look(&mut self, table: &Table) {
        for watched in &mut self.columns {
            if let Some(column) = table.column(&watched.name) {
                watched.here.merge(&ColumnSketch::distinct_of(column));
            }
        }
    }

    /// What the rows so far say; `None` where they seem new, or nothing tells.
    pub(crate) fn verdict(&self) -> Option<String> {
        let share = |w: &Watched| Some((w.here.share_in(&w.of_training)?, w.name.clone()));
        let mut known: Vec<(f64, String)> = self.columns.iter().filter_map(share).collect();
        if known.len() < COLUMNS_MIN {
            return None;
        }
        known.sort_by(|a, b| a.0.total_cmp(&b.0));
        // Some may have been written anew since.
        let low = known[(known.len() - 1) / 4].0;
        let names: Vec<String> = known.into_iter().filter(|k| k.0 >= low).map(|k| k.1).collect();
        let spared = match self.n_spared {
            0 => String::new(),
            n => format!(" (all but {n} held-out rows of that table)"),
        };
        (low >= KNOWN_MIN).then(|| {
            format!(
                "about {:.0} % of these rows seem to be training rows: that share of their values \
                 of {} is known from there, where these hardly ever repeat; if the model learned \
                 from them{spared}, these scores are too good: measure on other rows",
                100.0 * low,
                some_of(&names)
            )
        })
    }
}

/// The first names, in backticks.
fn some_of(names: &[String]) -> String {
    const SHOWN: usize = 3;
    let shown: Vec<String> = names.iter().take(SHOWN).map(|n| format!("`{n}`")).collect();
    match names.len().saturating_sub(SHOWN) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

fn hardly_repeats(sketch: &ColumnSketch) -> bool {
    let n_values = sketch.n_rows - sketch.n_missing.min(sketch.n_rows);
    n_values >= VALUES_MIN
        && n_values as f64 >= FILLED_MIN * sketch.n_rows as f64
        && sketch.distinct.count() as f64 >= DISTINCT_MIN * n_values as f64
}

/// The SHA-256 of a plain file; `None` of what is none, or cannot be read.
pub(crate) fn digest_of(data: &Path) -> Option<String> {
    if data.is_file() { sha256_file(data).ok() } else { None }
}

/// What the digest of a file says that is one of those that the model learned from, bit for bit;
/// `None` of others.
pub(crate) fn of_digest(record: &RunRecord, sha256: &str) -> Option<String> {
    // Of a file that was not read to its end, the digest is that of its beginning.
    let is_whole = |source: &&DataSource| source.n_bytes_hashed.is_none();
    let test = record.test_data.iter().filter(|_| record.ensemble.n_rows_all.is_some());
    let named = std::iter::once(&record.data).chain(test).filter(is_whole).map(|s| &s.sha256);
    let files = record.retrained.iter().flat_map(|made| &made.files).map(|f| &f.sha256);
    let is_known = named.chain(files).any(|known| !known.is_empty() && known == sha256);
    is_known.then(|| {
        "this is the file that the model was trained on (same SHA-256): these scores are too \
         good, and say nothing of new rows; measure on other rows"
            .to_owned()
    })
}
