//! Yes and no.
//!
//! Texts that differ from a level in case alone are that level, and booleans as other programs
//! write them are the level that they mean. A dictionary knows texts and no case, so the usual ways
//! to write a word are in it: `true`, `True`, `TRUE`.

use modelwright_core::Result;
use modelwright_preprocess::encode::PartView;
use modelwright_preprocess::transform::boolean::{BOOLEANS, FittedBoolean, side};

use super::super::columns::Column;
use super::super::encoder::Piece;
use super::super::graph::Graph;
use super::{fitted, table};

pub(super) fn write(
    graph: &mut Graph,
    column: &Column,
    part: &PartView<'_>,
) -> Option<Result<Piece>> {
    let own = fitted::<FittedBoolean>(part)?;
    let levels = own.levels();
    let mut texts: Vec<(String, usize)> =
        levels.names().iter().enumerate().map(|(level, name)| (name.to_string(), level)).collect();
    for (level, name) in levels.names().iter().enumerate() {
        for text in ways_to_write(name) {
            if !texts.iter().any(|(known, _)| *known == text) {
                texts.push((text, level));
            }
        }
    }
    for text in BOOLEANS.iter().flatten().flat_map(|word| ways_to_write(word)) {
        let names = levels.names();
        let meant = side(names.iter().map(|name| &**name), &text);
        let level = meant.and_then(|meant| names.iter().position(|name| **name == *meant));
        if let Some(level) = level.filter(|_| !texts.iter().any(|(known, _)| *known == text)) {
            texts.push((text, level));
        }
    }
    let codes = match column.codes_of(graph, texts, levels.other(), levels.missing()) {
        Ok(codes) => codes,
        Err(error) => return Some(Err(error)),
    };
    let value = |level: usize, feature: usize| match feature {
        0 => own.values()[level],
        _ => f32::from(u8::from(level >= levels.other())),
    };
    Some(Ok(table::of_codes(graph, &codes, levels.n_codes(), part.kept, value)))
}

fn ways_to_write(name: &str) -> [String; 3] {
    let lower = name.to_ascii_lowercase();
    let mut first = true;
    let capitalised =
        lower.chars().map(|c| if std::mem::take(&mut first) { c.to_ascii_uppercase() } else { c });
    let capitalised = capitalised.collect();
    [lower, capitalised, name.to_ascii_uppercase()]
}
