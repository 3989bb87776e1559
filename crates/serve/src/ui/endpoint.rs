//! From method and path to what is meant: `/api/v1/…`.

use hyper::Method;

use crate::access::Scope;
use crate::ask::decoded;
use crate::problem::Problem;

/// Where the paths of our own interface begin.
const PREFIX: &str = "/api/v1/";

/// What a request means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Endpoint {
    /// Who asks, and whether a key is needed.
    Session,
    SignIn,
    SignOut,
    Runs,
    Compare,
    Run(i64),
    DeleteRun(i64),
    /// What a run tells while it is at work.
    Progress(i64),
    Leaderboard(i64),
    RunReport(i64),
    /// A file of a run, by its name.
    RunFile(i64, String),
    Monitoring,
    Models,
    Model(String),
    /// The columns of a version, and an example of a row.
    Schema(String, String),
    ModelReport(String, String),
    ModelFile(String, String),
    Predict(String, String),
    /// The model of a run as the next version.
    Register(String),
    SetAlias(String, String),
    RemoveAlias(String, String),
    RollBack(String, String),
    /// Yes or no to the version that waits to become an alias.
    Answer(String, String),
}

impl Endpoint {
    /// The scope that a key needs; `None` is open to all.
    pub(super) fn scope(&self) -> Option<Scope> {
        match self {
            Self::Session | Self::SignIn | Self::SignOut => None,
            Self::Predict(..) => Some(Scope::Predict),
            Self::DeleteRun(_)
            | Self::Register(_)
            | Self::SetAlias(..)
            | Self::RemoveAlias(..)
            | Self::RollBack(..)
            | Self::Answer(..) => Some(Scope::Admin),
            _ => Some(Scope::Metrics),
        }
    }
}

/// Whether a path is of our own interface.
pub(super) fn is_mine(path: &str) -> bool {
    path.starts_with(PREFIX)
}

/// Finds what is meant.
///
/// # Errors
/// Problem 404 for a path that is none, 405 for one of another method.
pub(super) fn find(method: &Method, path: &str) -> Result<Endpoint, Problem> {
    let parts: Vec<String> = path
        .strip_prefix(PREFIX)
        .unwrap_or_default()
        .split('/')
        .map(|text| decoded(text).into_owned())
        .collect();
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    let own = if *method == Method::HEAD { &Method::GET } else { method };
    if let Some(found) = of(own, &parts) {
        return Ok(found);
    }
    let methods = [Method::GET, Method::POST, Method::PUT, Method::DELETE];
    let known: Vec<&str> =
        methods.iter().filter(|m| of(m, &parts).is_some()).map(Method::as_str).collect();
    if known.is_empty() {
        return Err(Problem::new(404, "no-such-path", "there is nothing at this path").got(path));
    }
    Err(Problem::new(405, "wrong-method", "the path is of another method")
        .expected(known.join(", "))
        .got(method.as_str()))
}

fn of(method: &Method, parts: &[&str]) -> Option<Endpoint> {
    let own = |text: &str| text.to_owned();
    let id = |text: &str| text.parse::<i64>().ok();
    Some(match (method.as_str(), parts) {
        ("GET", ["session"]) => Endpoint::Session,
        ("POST", ["session"]) => Endpoint::SignIn,
        ("DELETE", ["session"]) => Endpoint::SignOut,
        ("GET", ["runs"]) => Endpoint::Runs,
        ("GET", ["compare"]) => Endpoint::Compare,
        ("GET", ["runs", run]) => Endpoint::Run(id(run)?),
        ("DELETE", ["runs", run]) => Endpoint::DeleteRun(id(run)?),
        ("GET", ["runs", run, "progress"]) => Endpoint::Progress(id(run)?),
        ("GET", ["runs", run, "leaderboard"]) => Endpoint::Leaderboard(id(run)?),
        ("GET", ["runs", run, "report"]) => Endpoint::RunReport(id(run)?),
        ("GET", ["runs", run, "files", file]) => Endpoint::RunFile(id(run)?, own(file)),
        ("GET", ["monitoring"]) => Endpoint::Monitoring,
        ("GET", ["models"]) => Endpoint::Models,
        ("GET", ["models", name]) => Endpoint::Model(own(name)),
        ("GET", ["models", name, version, "schema"]) => Endpoint::Schema(own(name), own(version)),
        ("GET", ["models", name, version, "report"]) => {
            Endpoint::ModelReport(own(name), own(version))
        }
        ("GET", ["models", name, version, "file"]) => Endpoint::ModelFile(own(name), own(version)),
        ("POST", ["models", name, version, "predict"]) => {
            Endpoint::Predict(own(name), own(version))
        }
        ("POST", ["models", name, "versions"]) => Endpoint::Register(own(name)),
        ("PUT", ["models", name, "aliases", alias]) => Endpoint::SetAlias(own(name), own(alias)),
        ("DELETE", ["models", name, "aliases", alias]) => {
            Endpoint::RemoveAlias(own(name), own(alias))
        }
        ("POST", ["models", name, "aliases", alias, "rollback"]) => {
            Endpoint::RollBack(own(name), own(alias))
        }
        ("POST", ["models", name, "aliases", alias, "answer"]) => {
            Endpoint::Answer(own(name), own(alias))
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(method: &Method, path: &str) -> u16 {
        find(method, path).unwrap_err().status
    }

    #[test]
    fn paths_are_found_and_a_wrong_method_is_told_from_a_wrong_path() {
        let found = find(&Method::PUT, "/api/v1/models/a%20b/aliases/champion").unwrap();
        assert_eq!(found, Endpoint::SetAlias("a b".to_owned(), "champion".to_owned()));
        assert_eq!(find(&Method::HEAD, "/api/v1/runs/7").unwrap(), Endpoint::Run(7));
        assert_eq!(status(&Method::POST, "/api/v1/runs"), 405);
        assert_eq!(status(&Method::GET, "/api/v1/runs/x"), 404);
        assert_eq!(status(&Method::GET, "/api/v1/runs/99999999999999999999"), 404);
        assert_eq!(status(&Method::GET, "/api/v1/runs/1/files/../../x"), 404);
        assert_eq!(status(&Method::GET, "/api/v1/"), 404);
    }

    #[test]
    fn what_changes_the_store_needs_the_widest_scope() {
        let scope = |method, path| find(&method, path).unwrap().scope();
        assert_eq!(scope(Method::GET, "/api/v1/models/a"), Some(Scope::Metrics));
        assert_eq!(scope(Method::POST, "/api/v1/models/a/1/predict"), Some(Scope::Predict));
        let rollback = scope(Method::POST, "/api/v1/models/a/aliases/b/rollback");
        assert_eq!(rollback, Some(Scope::Admin));
        assert_eq!(scope(Method::DELETE, "/api/v1/runs/1"), Some(Scope::Admin));
        let answer = scope(Method::POST, "/api/v1/models/a/aliases/b/answer");
        assert_eq!(answer, Some(Scope::Admin));
        assert_eq!(scope(Method::POST, "/api/v1/models/a/versions"), Some(Scope::Admin));
        assert_eq!(scope(Method::GET, "/api/v1/session"), None);
    }
}
