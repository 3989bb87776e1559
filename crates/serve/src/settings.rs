//! What a server may be told: where to listen, what to serve, how much to bear.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use modelwright_core::{Error, Result};
use modelwright_lifecycle::monitor::Season;
#[cfg(doc)]
use modelwright_lifecycle::store::Location;
use modelwright_lifecycle::store::parse_reference;

use crate::access::{Jwt, Keys};
use crate::events::EventSettings;
use crate::request_log::RequestLogSettings;
use crate::telemetry::TelemetrySettings;
use crate::tls::TlsSettings;
use crate::ui::UiSettings;

/// A model as the user names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelSource {
    /// The name in URLs; taken from the path where there is none.
    pub name: Option<String>,
    /// A `model.mw`, a fit's folder, a folder of these, or `NAME@ALIAS` of the store.
    pub path: PathBuf,
}

impl ModelSource {
    /// Name and alias of a registered model, where it is one; a file of that name comes first.
    pub(crate) fn registered(&self) -> Option<(&str, &str)> {
        let reference = self.path.to_str().and_then(parse_reference)?;
        (!self.path.exists()).then_some(reference)
    }
}

impl std::str::FromStr for ModelSource {
    type Err = Error;

    /// `PATH` or `NAME=PATH`.
    fn from_str(text: &str) -> Result<Self> {
        match text.split_once('=') {
            Some((name, path)) if crate::model::is_name(name) && !path.is_empty() => {
                Ok(Self { name: Some(name.to_owned()), path: path.into() })
            }
            _ => Ok(Self { name: None, path: text.into() }),
        }
    }
}

/// What is done with a row that can be predicted but is unlike the training rows: a category that
/// never occurred, a number far outside the range.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Policy {
    /// The row is refused.
    Reject,
    /// It is predicted, and the answer says what is unusual.
    #[default]
    Warn,
    /// It is predicted, and nothing is said.
    Accept,
}

impl std::str::FromStr for Policy {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "reject" => Ok(Self::Reject),
            "warn" => Ok(Self::Warn),
            "accept" => Ok(Self::Accept),
            _ => Err(Error::input("unknown policy").got(text).suggest(text, POLICIES)),
        }
    }
}

/// The names of the policies.
pub const POLICIES: [&str; 3] = ["reject", "warn", "accept"];

/// Which requests are logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum LogRequests {
    /// None; only what happens to the server and its models.
    None,
    /// Those that the server is to blame for (status 500 and above).
    #[default]
    Failed,
    /// All.
    All,
}

impl std::str::FromStr for LogRequests {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "none" => Ok(Self::None),
            "failed" => Ok(Self::Failed),
            "all" => Ok(Self::All),
            _ => {
                let known = ["none", "failed", "all"];
                Err(Error::input("unknown choice of requests").got(text).suggest(text, known))
            }
        }
    }
}

/// How much a request may ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a body, as sent and after decompression.
    pub body_bytes_max: usize,
    /// Bytes of all large bodies that are held at a time; as many as of one body at least.
    pub bodies_bytes_max: usize,
    /// Rows of a request.
    pub rows_max: usize,
    /// From the head of a request to its answer.
    pub request_time_max: Duration,
    /// Requests that are being answered or wait; more are told to come back later.
    pub requests_max: usize,
    /// Open connections; more wait in the system's queue.
    pub connections_max: usize,
    /// Single rows of a model that takes at least so long for one are predicted together with
    /// those of other requests, where they would wait for each other; 0 is every model.
    pub gathered_time_min: Duration,
    /// How long running requests may take to end when the server is asked to stop.
    pub drain_time_max: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_bytes_max: 64 << 20,
            bodies_bytes_max: 512 << 20,
            rows_max: 1_000_000,
            request_time_max: Duration::from_secs(30),
            requests_max: 1024,
            connections_max: 16_384,
            // Handing a row over takes about a tenth of it.
            gathered_time_min: Duration::from_micros(150),
            drain_time_max: Duration::from_secs(20),
        }
    }
}

/// Everything a server is told.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The address to listen on.
    pub host: IpAddr,
    /// The port of HTTP; 0 takes a free one.
    pub port: u16,
    /// A path on which a Unix socket listens too.
    pub unix_socket: Option<PathBuf>,
    /// A second port with the same answers, where another is expected for gRPC.
    pub grpc_port: Option<u16>,
    /// The identity of the server; without it connections are not encrypted.
    pub tls: Option<TlsSettings>,
    /// The models.
    pub models: Vec<ModelSource>,
    /// The folder of registered models; where it is `None`, that of [`Location::find`].
    pub store: Option<PathBuf>,
    /// What is done with unusual rows.
    pub policy: Policy,
    /// What a request may ask for.
    pub limits: Limits,
    /// Whether models can be loaded, unloaded and rolled back over HTTP; `None` allows it where
    /// only this machine can ask, or a key is needed.
    pub admin: Option<bool>,
    /// Names beside `localhost` and addresses by which the server may be asked without a key.
    pub hosts: Vec<String>,
    /// Who may ask; `None` is everybody.
    pub keys: Option<Keys>,
    /// Whose tokens are taken in place of keys.
    pub jwt: Option<Jwt>,
    /// Which requests are logged.
    pub log: LogRequests,
    /// What is asked and answered, written down.
    pub request_log: Option<RequestLogSettings>,
    /// Who is told of predictions.
    pub events: Option<EventSettings>,
    /// Where traces and metrics go.
    pub telemetry: Option<TelemetrySettings>,
    /// The store whose runs and models a web page shows, instead of answering for `models`.
    pub ui: Option<UiSettings>,
    /// How often files are looked at for a newer model; `None` never does.
    pub watch: Option<Duration>,
    /// For how long rows count when they are compared with training; `None` compares none.
    pub drift_window: Option<Duration>,
    /// Rows that are compared with in place of the training's, season by season.
    pub drift_reference: Option<DriftReference>,
    /// Whether a newer version is loaded but waits for its promotion.
    pub hold: bool,
    /// Worker threads; 0 takes the machine's.
    pub threads: usize,
}

/// Rows with a rhythm: what comes at a time is compared with those of the same season.
#[derive(Debug, Clone)]
pub struct DriftReference {
    /// The file, with the columns of the models.
    pub file: PathBuf,
    /// The column with the time of each of its rows. Rows that are asked have the time of their own
    /// such column, or that at which they come.
    pub time_column: String,
    /// The rhythm, in UTC.
    pub season: Season,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            host: IpAddr::from([127, 0, 0, 1]),
            port: 8080,
            unix_socket: None,
            grpc_port: None,
            tls: None,
            models: Vec::new(),
            store: None,
            policy: Policy::default(),
            limits: Limits::default(),
            admin: None,
            hosts: Vec::new(),
            keys: None,
            jwt: None,
            log: LogRequests::default(),
            request_log: None,
            events: None,
            telemetry: None,
            ui: None,
            watch: Some(Duration::from_secs(2)),
            drift_window: Some(Duration::from_hours(1)),
            drift_reference: None,
            hold: false,
            threads: 0,
        }
    }
}

impl Settings {
    /// Whether requests may change which models are served.
    pub(crate) fn admin_is_open(&self) -> bool {
        self.admin.unwrap_or(self.host.is_loopback() || self.needs_key())
    }

    /// Whether who asks must say who they are.
    pub fn needs_key(&self) -> bool {
        self.keys.is_some() || self.jwt.is_some()
    }
}
