//! The categories that XGBoost keeps with a model since version 3.1.
//!
//! `cats/enc` has one entry per feature: none, texts as bytes with offsets (as Arrow has them), or
//! numbers. A level's number is its position there. Older files have numbers only: their levels
//! are then what the table says, as numbers.

use modelwright_core::Result;
use modelwright_core::data::number_text;

use crate::document::node::Node;
use crate::import::foreign::{ForeignFeature, Levels, Reading};

/// Gives the features the levels that the file names.
///
/// # Errors
/// Input error for a list of levels that is broken.
pub(super) fn tell(booster: &Node<'_>, features: &mut [ForeignFeature]) -> Result<()> {
    let Some(list) = booster.get("cats").and_then(|cats| cats.get("enc")) else { return Ok(()) };
    let entries = list.items()?;
    if ![0, features.len()].contains(&entries.len()) {
        return Err(list
            .broken()
            .expected(format!("an entry for each of {} features", features.len()))
            .got(format!("{} entries", entries.len())));
    }
    for (entry, feature) in entries.iter().zip(features) {
        let values = entry.field("values")?;
        let (names, are_numbers) = match entry.get("offsets") {
            Some(offsets) => (texts(&values, &offsets)?, false),
            None => (values.numbers()?.into_iter().map(number_text).collect(), true),
        };
        if !names.is_empty() {
            feature.reading =
                Reading::Levels(Levels { names, are_numbers, unlisted_is_missing: false });
        }
    }
    Ok(())
}

/// Texts from their bytes and where each ends.
fn texts(values: &Node<'_>, offsets: &Node<'_>) -> Result<Vec<String>> {
    // Bytes are written as signed ones.
    let bytes: Vec<u8> = values.wholes()?.into_iter().map(|byte| byte as u8).collect();
    let offsets = offsets.wholes()?;
    let text = |pair: &[i32]| {
        let bounds = usize::try_from(pair[0]).ok()?..usize::try_from(pair[1]).ok()?;
        String::from_utf8(bytes.get(bounds)?.to_vec()).ok()
    };
    let texts: Option<Vec<String>> = offsets.windows(2).map(text).collect();
    // Overlapping bounds would make much text of few bytes.
    match texts.filter(|_| offsets.is_sorted()) {
        Some(texts) => Ok(texts),
        None => Err(values.broken().expected("texts in UTF-8, with ascending offsets")),
    }
}
