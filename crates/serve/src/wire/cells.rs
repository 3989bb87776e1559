//! Lists of JSON values of any nesting, flattened: the data of tensors and of columns.
//!
//! A value takes 16 bytes whatever it is, and texts lie one behind the other: a body of millions
//! of short numbers must not become many times as large here.

use std::fmt;

use modelwright_io::Cell;
use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

/// A value of a list; a text is a place in [`FlatData`]'s.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Packed {
    Missing,
    Boolean(bool),
    Signed(i64),
    Unsigned(u64),
    Number(f64),
    Text { start: u32, n_bytes: u32 },
}

/// A list of values, flattened in reading order.
#[derive(Debug, Default)]
pub(crate) struct FlatData {
    values: Vec<Packed>,
    texts: String,
}

impl FlatData {
    /// How many values there are.
    pub(crate) fn len(&self) -> usize {
        self.values.len()
    }

    /// The values as columns take them.
    pub(crate) fn cells(&self) -> impl Iterator<Item = Cell<'_>> {
        self.values.iter().map(|value| match *value {
            Packed::Missing => Cell::Missing,
            Packed::Boolean(value) => Cell::Boolean(value),
            Packed::Signed(value) => Cell::Integer(i128::from(value)),
            Packed::Unsigned(value) => Cell::Integer(i128::from(value)),
            Packed::Number(value) => Cell::Number(value),
            Packed::Text { start, n_bytes } => {
                Cell::Text(&self.texts[start as usize..][..n_bytes as usize])
            }
        })
    }

    /// Adds a value.
    ///
    /// # Errors
    /// When there is too much text.
    pub(crate) fn push(&mut self, cell: Cell<'_>) -> Result<(), serde_json::Error> {
        let packed = match cell {
            Cell::Missing => Packed::Missing,
            Cell::Boolean(value) => Packed::Boolean(value),
            Cell::Integer(value) => match (i64::try_from(value), u64::try_from(value)) {
                (Ok(value), _) => Packed::Signed(value),
                (_, Ok(value)) => Packed::Unsigned(value),
                _ => Packed::Number(value as f64),
            },
            Cell::Number(value) => Packed::Number(value),
            Cell::Text(text) => return self.push_text(text),
        };
        self.values.push(packed);
        Ok(())
    }

    /// Adds the value that a text of JSON is.
    ///
    /// # Errors
    /// When it is none, or a list.
    pub(crate) fn push_json(&mut self, text: &str) -> Result<(), serde_json::Error> {
        if text.trim_start().starts_with('[') {
            return Err(Error::custom("a list, not one value"));
        }
        let mut deserializer = serde_json::Deserializer::from_str(text);
        ValueSeed(self).deserialize(&mut deserializer)?;
        deserializer.end()
    }

    fn push_text<E: Error>(&mut self, text: &str) -> Result<(), E> {
        let place = u32::try_from(self.texts.len()).ok().zip(u32::try_from(text.len()).ok());
        let (start, n_bytes) = place.ok_or_else(|| E::custom("more than 4 GiB of text"))?;
        self.texts.push_str(text);
        self.values.push(Packed::Text { start, n_bytes });
        Ok(())
    }
}

impl<'de> Deserialize<'de> for FlatData {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut data = Self::default();
        deserializer.deserialize_seq(ListSeed(&mut data))?;
        Ok(data)
    }
}

struct ListSeed<'v>(&'v mut FlatData);

impl<'de> Visitor<'de> for ListSeed<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of values, flat or nested")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        while items.next_element_seed(ValueSeed(self.0))?.is_some() {}
        Ok(())
    }
}

struct ValueSeed<'v>(&'v mut FlatData);

impl<'de> DeserializeSeed<'de> for ValueSeed<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for ValueSeed<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number, a text, true, false, null, or a list of these")
    }

    fn visit_bool<E>(self, value: bool) -> Result<(), E> {
        self.0.values.push(Packed::Boolean(value));
        Ok(())
    }

    fn visit_i64<E>(self, value: i64) -> Result<(), E> {
        self.0.values.push(Packed::Signed(value));
        Ok(())
    }

    fn visit_u64<E>(self, value: u64) -> Result<(), E> {
        self.0.values.push(Packed::Unsigned(value));
        Ok(())
    }

    fn visit_f64<E>(self, value: f64) -> Result<(), E> {
        self.0.values.push(Packed::Number(value));
        Ok(())
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<(), E> {
        self.0.push_text(value)
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        self.0.values.push(Packed::Missing);
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        while items.next_element_seed(ValueSeed(self.0))?.is_some() {}
        Ok(())
    }
}

/// Named columns: lists, or single values for one row.
#[derive(Debug)]
pub(crate) struct Pairs(pub(crate) Vec<(String, FlatData)>);

impl<'de> Deserialize<'de> for Pairs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(PairsVisitor)
    }
}

struct PairsVisitor;

impl<'de> Visitor<'de> for PairsVisitor {
    type Value = Pairs;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of columns: {\"name\": [value, …], …}")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut pairs = Vec::new();
        while let Some(name) = map.next_key::<String>()? {
            if pairs.len() > 100_000 {
                return Err(A::Error::custom("too many columns"));
            }
            let mut values = FlatData::default();
            map.next_value_seed(ValueSeed(&mut values))?;
            pairs.push((name, values));
        }
        Ok(Pairs(pairs))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_takes_16_bytes_and_comes_back_as_it_was() {
        assert_eq!(size_of::<Packed>(), 16);
        let text = r#"[1, -2, [18446744073709551615, 0.5, null], true, "a", "", "é\n", "a"]"#;
        let data: FlatData = serde_json::from_str(text).unwrap();
        let cells: Vec<Cell<'_>> = data.cells().collect();
        let text = Cell::Text;
        assert_eq!(cells[..3], [1, -2, i128::from(u64::MAX)].map(Cell::Integer));
        assert_eq!(cells[3..6], [Cell::Number(0.5), Cell::Missing, Cell::Boolean(true)]);
        assert_eq!(cells[6..], [text("a"), text(""), text("é\n"), text("a")]);
        assert_eq!(data.len(), 10);
        assert!(serde_json::from_str::<FlatData>("[{}]").is_err());
    }
}
