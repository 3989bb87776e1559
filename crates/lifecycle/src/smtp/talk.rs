//! One conversation with a server of mail.

use std::io::{BufRead, BufReader, Read, Write};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{Letter, Refused, Unreached};

/// Answers are a few lines; longer ones are refused.
const ANSWER_BYTES_MAX: u64 = 64 << 10;

/// What the words about an answer of the server begin with.
const ANSWERED: &str = "it answered";

/// Whether a server can do something, by the lines of its greeting.
pub(super) fn has(can: &[String], what: &str) -> bool {
    can.iter().any(|line| line.eq_ignore_ascii_case(what))
}

/// One conversation.
pub(super) struct Talk<S>(BufReader<S>);

impl<S: Read + Write> Talk<S> {
    pub(super) fn new(stream: S) -> Self {
        Self(BufReader::new(stream))
    }

    pub(super) fn into_stream(self) -> S {
        self.0.into_inner()
    }

    /// The lines of an answer without their code.
    pub(super) fn expect(&mut self, code: u16) -> std::result::Result<Vec<String>, Refused> {
        let mut lines = Vec::new();
        let mut left = ANSWER_BYTES_MAX;
        loop {
            let mut line = String::new();
            let n = (&mut self.0).take(left).read_line(&mut line);
            let n = n.map_err(|e| (format!("the connection broke off: {e}"), true))?;
            left = left.saturating_sub(n as u64);
            let (Some(said), Some(text)) = (line.get(..3), line.get(4..)) else {
                return Err(("it said something that is no SMTP".to_owned(), n == 0));
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
            return Err((format!("{ANSWERED} {said} {}", lines.join(" ")), said.starts_with('4')));
        }
    }

    pub(super) fn say(
        &mut self,
        line: &str,
        code: u16,
    ) -> std::result::Result<Vec<String>, Refused> {
        let stream = self.0.get_mut();
        let sent = stream.write_all(format!("{line}\r\n").as_bytes()).and_then(|()| stream.flush());
        sent.map_err(|e| (format!("the connection broke off: {e}"), true))?;
        self.expect(code)
    }

    /// What the server can do.
    pub(super) fn greet(&mut self) -> std::result::Result<Vec<String>, Refused> {
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

    pub(super) fn deliver(
        &mut self,
        letter: &Letter,
        can: &[String],
        is_secret: bool,
    ) -> std::result::Result<Vec<Unreached>, Refused> {
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
        let unreached = self.name_recipients(&letter.to)?;
        self.say("DATA", 354)?;
        self.say(&format!("{}.", stuffed(&letter.text)), 250)?;
        // The letter is taken, whatever comes now.
        let _ = self.say("QUIT", 221);
        Ok(unreached)
    }

    /// Names the recipients; returns those that the server refuses, if it takes any. One wrong
    /// address must not keep the letter from all the others.
    fn name_recipients(&mut self, to: &[String]) -> std::result::Result<Vec<Unreached>, Refused> {
        let mut unreached: Vec<Unreached> = Vec::new();
        for to in to {
            match self.say(&format!("RCPT TO:<{to}>"), 250) {
                Ok(_) => {}
                // Nobody is refused by a connection that broke off.
                Err((why, may_help)) if !why.starts_with(ANSWERED) => return Err((why, may_help)),
                Err((why, may_help)) => {
                    unreached.push(Unreached { to: to.clone(), why, may_help });
                }
            }
        }
        match unreached.first() {
            Some(first) if unreached.len() == to.len() => {
                let may_help = unreached.iter().any(|one| one.may_help);
                Err((first.why.clone(), may_help))
            }
            _ => Ok(unreached),
        }
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
