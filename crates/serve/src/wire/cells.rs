//! Lists of JSON values of any nesting, flattened: the data of tensors and of columns.

use std::borrow::Cow;
use std::fmt;

use modelwright_io::Cell;
use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

/// A value that a list holds.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Owned<'a> {
    Missing,
    Boolean(bool),
    Integer(i128),
    Number(f64),
    Text(Cow<'a, str>),
}

impl Owned<'_> {
    /// The value as a column takes it.
    pub(crate) fn cell(&self) -> Cell<'_> {
        match self {
            Self::Missing => Cell::Missing,
            Self::Boolean(value) => Cell::Boolean(*value),
            Self::Integer(value) => Cell::Integer(*value),
            Self::Number(value) => Cell::Number(*value),
            Self::Text(text) => Cell::Text(text),
        }
    }
}

/// A list of values, flattened in reading order.
#[derive(Debug, Default)]
pub(crate) struct FlatData<'a>(pub(crate) Vec<Owned<'a>>);

impl<'de: 'a, 'a> Deserialize<'de> for FlatData<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut values = Vec::new();
        deserializer.deserialize_seq(ListSeed(&mut values))?;
        Ok(Self(values))
    }
}

struct ListSeed<'v, 'a>(&'v mut Vec<Owned<'a>>);

impl<'de: 'a, 'a> Visitor<'de> for ListSeed<'_, 'a> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of values, flat or nested")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        while items.next_element_seed(ValueSeed(self.0))?.is_some() {}
        Ok(())
    }
}

struct ValueSeed<'v, 'a>(&'v mut Vec<Owned<'a>>);

impl<'de: 'a, 'a> DeserializeSeed<'de> for ValueSeed<'_, 'a> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de: 'a, 'a> Visitor<'de> for ValueSeed<'_, 'a> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number, a text, true, false, null, or a list of these")
    }

    fn visit_bool<E>(self, value: bool) -> Result<(), E> {
        self.0.push(Owned::Boolean(value));
        Ok(())
    }

    fn visit_i64<E>(self, value: i64) -> Result<(), E> {
        self.0.push(Owned::Integer(i128::from(value)));
        Ok(())
    }

    fn visit_u64<E>(self, value: u64) -> Result<(), E> {
        self.0.push(Owned::Integer(i128::from(value)));
        Ok(())
    }

    fn visit_f64<E>(self, value: f64) -> Result<(), E> {
        self.0.push(Owned::Number(value));
        Ok(())
    }

    fn visit_borrowed_str<E>(self, value: &'de str) -> Result<(), E> {
        self.0.push(Owned::Text(Cow::Borrowed(value)));
        Ok(())
    }

    fn visit_str<E>(self, value: &str) -> Result<(), E> {
        self.0.push(Owned::Text(Cow::Owned(value.to_owned())));
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        self.0.push(Owned::Missing);
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        while items.next_element_seed(ValueSeed(self.0))?.is_some() {}
        Ok(())
    }
}

/// Named columns: lists, or single values for one row.
#[derive(Debug)]
pub(crate) struct Pairs<'a>(pub(crate) Vec<(String, FlatData<'a>)>);

impl<'de: 'a, 'a> Deserialize<'de> for Pairs<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(PairsVisitor(std::marker::PhantomData))
    }
}

struct PairsVisitor<'a>(std::marker::PhantomData<&'a ()>);

impl<'de: 'a, 'a> Visitor<'de> for PairsVisitor<'a> {
    type Value = Pairs<'a>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of columns: {\"name\": [value, …], …}")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut pairs = Vec::new();
        while let Some(name) = map.next_key::<String>()? {
            if pairs.len() > 100_000 {
                return Err(A::Error::custom("too many columns"));
            }
            let mut values = Vec::new();
            map.next_value_seed(ValueSeed(&mut values))?;
            pairs.push((name, FlatData(values)));
        }
        Ok(Pairs(pairs))
    }
}
