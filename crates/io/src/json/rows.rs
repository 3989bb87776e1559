//! JSON objects as rows of growing columns.

use std::collections::HashMap;
use std::fmt;

use foldhash::fast::FixedState;
use modelwright_core::data::ColumnData;
use serde::Deserializer;
use serde::de::{DeserializeSeed, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::typed::Builder;

/// Columns that grow object by object.
#[derive(Default)]
pub(crate) struct Rows {
    names: Vec<String>,
    builders: Vec<Builder>,
    is_nested: Vec<bool>,
    places: HashMap<String, usize, FixedState>,
    /// Rows that are complete.
    n_done: usize,
}

impl Rows {
    pub(crate) fn n_rows(&self) -> usize {
        self.n_done
    }

    /// Bytes held in memory.
    pub(crate) fn size_bytes(&self) -> u64 {
        self.builders.iter().map(Builder::size_bytes).sum()
    }

    /// The names seen so far.
    pub(crate) fn names(&self) -> &[String] {
        &self.names
    }

    /// Adds one object.
    pub(crate) fn push_object(&mut self, json: &[u8]) -> serde_json::Result<()> {
        let mut deserializer = serde_json::Deserializer::from_slice(json);
        ObjectSeed(self).deserialize(&mut deserializer)?;
        deserializer.end()
    }

    /// Adds the rows of the next part of the file.
    pub(crate) fn append(&mut self, part: Self) {
        for ((name, builder), nested) in
            part.names.into_iter().zip(part.builders).zip(part.is_nested)
        {
            let place = self.place(&name, self.n_done);
            self.builders[place].append(builder.into_data());
            self.is_nested[place] |= nested;
        }
        self.n_done += part.n_done;
        self.fill();
    }

    /// Names and columns; those with nested values are left out with a note.
    pub(crate) fn into_columns(self, notes: &mut Vec<String>) -> (Vec<String>, Vec<Builder>) {
        let (mut names, mut builders) = (Vec::new(), Vec::new());
        for ((name, builder), nested) in
            self.names.into_iter().zip(self.builders).zip(self.is_nested)
        {
            if nested {
                notes.push(format!("column `{name}` holds nested values and is left out"));
            } else {
                names.push(name);
                builders.push(builder);
            }
        }
        (names, builders)
    }

    /// The column of a name; a new one has `n_missing` missing values.
    fn place(&mut self, name: &str, n_missing: usize) -> usize {
        if let Some(place) = self.places.get(name) {
            return *place;
        }
        let place = self.names.len();
        self.places.insert(name.to_owned(), place);
        self.names.push(name.to_owned());
        self.builders.push(Builder::new(n_missing));
        self.is_nested.push(false);
        place
    }

    /// Missing values where the last rows lacked a key.
    fn fill(&mut self) {
        for builder in &mut self.builders {
            match self.n_done - builder.n_rows() {
                0 => {}
                1 => builder.push_missing(),
                n => builder.append(ColumnData::Number(vec![f64::NAN; n])),
            }
        }
    }
}

/// Reads `[{…}, …]`.
pub(crate) struct ArraySeed<'a>(pub &'a mut Rows);

impl<'de> DeserializeSeed<'de> for ArraySeed<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for ArraySeed<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of objects")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        while items.next_element_seed(ObjectSeed(self.0))?.is_some() {}
        Ok(())
    }
}

struct ObjectSeed<'a>(&'a mut Rows);

impl<'de> DeserializeSeed<'de> for ObjectSeed<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for ObjectSeed<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let rows = self.0;
        // Objects nearly always have their keys in the same order.
        let mut guess = 0;
        while let Some(place) = map.next_key_seed(KeySeed { rows, guess })? {
            guess = place + 1;
            if rows.builders[place].n_rows() > rows.n_done {
                return Err(A::Error::custom(format!("key `{}` twice", rows.names[place])));
            }
            let is_nested = map.next_value_seed(CellSeed(&mut rows.builders[place]))?;
            rows.is_nested[place] |= is_nested;
        }
        rows.n_done += 1;
        rows.fill();
        Ok(())
    }
}

struct KeySeed<'a> {
    rows: &'a mut Rows,
    guess: usize,
}

impl<'de> DeserializeSeed<'de> for KeySeed<'_> {
    type Value = usize;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<usize, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for KeySeed<'_> {
    type Value = usize;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E>(self, key: &str) -> Result<usize, E> {
        if self.rows.names.get(self.guess).is_some_and(|name| name == key) {
            return Ok(self.guess);
        }
        let n_missing = self.rows.n_done;
        Ok(self.rows.place(key, n_missing))
    }
}

/// One value into its column; true when it was nested (and taken as missing).
struct CellSeed<'a>(&'a mut Builder);

impl<'de> DeserializeSeed<'de> for CellSeed<'_> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for CellSeed<'_> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<bool, E> {
        self.0.push_text(if value { "true" } else { "false" });
        Ok(false)
    }

    fn visit_i64<E>(self, value: i64) -> Result<bool, E> {
        self.0.push_integer(i128::from(value));
        Ok(false)
    }

    fn visit_u64<E>(self, value: u64) -> Result<bool, E> {
        self.0.push_integer(i128::from(value));
        Ok(false)
    }

    fn visit_f64<E>(self, value: f64) -> Result<bool, E> {
        self.0.push_number(value);
        Ok(false)
    }

    fn visit_str<E>(self, value: &str) -> Result<bool, E> {
        self.0.push_text(value);
        Ok(false)
    }

    fn visit_unit<E>(self) -> Result<bool, E> {
        self.0.push_missing();
        Ok(false)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<bool, A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        self.0.push_missing();
        Ok(true)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<bool, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        self.0.push_missing();
        Ok(true)
    }
}
