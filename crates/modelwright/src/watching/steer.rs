//! Servers that bring a version in by degrees, steered through their `/admin` interface.

use modelwright_core::{Error, Result};
use modelwright_lifecycle::alerts::Transport;
use modelwright_lifecycle::watch::{Action, CanarySettings, Phase, WatchConfig};
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

    /// What follows from an action.
    pub(super) fn of(action: &Action) -> Vec<Self> {
        match action {
            Action::Try { version } => vec![shadow(*version)],
            Action::Canary { version, percent, .. } => {
                vec![Self::new("shadow", json!({ "version": null })), share(*version, *percent)]
            }
            Action::Promote { version } | Action::RollBack { version } => {
                vec![Self::new("promote", json!({ "version": version }))]
            }
            Action::Discard { .. } | Action::Settle => Self::over(),
            Action::Nothing | Action::Retrain { .. } | Action::Ask { .. } => Vec::new(),
        }
    }

    /// Neither shadow nor canary any more.
    pub(super) fn over() -> Vec<Self> {
        let none = json!({ "version": null });
        vec![Self::new("shadow", none.clone()), Self::new("canary", none)]
    }

    /// What a server that was started anew must be told again.
    pub(super) fn of_phase(phase: &Phase, settings: &CanarySettings) -> Vec<Self> {
        match phase {
            Phase::Trial { version, .. } => vec![shadow(*version)],
            Phase::Canary { version, step, .. } => {
                let percent = settings.percents.get(*step).or(settings.percents.last());
                percent.map(|percent| share(*version, *percent)).into_iter().collect()
            }
            _ => Vec::new(),
        }
    }
}

fn shadow(version: i64) -> Order {
    Order::new("shadow", json!({ "version": version }))
}

fn share(version: i64, percent: f64) -> Order {
    Order::new("canary", json!({ "version": version, "percent": percent }))
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
        let action = Action::Canary { version: 2, step: 0, percent: 5.0 };
        let error = tell(&config, &Order::of(&action), &servers).unwrap_err().to_string();
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

    #[test]
    fn a_server_that_was_started_anew_is_told_where_the_rollout_stands() {
        let (config, servers) = (config("\"http://a\""), Servers::default());
        let settings = config.rollout.canary.as_ref().unwrap();
        let (since, before) = (String::new(), BTreeSet::new());
        let phase = Phase::Canary { version: 3, step: 1, since, before };
        tell(&config, &Order::of_phase(&phase, settings), &servers).unwrap();
        assert_eq!(servers.0.borrow().len(), 1);
        assert!(servers.0.borrow()[0].ends_with(r#"canary {"percent":25.0,"version":3}"#));
        assert!(Order::of_phase(&Phase::Steady, settings).is_empty());
        let promote = Order::of(&Action::Promote { version: 3 });
        assert_eq!(promote, [Order::new("promote", json!({ "version": 3 }))]);
    }
}
