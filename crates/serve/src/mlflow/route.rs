//! From method and path to the endpoint that answers.

use hyper::Method;
use modelwright_lifecycle::store::Store;
use serde_json::json;

use super::call::{Answered, Call};
use super::fault::{Code, Fault};
use super::{experiments, logged_models, metrics, model_versions, registered_models, runs};

/// What answers a request.
pub(super) type Endpoint = fn(&Call, &mut Store) -> Answered;

/// Method, path behind the prefix, what answers. A `*` stands for any part.
const ENDPOINTS: &[(&str, &str, Endpoint)] = &[
    ("POST", "experiments/create", experiments::create),
    ("GET", "experiments/get", experiments::get),
    ("GET", "experiments/get-by-name", experiments::get_by_name),
    ("POST", "experiments/search", experiments::search),
    ("GET", "experiments/search", experiments::search),
    ("POST", "experiments/update", experiments::rename),
    ("POST", "experiments/delete", experiments::delete),
    ("POST", "experiments/restore", experiments::restore),
    ("POST", "experiments/set-experiment-tag", experiments::set_tag),
    ("POST", "experiments/delete-experiment-tag", experiments::delete_tag),
    ("POST", "runs/create", runs::create),
    ("GET", "runs/get", runs::get),
    ("POST", "runs/update", runs::update),
    ("POST", "runs/delete", runs::delete),
    ("POST", "runs/restore", runs::restore),
    ("POST", "runs/search", runs::search),
    ("POST", "runs/log-metric", runs::log_metric),
    ("POST", "runs/log-parameter", runs::log_param),
    ("POST", "runs/set-tag", runs::set_tag),
    ("POST", "runs/delete-tag", runs::delete_tag),
    ("POST", "runs/log-batch", runs::log_batch),
    ("POST", "runs/log-model", runs::log_model),
    ("POST", "runs/log-inputs", runs::log_inputs),
    ("POST", "runs/outputs", runs::log_outputs),
    ("GET", "artifacts/list", runs::artifacts),
    ("GET", "metrics/get-history", metrics::history),
    ("GET", "metrics/get-history-bulk", metrics::histories),
    ("GET", "metrics/get-history-bulk-interval", metrics::curves),
    ("POST", "logged-models", logged_models::create),
    ("POST", "logged-models/search", logged_models::search),
    ("GET", "logged-models/*", logged_models::get),
    ("PATCH", "logged-models/*", logged_models::finalize),
    ("DELETE", "logged-models/*", logged_models::delete),
    ("PATCH", "logged-models/*/tags", logged_models::set_tags),
    ("DELETE", "logged-models/*/tags/*", logged_models::delete_tag),
    ("POST", "logged-models/*/params", logged_models::log_params),
    ("GET", "logged-models/*/artifacts/directories", logged_models::artifacts),
    ("POST", "registered-models/create", registered_models::create),
    ("GET", "registered-models/get", registered_models::get),
    ("GET", "registered-models/search", registered_models::search),
    ("POST", "registered-models/rename", registered_models::rename),
    ("PATCH", "registered-models/update", registered_models::describe),
    ("DELETE", "registered-models/delete", registered_models::delete),
    ("GET", "registered-models/get-latest-versions", registered_models::latest),
    ("POST", "registered-models/get-latest-versions", registered_models::latest),
    ("POST", "registered-models/set-tag", registered_models::set_tag),
    ("DELETE", "registered-models/delete-tag", registered_models::delete_tag),
    ("POST", "registered-models/alias", registered_models::set_alias),
    ("DELETE", "registered-models/alias", registered_models::delete_alias),
    ("GET", "registered-models/alias", registered_models::by_alias),
    ("POST", "model-versions/create", model_versions::create),
    ("GET", "model-versions/get", model_versions::get),
    ("GET", "model-versions/search", model_versions::search),
    ("PATCH", "model-versions/update", model_versions::describe),
    ("POST", "model-versions/transition-stage", model_versions::transition),
    ("DELETE", "model-versions/delete", model_versions::delete),
    ("GET", "model-versions/get-download-uri", model_versions::download_uri),
    ("POST", "model-versions/set-tag", model_versions::set_tag),
    ("DELETE", "model-versions/delete-tag", model_versions::delete_tag),
    ("GET", "server-info", server_info),
];

/// The endpoint at a path, and the parts of the path that `*` stands for.
pub(super) fn find(method: &Method, path: &str) -> Result<(Endpoint, Vec<String>), Fault> {
    let method = if *method == Method::HEAD { &Method::GET } else { method };
    for (own, pattern, endpoint) in ENDPOINTS {
        if method.as_str() == *own
            && let Some(names) = fit(pattern, path)
        {
            return Ok((*endpoint, names));
        }
    }
    let others: Vec<&str> =
        ENDPOINTS.iter().filter(|(_, p, _)| fit(p, path).is_some()).map(|e| e.0).collect();
    let text = if others.is_empty() {
        format!(
            "There is no endpoint '{path}' here: Modelwright answers what tracks runs, \
             models and their files."
        )
    } else {
        format!("The endpoint '{path}' is asked by {}, not by {method}.", others.join(" or "))
    };
    Err(Fault::new(Code::NoEndpoint, text))
}

fn fit(pattern: &str, path: &str) -> Option<Vec<String>> {
    if !pattern.contains('*') {
        return (pattern == path).then(Vec::new);
    }
    let mut names = Vec::new();
    let mut parts = path.split('/');
    for wanted in pattern.split('/') {
        let part = parts.next().filter(|part| !part.is_empty())?;
        if wanted == "*" {
            names.push(crate::ask::decoded(&part.replace('+', "%2B")).into_owned());
        } else if wanted != part {
            return None;
        }
    }
    parts.next().is_none().then_some(names)
}

/// What a client may expect of this server.
#[expect(clippy::unnecessary_wraps, reason = "an endpoint like the others")]
fn server_info(_: &Call, _: &mut Store) -> Answered {
    Ok(json!({
        "store_type": "SqlStore",
        "workspaces_enabled": false,
        "trace_archival_enabled": false,
        "multipart_uploads_enabled": false,
        "multipart_downloads_enabled": false,
        "presigned_upload_run_id_supported": false,
        "presigned_upload_model_id_supported": false,
        "features_enabled": { "gateway": false },
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_found_by_method_and_parts() {
        let names = |method, path| find(&method, path).map(|found| found.1).unwrap();
        assert_eq!(names(Method::GET, "logged-models/m-1"), ["m-1"]);
        assert_eq!(names(Method::DELETE, "logged-models/m-1/tags/a%2Fb+c"), ["m-1", "a/b+c"]);
        assert!(names(Method::HEAD, "runs/get").is_empty());
        for path in ["", "runs", "runs/get/x", "logged-models//tags/x", "traces/search"] {
            assert_eq!(find(&Method::GET, path).unwrap_err().code, Code::NoEndpoint, "{path}");
        }
        assert!(find(&Method::GET, "runs/create").unwrap_err().message.contains("by POST"));
    }
}
