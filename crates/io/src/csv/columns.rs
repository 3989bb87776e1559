//! The columns of the whole file, grown chunk by chunk in file order.

use modelwright_core::data::{ColumnData, MISSING_CODE, Strings};

use super::chunk::Part;
use crate::cell::decide::{Decided, Reading};
use crate::cell::number::Seen;
use crate::interner::Interner;

/// A column that is still growing.
pub(crate) enum Growing {
    Number {
        values: Vec<f64>,
        seen: Seen,
    },
    Instant {
        values: Vec<i64>,
        day_first_fits: bool,
    },
    Text {
        codes: Vec<u32>,
        interner: Interner,
    },
    /// Some value did not fit: to be read again as strings.
    Failed,
}

impl Growing {
    /// An empty column of a reading.
    pub(crate) fn new(reading: Reading) -> Self {
        match reading {
            Reading::Number(_) => Self::Number { values: Vec::new(), seen: Seen::default() },
            Reading::Instant(order) => {
                Self::Instant { values: Vec::new(), day_first_fits: order == Some(false) }
            }
            Reading::Text => Self::Text { codes: Vec::new(), interner: Interner::default() },
        }
    }

    /// Adds the rows of the next chunk.
    pub(crate) fn push(&mut self, part: Part) {
        match (&mut *self, part) {
            (Self::Number { values, seen }, Part::Number { values: new, seen: new_seen }) => {
                values.extend(new);
                if !seen.merge(&new_seen) {
                    *self = Self::Failed;
                }
            }
            (
                Self::Instant { values, day_first_fits },
                Part::Instant { values: new, day_first_fits: fits },
            ) => {
                values.extend(new);
                *day_first_fits &= fits;
            }
            (Self::Text { codes, interner }, Part::Text { codes: new, strings }) => {
                push_codes(codes, interner, &new, &strings);
            }
            _ => *self = Self::Failed,
        }
    }

    /// Bytes held in memory.
    pub(crate) fn size_bytes(&self) -> u64 {
        let n = match self {
            Self::Number { values, .. } => values.len() * 8,
            Self::Instant { values, .. } => values.len() * 8,
            Self::Text { codes, interner } => codes.len() * 4 + interner.size_bytes(),
            Self::Failed => 0,
        };
        n as u64
    }

    /// Whether it must be read again.
    pub(crate) fn has_failed(&self) -> bool {
        matches!(self, Self::Failed)
    }

    /// The finished column of the reading by which it grew.
    pub(crate) fn finish(self, reading: Reading) -> Decided {
        match (self, reading) {
            (Self::Number { mut values, seen }, Reading::Number(style)) => {
                values.shrink_to_fit();
                Decided::numbers(values, style, &seen)
            }
            (Self::Instant { mut values, day_first_fits }, Reading::Instant(order)) => {
                values.shrink_to_fit();
                let plain = Decided::plain(ColumnData::Instant(values));
                Decided { day_first: order, order_is_open: day_first_fits, ..plain }
            }
            (Self::Text { mut codes, interner }, _) => {
                codes.shrink_to_fit();
                Decided::plain(ColumnData::String { codes, dictionary: interner.into_strings() })
            }
            _ => unreachable!("a column grows by its own reading, and failed ones are read again"),
        }
    }
}

/// Adds codes of a local dictionary to a column with a common one.
pub(crate) fn push_codes(
    codes: &mut Vec<u32>,
    interner: &mut Interner,
    new: &[u32],
    strings: &Strings,
) {
    let map: Vec<u32> = strings.iter().map(|text| interner.intern(text)).collect();
    let code = |c: &u32| if *c == MISSING_CODE { MISSING_CODE } else { map[*c as usize] };
    codes.extend(new.iter().map(code));
}
