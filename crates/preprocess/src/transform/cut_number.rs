//! A number as f32, on the same side of given cut points as it was in f64.
//!
//! Trees compare f32 values. A model of another library may have compared f64 values with f64
//! thresholds, and a value close to a threshold can change sides when both are rounded. Here the
//! cut points get images in f32, in the same order, and every value is the f32 nearest to it that
//! lies between the images of the two cut points around it. So `value <= image` whenever
//! `number <= cut`, exactly, also where several cut points fall between two f32 (large identifiers,
//! points in time). O(rows × log cuts).

use modelwright_core::data::{Column, Kind, RawValue};
use modelwright_core::declare_params;
use modelwright_core::params::{Checked, Domain};
use modelwright_core::{Context, Result};
use serde::{Deserialize, Serialize};

use super::transformer::{
    Encoded, Fitted, TransformInput, Transformer, TransformerSpec, broken, numbers, saturate,
};

/// Numbers of up to this size are zero where zero is a missing value (LightGBM's limit).
const ZERO: f64 = 1e-35_f32 as f64;

declare_params! {
    /// Parameters of [`CutNumber`].
    pub struct CutNumberParams {
        /// Zero is a missing value.
        zero_is_missing: bool = false, Domain::Flag;
        /// Fractions are dropped.
        whole: bool = false, Domain::Flag;
    }
}

/// See the module's text.
#[derive(Debug)]
pub struct CutNumber;

/// The cut points and their images.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct FittedCutNumber {
    cuts: Vec<f64>,
    images: Vec<f32>,
    zero_is_missing: bool,
    whole: bool,
}

impl FittedCutNumber {
    /// Of cut points in any order; duplicates and NaN are left out.
    pub fn new(mut cuts: Vec<f64>, zero_is_missing: bool, whole: bool) -> Self {
        cuts.retain(|cut| !cut.is_nan());
        cuts.sort_unstable_by(f64::total_cmp);
        cuts.dedup();
        let images = images(&cuts);
        Self { cuts, images, zero_is_missing, whole }
    }

    /// The image of a cut point that it was made of; of any other number, that of the next larger
    /// cut point, or infinity.
    pub fn image(&self, cut: f64) -> f32 {
        let position = self.cuts.partition_point(|c| *c < cut);
        self.images.get(position).copied().unwrap_or(f32::INFINITY)
    }

    /// The cut points, ascending.
    pub fn cuts(&self) -> &[f64] {
        &self.cuts
    }

    /// Their images, ascending.
    pub fn images(&self) -> &[f32] {
        &self.images
    }

    /// The largest size of a number that is a missing value; `None` where none is.
    pub fn missing_up_to(&self) -> Option<f64> {
        self.zero_is_missing.then_some(ZERO)
    }

    /// Whether fractions are dropped.
    pub fn is_whole(&self) -> bool {
        self.whole
    }

    fn write(&self, number: f64) -> f32 {
        if self.zero_is_missing && number.abs() <= ZERO {
            return f32::NAN;
        }
        let number = if self.whole { number.trunc() } else { number };
        if number.is_nan() || self.cuts.is_empty() {
            return saturate(number);
        }
        let n_below = self.cuts.partition_point(|cut| *cut < number);
        let mut value = saturate(number);
        if let Some(below) = n_below.checked_sub(1) {
            value = value.max(self.images[below].next_up());
        }
        if let Some(above) = self.images.get(n_below) {
            value = value.min(*above);
        }
        value.clamp(-f32::MAX, f32::MAX) + 0.0
    }
}

/// The largest f32 that is at most `cut`: the same values are at most it, if they are f32.
///
/// What no finite f32 exceeds becomes the second largest one. [`saturate`] writes infinity as the
/// largest, so that infinite values are still above and all usual ones below.
pub fn at_most(cut: f64) -> f32 {
    if cut == f64::INFINITY {
        return f32::INFINITY;
    }
    if cut >= f64::from(f32::MAX) {
        return f32::MAX.next_down();
    }
    if cut < f64::from(-f32::MAX) {
        return -f32::MAX;
    }
    let nearest = cut as f32;
    if f64::from(nearest) > cut { nearest.next_down() } else { nearest }
}

/// The images of ascending cut points, ascending: the largest f32 at most each, or the next above
/// the image before.
fn images(cuts: &[f64]) -> Vec<f32> {
    let mut images: Vec<f32> = Vec::with_capacity(cuts.len());
    for cut in cuts {
        let own = at_most(*cut);
        images.push(images.last().map_or(own, |last| own.max(last.next_up())));
    }
    images
}

impl Transformer for CutNumber {
    const SPEC: &'static TransformerSpec = &TransformerSpec {
        name: "cut_number",
        title: "Number beside cut points",
        text: "The value in single precision, on its own side of the thresholds of an imported \
               model; missing stays missing.",
        reference: "none",
        kinds: &[Kind::Number],
        sees_target: false,
        fills_missing: false,
    };
    type Params = CutNumberParams;
    type Fitted = FittedCutNumber;

    fn fit(
        input: &TransformInput<'_>,
        params: &Checked<CutNumberParams>,
        _: &Context,
    ) -> Result<FittedCutNumber> {
        numbers(input.column)?;
        Ok(FittedCutNumber::new(Vec::new(), params.zero_is_missing, params.whole))
    }
}

impl Fitted for FittedCutNumber {
    fn features(&self, column: &str) -> Vec<String> {
        vec![column.to_owned()]
    }

    fn transform(&self, column: &Column, _: &Context) -> Result<Encoded> {
        let values = numbers(column)?.map(|number| self.write(number));
        Ok(Encoded { columns: vec![values], sparse: None })
    }

    fn write_row(&self, value: RawValue<'_>, out: &mut [f32]) -> bool {
        let Some(number) = value.number() else { return false };
        out[0] = self.write(number);
        true
    }

    fn validate(&self) -> Result<()> {
        let ascending = self.cuts.windows(2).all(|pair| pair[0] < pair[1]);
        if ascending
            && !self.cuts.iter().any(|cut| cut.is_nan())
            && self.images == images(&self.cuts)
        {
            Ok(())
        } else {
            Err(broken("cut_number", "cut points that do not fit"))
        }
    }
}

#[cfg(test)]
mod tests {
    use modelwright_core::random::Random;

    use super::*;

    #[test]
    fn a_rounded_cut_has_every_f32_on_the_same_side() {
        for cut in [0.1, -0.1, 1.0 / 3.0, 1e-35, f64::from(1e-35_f32), 16_777_217.0, 0.0] {
            let rounded = at_most(cut);
            for value in [rounded.next_down(), rounded, rounded.next_up()] {
                assert_eq!(value <= rounded, f64::from(value) <= cut, "{cut} {value}");
            }
        }
        assert!((1e30..f32::MAX).contains(&at_most(1e300)));
        assert!(f32::MAX <= at_most(f64::INFINITY) && -f32::MAX <= at_most(-1e300));
    }

    #[test]
    fn every_number_stays_on_its_side_of_every_cut() {
        let mut random = Random::new(1);
        let time = 1_700_000_000.0;
        let mut cuts: Vec<f64> = (0..40).map(|i| time + f64::from(i) * 3.7).collect();
        cuts.extend((0..40).map(|i| f64::from(i) * 0.1 - 2.0));
        cuts.extend([0.3, 0.3 + 1e-12, -1e300, 1e300, 0.0]);
        let fitted = FittedCutNumber::new(cuts.clone(), false, false);
        fitted.validate().unwrap();
        let mut numbers: Vec<f64> = (0..2000).map(|_| time + random.unit() * 200.0).collect();
        numbers.extend((0..2000).map(|_| random.unit() * 6.0 - 3.0));
        numbers.extend(cuts.iter().flat_map(|c| [*c, c.next_down(), c.next_up()]));
        numbers.extend([f64::INFINITY, f64::NEG_INFINITY, 1e39, -1e39, 0.0, -0.0]);
        for number in numbers {
            let value = fitted.write(number);
            assert!(value.is_finite());
            for cut in &cuts {
                let side = value <= fitted.image(*cut);
                // Only what is below all numbers of f32 has no value of its own.
                assert!(side == (number <= *cut) || number < -3.4e38, "{number} {cut} {value}");
            }
        }
    }

    #[test]
    fn zeros_are_missing_and_fractions_dropped_on_request() {
        let zeros = FittedCutNumber::new(Vec::new(), true, false);
        assert!(zeros.write(0.0).is_nan() && zeros.write(-1e-36).is_nan());
        assert_eq!(zeros.write(1e-30), 1e-30);
        let whole = FittedCutNumber::new(Vec::new(), false, true);
        assert_eq!([2.7, -0.5, -1.2].map(|v| whole.write(v)), [2.0, 0.0, -1.0]);
    }
}
