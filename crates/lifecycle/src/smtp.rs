//! Mail to a server that passes it on: SMTP (RFC 5321) with TLS (RFC 3207, RFC 8314) and
//! passwords (RFC 4954), as much of it as a notice needs.
//!
//! ```text
//! 220 ◀─ connect         EHLO ─▶ 250 what it can      STARTTLS ─▶ 220, then EHLO again
//! AUTH ─▶ 235            MAIL FROM, RCPT TO ─▶ 250    DATA ─▶ 354, the text, a dot ─▶ 250
//! ```
//!
//! Libraries for this bring a second HTTP stack's worth of tables for names in all scripts along;
//! addresses here are ASCII, which is what servers without SMTPUTF8 take.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use modelwright_core::{Error, Result};
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, ClientConnection, StreamOwned};

use crate::trust::client_config;

/// How long the server may take for each answer.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Answers are a few lines; longer ones are refused.
const ANSWER_BYTES_MAX: u64 = 64 << 10;

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

    /// Hands a letter over.
    ///
    /// # Errors
    /// What the server said, without the password, and whether another try may help.
    pub fn send(&self, letter: &Letter) -> std::result::Result<(), Refused> {
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

    fn connect(&self) -> std::io::Result<TcpStream> {
        let mut last = std::io::Error::other("the name means no address");
        for address in (self.host.as_str(), self.port).to_socket_addrs()? {
            match TcpStream::connect_timeout(&address, TIMEOUT) {
                Ok(stream) => {
                    stream.set_read_timeout(Some(TIMEOUT))?;
                    stream.set_write_timeout(Some(TIMEOUT))?;
                    return Ok(stream);
                }
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    fn encrypted(
        &self,
        stream: TcpStream,
        trust: Arc<ClientConfig>,
    ) -> std::result::Result<StreamOwned<ClientConnection, TcpStream>, Refused> {
        let name = ServerName::try_from(self.host.clone())
            .map_err(|e| (format!("its name cannot be verified: {e}"), false))?;
        let connection = ClientConnection::new(trust, name).map_err(|e| (e.to_string(), false))?;
        Ok(StreamOwned::new(connection, stream))
    }
}

/// Whether a server can do something, by the lines of its greeting.
fn has(can: &[String], what: &str) -> bool {
    can.iter().any(|line| line.eq_ignore_ascii_case(what))
}

/// One conversation.
struct Talk<S>(BufReader<S>);

impl<S: Read + Write> Talk<S> {
    fn new(stream: S) -> Self {
        Self(BufReader::new(stream))
    }

    fn into_stream(self) -> S {
        self.0.into_inner()
    }

    /// The lines of an answer without their code.
    fn expect(&mut self, code: u16) -> std::result::Result<Vec<String>, Refused> {
        let mut lines = Vec::new();
        let mut left = ANSWER_BYTES_MAX;
        loop {
            let mut line = String::new();
            let n = (&mut self.0).take(left).read_line(&mut line);
            let n = n.map_err(|e| (format!("the connection broke off: {e}"), true))?;
            left = left.saturating_sub(n as u64);
            let (Some(said), Some(text)) = (line.get(..3), line.get(4..)) else {
                return Err(("it answered something that is no SMTP".to_owned(), n == 0));
            };
            lines.push(text.trim_end().to_owned());
            if line.as_bytes()[3] == b'-' {
                continue;
            }
            // A recipient who is elsewhere is told by 251: the server sends the letter on.
            if said.parse() == Ok(code) || (code == 250 && said == "251") {
                return Ok(lines);
            }
            // Codes of four hundred pass by themselves.
            return Err((format!("it answered {said} {}", lines.join(" ")), said.starts_with('4')));
        }
    }

    fn say(&mut self, line: &str, code: u16) -> std::result::Result<Vec<String>, Refused> {
        let stream = self.0.get_mut();
        let sent = stream.write_all(format!("{line}\r\n").as_bytes()).and_then(|()| stream.flush());
        sent.map_err(|e| (format!("the connection broke off: {e}"), true))?;
        self.expect(code)
    }

    /// What the server can do.
    fn greet(&mut self) -> std::result::Result<Vec<String>, Refused> {
        // A name that every server takes from whoever has none of its own (RFC 5321, 4.1.3).
        self.say("EHLO [127.0.0.1]", 250)
    }

    fn log_in(
        &mut self,
        (user, password): &(String, String),
        can: &[String],
    ) -> std::result::Result<(), Refused> {
        let ways = can.iter().find_map(|line| {
            let (word, ways) = line.split_once([' ', '='])?;
            word.eq_ignore_ascii_case("AUTH").then(|| ways.to_ascii_uppercase())
        });
        let ways = ways.unwrap_or_default();
        let knows = |way: &str| ways.split_whitespace().any(|known| known == way);
        if knows("PLAIN") {
            let secret = STANDARD.encode(format!("\0{user}\0{password}"));
            self.say(&format!("AUTH PLAIN {secret}"), 235).map(drop)
        } else if knows("LOGIN") {
            self.say("AUTH LOGIN", 334)?;
            self.say(&STANDARD.encode(user), 334)?;
            self.say(&STANDARD.encode(password), 235).map(drop)
        } else {
            Err(("it takes no password by PLAIN or LOGIN".to_owned(), false))
        }
    }

    fn deliver(
        &mut self,
        letter: &Letter,
        can: &[String],
        is_secret: bool,
    ) -> std::result::Result<(), Refused> {
        if let Some(login) = &letter.login {
            if !is_secret {
                return Err((
                    "a password is not sent in the clear; leave out tls=none".into(),
                    false,
                ));
            }
            self.log_in(login, can)?;
        }
        self.say(&format!("MAIL FROM:<{}>", letter.from), 250)?;
        for to in &letter.to {
            self.say(&format!("RCPT TO:<{to}>"), 250)?;
        }
        self.say("DATA", 354)?;
        self.say(&format!("{}.", stuffed(&letter.text)), 250)?;
        // The letter is taken, whatever comes now.
        let _ = self.say("QUIT", 221);
        Ok(())
    }
}

/// A text that ends with CR LF, its lines that begin with a dot marked by another.
fn stuffed(text: &str) -> String {
    let lines = text.lines().map(|line| {
        let mark = if line.starts_with('.') { "." } else { "" };
        format!("{mark}{line}\r\n")
    });
    lines.collect()
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    fn letter(login: bool) -> Letter {
        let login = login.then(|| ("ada".to_owned(), "secret".to_owned()));
        let (from, to) = ("mw@example.org".to_owned(), vec!["ops@example.org".to_owned()]);
        Letter { from, to, login, text: "Subject: x\r\n\r\n.dot\r\n".to_owned() }
    }

    /// A server that answers each line by the next of `answers`; returns what it was sent.
    fn server(answers: &'static [&'static str]) -> (u16, std::thread::JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let serve = move || {
            let (stream, _) = listener.accept().unwrap();
            let mut reader = BufReader::new(stream);
            let mut heard = String::new();
            for answer in answers {
                reader.get_mut().write_all(format!("{answer}\r\n").as_bytes()).unwrap();
                let in_data = answer.starts_with("354");
                loop {
                    let mut line = String::new();
                    if reader.read_line(&mut line).unwrap_or(0) == 0 {
                        return heard;
                    }
                    heard += &line;
                    if !in_data || line == ".\r\n" {
                        break;
                    }
                }
            }
            heard
        };
        (port, std::thread::spawn(serve))
    }

    fn plain(port: u16) -> MailServer {
        MailServer::parse(&format!("smtp://127.0.0.1:{port}?tls=none")).unwrap()
    }

    #[test]
    fn a_letter_is_handed_over_line_by_line() {
        let answers =
            &["220 hello", "250-me\r\n250 SIZE", "250 ok", "251 moved", "354 go", "250 kept"];
        let (port, heard) = server(answers);
        plain(port).send(&letter(false)).unwrap();
        let heard = heard.join().unwrap();
        assert!(heard.contains("MAIL FROM:<mw@example.org>\r\nRCPT TO:<ops@example.org>\r\nDATA"));
        assert!(heard.contains("\r\n..dot\r\n.\r\nQUIT"), "{heard}");
    }

    #[test]
    fn what_may_pass_is_told_from_what_will_not() {
        let (port, _) = server(&["220 hello", "250 me", "451 later"]);
        assert_eq!(plain(port).send(&letter(false)), Err(("it answered 451 later".into(), true)));
        let (port, _) = server(&["220 hello", "250 me", "550 never"]);
        assert_eq!(plain(port).send(&letter(false)), Err(("it answered 550 never".into(), false)));
        let (port, _) = server(&["HTTP/1.1 400 Bad Request"]);
        assert!(plain(port).send(&letter(false)).unwrap_err().0.contains("answered"));
        let gone = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        assert!(plain(gone).send(&letter(false)).unwrap_err().1);
    }

    #[test]
    fn a_password_is_never_sent_in_the_clear_and_no_letter_without_the_encryption_asked_for() {
        let (port, heard) = server(&["220 hello", "250-me\r\n250 AUTH PLAIN"]);
        let (why, may_help) = plain(port).send(&letter(true)).unwrap_err();
        assert!(why.contains("in the clear") && !may_help);
        assert!(!heard.join().unwrap().contains("AUTH"));
        let (port, heard) = server(&["220 hello", "250 me"]);
        let strict = MailServer::parse(&format!("smtp://127.0.0.1:{port}")).unwrap();
        assert!(strict.send(&letter(false)).unwrap_err().0.contains("no STARTTLS"));
        assert!(!heard.join().unwrap().contains("MAIL"));
    }

    #[test]
    fn urls_are_read_and_wrong_ones_refused() {
        let of = |url: &str| MailServer::parse(url).unwrap();
        let read = of("smtps://mail.example.org");
        assert_eq!((read.port, read.tls), (465, Tls::Whole));
        let read = of("smtp://[::1]:2525?ca=a.pem");
        assert_eq!((read.host.as_str(), read.port, read.tls), ("::1", 2525, Tls::Start));
        assert_eq!(of("smtp://h").port, 587);
        for url in ["http://h", "smtp://", "smtp://a:b@h", "smtp://h:x", "smtps://h?tls=none"] {
            assert!(MailServer::parse(url).is_err(), "{url}");
        }
    }
}
