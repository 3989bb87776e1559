//! `serve`: models behind a socket.

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use modelwright_core::{Error, Result};
use modelwright_serve::{
    Keys, Limits, LogRequests, ModelSource, NewKey, Policy, RequestLogSettings, Served, Server,
    Settings, TlsSettings,
};
use serde_json::json;

use crate::flags::values;
use crate::output;
use crate::session::Session;

const EXAMPLES: &str = "\
Examples:
  modelwright serve churn
  modelwright serve churn prices=houses/model.mw --port 9000
  modelwright serve models --host 0.0.0.0 --keys keys.toml
  curl localhost:8080/predict -d '{\"age\": 39, \"hours\": 40}'

MODEL is a model.mw, a fit's folder, or a folder of these (NAME.mw, NAME/, NAME/1/). The first
answers where a request names none. A file that changes is read, proved and exchanged without a
lost request; what is no sound model changes nothing. SIGHUP looks at once; SIGTERM and SIGINT
answer what is running, and end.

Protocols: POST /predict (JSON, JSON Lines, CSV, Parquet, Arrow), Open Inference Protocol v2 with
binary tensors, KServe v1, /invocations and /ping. For people: /docs. For machines: /openapi.json,
/metrics, /v2/health/live, /v2/health/ready.";

/// Flags of `serve`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Serve {
    /// Models, each PATH or NAME=PATH
    #[arg(value_name = "MODEL", required_unless_present = "new_key")]
    models: Vec<ModelSource>,
    /// The address to listen on; 0.0.0.0 is every one of this machine
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1")]
    host: IpAddr,
    /// The port of HTTP; 0 takes a free one
    #[arg(long, value_name = "PORT", default_value_t = 8080)]
    port: u16,
    /// A second port with the same answers, where another is expected for gRPC (which --port
    /// speaks too)
    #[arg(long, value_name = "PORT")]
    grpc_port: Option<u16>,
    /// A Unix socket that listens too
    #[arg(long, value_name = "PATH")]
    unix_socket: Option<PathBuf>,
    /// The server's certificate in PEM; with it connections are encrypted
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// Its private key in PEM
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// Who signs clients' certificates, in PEM; with it every client needs one
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_client_ca: Option<PathBuf>,
    /// The name of the model in URLs, when there is one [default: that of its file or folder]
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// What is done with a row unlike those of training (a new category, a number far outside):
    /// reject it, warn in the answer, or accept it
    #[arg(long, value_name = "POLICY", default_value = "warn")]
    policy: Policy,
    /// A file of API keys; without it everybody may ask
    #[arg(long, value_name = "FILE")]
    keys: Option<PathBuf>,
    /// Make an API key, print it with its entry for the file of keys, and end
    #[arg(long, value_name = "NAME")]
    new_key: Option<String>,
    /// Let requests load, unload and roll back models, though without keys and not only from here
    #[arg(long)]
    admin: bool,
    /// How often files are looked at for a newer model; 0 never does
    #[arg(long, value_name = "TIME", value_parser = pause, default_value = "2s")]
    watch: Duration,
    /// Load a newer version but let it wait until it is promoted, or asked as canary or shadow
    #[arg(long)]
    hold: bool,
    /// Write rows and answers down in this folder, as Parquet, and take labels at /feedback
    #[arg(long, value_name = "FOLDER")]
    request_log: Option<PathBuf>,
    /// The share of requests that is written down
    #[arg(long, value_name = "SHARE", value_parser = share, default_value = "1",
          requires = "request_log")]
    request_log_sample: f64,
    /// Columns whose values are not written down
    #[arg(long, value_name = "COLUMN,…", value_delimiter = ',', requires = "request_log")]
    request_log_redact: Vec<String>,
    /// The most that is kept for a model; older files are removed
    #[arg(long, value_name = "SIZE", value_parser = values::size, default_value = "1GiB",
          requires = "request_log")]
    request_log_max: u64,
    /// Requests to log on stderr, as JSON: none, failed (status 500 and above), all
    #[arg(long, value_name = "WHICH", default_value = "failed")]
    log: LogRequests,
    /// The largest body, also after decompression
    #[arg(long, value_name = "SIZE", value_parser = values::size, default_value = "64MiB")]
    max_body: u64,
    /// The most rows of a request
    #[arg(long, value_name = "ROWS", default_value_t = 1_000_000)]
    max_rows: usize,
    /// The most requests at a time; more are answered 503
    #[arg(long, value_name = "N", default_value_t = 1024)]
    max_requests: usize,
    /// The longest that a request may take
    #[arg(long, value_name = "TIME", value_parser = values::duration, default_value = "30s")]
    max_time: Duration,
}

impl Serve {
    /// Serves until a signal ends it.
    pub(crate) fn run(self, session: &Session) -> Result<()> {
        if let Some(name) = &self.new_key {
            return print_key(name, session);
        }
        let server = Server::open(self.settings(session)?)?;
        let scheme = if self.tls_cert.is_some() { "https" } else { "http" };
        tell(scheme, server.address()?, &server.served(), session)?;
        server.run(true)
    }

    fn settings(&self, session: &Session) -> Result<Settings> {
        Ok(Settings {
            host: self.host,
            port: self.port,
            grpc_port: self.grpc_port,
            unix_socket: self.unix_socket.clone(),
            tls: self.tls_cert.clone().zip(self.tls_key.clone()).map(|(certificate, key)| {
                TlsSettings { certificate, key, client_ca: self.tls_client_ca.clone() }
            }),
            models: self.sources()?,
            policy: self.policy,
            limits: Limits {
                body_bytes_max: usize::try_from(self.max_body).unwrap_or(usize::MAX),
                rows_max: self.max_rows,
                request_time_max: self.max_time,
                requests_max: self.max_requests,
                ..Limits::default()
            },
            admin: self.admin.then_some(true),
            keys: self.keys.as_deref().map(read_keys).transpose()?,
            log: self.log,
            request_log: self.request_log.as_ref().map(|folder| RequestLogSettings {
                sample: self.request_log_sample,
                redact: self.request_log_redact.clone(),
                bytes_max: self.request_log_max,
                ..RequestLogSettings::new(folder.clone())
            }),
            hold: self.hold,
            ui: None,
            watch: (!self.watch.is_zero()).then_some(self.watch),
            threads: session.global.threads.unwrap_or(0),
        })
    }

    fn sources(&self) -> Result<Vec<ModelSource>> {
        let mut sources = self.models.clone();
        match (&self.name, &mut sources[..]) {
            (None, _) => {}
            (Some(name), [one]) => one.name = Some(name.clone()),
            (Some(_), _) => {
                return Err(Error::input("--name is for one model")
                    .at("--name")
                    .got(format!("{} models", sources.len()))
                    .hint("name each of them: NAME=PATH"));
            }
        }
        Ok(sources)
    }
}

/// The keys of a file.
pub(super) fn read_keys(path: &Path) -> Result<Keys> {
    let shown = path.display().to_string();
    let text = std::fs::read_to_string(path)
        .map_err(|e| Error::input("cannot read the file of keys").at(&shown).because(e))?;
    Keys::parse(&text).map_err(|e| e.at(shown))
}

/// Says where the server listens and what it serves.
fn tell(scheme: &str, address: SocketAddr, served: &[Served], session: &Session) -> Result<()> {
    if session.global.json {
        let models: Vec<_> = served
            .iter()
            .map(|m| {
                json!({ "name": m.name, "version": m.version, "task": m.task, "target": m.target })
            })
            .collect();
        return output::print_json(&json!({ "address": address.to_string(), "models": models }));
    }
    let mut lines = vec![format!("serving on {scheme}://{address}"), String::new()];
    lines.extend(served.iter().map(|m| {
        format!("  {} (version {}): {}, predicts {}", m.name, m.version, m.task, m.target)
    }));
    lines.push(format!("\ntry it: {scheme}://{address}/docs\n"));
    session.note(&lines.join("\n"));
    Ok(())
}

fn print_key(name: &str, session: &Session) -> Result<()> {
    let new = NewKey::make(name)?;
    if session.global.json {
        return output::print_json(&json!({ "key": new.key, "entry": new.entry }));
    }
    // Also where it is to be quiet: nobody can find the key out later.
    output::say(&format!("the key of `{name}`, shown only now: {}\n", new.key));
    session.note("its entry for the file of keys:");
    output::print(&new.entry)
}

/// A share, above 0 and at most 1.
fn share(text: &str) -> Result<f64> {
    let share = text.trim().parse::<f64>().ok().filter(|share| *share > 0.0 && *share <= 1.0);
    share.ok_or_else(|| Error::input("not a share").expected("a number above 0, at most 1"))
}

/// A duration, or 0 for none.
fn pause(text: &str) -> Result<Duration> {
    if text == "0" { Ok(Duration::ZERO) } else { values::duration(text) }
}
