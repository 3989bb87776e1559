//! Requests to servers of other people: alerts and runs that are logged elsewhere go through here.
//!
//! Blocking, with a limit on time and on the size of answers. Encrypted connections trust what the
//! machine trusts (`SSL_CERT_FILE`, or the system's list, so that a company's own servers are
//! known), and Mozilla's list where the machine has none. Redirections are not followed: what was
//! meant for one address is not sent to another.

use std::path::{Path, PathBuf};
use std::time::Duration;

use modelwright_core::{Error, Result};
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem};

/// Answers are documents; longer ones are refused.
const ANSWER_BYTES_MAX: u64 = 16 << 20;

/// How long a connection may take.
const CONNECT_TIME_MAX: Duration = Duration::from_secs(10);

/// Names a file of certificates to trust, as for OpenSSL.
const ROOTS_VARIABLE: &str = "SSL_CERT_FILE";

/// Where systems keep the certificates that they trust.
const ROOTS: [&str; 4] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// What is asked of a server.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// E.g. `POST`.
    pub method: &'a str,
    /// The whole address.
    pub url: &'a str,
    /// Names and values of headers.
    pub headers: &'a [(String, String)],
    /// The body; none for a `GET`.
    pub body: &'a [u8],
    /// When the answer must be there, from now on.
    pub time_max: Duration,
}

/// What a server answered, whether it says yes or no.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The status, e.g. 200.
    pub status: u16,
    /// The body.
    pub body: Vec<u8>,
}

/// Why there was no answer.
#[derive(Debug)]
pub struct Lost {
    /// In words, without the address: that may be a secret.
    pub why: String,
    /// Whether another try may help.
    pub may_help: bool,
}

/// Asks servers; connections are kept for the next request.
pub struct Client {
    agent: ureq::Agent,
}

impl Client {
    /// A client that trusts what the machine trusts.
    ///
    /// # Errors
    /// Input error when the file that `SSL_CERT_FILE` names cannot be read or holds no certificate.
    pub fn new() -> Result<Self> {
        let roots = trusted_file().map_or(Ok(RootCerts::WebPki), |file| roots_of(&file))?;
        let config = ureq::Agent::config_builder()
            .timeout_connect(Some(CONNECT_TIME_MAX))
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .user_agent(concat!("modelwright/", env!("CARGO_PKG_VERSION")))
            .tls_config(TlsConfig::builder().root_certs(roots).build())
            .build();
        Ok(Self { agent: config.into() })
    }

    /// Sends a request and waits for the answer.
    ///
    /// # Errors
    /// When there is none in time, or it is too long.
    pub fn ask(&self, request: &Request<'_>) -> std::result::Result<Answer, Lost> {
        let lost = |e: ureq::Error| Lost {
            may_help: !matches!(e, ureq::Error::BadUri(_) | ureq::Error::Http(_)),
            why: e.to_string().replace(request.url, "the URL"),
        };
        let mut built = ureq::http::Request::builder().method(request.method).uri(request.url);
        for (name, value) in request.headers {
            built = built.header(name, value);
        }
        let answer = if request.body.is_empty() && request.method == "GET" {
            let built = built.body(()).map_err(|e| lost(e.into()))?;
            self.agent.run(self.timed(built, request.time_max))
        } else {
            let built = built.body(request.body).map_err(|e| lost(e.into()))?;
            self.agent.run(self.timed(built, request.time_max))
        };
        let mut answer = answer.map_err(lost)?;
        let body = answer.body_mut().with_config().limit(ANSWER_BYTES_MAX).read_to_vec();
        Ok(Answer { status: answer.status().as_u16(), body: body.map_err(lost)? })
    }

    fn timed<B: ureq::AsSendBody>(
        &self,
        request: ureq::http::Request<B>,
        time_max: Duration,
    ) -> ureq::http::Request<B> {
        self.agent.configure_request(request).timeout_global(Some(time_max)).build()
    }
}

/// The file of certificates that the machine trusts, if it has one.
pub(crate) fn trusted_file() -> Option<PathBuf> {
    let named = std::env::var_os(ROOTS_VARIABLE).filter(|path| !path.is_empty());
    let system = || ROOTS.iter().map(PathBuf::from).find(|path| path.is_file());
    named.map(PathBuf::from).or_else(system)
}

/// The certificates of a file.
fn roots_of(file: &Path) -> Result<RootCerts> {
    let wrong = |what: &str| Error::input(what).at(file.display().to_string());
    let bytes = std::fs::read(file).map_err(|e| {
        wrong("cannot read the certificates to trust")
            .hint(format!("{ROOTS_VARIABLE} names the file"))
            .because(e)
    })?;
    // A system's list may hold some that are too old to be understood.
    let certificates: Vec<Certificate<'static>> = parse_pem(&bytes)
        .filter_map(|item| match item {
            Ok(PemItem::Certificate(certificate)) => Some(certificate),
            _ => None,
        })
        .collect();
    if certificates.is_empty() {
        return Err(wrong("the file holds no certificate").expected("certificates in PEM"));
    }
    Ok(RootCerts::new_with_certs(&certificates))
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpListener;

    use super::*;

    /// A server that answers one request so; its address.
    fn answering(answer: &'static str) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/secret", listener.local_addr().unwrap());
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(answer.as_bytes());
            // Open until the other side has read.
            let _ = stream.read(&mut [0; 1]);
        });
        url
    }

    fn ask(url: &str, time_max: Duration) -> std::result::Result<Answer, Lost> {
        let headers = [("X-A".to_owned(), "b".to_owned())];
        let request = Request { method: "POST", url, headers: &headers, body: b"{}", time_max };
        Client::new().unwrap().ask(&request)
    }

    const SHORT: Duration = Duration::from_secs(5);

    #[test]
    fn yes_no_and_elsewhere_are_answers() {
        let url = answering("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
        assert_eq!(ask(&url, SHORT).unwrap(), Answer { status: 200, body: b"ok".to_vec() });
        let url = answering("HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n");
        assert_eq!(ask(&url, SHORT).unwrap().status, 500);
        let url = answering(
            "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n",
        );
        assert_eq!(ask(&url, SHORT).unwrap().status, 302, "it is not followed");
    }

    #[test]
    fn silence_and_nobody_are_told_without_the_address() {
        let url = answering("");
        let lost = ask(&url, Duration::from_millis(300)).unwrap_err();
        assert!(lost.may_help && !lost.why.contains("secret"), "{lost:?}");
        let lost = ask("http://127.0.0.1:1/secret", SHORT).unwrap_err();
        assert!(lost.may_help && !lost.why.contains("secret"), "{lost:?}");
        assert!(!ask("no address", SHORT).unwrap_err().may_help);
    }

    #[test]
    fn a_file_without_certificates_is_refused() {
        let file = std::env::temp_dir().join(format!("roots-{}", std::process::id()));
        std::fs::write(&file, "nothing").unwrap();
        let error = roots_of(&file).err().unwrap().to_string();
        assert!(error.contains("no certificate"), "{error}");
        std::fs::remove_file(&file).unwrap();
        assert!(roots_of(&file).err().unwrap().to_string().contains("SSL_CERT_FILE"));
    }
}
