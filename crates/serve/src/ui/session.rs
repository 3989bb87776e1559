//! Who asks: on a server with keys the page asks for one once, and the browser keeps it in a
//! cookie that no script reads and no other site's request carries.

use hyper::header::{COOKIE, HeaderMap};
use modelwright_lifecycle::store::shown_place;
use serde::Deserialize;
use serde_json::json;

use crate::app::App;
use crate::ask::Reply;
use crate::problem::Problem;

/// The cookie.
const NAME: &str = "modelwright_key";

/// How long a browser keeps it: a working week.
const SECONDS: u32 = 7 * 24 * 3600;

#[derive(Deserialize)]
struct Given {
    key: String,
}

/// The key in a request's cookie.
pub(crate) fn key_of(headers: &HeaderMap) -> Option<&str> {
    let cookies = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = cookies.flat_map(|text| text.split(';'));
    pairs.find_map(|pair| pair.trim().strip_prefix(NAME)?.strip_prefix('='))
}

/// Whether a key is needed, and what the one that came allows.
pub(super) fn tell(app: &App, headers: &HeaderMap) -> Reply {
    let Some(keys) = &app.settings.keys else {
        let scopes = ["metrics", "predict", "admin"];
        return answer(app, false, Some("this machine"), &scopes);
    };
    let known = key_of(headers).and_then(|key| keys.find(key.as_bytes()));
    match known {
        None => answer(app, true, None, &[]),
        Some(known) => answer(app, true, Some(&known.name), &known.scopes()),
    }
}

fn answer(app: &App, needs_key: bool, name: Option<&str>, scopes: &[&str]) -> Reply {
    // Only who is known learns where the store is.
    let store = app.ui.as_ref().filter(|_| name.is_some()).map(|ui| shown_place(ui.stores.place()));
    let version = env!("CARGO_PKG_VERSION");
    Reply::json(&json!({
        "needs_key": needs_key, "name": name, "scopes": scopes, "version": version, "store": store,
    }))
}

/// Keeps a key in the browser.
///
/// # Errors
/// Problem 401 for a key that is not known, 400 for a body that has none.
pub(super) fn sign_in(app: &App, body: &[u8]) -> Result<Reply, Problem> {
    let given: Given = serde_json::from_slice(body)
        .map_err(|e| Problem::malformed(e.to_string()).expected("{\"key\": \"mw_…\"}"))?;
    let known = app.settings.keys.as_ref().and_then(|keys| keys.find(given.key.as_bytes()));
    let Some(known) = known else {
        return Err(Problem::new(401, "no-key", "the key is not known")
            .expected("a key whose entry is in the file of keys"));
    };
    let reply = answer(app, true, Some(&known.name), &known.scopes());
    Ok(reply.header("set-cookie", &cookie(app, &given.key, SECONDS)))
}

/// Lets the browser forget it.
pub(super) fn sign_out(app: &App) -> Reply {
    answer(app, app.settings.keys.is_some(), None, &[]).header("set-cookie", &cookie(app, "", 0))
}

fn cookie(app: &App, key: &str, seconds: u32) -> String {
    let secure = if app.settings.tls.is_some() { "; Secure" } else { "" };
    format!("{NAME}={key}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_is_found_among_other_cookies() {
        let mut headers = HeaderMap::new();
        assert_eq!(key_of(&headers), None);
        headers.insert(COOKIE, "a=b; modelwright_key=mw_12; c=".parse().unwrap());
        assert_eq!(key_of(&headers), Some("mw_12"));
        headers.insert(COOKIE, "modelwright_keys=x; xmodelwright_key=y".parse().unwrap());
        assert_eq!(key_of(&headers), None);
    }
}
