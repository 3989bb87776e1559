//! The list of transformers.
//!
//! A new transformer is one file (copy `transform/example.rs`), its `mod` line in
//! `transform/mod.rs`, and one line here; that line alone brings the conformance suite.

use modelwright_core::{Error, Result};

use crate::transform::{
    Entry, boolean, category_code, category_level, category_position, category_value, cut_number,
    date_parts, frequency, number, one_hot, one_hot_sparse, scaled_number, target_statistics,
    text_statistics, text_target, text_terms, text_tfidf,
};

/// All transformers, by the kind they write.
pub const TRANSFORMERS: &[Entry] = &[
    Entry::of::<number::Number>(),
    Entry::of::<cut_number::CutNumber>(),
    Entry::of::<scaled_number::ScaledNumber>(),
    Entry::of::<boolean::Boolean>(),
    Entry::of::<category_code::CategoryCode>(),
    Entry::of::<category_level::CategoryLevel>(),
    Entry::of::<category_position::CategoryPosition>(),
    Entry::of::<category_value::CategoryValue>(),
    Entry::of::<frequency::Frequency>(),
    Entry::of::<one_hot::OneHot>(),
    Entry::of::<one_hot_sparse::OneHotSparse>(),
    Entry::of::<target_statistics::TargetStatistics>(),
    Entry::of::<date_parts::DateParts>(),
    Entry::of::<text_statistics::TextStatistics>(),
    Entry::of::<text_target::TextTarget>(),
    Entry::of::<text_terms::TextTerms>(),
    Entry::of::<text_tfidf::TextTfidf>(),
];

/// The transformer `name`.
///
/// # Errors
/// Input error that suggests the nearest name.
pub fn transformer(name: &str) -> Result<&'static Entry> {
    TRANSFORMERS.iter().find(|e| e.spec.name == name).ok_or_else(|| {
        Error::input("unknown transformer")
            .got(name)
            .suggest(name, TRANSFORMERS.iter().map(|e| e.spec.name))
    })
}
