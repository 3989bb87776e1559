//! JSON documents, by `serde_json`.

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
    serde_json::from_slice(bytes).map_err(|e| {
        let cut = e.is_eof();
        Error::input(if cut { "the JSON document was cut off" } else { "not a JSON document" })
            .line(e.line() as u64)
            .because(e)
            .hint("copy the file again, or save the model again")
    })
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
                other => {
                    let mut list: Vec<Value> = numbers.into_iter().map(Value::Number).collect();
                    list.push(other);
                    while let Some(item) = items.next_element()? {
                        list.push(item);
                    }
                    return Ok(Value::List(list));
                }
            }
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
