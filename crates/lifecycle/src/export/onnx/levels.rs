//! Which level each row has: dictionaries of categories as operators.
//!
//! Texts are looked up by a `LabelEncoder`, numbers that name categories by their number. Several
//! columns as one category become one whole number, in which each column has its place.

use std::sync::Arc;

use modelwright_core::data::number_text;
use modelwright_core::{Error, Result};
use modelwright_preprocess::derive::{BETWEEN, PATTERN_SIGNS};
use modelwright_preprocess::transform::levels::Levels;

use super::columns::Column;
use super::constant::{f64s, i64s};
use super::graph::{Attribute, Graph, Value};
use super::proto::DataType;

impl Column {
    /// The number of each row's level, int64 `[rows]`.
    ///
    /// # Errors
    /// Input error when the column has no levels.
    pub(super) fn codes(&self, graph: &mut Graph, levels: &Levels) -> Result<Value> {
        let texts = levels.names().iter().enumerate().map(|(i, name)| (name.to_string(), i));
        self.codes_of(graph, texts.collect(), levels.other(), levels.missing())
    }

    /// The number that belongs to each row's text, int64 `[rows]`.
    ///
    /// # Errors
    /// As [`Self::codes`].
    pub(super) fn codes_of(
        &self,
        graph: &mut Graph,
        texts: Vec<(String, usize)>,
        other: usize,
        missing: usize,
    ) -> Result<Value> {
        match self {
            Self::Text(value) => Ok(of_texts(graph, value, texts, other, missing)),
            Self::NumberName(value) => Ok(of_numbers(graph, value, &texts, other, missing)),
            Self::Cross(parts) => match parts.as_slice() {
                [only] => only.codes_of(graph, texts, other, missing),
                parts => of_cross(graph, parts, &texts, other, missing),
            },
            Self::Pattern(value) => Ok(of_pattern(graph, value, &texts, other)),
            Self::Number(_) | Self::Instant(_) => {
                Err(Error::work("a quantity is read as the name of a category"))
            }
        }
    }
}

fn of_texts(
    graph: &mut Graph,
    value: &Value,
    mut texts: Vec<(String, usize)>,
    other: usize,
    missing: usize,
) -> Value {
    if !texts.iter().any(|(text, _)| text.is_empty()) {
        texts.push((String::new(), missing));
    }
    let flat = graph.reshape(value, &[-1]);
    let codes = texts.iter().map(|(_, code)| *code as i64).collect();
    let keys = texts.into_iter().map(|(text, _)| text.into_bytes()).collect();
    let attributes = vec![
        ("keys_strings", Attribute::Texts(keys)),
        ("values_int64s", Attribute::Ints(codes)),
        ("default_int64", Attribute::Int(other as i64)),
    ];
    graph.ml("LabelEncoder", &flat, attributes)
}

/// A text that is no number as we write it is the name of no number.
fn of_numbers(
    graph: &mut Graph,
    value: &Value,
    texts: &[(String, usize)],
    other: usize,
    missing: usize,
) -> Value {
    let number = |(text, code): &(String, usize)| {
        let number = text.parse::<f64>().ok().filter(|number| number_text(*number) == *text);
        number.filter(|number| !number.is_nan()).map(|number| (number, *code as i64))
    };
    let (numbers, codes): (Vec<f64>, Vec<i64>) = texts.iter().filter_map(number).unzip();
    let flat = graph.reshape(value, &[-1]);
    let is_missing = graph.op("IsNaN", &[&flat]);
    let (missing, others) = (graph.i64(missing as i64), graph.i64(other as i64));
    if numbers.is_empty() {
        return graph.choose(&is_missing, &missing, &others);
    }
    let attributes = vec![
        ("keys_tensor", Attribute::Tensor(f64s(&numbers, &[numbers.len()]))),
        ("values_tensor", Attribute::Tensor(i64s(&codes, &[codes.len()]))),
        ("default_tensor", Attribute::Tensor(i64s(&[other as i64], &[1]))),
    ];
    let codes = graph.ml("LabelEncoder", &flat, attributes);
    graph.choose(&is_missing, &missing, &codes)
}

/// Each column's text has a number; those of a row make one number, by which the level is found.
fn of_cross(
    graph: &mut Graph,
    parts: &[Column],
    texts: &[(String, usize)],
    other: usize,
    missing: usize,
) -> Result<Value> {
    let split: Vec<(Vec<&str>, usize)> = (texts.iter())
        .map(|(text, code)| (text.split(BETWEEN).collect::<Vec<_>>(), *code))
        .filter(|(words, _)| words.len() == parts.len())
        .collect();
    let dictionaries: Vec<Levels> =
        (0..parts.len()).map(|i| distinct(split.iter().map(|(words, _)| words[i]))).collect();
    let place = |dictionary: &Levels, word: &str| match word {
        "" => dictionary.missing(),
        word => dictionary.of_text(word),
    };
    let joined = |of_parts: &mut dyn Iterator<Item = usize>| {
        let places = of_parts.zip(&dictionaries);
        places.fold(0_i64, |key, (place, d)| key * d.n_codes() as i64 + place as i64)
    };
    let mut keys = Vec::new();
    let mut codes = Vec::new();
    for (words, code) in &split {
        keys.push(joined(&mut words.iter().zip(&dictionaries).map(|(w, d)| place(d, w))));
        codes.push(*code as i64);
    }
    keys.push(joined(&mut dictionaries.iter().map(Levels::missing)));
    codes.push(missing as i64);
    let mut key: Option<Value> = None;
    for (part, dictionary) in parts.iter().zip(&dictionaries) {
        let own = part.codes(graph, dictionary)?;
        key = Some(match key {
            None => own,
            Some(key) => {
                let radix = graph.i64(dictionary.n_codes() as i64);
                let key = graph.op("Mul", &[&key, &radix]);
                graph.op("Add", &[&key, &own])
            }
        });
    }
    let key = key.ok_or_else(|| Error::work("a cross of no columns"))?;
    let attributes = vec![
        ("keys_int64s", Attribute::Ints(keys)),
        ("values_int64s", Attribute::Ints(codes)),
        ("default_int64", Attribute::Int(other as i64)),
    ];
    Ok(graph.ml("LabelEncoder", &key, attributes))
}

/// The texts that occur, once each, without the empty one.
fn distinct<'a>(texts: impl Iterator<Item = &'a str>) -> Levels {
    let mut known = std::collections::BTreeSet::new();
    let new = texts.filter(|text| !text.is_empty() && known.insert(*text));
    let names: Vec<Arc<str>> = new.map(Arc::from).collect();
    names.into()
}

/// The level whose pattern differs in no column from the row's.
fn of_pattern(
    graph: &mut Graph,
    missing: &Value,
    texts: &[(String, usize)],
    other: usize,
) -> Value {
    let n_levels = texts.len().max(1);
    let n_columns = texts.first().map_or(1, |(text, _)| text.chars().count());
    // `|m − p|` is `m · (1 − 2p) + p` for zeros and ones.
    let mut weights = vec![0.0; n_columns * n_levels];
    let mut constants = vec![0.0; n_levels];
    for (level, (text, _)) in texts.iter().enumerate() {
        for (i, sign) in text.chars().enumerate().take(n_columns) {
            let p = f64::from(u8::from(sign == PATTERN_SIGNS[0]));
            weights[i * n_levels + level] = 1.0 - 2.0 * p;
            constants[level] += p;
        }
    }
    let weights = graph.constant(f64s(&weights, &[n_columns, n_levels]));
    let constants = graph.f64_row(&constants);
    let sums = graph.op("MatMul", &[missing, &weights]);
    let differing = graph.op("Add", &[&sums, &constants]);
    let half = graph.f64(0.5);
    let equal = graph.op("Less", &[&differing, &half]);
    let equal = graph.cast(&equal, DataType::Double);
    // At most one is equal: the sum is its number less that of others, or nothing.
    let numbers: Vec<f64> = texts.iter().map(|(_, code)| *code as f64 - other as f64).collect();
    let numbers = graph.f64_row(if numbers.is_empty() { &[0.0] } else { &numbers });
    let found = graph.op("Mul", &[&equal, &numbers]);
    let found = graph.sum(&found, 1, false);
    let code = graph.plus(&found, other as f64);
    graph.cast(&code, DataType::Int64)
}
