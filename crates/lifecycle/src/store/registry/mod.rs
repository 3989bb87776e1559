//! Named models: versions that never change, aliases that move, and the history of both.
//!
//! | file | does |
//! |---|---|
//! | `read` | models, versions, files, history |
//! | `versions` | registering and removing; the numbers of versions |
//! | `aliases` | moving aliases, and taking that back |

mod aliases;
mod question;
mod read;
mod versions;

use modelwright_core::{Error, Result};
use serde::Serialize;

use super::db::{Db, DbResult, params};
pub use aliases::{AliasMove, Moved};
pub(crate) use aliases::{alias_in, move_alias};
pub(crate) use read::version_in;
pub(super) use versions::next_number;

/// A registered model.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ModelSummary {
    /// Its name.
    pub name: String,
    /// When its first version was registered.
    pub created: String,
    /// How many versions there are.
    pub n_versions: i64,
    /// The number of the last version.
    pub latest: Option<i64>,
    /// Aliases with the versions that they stand for.
    pub aliases: Vec<(String, i64)>,
}

/// A version of a registered model.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ModelVersion {
    /// The model's name.
    pub name: String,
    /// Its number, from 1.
    pub number: i64,
    /// When it was registered.
    pub created: String,
    /// SHA-256 of the model file.
    pub sha256: String,
    /// Size of the model file.
    pub size_bytes: i64,
    /// Target column.
    pub target: String,
    /// Task.
    pub task: String,
    /// The optimised metric.
    pub metric: Option<String>,
    /// Its value on untouched rows.
    pub value: Option<f64>,
    /// Lower and upper end of its 95 % interval.
    pub low: Option<f64>,
    /// See `low`.
    pub high: Option<f64>,
    /// The run that made it.
    pub run: Option<i64>,
    /// A few words.
    pub note: Option<String>,
    /// The aliases that stand for it.
    pub aliases: Vec<String>,
}

/// An alias that moved.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AliasChange {
    /// The alias.
    pub alias: String,
    /// The version that it stands for since; `None` when it was removed.
    pub number: Option<i64>,
    /// The version that it stood for before.
    pub before: Option<i64>,
    /// When.
    pub at: String,
    /// Why.
    pub reason: Option<String>,
}

fn model_id(db: &Db, name: &str) -> DbResult<i64> {
    db.query_row("SELECT id FROM models WHERE name = ?1", params![name], |r| r.get(0))
}

/// Refuses names that could not be written as `name@alias`.
fn check_word(word: &str, what: &str) -> Result<()> {
    let text = format!("{word}@x");
    if super::parse_reference(&text).is_some_and(|(name, _)| name == word) {
        return Ok(());
    }
    Err(Error::input(format!(
        "this cannot be the name of a{} {what}",
        if what == "alias" { "n" } else { "" }
    ))
    .got(word)
    .expected("letters, digits, `-`, `_` and `.`, not beginning with a dot"))
}
