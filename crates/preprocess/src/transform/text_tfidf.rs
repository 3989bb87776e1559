//! Hashed n-grams of a text with TF-IDF weights, as a sparse block.
//!
//! Each word and pair of words (or each run of 3 to 5 characters) falls by its hash into one of
//! `buckets`. Buckets of fewer than `min_count` training texts are left out, and at most
//! `max_features` of the others are kept (those of most texts). The weight is scikit-learn's
//! `TfidfTransformer(smooth_idf=True, sublinear_tf=True, norm="l2")`:
//! `(1 + ln tf) · (ln((1 + n) / (1 + df)) + 1)`, then each row is scaled to length 1. A missing
//! text, like one without known n-grams, is an empty row. Memory: 4 bytes per bucket to fit,
//! 8 bytes per entry of the result. O(bytes), in parallel over blocks of rows.
//! References: Weinberger et al., "Feature hashing for large scale multitask learning", ICML 2009;
//! Salton & Buckley, "Term-weighting approaches in automatic text retrieval", 1988.

use modelwright_core::data::{Column, Kind, MISSING_CODE, SparseColumns, Strings};
use modelwright_core::declare_params;
use modelwright_core::params::{Checked, Domain};
use modelwright_core::{Context, Result};
use serde::{Deserialize, Serialize};

use super::tokens;
use super::transformer::{
    Encoded, Fitted, TransformInput, Transformer, TransformerSpec, broken, strings,
};

/// Rows of one unit of parallel work.
const BLOCK: usize = 512;

declare_params! {
    /// Parameters of [`TextTfidf`].
    pub struct TextTfidfParams {
        /// What the n-grams are made of.
        analyzer: String = "word", Domain::Choice(&["word", "character"]);
        /// How many buckets n-grams are hashed into.
        buckets: usize = 262_144_usize, Domain::int(16, 16_777_216).log();
        /// Buckets of fewer training texts are left out.
        min_count: usize = 2_usize, Domain::int(1, 1_000_000).log();
        /// At most this many buckets are kept.
        max_features: usize = 65_536_usize, Domain::int(1, 16_777_216).log();
    }
}

/// See the module's text.
#[derive(Debug)]
pub struct TextTfidf;

/// The kept buckets and their weights.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FittedTextTfidf {
    characters: bool,
    n_buckets: u32,
    /// The kept buckets, ascending; their position is the column.
    buckets: Vec<u32>,
    /// Inverse document frequency of each column.
    idf: Vec<f32>,
}

impl Transformer for TextTfidf {
    const SPEC: &'static TransformerSpec = &TransformerSpec {
        name: "text_tfidf",
        title: "Hashed TF-IDF",
        text: "Hashed word or character n-grams, TF-IDF, rows of length 1, sparse.",
        reference: "Weinberger et al., ICML 2009; scikit-learn, TfidfTransformer",
        kinds: &[Kind::Text],
        sees_target: false,
        fills_missing: true,
    };
    type Params = TextTfidfParams;
    type Fitted = FittedTextTfidf;

    fn fit(
        input: &TransformInput<'_>,
        params: &Checked<TextTfidfParams>,
        _: &Context,
    ) -> Result<FittedTextTfidf> {
        let (codes, dictionary) = strings(input.column)?;
        let characters = params.analyzer == "character";
        let n_buckets = params.buckets as u32;
        let mut df = vec![0_u32; params.buckets];
        let mut tokens = Vec::new();
        for row in input.rows {
            let code = codes[*row as usize];
            if code != MISSING_CODE {
                buckets_of(dictionary.get(code), characters, n_buckets, &mut tokens);
                tokens.dedup();
                for bucket in &tokens {
                    df[*bucket as usize] += 1;
                }
            }
        }
        let least = params.min_count as u32;
        let mut buckets: Vec<u32> = (0..n_buckets).filter(|b| df[*b as usize] >= least).collect();
        if buckets.len() > params.max_features {
            buckets.sort_by_key(|b| std::cmp::Reverse(df[*b as usize]));
            buckets.truncate(params.max_features);
            buckets.sort_unstable();
        }
        let n = input.rows.len() as f64;
        let idf = |b: &u32| (((1.0 + n) / (1.0 + f64::from(df[*b as usize]))).ln() + 1.0) as f32;
        let idf = buckets.iter().map(idf).collect();
        Ok(FittedTextTfidf { characters, n_buckets, buckets, idf })
    }
}

/// The buckets of all n-grams of a text, ascending, with repetitions.
fn buckets_of(text: &str, characters: bool, n_buckets: u32, into: &mut Vec<u32>) {
    into.clear();
    // The high half of hash · n is uniform in 0..n.
    let bucket = |hash: u64| ((u128::from(hash) * u128::from(n_buckets)) >> 64) as u32;
    if characters {
        tokens::character_hashes(text, |hash| into.push(bucket(hash)));
    } else {
        tokens::word_hashes(text, |hash| into.push(bucket(hash)));
    }
    into.sort_unstable();
}

/// Entries of some rows: how many each has, their columns and values.
#[derive(Default)]
struct Block {
    n_entries: Vec<u64>,
    indices: Vec<u32>,
    values: Vec<f32>,
}

impl FittedTextTfidf {
    /// Column of each bucket; `u32::MAX` where it is not kept.
    fn column_of_bucket(&self) -> Vec<u32> {
        let mut columns = vec![u32::MAX; self.n_buckets as usize];
        for (column, bucket) in self.buckets.iter().enumerate() {
            columns[*bucket as usize] = column as u32;
        }
        columns
    }

    fn block(&self, codes: &[u32], dictionary: &Strings, column_of: &[u32]) -> Block {
        let mut block = Block::default();
        let mut tokens = Vec::new();
        for code in codes {
            let start = block.indices.len();
            tokens.clear();
            if *code != MISSING_CODE {
                buckets_of(dictionary.get(*code), self.characters, self.n_buckets, &mut tokens);
            }
            for run in tokens.chunk_by(|a, b| a == b) {
                let column = self.column(run[0], column_of);
                if column != u32::MAX {
                    let tf = 1.0 + (run.len() as f32).ln();
                    block.indices.push(column);
                    block.values.push(tf * self.idf[column as usize]);
                }
            }
            let row = &mut block.values[start..];
            let length = row.iter().map(|v| f64::from(*v).powi(2)).sum::<f64>().sqrt();
            if length > 0.0 {
                for v in row {
                    *v = (f64::from(*v) / length) as f32;
                }
            }
            block.n_entries.push((block.indices.len() - start) as u64);
        }
        block
    }

    /// By table where one was made, else by search.
    fn column(&self, bucket: u32, column_of: &[u32]) -> u32 {
        match column_of.get(bucket as usize) {
            Some(column) => *column,
            None => self.buckets.binary_search(&bucket).map_or(u32::MAX, |i| i as u32),
        }
    }
}

impl Fitted for FittedTextTfidf {
    fn features(&self, _: &str) -> Vec<String> {
        Vec::new()
    }

    fn n_sparse(&self) -> usize {
        self.buckets.len()
    }

    fn transform(&self, column: &Column, ctx: &Context) -> Result<Encoded> {
        let (codes, dictionary) = strings(column)?;
        // A table of all buckets pays only for many rows.
        let column_of = if codes.len() >= BLOCK { self.column_of_bucket() } else { Vec::new() };
        let blocks: Vec<Block> = if codes.len() <= BLOCK {
            vec![self.block(codes, dictionary, &column_of)]
        } else {
            ctx.map(codes.len().div_ceil(BLOCK), |i| {
                let end = codes.len().min((i + 1) * BLOCK);
                self.block(&codes[i * BLOCK..end], dictionary, &column_of)
            })
        };
        let mut sparse = SparseColumns { n_columns: self.buckets.len(), ..Default::default() };
        sparse.row_starts.reserve(codes.len() + 1);
        sparse.row_starts.push(0);
        let n_entries = blocks.iter().map(|b| b.indices.len()).sum();
        sparse.indices.reserve(n_entries);
        sparse.values.reserve(n_entries);
        let mut end = 0;
        for block in blocks {
            sparse.row_starts.extend(block.n_entries.iter().map(|n| {
                end += n;
                end
            }));
            sparse.indices.extend(block.indices);
            sparse.values.extend(block.values);
        }
        Ok(Encoded { columns: Vec::new(), sparse: Some(sparse) })
    }

    fn validate(&self) -> Result<()> {
        let ascending = self.buckets.windows(2).all(|w| w[0] < w[1]);
        let in_range = self.buckets.last().is_none_or(|b| *b < self.n_buckets);
        let usable = self.idf.iter().all(|v| v.is_finite() && *v > 0.0);
        let small = self.n_buckets <= 16_777_216;
        if ascending && in_range && usable && small && self.idf.len() == self.buckets.len() {
            Ok(())
        } else {
            Err(broken("text_tfidf", "weights that do not fit the buckets"))
        }
    }
}
