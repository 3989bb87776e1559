//! A place in a document, for readers that say where something is not as it should be.

use modelwright_core::{Error, Result};

use super::Value;

/// A value and the way to it from the document's root.
#[derive(Debug, Clone)]
pub(crate) struct Node<'a> {
    pub(crate) value: &'a Value,
    /// What the document is, for errors, e.g. `the XGBoost model is broken`.
    what: &'static str,
    path: String,
}

impl<'a> Node<'a> {
    /// The root of a document.
    pub(crate) fn root(value: &'a Value, what: &'static str) -> Self {
        Self { value, what, path: String::new() }
    }

    /// A field, which must be there.
    pub(crate) fn field(&self, name: &str) -> Result<Self> {
        self.get(name)
            .ok_or_else(|| self.broken().expected(format!("a field `{name}`")).got("no such field"))
    }

    /// A field, if it is there.
    pub(crate) fn get(&self, name: &str) -> Option<Self> {
        let Value::Object(fields) = self.value else { return None };
        fields.get(name).map(|value| self.below(name, value))
    }

    /// The items of a list.
    pub(crate) fn items(&self) -> Result<Vec<Self>> {
        match self.value {
            Value::List(list) => Ok((list.iter().enumerate())
                .map(|(i, item)| self.below(&i.to_string(), item))
                .collect()),
            Value::Numbers(_, numbers) if numbers.is_empty() => Ok(Vec::new()),
            _ => Err(self.broken().expected("a list")),
        }
    }

    /// The texts of a list.
    pub(crate) fn texts(&self) -> Result<Vec<String>> {
        self.items()?.iter().map(|item| item.text().map(str::to_owned)).collect()
    }

    /// A text.
    pub(crate) fn text(&self) -> Result<&'a str> {
        match self.value {
            Value::Text(text) => Ok(text),
            _ => Err(self.broken().expected("a text")),
        }
    }

    /// The numbers of a list; flags count as 0 and 1 (old files write them so), null as NaN.
    pub(crate) fn numbers(&self) -> Result<Vec<f64>> {
        match self.value {
            Value::Numbers(_, numbers) => Ok(numbers.clone()),
            Value::List(list) => (list.iter())
                .map(|item| match item {
                    Value::Flag(flag) => Ok(f64::from(u8::from(*flag))),
                    Value::Whole(number) => Ok(*number as f64),
                    Value::Number(number) => Ok(*number),
                    Value::Null => Ok(f64::NAN),
                    _ => Err(self.broken().expected("a list of numbers")),
                })
                .collect(),
            _ => Err(self.broken().expected("a list of numbers")),
        }
    }

    /// As [`Self::numbers`], and there are `n` of them.
    pub(crate) fn n_numbers(&self, n: usize) -> Result<Vec<f64>> {
        let numbers = self.numbers()?;
        if numbers.len() == n {
            return Ok(numbers);
        }
        let got = format!("{} numbers", numbers.len());
        Err(self.broken().expected(format!("{n} numbers")).got(got))
    }

    /// As [`Self::n_numbers`], whole ones in the range of an i32.
    pub(crate) fn n_wholes(&self, n: usize) -> Result<Vec<i32>> {
        self.n_numbers(n)?.into_iter().map(|number| self.whole_of(number)).collect()
    }

    /// As [`Self::numbers`], whole ones in the range of an i32.
    pub(crate) fn wholes(&self) -> Result<Vec<i32>> {
        self.numbers()?.into_iter().map(|number| self.whole_of(number)).collect()
    }

    /// A whole number of at least 0; a text of one counts (XGBoost writes parameters as texts).
    pub(crate) fn count(&self) -> Result<usize> {
        let number = match self.value {
            Value::Whole(number) => usize::try_from(*number).ok(),
            Value::Text(text) => text.trim().parse().ok(),
            _ => None,
        };
        number.ok_or_else(|| self.broken().expected("a whole number of at least 0"))
    }

    fn whole_of(&self, number: f64) -> Result<i32> {
        if number == f64::from(number as i32) {
            return Ok(number as i32);
        }
        Err(self.broken().expected("whole numbers").got(number.to_string()))
    }

    fn below(&self, name: &str, value: &'a Value) -> Self {
        let path = match self.path.as_str() {
            "" => name.to_owned(),
            path => format!("{path}/{name}"),
        };
        Self { value, what: self.what, path }
    }

    /// The error of something that is not as it should be, for more to be added.
    pub(crate) fn broken(&self) -> Error {
        let error = Error::input(self.what).hint("save the model again, or copy the file again");
        if self.path.is_empty() { error } else { error.at(&self.path) }
    }
}
