//! `FILE name=value …` on the command line.

use std::collections::BTreeMap;

use modelwright_core::params::ParamMap;
use modelwright_core::{Error, Result};
use modelwright_learners::Entry;

/// The file and the options of an example.
pub(crate) struct Arguments {
    /// The first word that is not `name=value`.
    pub(crate) file: String,
    options: BTreeMap<String, String>,
}

impl Arguments {
    /// Reads the command line.
    pub(crate) fn read() -> Result<Self> {
        let mut file = None;
        let mut options = BTreeMap::new();
        for word in std::env::args().skip(1) {
            match word.split_once('=') {
                Some((name, value)) => drop(options.insert(name.to_owned(), value.to_owned())),
                None => file = Some(word),
            }
        }
        let file = file.ok_or_else(|| Error::input("name a data file"))?;
        Ok(Self { file, options })
    }

    /// Takes an option of the example's own: a number, or `default`.
    pub(crate) fn number(&mut self, name: &str, default: f64) -> Result<f64> {
        let Some(text) = self.options.remove(name) else { return Ok(default) };
        text.parse().map_err(|_| {
            Error::input(format!("`{name}` cannot be read")).expected("a number").got(text)
        })
    }

    /// Takes an option of the example's own, as it was typed.
    pub(crate) fn text(&mut self, name: &str) -> Option<String> {
        self.options.remove(name)
    }

    /// Takes the rest as parameters of a learner.
    pub(crate) fn params(self, entry: &Entry) -> Result<ParamMap> {
        let mut params = ParamMap::new();
        for (name, text) in self.options {
            let Some(spec) = entry.params.iter().find(|s| s.name == name) else {
                return Err(Error::input(format!("the learner has no parameter `{name}`")));
            };
            let value = spec.domain.parse(&text).ok_or_else(|| {
                Error::input(format!("`{name}` cannot be read")).got(text.clone())
            })?;
            params.insert(name, value);
        }
        Ok(params)
    }
}
