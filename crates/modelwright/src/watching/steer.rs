//! Servers that bring a version in by degrees, steered through their `/admin` interface.

use modelwright_core::{Error, Result};
use modelwright_lifecycle::alerts::Transport;
use modelwright_lifecycle::watch::{CanarySettings, Phase, WatchConfig, WatchState};
use serde_json::{Value, json};

/// What every server of a canary is to be told.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Order {
    /// The last part of the path.
    verb: &'static str,
    body: Value,
}

impl Order {
    fn new(verb: &'static str, body: Value) -> Self {
        Self { verb, body }
    }

    /// A version takes over, from whatever else is going on.
    pub(super) fn promote(version: i64) -> Vec<Self> {
        vec![Self::new("promote", json!({ "version": version }))]
    }

    /// Where the rollout stands, for servers that know nothing of it, or what was before.
    pub(super) fn of_state(state: &WatchState, settings: &CanarySettings) -> Vec<Self> {
        let share = |version: &i64, percent: f64| json!({ "version": version, "percent": percent });
        let (shadow, canary) = match &state.phase {
            Phase::Trial { version, .. } => (Some(json!({ "version": version })), None),
            Phase::Canary { version, step, .. } => {
                // States of earlier versions say the step alone.
                let of_step = settings.percents.get(*step).or(settings.percents.last()).copied();
                (None, state.percent.or(of_step).map(|percent| share(version, percent)))
            }
            Phase::Waiting { version, .. } => {
                (None, state.percent.map(|percent| share(version, percent)))
            }
            _ => (None, None),
        };
        if !state.recall && shadow.is_none() && canary.is_none() {
            return Vec::new();
        }
        let or_none = |body: Option<Value>| body.unwrap_or_else(|| json!({ "version": null }));
        // Who was away when it was promoted does not follow the alias, where it holds a version.
        let promoted = state.promoted.filter(|_| state.recall).map(Self::promote);
        let mut orders = promoted.unwrap_or_default();
        orders.push(Self::new("shadow", or_none(shadow)));
        orders.push(Self::new("canary", or_none(canary)));
        orders
    }
}

/// Tells all servers; without a canary in the settings there are none.
///
/// # Errors
/// Work error that names the first server that did not do it; the others were told.
pub(super) fn tell(
    config: &WatchConfig,
    orders: &[Order],
    transport: &dyn Transport,
) -> Result<()> {
    let Some(settings) = &config.rollout.canary else { return Ok(()) };
    let name = settings.served.as_deref().unwrap_or(config.target()?.0);
    let mut headers = vec![("Content-Type".to_owned(), "application/json".to_owned())];
    if let Some(variable) = settings.key.as_ref().and_then(|key| key.strip_prefix("env:")) {
        let key = std::env::var(variable).map_err(|_| {
            Error::input("the environment variable of the canary's key is not set").got(variable)
        })?;
        headers.push(("Authorization".to_owned(), format!("Bearer {key}")));
    }
    let mut first = None;
    for server in &settings.servers {
        for order in orders {
            let url =
                format!("{}/admin/models/{name}/{}", server.trim_end_matches('/'), order.verb);
            let body = order.body.to_string();
            if let Err((why, _)) = transport.post(&url, &headers, body.as_bytes()) {
                first.get_or_insert_with(|| {
                    Error::work("a server could not be told what to serve")
                        .at(url.as_str())
                        .got(format!("{}: {why}", order.body))
                        .hint("is it `modelwright serve NAME@ALIAS`, and may the key `admin`?")
                });
                break;
            }
        }
    }
    first.map_or(Ok(()), Err)
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::collections::BTreeSet;
    use std::time::Duration;

    use modelwright_lifecycle::smtp::{Letter, MailServer, Unreached};

    use super::*;

    /// Remembers what was asked; one server is away.
    #[derive(Default)]
    struct Servers(RefCell<Vec<String>>);

    impl Transport for Servers {
        fn post(
            &self,
            url: &str,
            headers: &[(String, String)],
            body: &[u8],
        ) -> std::result::Result<(), (String, bool)> {
            assert!(headers.iter().any(|(name, _)| name == "Content-Type"));
            if url.starts_with("http://away") {
                return Err(("it cannot be reached".to_owned(), true));
            }
            let body = String::from_utf8_lossy(body);
            self.0.borrow_mut().push(format!("{url} {body}"));
            Ok(())
        }

        fn mail(
            &self,
            _: &MailServer,
            _: &Letter,
        ) -> std::result::Result<Vec<Unreached>, (String, bool)> {
            Ok(Vec::new())
        }

        fn pause(&self, _: Duration) {}
    }

    fn config(servers: &str) -> WatchConfig {
        let text = format!(
            "model = \"churn@champion\"\ndata = [\"a\"]\n[rollout.canary]\nservers = [{servers}]"
        );
        WatchConfig::parse(&text).unwrap()
    }

    #[test]
    fn every_server_is_told_and_one_that_is_away_is_named() {
        let (config, servers) =
            (config("\"http://a/\", \"http://away\", \"http://b\""), Servers::default());
        let (settings, before) = (config.rollout.canary.as_ref().unwrap(), BTreeSet::new());
        let state =
            at(Phase::Canary { version: 2, step: 0, since: String::new(), before, n_had: 0 }, 5.0);
        let error =
            tell(&config, &Order::of_state(&state, settings), &servers).unwrap_err().to_string();
        assert!(error.contains("http://away/admin/models/churn/shadow"), "{error}");
        let share = r#"{"percent":5.0,"version":2}"#;
        let none = r#"{"version":null}"#;
        let of = |host: &str, verb: &str, body: &str| {
            format!("http://{host}/admin/models/churn/{verb} {body}")
        };
        let expected = [
            of("a", "shadow", none),
            of("a", "canary", share),
            of("b", "shadow", none),
            of("b", "canary", share),
        ];
        assert_eq!(*servers.0.borrow(), expected);
    }

    fn at(phase: Phase, percent: f64) -> WatchState {
        WatchState { phase, percent: Some(percent), ..WatchState::default() }
    }

    #[test]
    fn a_server_that_was_started_anew_is_told_where_the_rollout_stands() {
        let (config, servers) = (config("\"http://a\""), Servers::default());
        let settings = config.rollout.canary.as_ref().unwrap();
        let told = |state: &WatchState| {
            tell(&config, &Order::of_state(state, settings), &servers).unwrap();
            let all = std::mem::take(&mut *servers.0.borrow_mut());
            let short = |line: &String| line.rsplit('/').next().unwrap_or_default().to_owned();
            all.iter().map(short).collect::<Vec<_>>()
        };
        let (since, before) = (String::new(), BTreeSet::new());
        let canary = Phase::Canary { version: 3, step: 1, since: since.clone(), before, n_had: 0 };
        let share = [r#"shadow {"version":null}"#, r#"canary {"percent":25.0,"version":3}"#];
        assert_eq!(told(&at(canary.clone(), 25.0)), share);
        assert_eq!(told(&WatchState { phase: canary, ..WatchState::default() }), share);
        let waits = Phase::Waiting { version: 3, since: since.clone(), before: None };
        assert_eq!(told(&at(waits.clone(), 25.0)), share, "while a person is waited for, too");
        let without = WatchState { phase: waits, ..WatchState::default() };
        assert!(told(&without).is_empty(), "there was no canary before");
        let trial = Phase::Trial { version: 3, since, before: BTreeSet::new() };
        let unseen = [r#"shadow {"version":3}"#, r#"canary {"version":null}"#];
        assert_eq!(told(&WatchState { phase: trial, ..WatchState::default() }), unseen);
        assert!(told(&WatchState::default()).is_empty());
        let over = [r#"shadow {"version":null}"#, r#"canary {"version":null}"#];
        assert_eq!(told(&WatchState { recall: true, ..WatchState::default() }), over);
        let promoted = WatchState { recall: true, promoted: Some(3), ..WatchState::default() };
        let late = [r#"promote {"version":3}"#, over[0], over[1]];
        assert_eq!(told(&promoted), late, "it was away when the version was promoted");
        assert_eq!(Order::promote(3), [Order::new("promote", json!({ "version": 3 }))]);
    }
}
