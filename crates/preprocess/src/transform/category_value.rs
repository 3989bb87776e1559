//! The number that a category of whole numbers is written as, for trees.
//!
//! Whether codes (postal areas, years, ratings) have an order cannot be told from the values
//! alone; a tree that also sees the number itself loses nothing when they do. A value that is not
//! a number is missing.

use modelwright_core::data::{Column, Kind, RawValue};
use modelwright_core::params::Checked;
use modelwright_core::{Context, Result};
use serde::{Deserialize, Serialize};

use super::transformer::{
    Encoded, Fitted, NoParams, TransformInput, Transformer, TransformerSpec, saturate, strings,
};

/// See the module's text.
#[derive(Debug)]
pub struct CategoryValue;

/// Nothing is learned.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FittedCategoryValue {}

impl Transformer for CategoryValue {
    const SPEC: &'static TransformerSpec = &TransformerSpec {
        name: "category_value",
        title: "Number of the category",
        text: "The whole number that names the category, as a number.",
        reference: "none",
        kinds: &[Kind::IntegerCategory],
        sees_target: false,
        fills_missing: false,
    };
    type Params = NoParams;
    type Fitted = FittedCategoryValue;

    fn fit(
        input: &TransformInput<'_>,
        _: &Checked<NoParams>,
        _: &Context,
    ) -> Result<FittedCategoryValue> {
        strings(input.column)?;
        Ok(FittedCategoryValue {})
    }
}

impl Fitted for FittedCategoryValue {
    fn features(&self, column: &str) -> Vec<String> {
        vec![column.to_owned()]
    }

    fn transform(&self, column: &Column, _: &Context) -> Result<Encoded> {
        let (codes, dictionary) = strings(column)?;
        let number = |text: &str| text.trim().parse().map_or(f32::NAN, saturate);
        let values = if dictionary.len() > codes.len() {
            let of = |code: &u32| match *code {
                modelwright_core::data::MISSING_CODE => f32::NAN,
                code => number(dictionary.get(code)),
            };
            codes.iter().map(of).collect()
        } else {
            let by_code: Vec<f32> = dictionary.iter().map(number).collect();
            codes.iter().map(|c| by_code.get(*c as usize).copied().unwrap_or(f32::NAN)).collect()
        };
        Ok(Encoded { columns: vec![values], sparse: None })
    }

    fn write_row(&self, value: RawValue<'_>, out: &mut [f32]) -> bool {
        out[0] = match value {
            RawValue::Text(text) => text.trim().parse().map_or(f32::NAN, saturate),
            RawValue::Missing => f32::NAN,
            _ => return false,
        };
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
    fn a_code_is_its_number_and_anything_else_is_missing() {
        let column = Column::strings("zip", [Some("1010"), Some("-3"), Some("A1"), None]);
        let ctx = Context::unlimited(0, 1);
        let values = FittedCategoryValue {}.transform(&column, &ctx).unwrap().columns.remove(0);
        assert_eq!(values[..2], [1010.0, -3.0]);
        assert!(values[2].is_nan() && values[3].is_nan());
    }
}
