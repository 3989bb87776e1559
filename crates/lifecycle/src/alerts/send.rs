//! Notices on their way: over HTTP, by mail or into a file, tried again until they are taken.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::time::Duration;

use modelwright_core::record::MonitorRecord;
use modelwright_core::{Error, Result};
use serde::Serialize;

use super::exposition::exposition;
use super::letter::letter;
use super::rules::{AlertRules, Severity, Sink, SinkKind};
use super::shapes::{Notice, What, body};
use crate::atomic::atomic_write;
use crate::http::{Client, Request};
use crate::smtp::{Letter, MailServer, Unreached};
use crate::store::Store;
use crate::when::{moment_seconds, moment_text};

/// How long a sink may take to answer.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Pauses before another try within one delivery.
const PAUSES: [Duration; 2] = [Duration::from_millis(500), Duration::from_secs(2)];

/// No other process takes a notice within so many seconds.
const LEASE_S: i64 = 300;

/// After so many seconds no further try of a delivery begins: the last one, which is over after a
/// minute and a few seconds, ends within the lease.
const TRIES_S: i64 = 200;

/// The first wait until the next delivery tries again, in seconds; each is twice the one before.
const WAIT_S: i64 = 60;

/// The longest wait.
const WAIT_MAX_S: i64 = 6 * 3600;

/// How notices leave the process; tests have another.
pub trait Transport {
    /// Sends a body to a URL.
    ///
    /// # Errors
    /// What went wrong in words, and whether another try may help.
    fn post(
        &self,
        url: &str,
        headers: &[(String, String)],
        body: &[u8],
    ) -> std::result::Result<(), (String, bool)>;

    /// Hands a letter to a server of mail; returns the recipients for whom it was not taken.
    ///
    /// # Errors
    /// What went wrong in words, and whether another try may help.
    fn mail(
        &self,
        server: &MailServer,
        letter: &Letter,
    ) -> std::result::Result<Vec<Unreached>, (String, bool)>;

    /// Waits before another try.
    fn pause(&self, time: Duration);
}

/// The network.
pub struct Network {
    client: Client,
}

impl Network {
    /// The network as this machine knows it.
    ///
    /// # Errors
    /// As [`Client::new`].
    pub fn new() -> Result<Self> {
        Ok(Self { client: Client::new()? })
    }
}

impl Transport for Network {
    fn post(
        &self,
        url: &str,
        headers: &[(String, String)],
        body: &[u8],
    ) -> std::result::Result<(), (String, bool)> {
        let request = Request { method: "POST", url, headers, body, time_max: TIMEOUT };
        let answer = self.client.ask(&request).map_err(|lost| (lost.why, lost.may_help))?;
        match answer.status {
            200..=299 => Ok(()),
            status => {
                let may_help = status >= 500 || matches!(status, 408 | 425 | 429);
                Err((format!("it answered {status}"), may_help))
            }
        }
    }

    fn mail(
        &self,
        server: &MailServer,
        letter: &Letter,
    ) -> std::result::Result<Vec<Unreached>, (String, bool)> {
        server.send(letter)
    }

    fn pause(&self, time: Duration) {
        std::thread::sleep(time);
    }
}

/// What became of the notices that were due.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Delivery {
    /// Notices that were taken.
    pub n_sent: usize,
    /// Sinks that did not take a notice, and why; it is kept and tried again.
    pub failed: Vec<(String, String)>,
    /// Sinks that took a notice, but not for everybody, and whom they left out.
    pub partly: Vec<(String, String)>,
    /// Sinks that the rules name no more, and how many notices were given up for each.
    pub given_up: Vec<(String, usize)>,
    /// Notices that cannot be read, such as those of another version, and were given up: the sink
    /// of each, and why.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unreadable: Vec<(String, String)>,
}

/// Whose notices are sent.
#[derive(Debug, Clone, Copy)]
pub enum Whose<'a> {
    /// Those of all models, for the sinks of these rules.
    All,
    /// Those of the model that these rules are about, and what the monitor found of it just now, if
    /// it looked.
    Model(&'a str, Option<&'a MonitorRecord>),
}

/// Sends what is due, and writes the metrics of those sinks that want them. `now` tells the time,
/// ISO 8601 in UTC: sinks may take long.
///
/// # Errors
/// Work error when the store cannot be written to; a sink that fails is no error.
pub fn deliver(
    store: &mut Store,
    rules: &AlertRules,
    whose: Whose<'_>,
    transport: &dyn Transport,
    now: &dyn Fn() -> String,
) -> Result<Delivery> {
    let mut delivery = Delivery::default();
    let (model, found) = match whose {
        Whose::All => (None, None),
        Whose::Model(model, found) => (Some(model), found.map(|found| (model, found))),
    };
    if let Some(model) = model {
        delivery.given_up = store.give_up_notices(rules, model)?;
    }
    loop {
        let at = now();
        let seconds = moment_seconds(&at).unwrap_or(0);
        let until = moment_text(seconds + LEASE_S);
        let Some(waiting) = store.take_notice(rules, model, (&at, &until))? else { break };
        let sink = rules.sinks.iter().find(|s| s.name == waiting.sink);
        let Some(sink) = sink else { break };
        let notice: Notice = match serde_json::from_str(&waiting.body) {
            Ok(notice) => notice,
            Err(why) => {
                // No further try can help, and what follows on it waits for it.
                let why = format!("given up: the notice cannot be read: {why}");
                store.notice_sent(waiting.id, Some(&why), &now())?;
                delivery.unreadable.push((waiting.sink, why));
                continue;
            }
        };
        let last = seconds + TRIES_S;
        let is_late = || moment_seconds(&now()).is_some_and(|now| now > last);
        match send(sink, &notice, &Way { transport, is_late: &is_late }) {
            Ok(but) => {
                store.notice_sent(waiting.id, but.as_deref(), &now())?;
                delivery.n_sent += 1;
                delivery.partly.extend(but.map(|but| (waiting.sink, but)));
            }
            Err(why) => {
                let doubled = WAIT_S << waiting.n_tries.clamp(0, 20);
                // A sink that takes long to fail waits as long as one that fails at once.
                let ended = moment_seconds(&now()).unwrap_or(seconds);
                let next = moment_text(ended + doubled.min(WAIT_MAX_S));
                store.notice_failed(waiting.id, &why, &next)?;
                delivery.failed.push((waiting.sink, why));
            }
        }
    }
    let Some((model, found)) = found else { return Ok(delivery) };
    for sink in rules.sinks.iter().filter(|s| s.kind == SinkKind::Prometheus) {
        let text = exposition(model, found, &store.open_alerts(model)?);
        if let Err(error) = atomic_write(sink.file(model), text.as_bytes()) {
            delivery.failed.push((sink.name.clone(), error.to_string()));
        }
    }
    Ok(delivery)
}

/// Sends a notice that says that nothing happened to every sink that takes notices.
///
/// # Errors
/// Never of a sink: what it said is in the answer.
pub fn send_test(
    rules: &AlertRules,
    transport: &dyn Transport,
    at: &str,
) -> Vec<(String, std::result::Result<(), String>)> {
    let notice = Notice {
        id: format!("test-{at}"),
        what: What::Test,
        model: "none".to_owned(),
        rule: "a test of the sinks".to_owned(),
        severity: Severity::Info,
        summary: "Nothing happened: somebody tries whether alerts arrive.".to_owned(),
        cause: Vec::new(),
        began: at.to_owned(),
        at: at.to_owned(),
        link: rules.link.clone(),
        rules: rules.file(),
    };
    let takers = rules.sinks.iter().filter(|s| s.takes_notices());
    let way = Way { transport, is_late: &|| false };
    let test = |sink: &Sink| match send(sink, &notice, &way) {
        Ok(None) => Ok(()),
        Ok(Some(but)) => Err(but),
        Err(why) => Err(why),
    };
    takers.map(|sink| (sink.name.clone(), test(sink))).collect()
}

/// Whether a sink took a notice, and if so, whom it could not pass it on to.
type Sent = std::result::Result<Option<String>, String>;

/// How notices leave, and whether it is too late for another try.
struct Way<'a> {
    transport: &'a dyn Transport,
    is_late: &'a dyn Fn() -> bool,
}

fn send(sink: &Sink, notice: &Notice, way: &Way<'_>) -> Sent {
    match sink.kind {
        SinkKind::File => {
            let (body, _) = body(notice, sink);
            append(sink, notice, &body.to_string()).map_err(|e| e.to_string())?;
            Ok(None)
        }
        SinkKind::Email => mail(sink, notice, way),
        _ => post(sink, notice, way).map(|()| None),
    }
}

fn post(sink: &Sink, notice: &Notice, way: &Way<'_>) -> std::result::Result<(), String> {
    let (body, content_type) = body(notice, sink);
    let url = secret(sink.url.as_deref().unwrap_or_default())?;
    let mut headers = vec![("Content-Type".to_owned(), content_type.to_owned())];
    for (name, value) in &sink.headers {
        headers.push((name.clone(), secret(value)?));
    }
    let body = body.to_string();
    way.again(|| way.transport.post(&url, &headers, body.as_bytes()))
}

fn mail(sink: &Sink, notice: &Notice, way: &Way<'_>) -> Sent {
    let server = MailServer::parse(&secret(sink.url.as_deref().unwrap_or_default())?);
    let server = server.map_err(|e| e.what().to_owned())?;
    let login = match (&sink.user, &sink.password) {
        (Some(user), Some(password)) => Some((secret(user)?, secret(password)?)),
        _ => None,
    };
    let mut letter = Letter {
        from: sink.from.clone().unwrap_or_default(),
        to: sink.recipients.clone(),
        login,
        text: letter(notice, sink),
    };
    let (mut left_out, mut was_taken) = (Vec::new(), false);
    let mut pauses = PAUSES.iter();
    loop {
        let unreached = match way.again(|| way.transport.mail(&server, &letter)) {
            Ok(unreached) => unreached,
            Err(why) if was_taken => {
                left_out.extend(letter.to.iter().map(|to| format!("{to}: {why}")));
                break;
            }
            Err(why) => return Err(why),
        };
        was_taken = true;
        // The others have it: whoever may be reached later is tried alone.
        let (later, never): (Vec<_>, Vec<_>) = unreached.into_iter().partition(|u| u.may_help);
        left_out.extend(never.iter().map(|u| format!("{}: {}", u.to, u.why)));
        match pauses.next().filter(|_| !(way.is_late)()) {
            _ if later.is_empty() => break,
            Some(pause) => way.transport.pause(*pause),
            None => {
                left_out.extend(later.iter().map(|u| format!("{}: {}", u.to, u.why)));
                break;
            }
        }
        letter.to = later.into_iter().map(|u| u.to).collect();
    }
    Ok((!left_out.is_empty()).then(|| format!("it was not taken for {}", left_out.join("; "))))
}

impl Way<'_> {
    /// Tries until it works, will not work, or was tried often or long enough for now.
    fn again<T>(
        &self,
        mut attempt: impl FnMut() -> std::result::Result<T, (String, bool)>,
    ) -> std::result::Result<T, String> {
        let mut pauses = PAUSES.iter();
        loop {
            match (attempt(), pauses.next()) {
                (Ok(done), _) => return Ok(done),
                (Err((_, true)), Some(pause)) if !(self.is_late)() => self.transport.pause(*pause),
                (Err((why, _)), _) => return Err(why),
            }
        }
    }
}

/// A value, or that of the environment variable that it names.
fn secret(value: &str) -> std::result::Result<String, String> {
    match value.strip_prefix("env:") {
        None => Ok(value.to_owned()),
        Some(name) => std::env::var(name)
            .map_err(|_| format!("the environment variable {name} is not set, or no text")),
    }
}

fn append(sink: &Sink, notice: &Notice, line: &str) -> Result<()> {
    let path = sink.file(&notice.model);
    let failed = |e: std::io::Error| {
        Error::work("cannot write the notice").at(path.display().to_string()).because(e)
    };
    let mut file = OpenOptions::new().create(true).append(true).open(&path).map_err(failed)?;
    file.write_all(format!("{line}\n").as_bytes()).and_then(|()| file.sync_data()).map_err(failed)
}
