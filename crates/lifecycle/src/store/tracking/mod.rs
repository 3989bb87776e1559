//! Runs that others track: experiments, metrics over time, logged models, uploaded files.
//!
//! What an MLflow client writes down lives here, in MLflow's own terms; the wire format is the
//! server's business. Our own runs and registered models are the masters of what they are: through
//! the views of `schema` they can be read, tagged, named and hidden like tracked ones, and nobody
//! but their own process says what they measured.
//!
//! | file | does |
//! |---|---|
//! | `schema` | tables, and views that show our own runs as tracked ones |
//! | `refusal` | what is answered when something cannot be done |
//! | `query` | conditions and orders as SQL |
//! | `experiments` | groups of runs |
//! | `runs`, `log`, `read` | runs: begin, end, hide; values as they come; everything of a run |
//! | `used` | data sets and models that a run took or made |
//! | `history` | a metric over time |
//! | `logged` | models that runs logged |
//! | `registered`, `registered_read` | the registry as MLflow sees it: tags, stages, sources |
//! | `uploads`, `own` | files by path, and those of our own runs and models |
//! | `forget` | what goes with a run that is removed |

mod experiments;
mod forget;
mod history;
mod log;
mod logged;
mod own;
mod query;
mod read;
mod refusal;
mod registered;
mod registered_read;
mod runs;
pub(super) mod schema;
#[cfg(test)]
mod tests;
mod uploads;
mod used;

pub use experiments::Experiment;
pub(super) use forget::forget_files;
pub use history::Point;
pub use log::{Batch, NewPoint};
pub use logged::{LoggedMetric, LoggedModel, NewLoggedModel};
pub use own::{Artifact, OWN_FILES};
pub use query::{
    Attribute, Comparison, Condition, EXPERIMENTS, LOGGED_MODELS, MODEL_VERSIONS, Operand, Order,
    Page, REGISTERED_MODELS, RUNS, Search, Searchable, Subject,
};
pub use read::{LatestMetric, RunFiles, TrackedRun};
pub use refusal::{Answer, Refusal};
pub use registered::NewVersion;
pub use registered_read::{TrackedModel, TrackedVersion};
pub use runs::{NewTrackedRun, OWN_RUN, RunUpdate};
pub use uploads::{Entry, Incoming, Stored};
pub use used::{DatasetUse, ModelUse};

use super::Store;
use super::db::{Db, DbResult, Haste, Value};

/// A tag or a parameter: key and value.
pub type Pair = (String, String);

/// Which of deleted and other things are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum View {
    /// What is not deleted.
    #[default]
    Active,
    /// What is deleted and could be restored.
    Deleted,
    /// Both.
    All,
}

impl View {
    /// The condition on `deleted_ms`.
    fn sql(self) -> &'static str {
        match self {
            Self::Active => "e.deleted_ms IS NULL",
            Self::Deleted => "e.deleted_ms IS NOT NULL",
            Self::All => "TRUE",
        }
    }
}

impl Store {
    /// Reads.
    fn look<T>(&self, work: impl FnOnce(&Db) -> Answer<T>) -> Answer<T> {
        work(&self.db).map_err(|refusal| refusal.of_store(&self.db))
    }

    /// Does `work` in one transaction.
    fn track<T>(&mut self, haste: Haste, work: impl FnOnce(&Db) -> Answer<T>) -> Answer<T> {
        self.db.change(haste, work).map_err(|refusal: Refusal| refusal.of_store(&self.db))
    }
}

/// The pairs that a query finds.
fn pairs(db: &Db, query: &str, values: &[Value]) -> DbResult<Vec<Pair>> {
    let statement = db.prepare_cached(query)?;
    let rows = statement.query_map(values, |r| Ok((r.get(0)?, r.get(1)?)))?;
    rows.collect()
}

/// The condition that a column is one of some numbers.
fn is_one_of(column: &str, numbers: &[String]) -> String {
    if numbers.is_empty() {
        "FALSE".to_owned()
    } else {
        format!("{column} IN ({})", numbers.join(", "))
    }
}

/// A moment in milliseconds as the store's texts have it.
fn text_of(at_ms: i64) -> String {
    let text = modelwright_core::data::instant_text((at_ms / 1000).saturating_mul(1_000_000));
    if text.contains('T') { text } else { format!("{text}T00:00:00Z") }
}
