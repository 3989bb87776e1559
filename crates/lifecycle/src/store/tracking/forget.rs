//! What goes with a run of a client that is removed: its uploads, and those of the models that it
//! logged, as far as no registered version is made of them.

use crate::store::db::{Db, DbResult, OptionalRow, params};
use crate::store::files;

/// Where URIs of files begin that the store keeps.
const SCHEME: &str = "mlflow-artifacts:/";

/// Removes the files of a run, and the models that it logged. Called in the transaction that
/// removes the run, before its row goes.
pub(in crate::store) fn forget_files(db: &Db, run: i64) -> DbResult<()> {
    let query = "SELECT run_id, artifact_uri FROM tracked WHERE run = ?1 AND run_id IS NOT NULL";
    let found: Option<(String, Option<String>)> =
        db.query_row(query, params![run], |r| Ok((r.get(0)?, r.get(1)?))).optional()?;
    let Some((run_id, uri)) = found else { return Ok(()) };
    for (model, uri) in unused_models(db, &run_id)? {
        remove_below(db, &uri)?;
        db.execute("DELETE FROM logged_models WHERE id = ?1", params![model])?;
    }
    uri.map_or(Ok(()), |uri| remove_below(db, &uri))
}

/// Logged models of a run that no version means, with the URIs of their files.
fn unused_models(db: &Db, run_id: &str) -> DbResult<Vec<(String, String)>> {
    let statement = db.prepare_cached(
        "SELECT id, artifact_uri FROM logged_models l WHERE source_run = ?1 AND NOT EXISTS
         (SELECT 1 FROM versions v WHERE v.logged_model = l.id OR v.source = 'models:/' || l.id)
         ORDER BY id",
    )?;
    let rows = statement.query_map(params![run_id], |r| Ok((r.get(0)?, r.get(1)?)))?;
    rows.collect()
}

/// Removes the uploads below a URI, but for those that versions are made of.
fn remove_below(db: &Db, uri: &str) -> DbResult<()> {
    let Some(root) = path_of(uri) else { return Ok(()) };
    let statement = db.prepare_cached("SELECT source FROM versions WHERE source IS NOT NULL")?;
    let sources = statement.query_map(&[], |r| r.get::<String>(0))?;
    let sources = sources.collect::<DbResult<Vec<_>>>()?;
    let kept: Vec<String> = sources.iter().filter_map(|source| path_of(source)).collect();
    // `0` follows on `/`.
    let (low, high) = (format!("{root}/"), format!("{root}0"));
    let statement =
        db.prepare_cached("SELECT path, sha256 FROM uploads WHERE path >= ?1 AND path < ?2")?;
    let rows = statement.query_map(params![low, high], |r| Ok((r.get(0)?, r.get(1)?)))?;
    for (path, sha256) in rows.collect::<DbResult<Vec<(String, String)>>>()? {
        let is_below =
            |root: &String| path.strip_prefix(root).is_some_and(|rest| rest.starts_with('/'));
        if kept.iter().any(is_below) {
            continue;
        }
        db.execute("DELETE FROM uploads WHERE path = ?1", params![path])?;
        files::remove_unused_upload(db, &sha256)?;
    }
    Ok(())
}

/// The path of a URI of the store's own files.
fn path_of(uri: &str) -> Option<String> {
    let parts: Vec<&str> = uri.strip_prefix(SCHEME)?.split('/').filter(|p| !p.is_empty()).collect();
    (!parts.is_empty()).then(|| parts.join("/"))
}
