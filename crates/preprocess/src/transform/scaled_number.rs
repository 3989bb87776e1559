//! Numbers for learners that sum features: imputed, robustly scaled, heavy tails clipped smoothly.
//!
//! The clip bends what it does not cut: on a column without far values it would only make a
//! straight line crooked (measured on linear data: 4 to 28 % more error), so that it is for columns
//! with values beyond [`LIGHT_TAIL`]. Missing becomes the training median, and a second feature
//! `x:missing` says so when the rows learned from have missing values. See [`super::robust_scale`]
//! for the formula. O(rows log rows) to fit.

use modelwright_core::data::{Column, Kind, RawValue};
use modelwright_core::declare_params;
use modelwright_core::params::{Checked, Domain};
use modelwright_core::{Context, Result};
use serde::{Deserialize, Serialize};

use super::robust_scale::RobustScale;
use super::transformer::{
    Encoded, Fitted, TransformInput, Transformer, TransformerSpec, broken, numbers, saturate,
};

declare_params! {
    /// Parameters of [`ScaledNumber`].
    pub struct ScaledNumberParams {
        /// Whether values of columns with heavy tails are clipped smoothly to ±3.
        clip: bool = true, Domain::Flag;
        /// Whether a second feature says which values were missing.
        indicator: bool = true, Domain::Flag;
    }
}

/// Columns without scaled values beyond this have no tail to clip. Of a million normal values the
/// largest is 3.6 ranges of the quartiles away, of a thousand of Student's with three degrees of
/// freedom about 8.
const LIGHT_TAIL: f64 = 4.0;

/// See the module's text.
#[derive(Debug)]
pub struct ScaledNumber;

/// Median, scale, and whether missing values were seen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FittedScaledNumber {
    scale: RobustScale,
    clip: bool,
    indicator: bool,
}

impl Transformer for ScaledNumber {
    const SPEC: &'static TransformerSpec = &TransformerSpec {
        name: "scaled_number",
        title: "Scaled number",
        text: "Median for missing, indicator, robust scale, smooth clip of heavy tails to ±3.",
        reference: "Holzmüller et al., Better by Default, NeurIPS 2024",
        kinds: &[Kind::Number],
        sees_target: false,
        fills_missing: true,
    };
    type Params = ScaledNumberParams;
    type Fitted = FittedScaledNumber;

    fn fit(
        input: &TransformInput<'_>,
        params: &Checked<ScaledNumberParams>,
        _: &Context,
    ) -> Result<FittedScaledNumber> {
        let values = numbers(input.column)?;
        let value = |row: &u32| values.at(*row as usize);
        let scale = match input.weights {
            None => RobustScale::fit(input.rows.iter().map(value)),
            Some(weights) => {
                let weighed = |row: &u32| (value(row), weights[*row as usize]);
                RobustScale::fit_weighted(input.rows.iter().map(weighed))
            }
        };
        let is_far = |row: &u32| scale.scale(value(row)).abs() > LIGHT_TAIL;
        Ok(FittedScaledNumber {
            scale,
            clip: params.clip && input.rows.iter().any(is_far),
            indicator: params.indicator && input.rows.iter().any(|r| value(r).is_nan()),
        })
    }
}

impl FittedScaledNumber {
    /// Centre and scale.
    pub fn scale(&self) -> RobustScale {
        self.scale
    }

    /// Whether values are clipped smoothly.
    pub fn clips(&self) -> bool {
        self.clip
    }

    /// Whether a second feature says which values were missing.
    pub fn tells_missing(&self) -> bool {
        self.indicator
    }
}

impl Fitted for FittedScaledNumber {
    fn features(&self, column: &str) -> Vec<String> {
        let mut names = vec![column.to_owned()];
        if self.indicator {
            names.push(format!("{column}:missing"));
        }
        names
    }

    fn transform(&self, column: &Column, _: &Context) -> Result<Encoded> {
        let values = numbers(column)?;
        let scaled =
            |v| if self.clip { self.scale.apply(v) } else { saturate(self.scale.scale(v)) };
        let mut columns = vec![values.map(scaled)];
        if self.indicator {
            columns.push(values.map(|v| f32::from(u8::from(v.is_nan()))));
        }
        Ok(Encoded { columns, sparse: None })
    }

    fn write_row(&self, value: RawValue<'_>, out: &mut [f32]) -> bool {
        let Some(number) = value.number() else { return false };
        let scale = &self.scale;
        out[0] = if self.clip { scale.apply(number) } else { saturate(scale.scale(number)) };
        if self.indicator {
            out[1] = f32::from(u8::from(number.is_nan()));
        }
        true
    }

    fn validate(&self) -> Result<()> {
        if self.scale.is_sound() {
            Ok(())
        } else {
            Err(broken("scaled_number", "a scale that is not a number"))
        }
    }
}
