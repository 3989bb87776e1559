//! Where an MLflow server is, and how it is asked.

use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use modelwright_core::{Error, Result};
use modelwright_lifecycle::http::{Client, Request};
use serde_json::{Value, json};

use crate::ask::decoded;
use crate::clock;

/// An MLflow tracking server.
#[derive(Clone, PartialEq, Eq)]
pub struct MlflowServer {
    is_encrypted: bool,
    host: String,
    port: u16,
    /// What stands before `/api`.
    prefix: String,
    authorization: Option<String>,
}

impl std::fmt::Debug for MlflowServer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Never the key.
        write!(f, "MlflowServer({})", self.url())
    }
}

/// Why a call came to nothing.
#[derive(Debug)]
pub(super) enum Refused {
    /// The server answered so.
    Status(u16, String),
    /// There was no answer.
    Lost(Error),
}

impl Refused {
    /// Whether what was asked for is not there.
    pub(super) fn is_missing(&self) -> bool {
        matches!(self, Self::Status(404 | 405, _))
    }

    pub(super) fn error(self, server: &MlflowServer) -> Error {
        match self {
            Self::Lost(error) => error,
            Self::Status(status @ (401 | 403), _) => {
                Error::work("the MLflow server does not let us in")
                    .at(server.url())
                    .got(format!("status {status}"))
                    .hint(
                        "set MLFLOW_TRACKING_TOKEN, or MLFLOW_TRACKING_USERNAME and \
                         MLFLOW_TRACKING_PASSWORD",
                    )
            }
            Self::Status(status, body) => {
                let document: Value = serde_json::from_str(&body).unwrap_or_default();
                let said = document["message"].as_str().unwrap_or(&body);
                Error::work("the MLflow server refuses the run")
                    .at(server.url())
                    .got(format!("status {status}: {said}"))
            }
        }
    }
}

impl MlflowServer {
    /// The server at an address such as `http://localhost:5000`.
    ///
    /// # Errors
    /// Input error when the text is no such address.
    pub fn parse(text: &str) -> Result<Self> {
        let wrong = |what: &str| {
            Error::input(what)
                .at("--mlflow")
                .got(without_user(text))
                .expected("the address of a tracking server, such as http://localhost:5000")
        };
        let (is_encrypted, rest) = match text.split_once("://") {
            Some(("http", rest)) => (false, rest),
            Some(("https", rest)) => (true, rest),
            _ => return Err(wrong("the address of the MLflow server is none")),
        };
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let (user, place) = match authority.rsplit_once('@') {
            Some((user, place)) => (Some(user), place),
            None => (None, authority),
        };
        let is_bare_ipv6 = place.ends_with(']');
        let (host, port) = match place.rsplit_once(':').filter(|_| !is_bare_ipv6) {
            Some((host, port)) => {
                (host, port.parse().map_err(|_| wrong("the port is no number up to 65535"))?)
            }
            None => (place, if is_encrypted { 443 } else { 80 }),
        };
        let is_odd = |c: char| c.is_whitespace() || c.is_control() || "?#@\\".contains(c);
        if host.is_empty() || host.contains(is_odd) || path.contains(is_odd) {
            return Err(wrong("the address of the MLflow server is none"));
        }
        let path = path.trim_matches('/');
        Ok(Self {
            is_encrypted,
            host: host.to_owned(),
            port,
            prefix: if path.is_empty() { String::new() } else { format!("/{path}") },
            // Signs that mean something in an address stand there as `%40`.
            authorization: user.map(|user| basic(&decoded(&user.replace('+', "%2B")))),
        })
    }

    /// With a token that the server asks for.
    #[must_use]
    pub fn with_token(mut self, token: &str) -> Self {
        self.authorization = Some(format!("Bearer {token}"));
        self
    }

    /// With a name and a password.
    #[must_use]
    pub fn with_password(mut self, name: &str, password: &str) -> Self {
        self.authorization = Some(basic(&format!("{name}:{password}")));
        self
    }

    /// The address, without user and password.
    pub fn url(&self) -> String {
        let scheme = if self.is_encrypted { "https" } else { "http" };
        format!("{scheme}://{}:{}{}", self.host, self.port, self.prefix)
    }
}

/// A server that is being asked, until it has taken too long.
pub(super) struct Line<'a> {
    pub(super) server: &'a MlflowServer,
    client: Client,
    begun: Instant,
    time_max: Duration,
}

impl<'a> Line<'a> {
    /// A line on which all calls together may take a time.
    ///
    /// # Errors
    /// As [`Client::new`].
    pub(super) fn open(server: &'a MlflowServer, time_max: Duration) -> Result<Self> {
        Ok(Self { server, client: Client::new()?, begun: clock::now(), time_max })
    }

    pub(super) fn get(&self, call: &str) -> std::result::Result<Value, Refused> {
        self.call("GET", call, "")
    }

    pub(super) fn post(&self, call: &str, fields: &Value) -> std::result::Result<Value, Refused> {
        self.call("POST", call, &fields.to_string())
    }

    pub(super) fn patch(&self, call: &str, fields: &Value) -> std::result::Result<Value, Refused> {
        self.call("PATCH", call, &fields.to_string())
    }

    fn call(&self, method: &str, call: &str, body: &str) -> std::result::Result<Value, Refused> {
        let path = format!("/api/2.0/mlflow/{call}");
        let answer = self.ask(method, &path, "application/json", body.as_bytes())?;
        Ok(serde_json::from_slice(&answer).unwrap_or_else(|_| json!({})))
    }

    /// Sends a request; returns the body of an answer that says yes.
    pub(super) fn ask(
        &self,
        method: &str,
        path: &str,
        content_type: &str,
        body: &[u8],
    ) -> std::result::Result<Vec<u8>, Refused> {
        let left = self.time_max.saturating_sub(self.begun.elapsed());
        if left.is_zero() {
            return Err(Refused::Lost(self.too_slow()));
        }
        let url = format!("{}{path}", self.server.url());
        let mut headers = vec![("Content-Type".to_owned(), content_type.to_owned())];
        headers.extend(self.server.authorization.clone().map(|a| ("Authorization".to_owned(), a)));
        let request = Request { method, url: &url, headers: &headers, body, time_max: left };
        let answer = self.client.ask(&request).map_err(|lost| {
            Refused::Lost(if self.begun.elapsed() >= self.time_max {
                self.too_slow()
            } else {
                Error::work("the MLflow server cannot be reached")
                    .at(self.server.url())
                    .hint("is it running, and is the address right?")
                    .because(lost.why)
            })
        })?;
        match answer.status {
            200..=299 => Ok(answer.body),
            status => {
                Err(Refused::Status(status, String::from_utf8_lossy(&answer.body).into_owned()))
            }
        }
    }

    fn too_slow(&self) -> Error {
        Error::work("the MLflow server takes too long")
            .at(self.server.url())
            .expected(format!("an end within {} s", self.time_max.as_secs()))
    }
}

/// An address that may be shown: without user and password, wherever they stand.
fn without_user(text: &str) -> &str {
    text.rsplit_once('@').map_or(text, |(_, place)| place)
}

fn basic(user: &str) -> String {
    format!("Basic {}", STANDARD.encode(user))
}

/// A part of a URL with everything that means something there as `%41`.
pub(super) fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                out.push(char::from(byte));
            }
            other => {
                out.push('%');
                for digit in [other >> 4, other & 15] {
                    out.push(char::from(b"0123456789ABCDEF"[usize::from(digit)]));
                }
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_understood_and_never_shown_with_their_key() {
        let server = MlflowServer::parse("http://localhost:5000/").unwrap();
        assert_eq!(server.url(), "http://localhost:5000");
        let server = MlflowServer::parse("https://me:secret@mlflow.example/team/a/").unwrap();
        assert_eq!(server.url(), "https://mlflow.example:443/team/a");
        assert!(!format!("{server:?}").contains("secret"));
        assert_eq!(server.authorization.as_deref(), Some("Basic bWU6c2VjcmV0"));
        let server = MlflowServer::parse("https://me:p%40ss+@mlflow.example").unwrap();
        assert_eq!(server.authorization.as_deref(), Some("Basic bWU6cEBzcys="));
        for text in ["https://me:secret@mlflow.example:x", "me:secret@mlflow.example"] {
            let error = MlflowServer::parse(text).unwrap_err().to_string();
            assert!(!error.contains("secret") && error.contains("mlflow.example"), "{error}");
        }
        assert_eq!(MlflowServer::parse("http://[::1]:8").unwrap().port, 8);
        assert_eq!(MlflowServer::parse("http://[::1]").unwrap().port, 80);
        for text in
            ["", "localhost:5000", "sqlite:///x", "http://", "http://a:b", "http://a b/", "ftp://a"]
        {
            assert!(MlflowServer::parse(text).is_err(), "{text}");
        }
        assert_eq!(encoded("a b/é"), "a%20b%2F%C3%A9");
    }

    #[test]
    fn a_server_that_is_not_there_is_said_to_be_so() {
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let server = MlflowServer::parse(&format!("http://127.0.0.1:{port}")).unwrap();
        let error = server.send(&super::super::SentRun::default(), Duration::from_secs(5));
        assert_eq!(error.unwrap_err().what(), "the MLflow server cannot be reached");
    }
}
