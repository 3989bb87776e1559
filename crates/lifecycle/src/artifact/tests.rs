//! What must hold of artifacts: they come back as they went in, whatever happens to a byte.

use std::io::{Cursor, Write};

use modelwright_core::ErrorKind;
use modelwright_core::context::Decisions;
use modelwright_core::data::{Field, Kind, Schema, Storage};
use modelwright_core::random::Random;
use modelwright_core::record::{
    Clock, ColumnProfile, DataSource, EnsembleRecord, FORMAT_VERSION as RECORD_VERSION, KindGuess,
    Options, Plan, RunRecord, SplitRecord, TableProfile, TaskRecord,
};
use modelwright_core::task::Task;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::*;
use crate::digest::sha256_hex;

pub(crate) fn record() -> RunRecord {
    RunRecord {
        format_version: RECORD_VERSION,
        engine_version: "0.1.0".to_owned(),
        options: Options::new("y"),
        data: DataSource { sha256: "ab".repeat(32), ..DataSource::default() },
        test_data: None,
        schema: schema(),
        profile: TableProfile::default(),
        leakage: Vec::new(),
        task: TaskRecord {
            task: Task::Binary,
            evidence: "2 distinct labels".to_owned(),
            target: "y".to_owned(),
            metric: "roc_auc".to_owned(),
            larger_is_better: true,
            classes: vec!["no".to_owned(), "yes".to_owned()],
            class_counts: Vec::new(),
            histogram: Vec::new(),
            n_rows_without_target: 0,
        },
        split: SplitRecord::default(),
        plan: Plan::default(),
        trials: Vec::new(),
        ensemble: EnsembleRecord::default(),
        threshold: Some(0.5),
        second_level: None,
        calibration: None,
        costs: None,
        intervals: None,
        suspects: None,
        evaluation: None,
        is_exhausted: false,
        slices: None,
        fairness: None,
        robustness: None,
        familiarity: None,
        unusual: None,
        mitigation: None,
        more_rows: None,
        nested: None,
        offers: Vec::new(),
        picked: None,
        shapes: None,
        edits: Vec::new(),
        continued: Vec::new(),
        retrained: None,
        feature_costs: None,
        importances: Vec::new(),
        explanation: None,
        decisions: Decisions::default(),
        clock: Clock { created: "2026-01-02T03:04:05Z".to_owned(), ..Clock::default() },
        warnings: Vec::new(),
    }
}

pub(crate) fn schema() -> Schema {
    Schema { fields: vec![Field::new("age", Storage::Number, Kind::Number)] }
}

/// Part bytes with repetition (so that deflate has references to break) and noise.
fn model_bytes() -> Vec<u8> {
    let mut random = Random::new(11);
    let noise: Vec<u8> = (0..200).map(|_| random.next_u64() as u8).collect();
    noise.iter().copied().cycle().take(700).collect()
}

fn sample() -> Vec<u8> {
    let (record, schema, model) = (record(), schema(), model_bytes());
    let parts = ArtifactParts {
        model: &model,
        schema: &schema,
        reference: b"sketches",
        record: &record,
        report_html: "<!doctype html><title>Modelwright</title>",
    };
    pack_artifact(&parts).unwrap()
}

#[test]
fn an_artifact_comes_back_as_it_went_in_and_equal_parts_give_equal_bytes() {
    let bytes = sample();
    assert_eq!(bytes, sample());
    let artifact = unpack_artifact(&bytes).unwrap();
    assert_eq!(artifact.model, model_bytes());
    assert_eq!(artifact.reference, b"sketches");
    assert_eq!(artifact.record().unwrap(), record());
    assert_eq!(artifact.manifest.target, "y");
    assert_eq!(artifact.manifest.classes, ["no", "yes"]);
    assert_eq!(artifact.manifest.data["train"], "ab".repeat(32));
    assert_eq!(artifact.manifest.parts[MODEL].sha256, sha256_hex(&model_bytes()));
}

/// One random change of a kind that disks, networks and editors make.
fn mutate(random: &mut Random, bytes: &mut Vec<u8>) {
    let at = random.below(bytes.len());
    match random.below(8) {
        0 => bytes[at] ^= 1 << random.below(8),
        1 => bytes.truncate(at),
        2 => bytes[at] = random.next_u64() as u8,
        3 => bytes.insert(at, random.next_u64() as u8),
        4 => {
            bytes.remove(at);
        }
        5 => {
            // A splice: a stretch of the file over another place.
            let length = 1 + random.below(64.min(bytes.len() - at));
            let stretch = bytes[at..at + length].to_vec();
            let to = random.below(bytes.len() - length + 1);
            bytes.splice(to..to + length, stretch);
        }
        6 => {
            // A length or offset field: four bytes become an extreme.
            let value = [0_u32, 1, 0x7fff_ffff, 0xffff_ffff][random.below(4)];
            for (byte, new) in bytes[at..].iter_mut().zip(value.to_le_bytes()) {
                *byte = new;
            }
        }
        _ => bytes.extend((0..=random.below(40)).map(|_| random.next_u64() as u8)),
    }
}

#[test]
fn no_mutation_is_ever_accepted_with_other_contents() {
    let original = sample();
    let mut random = Random::new(2026);
    for round in 0..10_000 {
        let mut bytes = original.clone();
        for _ in 0..=random.below(3) {
            if !bytes.is_empty() {
                mutate(&mut random, &mut bytes);
            }
        }
        match unpack_artifact(&bytes) {
            Ok(_) => assert_eq!(bytes, original, "round {round} accepted a changed file"),
            Err(error) => assert_eq!(error.kind(), ErrorKind::Input, "round {round}: {error}"),
        }
    }
}

#[test]
fn behind_a_forged_seal_nothing_panics_and_the_parts_digests_still_hold() {
    let original = sample();
    let honest = unpack_artifact(&original).unwrap();
    let mut random = Random::new(7);
    let mut n_accepted = 0;
    for round in 0..10_000 {
        let mut bytes = original.clone();
        mutate(&mut random, &mut bytes);
        reseal(&mut bytes);
        // The manifest may be forged too; but parts that differ from it never get through.
        if let Ok(artifact) = unpack_artifact(&bytes) {
            n_accepted += 1;
            assert_eq!(artifact.model, honest.model, "round {round}");
            assert_eq!(artifact.record_json, honest.record_json, "round {round}");
        }
    }
    assert!(n_accepted < 9_000, "mutations must reach the parsers: {n_accepted}");
}

/// An archive with our seal and the given parts, in that order.
fn forged(parts: &[(&str, &[u8])]) -> Vec<u8> {
    container::pack(parts).unwrap()
}

fn manifest_of(parts: &[(&str, &[u8])]) -> Vec<u8> {
    let mut manifest = Manifest::of(&record(), &schema());
    for (name, bytes) in parts {
        let part = Part { size_bytes: bytes.len() as u64, sha256: sha256_hex(bytes) };
        manifest.parts.insert((*name).to_owned(), part);
    }
    serde_json::to_vec(&manifest).unwrap()
}

#[test]
fn missing_extra_swapped_and_replaced_parts_are_refused() {
    let json = record_json(&record()).unwrap();
    let parts: [(&str, &[u8]); 4] =
        [(MODEL, b"m"), (REFERENCE, b"r"), (RECORD, &json), (REPORT, b"<html>")];
    let manifest = manifest_of(&parts);
    let with = |list: &[(&str, &[u8])]| {
        let mut all: Vec<(&str, &[u8])> = vec![(MANIFEST, &manifest)];
        all.extend_from_slice(list);
        unpack_artifact(&forged(&all))
    };
    with(&parts).unwrap();
    let mut swapped = parts;
    swapped.swap(0, 1);
    let mut replaced = parts;
    replaced[0].1 = b"M";
    let extra = [&parts[..], &[("run.sh", b"rm".as_slice())]].concat();
    for (bad, what) in [
        (with(&parts[..3]), "other parts"),
        (with(&extra), "other parts"),
        (with(&swapped), "other parts"),
        (with(&replaced), "was replaced"),
        (unpack_artifact(&forged(&parts)), "cannot be read"),
    ] {
        let error = bad.unwrap_err();
        assert!(error.what().contains(what), "{error}");
    }
}

#[test]
fn of_very_many_columns_the_account_beside_the_model_describes_the_first() {
    let mut record = record();
    let column = |i: usize| ColumnProfile {
        name: format!("gene_{i}"),
        kind: KindGuess { kind: Kind::Number, evidence: String::new(), overridden: false },
        n_rows: 1,
        n_missing: 0,
        n_distinct: 1,
        distinct_is_exact: true,
        numbers: None,
        texts: None,
        top: Vec::new(),
    };
    record.profile.columns = (0..2_000).map(column).collect();
    record.task.target = "gene_1999".to_owned();
    let whole = super::parse_record(&record_json(&record).unwrap()).unwrap();
    assert_eq!((whole.profile.columns.len(), whole.profile.n_left_out), (2_000, 0));
    let short = super::parse_record(&account_json(&record).unwrap()).unwrap();
    assert_eq!((short.profile.columns.len(), short.profile.n_left_out), (501, 1_499));
    assert_eq!(short.profile.columns[500].name, record.task.target);
    assert_eq!(account_json(&short).unwrap(), account_json(&record).unwrap());
}

#[test]
fn a_record_with_a_time_that_cannot_be_is_refused() {
    for seconds in ["-1", "1e300"] {
        let text = String::from_utf8(record_json(&record()).unwrap()).unwrap();
        let known = text.contains("\"time_limit_s\": null");
        assert!(known, "{text}");
        let text = text.replace("\"time_limit_s\": null", &format!("\"time_limit_s\": {seconds}"));
        let error = super::parse_record(text.as_bytes()).unwrap_err();
        assert!(error.what().contains("time limit"), "{error}");
    }
}

#[test]
fn a_newer_format_is_named_with_the_version_that_wrote_it() {
    let manifest = br#"{"format_version": 99, "versions": {"modelwright": "7.1.0"}}"#;
    let error = unpack_artifact(&forged(&[(MANIFEST, manifest)])).unwrap_err();
    assert!(error.what().contains("newer Modelwright"), "{error}");
    assert!(error.got_text().unwrap().contains("7.1.0"), "{error}");
}

#[test]
fn a_part_that_would_unpack_to_far_more_than_it_is_is_refused() {
    // 64 MiB of zeros deflate to 64 KiB: a thousandfold, as no real part does.
    let zeros = vec![0_u8; 64 << 20];
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    writer.start_file(MANIFEST, SimpleFileOptions::default()).unwrap();
    writer.write_all(&zeros).unwrap();
    let honest = forged(&[(MANIFEST, b"{}")]);
    let comment = honest[honest.len() - container::SEAL.len() - 64..].to_vec();
    writer.set_raw_comment(comment.into_boxed_slice()).unwrap();
    let mut bytes = writer.finish().unwrap().into_inner();
    reseal(&mut bytes);
    let error = unpack_artifact(&bytes).unwrap_err();
    assert!(error.what().contains("larger than it can be"), "{error}");
}

#[test]
fn other_files_are_told_apart_from_damaged_models() {
    for (bytes, what) in [
        (&b""[..], "empty"),
        (b"age,income\n1,2\n", "not a Modelwright model"),
        (b"PK\x03\x04 some other archive", "cut off or changed"),
        (&sample()[..400], "cut off or changed"),
    ] {
        let error = unpack_artifact(bytes).unwrap_err();
        assert!(error.what().contains(what), "{error}");
    }
    let mut flipped = sample();
    flipped[60] ^= 4;
    assert!(unpack_artifact(&flipped).unwrap_err().what().contains("checksum"));
}
