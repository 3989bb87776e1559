//! What the tests of the readers share: the models in `testdata/interchange`, written by the
//! libraries themselves, with the rows and numbers that they gave.

use modelwright_core::random::Random;
use serde::Deserialize;

use super::Naming;
use super::foreign::ForeignModel;

/// Rows as the library saw them, and what it said of them.
#[derive(Deserialize)]
pub(crate) struct Rows {
    pub(crate) rows: Vec<Vec<Option<f32>>>,
    pub(crate) scores: Vec<Vec<f64>>,
}

/// A file of `testdata/interchange`.
pub(crate) fn bytes(name: &str) -> Vec<u8> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/interchange/");
    std::fs::read(format!("{folder}{name}")).unwrap_or_else(|e| panic!("{name}: {e}"))
}

/// The rows of a model.
pub(crate) fn rows(name: &str) -> Rows {
    serde_json::from_slice(&bytes(&format!("{name}.rows.json"))).unwrap()
}

/// The scores of a row, by the definition of a tree.
pub(crate) fn scores(model: &ForeignModel, row: &[Option<f32>]) -> Vec<f64> {
    let value = |f: usize| {
        let x = row[f].unwrap_or(f32::NAN);
        if model.features[f].zero_is_missing() && x == 0.0 { f32::NAN } else { x }
    };
    let mut scores = model.base_scores.clone();
    let n_outputs = scores.len();
    for (t, tree) in model.trees.iter().enumerate() {
        let leaf = tree.leaf_of(value);
        if tree.width() == 1 {
            scores[t % n_outputs] += tree.leaf_value(leaf, 0, value);
        } else {
            for (output, score) in scores.iter_mut().enumerate() {
                *score += tree.leaf_value(leaf, output, value);
            }
        }
    }
    scores
}

/// Asserts that the model gives the library's scores to `tolerance`, `factor` apart.
pub(crate) fn assert_scores(model: &ForeignModel, name: &str, factor: f64, tolerance: f64) {
    let golden = rows(name);
    assert!(golden.rows.len() >= 20);
    for (row, wanted) in golden.rows.iter().zip(&golden.scores) {
        let got = scores(model, row);
        assert_eq!(got.len(), wanted.len(), "{name}");
        for (got, wanted) in got.iter().zip(wanted) {
            let wanted = wanted * factor;
            let distance = (got - wanted).abs() / wanted.abs().max(1.0);
            assert!(distance <= tolerance, "{name}: {got} for {wanted}, row {row:?}");
        }
    }
}

/// A model that was read is sound, and becomes a predictor or says why not; it must not panic.
pub(crate) fn assert_sound(model: ForeignModel) {
    model.check().unwrap();
    let naming = Naming { target: "a target of no feature".to_owned(), classes: None };
    let _ = model.into_predictor(&naming);
}

/// Damages a file in `n` ways, one after the other: bytes changed, cut out, repeated, and the
/// end cut off. `read` must not panic; it may succeed.
pub(crate) fn damage(file: &[u8], n: usize, read: impl Fn(&[u8])) {
    let mut random = Random::new(7);
    for _ in 0..n {
        let mut bytes = file.to_vec();
        for _ in 0..=random.below(3) {
            let at = random.below(bytes.len().max(1));
            match random.below(6) {
                0 => bytes.truncate(at),
                1 => drop(bytes.drain(at..(at + 1 + random.below(40)).min(bytes.len()))),
                2 => {
                    let piece = bytes[at..(at + 30).min(bytes.len())].to_vec();
                    bytes.splice(at..at, piece);
                }
                3 if at < bytes.len() => bytes[at] = b"09-.eE\" []{}\n="[at % 13],
                _ if at < bytes.len() => bytes[at] = random.below(256) as u8,
                _ => {}
            }
        }
        read(&bytes);
    }
}
