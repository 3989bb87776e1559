//! The web page over a store: runs, models, monitoring, and the interface that it is made of.
//!
//! ```text
//! http::service ──▶ guard (host, origin) ──▶ access (key) ──┬──▶ page    files of the binary
//!                                                          ├──▶ api     JSON of our own
//!                                                          └──▶ mlflow  JSON of MLflow
//! ```
//!
//! | file | does |
//! |---|---|
//! | `session` | who asks |
//! | `page` | the page's files |
//! | `endpoint`, `api` | what is meant by a path, and who answers it |
//! | `runs`, `models`, `monitoring`, `score` | the answers |
//! | `stores` | connections to the store |

mod api;
mod endpoint;
mod models;
mod monitoring;
mod page;
mod runs;
mod score;
mod session;
mod stores;
mod watches;

use std::path::PathBuf;
use std::sync::Arc;

use hyper::Method;
use hyper::body::Incoming;
use hyper::http::request::Parts;
use modelwright_core::Result;

use crate::access::Scope;
use crate::app::App;
use crate::ask::Reply;
use crate::http::guard;
use crate::mlflow;
use crate::problem::Problem;

pub(crate) use page::ROW_FORM;
pub(crate) use session::key_of;
pub(crate) use stores::Stores;

/// What a page over a store is told.
#[derive(Debug, Clone)]
pub struct UiSettings {
    /// The folder of the store, which is made if it is not there.
    pub store: PathBuf,
    /// Names beside `localhost` and addresses by which the server may be asked without a key.
    pub hosts: Vec<String>,
}

/// What all requests to the page share.
pub(crate) struct Ui {
    settings: UiSettings,
    pub(crate) stores: Arc<Stores>,
    loaded: score::Loaded,
}

impl Ui {
    /// Opens the store.
    ///
    /// # Errors
    /// Input error when the store cannot be made or used.
    pub(crate) fn open(settings: UiSettings) -> Result<Self> {
        let stores = Arc::new(Stores::open(&settings.store)?);
        Ok(Self { settings, stores, loaded: score::Loaded::default() })
    }

    /// Refuses what another site's page sent.
    ///
    /// # Errors
    /// Problem 403.
    pub(crate) fn guard(&self, parts: &Parts, has_keys: bool) -> std::result::Result<(), Problem> {
        guard::check(parts, &self.settings.hosts, has_keys)
    }
}

/// The scope that a request's key needs; `None` is open to all, as the page's files are, which say
/// nothing of the store.
///
/// # Errors
/// Problem 404 or 405 for what is no endpoint.
pub(crate) fn scope(method: &Method, path: &str) -> std::result::Result<Option<Scope>, Problem> {
    if mlflow::is_mine(path) {
        return Ok(Some(mlflow::scope(method, path)));
    }
    if endpoint::is_mine(path) {
        return Ok(endpoint::find(method, path)?.scope());
    }
    Ok(None)
}

/// Answers a request that was let in.
///
/// # Errors
/// The problem that it is refused with.
pub(crate) async fn answer(
    app: &Arc<App>,
    ui: &Arc<Ui>,
    parts: &Parts,
    body: Incoming,
    id: &str,
) -> std::result::Result<Reply, Problem> {
    let path = parts.uri.path();
    if mlflow::is_mine(path) {
        return mlflow::answer(app, ui, parts, body).await;
    }
    if endpoint::is_mine(path) {
        return api::answer(app, ui, parts, body, id).await;
    }
    if path == "/health" {
        return Ok(Reply::json(&serde_json::json!({ "live": true, "ready": true })));
    }
    if matches!(parts.method, Method::GET | Method::HEAD)
        && let Some(file) = page::file(path, &parts.headers)
    {
        return Ok(file);
    }
    Err(Problem::new(404, "no-such-path", "there is nothing at this path").got(path))
}
