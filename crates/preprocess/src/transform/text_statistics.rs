//! What a text looks like from afar: length, words, digits, capitals, punctuation.
//!
//! Number of characters and words, mean word length, and the shares of digits, upper-case letters
//! and punctuation among the characters. With `scaled` they are robustly scaled and missing is 0;
//! without, missing is NaN. O(bytes); each distinct text is read once.

use modelwright_core::data::{Column, Kind, MISSING_CODE, RawValue};
use modelwright_core::declare_params;
use modelwright_core::params::{Checked, Domain};
use modelwright_core::{Context, Result};
use serde::{Deserialize, Serialize};

use super::robust_scale::RobustScale;
use super::tokens;
use super::transformer::{
    Encoded, Fitted, TransformInput, Transformer, TransformerSpec, broken, saturate, strings,
};

const NAMES: [&str; 6] =
    ["n_characters", "n_words", "word_length", "digit_share", "upper_share", "punctuation_share"];

declare_params! {
    /// Parameters of [`TextStatistics`].
    pub struct TextStatisticsParams {
        /// Whether features are robustly scaled and filled, for learners that sum them.
        scaled: bool = false, Domain::Flag;
    }
}

/// See the module's text.
#[derive(Debug)]
pub struct TextStatistics;

/// How each statistic is scaled.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FittedTextStatistics {
    /// One per statistic when scaled, else empty.
    scales: Vec<RobustScale>,
}

impl Transformer for TextStatistics {
    const SPEC: &'static TransformerSpec = &TransformerSpec {
        name: "text_statistics",
        title: "Text statistics",
        text: "Lengths, counts and shares of characters and words.",
        reference: "none",
        kinds: &[Kind::Text],
        sees_target: false,
        fills_missing: false,
    };
    type Params = TextStatisticsParams;
    type Fitted = FittedTextStatistics;

    fn fit(
        input: &TransformInput<'_>,
        params: &Checked<TextStatisticsParams>,
        _: &Context,
    ) -> Result<FittedTextStatistics> {
        let rows = rows_of(input.column)?;
        let scale = |i: usize| RobustScale::fit(input.rows.iter().map(|r| rows[*r as usize][i]));
        let scales = if params.scaled { (0..NAMES.len()).map(scale).collect() } else { Vec::new() };
        Ok(FittedTextStatistics { scales })
    }
}

/// The statistics of every row; NaN for missing.
fn rows_of(column: &Column) -> Result<Vec<[f64; 6]>> {
    let (codes, dictionary) = strings(column)?;
    let mut by_code: Vec<Option<[f64; 6]>> = vec![None; dictionary.len()];
    let of = |code: &u32| match *code {
        MISSING_CODE => [f64::NAN; 6],
        code => {
            let known = &mut by_code[code as usize];
            *known.get_or_insert_with(|| statistics(dictionary.get(code)))
        }
    };
    Ok(codes.iter().map(of).collect())
}

fn statistics(text: &str) -> [f64; 6] {
    let (mut n_words, mut word_characters) = (0_u64, 0_usize);
    tokens::words(text, |word| {
        n_words += 1;
        word_characters += word.chars().count();
    });
    let (mut n, mut digits, mut upper, mut punctuation) = (0_u64, 0_u64, 0_u64, 0_u64);
    for c in text.chars() {
        n += 1;
        digits += u64::from(c.is_numeric());
        upper += u64::from(c.is_uppercase());
        punctuation += u64::from(c.is_ascii_punctuation());
    }
    let share = |count: u64| count as f64 / n.max(1) as f64;
    let word_length = word_characters as f64 / n_words.max(1) as f64;
    [n as f64, n_words as f64, word_length, share(digits), share(upper), share(punctuation)]
}

impl Fitted for FittedTextStatistics {
    fn features(&self, column: &str) -> Vec<String> {
        NAMES.iter().map(|name| format!("{column}:{name}")).collect()
    }

    fn transform(&self, column: &Column, _: &Context) -> Result<Encoded> {
        let rows = rows_of(column)?;
        let one = |i: usize| match self.scales.get(i) {
            Some(scale) => rows.iter().map(|row| scale.apply(row[i])).collect(),
            None => rows.iter().map(|row| saturate(row[i])).collect(),
        };
        Ok(Encoded { columns: (0..NAMES.len()).map(one).collect(), sparse: None })
    }

    fn write_row(&self, value: RawValue<'_>, out: &mut [f32]) -> bool {
        let row = match value {
            RawValue::Missing => [f64::NAN; 6],
            RawValue::Text(text) => statistics(text),
            _ => return false,
        };
        for (i, (place, value)) in out.iter_mut().zip(row).enumerate() {
            *place = self.scales.get(i).map_or_else(|| saturate(value), |s| s.apply(value));
        }
        true
    }

    fn validate(&self) -> Result<()> {
        let fits = self.scales.is_empty() || self.scales.len() == NAMES.len();
        if fits && self.scales.iter().all(RobustScale::is_sound) {
            Ok(())
        } else {
            Err(broken("text_statistics", "scales that do not fit the statistics"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statistics_count_characters_not_bytes() {
        assert_eq!(statistics("Ab, ž9"), [6.0, 2.0, 2.0, 1.0 / 6.0, 1.0 / 6.0, 1.0 / 6.0]);
        assert_eq!(statistics(""), [0.0; 6]);
    }
}
