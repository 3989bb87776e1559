//! Settings that people write: a file in TOML as a value, or an error that says where it is wrong.

use std::path::Path;

use modelwright_core::{Error, Result};
use serde::de::DeserializeOwned;

/// What a file is called in errors, and what should be in it.
#[derive(Debug, Clone, Copy)]
pub struct About {
    /// Its name with an article, e.g. `the alert rules`.
    pub name: &'static str,
    /// What should be in it, e.g. `tables [[rule]] and [[sink]]`.
    pub holds: &'static str,
}

/// The text of a file.
///
/// # Errors
/// Input error when it cannot be read.
pub fn read_text(path: &Path, about: About) -> Result<String> {
    std::fs::read_to_string(path).map_err(|e| {
        Error::input(format!("cannot read {}", about.name))
            .at(path.display().to_string())
            .expected(format!("a TOML file with {}", about.holds))
            .because(e)
    })
}

/// The value that a text says.
///
/// # Errors
/// Input error with the line (from 1) when it is no TOML, a name is unknown, or a value is of the
/// wrong kind.
pub fn parse<T: DeserializeOwned>(text: &str, about: About) -> Result<T> {
    toml::from_str(text).map_err(|e| {
        let error = Error::input(format!("{} cannot be understood", about.name))
            .got(e.message())
            .expected(format!("TOML with {}", about.holds));
        // What a value in the middle of a character would be, no parser says.
        match e.span().and_then(|span| text.get(..span.start)) {
            Some(before) => error.line(1 + before.matches('\n').count() as u64),
            None => error,
        }
    })
}

/// The error of a file's contents with the file's name before the setting that it names.
pub fn in_file(error: Error, path: &Path) -> Error {
    let shown = path.display().to_string();
    match error.place().source.clone() {
        Some(setting) => error.at(format!("{shown}, `{setting}`")),
        None => error.at(shown),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ABOUT: About = About { name: "the settings", holds: "a number `port`" };

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Settings {
        port: u16,
    }

    #[test]
    fn what_is_wrong_is_named_with_its_line() {
        assert_eq!(parse::<Settings>("port = 9", ABOUT).unwrap().port, 9);
        for (text, line, got) in [
            ("port = 9\n\nprot = 1\n", 3, "prot"),
            ("# ü\nport = [", 2, "array"),
            ("port = \"x\"", 1, "string"),
        ] {
            let error = parse::<Settings>(text, ABOUT).unwrap_err();
            assert_eq!(error.place().line, Some(line), "{error}");
            assert!(error.got_text().unwrap().contains(got), "{error}");
        }
        assert!(parse::<Settings>("", ABOUT).unwrap_err().to_string().contains("port"));
    }

    #[test]
    fn a_file_that_cannot_be_read_is_named() {
        let error = read_text(Path::new("nothere.toml"), ABOUT).unwrap_err().to_string();
        assert!(error.contains("nothere.toml") && error.contains("`port`"), "{error}");
    }

    #[test]
    fn a_setting_keeps_its_name_beside_that_of_the_file() {
        let error = |error: Error| in_file(error, Path::new("w.toml")).place().source.clone();
        let setting = Error::input("wrong").at("window.judge");
        assert_eq!(error(setting).as_deref(), Some("w.toml, `window.judge`"));
        assert_eq!(error(Error::input("wrong")).as_deref(), Some("w.toml"));
    }
}
