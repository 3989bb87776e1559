//! Which requests come from where they should: a page of another site that a browser shows can
//! send requests too, and gets them to a server of this machine.
//!
//! Two attacks, two checks. A foreign page *sends* (cross-site request forgery): what changes
//! something must name no other origin than ours. A foreign page *reads* (DNS rebinding: its own
//! name is made to mean this machine): without keys, the name by which we are asked must be an
//! address, `localhost`, or a name that was allowed.

use hyper::Method;
use hyper::header::{HOST, HeaderMap, HeaderName, ORIGIN};
use hyper::http::request::Parts;

use crate::problem::Problem;

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Refuses a request to the page over a store that another site's page sent.
///
/// `names` are allowed host names; with `has_keys` every name is one.
///
/// # Errors
/// Problem 403 when host or origin are not ours.
pub(crate) fn check(parts: &Parts, names: &[String], has_keys: bool) -> Result<(), Problem> {
    let host = host(parts);
    if !has_keys && !is_known(host, names) {
        return Err(unknown_host(host));
    }
    if matches!(parts.method, Method::GET | Method::HEAD | Method::OPTIONS) {
        return Ok(());
    }
    check_origin(parts, host)
}

/// Refuses a request to a server of models without keys that another site's page sent.
///
/// What changes something (`is_change`) must come from no other site, and be asked by a name that
/// is known. Predictions are asked by any name where not only this machine can ask
/// (`is_loopback`): there, the server cannot know how it is called. Names without a dot, which
/// networks of containers give, belong to no site; a program that names no host is no browser.
///
/// # Errors
/// Problem 403.
pub(super) fn check_models(
    parts: &Parts,
    names: &[String],
    is_loopback: bool,
    is_change: bool,
) -> Result<(), Problem> {
    let host = host(parts);
    let is_known = host.is_empty() || is_dotless(host) || is_known(host, names);
    if (is_loopback || is_change) && !is_known {
        return Err(unknown_host(host));
    }
    if is_change { check_origin(parts, host) } else { Ok(()) }
}

/// The name by which the server is asked; HTTP/2 has it in the URI.
fn host(parts: &Parts) -> &str {
    let authority = parts.uri.authority().map(hyper::http::uri::Authority::as_str);
    authority.or_else(|| header(&parts.headers, &HOST)).unwrap_or_default()
}

fn unknown_host(host: &str) -> Problem {
    Problem::new(403, "unknown-host", "the server does not go by this name")
        .expected("an address, localhost, or a name given by --allow-host")
        .got(host)
        .hint("start it with --allow-host NAME, or with --keys")
}

fn check_origin(parts: &Parts, host: &str) -> Result<(), Problem> {
    let text = |name: HeaderName| header(&parts.headers, &name);
    let foreign = |got: &str| {
        Err(Problem::new(403, "foreign-origin", "another site's page may change nothing here")
            .expected(format!("a request of a page of {host}, or of a program"))
            .got(got))
    };
    match (text(ORIGIN), text(SEC_FETCH_SITE)) {
        (Some(origin), _) if origin.split_once("://").is_none_or(|(_, own)| own != host) => {
            foreign(origin)
        }
        (None, Some(site)) if !matches!(site, "same-origin" | "none") => foreign(site),
        _ => Ok(()),
    }
}

fn header<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name).map(|value| value.to_str().unwrap_or("?"))
}

/// Whether a host is a name of one part, which no site of the Internet has.
fn is_dotless(host: &str) -> bool {
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
}

/// Whether a host, with or without a port, is an address, `localhost` or one of `names`.
fn is_known(host: &str, names: &[String]) -> bool {
    let name = match host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, _)) => return address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => host.rsplit_once(':').map_or(host, |(name, _)| name),
    };
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    name == "localhost"
        || name.parse::<std::net::Ipv4Addr>().is_ok()
        || names.iter().any(|own| own.eq_ignore_ascii_case(&name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(method: &str, headers: &[(&str, &str)]) -> Parts {
        let mut request = hyper::Request::builder().method(method).uri("/x");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(()).unwrap().into_parts().0
    }

    fn passes(method: &str, headers: &[(&str, &str)], has_keys: bool) -> bool {
        check(&parts(method, headers), &["team.example".to_owned()], has_keys).is_ok()
    }

    #[test]
    fn a_name_that_another_site_made_mean_this_machine_is_refused() {
        for known in [
            "localhost",
            "localhost:5000",
            "127.0.0.1:80",
            "[::1]:5000",
            "10.1.2.3",
            "TEAM.example:1",
        ] {
            assert!(passes("GET", &[("host", known)], false), "{known}");
        }
        for unknown in
            ["evil.example", "localhost.evil.example:5000", "[x]:1", "", "1.2.3.4.evil.x"]
        {
            assert!(!passes("GET", &[("host", unknown)], false), "{unknown}");
        }
        assert!(passes("GET", &[("host", "any.example")], true), "a key is needed there anyway");
    }

    #[test]
    fn a_foreign_page_may_change_nothing() {
        let host = ("host", "localhost:5000");
        assert!(passes("POST", &[host], false), "a program names no origin");
        assert!(passes("POST", &[host, ("origin", "http://localhost:5000")], false));
        assert!(passes("POST", &[host, ("sec-fetch-site", "same-origin")], false));
        for foreign in ["http://evil.example", "http://localhost:5001", "null", "localhost:5000"] {
            assert!(!passes("POST", &[host, ("origin", foreign)], false), "{foreign}");
            assert!(!passes("POST", &[host, ("origin", foreign)], true), "{foreign}");
            assert!(passes("GET", &[host, ("origin", foreign)], false), "reading is no change");
        }
        assert!(!passes("DELETE", &[host, ("sec-fetch-site", "cross-site")], false));
    }

    #[test]
    fn without_keys_models_are_changed_by_no_foreign_page_and_read_by_no_foreign_name() {
        let check = |method, headers: &[(&str, &str)], is_loopback, is_change| {
            let names = ["team.example".to_owned()];
            check_models(&parts(method, headers), &names, is_loopback, is_change).is_ok()
        };
        for known in ["", "localhost:1", "127.0.0.1:1", "[::1]:1", "serve:8080", "team.example"] {
            assert!(check("POST", &[("host", known)], true, true), "{known}");
        }
        for unknown in ["evil.example", "evil.example:8080", "[x]:1", "a.b."] {
            assert!(!check("GET", &[("host", unknown)], true, false), "{unknown}");
            assert!(check("GET", &[("host", unknown)], false, false), "{unknown}: a network's own");
            assert!(!check("POST", &[("host", unknown)], false, true), "{unknown}");
        }
        let local = ("host", "localhost:1");
        let (origin, site) = (("origin", "http://evil.example"), ("sec-fetch-site", "cross-site"));
        for foreign in [origin, site, ("origin", "null")] {
            assert!(!check("POST", &[local, foreign], true, true), "{foreign:?}");
            assert!(check("POST", &[local, foreign], true, false), "a proxy may call it otherwise");
        }
        assert!(check("POST", &[local, ("origin", "http://localhost:1")], true, true));
    }
}
