//! A configuration for people, as a file that says the same, and for programs.

use std::fmt::Write;
use std::path::Path;

use modelwright_lifecycle::store::shown_place;
use serde_json::{Map, Value, json};

use super::keys::{KEYS, Key, KeyKind};
use super::layers::{Config, Source, Told};
use super::resolve::switch;

/// What stands in the place of a secret.
const MASK: &str = "(not shown)";

impl Config {
    /// A file that says the same, with the source of each value; secrets are masked.
    pub fn to_toml(&self) -> String {
        let mut out = String::new();
        for key in &KEYS {
            // Writing to a string cannot fail.
            let _ = match self.told.get(key.name) {
                Some(told) => {
                    let comment = match &told.source {
                        Source::Flag if key.name == "models" => "argument".to_owned(),
                        Source::Flag | Source::Environment => told.source.place(key),
                        source => source.to_string(),
                    };
                    let line = format!("{} = {}", key.name, value(key, told));
                    writeln!(out, "{line:<40} # {comment}")
                }
                None => writeln!(out, "{:<40} # not set", format!("# {}", key.name)),
            };
        }
        out
    }

    /// The same for programs: by name the value and its source.
    pub fn to_json(&self) -> Value {
        let entry = |key: &Key| {
            let told = self.told.get(key.name);
            let value = told.map_or(Value::Null, |told| value(key, told));
            let source = told.map_or_else(|| "not set".to_owned(), |told| told.source.to_string());
            (key.name.to_owned(), json!({ "value": value, "source": source }))
        };
        Value::Object(KEYS.iter().map(entry).collect::<Map<_, _>>())
    }
}

/// A value; those of JSON are, as far as they occur here, written as in TOML.
fn value(key: &Key, told: &Told) -> Value {
    if key.is_secret {
        return json!(MASK);
    }
    let text = told.texts.first().map_or("", String::as_str);
    if key.name == "store" {
        // The URL of a database may hold a password.
        return json!(shown_place(Path::new(text)));
    }
    match key.kind {
        KeyKind::List => json!(told.texts),
        // As a file takes them: variables may be written in other ways (`1_000`, `yes`).
        KeyKind::Number => {
            serde_json::from_str(&text.trim().replace('_', "")).unwrap_or_else(|_| json!(text))
        }
        KeyKind::Switch => switch(text).map_or_else(|| json!(text), Value::from),
        KeyKind::Text => json!(text),
    }
}

#[cfg(test)]
mod tests {
    use super::super::keys::PREFIX;
    use super::*;

    #[test]
    fn what_is_printed_is_read_back_as_the_same_and_shows_no_secret() {
        let flags = [
            ("models", vec!["churn".to_owned(), "prices=\"x\"".to_owned()]),
            ("admin", vec!["true".to_owned()]),
            ("port", vec!["9000".to_owned()]),
        ];
        let variables = [("MODELWRIGHT_SERVE_API_KEY".to_owned(), "a very secret key".to_owned())];
        let config = Config::of(flags, variables, None).unwrap();
        let (text, json) = (config.to_toml(), config.to_json());
        assert!(!text.contains("secret") && !json.to_string().contains("secret"), "{text}");
        assert!(text.contains("# --port") && text.contains("# MODELWRIGHT_SERVE_API_KEY"));
        assert_eq!(json["admin"], json!({ "value": true, "source": "flag" }));
        assert_eq!(json["tls-cert"], json!({ "value": null, "source": "not set" }));
        let path = std::env::temp_dir().join(format!("modelwright-{}.toml", std::process::id()));
        std::fs::write(&path, &text).unwrap();
        let again = Config::of([], [], Some(&path)).unwrap();
        std::fs::remove_file(path).unwrap();
        for (name, told) in config.told.iter().filter(|(name, _)| **name != "api-key") {
            assert_eq!(told.texts, again.told[name].texts, "{name}");
        }
    }

    #[test]
    fn what_a_variable_says_in_its_own_way_is_printed_as_a_file_takes_it() {
        let variable = |name: &str, text: &str| (format!("{PREFIX}{name}"), text.to_owned());
        let variables =
            [variable("ADMIN", "yes"), variable("HOLD", "0"), variable("MAX_ROWS", "10_000")];
        let json = Config::of([], variables, None).unwrap().to_json();
        let value = |name: &str| json[name]["value"].clone();
        assert_eq!((value("admin"), value("hold")), (json!(true), json!(false)));
        assert_eq!(value("max-rows"), json!(10_000));
    }
}
