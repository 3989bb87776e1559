//! What the words of a text say about the target: one score per output, for trees.
//!
//! Each word and pair of words (hashed into `buckets`) has an effect: how far the smoothed mean of
//! the target among the texts that hold it is from the mean of all, as a difference of log odds
//! for classes (a naive Bayes score) and of values for regression. A text's score is the sum of
//! the effects of its distinct n-grams, divided by the root of their number. Buckets of fewer than
//! `min_count` texts have no effect; a text without known n-grams scores 0; a missing one is NaN.
//!
//! Cross-fitted in `parts`: the rows learned from are dealt into parts at random, and each row is
//! scored by the statistics of the other parts. (Ordered statistics would score most rows by a
//! small part of the vocabulary.) Memory: 16 bytes per bucket and 4 per n-gram of the training
//! texts. O(bytes + n-grams · outputs).
//! References: Rennie et al., "Tackling the poor assumptions of naive Bayes text classifiers",
//! ICML 2003; Wolpert, "Stacked generalization", 1992, for the cross-fitting.

use std::sync::Arc;

use modelwright_core::data::{Column, Kind, MISSING_CODE, RawValue, Strings};
use modelwright_core::declare_params;
use modelwright_core::params::{Checked, Domain};
use modelwright_core::{Context, Result};
use serde::{Deserialize, Serialize};

use super::observed::{Observed, classes};
use super::tokens;
use super::transformer::{
    Encoded, Fitted, TransformInput, Transformer, TransformerSpec, broken, saturate, strings,
};

declare_params! {
    /// Parameters of [`TextTarget`].
    pub struct TextTargetParams {
        /// How many buckets n-grams are hashed into.
        buckets: usize = 65_536_usize, Domain::int(16, 4_194_304).log();
        /// Strength of the prior, in texts.
        prior_strength: f64 = 2.0, Domain::real(1e-3, 1e4).log();
        /// N-grams of fewer training texts have no effect.
        min_count: usize = 2_usize, Domain::int(1, 1_000_000).log();
        /// Into how many parts rows are dealt.
        parts: usize = 5_usize, Domain::int(2, 50);
        /// Scores for several classes: at most this many, of the most frequent classes.
        max_classes: usize = 10_usize, Domain::int(1, 1000).log();
    }
}

/// See the module's text.
#[derive(Debug)]
pub struct TextTarget;

/// The effects of the known n-grams.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FittedTextTarget {
    n_buckets: u32,
    /// The buckets that have an effect, ascending.
    known: Vec<u32>,
    /// Per output the effect of each known bucket.
    effects: Vec<Vec<f32>>,
    /// The class of each output; empty for binary and regression.
    classes: Vec<u32>,
}

impl Transformer for TextTarget {
    const SPEC: &'static TransformerSpec = &TransformerSpec {
        name: "text_target",
        title: "Text score",
        text: "Cross-fitted naive Bayes score of the words and pairs of words.",
        reference: "Rennie et al., ICML 2003",
        kinds: &[Kind::Text],
        sees_target: true,
        fills_missing: false,
    };
    type Params = TextTargetParams;
    type Fitted = FittedTextTarget;

    fn fit(
        input: &TransformInput<'_>,
        params: &Checked<TextTargetParams>,
        ctx: &Context,
    ) -> Result<FittedTextTarget> {
        Ok(Self::fit_transform(input, params, ctx)?.0)
    }

    fn fit_transform(
        input: &TransformInput<'_>,
        params: &Checked<TextTargetParams>,
        _: &Context,
    ) -> Result<(FittedTextTarget, Encoded)> {
        let (codes, dictionary) = strings(input.column)?;
        let texts = Texts::new(codes, dictionary, params.buckets as u32);
        let parts: Vec<Vec<u32>> = (0..params.parts)
            .map(|p| input.order.iter().skip(p).step_by(params.parts).copied().collect())
            .collect();
        let known: Vec<u32> = {
            let counts = texts.counts(input.rows, params.buckets);
            let least = params.min_count as u32;
            (0..params.buckets as u32).filter(|b| counts[*b as usize] >= least).collect()
        };
        let mut is_known = vec![false; params.buckets];
        for bucket in &known {
            is_known[*bucket as usize] = true;
        }
        let classes = classes(input, params.max_classes);
        let mut fitted = FittedTextTarget {
            n_buckets: params.buckets as u32,
            known,
            effects: Vec::new(),
            classes,
        };
        let is_class = input.target.codes().is_some();
        let mut columns = Vec::new();
        for output in 0..fitted.classes.len().max(1) {
            let observed = Observed::new(input, fitted.classes.get(output).copied());
            let sums = Sums::of(&texts, &observed, &parts, params.buckets);
            let effect = |s: &Sums, b: u32| s.effect(b, params, is_class);
            fitted.effects.push(fitted.known.iter().map(|b| effect(&sums, *b)).collect());
            let mut values = fitted.scores(&texts, output);
            for part in &parts {
                let others = sums.without(&Sums::of_part(&texts, &observed, part, params.buckets));
                for row in part {
                    let of_row = texts.row(*row).iter().filter(|b| is_known[**b as usize]);
                    let effects = of_row.map(|bucket| effect(&others, *bucket));
                    if codes[*row as usize] != MISSING_CODE {
                        values[*row as usize] = score(effects);
                    }
                }
            }
            columns.push(Arc::from(values));
        }
        Ok((fitted, Encoded { columns, sparse: None }))
    }
}

/// The distinct n-gram buckets of each row.
struct Texts {
    starts: Vec<usize>,
    buckets: Vec<u32>,
    is_missing: Vec<bool>,
}

impl Texts {
    fn new(codes: &[u32], dictionary: &Strings, n_buckets: u32) -> Self {
        let mut texts = Self {
            starts: vec![0],
            buckets: Vec::new(),
            is_missing: codes.iter().map(|c| *c == MISSING_CODE).collect(),
        };
        let mut row = Vec::new();
        for code in codes {
            row.clear();
            if *code != MISSING_CODE {
                buckets_of(dictionary.get(*code), n_buckets, &mut row);
            }
            texts.buckets.extend_from_slice(&row);
            texts.starts.push(texts.buckets.len());
        }
        texts
    }

    fn row(&self, row: u32) -> &[u32] {
        &self.buckets[self.starts[row as usize]..self.starts[row as usize + 1]]
    }

    fn counts(&self, rows: &[u32], n_buckets: usize) -> Vec<u32> {
        let mut counts = vec![0; n_buckets];
        for row in rows {
            self.row(*row).iter().for_each(|b| counts[*b as usize] += 1);
        }
        counts
    }
}

/// The distinct n-gram buckets of a text, ascending.
fn buckets_of(text: &str, n_buckets: u32, into: &mut Vec<u32>) {
    let bucket = |h: u64| ((u128::from(h) * u128::from(n_buckets)) >> 64) as u32;
    tokens::word_hashes(text, |hash| into.push(bucket(hash)));
    into.sort_unstable();
    into.dedup();
}

/// Sums of weight and of weighted target: of all rows and of those that hold each bucket.
struct Sums {
    rows: (f64, f64),
    buckets: Vec<(f64, f64)>,
}

impl Sums {
    fn of(texts: &Texts, observed: &Observed<'_>, parts: &[Vec<u32>], n_buckets: usize) -> Self {
        let mut sums = Self { rows: (0.0, 0.0), buckets: vec![(0.0, 0.0); n_buckets] };
        for part in parts {
            sums.add(texts, observed, part);
        }
        sums
    }

    fn of_part(texts: &Texts, observed: &Observed<'_>, part: &[u32], n_buckets: usize) -> Self {
        let mut sums = Self { rows: (0.0, 0.0), buckets: vec![(0.0, 0.0); n_buckets] };
        sums.add(texts, observed, part);
        sums
    }

    fn add(&mut self, texts: &Texts, observed: &Observed<'_>, rows: &[u32]) {
        for row in rows {
            let weight = observed.weight(*row);
            let y = observed.y(*row) * weight;
            self.rows = (self.rows.0 + weight, self.rows.1 + y);
            for bucket in texts.row(*row) {
                let (n, sum) = &mut self.buckets[*bucket as usize];
                *n += weight;
                *sum += y;
            }
        }
    }

    /// These sums less those of a part.
    fn without(&self, part: &Self) -> Self {
        let less = |(a, b): (&(f64, f64), &(f64, f64))| ((a.0 - b.0).max(0.0), a.1 - b.1);
        Self {
            rows: less((&self.rows, &part.rows)),
            buckets: self.buckets.iter().zip(&part.buckets).map(less).collect(),
        }
    }

    fn effect(&self, bucket: u32, params: &TextTargetParams, is_class: bool) -> f32 {
        let (n, sum) = self.buckets[bucket as usize];
        let a = params.prior_strength;
        let prior = if self.rows.0 > 0.0 { self.rows.1 / self.rows.0 } else { 0.0 };
        let mean = (sum + a * prior) / (n + a);
        if !is_class {
            return saturate(mean - prior);
        }
        let log_odds = |p: f64| {
            let p = p.clamp(1e-6, 1.0 - 1e-6);
            (p / (1.0 - p)).ln()
        };
        saturate(log_odds(mean) - log_odds(prior))
    }
}

fn score(effects: impl Iterator<Item = f32>) -> f32 {
    let (n, sum) = effects.fold((0_u32, 0.0), |(n, sum), e| (n + 1, sum + f64::from(e)));
    saturate(sum / f64::from(n.max(1)).sqrt())
}

impl FittedTextTarget {
    fn scores(&self, texts: &Texts, output: usize) -> Vec<f32> {
        let of = |(row, is_missing): (usize, &bool)| {
            if *is_missing { f32::NAN } else { self.score(texts.row(row as u32), output) }
        };
        texts.is_missing.iter().enumerate().map(of).collect()
    }

    /// What the buckets of a text say.
    fn score(&self, buckets: &[u32], output: usize) -> f32 {
        let effects = &self.effects[output];
        let effect = |bucket: &u32| self.known.binary_search(bucket).ok().map(|i| effects[i]);
        score(buckets.iter().filter_map(effect))
    }
}

impl Fitted for FittedTextTarget {
    fn features(&self, column: &str) -> Vec<String> {
        if self.classes.is_empty() {
            return vec![format!("{column}:target")];
        }
        self.classes.iter().map(|class| format!("{column}:target[{class}]")).collect()
    }

    fn transform(&self, column: &Column, _: &Context) -> Result<Encoded> {
        let (codes, dictionary) = strings(column)?;
        let texts = Texts::new(codes, dictionary, self.n_buckets);
        let one = |output| Arc::from(self.scores(&texts, output));
        Ok(Encoded { columns: (0..self.effects.len()).map(one).collect(), sparse: None })
    }

    fn write_row(&self, value: RawValue<'_>, out: &mut [f32]) -> bool {
        match value {
            RawValue::Missing => out.fill(f32::NAN),
            RawValue::Text(text) => {
                let mut buckets = Vec::new();
                buckets_of(text, self.n_buckets, &mut buckets);
                for (output, place) in out.iter_mut().enumerate() {
                    *place = self.score(&buckets, output);
                }
            }
            _ => return false,
        }
        true
    }

    fn validate(&self) -> Result<()> {
        let ascending = self.known.windows(2).all(|w| w[0] < w[1]);
        let usable = |e: &Vec<f32>| e.len() == self.known.len() && e.iter().all(|v| v.is_finite());
        let n_outputs = self.classes.len().max(1);
        if ascending && self.effects.len() == n_outputs && self.effects.iter().all(usable) {
            Ok(())
        } else {
            Err(broken("text_target", "effects that do not fit the n-grams"))
        }
    }
}

#[cfg(test)]
mod tests {
    use modelwright_core::params::Params;
    use modelwright_core::random::Random;
    use modelwright_core::task::Target;

    use super::*;

    fn fit(texts: &Column, target: &Target) -> (FittedTextTarget, Encoded) {
        let rows: Vec<u32> = (0..texts.n_rows() as u32).collect();
        let input = TransformInput::new(texts, &rows, target);
        let params = TextTargetParams::default().check("text_target").unwrap();
        TextTarget::fit_transform(&input, &params, &Context::unlimited(3, 1)).unwrap()
    }

    fn means(values: &[f32], y: &[u32]) -> (f64, f64) {
        let mean = |class: u32| {
            let of: Vec<f64> =
                values.iter().zip(y).filter(|v| *v.1 == class).map(|v| f64::from(*v.0)).collect();
            of.iter().sum::<f64>() / of.len() as f64
        };
        (mean(0), mean(1))
    }

    #[test]
    fn telling_words_separate_the_classes_out_of_fold() {
        let mut random = Random::new(1);
        let y: Vec<u32> = (0..400).map(|_| random.below(2) as u32).collect();
        let text = |y: &u32| Some(if *y == 1 { "a fine day" } else { "a bad day" });
        let (fitted, encoded) = fit(
            &Column::strings("t", y.iter().map(text)),
            &Target::Class { codes: y.clone(), n_classes: 2 },
        );
        let (negative, positive) = means(&encoded.columns[0], &y);
        assert!(positive > 1.0 && negative < -1.0, "{negative} {positive}");
        let new = Column::strings("t", [Some("fine"), Some("bad"), Some("unknown"), None]);
        let scores = fitted.transform(&new, &Context::unlimited(3, 1)).unwrap().columns.remove(0);
        assert!(scores[0] > 1.0 && scores[1] < -1.0 && scores[2] == 0.0 && scores[3].is_nan());
    }

    #[test]
    fn words_that_say_nothing_score_like_chance_on_the_rows_learned_from() {
        let mut random = Random::new(2);
        let n = 4000;
        let y: Vec<u32> = (0..n).map(|_| random.below(2) as u32).collect();
        let mut word = || format!("w{}", random.below(3000));
        let texts: Vec<Option<String>> =
            (0..n).map(|_| Some([word(), word(), word(), word()].join(" "))).collect();
        let (_, encoded) =
            fit(&Column::strings("t", texts), &Target::Class { codes: y.clone(), n_classes: 2 });
        let (negative, positive) = means(&encoded.columns[0], &y);
        assert!((positive - negative).abs() < 0.05, "{negative} {positive}");
    }
}
