//! `serve`: models behind a socket.

use std::ffi::OsString;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;

use clap::Args;
use modelwright_core::Result;
use modelwright_serve::{Config, NewKey, Served, Server};
use serde_json::json;

use crate::flags::Global;
use crate::output;
use crate::session::Session;

const EXAMPLES: &str = "\
Examples:
  modelwright serve churn
  modelwright serve churn prices=houses/model.mw --port 9000
  modelwright serve models --host 0.0.0.0 --keys keys.toml
  modelwright serve churn@production --store /srv/store
  modelwright serve --config serve.toml --print-config
  curl localhost:8080/predict -d '{\"age\": 39, \"hours\": 40}'

MODEL is a model.mw, a fit's folder, a folder of these (NAME.mw, NAME/, NAME/1/), or NAME@ALIAS of
the store. The first answers where a request names none. A file that changes, or an alias that
moves, is read, proved and exchanged without a lost request; what is no sound model changes
nothing. SIGHUP looks at once; SIGTERM and SIGINT answer what is running, and end.

Protocols: POST /predict (JSON, JSON Lines, CSV, Parquet, Arrow), Open Inference Protocol v2 with
binary tensors, KServe v1, /invocations and /ping. For people: /docs. For machines: /openapi.json,
/metrics, /v2/health/live, /v2/health/ready.

As a runtime of KServe it is also told by the names that KServe's own servers have: --model_name
(--name), --model_dir (MODEL), --http_port (--port) and --grpc_port (--grpc-port).";

/// Flags of KServe's own servers that say what is not said here, and what does it instead.
pub(crate) const FLAGS_OF_KSERVE: [(&str, &str); 9] = [
    ("--workers", "one process answers on all processors; --threads N bounds them"),
    ("--max_threads", "one process answers on all processors; --threads N bounds them"),
    ("--max_asyncio_workers", "one process answers on all processors; --threads N bounds them"),
    ("--enable_grpc", "gRPC is always spoken, on the port of HTTP; leave the flag out"),
    ("--enable_docs_url", "/docs is always there; leave the flag out"),
    ("--enable_latency_logging", "--log all logs each request with its duration"),
    ("--configure_logging", "--log none, failed or all says which requests are logged"),
    ("--log_config_file", "--log none, failed or all says which requests are logged"),
    ("--access_log_format", "requests are logged as JSON: --log all"),
];

/// Flags of `serve`. Their values are texts here: a file and the environment say the same things,
/// and all are read in one place.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Serve {
    /// Models, each PATH, NAME=PATH or a registered NAME@ALIAS
    #[arg(value_name = "MODEL")]
    models: Vec<String>,
    /// The same by the name that KServe's servers have for it
    #[arg(long = "model_dir", value_name = "PATH", hide = true)]
    model_dir: Option<String>,
    /// A TOML file of what the flags say, by their names (port = 9000); a flag goes before a
    /// variable MODELWRIGHT_SERVE_PORT, a variable before the file
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Print what the server is told, with the source of each value, and end
    #[arg(long)]
    print_config: bool,
    /// The address to listen on; 0.0.0.0 is every one of this machine [default: 127.0.0.1]
    #[arg(long, value_name = "ADDRESS")]
    host: Option<String>,
    /// The port of HTTP; 0 takes a free one [default: 8080]
    #[arg(long, value_name = "PORT", alias = "http_port")]
    port: Option<String>,
    /// A second port with the same answers, where another is expected for gRPC (which --port
    /// speaks too)
    #[arg(long, value_name = "PORT", alias = "grpc_port")]
    grpc_port: Option<String>,
    /// A Unix socket that listens too
    #[arg(long, value_name = "PATH")]
    unix_socket: Option<String>,
    /// The server's certificate in PEM; with it connections are encrypted
    #[arg(long, value_name = "FILE")]
    tls_cert: Option<String>,
    /// Its private key in PEM
    #[arg(long, value_name = "FILE")]
    tls_key: Option<String>,
    /// Who signs clients' certificates, in PEM; with it every client needs one
    #[arg(long, value_name = "FILE")]
    tls_client_ca: Option<String>,
    /// The name of the model in URLs, when there is one [default: that of its file or folder]
    #[arg(long, value_name = "NAME", alias = "model_name")]
    name: Option<String>,
    /// What is done with a row unlike those of training (a new category, a number far outside):
    /// reject it, warn in the answer, or accept it [default: warn]
    #[arg(long, value_name = "POLICY")]
    policy: Option<String>,
    /// A name of this machine by which it may be asked without a key, beside localhost, addresses
    /// and names without a dot
    #[arg(long, value_name = "NAME,…", value_delimiter = ',')]
    allow_host: Option<Vec<String>>,
    /// A file of API keys; without it, and without MODELWRIGHT_SERVE_API_KEY, everybody may ask
    #[arg(long, value_name = "FILE")]
    keys: Option<String>,
    /// Take signed tokens (JSON Web Tokens) beside or in place of keys: the issuer's public keys,
    /// a JSON Web Key Set; looked at once a second, so that keys can be exchanged
    #[arg(long, value_name = "FILE")]
    jwks: Option<String>,
    /// Who must have issued a token (its claim iss)
    #[arg(long, value_name = "ISSUER")]
    jwt_issuer: Option<String>,
    /// For whom a token must be (its claim aud)
    #[arg(long, value_name = "AUDIENCE")]
    jwt_audience: Option<String>,
    /// The claim of a token that names what is allowed, as words or a list; with dots, in an
    /// object (realm_access.roles) [default: scope]
    #[arg(long, value_name = "CLAIM")]
    jwt_scope_claim: Option<String>,
    /// What words of that claim stand for, as WORD=predict, WORD=metrics or WORD=admin; without
    /// it these names themselves do, and modelwright:predict and so on
    #[arg(long, value_name = "WORD=SCOPE,…", value_delimiter = ',')]
    jwt_scopes: Option<Vec<String>>,
    /// The claim of a token that names the models it is for, as words or a list (`*` is all);
    /// without this flag a token is for all of them
    #[arg(long, value_name = "CLAIM")]
    jwt_models_claim: Option<String>,
    /// The most requests per second of one subject's tokens together
    #[arg(long, value_name = "N")]
    jwt_rate: Option<String>,
    /// Make an API key, print it with its entry for the file of keys, and end
    #[arg(long, value_name = "NAME")]
    new_key: Option<String>,
    /// Let requests load, unload and roll back models, though without keys and not only from here
    #[arg(long)]
    admin: bool,
    /// How often files are looked at for a newer model; 0 never does [default: 2s]
    #[arg(long, value_name = "TIME")]
    watch: Option<String>,
    /// Load a newer version but let it wait until it is promoted, or asked as canary or shadow
    #[arg(long)]
    hold: bool,
    /// For how long rows count when /metrics compares them with training; 0 compares none
    /// [default: 1h]
    #[arg(long, value_name = "TIME")]
    drift_window: Option<String>,
    /// Compare with the rows of this file in place of training's, season by season
    #[arg(long, value_name = "FILE")]
    drift_reference: Option<String>,
    /// Its rhythm, in UTC: hour (of the day), weekday or month
    #[arg(long, value_name = "SEASON")]
    drift_season: Option<String>,
    /// Its column with the time of each row
    #[arg(long, value_name = "COLUMN")]
    drift_time_column: Option<String>,
    /// Write rows and answers down in this folder, as Parquet, and take labels at /feedback
    #[arg(long, value_name = "FOLDER")]
    request_log: Option<String>,
    /// The share of requests that is written down [default: 1]
    #[arg(long, value_name = "SHARE")]
    request_log_sample: Option<String>,
    /// Columns whose values are not written down
    #[arg(long, value_name = "COLUMN,…", value_delimiter = ',')]
    request_log_redact: Option<Vec<String>>,
    /// The most that is kept for a model; older files are removed [default: 1GiB]
    #[arg(long, value_name = "SIZE")]
    request_log_max: Option<String>,
    /// Post each answered request there, rows and answers, as a CloudEvent (http://broker/default)
    #[arg(long, value_name = "URL")]
    events_url: Option<String>,
    /// Headers for it; a key is better put into MODELWRIGHT_SERVE_EVENTS_HEADERS, where other users
    /// of the machine cannot read it
    #[arg(long, value_name = "NAME=VALUE,…", value_delimiter = ',')]
    events_headers: Option<Vec<String>>,
    /// The share of requests that is told of [default: 1]
    #[arg(long, value_name = "SHARE")]
    events_sample: Option<String>,
    /// Columns whose values are not told
    #[arg(long, value_name = "COLUMN,…", value_delimiter = ',')]
    events_redact: Option<Vec<String>>,
    /// Requests to log on stderr, as JSON: none, failed (status 500 and above), all
    /// [default: failed]
    #[arg(long, value_name = "WHICH")]
    log: Option<String>,
    /// Send traces and metrics there, by OTLP over HTTP (http://collector:4318)
    #[arg(long, value_name = "URL")]
    otlp_endpoint: Option<String>,
    /// Headers for it; a key is better put into MODELWRIGHT_SERVE_OTLP_HEADERS, where other users
    /// of the machine cannot read it
    #[arg(long, value_name = "NAME=VALUE,…", value_delimiter = ',')]
    otlp_headers: Option<Vec<String>>,
    /// The share of requests that are recorded as traces; of a request that is a part of a trace
    /// (traceparent), its beginning decides [default: 1]
    #[arg(long, value_name = "SHARE")]
    otlp_sample: Option<String>,
    /// What is said of this server, such as service.name=shop
    #[arg(long, value_name = "NAME=VALUE,…", value_delimiter = ',')]
    otlp_attributes: Option<Vec<String>>,
    /// The largest body, also after decompression [default: 64MiB]
    #[arg(long, value_name = "SIZE")]
    max_body: Option<String>,
    /// The most bytes of large bodies that are held at a time; more are answered 503 [default:
    /// 512MiB]
    #[arg(long, value_name = "SIZE")]
    max_bodies: Option<String>,
    /// The most rows of a request [default: 1000000]
    #[arg(long, value_name = "ROWS")]
    max_rows: Option<String>,
    /// The most requests at a time; more are answered 503 [default: 1024]
    #[arg(long, value_name = "N")]
    max_requests: Option<String>,
    /// The most requests at a time of one key, or of one subject's tokens; more are answered 429.
    /// What a key says itself (requests_at_once) goes before
    #[arg(long, value_name = "N")]
    max_requests_per_key: Option<String>,
    /// The most open connections; more wait [default: 16384]
    #[arg(long, value_name = "N")]
    max_connections: Option<String>,
    /// The longest that a request may take [default: 30s]
    #[arg(long, value_name = "TIME")]
    max_time: Option<String>,
    /// How long running requests may take to end when the server is asked to stop [default: 20s]
    #[arg(long, value_name = "TIME")]
    drain_time: Option<String>,
}

impl Serve {
    /// Serves until a signal ends it.
    pub(crate) fn run(self, session: &Session) -> Result<()> {
        if let Some(name) = &self.new_key {
            return print_key(name, session);
        }
        // What is no text names nothing that is known.
        let text = |text: OsString| text.to_string_lossy().into_owned();
        let variables = std::env::vars_os().map(|(name, value)| (text(name), text(value)));
        let config = Config::of(self.told(&session.global), variables, self.config.as_deref())?;
        if self.print_config {
            if session.global.json {
                return output::print_json(&config.to_json());
            }
            return output::print(&config.to_toml());
        }
        let settings = config.settings()?;
        let scheme = if settings.tls.is_some() { "https" } else { "http" };
        let is_open = !settings.needs_key() && !settings.host.is_loopback();
        let mut server = Server::open(settings)?;
        server.heed_signals()?;
        tell(scheme, server.address()?, &server.served(), session)?;
        if is_open {
            session.note(
                "whoever reaches this address may predict and read /metrics: --keys FILE asks for \
                 keys, --host 127.0.0.1 keeps others out\n",
            );
        }
        server.run()
    }

    /// The flags that were given, by name.
    fn told(&self, global: &Global) -> Vec<(&'static str, Vec<String>)> {
        let one = |text: &Option<String>| text.clone().map(|text| vec![text]);
        let switch = |is_on: bool| is_on.then(|| vec!["true".to_owned()]);
        let store = global.store.as_ref().map(|path| path.display().to_string());
        let models: Vec<String> = self.models.iter().chain(&self.model_dir).cloned().collect();
        let all = [
            ("models", (!models.is_empty()).then_some(models)),
            ("store", one(&store)),
            ("threads", global.threads.map(|n| vec![n.to_string()])),
            ("host", one(&self.host)),
            ("port", one(&self.port)),
            ("grpc-port", one(&self.grpc_port)),
            ("unix-socket", one(&self.unix_socket)),
            ("tls-cert", one(&self.tls_cert)),
            ("tls-key", one(&self.tls_key)),
            ("tls-client-ca", one(&self.tls_client_ca)),
            ("name", one(&self.name)),
            ("policy", one(&self.policy)),
            ("allow-host", self.allow_host.clone()),
            ("keys", one(&self.keys)),
            ("jwks", one(&self.jwks)),
            ("jwt-issuer", one(&self.jwt_issuer)),
            ("jwt-audience", one(&self.jwt_audience)),
            ("jwt-scope-claim", one(&self.jwt_scope_claim)),
            ("jwt-scopes", self.jwt_scopes.clone()),
            ("jwt-models-claim", one(&self.jwt_models_claim)),
            ("jwt-rate", one(&self.jwt_rate)),
            ("admin", switch(self.admin)),
            ("watch", one(&self.watch)),
            ("hold", switch(self.hold)),
            ("drift-window", one(&self.drift_window)),
            ("drift-reference", one(&self.drift_reference)),
            ("drift-season", one(&self.drift_season)),
            ("drift-time-column", one(&self.drift_time_column)),
            ("request-log", one(&self.request_log)),
            ("request-log-sample", one(&self.request_log_sample)),
            ("request-log-redact", self.request_log_redact.clone()),
            ("request-log-max", one(&self.request_log_max)),
            ("events-url", one(&self.events_url)),
            ("events-headers", self.events_headers.clone()),
            ("events-sample", one(&self.events_sample)),
            ("events-redact", self.events_redact.clone()),
            ("log", one(&self.log)),
            ("otlp-endpoint", one(&self.otlp_endpoint)),
            ("otlp-headers", self.otlp_headers.clone()),
            ("otlp-sample", one(&self.otlp_sample)),
            ("otlp-attributes", self.otlp_attributes.clone()),
            ("max-body", one(&self.max_body)),
            ("max-bodies", one(&self.max_bodies)),
            ("max-rows", one(&self.max_rows)),
            ("max-requests", one(&self.max_requests)),
            ("max-requests-per-key", one(&self.max_requests_per_key)),
            ("max-connections", one(&self.max_connections)),
            ("max-time", one(&self.max_time)),
            ("drain-time", one(&self.drain_time)),
        ];
        all.into_iter().filter_map(|(name, texts)| Some((name, texts?))).collect()
    }
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
    if served.is_empty() {
        lines.push("  no model yet: it is ready when the empty folder has one".to_owned());
    }
    lines.push(format!("\ntry it: {scheme}://{}/docs\n", reachable(address)));
    session.note(&lines.join("\n"));
    Ok(())
}

/// An address that a browser on this machine can open: that of all interfaces is none.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
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

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser};
    use modelwright_serve::config::KEYS;

    use crate::flags::{Cli, Command};

    #[test]
    fn the_address_of_all_interfaces_is_shown_as_one_that_can_be_opened() {
        let shown = |text: &str| super::reachable(text.parse().unwrap()).to_string();
        assert_eq!(shown("0.0.0.0:8080"), "127.0.0.1:8080");
        assert_eq!(shown("[::]:80"), "[::1]:80");
        assert_eq!(shown("10.0.0.7:80"), "10.0.0.7:80");
    }

    fn told(arguments: &[&str]) -> std::collections::BTreeMap<&'static str, Vec<String>> {
        let cli = Cli::try_parse_from(["modelwright", "serve"].iter().chain(arguments)).unwrap();
        let Command::Serve(serve) = cli.command else { panic!("another command") };
        serve.told(&cli.global).into_iter().collect()
    }

    #[test]
    fn the_flags_that_kserve_gives_a_runtime_say_what_ours_do() {
        let theirs = ["--model_name=churn", "--model_dir=/mnt/models", "--http_port=8080"];
        let ours = ["/mnt/models", "--name=churn", "--port=8080", "--grpc-port", "9000"];
        let theirs = told(&[&theirs[..], &["--grpc_port", "9000"]].concat());
        assert_eq!(theirs, told(&ours));
        assert_eq!(theirs["models"], ["/mnt/models"]);
        assert_eq!(told(&["a", "--model_dir=b"])["models"], ["a", "b"]);
    }

    #[test]
    fn a_flag_of_kserve_that_is_not_ours_is_refused_with_what_does_it_here() {
        for (flag, instead) in super::FLAGS_OF_KSERVE {
            let args = ["modelwright", "serve", "churn", &format!("{flag}=1")].map(Into::into);
            let refused = crate::flags::parse(args).unwrap_err().to_string();
            assert!(refused.contains(flag) && refused.contains(instead), "{refused}");
        }
    }

    #[test]
    fn the_help_names_every_key_of_the_configuration_with_its_default() {
        let mut command = Cli::command();
        // Flags of all commands are handed down only now.
        command.build();
        let serve = command.find_subcommand_mut("serve").unwrap();
        let help = serve.render_long_help().to_string();
        let help = help.split_whitespace().collect::<Vec<_>>().join(" ");
        for key in KEYS.iter().filter(|key| !["models", "api-key"].contains(&key.name)) {
            let flag = format!("--{}", key.name);
            // A part of the help ends where the next flag begins.
            let of_flag = help.split(&format!("{flag} ")).nth(1);
            let of_flag = of_flag.unwrap_or_else(|| panic!("{flag}")).split(" --").next().unwrap();
            if let Some(default) = key.default.filter(|default| *default != "false") {
                let shown = format!("[default: {default}]");
                assert!(of_flag.contains(&shown), "{flag}: {of_flag}");
            }
        }
    }
}
