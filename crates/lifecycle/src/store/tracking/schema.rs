//! The tables and views of tracking, as one migration of the store.
//!
//! A tracked run is a row of `runs` (of the kind `mlflow`) with a row in `tracked` beside it, so
//! that every list, search and comparison of runs finds it. The views go the other way: through
//! them, runs and versions of our own look like tracked ones.

/// The migration.
pub(in crate::store) const TRACKING: &str = "
CREATE TABLE experiments (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE,
    artifact_location TEXT NOT NULL,
    created_ms INTEGER NOT NULL,
    updated_ms INTEGER NOT NULL,
    deleted_ms INTEGER
) STRICT;
INSERT INTO experiments (id, name, artifact_location, created_ms, updated_ms) VALUES
    (0, 'Default', 'mlflow-artifacts:/0', unixepoch() * 1000, unixepoch() * 1000),
    (1, 'modelwright', 'mlflow-artifacts:/1', unixepoch() * 1000, unixepoch() * 1000);
CREATE TABLE experiment_tags (
    experiment INTEGER NOT NULL REFERENCES experiments(id) ON DELETE CASCADE,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (experiment, key)
) STRICT, WITHOUT ROWID;
CREATE TABLE tracked (
    run INTEGER PRIMARY KEY REFERENCES runs(id) ON DELETE CASCADE,
    run_id TEXT UNIQUE,
    experiment INTEGER REFERENCES experiments(id),
    name TEXT,
    user TEXT,
    status TEXT,
    start_ms INTEGER,
    end_ms INTEGER,
    deleted_ms INTEGER,
    artifact_uri TEXT
) STRICT;
ALTER TABLE metrics ADD COLUMN step INTEGER;
ALTER TABLE metrics ADD COLUMN at_ms INTEGER;
CREATE TABLE points (
    run INTEGER NOT NULL REFERENCES runs(id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    at_ms INTEGER NOT NULL,
    step INTEGER NOT NULL,
    value REAL NOT NULL,
    is_nan INTEGER NOT NULL,
    PRIMARY KEY (run, name, at_ms, step, value, is_nan)
) STRICT, WITHOUT ROWID;
CREATE TABLE datasets (
    run INTEGER NOT NULL REFERENCES runs(id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    digest TEXT NOT NULL,
    source_type TEXT NOT NULL,
    source TEXT NOT NULL,
    schema TEXT,
    profile TEXT,
    tags TEXT NOT NULL,
    context TEXT,
    PRIMARY KEY (run, name, digest)
) STRICT;
CREATE TABLE run_models (
    run INTEGER NOT NULL REFERENCES runs(id) ON DELETE CASCADE,
    model TEXT NOT NULL,
    is_output INTEGER NOT NULL,
    step INTEGER NOT NULL,
    PRIMARY KEY (run, is_output, model)
) STRICT, WITHOUT ROWID;
CREATE TABLE logged_models (
    id TEXT PRIMARY KEY,
    experiment INTEGER NOT NULL REFERENCES experiments(id),
    name TEXT NOT NULL,
    type TEXT,
    source_run TEXT,
    status TEXT NOT NULL,
    artifact_uri TEXT NOT NULL,
    created_ms INTEGER NOT NULL,
    updated_ms INTEGER NOT NULL,
    deleted_ms INTEGER
) STRICT;
CREATE TABLE logged_model_tags (
    model TEXT NOT NULL REFERENCES logged_models(id) ON DELETE CASCADE,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (model, key)
) STRICT, WITHOUT ROWID;
CREATE TABLE logged_model_params (
    model TEXT NOT NULL REFERENCES logged_models(id) ON DELETE CASCADE,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (model, key)
) STRICT, WITHOUT ROWID;
CREATE TABLE logged_model_metrics (
    model TEXT NOT NULL REFERENCES logged_models(id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    dataset TEXT NOT NULL,
    digest TEXT NOT NULL,
    step INTEGER NOT NULL,
    at_ms INTEGER NOT NULL,
    value REAL NOT NULL,
    is_nan INTEGER NOT NULL,
    run_id TEXT NOT NULL,
    PRIMARY KEY (model, name, dataset, digest)
) STRICT, WITHOUT ROWID;
ALTER TABLE models ADD COLUMN description TEXT;
ALTER TABLE models ADD COLUMN created_ms INTEGER;
ALTER TABLE models ADD COLUMN updated_ms INTEGER;
CREATE TABLE model_tags (
    model INTEGER NOT NULL REFERENCES models(id) ON DELETE CASCADE,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (model, key)
) STRICT, WITHOUT ROWID;
ALTER TABLE versions ADD COLUMN source TEXT;
ALTER TABLE versions ADD COLUMN run_id TEXT;
ALTER TABLE versions ADD COLUMN run_link TEXT;
ALTER TABLE versions ADD COLUMN logged_model TEXT;
ALTER TABLE versions ADD COLUMN stage TEXT;
ALTER TABLE versions ADD COLUMN created_ms INTEGER;
ALTER TABLE versions ADD COLUMN updated_ms INTEGER;
CREATE TABLE version_tags (
    model INTEGER NOT NULL,
    number INTEGER NOT NULL,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (model, number, key),
    FOREIGN KEY (model, number) REFERENCES versions(model, number) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE TABLE uploads (
    path TEXT PRIMARY KEY,
    sha256 TEXT NOT NULL,
    size_bytes INTEGER NOT NULL,
    at_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX uploads_by_sha256 ON uploads(sha256);
CREATE VIEW tracked_runs AS SELECT
    r.id AS id,
    coalesce(t.run_id, 'modelwright-' || r.id) AS run_id,
    t.run_id IS NULL AS is_own,
    coalesce(t.experiment, 1) AS experiment,
    coalesce(t.name, r.kind || coalesce(' ' || r.data_name, '')) AS name,
    coalesce(t.user, '') AS user,
    coalesce(t.status, CASE r.status WHEN 'running' THEN 'RUNNING' WHEN 'finished' THEN 'FINISHED'
        WHEN 'failed' THEN 'FAILED' ELSE 'KILLED' END) AS status,
    coalesce(t.start_ms, unixepoch(r.started) * 1000) AS start_ms,
    coalesce(t.end_ms, unixepoch(r.ended) * 1000) AS end_ms,
    t.deleted_ms AS deleted_ms,
    coalesce(t.artifact_uri, 'mlflow-artifacts:/modelwright/runs/' || r.id) AS artifact_uri,
    r.parameters AS parameters
    FROM runs r LEFT JOIN tracked t ON t.run = r.id;
CREATE VIEW measured AS
    SELECT m.run, m.place, m.value, m.step, m.at_ms, CASE WHEN EXISTS (
        SELECT 1 FROM metrics o WHERE o.run = m.run AND o.name = m.name AND o.rows <> m.rows
        AND (o.place, o.rows) < (m.place, m.rows)) THEN m.rows || '/' ELSE '' END || m.name AS name
    FROM metrics m
    UNION ALL
    SELECT run, place, low, NULL, NULL, name || '.ci95_low' FROM metrics WHERE low IS NOT NULL
    UNION ALL
    SELECT run, place, high, NULL, NULL, name || '.ci95_high' FROM metrics WHERE high IS NOT NULL;
CREATE VIEW tracked_tags AS
    SELECT run, key, value FROM tags
    UNION ALL SELECT id, 'mlflow.runName', name FROM tracked_runs WHERE is_own
    UNION ALL SELECT id, 'modelwright.kind', kind FROM runs WHERE kind <> 'mlflow'
    UNION ALL SELECT id, 'modelwright.target', target FROM runs WHERE target IS NOT NULL
    UNION ALL SELECT id, 'modelwright.version', engine_version FROM runs WHERE kind <> 'mlflow'
    UNION ALL SELECT id, 'mlflow.source.git.commit', git_commit FROM runs
        WHERE kind <> 'mlflow' AND git_commit IS NOT NULL
    UNION ALL SELECT id, 'mlflow.note.content', note FROM runs r
        WHERE kind <> 'mlflow' AND note IS NOT NULL
        AND NOT EXISTS (SELECT 1 FROM tags WHERE run = r.id AND key = 'mlflow.note.content');
CREATE VIEW tracked_models AS SELECT
    id, name, description,
    coalesce(created_ms, unixepoch(created) * 1000) AS created_ms,
    coalesce(updated_ms, (SELECT max(unixepoch(v.created)) * 1000 FROM versions v
        WHERE v.model = m.id), unixepoch(created) * 1000) AS updated_ms
    FROM models m;
CREATE VIEW tracked_versions AS SELECT
    v.rowid AS id, v.model, m.name, v.number, v.note AS description, v.run_link, v.logged_model,
    v.source IS NULL AS is_own,
    coalesce(v.source, 'mlflow-artifacts:/modelwright/models/' || m.name || '/' || v.number)
        AS source,
    coalesce(v.run_id, 'modelwright-' || v.run) AS run_id,
    coalesce(v.stage, 'None') AS stage,
    coalesce(v.created_ms, unixepoch(v.created) * 1000) AS created_ms,
    coalesce(v.updated_ms, v.created_ms, unixepoch(v.created) * 1000) AS updated_ms
    FROM versions v JOIN models m ON m.id = v.model;
";
