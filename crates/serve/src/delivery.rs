//! Documents posted to an address by a thread of its own, each tried again where that may help.

use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use modelwright_core::Result;
use modelwright_lifecycle::http::{Client, Request};

use crate::clock;
use crate::log::Log;

/// How long all that waits may take when the server ends: who ends it waits no longer than 30 s,
/// and running requests have had most of that.
pub(crate) const END_TIME_MAX: Duration = Duration::from_secs(5);

/// Tells a thread that it is to end, and by when; clones tell the same.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ending(Arc<OnceLock<Instant>>);

impl Ending {
    /// From now on there is so much time for all that waits.
    pub(crate) fn begin(&self, time_max: Duration) {
        // The first word counts.
        let _ = self.0.set(clock::now() + time_max);
    }

    /// Whether the end has begun.
    pub(crate) fn has_begun(&self) -> bool {
        self.0.get().is_some()
    }

    /// Whether there is no time left.
    pub(crate) fn is_over(&self) -> bool {
        self.0.get().is_some_and(|end| *end <= clock::now())
    }

    /// What is left of `time_max`.
    fn left_of(&self, time_max: Duration) -> Duration {
        let until = |end: &Instant| end.saturating_duration_since(clock::now());
        self.0.get().map_or(time_max, |end| time_max.min(until(end)))
    }
}

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
    ending: Ending,
    /// Whether it was said already that the other side does not take anything.
    is_failing: bool,
}

impl Delivery {
    /// With headers of the user's, such as a key; once `ending` has begun, nothing is tried again,
    /// and when its time is over, nothing is tried.
    ///
    /// # Errors
    /// Input error for certificates that cannot be read.
    pub(crate) fn new(
        manner: Manner,
        headers: &[(String, String)],
        log: Log,
        ending: Ending,
    ) -> Result<Self> {
        let mut headers = headers.to_vec();
        headers.push(("content-type".to_owned(), manner.media_type.to_owned()));
        Ok(Self { client: Client::new()?, manner, headers, log, ending, is_failing: false })
    }

    /// Posts a document; whether it was taken.
    pub(crate) fn post(&mut self, url: &str, body: &str) -> bool {
        let mut pauses = self.manner.pauses.iter();
        loop {
            let time_max = self.ending.left_of(self.manner.time_max);
            if time_max.is_zero() {
                return false;
            }
            let (headers, body) = (&self.headers, body.as_bytes());
            let request = Request { method: "POST", url, headers, body, time_max };
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
            let gives_up = self.is_failing || self.ending.has_begun() || !may_help;
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
