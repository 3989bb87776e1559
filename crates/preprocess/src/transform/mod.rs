//! Transformers: ways to write one raw column as numbers, one file each.
//!
//! | file | kinds | output |
//! |---|---|---|
//! | [`number`] | number | the value |
//! | [`scaled_number`] | number | imputed, robustly scaled, clipped smoothly; missing indicator |
//! | [`boolean`] | boolean | 0 and 1 |
//! | [`category_code`] | category | number of the level, most frequent first |
//! | [`category_level`] | category | the same number as a name, for splits by sets of levels |
//! | [`category_position`] | category | position in a given list |
//! | [`cut_number`] | number | the value, on its side of given cut points |
//! | [`category_value`] | integer category | the number itself |
//! | [`frequency`] | category | share of the rows that have the level |
//! | [`one_hot`] | category | a column per frequent level, one for all rare ones |
//! | [`one_hot_sparse`] | category | a column per level, sparse |
//! | [`target_statistics`] | category | smoothed mean of the target per level, ordered |
//! | [`date_parts`] | date/time | calendar, cyclic and elapsed parts |
//! | [`text_statistics`] | text | lengths and shares |
//! | [`text_terms`] | text | how often each frequent word occurs |
//! | [`text_target`] | text | cross-fitted naive Bayes score |
//! | [`text_tfidf`] | text | hashed word or character n-grams, TF-IDF, sparse |
//!
//! To add one: copy `example.rs`, add the `mod` line here and the line in [`crate::catalog`].
//! Shared by several: [`levels`] (a dictionary of categories), [`robust_scale`] (centre,
//! scale, clip), [`tokens`] (words and character n-grams) and `observed` (the target in numbers).

pub mod boolean;
pub mod category_code;
pub mod category_level;
pub mod category_position;
pub mod category_value;
pub mod cut_number;
pub mod date_parts;
#[cfg(test)]
#[expect(unreachable_pub, reason = "written as a real transformer is, to be copied")]
pub(crate) mod example;
pub mod frequency;
#[cfg(test)]
mod golden;
pub mod levels;
pub mod number;
pub(crate) mod observed;
pub mod one_hot;
pub mod one_hot_sparse;
pub mod robust_scale;
pub mod scaled_number;
pub mod target_statistics;
pub mod text_statistics;
pub mod text_target;
pub mod text_terms;
pub mod text_tfidf;
pub mod tokens;
pub mod transformer;

pub use transformer::{
    Encoded, Entry, Fitted, FittedTransformer, NoParams, TransformInput, Transformer,
    TransformerSpec,
};
