//! Yes and no as 1 and 0.
//!
//! The two most frequent values of the training rows are the two sides. The true side is the one
//! that reads as a yes (`true`, `yes`, `y`, `t`, `1`, `on`); where neither or both do, it is the
//! later one in text order. Another text is a side where [`side`] says so, as programs write a
//! boolean in several ways; any other value is taken as missing. With `impute`, missing becomes the
//! more frequent side and `x:missing` says so.

use std::borrow::Cow;
use std::sync::Arc;

use modelwright_core::data::{Column, Kind, RawValue, Strings};
use modelwright_core::declare_params;
use modelwright_core::params::{Checked, Domain};
use modelwright_core::{Context, Result};
use serde::{Deserialize, Serialize};

use super::levels::Levels;
use super::transformer::{
    Encoded, Fitted, TransformInput, Transformer, TransformerSpec, broken, strings,
};

const YES: [&str; 6] = ["true", "yes", "y", "t", "1", "on"];
const NO: [&str; 6] = ["false", "no", "n", "f", "0", "off"];
/// How programs write the two values of a boolean, the false one first.
pub const BOOLEANS: [[&str; 3]; 2] = [["false", "0", "0.0"], ["true", "1", "1.0"]];

/// The side that a text stands for, as training wrote it: the one that differs in case alone, else
/// the one that [`BOOLEANS`] mean where the sides are words for yes and no. The same column is
/// `True` in a CSV that Python wrote, `true` in a Parquet file and `1` in many a request. `None`
/// where it is neither.
pub fn side<'n>(names: impl Iterator<Item = &'n str> + Clone, text: &str) -> Option<&'n str> {
    let is_text = |name: &&str| *name == text;
    let written = names.clone().find(is_text);
    let alike = || names.clone().find(|name| name.eq_ignore_ascii_case(text));
    written.or_else(alike).or_else(|| {
        let is_of = |words: &[&str], name: &str| {
            words.iter().any(|word| word.eq_ignore_ascii_case(name.trim()))
        };
        let which = BOOLEANS.iter().position(|words| is_of(words, text))?;
        let (own, other) = if which == 1 { (&YES, &NO) } else { (&NO, &YES) };
        let is_plain = names.clone().all(|name| is_of(own, name) || is_of(other, name));
        let mut meant = names.filter(|name| is_of(own, name));
        meant.next().filter(|_| is_plain && meant.next().is_none())
    })
}

declare_params! {
    /// Parameters of [`Boolean`].
    pub struct BooleanParams {
        /// Whether missing becomes the more frequent value, with an indicator.
        impute: bool = false, Domain::Flag;
    }
}

/// See the module's text.
#[derive(Debug)]
pub struct Boolean;

/// The two sides.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FittedBoolean {
    levels: Levels,
    /// Value of each level, of other and of missing.
    values: Vec<f32>,
    indicator: bool,
}

impl Transformer for Boolean {
    const SPEC: &'static TransformerSpec = &TransformerSpec {
        name: "boolean",
        title: "Yes or no",
        text: "1 for yes, 0 for no; another value is missing.",
        reference: "none",
        kinds: &[Kind::Boolean],
        sees_target: false,
        fills_missing: false,
    };
    type Params = BooleanParams;
    type Fitted = FittedBoolean;

    fn fit(
        input: &TransformInput<'_>,
        params: &Checked<BooleanParams>,
        _: &Context,
    ) -> Result<FittedBoolean> {
        let (codes, dictionary) = strings(input.column)?;
        let of_rows = Levels::of_rows(codes, dictionary, input.rows, 1, 2);
        let levels = of_rows.levels;
        let mut values = sides(levels.names());
        let fill = if params.impute { values.first().copied().unwrap_or(0.0) } else { f32::NAN };
        values.extend([fill, fill]);
        let n_missing: u64 = of_rows.counts[levels.other()..].iter().sum();
        Ok(FittedBoolean { levels, values, indicator: params.impute && n_missing > 0 })
    }
}

fn sides(names: &[Arc<str>]) -> Vec<f32> {
    let is_yes = |name: &str| YES.contains(&name.trim().to_ascii_lowercase().as_str());
    match names {
        [] => Vec::new(),
        [one] => vec![f32::from(u8::from(is_yes(one)))],
        [a, b, ..] => {
            let first_is_true = match (is_yes(a), is_yes(b)) {
                (true, false) => true,
                (false, true) => false,
                _ => a > b,
            };
            if first_is_true { vec![1.0, 0.0] } else { vec![0.0, 1.0] }
        }
    }
}

impl FittedBoolean {
    /// The two sides as training wrote them; which other texts are the same says [`side`].
    pub fn levels(&self) -> &Levels {
        &self.levels
    }

    /// What each level, other and missing are written as.
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// Whether a second feature says which values were missing or other.
    pub fn tells_missing(&self) -> bool {
        self.indicator
    }

    /// The texts as training wrote them.
    fn as_trained<'a>(&self, dictionary: &'a Strings) -> Cow<'a, Strings> {
        let names = self.levels.names();
        let is_known = |text: &str| names.iter().any(|n| **n == *text);
        if dictionary.iter().all(is_known) {
            return Cow::Borrowed(dictionary);
        }
        Cow::Owned(dictionary.iter().map(|text| self.text_as_trained(text)).collect())
    }

    /// A single text as training wrote it.
    fn text_as_trained<'a>(&'a self, text: &'a str) -> &'a str {
        side(self.levels.names().iter().map(|name| &**name), text).unwrap_or(text)
    }
}

impl Fitted for FittedBoolean {
    fn features(&self, column: &str) -> Vec<String> {
        let mut names = vec![column.to_owned()];
        if self.indicator {
            names.push(format!("{column}:missing"));
        }
        names
    }

    fn transform(&self, column: &Column, _: &Context) -> Result<Encoded> {
        let (codes, dictionary) = strings(column)?;
        let dictionary = &*self.as_trained(dictionary);
        let mut columns = vec![self.levels.map_rows(codes, dictionary, |l| self.values[l])];
        if self.indicator {
            let is_missing = |l| f32::from(u8::from(l >= self.levels.other()));
            columns.push(self.levels.map_rows(codes, dictionary, is_missing));
        }
        Ok(Encoded { columns, sparse: None })
    }

    fn write_row(&self, value: RawValue<'_>, out: &mut [f32]) -> bool {
        let level = match value {
            RawValue::Missing => self.levels.missing(),
            RawValue::Text(text) => self.levels.of_text(self.text_as_trained(text)),
            _ => return false,
        };
        out[0] = self.values[level];
        if self.indicator {
            out[1] = f32::from(u8::from(level >= self.levels.other()));
        }
        true
    }

    fn validate(&self) -> Result<()> {
        self.levels.validate("boolean")?;
        let usable = self.values.iter().all(|v| v.is_nan() || *v == 0.0 || *v == 1.0);
        if usable && self.values.len() == self.levels.n_codes() {
            Ok(())
        } else {
            Err(broken("boolean", "values that do not fit the levels"))
        }
    }
}

#[cfg(test)]
mod tests {
    use modelwright_core::params::Params;
    use modelwright_core::task::Target;

    use super::*;

    #[test]
    fn yes_is_one_whatever_its_frequency_and_a_third_value_is_missing() {
        let column = Column::strings("b", ["No", "Yes", "Yes", "Yes", "No"].map(Some));
        let target = Target::Real(vec![0.0; 5]);
        let input = TransformInput::new(&column, &[0, 1, 2, 3, 4], &target);
        let ctx = Context::unlimited(0, 1);
        let params = BooleanParams::default().check("boolean").unwrap();
        let fitted = Boolean::fit(&input, &params, &ctx).unwrap();
        let new = Column::strings("b", [Some("No"), Some("Yes"), Some("perhaps"), None]);
        let values = fitted.transform(&new, &ctx).unwrap().columns.remove(0);
        assert_eq!(values[..2], [0.0, 1.0]);
        assert!(values[2].is_nan() && values[3].is_nan());
    }

    #[test]
    fn a_value_in_another_case_is_the_same_value() {
        let column = Column::strings("b", ["true", "false", "true"].map(Some));
        let target = Target::Real(vec![0.0; 3]);
        let input = TransformInput::new(&column, &[0, 1, 2], &target);
        let ctx = Context::unlimited(0, 1);
        let params = BooleanParams::default().check("boolean").unwrap();
        let fitted = Boolean::fit(&input, &params, &ctx).unwrap();
        let new = Column::strings("b", [Some("True"), Some("FALSE"), Some("true"), Some("on")]);
        let values = fitted.transform(&new, &ctx).unwrap().columns.remove(0);
        assert_eq!(values[..3], [1.0, 0.0, 1.0]);
        assert!(values[3].is_nan());
    }

    #[test]
    fn booleans_of_other_programs_are_the_sides_that_they_mean() {
        let of = |names: &[&'static str], text: &str| side(names.iter().copied(), text);
        let python = ["False", "True"];
        assert_eq!((of(&python, "1"), of(&python, "0")), (Some("True"), Some("False")));
        assert_eq!((of(&python, "1.0"), of(&python, "TRUE")), (Some("True"), Some("True")));
        assert_eq!(
            (of(&["no", "yes"], "true"), of(&["0", "1"], "False")),
            (Some("yes"), Some("0"))
        );
        assert_eq!((of(&["True"], "1"), of(&["True"], "0")), (Some("True"), None));
        // Numbers and words that are no yes and no are what they are.
        assert_eq!((of(&["1", "2"], "true"), of(&["1", "2"], "0")), (None, None));
        assert_eq!((of(&["ja", "nein"], "1"), of(&python, "maybe")), (None, None));
        assert_eq!((of(&python, "on"), of(&python, "2")), (None, None));
    }

    #[test]
    fn a_value_and_a_column_of_it_give_the_same_feature() {
        let column = Column::strings("b", ["True", "False", "True"].map(Some));
        let target = Target::Real(vec![0.0; 3]);
        let input = TransformInput::new(&column, &[0, 1, 2], &target);
        let ctx = Context::unlimited(0, 1);
        let params = BooleanParams::default().check("boolean").unwrap();
        let fitted = Boolean::fit(&input, &params, &ctx).unwrap();
        let texts = ["1", "0", "true", "False", "maybe"];
        let new = Column::strings("b", texts.map(Some));
        let values = fitted.transform(&new, &ctx).unwrap().columns.remove(0);
        assert_eq!(values[..4], [1.0, 0.0, 1.0, 0.0]);
        for (text, value) in texts.iter().zip(&*values) {
            let mut out = [0.5];
            assert!(fitted.write_row(RawValue::Text(text), &mut out));
            assert_eq!(out[0].to_bits(), value.to_bits(), "{text}");
        }
    }
}
