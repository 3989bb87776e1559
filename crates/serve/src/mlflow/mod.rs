//! The REST interface of MLflow over the same store.
//!
//! Every request whose path is one of these arrives here after the guard of [`crate::ui`] (host,
//! origin) and the key's scope; what is answered, errors in MLflow's own form too, is decided
//! here.
//!
//! ```text
//! path ──route──▶ endpoint(call, store) ──▶ JSON, or a fault with MLflow's code
//!      └─artifacts──▶ bytes to and from the disk
//! ```
//!
//! | file | does |
//! |---|---|
//! | `route` | which endpoint? |
//! | `call`, `fields`, `check` | what was asked, within MLflow's limits |
//! | `filter` | search texts as conditions of the store |
//! | `experiments`, `runs`, `metrics`, `logged_models` | tracking |
//! | `registered_models`, `model_versions` | the registry |
//! | `artifacts` | files |
//! | `shape` | what the store holds, as clients read it |
//! | `fault` | why not, in MLflow's codes |

mod artifacts;
mod call;
mod check;
mod experiments;
mod fault;
mod fields;
mod filter;
mod logged_models;
mod metrics;
mod model_versions;
mod registered_models;
mod route;
mod runs;
mod shape;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use hyper::Method;
use hyper::body::Incoming;
use hyper::http::request::Parts;
use modelwright_lifecycle::store::Store;

use self::call::{Answered, Call};
use self::fault::{Code, Fault};
use self::fields::Fields;
use crate::access::Scope;
use crate::app::App;
use crate::ask::Reply;
use crate::clock;
use crate::http::body;
use crate::problem::Problem;
use crate::ui::Ui;

/// The version of MLflow whose clients this was built with; they ask for it.
const VERSION: &str = "3.17.2";

/// The path at which they ask.
const VERSION_PATH: &str = "/version";

/// Where the paths of endpoints begin.
const PREFIXES: [&str; 4] =
    ["/api/2.0/mlflow", "/api/3.0/mlflow", "/ajax-api/2.0/mlflow", "/ajax-api/3.0/mlflow"];

/// Where the paths of files begin.
const FILES: [&str; 2] = ["/api/2.0/mlflow-artifacts", "/ajax-api/2.0/mlflow-artifacts"];

/// The largest body of an endpoint: what is known of a data set has 16 MB at most.
const BODY_BYTES_MAX: usize = 24 << 20;

/// What follows on one of the prefixes, without the slash between.
fn behind<'a>(path: &'a str, prefixes: &[&str]) -> Option<&'a str> {
    prefixes.iter().find_map(|prefix| {
        let rest = path.strip_prefix(prefix)?;
        if rest.is_empty() { Some(rest) } else { rest.strip_prefix('/') }
    })
}

/// Whether a path is one of MLflow's.
pub(crate) fn is_mine(path: &str) -> bool {
    path == VERSION_PATH || behind(path, &PREFIXES).or_else(|| behind(path, &FILES)).is_some()
}

/// The scope that a key needs: MLflow searches by POST, so that the path tells.
pub(crate) fn scope(method: &Method, path: &str) -> Scope {
    let asks = ["/search", "/get-latest-versions"];
    let searches = *method == Method::POST && asks.iter().any(|end| path.ends_with(end));
    let reads = matches!(*method, Method::GET | Method::HEAD) || searches;
    if reads { Scope::Metrics } else { Scope::Admin }
}

/// Answers a request.
///
/// # Errors
/// Problems of the connection and of the body's size; everything else is MLflow's to say.
pub(crate) async fn answer(
    app: &Arc<App>,
    ui: &Arc<Ui>,
    parts: &Parts,
    mut body: Incoming,
) -> Result<Reply, Problem> {
    let path = parts.uri.path();
    if path == VERSION_PATH {
        return Ok(Reply::new("text/plain; charset=utf-8", VERSION));
    }
    if let Some(rest) = behind(path, &FILES) {
        return match behind(rest, &["artifacts"]) {
            Some(rest) => artifacts::answer(app, &ui.stores, parts, rest, body).await,
            None => Ok(no_parts(rest).reply()),
        };
    }
    let n_max = BODY_BYTES_MAX.min(app.settings.limits.body_bytes_max);
    let (body, _held) = body::receive(&parts.headers, &mut body, n_max, &app.bodies).await?;
    let (method, uri) = (parts.method.clone(), parts.uri.clone());
    let now_ms = clock::unix_micros() / 1000;
    let work = move |store: &mut Store| {
        let path = behind(uri.path(), &PREFIXES).unwrap_or_default();
        Ok(match respond(&method, path, uri.query(), &body, store, now_ms) {
            Ok(document) => Reply::json(&document),
            Err(fault) => fault.reply(),
        })
    };
    ui.stores.work(work).await
}

/// What is answered to a request, given the store and the time: everything but the connection.
///
/// `path` is what follows on the prefix, `now_ms` milliseconds since 1970.
fn respond(
    method: &Method,
    path: &str,
    query: Option<&str>,
    body: &[u8],
    store: &mut Store,
    now_ms: i64,
) -> Answered {
    let (endpoint, names) = route::find(method, path)?;
    let reads = matches!(*method, Method::GET | Method::HEAD);
    let fields = if reads { Fields::of_query(query) } else { Fields::of_body(body)? };
    endpoint(&Call { fields, names, now_ms, n_bytes: body.len() }, store)
}

/// Files go through this server whole: it hands out no addresses of other stores, to which parts
/// could be sent.
fn no_parts(path: &str) -> Fault {
    if path.starts_with("mpu/") || path.starts_with("presigned") {
        let text = "Files are sent and fetched whole, by PUT and GET of artifacts/PATH.";
        return Fault::new(Code::NotImplemented, text);
    }
    Fault::new(Code::NoEndpoint, format!("There is no endpoint '{path}'."))
}
