//! Tensors as raw bytes: little-endian, row-major; `BYTES` as length and bytes of each element.

use modelwright_io::Cell;

/// All datatypes of the protocol.
pub(super) const DATATYPES: [&str; 14] = [
    "BOOL", "UINT8", "UINT16", "UINT32", "UINT64", "INT8", "INT16", "INT32", "INT64", "FP16",
    "BF16", "FP32", "FP64", "BYTES",
];

/// Whether this is a datatype of the protocol.
pub(crate) fn is_datatype(name: &str) -> bool {
    DATATYPES.contains(&name)
}

/// A tensor's bytes, proved to be whole elements of its type.
pub(crate) enum Binary<'t> {
    Fixed { kind: Kind, bytes: &'t [u8] },
    Texts(Vec<&'t str>),
}

/// A type of elements of one size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Bool,
    Unsigned(usize),
    Signed(usize),
    Half,
    Brain,
    Single,
    Double,
}

impl Kind {
    fn of(datatype: &str) -> Option<Self> {
        Some(match datatype {
            "BOOL" => Self::Bool,
            "UINT8" => Self::Unsigned(1),
            "UINT16" => Self::Unsigned(2),
            "UINT32" => Self::Unsigned(4),
            "UINT64" => Self::Unsigned(8),
            "INT8" => Self::Signed(1),
            "INT16" => Self::Signed(2),
            "INT32" => Self::Signed(4),
            "INT64" => Self::Signed(8),
            "FP16" => Self::Half,
            "BF16" => Self::Brain,
            "FP32" => Self::Single,
            "FP64" => Self::Double,
            _ => return None,
        })
    }

    fn n_bytes(self) -> usize {
        match self {
            Self::Bool => 1,
            Self::Unsigned(n) | Self::Signed(n) => n,
            Self::Half | Self::Brain => 2,
            Self::Single => 4,
            Self::Double => 8,
        }
    }

    fn cell(self, bytes: &[u8]) -> Cell<'static> {
        let mut wide = [0; 8];
        wide[..bytes.len()].copy_from_slice(bytes);
        let bits = u64::from_le_bytes(wide);
        match self {
            Self::Bool => Cell::Boolean(bits != 0),
            Self::Unsigned(_) => Cell::Integer(i128::from(bits)),
            Self::Signed(n) => {
                let unused = 64 - 8 * n as u32;
                Cell::Integer(i128::from((bits << unused).cast_signed() >> unused))
            }
            Self::Half => Cell::Number(half(bits as u16)),
            Self::Brain => Cell::Number(f64::from(f32::from_bits((bits as u32) << 16))),
            Self::Single => Cell::Number(f64::from(f32::from_bits(bits as u32))),
            Self::Double => Cell::Number(f64::from_bits(bits)),
        }
    }
}

/// A number of IEEE 754 binary16.
fn half(bits: u16) -> f64 {
    let sign = if bits >> 15 == 1 { -1.0 } else { 1.0 };
    let (exponent, fraction) = (i32::from(bits >> 10 & 0x1f), f64::from(bits & 0x3ff));
    sign * match exponent {
        0 => fraction * 2.0_f64.powi(-24),
        31 if fraction == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        _ => (1.0 + fraction / 1024.0) * 2.0_f64.powi(exponent - 15),
    }
}

impl<'t> Binary<'t> {
    /// Proves that the bytes are whole elements.
    pub(crate) fn parse(datatype: &str, bytes: &'t [u8]) -> Result<Self, String> {
        if datatype == "BYTES" {
            return texts(bytes).map(Self::Texts);
        }
        let Some(kind) = Kind::of(datatype) else {
            return Err(format!("unknown datatype {datatype}"));
        };
        if bytes.len().is_multiple_of(kind.n_bytes()) {
            Ok(Self::Fixed { kind, bytes })
        } else {
            Err(format!("{} bytes are no whole number of {datatype}", bytes.len()))
        }
    }

    /// The element of a tensor that has but one.
    pub(crate) fn one(datatype: &str, bytes: &'t [u8]) -> Option<Cell<'t>> {
        if datatype == "BYTES" {
            let (length, text) = bytes.split_first_chunk::<4>()?;
            let is_whole = u32::from_le_bytes(*length) as usize == text.len();
            return std::str::from_utf8(text).ok().filter(|_| is_whole).map(Cell::Text);
        }
        let kind = Kind::of(datatype)?;
        (kind.n_bytes() == bytes.len()).then(|| kind.cell(bytes))
    }

    /// How many elements there are.
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Fixed { kind, bytes } => bytes.len() / kind.n_bytes(),
            Self::Texts(texts) => texts.len(),
        }
    }

    /// The elements.
    pub(crate) fn cells(&self) -> Box<dyn Iterator<Item = Cell<'t>> + '_> {
        match self {
            Self::Fixed { kind, bytes } => {
                Box::new(bytes.chunks_exact(kind.n_bytes()).map(|b| kind.cell(b)))
            }
            Self::Texts(texts) => Box::new(texts.iter().map(|text| Cell::Text(text))),
        }
    }
}

fn texts(mut bytes: &[u8]) -> Result<Vec<&str>, String> {
    let mut texts = Vec::new();
    while let Some((length, rest)) = bytes.split_first_chunk::<4>() {
        let length = u32::from_le_bytes(*length) as usize;
        let Some((own, rest)) = rest.split_at_checked(length) else {
            return Err("an element of BYTES is longer than its tensor".to_owned());
        };
        texts.push(std::str::from_utf8(own).map_err(|_| "an element of BYTES is no UTF-8")?);
        bytes = rest;
    }
    if bytes.is_empty() { Ok(texts) } else { Err("BYTES end within a length".to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cells<'t>(datatype: &str, bytes: &'t [u8]) -> Vec<Cell<'t>> {
        Binary::parse(datatype, bytes).unwrap().cells().collect()
    }

    #[test]
    fn elements_are_read_by_their_type() {
        assert_eq!(cells("INT8", &[0xff, 1]), [Cell::Integer(-1), Cell::Integer(1)]);
        assert_eq!(cells("UINT64", &[0xff; 8]), [Cell::Integer(i128::from(u64::MAX))]);
        assert_eq!(cells("INT64", &i64::MIN.to_le_bytes()), [Cell::Integer(i128::from(i64::MIN))]);
        assert_eq!(cells("FP32", &0.1_f32.to_le_bytes()), [Cell::Number(f64::from(0.1_f32))]);
        assert_eq!(cells("FP64", &0.1_f64.to_le_bytes()), [Cell::Number(0.1)]);
        assert_eq!(cells("BF16", &[0x80, 0x3f]), [Cell::Number(1.0)]);
        assert_eq!(cells("BOOL", &[0, 2]), [Cell::Boolean(false), Cell::Boolean(true)]);
        for (bits, value) in [(0x3c00, 1.0), (0xc000, -2.0), (1, 5.960_464_477_539_063e-8)] {
            assert_eq!(half(bits), value);
        }
        assert!(half(0x7c00) == f64::INFINITY && half(0x7e00).is_nan());
    }

    #[test]
    fn bytes_are_texts_behind_their_length() {
        assert_eq!(cells("BYTES", b"\x02\0\0\0ab\0\0\0\0"), [Cell::Text("ab"), Cell::Text("")]);
        for wrong in [&b"\x02\0\0\0a"[..], b"\x02\0\0", b"\xff\xff\xff\xffabc", b"\x01\0\0\0\xff"] {
            assert!(Binary::parse("BYTES", wrong).is_err(), "{wrong:?}");
        }
        assert!(Binary::parse("FP32", &[0; 5]).is_err());
        assert!(Binary::parse("FP128", &[0; 16]).is_err());
    }
}
