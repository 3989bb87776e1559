//! How often each frequent word occurs in a text, as dense columns for trees.
//!
//! The words are the `n_terms` that occur in most training texts, without those in more than
//! `max_share` of them (they tell texts apart least) and those in fewer than `min_count`; ties by
//! text. Missing texts have NaN. O(bytes). While words are counted, at most [`MAX_WORDS`] are kept:
//! when there are more, those seen least so far are forgotten (lossy counting: Manku & Motwani,
//! VLDB 2002), which cannot change the frequent ones.

use std::collections::HashMap;
use std::sync::Arc;

use foldhash::fast::FixedState;
use modelwright_core::data::{Column, Kind, MISSING_CODE, RawValue};
use modelwright_core::declare_params;
use modelwright_core::params::{Checked, Domain};
use modelwright_core::{Context, Result};
use serde::{Deserialize, Serialize};

use super::levels::Levels;
use super::tokens;
use super::transformer::{Encoded, Fitted, TransformInput, Transformer, TransformerSpec, strings};

/// At most about this many distinct words are counted at a time.
pub const MAX_WORDS: usize = 400_000;

declare_params! {
    /// Parameters of [`TextTerms`].
    pub struct TextTermsParams {
        /// How many words have a column.
        n_terms: usize = 64_usize, Domain::int(1, 10_000).log();
        /// Words in fewer training texts are left out.
        min_count: usize = 5_usize, Domain::int(1, 1_000_000).log();
        /// Words in a larger share of the training texts are left out.
        max_share: f64 = 0.5, Domain::real(0.0, 1.0);
    }
}

/// See the module's text.
#[derive(Debug)]
pub struct TextTerms;

/// The words, most frequent first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FittedTextTerms {
    terms: Levels,
}

impl Transformer for TextTerms {
    const SPEC: &'static TransformerSpec = &TransformerSpec {
        name: "text_terms",
        title: "Frequent words",
        text: "How often each frequent word occurs.",
        reference: "scikit-learn, CountVectorizer(max_features, min_df, max_df)",
        kinds: &[Kind::Text],
        sees_target: false,
        fills_missing: false,
    };
    type Params = TextTermsParams;
    type Fitted = FittedTextTerms;

    fn fit(
        input: &TransformInput<'_>,
        params: &Checked<TextTermsParams>,
        _: &Context,
    ) -> Result<FittedTextTerms> {
        let (codes, dictionary) = strings(input.column)?;
        // Texts that hold a word, and the last one that did, so that none counts twice.
        let mut seen: HashMap<String, (u64, usize), FixedState> = HashMap::default();
        let mut forgotten = 1;
        for (i, row) in input.rows.iter().enumerate() {
            let code = codes[*row as usize];
            if code == MISSING_CODE {
                continue;
            }
            tokens::words(dictionary.get(code), |word| match seen.get_mut(word) {
                Some((count, last)) if *last < i => (*count, *last) = (*count + 1, i),
                Some(_) => {}
                None => drop(seen.insert(word.to_owned(), (1, i))),
            });
            while seen.len() > MAX_WORDS {
                seen.retain(|_, (count, _)| *count > forgotten);
                forgotten += 1;
            }
        }
        let (least, n) = (params.min_count as u64, input.rows.len() as f64);
        let is_kept = |count: u64| count >= least && count as f64 <= params.max_share * n;
        let mut terms: Vec<(u64, String)> = seen
            .into_iter()
            .filter(|(_, (count, _))| is_kept(*count))
            .map(|(word, (count, _))| (count, word))
            .collect();
        terms.sort_unstable_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
        terms.truncate(params.n_terms);
        let terms: Vec<Arc<str>> = terms.into_iter().map(|(_, word)| word.into()).collect();
        Ok(FittedTextTerms { terms: terms.into() })
    }
}

impl Fitted for FittedTextTerms {
    fn features(&self, column: &str) -> Vec<String> {
        self.terms.names().iter().map(|term| format!("{column}~{term}")).collect()
    }

    fn transform(&self, column: &Column, _: &Context) -> Result<Encoded> {
        let (codes, dictionary) = strings(column)?;
        let mut columns = vec![vec![0.0_f32; codes.len()]; self.terms.len()];
        for (row, code) in codes.iter().enumerate() {
            if *code == MISSING_CODE {
                for column in &mut columns {
                    column[row] = f32::NAN;
                }
                continue;
            }
            tokens::words(dictionary.get(*code), |word| {
                if let Some(column) = columns.get_mut(self.terms.of_text(word)) {
                    column[row] += 1.0;
                }
            });
        }
        Ok(Encoded { columns: columns.into_iter().map(Arc::from).collect(), sparse: None })
    }

    fn write_row(&self, value: RawValue<'_>, out: &mut [f32]) -> bool {
        match value {
            RawValue::Missing => out.fill(f32::NAN),
            RawValue::Text(text) => {
                out.fill(0.0);
                tokens::words(text, |word| {
                    if let Some(place) = out.get_mut(self.terms.of_text(word)) {
                        *place += 1.0;
                    }
                });
            }
            _ => return false,
        }
        true
    }

    fn validate(&self) -> Result<()> {
        self.terms.validate("text_terms")
    }
}
