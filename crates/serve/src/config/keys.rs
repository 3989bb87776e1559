//! Everything that a server can be told, by name.
//!
//! The name is that of the flag (`--max-body`), of the key in a file (`max-body = "1MiB"`), and, in
//! capitals behind `MODELWRIGHT_SERVE_`, of the variable (`MODELWRIGHT_SERVE_MAX_BODY`).

/// What a value looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyKind {
    /// Text, or a number that is written as one (`"2s"`, `"64MiB"`).
    Text,
    /// A number.
    Number,
    /// Yes or no.
    Switch,
    /// Several texts; in a flag or variable between commas.
    List,
}

/// One thing that a server can be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key {
    /// Its name.
    pub name: &'static str,
    /// What its value looks like.
    pub kind: KeyKind,
    /// Its value where nobody says one; `None` where it is then not set.
    pub default: Option<&'static str>,
    /// Whether its value must not be shown.
    pub is_secret: bool,
}

impl Key {
    const fn new(name: &'static str, kind: KeyKind, default: Option<&'static str>) -> Self {
        Self { name, kind, default, is_secret: false }
    }

    /// The environment variable that sets it.
    pub fn variable(&self) -> String {
        format!("{PREFIX}{}", self.name.replace('-', "_").to_ascii_uppercase())
    }
}

/// What the names of environment variables begin with.
pub const PREFIX: &str = "MODELWRIGHT_SERVE_";

use KeyKind::{List, Number, Switch, Text};

/// All of them, in the order in which they are printed.
pub const KEYS: [Key; 50] = [
    Key::new("models", List, None),
    Key::new("store", Text, None),
    Key::new("name", Text, None),
    Key::new("host", Text, Some("127.0.0.1")),
    Key::new("port", Number, Some("8080")),
    Key::new("grpc-port", Number, None),
    Key::new("unix-socket", Text, None),
    Key::new("tls-cert", Text, None),
    Key::new("tls-key", Text, None),
    Key::new("tls-client-ca", Text, None),
    Key::new("policy", Text, Some("warn")),
    Key::new("allow-host", List, None),
    Key::new("keys", Text, None),
    Key { is_secret: true, ..Key::new("api-key", Text, None) },
    Key::new("jwks", Text, None),
    Key::new("jwt-issuer", Text, None),
    Key::new("jwt-audience", Text, None),
    Key::new("jwt-scope-claim", Text, Some("scope")),
    Key::new("jwt-scopes", List, None),
    Key::new("jwt-models-claim", Text, None),
    Key::new("jwt-rate", Number, None),
    Key::new("admin", Switch, Some("false")),
    Key::new("watch", Text, Some("2s")),
    Key::new("hold", Switch, Some("false")),
    Key::new("drift-window", Text, Some("1h")),
    Key::new("drift-reference", Text, None),
    Key::new("drift-season", Text, None),
    Key::new("drift-time-column", Text, None),
    Key::new("request-log", Text, None),
    Key::new("request-log-sample", Number, Some("1")),
    Key::new("request-log-redact", List, None),
    Key::new("request-log-max", Text, Some("1GiB")),
    Key::new("events-url", Text, None),
    Key { is_secret: true, ..Key::new("events-headers", List, None) },
    Key::new("events-sample", Number, Some("1")),
    Key::new("events-redact", List, None),
    Key::new("log", Text, Some("failed")),
    Key::new("otlp-endpoint", Text, None),
    Key { is_secret: true, ..Key::new("otlp-headers", List, None) },
    Key::new("otlp-sample", Number, Some("1")),
    Key::new("otlp-attributes", List, None),
    Key::new("max-body", Text, Some("64MiB")),
    Key::new("max-bodies", Text, Some("512MiB")),
    Key::new("max-rows", Number, Some("1000000")),
    Key::new("max-requests", Number, Some("1024")),
    Key::new("max-requests-per-key", Number, None),
    Key::new("max-connections", Number, Some("16384")),
    Key::new("max-time", Text, Some("30s")),
    Key::new("drain-time", Text, Some("20s")),
    Key::new("threads", Number, None),
];

/// The key of a name.
pub(super) fn find(name: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.name == name)
}
