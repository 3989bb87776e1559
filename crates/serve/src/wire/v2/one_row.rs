//! A request to infer with one row of JSON, one input per column, read without a tree between.
//!
//! Only what such requests nearly always are is known here; anything else is left to the general
//! reader, which is asked again from the start.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::binary::DATATYPES;
use crate::wire::quick::QuickRow;
use crate::wire::rows_json::{CellSeed, Sink};

/// Reads a request, and its `id` if it has one; false where the general reader must be asked.
pub(super) fn read<'j>(json: &'j [u8], row: &mut QuickRow<'_>, id: &mut Option<&'j str>) -> bool {
    let mut deserializer = serde_json::Deserializer::from_slice(json);
    let Ok(found) = RequestSeed(row).deserialize(&mut deserializer) else { return false };
    *id = found;
    deserializer.end().is_ok()
}

/// What ends the reading; nobody sees it.
fn unknown<E: Error>() -> E {
    E::custom("not plain")
}

struct RequestSeed<'q, 'r>(&'q mut QuickRow<'r>);

impl<'de> DeserializeSeed<'de> for RequestSeed<'_, '_> {
    type Value = Option<&'de str>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for RequestSeed<'_, '_> {
    type Value = Option<&'de str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a request")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let (mut id, mut has_inputs) = (None, false);
        while let Some(key) = map.next_key::<&str>()? {
            match key {
                "inputs" if !has_inputs => {
                    has_inputs = true;
                    map.next_value_seed(InputsSeed(self.0))?;
                }
                "id" if id.is_none() => id = Some(map.next_value()?),
                "inputs" | "id" | "parameters" | "outputs" => return Err(unknown()),
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        if has_inputs { Ok(id) } else { Err(unknown()) }
    }
}

struct InputsSeed<'q, 'r>(&'q mut QuickRow<'r>);

impl<'de> DeserializeSeed<'de> for InputsSeed<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for InputsSeed<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("inputs")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let mut guess = 0;
        while let Some(place) = items.next_element_seed(InputSeed { row: self.0, guess })? {
            guess = place + 1;
        }
        if guess == 0 { Err(unknown()) } else { Ok(()) }
    }
}

/// Reads one input; gives its place.
struct InputSeed<'q, 'r> {
    row: &'q mut QuickRow<'r>,
    guess: usize,
}

impl<'de> DeserializeSeed<'de> for InputSeed<'_, '_> {
    type Value = usize;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<usize, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for InputSeed<'_, '_> {
    type Value = usize;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an input")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<usize, A::Error> {
        let (mut place, mut has_shape, mut has_type, mut has_data) = (None, false, false, false);
        while let Some(key) = map.next_key::<&str>()? {
            match (key, place) {
                ("name", None) => {
                    let name = map.next_value::<&str>()?;
                    place = Some(self.row.place(name, self.guess).ok_or_else(unknown)?);
                }
                ("datatype", _) if !has_type => {
                    has_type = DATATYPES.contains(&map.next_value::<&str>()?);
                }
                ("shape", _) if !has_shape => has_shape = map.next_value_seed(ShapeSeed)?,
                ("data", Some(place)) if !has_data => {
                    map.next_value_seed(DataSeed { row: self.row, place })?;
                    has_data = true;
                }
                ("name" | "datatype" | "shape" | "data" | "parameters", _) => {
                    return Err(unknown());
                }
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        place.filter(|_| has_shape && has_type && has_data).ok_or_else(unknown)
    }
}

/// Whether a shape is that of one value: `[1]` or `[1, 1]`.
struct ShapeSeed;

impl<'de> DeserializeSeed<'de> for ShapeSeed {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for ShapeSeed {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a shape")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<bool, A::Error> {
        let mut n = 0;
        while let Some(dimension) = items.next_element::<u64>()? {
            n += 1;
            if dimension != 1 || n > 2 {
                return Err(unknown());
            }
        }
        Ok(n > 0)
    }
}

/// Reads a list of one value.
struct DataSeed<'q, 'r> {
    row: &'q mut QuickRow<'r>,
    place: usize,
}

impl<'de> DeserializeSeed<'de> for DataSeed<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for DataSeed<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let Self { row, place } = self;
        let one = items.next_element_seed(CellSeed { intake: row, place })?;
        if one.is_none() || items.next_element::<IgnoredAny>()?.is_some() {
            return Err(unknown());
        }
        Ok(())
    }
}
