//! The numbers of one raw column: f64, or f32 where every value came as one.
//!
//! Every f32 is also an f64, so a reader sees f64 either way and gets the same answers to the last
//! bit; what came as f32 (NumPy's float32, Arrow's Float32, Parquet's FLOAT) takes half the memory.
//! The width is of the storage alone: nothing that is computed, written or shown may depend on it.
//!
//! * [`Numbers::iter`] goes over all values, [`Numbers::map`] makes a collection of them all,
//!   [`Numbers::at`] gives one, [`Numbers::of_rows`] some.
//! * [`Numbers::wide`] is for loops over slices. It is a copy where the column is narrow: hold it
//!   for one column at a time.
//! * [`Numbers::change`] and [`Numbers::into_wide`] are for values that are changed.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;
use std::{iter, slice};

/// The numbers of a column in the order of its rows; NaN is missing.
#[derive(Clone)]
pub struct Numbers(Width);

#[derive(Clone)]
enum Width {
    Wide(Vec<f64>),
    Narrow(Vec<f32>),
}

impl Numbers {
    /// So many missing values.
    pub fn missing(n_rows: usize) -> Self {
        Self(Width::Wide(vec![f64::NAN; n_rows]))
    }

    /// How many rows there are.
    #[inline]
    pub fn len(&self) -> usize {
        match &self.0 {
            Width::Wide(values) => values.len(),
            Width::Narrow(values) => values.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether they are held as f32.
    pub fn is_narrow(&self) -> bool {
        matches!(self.0, Width::Narrow(_))
    }

    /// The values as they are held, if that is as f32.
    pub fn narrow(&self) -> Option<&[f32]> {
        match &self.0 {
            Width::Wide(_) => None,
            Width::Narrow(values) => Some(values),
        }
    }

    /// The value of `row`.
    ///
    /// # Panics
    /// If there is no such row.
    #[inline]
    pub fn at(&self, row: usize) -> f64 {
        match &self.0 {
            Width::Wide(values) => values[row],
            Width::Narrow(values) => f64::from(values[row]),
        }
    }

    /// The values in the order of the rows.
    pub fn iter(&self) -> NumbersIter<'_> {
        NumbersIter(match &self.0 {
            Width::Wide(values) => Either::Wide(values.iter()),
            Width::Narrow(values) => Either::Narrow(values.iter()),
        })
    }

    /// What `of` makes of each value, collected in the order of the rows.
    pub fn map<T, C: FromIterator<T>>(&self, mut of: impl FnMut(f64) -> T) -> C {
        match &self.0 {
            Width::Wide(values) => values.iter().map(|v| of(*v)).collect(),
            Width::Narrow(values) => values.iter().map(|v| of(f64::from(*v))).collect(),
        }
    }

    /// The values of the given rows, in that order.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn of_rows(&self, rows: &[u32]) -> Vec<f64> {
        match &self.0 {
            Width::Wide(values) => rows.iter().map(|r| values[*r as usize]).collect(),
            Width::Narrow(values) => rows.iter().map(|r| f64::from(values[*r as usize])).collect(),
        }
    }

    /// All values as a slice of f64: as they are, or a copy where they are narrow.
    pub fn wide(&self) -> Cow<'_, [f64]> {
        self.wide_part(0..self.len())
    }

    /// The values of neighbouring rows as a slice of f64: as they are, or a copy where they are
    /// narrow.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn wide_part(&self, rows: Range<usize>) -> Cow<'_, [f64]> {
        match &self.0 {
            Width::Wide(values) => Cow::Borrowed(&values[rows]),
            Width::Narrow(values) => Cow::Owned(widened(&values[rows])),
        }
    }

    /// A copy of all values.
    pub fn to_vec(&self) -> Vec<f64> {
        self.wide().into_owned()
    }

    /// The values as f64, without a copy where they are held so.
    pub fn into_wide(self) -> Vec<f64> {
        match self.0 {
            Width::Wide(values) => values,
            Width::Narrow(values) => widened(&values),
        }
    }

    /// Changes the values: a column that was narrow is wide from now on, because a new value need
    /// not be an f32.
    pub fn change(&mut self, change: impl FnOnce(&mut Vec<f64>)) {
        let mut values = std::mem::take(self).into_wide();
        change(&mut values);
        self.0 = Width::Wide(values);
    }

    /// The given rows, in that order and of the same width.
    ///
    /// # Panics
    /// If there is no such row.
    #[must_use]
    pub fn select(&self, rows: &[u32]) -> Self {
        Self(match &self.0 {
            Width::Wide(values) => Width::Wide(rows.iter().map(|r| values[*r as usize]).collect()),
            Width::Narrow(values) => {
                Width::Narrow(rows.iter().map(|r| values[*r as usize]).collect())
            }
        })
    }

    /// As [`Self::select`], in the memory of the values themselves: of ascending rows, none twice.
    ///
    /// # Panics
    /// If there is no such row.
    #[must_use]
    pub(super) fn into_ascending(self, rows: &[u32]) -> Self {
        Self(match self.0 {
            Width::Wide(values) => Width::Wide(compacted(values, rows)),
            Width::Narrow(values) => Width::Narrow(compacted(values, rows)),
        })
    }

    /// For each place the value of a row, or a missing one; of the same width.
    ///
    /// # Panics
    /// If there is no such row.
    #[must_use]
    pub fn select_known(&self, rows: &[Option<usize>]) -> Self {
        Self(match &self.0 {
            Width::Wide(values) => {
                Width::Wide(rows.iter().map(|r| r.map_or(f64::NAN, |r| values[r])).collect())
            }
            Width::Narrow(values) => {
                Width::Narrow(rows.iter().map(|r| r.map_or(f32::NAN, |r| values[r])).collect())
            }
        })
    }

    /// Adds values at the end. Two widths together are wide.
    pub fn append(&mut self, more: &Self) {
        if let (Width::Narrow(own), Width::Narrow(more)) = (&mut self.0, &more.0) {
            own.reserve_exact(more.len());
            own.extend_from_slice(more);
            return;
        }
        self.change(|own| {
            own.reserve_exact(more.len());
            match &more.0 {
                Width::Wide(more) => own.extend_from_slice(more),
                Width::Narrow(more) => own.extend(more.iter().map(|v| f64::from(*v))),
            }
        });
    }

    /// Adds values that are given up at the end. Two widths together are wide.
    ///
    /// The room grows as that of a vector does: for values that come in many small parts.
    pub fn extend(&mut self, more: Self) {
        match (&mut self.0, more.0) {
            (Width::Narrow(own), Width::Narrow(more)) => own.extend(more),
            (_, Width::Wide(more)) => self.change(|own| own.extend(more)),
            (Width::Wide(own), Width::Narrow(more)) => {
                own.extend(more.into_iter().map(f64::from));
            }
        }
    }

    /// Makes the value of `row` a missing one; the width stays.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn set_missing(&mut self, row: usize) {
        match &mut self.0 {
            Width::Wide(values) => values[row] = f64::NAN,
            Width::Narrow(values) => values[row] = f32::NAN,
        }
    }

    /// Keeps the first rows.
    pub fn truncate(&mut self, n_rows: usize) {
        match &mut self.0 {
            Width::Wide(values) => values.truncate(n_rows),
            Width::Narrow(values) => values.truncate(n_rows),
        }
    }

    /// Bytes held in memory.
    pub fn size_bytes(&self) -> usize {
        match &self.0 {
            Width::Wide(values) => size_of_val(values.as_slice()),
            Width::Narrow(values) => size_of_val(values.as_slice()),
        }
    }
}

/// The values of ascending rows, none twice, moved to the front: none of them lies before its
/// place.
///
/// # Panics
/// If there is no such row.
pub(super) fn compacted<T: Copy>(mut values: Vec<T>, rows: &[u32]) -> Vec<T> {
    for (place, row) in rows.iter().enumerate() {
        values[place] = values[*row as usize];
    }
    values.truncate(rows.len());
    values.shrink_to_fit();
    values
}

fn widened(values: &[f32]) -> Vec<f64> {
    values.iter().map(|v| f64::from(*v)).collect()
}

/// No rows.
impl Default for Numbers {
    fn default() -> Self {
        Self::from(Vec::<f64>::new())
    }
}

impl From<Vec<f64>> for Numbers {
    fn from(values: Vec<f64>) -> Self {
        Self(Width::Wide(values))
    }
}

impl From<Vec<f32>> for Numbers {
    fn from(values: Vec<f32>) -> Self {
        Self(Width::Narrow(values))
    }
}

impl FromIterator<f64> for Numbers {
    fn from_iter<I: IntoIterator<Item = f64>>(values: I) -> Self {
        Self(Width::Wide(values.into_iter().collect()))
    }
}

impl FromIterator<f32> for Numbers {
    fn from_iter<I: IntoIterator<Item = f32>>(values: I) -> Self {
        Self(Width::Narrow(values.into_iter().collect()))
    }
}

/// By value, whatever the widths; a missing value equals nothing, as in a slice of f64.
impl PartialEq for Numbers {
    fn eq(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (Width::Wide(one), Width::Wide(two)) => one == two,
            (Width::Narrow(one), Width::Narrow(two)) => one == two,
            _ => self.iter().eq(other.iter()),
        }
    }
}

/// As a list of f64, whatever the width.
impl fmt::Debug for Numbers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl<'a> IntoIterator for &'a Numbers {
    type Item = f64;
    type IntoIter = NumbersIter<'a>;

    fn into_iter(self) -> NumbersIter<'a> {
        self.iter()
    }
}

/// The values of [`Numbers`] one after the other.
///
/// What goes over all values (`for_each`, `fold`, `sum`, also after `map`, `filter` or
/// `enumerate`) asks for the width once; a `for` loop asks at each value.
#[derive(Debug, Clone)]
pub struct NumbersIter<'a>(Either<'a>);

#[derive(Debug, Clone)]
enum Either<'a> {
    Wide(slice::Iter<'a, f64>),
    Narrow(slice::Iter<'a, f32>),
}

impl Iterator for NumbersIter<'_> {
    type Item = f64;

    #[inline]
    fn next(&mut self) -> Option<f64> {
        match &mut self.0 {
            Either::Wide(values) => values.next().copied(),
            Either::Narrow(values) => values.next().map(|v| f64::from(*v)),
        }
    }

    #[inline]
    fn nth(&mut self, n: usize) -> Option<f64> {
        match &mut self.0 {
            Either::Wide(values) => values.nth(n).copied(),
            Either::Narrow(values) => values.nth(n).map(|v| f64::from(*v)),
        }
    }

    #[inline]
    fn size_hint(&self) -> (usize, Option<usize>) {
        match &self.0 {
            Either::Wide(values) => values.size_hint(),
            Either::Narrow(values) => values.size_hint(),
        }
    }

    #[inline]
    fn fold<B, F: FnMut(B, f64) -> B>(self, start: B, mut add: F) -> B {
        match self.0 {
            Either::Wide(values) => values.fold(start, |so_far, v| add(so_far, *v)),
            Either::Narrow(values) => values.fold(start, |so_far, v| add(so_far, f64::from(*v))),
        }
    }
}

impl DoubleEndedIterator for NumbersIter<'_> {
    #[inline]
    fn next_back(&mut self) -> Option<f64> {
        match &mut self.0 {
            Either::Wide(values) => values.next_back().copied(),
            Either::Narrow(values) => values.next_back().map(|v| f64::from(*v)),
        }
    }
}

impl ExactSizeIterator for NumbersIter<'_> {}

impl iter::FusedIterator for NumbersIter<'_> {}

#[cfg(test)]
mod tests {
    use super::*;

    /// The same values in both widths: what f32 can hold, and all that is odd.
    fn both() -> [Numbers; 2] {
        let narrow = vec![0.1_f32, -0.0, f32::NAN, f32::INFINITY, f32::MIN_POSITIVE / 4.0, 3.0];
        let wide: Vec<f64> = narrow.iter().map(|v| f64::from(*v)).collect();
        [narrow.into(), wide.into()]
    }

    fn bits(values: impl IntoIterator<Item = f64>) -> Vec<u64> {
        values.into_iter().map(f64::to_bits).collect()
    }

    #[test]
    fn both_widths_read_alike_to_the_last_bit() {
        let [narrow, wide] = both();
        assert!(narrow.is_narrow() && !wide.is_narrow());
        assert_eq!((narrow.len(), narrow.is_empty()), (6, false));
        assert_eq!((narrow.size_bytes(), wide.size_bytes()), (24, 48));
        let expected = bits(wide.to_vec());
        assert_eq!(bits(narrow.iter()), expected);
        assert_eq!(bits((0..6).map(|row| narrow.at(row))), expected);
        assert_eq!(bits(narrow.wide().iter().copied()), expected);
        assert_eq!(bits(narrow.clone().into_wide()), expected);
        assert_eq!(bits(narrow.wide_part(2..5).iter().copied()), expected[2..5]);
        assert_eq!(narrow.map::<_, Vec<_>>(f64::to_bits), expected);
        assert_eq!(wide.map::<_, Vec<_>>(f64::to_bits), expected);
        assert_eq!(bits(narrow.of_rows(&[5, 0])), bits(wide.of_rows(&[5, 0])));
        assert_eq!(format!("{narrow:?}"), format!("{wide:?}"));
        assert_eq!(format!("{narrow:?}"), format!("{:?}", wide.to_vec()));
        assert!(matches!(wide.wide(), Cow::Borrowed(_)));
    }

    #[test]
    fn iterators_of_both_widths_agree_in_every_direction() {
        for values in both() {
            let all = bits(values.to_vec());
            let mut reversed = bits(values.iter().rev());
            reversed.reverse();
            assert_eq!(reversed, all);
            assert_eq!(values.iter().len(), 6);
            assert_eq!(values.iter().nth(5), Some(3.0));
            assert_eq!(bits(values.iter().skip(3).take(2)), all[3..5]);
            let mut folded = Vec::new();
            values.iter().for_each(|v| folded.push(v.to_bits()));
            assert_eq!(folded, all);
            let mut looped = Vec::new();
            for value in &values {
                looped.push(value.to_bits());
            }
            assert_eq!(looped, all);
        }
    }

    #[test]
    fn selections_keep_the_width_and_changes_do_not() {
        for (values, is_narrow) in both().into_iter().zip([true, false]) {
            let mut picked = values.select(&[5, 3, 5]);
            assert_eq!(picked, Numbers::from(vec![3.0, f64::INFINITY, 3.0]));
            assert_eq!(picked.is_narrow(), is_narrow);
            picked.truncate(1);
            assert_eq!((picked.len(), picked.is_narrow()), (1, is_narrow));
            let known = values.select_known(&[None, Some(5)]);
            assert_eq!(known.is_narrow(), is_narrow);
            assert_eq!(bits(&known), bits([f64::NAN, 3.0]));
            let mut struck = values.clone();
            struck.set_missing(5);
            assert_eq!(
                (struck.at(5).to_bits(), struck.is_narrow()),
                (f64::NAN.to_bits(), is_narrow)
            );
            picked.change(|values| values[0] = 0.1);
            assert_eq!((picked.at(0), picked.is_narrow()), (0.1, false));
        }
    }

    #[test]
    fn values_are_equal_by_value_and_missing_ones_never() {
        let [narrow, wide] = both();
        let rows = [0, 1, 3, 4, 5];
        assert_eq!(narrow.select(&rows), wide.select(&rows));
        assert_eq!(wide.select(&rows), narrow.select(&rows));
        assert_ne!(narrow, wide);
        assert_ne!(narrow, narrow.clone());
        assert_ne!(wide, wide.clone());
        assert_ne!(Numbers::from(vec![0.1_f32]), Numbers::from(vec![0.1_f64]));
        assert_ne!(Numbers::from(vec![1.0_f32]), Numbers::from(vec![1.0_f64, 2.0]));
        assert_eq!(Numbers::default(), Numbers::from(Vec::<f32>::new()));
    }

    #[test]
    fn two_widths_together_are_wide() {
        for (own, more) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
            let (own, more) = (both()[own].clone(), both()[more].clone());
            let expected = bits(own.iter().chain(more.iter()));
            let is_narrow = own.is_narrow() && more.is_narrow();
            let mut appended = own.clone();
            appended.append(&more);
            assert_eq!((bits(&appended), appended.is_narrow()), (expected.clone(), is_narrow));
            let mut extended = own;
            extended.extend(more);
            assert_eq!((bits(&extended), extended.is_narrow()), (expected, is_narrow));
        }
        let missing = Numbers::missing(2);
        assert!(missing.len() == 2 && missing.iter().all(f64::is_nan));
    }
}
