//! A model that was made of new rows in place of an earlier one.

use serde::{Deserialize, Serialize};

/// Which files a retraining read, and how it was asked.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct RetrainedRecord {
    /// The files, in their order: the most recent rows of all of them judged the model.
    pub files: Vec<RetrainedFile>,
    /// How the model was found: `search`, `same`, `continue` or `auto`.
    pub plan: String,
    /// The share of the rows that judged it.
    pub judged_share: f64,
    /// The column that says which rows are the most recent, where it was named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_column: Option<String>,
    /// Whether only the last of the rows counted, as `watch` is told by a window: the command line
    /// has no word for that.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_windowed: bool,
}

/// One file of a retraining.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RetrainedFile {
    /// Its name without the folder.
    pub name: String,
    /// SHA-256 of its bytes, hexadecimal.
    pub sha256: String,
    /// How many rows it had, where all of them were read: what is appended later is new.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub n_rows: Option<u64>,
}
