//! Numbers that came as f32 are profiled, checked for leaks and encoded as the f64 that equal them.

use modelwright_core::Context;
use modelwright_core::data::{Column, FeatureMatrix, Fold, Table};
use modelwright_core::random::Random;
use modelwright_core::task::Target;
use proptest::prelude::*;

use crate::encode::{EncodingSpec, PrepareInput, prepare};
use crate::leakage::{self, LeakageInput};
use crate::profile::{ProfileOptions, profile_table};

/// Columns of numbers of every kind, some of which tell the target, and a group.
fn columns(odd: &[f32], seed: u64, is_narrow: bool) -> Vec<Column> {
    let mut random = Random::new(seed);
    let n = odd.len();
    let noise: Vec<f32> = (0..n).map(|_| random.normal() as f32).collect();
    let mut columns: Vec<Column> = vec![
        ("odd", odd.to_vec()),
        ("noise", noise.clone()),
        ("again", noise.iter().map(|v| 3.0 * v + 0.1).collect()),
        ("copy", odd.iter().map(|v| if v.is_nan() { 0.0 } else { 2.0 * v }).collect()),
        ("gap", noise.iter().map(|v| if *v > 0.3 { f32::NAN } else { v.abs() }).collect()),
        ("code", noise.iter().map(|v| (v * 2.0).round()).collect()),
        ("id", (0..n).map(|i| i as f32 + 1000.0).collect()),
        ("time", (0..n).map(|i| 1.6e9 + (i * 86_400) as f32).collect()),
        ("spike", noise.iter().map(|v| if *v > 1.0 { 999.0 } else { v.abs() }).collect()),
    ]
    .into_iter()
    .map(|(name, values): (&str, Vec<f32>)| {
        if is_narrow {
            return Column::numbers(name, values);
        }
        Column::numbers(name, values.into_iter().map(f64::from).collect::<Vec<f64>>())
    })
    .collect();
    let group = |i: usize| Some(["a", "b", "c", "d"][i * 7 % 4]);
    columns.push(Column::strings("group", (0..n).map(group)));
    columns
}

fn targets(odd: &[f32]) -> [Target; 2] {
    let number = |v: &f32| if v.is_finite() { f64::from(*v) } else { 0.0 };
    let real: Vec<f64> = odd.iter().map(number).collect();
    let codes = real.iter().map(|v| u32::from(*v > 0.5)).collect();
    [Target::Class { codes, n_classes: 2 }, Target::Real(real)]
}

fn bits(matrix: &FeatureMatrix) -> String {
    let of = |values: &[f32]| values.iter().map(|v| v.to_bits()).collect::<Vec<u32>>();
    let columns: Vec<_> = matrix.columns.iter().map(|c| (&c.name, of(&c.values))).collect();
    format!("{columns:?} {:?}", matrix.sparse)
}

/// Everything that is found of a table, as text.
fn found(columns: Vec<Column>, target: &Target) -> Vec<String> {
    let ctx = Context::unlimited(1, 2);
    let table = Table::new(columns).unwrap();
    let options = ProfileOptions::default();
    let profile = profile_table(&table, &table.storage_schema(), &options, &ctx).unwrap();
    let mut found = vec![format!("{:?}", profile.record), format!("{:?}", profile.sketches)];
    let leaks = LeakageInput {
        table: &table,
        schema: &profile.schema,
        target,
        target_column: "y",
        test: None,
        group: Some("group"),
        time_column: Some("time"),
        split_kind: "random",
        keep_leaks: true,
    };
    found.push(format!("{:?}", leakage::check(&leaks, &ctx).unwrap()));
    let n = table.n_rows() as u32;
    let half = |rest: u32| (0..n).filter(|row| row % 2 == rest).collect();
    let folds = [Fold { train: half(0), validation: half(1) }];
    for spec in EncodingSpec::NAMES.map(|name| EncodingSpec::named(name).unwrap()) {
        let input = PrepareInput {
            table: &table,
            schema: &profile.schema,
            exclude: &[],
            target,
            weights: None,
            folds: &folds,
            like: None,
        };
        let out = prepare(&input, &spec, &ctx).unwrap();
        let served = out.encoder.transform(&table, &ctx).unwrap();
        found.push(format!("{:?}", out.encoder.encode().unwrap()));
        found.extend(out.folds.iter().chain([&out.full, &served]).map(bits));
    }
    found
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, ..ProptestConfig::default() })]
    #[test]
    fn the_width_of_the_source_changes_no_answer(
        odd in prop::collection::vec(
            prop_oneof![
                prop::sample::select(vec![f32::NAN, f32::INFINITY, -0.0, 1e-45, 3e38]),
                (-9_i16..9).prop_map(f32::from),
                -2.0_f32..2.0,
                -1e6_f32..1e6,
            ],
            40..260,
        ),
        seed in 0_u64..1000,
    ) {
        for target in targets(&odd) {
            let narrow = found(columns(&odd, seed, true), &target);
            let wide = found(columns(&odd, seed, false), &target);
            for (narrow, wide) in narrow.iter().zip(&wide) {
                prop_assert_eq!(narrow, wide);
            }
        }
    }
}
