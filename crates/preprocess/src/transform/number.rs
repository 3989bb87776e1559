//! Numbers as they are, for learners that only compare them (trees).
//!
//! f64 becomes f32: NaN stays missing, infinities and what f32 cannot hold become the largest
//! finite number of their sign. O(rows).

use modelwright_core::data::{Column, Kind, RawValue};
use modelwright_core::params::Checked;
use modelwright_core::{Context, Result};
use serde::{Deserialize, Serialize};

use super::transformer::{
    Encoded, Fitted, NoParams, TransformInput, Transformer, TransformerSpec, numbers, saturate,
};

/// See the module's text.
#[derive(Debug)]
pub struct Number;

/// Nothing is learned.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FittedNumber {}

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
        numbers(input.column)?;
        Ok(FittedNumber {})
    }
}

impl Fitted for FittedNumber {
    fn features(&self, column: &str) -> Vec<String> {
        vec![column.to_owned()]
    }

    fn transform(&self, column: &Column, _: &Context) -> Result<Encoded> {
        let values = numbers(column)?.iter().map(|v| saturate(*v)).collect();
        Ok(Encoded { columns: vec![values], sparse: None })
    }

    fn write_row(&self, value: RawValue<'_>, out: &mut [f32]) -> bool {
        let Some(number) = value.number() else { return false };
        out[0] = saturate(number);
        true
    }

    fn validate(&self) -> Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn infinities_are_clipped_and_missing_stays_missing() {
        let column = Column::numbers("x", vec![1.5, f64::NAN, f64::INFINITY, -1e300, -0.0]);
        let out = FittedNumber {}.transform(&column, &Context::unlimited(0, 1)).unwrap();
        let values = &out.columns[0];
        assert_eq!(values[0], 1.5);
        assert!(values[1].is_nan());
        assert_eq!(values[2..4], [f32::MAX, -f32::MAX]);
        assert_eq!(values[4].to_bits(), 0);
    }
}
