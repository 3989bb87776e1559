//! Documents posted to an address by a thread of its own, each tried again where that may help.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use modelwright_core::Result;
use modelwright_lifecycle::http::{Client, Request};

use crate::log::Log;

/// How documents of a kind are delivered.
#[derive(Clone, Copy)]
pub(crate) struct Manner {
    /// Who takes them, in words.
    pub(crate) receiver: &'static str,
    /// What is logged when they are not taken.
    pub(crate) event: &'static str,
    pub(crate) media_type: &'static str,
    /// How long the other side may take.
    pub(crate) time_max: Duration,
    /// Pauses before further tries; then a document is given up.
    pub(crate) pauses: &'static [Duration],
    /// Whether a refusal with this status may pass.
    pub(crate) may_pass: fn(u16) -> bool,
}

/// The thread's side of a connection.
pub(crate) struct Delivery {
    client: Client,
    manner: Manner,
    headers: Vec<(String, String)>,
    log: Log,
    ending: Arc<AtomicBool>,
    /// Whether it was said already that the other side does not take anything.
    is_failing: bool,
}

impl Delivery {
    /// With headers of the user's, such as a key; once `ending` is set, nothing is tried again.
    ///
    /// # Errors
    /// Input error for certificates that cannot be read.
    pub(crate) fn new(
        manner: Manner,
        headers: &[(String, String)],
        log: Log,
        ending: Arc<AtomicBool>,
    ) -> Result<Self> {
        let mut headers = headers.to_vec();
        headers.push(("content-type".to_owned(), manner.media_type.to_owned()));
        Ok(Self { client: Client::new()?, manner, headers, log, ending, is_failing: false })
    }

    /// Posts a document; whether it was taken.
    pub(crate) fn post(&mut self, url: &str, body: &str) -> bool {
        let request = Request {
            method: "POST",
            url,
            headers: &self.headers,
            body: body.as_bytes(),
            time_max: self.manner.time_max,
        };
        let mut pauses = self.manner.pauses.iter();
        loop {
            let (why, may_help) = match self.client.ask(&request) {
                Ok(answer) if answer.status < 300 => {
                    self.is_failing = false;
                    return true;
                }
                Ok(answer) => {
                    let why = format!("{} answers {}", self.manner.receiver, answer.status);
                    (why, (self.manner.may_pass)(answer.status))
                }
                Err(lost) => (lost.why, lost.may_help),
            };
            // Where nothing is taken, the next document must not wait for this one's tries.
            let gives_up = self.is_failing || self.ending.load(Ordering::Relaxed) || !may_help;
            let Some(pause) = pauses.next().filter(|_| !gives_up) else {
                if !std::mem::replace(&mut self.is_failing, true) {
                    self.log.event(self.manner.event, "", None, Some(&why));
                }
                return false;
            };
            thread::sleep(*pause);
        }
    }
}
