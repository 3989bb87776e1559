//! Files of runs and models: up, down, listed, removed, through the server.
//!
//! What comes up goes straight to the disk, piece by piece, and gets its path when it is whole.
//! What goes down may be anything that somebody uploaded, so browsers are told to save it and not
//! to show it: a page among the artifacts must not act in the name of ours.

use std::sync::Arc;

use http_body_util::BodyExt;
use hyper::Method;
use hyper::body::Incoming as Body;
use hyper::header::{CONTENT_ENCODING, HeaderValue};
use hyper::http::request::Parts;
use modelwright_lifecycle::store::Store;
use modelwright_lifecycle::store::tracking::{Artifact, Incoming, OWN_FILES};
use serde_json::{Value, json};

use super::call::Answered;
use super::fault::{Code, Fault};
use super::fields::Fields;
use crate::app::App;
use crate::ask::{Reply, decoded};
use crate::clock;
use crate::problem::Problem;
use crate::ui::Stores;

/// Where URIs of files begin that this server keeps.
const SCHEME: &str = "mlflow-artifacts:/";

/// Characters of a path.
const PATH_MAX: usize = 4096;

/// What an artifact's answer looks like to a browser.
const MEDIA_TYPE: &str = "application/octet-stream";

/// A path without detours.
///
/// # Errors
/// Refused when a part of it is `..` or holds signs that could mean something else.
pub(super) fn clean(path: &str) -> Result<String, Fault> {
    let is_odd = |part: &str| part == ".." || part.contains(|c: char| c == '\\' || c.is_control());
    let parts: Vec<&str> = path.split('/').filter(|p| !p.is_empty() && *p != ".").collect();
    if path.len() > PATH_MAX || parts.iter().any(|part| is_odd(part)) {
        return Err(Fault::invalid(format!("Invalid path: '{}'", path.escape_debug())));
    }
    Ok(parts.join("/"))
}

/// What is in a folder below a URI, with paths from that URI on.
pub(super) fn below(store: &Store, uri: &str, path: &str) -> Answered {
    let Some(root) = uri.strip_prefix(SCHEME) else {
        return Err(Fault::invalid(format!(
            "The artifacts are at {uri}, which this server does not keep: ask there."
        )));
    };
    let path = clean(path)?;
    let (root, prefix) = (clean(root)?, if path.is_empty() { "" } else { "/" });
    let entries = store.artifacts(&format!("{root}{prefix}{path}"))?;
    // Of a file there is nothing in it.
    let name = path.rsplit('/').next().unwrap_or_default();
    if let [only] = &entries[..]
        && only.name == name
        && only.size_bytes.is_some()
        && store.artifact(&format!("{root}{prefix}{path}")).is_ok()
    {
        return Ok(json!([]));
    }
    Ok(entries
        .iter()
        .map(|entry| file(&format!("{path}{prefix}{}", entry.name), entry.size_bytes))
        .collect())
}

fn file(path: &str, size_bytes: Option<u64>) -> Value {
    match size_bytes {
        Some(size) => json!({ "path": path, "is_dir": false, "file_size": size }),
        None => json!({ "path": path, "is_dir": true }),
    }
}

/// What is in the folder that a query names.
fn list(store: &Store, fields: &Fields) -> Answered {
    let folder = clean(fields.text("path")?.unwrap_or_default())?;
    let entries = store.artifacts(&folder)?;
    let files: Value = entries.iter().map(|e| file(&e.name, e.size_bytes)).collect();
    Ok(json!({ "files": files }))
}

/// A file, as an answer.
pub(super) fn download(store: &Store, path: &str) -> Result<Reply, Fault> {
    let reply = match store.artifact(path)? {
        Artifact::Made(bytes) => Reply::new(MEDIA_TYPE, bytes).unpacked(),
        Artifact::File(file) => Reply::file(MEDIA_TYPE, &file).map_err(|cause| {
            Fault::new(Code::Missing, format!("The artifact '{path}' cannot be read: {cause}."))
        })?,
    };
    let name: String = path
        .rsplit('/')
        .next()
        .unwrap_or_default()
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || "._- ".contains(c) { c } else { '_' })
        .collect();
    Ok(reply
        .header("content-disposition", &format!("attachment; filename=\"{name}\""))
        .header("x-content-type-options", "nosniff")
        .header("content-security-policy", "sandbox; default-src 'none'"))
}

/// Answers a request to the files; `rest` is the path behind `artifacts`.
pub(super) async fn answer(
    app: &Arc<App>,
    stores: &Arc<Stores>,
    parts: &Parts,
    rest: &str,
    body: Body,
) -> Result<Reply, Problem> {
    // A `+` in a path is a `+`.
    let path = match clean(&decoded(&rest.replace('+', "%2B"))) {
        Ok(path) => path,
        Err(fault) => return Ok(fault.reply()),
    };
    match parts.method {
        Method::GET | Method::HEAD if path.is_empty() => {
            let fields = Fields::of_query(parts.uri.query());
            let listed = move |store: &mut Store| {
                Ok(list(store, &fields).map_or_else(|fault| fault.reply(), |v| Reply::json(&v)))
            };
            stores.work(listed).await
        }
        Method::GET | Method::HEAD => {
            let read = move |store: &mut Store| {
                Ok(download(store, &path).unwrap_or_else(|fault| fault.reply()))
            };
            stores.work(read).await
        }
        _ if path.is_empty() => Ok(Fault::invalid("A path is needed.").reply()),
        _ if path.split('/').next() == Some(OWN_FILES) => {
            let text = "The files of Modelwright's own runs and models cannot be changed.";
            Ok(Fault::invalid(text).reply())
        }
        Method::PUT => {
            let upload = upload(app, stores, parts, path, body).await?;
            Ok(upload.map_or_else(|fault| fault.reply(), |()| Reply::json(&json!({}))))
        }
        Method::DELETE => {
            let remove = move |store: &mut Store| {
                let done = store.remove_uploads(&path).map_err(Fault::from);
                Ok(done.map_or_else(|fault| fault.reply(), |_| Reply::json(&json!({}))))
            };
            stores.work(remove).await
        }
        _ => {
            let fault = Fault::new(Code::NoEndpoint, "There is no such method of artifacts.");
            Ok(fault.reply())
        }
    }
}

async fn upload(
    app: &Arc<App>,
    stores: &Arc<Stores>,
    parts: &Parts,
    path: String,
    mut body: Body,
) -> Result<Result<(), Fault>, Problem> {
    let encoding = parts.headers.get(CONTENT_ENCODING).map(HeaderValue::as_bytes);
    if encoding.is_some_and(|encoding| encoding != b"identity") {
        return Ok(Err(Fault::invalid("Artifacts are uploaded without a content encoding.")));
    }
    let n_max = app.settings.limits.body_bytes_max;
    let mut n_bytes = 0;
    let mut incoming = Incoming::begin(stores.folder())?;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|e| Problem::malformed(format!("the body broke off: {e}")))?;
        let Ok(bytes) = frame.into_data() else { continue };
        n_bytes += bytes.len();
        if n_bytes > n_max {
            return Err(Problem::new(413, "body-too-large", "the artifact is too large")
                .expected(format!("at most {n_max} bytes"))
                .hint("start the server with a larger --max-body"));
        }
        // A few kilobytes at once, to the system's cache: quicker than to change threads.
        incoming.add(&bytes)?;
    }
    let now_ms = clock::unix_micros() / 1000;
    let put = move |store: &mut Store| {
        let stored = incoming.end()?;
        Ok(store.put_upload(&path, &stored, now_ms).map_err(Fault::from))
    };
    stores.work(put).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_cannot_climb() {
        assert_eq!(clean("0/a b/./c//d").unwrap(), "0/a b/c/d");
        assert_eq!(clean("/").unwrap(), "");
        for path in ["../x", "a/../../x", "a/..", "a\\..\\b", "a\0b", "a\nb"] {
            assert!(clean(path).is_err(), "{path:?}");
        }
    }
}
