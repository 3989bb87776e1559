//! The REST interface of MLflow over the same store.
//!
//! Every request whose path is one of these arrives here after the guard of [`crate::ui`] (host,
//! origin) and the key's scope; what is answered, errors in MLflow's own form too, is decided
//! here.

use std::sync::Arc;

use hyper::Method;
use hyper::body::Incoming;
use hyper::http::request::Parts;

use crate::access::Scope;
use crate::app::App;
use crate::ask::Reply;
use crate::problem::Problem;
use crate::ui::Ui;

/// Where the paths of MLflow begin.
const PREFIXES: [&str; 4] =
    ["/api/2.0/mlflow", "/api/2.0/mlflow-artifacts", "/ajax-api/2.0/mlflow", "/api/3.0/mlflow"];

/// Whether a path is one of MLflow's.
pub(crate) fn is_mine(path: &str) -> bool {
    PREFIXES.iter().any(|prefix| path.strip_prefix(prefix).is_some_and(is_end))
}

fn is_end(rest: &str) -> bool {
    rest.is_empty() || rest.starts_with('/')
}

/// The scope that a key needs: MLflow searches by POST, so that the path tells.
pub(crate) fn scope(method: &Method, path: &str) -> Scope {
    let reads = matches!(*method, Method::GET | Method::HEAD) || path.ends_with("/search");
    if reads { Scope::Metrics } else { Scope::Admin }
}

/// Answers a request.
///
/// # Errors
/// Problem 404 for a path that is none.
#[expect(clippy::unused_async, reason = "its answers will wait for the store")]
pub(crate) async fn answer(
    _app: &Arc<App>,
    _ui: &Arc<Ui>,
    parts: &Parts,
    _body: Incoming,
) -> Result<Reply, Problem> {
    Err(Problem::new(404, "no-such-path", "there is nothing at this path").got(parts.uri.path()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_prefixes_are_mlflow_s() {
        assert!(is_mine("/api/2.0/mlflow/experiments/search"));
        assert!(is_mine("/api/2.0/mlflow-artifacts/artifacts/0/x"));
        assert!(is_mine("/api/3.0/mlflow"));
        assert!(!is_mine("/api/2.0/mlflowing") && !is_mine("/api/v1/runs"));
    }
}
