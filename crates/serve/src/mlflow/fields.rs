//! The fields of a request: a JSON document, or what stands behind the `?` of a URL.
//!
//! Clients write protocol buffers as JSON: whole numbers may come as numbers or as digits, numbers
//! that JSON cannot hold as `"NaN"` and `"Infinity"`.

use serde_json::{Map, Value};

use super::fault::Fault;
use crate::ask::decoded;

/// See the module's text.
#[derive(Debug, Default)]
pub(super) struct Fields(Map<String, Value>);

impl Fields {
    /// Of a body; an empty one has none.
    pub(super) fn of_body(body: &[u8]) -> Result<Self, Fault> {
        if body.trim_ascii().is_empty() {
            return Ok(Self::default());
        }
        match serde_json::from_slice(body) {
            Ok(Value::Object(fields)) => Ok(Self(fields)),
            Ok(_) => Err(Fault::invalid("The request's body must be an object of JSON.")),
            Err(cause) => Err(Fault::invalid(format!("The request's body is no JSON: {cause}."))),
        }
    }

    /// Of a query; a name that comes several times is a list.
    pub(super) fn of_query(query: Option<&str>) -> Self {
        let mut fields: Map<String, Value> = Map::new();
        for pair in query.unwrap_or_default().split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let value = Value::String(decoded(value).into_owned());
            match fields.get_mut(&decoded(name).into_owned()) {
                None => {
                    fields.insert(decoded(name).into_owned(), value);
                }
                Some(Value::Array(list)) => list.push(value),
                Some(first) => *first = Value::Array(vec![first.take(), value]),
            }
        }
        Self(fields)
    }

    /// Of one item of a list.
    pub(super) fn of_item(item: &Value) -> Result<Self, Fault> {
        match item {
            Value::Object(fields) => Ok(Self(fields.clone())),
            other => Err(Fault::invalid(format!("An object was expected in place of {other}."))),
        }
    }

    /// A text that may be absent.
    pub(super) fn text(&self, name: &str) -> Result<Option<&str>, Fault> {
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(other) => Err(wrong(name, other, "a text")),
        }
    }

    /// A text that must be there and not be empty.
    pub(super) fn needed(&self, name: &str) -> Result<&str, Fault> {
        self.text(name)?.filter(|text| !text.is_empty()).ok_or_else(|| missing(name))
    }

    /// A text that must be there.
    pub(super) fn present(&self, name: &str) -> Result<&str, Fault> {
        self.text(name)?.ok_or_else(|| missing(name))
    }

    /// A whole number.
    pub(super) fn whole(&self, name: &str) -> Result<Option<i64>, Fault> {
        let Some(value) = self.0.get(name) else { return Ok(None) };
        let found = match value {
            Value::Null => return Ok(None),
            Value::String(text) => text.trim().parse().ok(),
            Value::Number(number) => number.as_i64().or_else(|| {
                let number = number.as_f64()?;
                (number.fract() == 0.0 && number.abs() < 9e18).then_some(number as i64)
            }),
            _ => None,
        };
        found.map(Some).ok_or_else(|| wrong(name, value, "a whole number"))
    }

    /// A number; infinite ones become the largest that are finite, as in MLflow's own server.
    pub(super) fn number(&self, name: &str) -> Result<f64, Fault> {
        let value = self.0.get(name).filter(|value| !value.is_null());
        let value = value.ok_or_else(|| missing(name))?;
        let found = match value {
            Value::Number(number) => number.as_f64(),
            Value::String(text) => match text.as_str() {
                "NaN" => Some(f64::NAN),
                "Infinity" => Some(f64::MAX),
                "-Infinity" => Some(f64::MIN),
                digits => digits.parse().ok(),
            },
            _ => None,
        };
        let found = found.ok_or_else(|| wrong(name, value, "a number"))?;
        Ok(if found.is_nan() { found } else { found.clamp(f64::MIN, f64::MAX) })
    }

    /// Yes or no; no where nothing is said.
    pub(super) fn flag(&self, name: &str) -> Result<Option<bool>, Fault> {
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(*flag)),
            Some(Value::String(text)) if text.eq_ignore_ascii_case("true") => Ok(Some(true)),
            Some(Value::String(text)) if text.eq_ignore_ascii_case("false") => Ok(Some(false)),
            Some(other) => Err(wrong(name, other, "true or false")),
        }
    }

    /// A list; one value is a list of one.
    pub(super) fn list(&self, name: &str) -> &[Value] {
        match self.0.get(name) {
            None | Some(Value::Null) => &[],
            Some(Value::Array(list)) => list,
            Some(one) => std::slice::from_ref(one),
        }
    }

    /// A list of texts.
    pub(super) fn texts(&self, name: &str) -> Result<Vec<&str>, Fault> {
        let text = |value: &'_ Value| match value {
            Value::String(_) => Ok(()),
            other => Err(wrong(name, other, "a list of texts")),
        };
        self.list(name).iter().try_for_each(text)?;
        Ok(self.list(name).iter().filter_map(Value::as_str).collect())
    }

    /// A list of objects.
    pub(super) fn items(&self, name: &str) -> Result<Vec<Self>, Fault> {
        self.list(name).iter().map(Self::of_item).collect()
    }
}

/// What is said when a field is not there.
pub(super) fn missing(name: &str) -> Fault {
    Fault::invalid(format!("Missing value for required parameter '{name}'."))
}

fn wrong(name: &str, got: &Value, expected: &str) -> Fault {
    let mut got = got.to_string();
    if got.len() > 80 {
        let end = (0..=80).rev().find(|i| got.is_char_boundary(*i)).unwrap_or(0);
        got.truncate(end);
        got.push('…');
    }
    Fault::invalid(format!(
        "Invalid value {got} for parameter '{name}' supplied: expected {expected}."
    ))
}
