//! Reading UBJSON: <https://ubjson.org>, draft 12.
//!
//! Numbers are big-endian. A list or object may announce its length (`#`) and, before that, the
//! type of all its items (`$`). Lengths are compared with the bytes that are left before memory is
//! taken; types without bytes (null, true, false, no-op) cannot be the type of all items, because
//! a length would then be a promise that costs its maker nothing.

use std::collections::BTreeMap;

use modelwright_core::{Error, Result};

use super::{DEPTH_MAX, Value, Width};

/// Reads a document that takes up all of `bytes`.
///
/// # Errors
/// Input error with the position of what is broken.
pub(crate) fn read(bytes: &[u8]) -> Result<Value> {
    let mut reader = Reader { bytes, at: 0 };
    let mark = reader.mark()?;
    let value = reader.value(mark, 0)?;
    if reader.at < bytes.len() {
        return Err(reader.broken("bytes after the end of the document"));
    }
    Ok(value)
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

/// How a list or object says where it ends.
enum Extent {
    /// At its closing mark.
    Open,
    /// After so many items.
    Counted(usize),
    /// After so many items of one type.
    Typed(u8, usize),
}

impl<'a> Reader<'a> {
    fn value(&mut self, mark: u8, depth: usize) -> Result<Value> {
        if depth > DEPTH_MAX {
            return Err(self.broken("lists and objects inside each other, too deep"));
        }
        Ok(match mark {
            b'Z' => Value::Null,
            b'T' => Value::Flag(true),
            b'F' => Value::Flag(false),
            b'S' | b'H' => Value::Text(self.text()?),
            b'C' => Value::Text(char::from(self.take(1)?[0]).to_string()),
            b'[' => self.list(depth)?,
            b'{' => self.object(depth)?,
            mark => match Width::of_mark(mark) {
                Some(width) => {
                    let number = number(width, self.take(width.size_bytes())?);
                    if width.is_float() {
                        Value::Number(number)
                    } else {
                        Value::Whole(number as i64)
                    }
                }
                None => return Err(self.broken("a type that UBJSON does not have")),
            },
        })
    }

    fn list(&mut self, depth: usize) -> Result<Value> {
        let mut items = Vec::new();
        match self.extent()? {
            Extent::Typed(mark, n) => match Width::of_mark(mark) {
                Some(width) => {
                    let size = n.checked_mul(width.size_bytes());
                    let size = size.ok_or_else(|| self.cut())?;
                    let cells = self.take(size)?.chunks_exact(width.size_bytes());
                    return Ok(Value::Numbers(width, cells.map(|c| number(width, c)).collect()));
                }
                None => {
                    for _ in 0..n {
                        items.push(self.value(mark, depth + 1)?);
                    }
                }
            },
            Extent::Counted(n) => {
                for _ in 0..n {
                    let mark = self.mark()?;
                    items.push(self.value(mark, depth + 1)?);
                }
            }
            Extent::Open => loop {
                match self.mark()? {
                    b']' => break,
                    mark => items.push(self.value(mark, depth + 1)?),
                }
            },
        }
        Ok(compact(items))
    }

    fn object(&mut self, depth: usize) -> Result<Value> {
        let mut fields = BTreeMap::new();
        let extent = self.extent()?;
        let n = match extent {
            Extent::Open => usize::MAX,
            Extent::Counted(n) | Extent::Typed(_, n) => n,
        };
        for _ in 0..n {
            if matches!(extent, Extent::Open) && self.peek()? == b'}' {
                self.at += 1;
                break;
            }
            let key = self.text()?;
            let mark = match extent {
                Extent::Typed(mark, _) => mark,
                _ => self.mark()?,
            };
            let value = self.value(mark, depth + 1)?;
            if fields.insert(key, value).is_some() {
                return Err(self.broken("a field that occurs twice"));
            }
        }
        Ok(Value::Object(fields))
    }

    fn extent(&mut self) -> Result<Extent> {
        let mut all = None;
        if self.peek()? == b'$' {
            self.at += 1;
            let mark = self.take(1)?[0];
            if matches!(mark, b'Z' | b'N' | b'T' | b'F') {
                return Err(self.broken("a list of a type without bytes"));
            }
            all = Some(mark);
        }
        if self.peek()? != b'#' {
            return match all {
                None => Ok(Extent::Open),
                Some(_) => Err(self.broken("a type of all items without their number")),
            };
        }
        self.at += 1;
        let n = self.length()?;
        // Every item has at least one byte.
        if n > self.bytes.len() - self.at {
            return Err(self.cut());
        }
        Ok(all.map_or(Extent::Counted(n), |mark| Extent::Typed(mark, n)))
    }

    /// A text without its mark: length and bytes.
    fn text(&mut self) -> Result<String> {
        let n = self.length()?;
        let bytes = self.take(n)?.to_vec();
        String::from_utf8(bytes).map_err(|_| self.broken("a text that is not UTF-8"))
    }

    fn length(&mut self) -> Result<usize> {
        let mark = self.take(1)?[0];
        match Width::of_mark(mark).filter(|width| !width.is_float()) {
            Some(width) => {
                let n = number(width, self.take(width.size_bytes())?);
                if n < 0.0 || n > self.bytes.len() as f64 {
                    Err(self.cut())
                } else {
                    Ok(n as usize)
                }
            }
            None => Err(self.broken("a length that is not a whole number")),
        }
    }

    /// The mark of the next value; no-ops are passed over.
    fn mark(&mut self) -> Result<u8> {
        loop {
            match self.take(1)?[0] {
                b'N' => {}
                mark => return Ok(mark),
            }
        }
    }

    fn peek(&self) -> Result<u8> {
        self.bytes.get(self.at).copied().ok_or_else(|| self.cut())
    }

    fn take(&mut self, n: usize) -> Result<&'a [u8]> {
        let end = self.at.checked_add(n).filter(|end| *end <= self.bytes.len());
        let taken = &self.bytes[self.at..end.ok_or_else(|| self.cut())?];
        self.at += n;
        Ok(taken)
    }

    fn cut(&self) -> Error {
        Error::input("the UBJSON document was cut off or changed")
            .at(format!("byte {}", self.at))
            .expected("more bytes")
            .got(format!("the end of the file after {} bytes", self.bytes.len()))
            .hint("copy the file again, or save the model again")
    }

    fn broken(&self, got: &str) -> Error {
        Error::input("not a UBJSON document").at(format!("byte {}", self.at)).got(got)
    }
}

/// A number of as many bytes as its width says.
fn number(width: Width, bytes: &[u8]) -> f64 {
    let bits = bytes.iter().fold(0_u64, |bits, byte| bits << 8 | u64::from(*byte));
    match width {
        Width::U8 => bits as f64,
        Width::I8 => f64::from((bits as u8).cast_signed()),
        Width::I16 => f64::from((bits as u16).cast_signed()),
        Width::I32 => f64::from((bits as u32).cast_signed()),
        Width::I64 => bits.cast_signed() as f64,
        Width::F32 => f64::from(f32::from_bits(bits as u32)),
        Width::F64 => f64::from_bits(bits),
    }
}

/// Items that all are numbers in one block.
fn compact(items: Vec<Value>) -> Value {
    let number = |item: &Value| match item {
        Value::Whole(number) => Some(*number as f64),
        Value::Number(number) => Some(*number),
        _ => None,
    };
    match items.iter().map(number).collect() {
        Some(numbers) => Value::Numbers(Width::F64, numbers),
        None => Value::List(items),
    }
}
