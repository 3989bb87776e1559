//! Numbers as they are, for learners that only compare them (trees).
//!
//! f64 becomes f32: NaN stays missing, infinities and what f32 cannot hold become the largest
//! finite number of their sign. Numbers that differ only beyond the seventh digit (seconds since
//! 1970, Julian days, coordinates in centimetres) would be one and the same in f32; from them a
//! round number in their midst is subtracted in f64 first, and the feature's name says which.
//! O(rows).

use std::fmt;

use modelwright_core::data::{Column, Kind, RawValue, number_text};
use modelwright_core::params::Checked;
use modelwright_core::{Context, Result};
use serde::de::{SeqAccess, Visitor};
use serde::ser::SerializeTuple;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::transformer::{
    Encoded, Fitted, NoParams, TransformInput, Transformer, TransformerSpec, broken, numbers,
    saturate,
};

/// See the module's text.
#[derive(Debug)]
pub struct Number;

/// Values that are looked at to see whether f32 tells them apart.
const N_LOOKED_AT: usize = 4096;

/// Less than this share of distinct f64 that are distinct f32: resolution is lost.
const APART: f64 = 0.95;

/// What is subtracted. Stored as nothing at all where that is 0, as it ever was.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct FittedNumber {
    /// 0 unless f32 would not tell the values apart.
    center: f64,
}

impl FittedNumber {
    /// What is subtracted before a number becomes f32; nearly always 0.
    pub fn center(&self) -> f64 {
        self.center
    }

    fn of(&self, value: f64) -> f32 {
        saturate(value - self.center)
    }
}

impl Serialize for FittedNumber {
    fn serialize<S: Serializer>(&self, to: S) -> std::result::Result<S::Ok, S::Error> {
        let parts = usize::from(self.center != 0.0);
        let mut tuple = to.serialize_tuple(parts)?;
        if parts > 0 {
            tuple.serialize_element(&self.center)?;
        }
        tuple.end()
    }
}

impl<'de> Deserialize<'de> for FittedNumber {
    fn deserialize<D: Deserializer<'de>>(from: D) -> std::result::Result<Self, D::Error> {
        struct Center;
        impl<'de> Visitor<'de> for Center {
            type Value = f64;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("nothing, or a number to subtract")
            }

            fn visit_seq<A: SeqAccess<'de>>(
                self,
                mut parts: A,
            ) -> std::result::Result<f64, A::Error> {
                // Bytes that end here are those of no number; too few bytes are left over, and
                // refused by whoever reads what follows.
                Ok(parts.next_element().ok().flatten().unwrap_or(0.0))
            }
        }
        from.deserialize_tuple(1, Center).map(|center| Self { center })
    }
}

/// A number to subtract, or 0 where f32 tells the values (of rows learned from) apart.
fn center_of(mut values: Vec<f64>) -> f64 {
    let distinct = |values: &[f64], center: f64| {
        let images =
            values.windows(2).filter(|w| saturate(w[0] - center) != saturate(w[1] - center));
        images.count() + 1
    };
    values.retain(|v| v.is_finite());
    values.sort_unstable_by(f64::total_cmp);
    values.dedup();
    let wanted = APART * values.len() as f64;
    if values.len() < 2 || distinct(&values, 0.0) as f64 >= wanted {
        return 0.0;
    }
    // Round to what f32 lost there, so that the name is short and thresholds are readable.
    let median = values[values.len() / 2];
    let lost = (2.0_f64).powf(median.abs().log2().floor() - f64::from(f32::MANTISSA_DIGITS));
    let step = 10.0_f64.powf(lost.log10().ceil());
    let center = (median / step).round() * step;
    let gains = distinct(&values, center) > distinct(&values, 0.0);
    if gains && center.is_finite() { center } else { 0.0 }
}

impl Transformer for Number {
    const SPEC: &'static TransformerSpec = &TransformerSpec {
        name: "number",
        title: "Number",
        text: "The value itself; missing stays missing.",
        reference: "none",
        kinds: &[Kind::Number],
        sees_target: false,
        fills_missing: false,
    };
    type Params = NoParams;
    type Fitted = FittedNumber;

    fn fit(input: &TransformInput<'_>, _: &Checked<NoParams>, _: &Context) -> Result<FittedNumber> {
        let values = numbers(input.column)?;
        let every = input.rows.len().div_ceil(N_LOOKED_AT).max(1);
        let looked_at = input.rows.iter().step_by(every).map(|row| values.at(*row as usize));
        Ok(FittedNumber { center: center_of(looked_at.collect()) })
    }
}

impl Fitted for FittedNumber {
    fn features(&self, column: &str) -> Vec<String> {
        if self.center == 0.0 {
            return vec![column.to_owned()];
        }
        let sign = if self.center > 0.0 { '-' } else { '+' };
        vec![format!("{column} {sign} {}", number_text(self.center.abs()))]
    }

    fn transform(&self, column: &Column, _: &Context) -> Result<Encoded> {
        let values = numbers(column)?.map(|v| self.of(v));
        Ok(Encoded { columns: vec![values], sparse: None })
    }

    fn write_row(&self, value: RawValue<'_>, out: &mut [f32]) -> bool {
        let Some(number) = value.number() else { return false };
        out[0] = self.of(number);
        true
    }

    fn validate(&self) -> Result<()> {
        if self.center.is_finite() { Ok(()) } else { Err(broken("number", "an infinite centre")) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn infinities_are_clipped_and_missing_stays_missing() {
        let column = Column::numbers("x", vec![1.5, f64::NAN, f64::INFINITY, -1e300, -0.0]);
        let out = FittedNumber::default().transform(&column, &Context::unlimited(0, 1)).unwrap();
        let values = &out.columns[0];
        assert_eq!(values[0], 1.5);
        assert!(values[1].is_nan());
        assert_eq!(values[2..4], [f32::MAX, -f32::MAX]);
        assert_eq!(values[4].to_bits(), 0);
    }

    #[test]
    fn a_large_offset_is_taken_away_and_named_and_nothing_else_is() {
        let seconds: Vec<f64> = (0..300).map(|i| 1.7e9 + f64::from(i)).collect();
        let fitted = FittedNumber { center: center_of(seconds.clone()) };
        assert_eq!(fitted.center(), 1_700_000_200.0);
        assert_eq!(fitted.features("t"), ["t - 1700000200"]);
        let out = fitted.transform(&Column::numbers("t", seconds), &Context::unlimited(0, 1));
        let values = &out.unwrap().columns[0];
        assert!(values.windows(2).all(|w| w[1] - w[0] == 1.0), "{values:?}");
        let julian = (0..500).map(|i| 2_460_000.0 + f64::from(i) / 500.0).collect();
        assert_eq!(center_of(julian), 2_460_001.0);
        let tenths = (0..5000).map(|i| f64::from(i) / 10.0).collect();
        assert_eq!(center_of(tenths), 0.0);
        assert_eq!(center_of(vec![1e300, -1e300, f64::NAN, f64::INFINITY]), 0.0);
        assert_eq!(center_of(vec![5.0]), 0.0);
    }

    #[test]
    fn it_is_stored_as_nothing_where_nothing_is_subtracted() {
        let entry = crate::catalog::transformer("number").unwrap();
        for center in [0.0, 1.7e9] {
            let bytes = postcard::to_stdvec(&FittedNumber { center }).unwrap();
            assert_eq!(bytes.len(), if center == 0.0 { 0 } else { 8 });
            let read = entry.decode(&bytes).unwrap();
            let names = read.fitted.features("t");
            assert_eq!(names == ["t"], center == 0.0, "{names:?}");
        }
        assert!(entry.decode(&[1, 2, 3]).is_err(), "half a number");
        let infinite = postcard::to_stdvec(&f64::INFINITY).unwrap();
        assert!(entry.decode(&infinite).is_err());
    }
}
