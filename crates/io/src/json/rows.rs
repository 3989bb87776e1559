//! JSON objects as rows of growing columns.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::Arc;

use foldhash::fast::FixedState;
use modelwright_core::data::{ColumnData, Numbers};
use serde::Deserializer;
use serde::de::{DeserializeSeed, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::typed::Builder;

/// With more keys than this, objects that have hardly any of them are refused: keys are then
/// values, and every one of them would take room in every row.
const N_KEYS_MAX: usize = 2048;
/// Objects must have one of so many keys at least.
const N_KEYS_PER_VALUE: usize = 200;

/// Names of columns that were not asked for, to show them where none was found.
const N_STRANGERS: usize = 16;

/// Columns that grow object by object.
#[derive(Default)]
pub(crate) struct Rows {
    /// The only keys that become columns; `None` takes all.
    wanted: Option<Arc<HashSet<String>>>,
    /// Some of the keys that are not wanted.
    strangers: Vec<String>,
    /// Values that objects had.
    n_values: usize,
    names: Vec<String>,
    builders: Vec<Builder>,
    is_nested: Vec<bool>,
    places: HashMap<String, usize, FixedState>,
    /// Rows that are complete.
    n_done: usize,
}

impl Rows {
    /// No rows yet, of these columns only.
    pub(crate) fn of(wanted: Option<Arc<HashSet<String>>>) -> Self {
        Self { wanted, ..Self::default() }
    }

    /// Whether there are very many keys and hardly any object has one of them.
    pub(crate) fn is_too_sparse(&self) -> bool {
        self.names.len() > N_KEYS_MAX
            && self.n_values / (self.names.len() / N_KEYS_PER_VALUE) < self.n_done
    }

    /// The names seen so far, also of columns that are not wanted (some of them).
    pub(crate) fn all_names(&self) -> Vec<String> {
        self.names.iter().chain(&self.strangers).cloned().collect()
    }

    pub(crate) fn n_rows(&self) -> usize {
        self.n_done
    }

    /// Bytes held in memory.
    pub(crate) fn size_bytes(&self) -> u64 {
        self.builders.iter().map(Builder::size_bytes).sum()
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
        self.n_values += part.n_values;
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
                n => builder.append(ColumnData::Number(Numbers::missing(n))),
            }
        }
    }
}

/// What is wrong with objects of very many keys.
pub(crate) const TOO_SPARSE: &str = "the objects have too many different keys";

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
            let Some(place) = place else {
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            guess = place + 1;
            rows.n_values += 1;
            if rows.builders[place].n_rows() > rows.n_done {
                return Err(A::Error::custom(format!("key `{}` twice", rows.names[place])));
            }
            let is_nested = map.next_value_seed(CellSeed(&mut rows.builders[place]))?;
            rows.is_nested[place] |= is_nested;
        }
        rows.n_done += 1;
        rows.fill();
        if rows.is_too_sparse() {
            return Err(A::Error::custom(TOO_SPARSE));
        }
        Ok(())
    }
}

struct KeySeed<'a> {
    rows: &'a mut Rows,
    guess: usize,
}

impl<'de> DeserializeSeed<'de> for KeySeed<'_> {
    type Value = Option<usize>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for KeySeed<'_> {
    /// The place of the key's column; `None` when it is not wanted.
    type Value = Option<usize>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E>(self, key: &str) -> Result<Self::Value, E> {
        let rows = self.rows;
        if rows.names.get(self.guess).is_some_and(|name| name == key) {
            return Ok(Some(self.guess));
        }
        if rows.wanted.as_ref().is_some_and(|wanted| !wanted.contains(key)) {
            if rows.strangers.len() < N_STRANGERS && !rows.strangers.iter().any(|s| s == key) {
                rows.strangers.push(key.to_owned());
            }
            return Ok(None);
        }
        let n_missing = rows.n_done;
        Ok(Some(rows.place(key, n_missing)))
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
