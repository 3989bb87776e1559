//! `ui`: the web page over the store, and the interface of MLflow.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use modelwright_core::{Error, Result};
use modelwright_lifecycle::store::{Location, shown_place};
use modelwright_serve::{Keys, Limits, LogRequests, Server, Settings, TlsSettings, UiSettings};
use serde_json::json;

use crate::flags::values;
use crate::output;
use crate::session::Session;

const EXAMPLES: &str = "\
Examples:
  modelwright ui
  modelwright ui --store team --port 8000
  modelwright ui --store team --host 0.0.0.0 --keys keys.toml --tls-cert c.pem --tls-key k.pem

The page shows the runs, models and monitoring of the store, fits while they run, and lets a row be
scored. Clients of MLflow log to the same address: MLFLOW_TRACKING_URI=http://127.0.0.1:5000.
A store that is not there is made; from then on runs are recorded in it.";

/// The longest that a request may take: uploads of models over slow lines.
const REQUEST_TIME_MAX: Duration = Duration::from_mins(5);

/// Flags of `ui`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Ui {
    /// The address to listen on; 0.0.0.0 is every one of this machine
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1")]
    host: IpAddr,
    /// The port; 0 takes a free one
    #[arg(long, value_name = "PORT", default_value_t = 5000)]
    port: u16,
    /// A file of API keys, as `serve --new-key` makes them: the scope `metrics` reads, `predict`
    /// scores, `admin` changes
    #[arg(long, value_name = "FILE")]
    keys: Option<PathBuf>,
    /// Let everybody who reaches the port read and change everything, though not only this
    /// machine does
    #[arg(long, conflicts_with = "keys")]
    open: bool,
    /// A name of this machine by which the page may be asked without a key (repeatable)
    #[arg(long, value_name = "NAME")]
    allow_host: Vec<String>,
    /// The server's certificate in PEM; with it connections are encrypted
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// Its private key in PEM
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// The largest body, such as a model that is logged
    #[arg(long, value_name = "SIZE", value_parser = values::size, default_value = "1GiB")]
    max_body: u64,
    /// Requests to log on stderr, as JSON: none, failed (status 500 and above), all
    #[arg(long, value_name = "WHICH", default_value = "failed")]
    log: LogRequests,
}

impl Ui {
    /// Shows the page until a signal ends it.
    pub(crate) fn run(self, session: &Session) -> Result<()> {
        let settings = self.settings(session)?;
        let store = settings.ui.as_ref().map_or_else(String::new, |ui| shown_place(&ui.store));
        let mut server = Server::open(settings)?;
        server.heed_signals()?;
        let scheme = if self.tls_cert.is_some() { "https" } else { "http" };
        let url = format!("{scheme}://{}", server.address()?);
        if session.global.json {
            output::print_json(&json!({ "url": url, "store": store }))?;
        } else {
            session.note(&format!("the store {store} is at {url}"));
        }
        server.run()
    }

    fn settings(&self, session: &Session) -> Result<Settings> {
        if !self.host.is_loopback() && self.keys.is_none() && !self.open {
            return Err(Error::input("everybody who reaches this address could change the store")
                .at("--host")
                .got(self.host.to_string())
                .expected("--keys FILE beside it")
                .hint("`modelwright serve --new-key NAME` makes a key; --open does without"));
        }
        let location = Location::find().ok_or_else(|| {
            Error::input("there is no folder for a store")
                .expected("--store DIR, or MODELWRIGHT_STORE, or HOME in the environment")
        })?;
        Ok(Settings {
            host: self.host,
            port: self.port,
            tls: self
                .tls_cert
                .clone()
                .zip(self.tls_key.clone())
                .map(|(certificate, key)| TlsSettings { certificate, key, client_ca: None }),
            limits: Limits {
                body_bytes_max: usize::try_from(self.max_body).unwrap_or(usize::MAX),
                request_time_max: REQUEST_TIME_MAX,
                ..Limits::default()
            },
            admin: self.open.then_some(true),
            keys: self.keys.as_deref().map(Keys::read).transpose()?,
            log: self.log,
            ui: Some(UiSettings { store: location.place, hosts: self.allow_host.clone() }),
            watch: None,
            threads: session.global.threads.unwrap_or(0),
            ..Settings::default()
        })
    }
}
