//! Mail to a server that passes it on: SMTP (RFC 5321) with TLS (RFC 3207, RFC 8314) and
//! passwords (RFC 4954), as much of it as a notice needs.
//!
//! ```text
//! 220 ◀─ connect         EHLO ─▶ 250 what it can      STARTTLS ─▶ 220, then EHLO again
//! AUTH ─▶ 235            MAIL FROM, RCPT TO ─▶ 250    DATA ─▶ 354, the text, a dot ─▶ 250
//! ```
//!
//! | file | does |
//! |---|---|
//! | `talk` | one conversation |
//! | `limit` | how long it may take |
//!
//! Libraries for this bring a second HTTP stack's worth of tables for names in all scripts along;
//! addresses here are ASCII, which is what servers without SMTPUTF8 take.

mod limit;
mod talk;
#[cfg(test)]
mod tests;

use std::net::{TcpStream, ToSocketAddrs};
use std::path::PathBuf;
use std::sync::Arc;

use modelwright_core::{Error, Result};
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, ClientConnection, StreamOwned};

use self::limit::{Limited, PAUSE_MAX};
use self::talk::{Talk, has};
use crate::trust::client_config;

/// How a connection is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tls {
    /// From the first byte: `smtps://`, port 465.
    Whole,
    /// After `STARTTLS`, which the server must offer: `smtp://`, port 587.
    Start,
    /// Not at all: `smtp://…?tls=none`.
    None,
}

/// A server of mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailServer {
    host: String,
    port: u16,
    tls: Tls,
    /// Certificates to trust, in place of the machine's.
    roots: Option<PathBuf>,
}

/// A letter, and who may send it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    /// The sender's address.
    pub from: String,
    /// The addresses that it goes to.
    pub to: Vec<String>,
    /// User and password; none where the server wants none.
    pub login: Option<(String, String)>,
    /// Headers and text, lines ending with CR LF.
    pub text: String,
}

/// Why a letter was not taken, and whether another try may help.
type Refused = (String, bool);

/// A recipient for whom a server did not take a letter that it took for others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreached {
    /// The address.
    pub to: String,
    /// What the server said.
    pub why: String,
    /// Whether another try may help.
    pub may_help: bool,
}

impl MailServer {
    /// Reads `smtp://HOST:PORT` or `smtps://HOST:PORT`, with `?tls=none` and `?ca=FILE`.
    ///
    /// # Errors
    /// Input error for what is no such URL.
    pub fn parse(url: &str) -> Result<Self> {
        let wrong = |what: &str| {
            Err(Error::input(what)
                .expected("smtp://HOST:PORT (with STARTTLS) or smtps://HOST:PORT")
                .hint("user and password are keys of their own; `?tls=none` sends in the clear"))
        };
        let (rest, whole) = match (url.strip_prefix("smtp://"), url.strip_prefix("smtps://")) {
            (Some(rest), _) => (rest, false),
            (_, Some(rest)) => (rest, true),
            _ => return wrong("the URL is none of a server of mail"),
        };
        let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
        let place = place.trim_end_matches('/');
        if place.contains('@') {
            return wrong("the URL of a server of mail holds a user");
        }
        let mut tls = if whole { Tls::Whole } else { Tls::Start };
        let mut roots = None;
        for part in query.split('&').filter(|part| !part.is_empty()) {
            match part.split_once('=') {
                Some(("tls", "none")) if !whole => tls = Tls::None,
                Some(("tls", "required")) => {}
                Some(("ca", file)) if !file.is_empty() => roots = Some(file.into()),
                _ => return wrong("the URL of a server of mail asks for something unknown"),
            }
        }
        let standard = if whole { 465 } else { 587 };
        // An address of version 6 stands in brackets.
        let cut = place.rfind(':').filter(|&at| !place[at..].contains(']'));
        let (host, port) = match cut {
            None => (place, Ok(standard)),
            Some(at) => (&place[..at], place[at + 1..].parse()),
        };
        let Ok(port) = port else { return wrong("the port of the server of mail is none") };
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        if host.is_empty() || host.chars().any(|c| c.is_whitespace() || c.is_control()) {
            return wrong("the URL of a server of mail names no server");
        }
        Ok(Self { host, port, tls, roots })
    }

    /// Hands a letter over; returns the recipients for whom it was not taken.
    ///
    /// # Errors
    /// What the server said when it took it for nobody, without the password, and whether another
    /// try may help.
    pub fn send(&self, letter: &Letter) -> std::result::Result<Vec<Unreached>, Refused> {
        let stream = self.connect().map_err(|e| (format!("it cannot be reached: {e}"), true))?;
        let trust = match self.tls {
            Tls::None => None,
            Tls::Whole | Tls::Start => {
                Some(client_config(self.roots.as_deref()).map_err(|why| (why, false))?)
            }
        };
        match (self.tls, trust) {
            (Tls::Whole, Some(trust)) => {
                let mut talk = Talk::new(self.encrypted(stream, trust)?);
                talk.expect(220)?;
                let can = talk.greet()?;
                talk.deliver(letter, &can, true)
            }
            (_, Some(trust)) => {
                let mut talk = Talk::new(stream);
                talk.expect(220)?;
                if !has(&talk.greet()?, "STARTTLS") {
                    let why = "it offers no STARTTLS; `?tls=none` would send in the clear";
                    return Err((why.to_owned(), false));
                }
                talk.say("STARTTLS", 220)?;
                // Whatever came before the encryption may be somebody else's.
                let mut talk = Talk::new(self.encrypted(talk.into_stream(), trust)?);
                let can = talk.greet()?;
                talk.deliver(letter, &can, true)
            }
            (_, None) => {
                let mut talk = Talk::new(stream);
                talk.expect(220)?;
                let can = talk.greet()?;
                talk.deliver(letter, &can, false)
            }
        }
    }

    fn connect(&self) -> std::io::Result<Limited> {
        let mut last = std::io::Error::other("the name means no address");
        for address in (self.host.as_str(), self.port).to_socket_addrs()? {
            match TcpStream::connect_timeout(&address, PAUSE_MAX) {
                Ok(stream) => return Limited::new(stream),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    fn encrypted(
        &self,
        stream: Limited,
        trust: Arc<ClientConfig>,
    ) -> std::result::Result<StreamOwned<ClientConnection, Limited>, Refused> {
        let name = ServerName::try_from(self.host.clone())
            .map_err(|e| (format!("its name cannot be verified: {e}"), false))?;
        let connection = ClientConnection::new(trust, name).map_err(|e| (e.to_string(), false))?;
        Ok(StreamOwned::new(connection, stream))
    }
}
