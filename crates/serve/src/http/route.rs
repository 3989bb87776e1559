//! From method and path to what is meant.

use std::borrow::Cow;

use hyper::Method;

use crate::access::Scope;
use crate::ask::decoded;
use crate::problem::Problem;

/// More parts than any path has.
const PARTS_MAX: usize = 8;

/// Protocols in which rows come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Call {
    Plain,
    V1,
    V1Explain,
    V2,
    Invocations,
}

/// What a request means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Route {
    /// Rows for a model; without a name for the first.
    Predict {
        call: Call,
        model: Option<String>,
        version: Option<String>,
    },
    /// Is the process alive?
    Live,
    /// Are there models to answer?
    Ready,
    /// Does a model answer?
    ModelReady {
        model: String,
        version: Option<String>,
    },
    Home,
    Docs,
    /// A script of the page.
    DocsScript {
        name: String,
    },
    Openapi,
    Metrics,
    Server,
    V2Model {
        model: String,
        version: Option<String>,
    },
    V2Config {
        model: String,
        version: Option<String>,
    },
    V2Statistics {
        model: Option<String>,
    },
    V2Index,
    Feedback,
    V1Models,
    V1Model {
        model: String,
    },
    Load {
        model: String,
    },
    Unload {
        model: String,
    },
    RollBack {
        model: String,
    },
    Promote {
        model: String,
    },
    Canary {
        model: String,
    },
    Shadow {
        model: String,
    },
    Refresh,
}

impl Route {
    /// The scope that a key needs; `None` is open to all, as probes of an orchestrator have no key.
    pub(crate) fn scope(&self) -> Option<Scope> {
        match self {
            // The page says nothing of any model, and asks for a key itself.
            Self::Live | Self::Ready | Self::Home | Self::Docs | Self::DocsScript { .. } => None,
            Self::Metrics | Self::V2Statistics { .. } => Some(Scope::Metrics),
            Self::Load { .. }
            | Self::Unload { .. }
            | Self::RollBack { .. }
            | Self::Refresh
            | Self::Promote { .. }
            | Self::Canary { .. }
            | Self::Shadow { .. } => Some(Scope::Admin),
            _ => Some(Scope::Predict),
        }
    }

    /// Whether it changes what is served or what is written down, beside what was asked.
    pub(crate) fn is_change(&self) -> bool {
        self.scope() == Some(Scope::Admin) || *self == Self::Feedback
    }

    /// The name of the model that is meant.
    pub(crate) fn model(&self) -> Option<&str> {
        match self {
            Self::Predict { model, .. } | Self::V2Statistics { model } => model.as_deref(),
            Self::ModelReady { model, .. }
            | Self::V2Model { model, .. }
            | Self::V2Config { model, .. }
            | Self::V1Model { model }
            | Self::Load { model }
            | Self::Unload { model }
            | Self::RollBack { model }
            | Self::Promote { model }
            | Self::Canary { model }
            | Self::Shadow { model } => Some(model),
            _ => None,
        }
    }
}

/// Finds the route.
///
/// # Errors
/// Problem 404 for a path that is none, 405 for one of another method.
pub(crate) fn find(method: &Method, path: &str) -> Result<Route, Problem> {
    let mut all: [Cow<'_, str>; PARTS_MAX] = Default::default();
    let mut n = 0;
    for part in path.split('/').filter(|p| !p.is_empty()) {
        let Some(place) = all.get_mut(n) else { return Err(no_such_path(path)) };
        (*place, n) = (decoded(part), n + 1);
    }
    let parts: [&str; PARTS_MAX] = std::array::from_fn(|i| &*all[i]);
    let parts = &parts[..n];
    let reads = matches!(*method, Method::GET | Method::HEAD);
    let [own, other] = if reads { [get, post] } else { [post, get] };
    match own(parts) {
        Some(route) if reads || *method == Method::POST => Ok(route),
        Some(_) => Err(wrong_method(method, "POST")),
        None if other(parts).is_some() => {
            Err(wrong_method(method, if reads { "POST" } else { "GET" }))
        }
        None => Err(no_such_path(path)),
    }
}

fn no_such_path(path: &str) -> Problem {
    Problem::new(404, "no-such-path", "there is nothing at this path")
        .got(path)
        .hint("GET /docs shows what there is")
}

fn wrong_method(method: &Method, expected: &str) -> Problem {
    Problem::new(405, "wrong-method", "the path is of another method")
        .expected(expected)
        .got(method.as_str())
}

fn get(parts: &[&str]) -> Option<Route> {
    let owned = |text: &str| text.to_owned();
    Some(match *parts {
        [] => Route::Home,
        ["docs"] => Route::Docs,
        ["docs", name] => Route::DocsScript { name: owned(name) },
        ["openapi.json"] => Route::Openapi,
        ["metrics"] => Route::Metrics,
        ["health" | "healthz" | "livez" | "live"]
        | ["health", "live"]
        | ["v2", "health", "live"] => Route::Live,
        ["ready" | "readyz" | "startupz" | "ping"]
        | ["health", "ready" | "startup"]
        | ["v2", "health", "ready"] => Route::Ready,
        ["v2"] => Route::Server,
        ["v2", "models", "stats"] => Route::V2Statistics { model: None },
        ["v2", "models", model, "stats"] | ["v2", "models", model, "versions", _, "stats"] => {
            Route::V2Statistics { model: Some(owned(model)) }
        }
        ["v2", "models", model, "ready"] => {
            Route::ModelReady { model: owned(model), version: None }
        }
        ["v2", "models", model, "config"] => Route::V2Config { model: owned(model), version: None },
        ["v2", "models", model, "versions", version] => {
            Route::V2Model { model: owned(model), version: Some(owned(version)) }
        }
        ["v2", "models", model, "versions", version, "ready"] => {
            Route::ModelReady { model: owned(model), version: Some(owned(version)) }
        }
        ["v2", "models", model, "versions", version, "config"] => {
            Route::V2Config { model: owned(model), version: Some(owned(version)) }
        }
        ["models", model] | ["v2", "models", model] => {
            Route::V2Model { model: owned(model), version: None }
        }
        ["models"] | ["v2", "models"] => Route::V2Index,
        ["v1", "models"] => Route::V1Models,
        ["v1", "models", model] if !model.contains(':') => Route::V1Model { model: owned(model) },
        _ => return None,
    })
}

fn post(parts: &[&str]) -> Option<Route> {
    let predict = |call, model: Option<&str>, version: Option<&str>| Route::Predict {
        call,
        model: model.map(str::to_owned),
        version: version.map(str::to_owned),
    };
    let owned = |text: &str| text.to_owned();
    Some(match *parts {
        ["predict"] => predict(Call::Plain, None, None),
        ["models", model, "predict"] => predict(Call::Plain, Some(model), None),
        ["models", model, "versions", version, "predict"] => {
            predict(Call::Plain, Some(model), Some(version))
        }
        ["feedback"] => Route::Feedback,
        ["invocations"] => predict(Call::Invocations, None, None),
        ["models", model, "invocations"] => predict(Call::Invocations, Some(model), None),
        ["v1", "models", name] => {
            let (model, action) = name.rsplit_once(':')?;
            match action {
                "predict" => predict(Call::V1, Some(model), None),
                "explain" => predict(Call::V1Explain, Some(model), None),
                _ => return None,
            }
        }
        ["v2", "models", model, "infer"] => predict(Call::V2, Some(model), None),
        ["v2", "models", model, "versions", version, "infer"] => {
            predict(Call::V2, Some(model), Some(version))
        }
        ["v2", "repository", "index"] => Route::V2Index,
        ["v2", "repository", "models", model, "load"] => Route::Load { model: owned(model) },
        ["v2", "repository", "models", model, "unload"] => Route::Unload { model: owned(model) },
        ["admin", "models", model, "rollback"] => Route::RollBack { model: owned(model) },
        ["admin", "models", model, "promote"] => Route::Promote { model: owned(model) },
        ["admin", "models", model, "canary"] => Route::Canary { model: owned(model) },
        ["admin", "models", model, "shadow"] => Route::Shadow { model: owned(model) },
        ["admin", "reload"] => Route::Refresh,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_of_all_protocols_are_found() {
        let predict = |call, model: &str, version: Option<&str>| {
            let (model, version) = (Some(model.to_owned()), version.map(str::to_owned));
            Route::Predict { call, model, version }
        };
        let post = |path| find(&Method::POST, path).unwrap();
        assert_eq!(post("/v2/models/a/infer"), predict(Call::V2, "a", None));
        assert_eq!(post("/v2/models/a/versions/2/infer"), predict(Call::V2, "a", Some("2")));
        assert_eq!(post("/v1/models/a:b:predict"), predict(Call::V1, "a:b", None));
        assert_eq!(post("/v1/models/a:explain"), predict(Call::V1Explain, "a", None));
        assert_eq!(post("/models/a%20b/predict"), predict(Call::Plain, "a b", None));
        assert_eq!(find(&Method::HEAD, "/v2/health/live").unwrap(), Route::Live);
        assert_eq!(find(&Method::GET, "//v2/").unwrap(), Route::Server);
    }

    #[test]
    fn a_path_that_is_none_and_a_wrong_method_are_told_apart() {
        let status = |method, path| find(&method, path).unwrap_err().status;
        assert_eq!(status(Method::GET, "/v3"), 404);
        assert_eq!(status(Method::GET, "/v1/models/a:explode"), 404);
        assert_eq!(status(Method::GET, "/predict"), 405);
        assert_eq!(status(Method::DELETE, "/predict"), 405);
        assert_eq!(status(Method::POST, "/metrics"), 405);
        assert_eq!(status(Method::POST, "/v2/repository/models/../load/x"), 404);
    }

    #[test]
    fn only_probes_and_the_page_are_open_without_a_key() {
        let scope = |method, path| find(&method, path).unwrap().scope();
        assert_eq!(scope(Method::GET, "/v2/health/ready"), None);
        assert_eq!(scope(Method::GET, "/docs"), None);
        assert_eq!(scope(Method::GET, "/openapi.json"), Some(Scope::Predict));
        assert_eq!(scope(Method::GET, "/metrics"), Some(Scope::Metrics));
        assert_eq!(scope(Method::POST, "/predict"), Some(Scope::Predict));
        assert_eq!(scope(Method::POST, "/admin/reload"), Some(Scope::Admin));
        assert_eq!(scope(Method::POST, "/v2/repository/models/a/unload"), Some(Scope::Admin));
    }
}
