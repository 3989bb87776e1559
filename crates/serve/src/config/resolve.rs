//! From texts to settings; an error names the place of the text that is wrong.

use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use modelwright_core::{Error, Result, quantity};
use modelwright_lifecycle::monitor::SeasonChoice;

use super::keys::{self, Key};
use super::layers::{Config, Source};
use crate::access::{Jwt, JwtSettings, Keys};
use crate::events::EventSettings;
use crate::request_log::RequestLogSettings;
use crate::settings::{DriftReference, Limits, ModelSource, Settings};
use crate::telemetry::TelemetrySettings;
use crate::tls::TlsSettings;

/// A key that could be guessed protects nothing.
const API_KEY_LENGTH_MIN: usize = 16;

impl Config {
    /// The settings.
    ///
    /// # Errors
    /// Input error that names the place of a value that cannot be, or of one that lacks another.
    pub fn settings(&self) -> Result<Settings> {
        let limits = self.limits()?;
        Ok(Settings {
            host: self.parsed("host", "an address of this machine such as 0.0.0.0")?,
            port: self.parsed("port", PORT)?,
            grpc_port: self.maybe("grpc-port", PORT)?,
            unix_socket: self.path("unix-socket"),
            tls: self.tls()?,
            models: self.sources()?,
            store: self.path("store"),
            policy: self.read("policy", FromStr::from_str)?,
            limits,
            admin: self.switch("admin")?.then_some(true),
            hosts: self.told.get("allow-host").map_or(Vec::new(), |told| told.texts.clone()),
            keys: self.api_keys()?,
            jwt: self.jwt()?,
            log: self.read("log", FromStr::from_str)?,
            request_log: self.request_log()?,
            events: self.events()?,
            telemetry: self.telemetry()?,
            drift_window: Some(self.read("drift-window", pause)?).filter(|w| !w.is_zero()),
            drift_reference: self.drift_reference()?,
            hold: self.switch("hold")?,
            ui: None,
            watch: Some(self.read("watch", pause)?).filter(|pause| !pause.is_zero()),
            threads: self
                .maybe("threads", "a number of threads; 0 takes the machine's")?
                .unwrap_or(0),
        })
    }

    fn limits(&self) -> Result<Limits> {
        let size = |name| {
            let bytes = self.read(name, quantity::size)?;
            Ok::<_, Error>(usize::try_from(bytes).unwrap_or(usize::MAX))
        };
        Ok(Limits {
            body_bytes_max: size("max-body")?,
            bodies_bytes_max: size("max-bodies")?,
            rows_max: self.read("max-rows", count)?,
            requests_max: self.read("max-requests", count)?,
            connections_max: self.read("max-connections", count)?,
            request_time_max: self.read("max-time", quantity::duration)?,
            drain_time_max: self.read("drain-time", quantity::duration)?,
            ..Limits::default()
        })
    }

    fn drift_reference(&self) -> Result<Option<DriftReference>> {
        let all = ["drift-reference", "drift-season", "drift-time-column"];
        for name in all {
            all.into_iter().filter(|other| *other != name).try_for_each(|o| self.needs(name, o))?;
        }
        let Some(file) = self.path("drift-reference") else { return Ok(None) };
        let season = self.read("drift-season", |text| {
            let choice: SeasonChoice = text.parse()?;
            let none = || Error::input("a rhythm must be named").got(text);
            choice.season().ok_or_else(|| none().expected("hour, weekday or month"))
        })?;
        let time_column = self.read("drift-time-column", |text| Ok(text.to_owned()))?;
        Ok(Some(DriftReference { file, time_column, season }))
    }

    fn tls(&self) -> Result<Option<TlsSettings>> {
        self.needs("tls-key", "tls-cert")?;
        self.needs("tls-cert", "tls-key")?;
        self.needs("tls-client-ca", "tls-cert")?;
        let pair = self.path("tls-cert").zip(self.path("tls-key"));
        let client_ca = self.path("tls-client-ca");
        Ok(pair.map(|(certificate, key)| TlsSettings { certificate, key, client_ca }))
    }

    fn api_keys(&self) -> Result<Option<Keys>> {
        let mut keys = self.path("keys").map(|path| Keys::read(&path)).transpose()?;
        if let Some((key, text, source)) = self.find("api-key") {
            if text.len() < API_KEY_LENGTH_MIN {
                return Err(Error::input("the key is so short that it could be guessed")
                    .at(source.place(key))
                    .expected(format!("at least {API_KEY_LENGTH_MIN} characters"))
                    .hint("`modelwright serve --new-key NAME` makes one"));
            }
            keys = Some(keys.unwrap_or_default().with_plain(text));
        }
        let at_once = self.at_once()?;
        Ok(keys.map(|keys| at_once.map_or(keys.clone(), |n| keys.with_at_once(n))))
    }

    /// How many requests of a key, or of one subject's tokens, are answered at a time.
    fn at_once(&self) -> Result<Option<usize>> {
        let Some((key, _, source)) = self.find("max-requests-per-key") else { return Ok(None) };
        if !["keys", "api-key", "jwks"].iter().any(|name| self.find(name).is_some()) {
            return Err(Error::input("a limit of each key needs keys")
                .at(source.place(key))
                .expected("`keys` or `jwks` beside it"));
        }
        self.read("max-requests-per-key", count).map(Some)
    }

    fn jwt(&self) -> Result<Option<Jwt>> {
        let own = ["jwt-issuer", "jwt-audience", "jwt-scope-claim", "jwt-scopes"];
        let mut own = own.into_iter().chain(["jwt-models-claim", "jwt-rate"]);
        own.try_for_each(|name| self.needs(name, "jwks"))?;
        // Providers sign for many with the same keys: a signature alone proves little.
        ["jwt-issuer", "jwt-audience"].into_iter().try_for_each(|name| self.needs("jwks", name))?;
        let text = |name| self.find(name).map(|(_, text, _)| text.to_owned());
        let told = (self.path("jwks"), text("jwt-issuer"), text("jwt-audience"));
        let (Some(keys), Some(issuer), Some(audience)) = told else { return Ok(None) };
        let mut scopes = Vec::new();
        if let (Some((key, _, source)), Some(told)) =
            (self.find("jwt-scopes"), self.told.get("jwt-scopes"))
        {
            for text in &told.texts {
                let wrong = |e: Error| e.at(source.place(key));
                let (word, scope) = text.rsplit_once('=').ok_or_else(|| {
                    let error = Error::input("not a word of a token and a scope").got(text);
                    wrong(error.expected("WORD=predict, WORD=metrics or WORD=admin"))
                })?;
                scopes.push((word.to_owned(), scope.parse().map_err(wrong)?));
            }
        }
        if scopes.is_empty() {
            scopes = JwtSettings::default_scopes();
        }
        let scope_claim = text("jwt-scope-claim").unwrap_or_default();
        let rate = self.find("jwt-rate").map(|_| self.read("jwt-rate", rate)).transpose()?;
        let (models_claim, at_once) = (text("jwt-models-claim"), self.at_once()?);
        Jwt::open(JwtSettings {
            keys,
            issuer,
            audience,
            scope_claim,
            scopes,
            rate,
            at_once,
            models_claim,
        })
        .map(Some)
    }

    fn telemetry(&self) -> Result<Option<TelemetrySettings>> {
        let own = ["otlp-headers", "otlp-sample", "otlp-attributes"];
        own.into_iter().try_for_each(|name| self.needs(name, "otlp-endpoint"))?;
        let Some((key, endpoint, source)) = self.find("otlp-endpoint") else { return Ok(None) };
        if !endpoint.starts_with("http://") && !endpoint.starts_with("https://") {
            return Err(Error::input("not the address of a collector")
                .at(source.place(key))
                .expected("http://HOST:4318, where OTLP is spoken over HTTP")
                .got(endpoint));
        }
        let (endpoint, headers) = (endpoint.to_owned(), self.pairs("otlp-headers")?);
        let mut attributes = self.pairs("otlp-attributes")?;
        if !attributes.iter().any(|(name, _)| name == "service.name") {
            attributes.push(("service.name".to_owned(), "modelwright".to_owned()));
        }
        let sample = self.read("otlp-sample", |text| match text.trim() {
            "0" => Ok(0.0),
            text => share(text),
        })?;
        Ok(Some(TelemetrySettings { endpoint, headers, sample, attributes }))
    }

    /// The texts of a list, each `NAME=VALUE`; a wrong one is not shown, as it may be a secret.
    fn pairs(&self, name: &str) -> Result<Vec<(String, String)>> {
        let (Some((key, _, source)), Some(told)) = (self.find(name), self.told.get(name)) else {
            return Ok(Vec::new());
        };
        let pair = |text: &String| {
            let pair = text.split_once('=').filter(|(name, _)| !name.trim().is_empty());
            let (name, value) = pair.ok_or_else(|| {
                Error::input("not a name and a value")
                    .at(source.place(key))
                    .expected("NAME=VALUE, several with commas between")
            })?;
            Ok((name.trim().to_owned(), value.trim().to_owned()))
        };
        told.texts.iter().map(pair).collect()
    }

    fn request_log(&self) -> Result<Option<RequestLogSettings>> {
        for name in ["request-log-sample", "request-log-redact", "request-log-max"] {
            self.needs(name, "request-log")?;
        }
        let Some(folder) = self.path("request-log") else { return Ok(None) };
        Ok(Some(RequestLogSettings {
            sample: self.read("request-log-sample", share)?,
            redact: self.told.get("request-log-redact").map_or(Vec::new(), |t| t.texts.clone()),
            bytes_max: self.read("request-log-max", quantity::size)?,
            ..RequestLogSettings::new(folder)
        }))
    }

    fn events(&self) -> Result<Option<EventSettings>> {
        let own = ["events-headers", "events-sample", "events-redact"];
        own.into_iter().try_for_each(|name| self.needs(name, "events-url"))?;
        let Some((key, url, source)) = self.find("events-url") else { return Ok(None) };
        if !url.starts_with("http://") && !url.starts_with("https://") {
            return Err(Error::input("not the address of a receiver of events")
                .at(source.place(key))
                .expected("http://HOST/PATH, where CloudEvents are taken")
                .got(url));
        }
        Ok(Some(EventSettings {
            url: url.to_owned(),
            headers: self.pairs("events-headers")?,
            sample: self.read("events-sample", share)?,
            redact: self.told.get("events-redact").map_or(Vec::new(), |t| t.texts.clone()),
        }))
    }

    fn sources(&self) -> Result<Vec<ModelSource>> {
        let told = self.told.get("models");
        let texts = told.iter().flat_map(|told| &told.texts).filter(|text| !text.is_empty());
        let mut sources: Vec<ModelSource> = texts.map(|t| t.parse()).collect::<Result<_>>()?;
        if sources.is_empty() {
            return Err(Error::input("no model was named")
                .expected("at least one MODEL")
                .hint("modelwright serve churn; or models = [\"churn\"] in the --config file"));
        }
        match (self.find("name"), &mut sources[..]) {
            (None, _) => {}
            (Some((_, name, _)), [one]) => one.name = Some(name.to_owned()),
            (Some((key, _, source)), _) => {
                return Err(Error::input("a name is for one model")
                    .at(source.place(key))
                    .got(format!("{} models", sources.len()))
                    .hint("name each of them: NAME=PATH"));
            }
        }
        Ok(sources)
    }

    /// A key with its text and source, if it is set.
    fn find(&self, name: &str) -> Option<(&'static Key, &str, &Source)> {
        let told = self.told.get(name)?;
        Some((keys::find(name)?, told.texts.first()?, &told.source))
    }

    fn path(&self, name: &str) -> Option<PathBuf> {
        self.find(name).map(|(_, text, _)| PathBuf::from(text))
    }

    /// Reads a value that is always set.
    fn read<T>(&self, name: &str, read: impl FnOnce(&str) -> Result<T>) -> Result<T> {
        let missing = || Error::input("a value that the server needs is not set").at(name);
        let (key, text, source) = self.find(name).ok_or_else(missing)?;
        read(text).map_err(|e| e.at(source.place(key)).got(text))
    }

    /// The same by the type's own reading.
    fn parsed<T: FromStr>(&self, name: &str, expected: &str) -> Result<T> {
        let wrong = |_| Error::input("the value is wrong").expected(expected);
        self.read(name, |text| text.trim().parse().map_err(wrong))
    }

    /// The same where it is set.
    fn maybe<T: FromStr>(&self, name: &str, expected: &str) -> Result<Option<T>> {
        self.find(name).map(|_| self.parsed(name, expected)).transpose()
    }

    fn switch(&self, name: &str) -> Result<bool> {
        let wrong = || Error::input("the value is wrong").expected("true or false");
        self.read(name, |text| switch(text).ok_or_else(wrong))
    }

    /// Refuses a value that somebody set without another that it is of no use without.
    fn needs(&self, name: &str, other: &str) -> Result<()> {
        match self.find(name) {
            Some((key, _, source)) if *source != Source::Default && self.find(other).is_none() => {
                Err(Error::input(format!("`{name}` needs `{other}`"))
                    .at(source.place(key))
                    .expected(format!("`{other}` beside it")))
            }
            _ => Ok(()),
        }
    }
}

/// Yes or no, as people write them; `None` for other texts.
pub(super) fn switch(text: &str) -> Option<bool> {
    match text.trim().to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" | "on" => Some(true),
        "false" | "0" | "no" | "off" => Some(false),
        _ => None,
    }
}

const PORT: &str = "a port from 0 to 65535; 0 takes a free one";

fn count(text: &str) -> Result<usize> {
    text.trim()
        .replace('_', "")
        .parse()
        .ok()
        .filter(|n| *n > 0)
        .ok_or_else(|| Error::input("the value is wrong").expected("a whole number from 1"))
}

/// A share, above 0 and at most 1.
fn share(text: &str) -> Result<f64> {
    let share = text.trim().parse::<f64>().ok().filter(|share| *share > 0.0 && *share <= 1.0);
    share.ok_or_else(|| Error::input("not a share").expected("a number above 0, at most 1"))
}

/// Requests per second.
fn rate(text: &str) -> Result<f64> {
    let rate = text.trim().parse::<f64>().ok().filter(|rate| *rate > 0.0 && rate.is_finite());
    rate.ok_or_else(|| Error::input("not a rate").expected("requests per second, above 0"))
}

/// A duration, or 0 for none.
fn pause(text: &str) -> Result<Duration> {
    if text == "0" { Ok(Duration::ZERO) } else { quantity::duration(text) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::Scope;
    use crate::settings::{LogRequests, Policy};

    fn settings(flags: &[(&'static str, &str)]) -> Result<Settings> {
        let flags = flags.iter().map(|(name, text)| (*name, vec![(*text).to_owned()]));
        let model = [("models", vec!["churn".to_owned()])];
        Config::of(model.into_iter().chain(flags), [], None)?.settings()
    }

    #[test]
    fn nothing_said_gives_the_defaults() {
        let (found, wanted) = (settings(&[]).unwrap(), Settings::default());
        assert_eq!((found.host, found.port, found.watch), (wanted.host, wanted.port, wanted.watch));
        assert_eq!((found.limits, found.policy), (wanted.limits, wanted.policy));
        assert_eq!((found.log, found.hold, found.admin), (wanted.log, wanted.hold, wanted.admin));
        assert_eq!(found.drift_window, wanted.drift_window);
        assert_eq!((found.threads, found.models.len()), (0, 1));
        assert!(found.keys.is_none() && found.tls.is_none() && found.request_log.is_none());
    }

    #[test]
    fn every_value_arrives() {
        let found = settings(&[
            ("name", "shop"),
            ("host", "::1"),
            ("port", "1"),
            ("grpc-port", "2"),
            ("policy", "reject"),
            ("api-key", "0123456789abcdef"),
            ("admin", "yes"),
            ("watch", "0"),
            ("hold", "1"),
            ("request-log", "log"),
            ("request-log-sample", "0.5"),
            ("log", "all"),
            ("max-body", "1KiB"),
            ("max-bodies", "2KiB"),
            ("max-rows", "10_000"),
            ("max-requests", "3"),
            ("max-connections", "4"),
            ("max-time", "5s"),
            ("drain-time", "6s"),
            ("threads", "7"),
            ("store", "s"),
        ]);
        let found = found.unwrap();
        assert_eq!(found.models[0].name.as_deref(), Some("shop"));
        assert_eq!((found.host.to_string().as_str(), found.port), ("::1", 1));
        assert_eq!((found.grpc_port, found.policy), (Some(2), Policy::Reject));
        assert!(found.keys.unwrap().find(b"0123456789abcdef").is_some());
        assert_eq!((found.admin, found.watch, found.hold), (Some(true), None, true));
        assert_eq!(found.request_log.unwrap().sample, 0.5);
        assert_eq!((found.log, found.threads), (LogRequests::All, 7));
        let limits = found.limits;
        assert_eq!((limits.body_bytes_max, limits.rows_max), (1024, 10_000));
        assert_eq!(limits.bodies_bytes_max, 2048);
        assert_eq!((limits.requests_max, limits.connections_max), (3, 4));
        let times = (limits.request_time_max, limits.drain_time_max);
        assert_eq!(times, (Duration::from_secs(5), Duration::from_secs(6)));
        assert_eq!(found.store, Some("s".into()));
    }

    #[test]
    fn a_limit_of_each_key_reaches_the_keys() {
        let key = ("api-key", "0123456789abcdef");
        let found = settings(&[key, ("max-requests-per-key", "1")]).unwrap();
        let known = found.keys.unwrap().find(key.1.as_bytes()).unwrap();
        let turn = known.admit(Scope::Predict);
        assert!(turn.is_ok() && known.admit(Scope::Predict).is_err());
        let wrong = settings(&[key, ("max-requests-per-key", "0")]).unwrap_err().to_string();
        assert!(wrong.contains("--max-requests-per-key") && wrong.contains("from 1"), "{wrong}");
    }

    #[test]
    fn what_cannot_be_is_refused_with_its_place() {
        for (name, text, words) in [
            ("port", "70000", &["--port", "65535"][..]),
            ("host", "here", &["--host", "0.0.0.0"]),
            ("policy", "warm", &["--policy", "did you mean `warn`?"]),
            ("log", "some", &["--log"]),
            ("watch", "soon", &["--watch", "not a duration"]),
            ("max-body", "big", &["--max-body", "not a size"]),
            ("max-rows", "0", &["--max-rows", "from 1"]),
            ("admin", "perhaps", &["--admin", "true or false"]),
            ("api-key", "short", &["--api-key", "at least 16"]),
            ("tls-cert", "c.pem", &["--tls-cert", "tls-key"]),
            ("tls-client-ca", "c.pem", &["--tls-client-ca", "tls-cert"]),
            ("request-log-sample", "0.1", &["--request-log-sample", "request-log"]),
            ("keys", "none.toml", &["none.toml", "file of keys"]),
            ("otlp-endpoint", "collector:4318", &["--otlp-endpoint", "http://HOST:4318"]),
            ("otlp-sample", "0.1", &["--otlp-sample", "otlp-endpoint"]),
            ("events-url", "broker:8080", &["--events-url", "http://HOST"]),
            ("events-sample", "0.1", &["--events-sample", "events-url"]),
            ("jwks", "keys.json", &["--jwks", "jwt-issuer"]),
            ("jwt-audience", "models", &["--jwt-audience", "jwks"]),
            ("jwt-scopes", "a=predict", &["--jwt-scopes", "jwks"]),
            ("jwt-rate", "5", &["--jwt-rate", "jwks"]),
            ("max-requests-per-key", "5", &["--max-requests-per-key", "`keys` or `jwks`"]),
            ("models", "", &["no model was named"]),
        ] {
            let error = settings(&[(name, text)]).unwrap_err().to_string();
            for word in words {
                assert!(error.contains(word), "{error}: {word}");
            }
            assert!(name != "api-key" || !error.contains("short key"), "{error}");
        }
    }
}
