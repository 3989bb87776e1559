//! Real models against broken bytes, and old models against new code.
//!
//! `testdata/artifact/` holds one tiny model per format version and task, with rows and the
//! predictions that it gave when it was made. To add one, see the README there.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fs;
use std::path::{Path, PathBuf};

use modelwright::automl::Predictor;
use modelwright::core::random::Random;
use modelwright::core::{Context, ErrorKind};
use modelwright::io::{TableWriter, read_path};
use modelwright::lifecycle::artifact::unpack_artifact;
use modelwright::{Model, PredictionTable};

fn samples() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/artifact");
    let mut paths: Vec<PathBuf> =
        fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    paths.retain(|p| p.extension().is_some_and(|e| e == "mw"));
    paths.sort();
    assert!(!paths.is_empty(), "there is a sample for every format version");
    paths
}

fn predictions(model: &Model, rows: &Path, ctx: &Context) -> Vec<u8> {
    let file = read_path(rows, &model.read_options().unwrap(), ctx).unwrap();
    let predictions = model.predictor.predict(&file.table, ctx).unwrap();
    let mut writer = TableWriter::csv(Vec::new());
    // A model with intervals or sets gives them too.
    let regions = model.predictor.regions(&file.table, &predictions, ctx).unwrap();
    let as_table = PredictionTable::of(&model.predictor);
    writer.write(&as_table.table_with(&predictions, regions.as_ref()).unwrap()).unwrap();
    writer.finish().unwrap()
}

#[test]
fn models_of_every_past_format_still_give_their_predictions() {
    let ctx = Context::unlimited(0, 2);
    for path in samples() {
        let model = Model::load(&path).unwrap();
        let given = predictions(&model, &path.with_extension("rows.csv"), &ctx);
        let wanted = fs::read(path.with_extension("predictions.csv")).unwrap();
        assert!(given == wanted, "{} predicts otherwise than it did", path.display());
        model.artifact.record().unwrap();
    }
}

/// One random change: a bit, a cut, a byte, a stretch copied elsewhere, or a length field.
fn mutate(random: &mut Random, bytes: &mut Vec<u8>) {
    let at = random.below(bytes.len());
    match random.below(6) {
        0 => bytes[at] ^= 1 << random.below(8),
        1 => bytes.truncate(at.max(1)),
        2 => bytes.insert(at, random.next_u64() as u8),
        3 => {
            let length = 1 + random.below(64.min(bytes.len() - at));
            let stretch = bytes[at..at + length].to_vec();
            let to = random.below(bytes.len() - length + 1);
            bytes.splice(to..to + length, stretch);
        }
        4 => {
            for byte in bytes.iter_mut().skip(at).take(4) {
                *byte = 0xff;
            }
        }
        _ => bytes[at] = random.next_u64() as u8,
    }
}

#[test]
fn no_mutated_model_file_is_ever_accepted() {
    let mut random = Random::new(2026);
    for path in samples() {
        let original = fs::read(&path).unwrap();
        for round in 0..3_500 {
            let mut bytes = original.clone();
            mutate(&mut random, &mut bytes);
            match unpack_artifact(&bytes) {
                Ok(_) => assert!(bytes == original, "round {round}: a changed file was accepted"),
                Err(error) => assert_eq!(error.kind(), ErrorKind::Input),
            }
        }
    }
}

#[test]
fn a_hostile_predictor_behind_good_checksums_never_panics() {
    let ctx = Context::unlimited(0, 1);
    let mut random = Random::new(7);
    for path in samples() {
        let model = Model::load(&path).unwrap();
        let rows = path.with_extension("rows.csv");
        let table = read_path(&rows, &model.read_options().unwrap(), &ctx).unwrap().table;
        for _ in 0..3_000 {
            let mut bytes = model.artifact.model.clone();
            mutate(&mut random, &mut bytes);
            // Whatever is accepted must be usable: predictions or an error.
            if let Ok(predictor) = Predictor::decode(&bytes)
                && let Ok(predictions) = predictor.predict(&table, &ctx)
            {
                let _ = predictor.regions(&table, &predictions, &ctx);
            }
        }
    }
}
