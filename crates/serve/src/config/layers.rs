//! The layers, one over the other.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use modelwright_core::{Error, Result};
use modelwright_lifecycle::toml_file::{self, About};
use toml::Value;

use super::keys::{self, KEYS, Key, KeyKind, PREFIX};

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A flag, or an argument.
    Flag,
    /// An environment variable.
    Environment,
    /// A file.
    File(PathBuf),
    /// Nobody said one.
    Default,
}

/// A value and its source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Told {
    /// One text, or those of a list.
    pub(super) texts: Vec<String>,
    pub(super) source: Source,
}

/// What a server was told, by name.
#[derive(Debug, Clone, Default)]
pub struct Config {
    pub(super) told: BTreeMap<&'static str, Told>,
}

impl Source {
    /// The place of a key's value as a person would look for it.
    pub(super) fn place(&self, key: &Key) -> String {
        match self {
            Self::Flag if key.name == "models" => "MODEL".to_owned(),
            Self::Flag => format!("--{}", key.name),
            Self::Environment => key.variable(),
            Self::File(path) => format!("{}, {}", path.display(), key.name),
            Self::Default => format!("default of {}", key.name),
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag => f.write_str("flag"),
            Self::Environment => f.write_str("environment"),
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Default => f.write_str("default"),
        }
    }
}

impl Config {
    /// Puts the layers together: `flags` by their names, all variables of the environment (those
    /// of others are left alone), and a file, named by `file` or by `MODELWRIGHT_SERVE_CONFIG`.
    ///
    /// # Errors
    /// Input error for a file that cannot be read, a name that is not known, or a value that does
    /// not look like that of its key.
    pub fn of(
        flags: impl IntoIterator<Item = (&'static str, Vec<String>)>,
        variables: impl IntoIterator<Item = (String, String)>,
        file: Option<&Path>,
    ) -> Result<Self> {
        let mut config = Self::default();
        for key in &KEYS {
            if let Some(default) = key.default {
                config.put(key, vec![default.to_owned()], Source::Default);
            }
        }
        let known: Vec<(String, String)> =
            variables.into_iter().filter(|(n, v)| n.starts_with(PREFIX) && !v.is_empty()).collect();
        let of_variable = known.iter().find(|(name, _)| name == FILE_VARIABLE);
        let of_variable = of_variable.map(|(_, path)| PathBuf::from(path));
        if let Some(path) = file.map(Path::to_owned).or(of_variable) {
            config.add_file(&path)?;
        }
        for (name, value) in known.iter().filter(|(name, _)| name != FILE_VARIABLE) {
            config.add_variable(name, value)?;
        }
        for (name, texts) in flags {
            let key = keys::find(name).ok_or_else(|| unknown(name, "--"))?;
            config.put(key, texts, Source::Flag);
        }
        Ok(config)
    }

    fn put(&mut self, key: &'static Key, texts: Vec<String>, source: Source) {
        self.told.insert(key.name, Told { texts, source });
    }

    fn add_variable(&mut self, name: &str, value: &str) -> Result<()> {
        let key = KEYS.iter().find(|key| key.variable() == name).ok_or_else(|| {
            let known: Vec<String> = KEYS.iter().map(Key::variable).collect();
            Error::input("an environment variable that the server does not know")
                .at(name)
                .suggest(name, known.iter().map(String::as_str))
        })?;
        let texts = match key.kind {
            KeyKind::List => value.split(',').map(|text| text.trim().to_owned()).collect(),
            _ => vec![value.to_owned()],
        };
        self.put(key, texts, Source::Environment);
        Ok(())
    }

    fn add_file(&mut self, path: &Path) -> Result<()> {
        const ABOUT: About = About { name: "the configuration", holds: "keys such as port = 9000" };
        let shown = path.display().to_string();
        let text = toml_file::read_text(path, ABOUT)?;
        let table: toml::Table = toml_file::parse(&text, ABOUT).map_err(|e| e.at(&shown))?;
        for (name, value) in table {
            let key = keys::find(&name).ok_or_else(|| unknown(&name, "").at(&shown))?;
            let source = Source::File(path.to_owned());
            let texts = texts_of(key, &value).ok_or_else(|| {
                Error::input("a value of the configuration is not of the right kind")
                    .at(source.place(key))
                    .expected(match key.kind {
                        KeyKind::Text => "a text or a number",
                        KeyKind::Number => "a number",
                        KeyKind::Switch => "true or false",
                        KeyKind::List => "a list of texts",
                    })
                    .got(value.type_str())
            })?;
            self.put(key, texts, source);
        }
        Ok(())
    }
}

/// The variable that names the file.
const FILE_VARIABLE: &str = "MODELWRIGHT_SERVE_CONFIG";

fn unknown(name: &str, before: &str) -> Error {
    Error::input("the server cannot be told this")
        .got(format!("{before}{name}"))
        .suggest(name, KEYS.iter().map(|key| key.name))
}

/// A value of a file as texts; `None` where it is not of the key's kind.
fn texts_of(key: &Key, value: &Value) -> Option<Vec<String>> {
    let text = |value: &Value| match value {
        Value::String(text) => Some(text.clone()),
        _ => None,
    };
    Some(match (key.kind, value) {
        (KeyKind::Text, Value::String(text)) => vec![text.clone()],
        (KeyKind::Text | KeyKind::Number, Value::Integer(number)) => vec![number.to_string()],
        (KeyKind::Text | KeyKind::Number, Value::Float(number)) => vec![number.to_string()],
        (KeyKind::Switch, Value::Boolean(value)) => vec![value.to_string()],
        (KeyKind::List, Value::Array(values)) => {
            values.iter().map(text).collect::<Option<Vec<String>>>()?
        }
        // Of models also a table: their names, and where they are.
        (KeyKind::List, Value::Table(pairs)) if key.name == "models" => {
            let pair = |(name, path): (&String, &Value)| Some(format!("{name}={}", text(path)?));
            pairs.iter().map(pair).collect::<Option<Vec<String>>>()?
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &str) -> PathBuf {
        let name = format!("modelwright-config-{}-{}.toml", std::process::id(), text.len());
        let path = std::env::temp_dir().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    fn variables(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect()
    }

    fn texts<'a>(config: &'a Config, name: &str) -> (Vec<&'a str>, &'a Source) {
        let told = &config.told[name];
        (told.texts.iter().map(String::as_str).collect(), &told.source)
    }

    #[test]
    fn a_flag_goes_before_a_variable_before_a_file_before_the_default() {
        let path = file("port = 1\nhost = \"::1\"\nmax-rows = 5\nmodels = [\"a\", \"b=c\"]");
        let variables = variables(&[
            ("MODELWRIGHT_SERVE_PORT", "2"),
            ("MODELWRIGHT_SERVE_HOST", "::2"),
            ("MODELWRIGHT_SERVE_LOG", ""),
            ("PATH", "/bin"),
            ("MODELWRIGHT_SERVE_REQUEST_LOG_REDACT", "age, sex"),
        ]);
        let flags = [("port", vec!["3".to_owned()])];
        let config = Config::of(flags, variables, Some(&path)).unwrap();
        assert_eq!(texts(&config, "port"), (vec!["3"], &Source::Flag));
        assert_eq!(texts(&config, "host"), (vec!["::2"], &Source::Environment));
        assert_eq!(texts(&config, "max-rows"), (vec!["5"], &Source::File(path.clone())));
        assert_eq!(texts(&config, "models").0, ["a", "b=c"]);
        assert_eq!(texts(&config, "log"), (vec!["failed"], &Source::Default));
        assert_eq!(texts(&config, "request-log-redact").0, ["age", "sex"]);
        let named = self::variables(&[("MODELWRIGHT_SERVE_CONFIG", path.to_str().unwrap())]);
        let config = Config::of([], named, None).unwrap();
        assert_eq!(texts(&config, "max-rows").1, &Source::File(path.clone()));
        std::fs::remove_file(path).unwrap();
    }

    #[test]
    fn slips_are_refused_with_the_place_and_the_nearest_name() {
        let says = |path: Option<&Path>, pairs: &[(&str, &str)], words: &[&str]| {
            let error = Config::of([], variables(pairs), path).unwrap_err().to_string();
            for word in words {
                assert!(error.contains(word), "{error}: {word}");
            }
        };
        says(None, &[("MODELWRIGHT_SERVE_PROT", "1")], &["SERVE_PROT", "MODELWRIGHT_SERVE_PORT"]);
        for (text, words) in [
            ("max_body = \"1MiB\"", &["max_body", "did you mean `max-body`?"][..]),
            ("admin = \"yes\"", &["admin", "true or false"]),
            ("port = [1]", &["port", "a number", "array"]),
            ("models = [1]", &["models", "a list of texts"]),
            ("api-key = [\"geheim\"]", &["api-key", "array"]),
            ("port = ", &["TOML"]),
        ] {
            let path = file(text);
            says(Some(&path), &[], words);
            says(Some(&path), &[], &[path.to_str().unwrap()]);
            std::fs::remove_file(path).unwrap();
        }
        says(Some(Path::new("no such file")), &[], &["cannot read", "no such file"]);
    }
}
