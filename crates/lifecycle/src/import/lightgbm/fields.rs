//! Lines of `key=value`, with the place of each for error messages.

use std::collections::BTreeMap;
use std::str::FromStr;

use modelwright_core::{Error, Result};

/// A line without its end, and its number from 1.
#[derive(Debug, Clone, Copy)]
pub(super) struct Line<'a> {
    pub(super) text: &'a str,
    pub(super) number: u64,
}

/// The lines of a text, one after the other.
#[derive(Debug, Clone)]
pub(super) struct Lines<'a> {
    rest: std::str::Lines<'a>,
    n_read: u64,
}

impl<'a> Lines<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { rest: text.lines(), n_read: 0 }
    }

    /// The next line that is not empty.
    pub(super) fn next_filled(&mut self) -> Option<Line<'a>> {
        self.find(|line| !line.text.is_empty())
    }

    /// The same without moving on.
    pub(super) fn peek_filled(&self) -> Option<Line<'a>> {
        self.clone().next_filled()
    }
}

impl<'a> Iterator for Lines<'a> {
    type Item = Line<'a>;

    fn next(&mut self) -> Option<Line<'a>> {
        let text = self.rest.next()?;
        self.n_read += 1;
        // `lines` takes one carriage return away; a file that was converted twice has more.
        Some(Line { text: text.trim_end_matches('\r'), number: self.n_read })
    }
}

/// The fields of a block of lines.
#[derive(Debug, Default)]
pub(super) struct Fields<'a> {
    block: String,
    by_key: BTreeMap<&'a str, (u64, &'a str)>,
}

impl<'a> Fields<'a> {
    /// No fields yet, of a block that errors name.
    pub(super) fn at(block: String) -> Self {
        Self { block, by_key: BTreeMap::new() }
    }

    /// Adds a line; one without `=` is a key with nothing to say.
    pub(super) fn add(&mut self, line: Line<'a>) -> Result<()> {
        let (key, value) = line.text.split_once('=').unwrap_or((line.text, ""));
        if self.by_key.insert(key, (line.number, value)).is_some() {
            return Err(self.broken(key).got("the field twice"));
        }
        Ok(())
    }

    /// The value of a field.
    pub(super) fn text(&self, key: &str) -> Option<&'a str> {
        self.by_key.get(key).map(|(_, value)| *value)
    }

    /// A field that is one whole number.
    pub(super) fn whole(&self, key: &str) -> Result<usize> {
        let text = self.text(key).ok_or_else(|| self.absent(key))?;
        text.trim().parse().map_err(|_| self.broken(key).expected("a whole number").got(text))
    }

    /// A field that is a list of `n` values, which may be absent when `n` is 0.
    pub(super) fn list<T: FromStr>(&self, key: &str, n: usize) -> Result<Vec<T>> {
        match self.text(key) {
            None if n == 0 => Ok(Vec::new()),
            None => Err(self.absent(key)),
            Some(text) => self.parse(key, text, n),
        }
    }

    /// The same, or `n` times `default` when the field is absent (files of old versions).
    pub(super) fn list_or<T: FromStr + Clone>(
        &self,
        key: &str,
        n: usize,
        default: T,
    ) -> Result<Vec<T>> {
        match self.text(key) {
            None => Ok(vec![default; n]),
            Some(text) => self.parse(key, text, n),
        }
    }

    fn parse<T: FromStr>(&self, key: &str, text: &str, n: usize) -> Result<Vec<T>> {
        let values: Vec<T> = text
            .split_ascii_whitespace()
            .map(|word| word.parse().map_err(|_| self.broken(key).expected("numbers").got(word)))
            .collect::<Result<_>>()?;
        if values.len() == n {
            return Ok(values);
        }
        let got = format!("{} values", values.len());
        Err(self.broken(key).expected(format!("{n} values")).got(got))
    }

    /// The error of a field that is not there.
    fn absent(&self, key: &str) -> Error {
        self.broken(key).expected(format!("a line `{key}=…`")).got("no such line")
    }

    /// The error of a field that is there, for more to be added.
    pub(super) fn broken(&self, key: &str) -> Error {
        let place =
            if self.block.is_empty() { key.to_owned() } else { format!("{}, {key}", self.block) };
        let error = Error::input("the LightGBM model is broken").at(place);
        match self.by_key.get(key) {
            Some((line, _)) => error.line(*line),
            None => error,
        }
    }
}
