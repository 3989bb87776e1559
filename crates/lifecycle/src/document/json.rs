//! JSON documents, by `serde_json`, with the three numbers that JSON lacks.
//!
//! XGBoost before version 3 writes `NaN` (the threshold of a categorical node), and may write
//! `Infinity`. In lists they are read as numbers; as `null` and as a number that is infinite in f32
//! they get past the parser.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::{self, Write};

use modelwright_core::{Error, Result};
use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

use super::{Value, Width};

/// Reads a document.
///
/// # Errors
/// Input error with line and column of what is not JSON.
pub(crate) fn read(bytes: &[u8]) -> Result<Value> {
    serde_json::from_slice(&in_strict_json(bytes)).map_err(|e| {
        let cut = e.is_eof();
        Error::input(if cut { "the JSON document was cut off" } else { "not a JSON document" })
            .line(e.line() as u64)
            .because(e)
            .hint("copy the file again, or save the model again")
    })
}

/// The document with words that JSON knows in place of `NaN` and `Infinity`.
fn in_strict_json(bytes: &[u8]) -> Cow<'_, [u8]> {
    let mut strict = Vec::new();
    let (mut copied, mut at, mut in_text) = (0, 0, false);
    while let Some(byte) = bytes.get(at) {
        let (word, instead): (&[u8], &[u8]) = match byte {
            b'\\' if in_text => {
                at += 2;
                continue;
            }
            b'"' => {
                in_text = !in_text;
                at += 1;
                continue;
            }
            b'N' if !in_text => (b"NaN", b"null"),
            b'I' if !in_text => (b"Infinity", b"9e307"),
            _ => {
                at += 1;
                continue;
            }
        };
        if !bytes[at..].starts_with(word) {
            at += 1;
            continue;
        }
        strict.extend_from_slice(&bytes[copied..at]);
        strict.extend_from_slice(instead);
        at += word.len();
        copied = at;
    }
    if copied == 0 {
        return Cow::Borrowed(bytes);
    }
    strict.extend_from_slice(&bytes[copied..]);
    Cow::Owned(strict)
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        deserializer.deserialize_any(AnyValue)
    }
}

struct AnyValue;

impl<'de> Visitor<'de> for AnyValue {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E>(self, value: bool) -> std::result::Result<Value, E> {
        Ok(Value::Flag(value))
    }

    fn visit_i64<E>(self, value: i64) -> std::result::Result<Value, E> {
        Ok(Value::Whole(value))
    }

    fn visit_u64<E>(self, value: u64) -> std::result::Result<Value, E> {
        Ok(i64::try_from(value).map_or(Value::Number(value as f64), Value::Whole))
    }

    fn visit_f64<E>(self, value: f64) -> std::result::Result<Value, E> {
        Ok(Value::Number(value))
    }

    fn visit_str<E>(self, value: &str) -> std::result::Result<Value, E> {
        Ok(Value::Text(value.to_owned()))
    }

    fn visit_unit<E>(self) -> std::result::Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> std::result::Result<Value, A::Error> {
        let mut numbers = Vec::new();
        while let Some(item) = items.next_element()? {
            match item {
                Value::Whole(value) => numbers.push(value as f64),
                Value::Number(value) => numbers.push(value),
                Value::Null => numbers.push(f64::NAN),
                other => {
                    let mut list: Vec<Value> = numbers.into_iter().map(number_or_null).collect();
                    list.push(other);
                    while let Some(item) = items.next_element()? {
                        list.push(item);
                    }
                    return Ok(Value::List(list));
                }
            }
        }
        if !numbers.is_empty() && numbers.iter().all(|number| number.is_nan()) {
            return Ok(Value::List(vec![Value::Null; numbers.len()]));
        }
        Ok(Value::Numbers(Width::F64, numbers))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> std::result::Result<Value, A::Error> {
        let mut object = BTreeMap::new();
        while let Some((key, value)) = fields.next_entry::<String, Value>()? {
            if object.contains_key(&key) {
                return Err(de::Error::custom(format!("the field `{key}` occurs twice")));
            }
            object.insert(key, value);
        }
        Ok(Value::Object(object))
    }
}

fn number_or_null(number: f64) -> Value {
    if number.is_nan() { Value::Null } else { Value::Number(number) }
}

/// Writes a document, without blanks; floating point numbers always have an exponent, so that
/// they are told from whole ones. Fails for no value: what JSON lacks (NaN) is written as XGBoost
/// writes and reads it.
pub(crate) fn write(value: &Value) -> String {
    let mut out = String::new();
    write_value(value, &mut out);
    out.push('\n');
    out
}

fn write_value(value: &Value, out: &mut String) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Flag(flag) => out.push_str(if *flag { "true" } else { "false" }),
        Value::Whole(number) => {
            let _ = write!(out, "{number}");
        }
        Value::Number(number) => write_number(*number, Width::F64, out),
        Value::Text(text) => out.push_str(&serde_json::Value::from(text.as_str()).to_string()),
        Value::Numbers(width, numbers) => {
            write_list(numbers, |number, out| write_number(*number, *width, out), out);
        }
        Value::List(list) => write_list(list, write_value, out),
        Value::Object(fields) => {
            out.push('{');
            for (i, (key, value)) in fields.iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                out.push_str(&serde_json::Value::from(key.as_str()).to_string());
                out.push(':');
                write_value(value, out);
            }
            out.push('}');
        }
    }
}

fn write_list<T>(items: &[T], mut write: impl FnMut(&T, &mut String), out: &mut String) {
    out.push('[');
    for (i, item) in items.iter().enumerate() {
        if i > 0 {
            out.push(',');
        }
        write(item, out);
    }
    out.push(']');
}

fn write_number(number: f64, width: Width, out: &mut String) {
    let _ = match (width, number) {
        (_, x) if x.is_nan() => write!(out, "NaN"),
        (_, x) if x.is_infinite() => write!(out, "{}Infinity", if x < 0.0 { "-" } else { "" }),
        // The shortest text that reads back as the same number of that width.
        (Width::F32, x) => write!(out, "{:E}", x as f32),
        (Width::F64, x) => write!(out, "{x:E}"),
        (_, x) => write!(out, "{}", x as i64),
    };
}
