//! A request of one row with nothing unusual about it, read from the bytes of its message without
//! one in between.
//!
//! Only what such requests nearly always are is known here: names, and one value for each input,
//! in a list of its own or raw. Anything else (parameters, outputs that are asked for, several
//! values, fields that no one knows) is left to the general reader, which is asked from the start:
//! it alone knows what to complain about.
//!
//! Reference: the encoding of Protocol Buffers, `proto/inference.proto`.

use hyper::body::Bytes;
use modelwright_io::Cell;

use crate::wire::quick::QuickRow;
use crate::wire::rows_json::Sink;
use crate::wire::v2::{Binary, is_datatype};

/// See the module's text.
#[derive(Debug)]
pub(super) struct Plain {
    message: Bytes,
    pub(super) model_name: String,
    pub(super) model_version: String,
    pub(super) id: String,
    /// Whether values stand in `raw_input_contents`.
    pub(super) is_raw: bool,
}

impl Plain {
    /// Reads a message; `None` where it is not plain.
    pub(super) fn read(message: Bytes) -> Option<Self> {
        let (mut names, mut n_raw, mut n_listed) = ([None; 3], 0, 0);
        let mut n_inputs = 0;
        let mut fields = Fields(&message);
        while !fields.is_over() {
            match fields.next()? {
                (number @ 1..=3, Value::Bytes(text)) => {
                    let name = &mut names[usize::from(number) - 1];
                    if name.replace(std::str::from_utf8(text).ok()?).is_some() {
                        return None;
                    }
                }
                (5, Value::Bytes(input)) => {
                    let contents = Input::read(input)?.contents;
                    n_listed += usize::from(contents.is_some());
                    // Whether they are sound; what they say is read later.
                    contents.map_or(Some(Cell::Missing), cell)?;
                    n_inputs += 1;
                }
                (7, Value::Bytes(_)) => n_raw += 1,
                _ => return None,
            }
        }
        let is_raw = n_listed == 0;
        // Each input has a list, or each has its raw value.
        let is_whole = if is_raw { n_raw == n_inputs } else { n_listed == n_inputs && n_raw == 0 };
        if n_inputs == 0 || !is_whole {
            return None;
        }
        let [model_name, model_version, id] = names.map(|name| name.unwrap_or_default().to_owned());
        Some(Self { message, model_name, model_version, id, is_raw })
    }

    /// The message as it came.
    pub(super) fn message(&self) -> &Bytes {
        &self.message
    }

    /// Reads the row; false where the general reader must be asked.
    pub(super) fn fill(&self, row: &mut QuickRow<'_>) -> bool {
        let mut raw = fields_of(&self.message, 7);
        let mut guess = 0;
        for input in fields_of(&self.message, 5).filter_map(Input::read) {
            let cell = match (input.contents, raw.next()) {
                (Some(contents), _) => cell(contents).filter(|_| is_datatype(input.datatype)),
                (None, raw) => raw.and_then(|raw| Binary::one(input.datatype, raw)),
            };
            let (Some(place), Some(cell)) = (row.place(input.name, guess), cell) else {
                return false;
            };
            row.cell(place, cell);
            guess = place + 1;
        }
        true
    }
}

/// An input of one value.
struct Input<'m> {
    name: &'m str,
    datatype: &'m str,
    /// Its list; `None` where its value is raw.
    contents: Option<&'m [u8]>,
}

impl<'m> Input<'m> {
    fn read(message: &'m [u8]) -> Option<Self> {
        let (mut name, mut datatype, mut contents, mut n_dims) = (None, None, None, 0);
        let mut fields = Fields(message);
        while !fields.is_over() {
            match fields.next()? {
                (1, Value::Bytes(text)) if name.is_none() => name = Some(text),
                (2, Value::Bytes(text)) if datatype.is_none() => datatype = Some(text),
                (3, Value::Bytes(dims @ ([1] | [1, 1]))) if n_dims == 0 => n_dims = dims.len(),
                (3, Value::Number(1)) if n_dims < 2 => n_dims += 1,
                (5, Value::Bytes(list)) if contents.is_none() => contents = Some(list),
                _ => return None,
            }
        }
        let text = |bytes: Option<&'m [u8]>| std::str::from_utf8(bytes?).ok();
        let (name, datatype) = (text(name)?, text(datatype)?);
        (n_dims > 0).then_some(Self { name, datatype, contents })
    }
}

/// The only value of a list (`InferTensorContents`).
fn cell(contents: &[u8]) -> Option<Cell<'_>> {
    let mut fields = Fields(contents);
    let (number, value) = fields.next()?;
    if !fields.is_over() {
        return None;
    }
    let value = match (number, value) {
        (8, Value::Bytes(text)) => return std::str::from_utf8(text).ok().map(Cell::Text),
        // Numbers of a list stand in one field, one after the other.
        (1..=5, Value::Bytes(packed)) => {
            let mut packed = Fields(packed);
            let n = packed.varint()?;
            packed.is_over().then_some(Value::Number(n))?
        }
        (6, Value::Bytes(packed)) => Value::Four(packed.try_into().ok()?),
        (7, Value::Bytes(packed)) => Value::Eight(packed.try_into().ok()?),
        (_, value) => value,
    };
    Some(match (number, value) {
        (1, Value::Number(n)) => Cell::Boolean(n != 0),
        (2, Value::Number(n)) => Cell::Integer(i128::from((n as u32).cast_signed())),
        (3, Value::Number(n)) => Cell::Integer(i128::from(n.cast_signed())),
        (4, Value::Number(n)) => Cell::Integer(i128::from(n as u32)),
        (5, Value::Number(n)) => Cell::Integer(i128::from(n)),
        (6, Value::Four(bytes)) => Cell::Number(f64::from(f32::from_le_bytes(bytes))),
        (7, Value::Eight(bytes)) => Cell::Number(f64::from_le_bytes(bytes)),
        _ => return None,
    })
}

/// The value of a field.
#[derive(Debug, Clone, Copy)]
enum Value<'m> {
    Number(u64),
    Bytes(&'m [u8]),
    Four([u8; 4]),
    Eight([u8; 8]),
}

/// What is left of a message.
struct Fields<'m>(&'m [u8]);

impl<'m> Fields<'m> {
    fn is_over(&self) -> bool {
        self.0.is_empty()
    }

    /// The next field's number, which is small, and value.
    fn next(&mut self) -> Option<(u8, Value<'m>)> {
        let (key, rest) = self.0.split_first()?;
        self.0 = rest;
        let value = match key & 7 {
            0 => Value::Number(self.varint()?),
            1 => Value::Eight(self.fixed()?),
            2 => {
                let n = usize::try_from(self.varint()?).ok()?;
                let (own, rest) = self.0.split_at_checked(n)?;
                self.0 = rest;
                Value::Bytes(own)
            }
            5 => Value::Four(self.fixed()?),
            _ => return None,
        };
        (*key < 0x80).then_some((key >> 3, value))
    }

    fn fixed<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (own, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*own)
    }

    /// A number of seven bits a byte, the lowest first, up to ten bytes.
    fn varint(&mut self) -> Option<u64> {
        let mut n = 0;
        for (i, byte) in self.0.iter().enumerate().take(10) {
            n |= u64::from(byte & 0x7f).checked_shl(7 * i as u32)?;
            if *byte < 0x80 {
                self.0 = &self.0[i + 1..];
                return (i < 9 || *byte <= 1).then_some(n);
            }
        }
        None
    }
}

/// The values of a message's fields of a number.
fn fields_of(message: &[u8], wanted: u8) -> impl Iterator<Item = &[u8]> {
    let mut fields = Fields(message);
    std::iter::from_fn(move || {
        loop {
            match fields.next()? {
                (number, Value::Bytes(value)) if number == wanted => return Some(value),
                _ => {}
            }
        }
    })
}
