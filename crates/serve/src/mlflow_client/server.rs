//! Where an MLflow server is, and how it is asked: HTTP/1.1, encrypted where the address says so.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use hyper::rt::{Read, Write};
use hyper_util::rt::TokioIo;
use modelwright_core::{Error, Result};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use crate::tls::certificates;

/// How long a connection may take.
const CONNECT_TIME_MAX: Duration = Duration::from_secs(10);

/// Answers are documents; a longer one is none of MLflow's.
const ANSWER_BYTES_MAX: usize = 16 << 20;

/// Where systems keep the certificates that they trust.
const ROOTS: [&str; 4] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// An MLflow tracking server.
#[derive(Clone, PartialEq, Eq)]
pub struct MlflowServer {
    is_encrypted: bool,
    host: String,
    port: u16,
    /// What stands before `/api`.
    prefix: String,
    authorization: Option<String>,
    roots: Option<PathBuf>,
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
                .got(text)
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
            authorization: user.map(basic),
            roots: None,
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

    /// With a file of certificates to trust, in place of the system's.
    #[must_use]
    pub fn with_roots(mut self, file: &Path) -> Self {
        self.roots = Some(file.to_owned());
        self
    }

    /// The address, without user and password.
    pub fn url(&self) -> String {
        let scheme = if self.is_encrypted { "https" } else { "http" };
        format!("{scheme}://{}:{}{}", self.host, self.port, self.prefix)
    }

    pub(super) async fn get(&self, call: &str) -> std::result::Result<Value, Refused> {
        self.call("GET", call, Bytes::new()).await
    }

    pub(super) async fn post(
        &self,
        call: &str,
        fields: &Value,
    ) -> std::result::Result<Value, Refused> {
        self.call("POST", call, fields.to_string().into()).await
    }

    pub(super) async fn patch(
        &self,
        call: &str,
        fields: &Value,
    ) -> std::result::Result<Value, Refused> {
        self.call("PATCH", call, fields.to_string().into()).await
    }

    async fn call(
        &self,
        method: &str,
        call: &str,
        body: Bytes,
    ) -> std::result::Result<Value, Refused> {
        let path = format!("/api/2.0/mlflow/{call}");
        let answer = self.ask(method, &path, "application/json", body).await?;
        Ok(serde_json::from_slice(&answer).unwrap_or_else(|_| json!({})))
    }

    /// Sends a request over a connection of its own; returns the body of an answer that says yes.
    pub(super) async fn ask(
        &self,
        method: &str,
        path: &str,
        content_type: &str,
        body: Bytes,
    ) -> std::result::Result<Bytes, Refused> {
        let lost = |cause: Box<dyn std::error::Error + Send + Sync>| {
            Refused::Lost(
                Error::work("the MLflow server cannot be reached")
                    .at(self.url())
                    .hint("is it running, and is the address right?")
                    .because(cause),
            )
        };
        let address = (self.host.trim_matches(['[', ']']), self.port);
        let connected = timeout(CONNECT_TIME_MAX, TcpStream::connect(address)).await;
        let stream = connected.map_err(|e| lost(e.into()))?.map_err(|e| lost(e.into()))?;
        let mut request = hyper::Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.prefix))
            .header(HOST, format!("{}:{}", self.host, self.port))
            .header(CONTENT_TYPE, content_type);
        if let Some(authorization) = &self.authorization {
            request = request.header(AUTHORIZATION, authorization);
        }
        let request = request.body(Full::new(body)).map_err(|e| lost(e.into()))?;
        if !self.is_encrypted {
            return exchange(TokioIo::new(stream), request).await.map_err(|e| e.or(lost));
        }
        let connector = self.connector().map_err(Refused::Lost)?;
        let name = ServerName::try_from(address.0.to_owned()).map_err(|e| lost(e.into()))?;
        let stream = connector.connect(name, stream).await.map_err(|e| lost(e.into()))?;
        exchange(TokioIo::new(stream), request).await.map_err(|e| e.or(lost))
    }

    fn connector(&self) -> Result<TlsConnector> {
        let known = || ROOTS.iter().map(PathBuf::from).find(|path| path.is_file());
        let file = self.roots.clone().or_else(known).ok_or_else(|| {
            Error::work("there are no certificates to trust on this machine")
                .at(self.url())
                .hint("name a file of them in SSL_CERT_FILE")
        })?;
        let mut roots = RootCertStore::empty();
        // A system's list may hold some that are too old to be understood.
        roots.add_parsable_certificates(certificates(&file)?);
        let config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
        Ok(TlsConnector::from(Arc::new(config)))
    }
}

/// How an exchange can fail.
enum Broken {
    Status(u16, String),
    Cause(Box<dyn std::error::Error + Send + Sync>),
}

impl Broken {
    fn or(self, lost: impl Fn(Box<dyn std::error::Error + Send + Sync>) -> Refused) -> Refused {
        match self {
            Self::Status(status, body) => Refused::Status(status, body),
            Self::Cause(cause) => lost(cause),
        }
    }
}

impl<E: std::error::Error + Send + Sync + 'static> From<E> for Broken {
    fn from(cause: E) -> Self {
        Self::Cause(Box::new(cause))
    }
}

async fn exchange(
    io: impl Read + Write + Unpin + Send + 'static,
    request: hyper::Request<Full<Bytes>>,
) -> std::result::Result<Bytes, Broken> {
    let (mut sender, connection) = http1::handshake(io).await?;
    let drive = tokio::spawn(connection);
    let answer = sender.send_request(request).await?;
    let status = answer.status();
    let body = Limited::new(answer.into_body(), ANSWER_BYTES_MAX).collect().await;
    drive.abort();
    let body = body.map_err(Broken::Cause)?.to_bytes();
    if status.is_success() {
        return Ok(body);
    }
    Err(Broken::Status(status.as_u16(), String::from_utf8_lossy(&body).into_owned()))
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
