//! Derived columns as a whole: what is found, what is not, and that nothing leaks.

use modelwright_core::Context;
use modelwright_core::data::{Column, Fold, Kind, Schema, Table};
use modelwright_core::random::Random;
use modelwright_core::task::Target;

use crate::encode::{EncodingSpec, FittedEncoder, PrepareInput, Prepared, prepare};

struct Data {
    table: Table,
    schema: Schema,
    target: Target,
}

const CATEGORIES: usize = 3;

/// Five numbers, three categories, and nothing in the target yet.
fn columns(n: usize, seed: u64) -> (Vec<Column>, Vec<Vec<f64>>, Vec<Vec<usize>>) {
    let mut random = Random::new(seed);
    let numbers: Vec<Vec<f64>> =
        (0..5).map(|_| (0..n).map(|_| (random.normal() + 3.0).abs()).collect()).collect();
    let levels: Vec<Vec<usize>> =
        (0..CATEGORIES).map(|c| (0..n).map(|_| random.below([6, 6, 40][c])).collect()).collect();
    let mut columns: Vec<Column> = numbers
        .iter()
        .enumerate()
        .map(|(i, values)| Column::numbers(format!("x{i}"), values.clone()))
        .collect();
    for (c, levels) in levels.iter().enumerate() {
        let texts = levels.iter().map(|level| Some(format!("l{level}")));
        columns.push(Column::strings(format!("c{c}"), texts));
    }
    (columns, numbers, levels)
}

fn data(columns: Vec<Column>, target: Target) -> Data {
    let table = Table::new(columns).unwrap();
    let mut schema = table.storage_schema();
    for field in &mut schema.fields {
        field.kind = if field.name.starts_with('c') { Kind::Category } else { Kind::Number };
    }
    Data { table, schema, target }
}

fn folds(n: usize, k: usize) -> Vec<Fold> {
    let part = |fold: usize, inside: bool| {
        (0..n as u32).filter(|r| (*r as usize % k == fold) == inside).collect()
    };
    (0..k).map(|i| Fold { train: part(i, false), validation: part(i, true) }).collect()
}

fn prepared(data: &Data, folds: &[Fold], threads: usize) -> Prepared {
    let input = PrepareInput {
        table: &data.table,
        schema: &data.schema,
        exclude: &[],
        target: &data.target,
        weights: None,
        folds,
        like: None,
    };
    prepare(&input, &EncodingSpec::derived(), &Context::unlimited(1, threads)).unwrap()
}

fn derived_of(data: &Data) -> Vec<String> {
    let encoder = prepared(data, &[], 1).encoder;
    encoder.derived_columns().map(str::to_owned).collect()
}

/// A target of numbers: `of(numbers, levels)` of each row, and noise.
fn with_target(n: usize, of: impl Fn(&[f64], &[usize]) -> f64) -> Data {
    let (columns, numbers, levels) = columns(n, 7);
    let mut random = Random::new(99);
    let row = |i: usize| -> (Vec<f64>, Vec<usize>) {
        (numbers.iter().map(|v| v[i]).collect(), levels.iter().map(|l| l[i]).collect())
    };
    let y = (0..n)
        .map(|i| {
            let (numbers, levels) = row(i);
            of(&numbers, &levels) + 0.3 * random.normal()
        })
        .collect();
    data(columns, Target::Real(y))
}

#[test]
fn the_pair_that_the_target_depends_on_is_found() {
    let product = with_target(2000, |x, _| (x[1] - 3.0) * (x[3] - 3.0));
    let found = derived_of(&product);
    assert!(found.iter().any(|f| f.contains("x1") && f.contains("x3")), "{found:?}");
    let ratio = with_target(2000, |x, _| (3.0 * x[0] / x[4].max(0.3)).min(9.0));
    let found = derived_of(&ratio);
    assert!(found.iter().any(|f| f == "x0 / x4" || f == "x4 / x0"), "{found:?}");
    let cross = with_target(5000, |_, l| f64::from(u8::from((l[0] + l[1]) % 2 == 0)));
    let found = derived_of(&cross);
    assert!(found.iter().any(|f| f == "c0 & c1" || f == "c1 & c0"), "{found:?}");
}

#[test]
fn a_cross_of_few_levels_with_few_rows_each_is_left_to_the_trees() {
    let few_rows = with_target(1500, |_, l| f64::from(u8::from((l[0] + l[1]) % 2 == 0)));
    let found = derived_of(&few_rows);
    assert!(!found.iter().any(|f| f.contains('&')), "{found:?}");
}

#[test]
fn the_place_within_a_group_is_found() {
    let n = 3000;
    let (mut columns, _, levels) = columns(n, 7);
    let mut random = Random::new(5);
    let centre: Vec<f64> = (0..40).map(|_| 10.0 * random.normal()).collect();
    let own: Vec<f64> = (0..n).map(|_| random.normal()).collect();
    let value = (0..n).map(|i| own[i] + centre[levels[2][i]]).collect::<Vec<f64>>();
    columns[0] = Column::numbers("x0", value);
    let y = own.iter().map(|o| o + 0.3 * random.normal()).collect();
    let found = derived_of(&data(columns, Target::Real(y)));
    assert!(found.iter().any(|f| f == "x0 - its mean by c2"), "{found:?}");
}

#[test]
fn numbers_that_name_households_are_tried_as_a_category_measured_ones_too() {
    let n = 3000;
    let household: Vec<usize> = {
        let mut random = Random::new(4);
        (0..n).map(|_| random.below(700)).collect()
    };
    let found = |scale: f64, error: f64| {
        let (mut columns, _, _) = columns(n, 7);
        let mut random = Random::new(5);
        let habit: Vec<f64> = (0..700).map(|_| random.normal()).collect();
        let y = household.iter().map(|h| habit[*h] + 0.3 * random.normal()).collect();
        let value = |h: &usize| *h as f64 * scale + error * random.unit();
        columns[0] = Column::numbers("income", household.iter().map(value).collect::<Vec<f64>>());
        derived_of(&data(columns, Target::Real(y)))
    };
    let is_tried = |found: &[String]| found.iter().any(|f| f == "income as category");
    for scale in [1.0, 0.37] {
        let found = found(scale, 0.0);
        assert!(is_tried(&found), "{scale}: {found:?}");
    }
    let found = found(0.37, 0.01);
    assert!(!is_tried(&found), "nobody has the same: {found:?}");
}

/// Three columns miss a third of their values, which of the first two do says the target, and
/// `n_rare` numbers miss a few.
fn with_holes(n: usize, n_rare: usize) -> Data {
    let (mut columns, numbers, _) = columns(n, 7);
    let mut random = Random::new(5);
    let mut missing = |share: f64| (0..n).map(|_| random.unit() < share).collect::<Vec<bool>>();
    let holes = [missing(0.35), missing(0.35), missing(0.35)];
    let with = |values: &[f64], missing: &[bool]| {
        let pairs = values.iter().zip(missing);
        pairs.map(|(v, missing)| if *missing { f64::NAN } else { *v }).collect::<Vec<f64>>()
    };
    for (i, missing) in holes.iter().enumerate() {
        columns[i] = Column::numbers(format!("x{i}"), with(&numbers[i], missing));
    }
    for i in 0..n_rare {
        let rare = missing(0.004);
        columns.push(Column::numbers(format!("rare{i}"), with(&numbers[2], &rare)));
    }
    let y = (0..n).map(|i| {
        let is_one = holes[0][i] != holes[1][i];
        f64::from(u8::from(is_one)) + 0.3 * random.normal()
    });
    let y = y.collect();
    data(columns, Target::Real(y))
}

#[test]
fn which_values_are_missing_together_is_found_also_beside_columns_that_rarely_miss_one() {
    for n_rare in [0, 6] {
        let found = derived_of(&with_holes(3000, n_rare));
        assert!(found.iter().any(|f| f == "pattern of missing values"), "{n_rare}: {found:?}");
    }
}

#[test]
fn sums_of_single_effects_and_noise_need_next_to_nothing() {
    let additive = with_target(2000, |x, l| x[0] + x[1].sin() + l[0] as f64);
    assert!(derived_of(&additive).len() <= 2, "{:?}", derived_of(&additive));
    let noise = with_target(2000, |_, _| 0.0);
    assert!(derived_of(&noise).len() <= 2, "{:?}", derived_of(&noise));
}

#[test]
fn every_division_sees_its_own_choice_and_zeros_for_that_of_others() {
    // Few rows and much noise, so that divisions differ.
    let data = with_target(400, |x, l| 0.4 * (x[1] - 3.0) * (x[3] - 3.0) + f64::from(l[0] == l[1]));
    let folds = folds(400, 4);
    let out = prepared(&data, &folds, 2);
    let names = out.encoder.feature_names();
    let n_raw = 5 + names.iter().filter(|n| n.starts_with('c') && !n.contains('&')).count();
    let mut n_blank = 0;
    for matrix in out.folds.iter().chain([&out.full]) {
        assert_eq!(matrix.columns.iter().map(|c| c.name.clone()).collect::<Vec<_>>(), names);
        for (i, column) in matrix.columns.iter().enumerate() {
            let is_blank = column.values.iter().all(|v| *v == 0.0);
            assert!(!is_blank || i >= n_raw - 1, "{} is blank", column.name);
            n_blank += usize::from(is_blank);
        }
    }
    assert!(n_blank > 0, "the divisions chose the same, which tests nothing");
    let alone = prepared(&data, &folds[1..2], 1);
    let chosen = |matrix: &modelwright_core::data::FeatureMatrix| -> Vec<String> {
        let is_chosen =
            |c: &&modelwright_core::data::FeatureColumn| c.values.iter().any(|v| *v != 0.0);
        matrix.columns.iter().filter(is_chosen).map(|c| c.name.to_string()).collect()
    };
    assert!(!chosen(&alone.folds[0]).is_empty());
}

#[test]
fn a_fold_is_not_offered_what_its_validation_rows_speak_for() {
    let n = 1200;
    let (columns, numbers, _) = columns(n, 7);
    let mut random = Random::new(3);
    // The pair explains the judged rows and none of the others.
    let fold = &folds(n, 4)[0];
    let is_judged = |row: usize| fold.validation.binary_search(&(row as u32)).is_ok();
    let y = (0..n)
        .map(|i| {
            let pair = 5.0 * (numbers[1][i] - 3.0) * (numbers[3][i] - 3.0);
            if is_judged(i) { pair } else { random.normal() }
        })
        .collect();
    let data = data(columns, Target::Real(y));
    let out = prepared(&data, std::slice::from_ref(fold), 1);
    let pair = |n: &str| n.contains("x1") && n.contains("x3");
    let of = |matrix: &modelwright_core::data::FeatureMatrix| {
        let used = matrix.columns.iter().filter(|c| c.values.iter().any(|v| *v != 0.0));
        used.filter(|c| pair(&c.name)).count()
    };
    assert!(of(&out.full) > 0, "all rows together speak for the pair");
    assert_eq!(of(&out.folds[0]), 0);
}

/// Mean over seeds of the share of the judged rows' variance that the best derived column of a
/// fold explains, by the means that its quarters have in the training rows.
#[test]
fn on_a_shuffled_target_derived_columns_have_no_advantage_out_of_fold() {
    let (mut gained, mut n_found) = (0.0, 0);
    for seed in 0..60 {
        let n = 300;
        let (columns, ..) = columns(n, seed);
        let mut random = Random::new(1000 + seed);
        let codes: Vec<u32> = (0..n).map(|_| random.below(2) as u32).collect();
        let data = data(columns, Target::Class { codes: codes.clone(), n_classes: 2 });
        let folds = folds(n, 3);
        let out = prepared(&data, &folds, 2);
        let derived: Vec<String> = out.encoder.derived_columns().map(str::to_owned).collect();
        for (fold, matrix) in folds.iter().zip(&out.folds) {
            let own = matrix.columns.iter().filter(|c| derived.contains(&c.source.to_string()));
            for column in own.filter(|c| c.values.iter().any(|v| *v != 0.0)) {
                gained += advantage(&column.values, &codes, fold);
                n_found += 1;
            }
        }
    }
    assert!(n_found > 10, "{n_found} columns test nothing");
    let mean = gained / f64::from(n_found);
    assert!(mean.abs() < 0.03, "AUC off one half by {mean} over {n_found} columns");
}

/// By how much the AUC of a column on judged rows is above one half, in the direction that it has
/// on the training rows.
fn advantage(values: &[f32], codes: &[u32], fold: &Fold) -> f64 {
    let auc = |rows: &[u32]| -> f64 {
        let (mut above, mut n) = (0.0, 0.0_f64);
        for a in rows.iter().filter(|r| codes[**r as usize] == 1) {
            for b in rows.iter().filter(|r| codes[**r as usize] == 0) {
                let (a, b) = (values[*a as usize], values[*b as usize]);
                above += if a > b {
                    1.0
                } else if a < b {
                    0.0
                } else {
                    0.5
                };
                n += 1.0;
            }
        }
        above / n - 0.5
    };
    auc(&fold.validation) * auc(&fold.train).signum()
}

#[test]
fn serving_gives_the_training_columns_also_row_by_row_and_after_storage() {
    let data = with_target(1500, |x, l| {
        (x[1] - 3.0) * (x[3] - 3.0) + f64::from(u8::from(l[0] == l[1])) + x[0] / x[4].max(0.2)
    });
    let out = prepared(&data, &[], 2);
    let n_derived = out.encoder.derived_columns().count();
    assert!(n_derived > 1);
    let ctx = Context::unlimited(1, 1);
    let stored = out.encoder.encode().unwrap();
    let encoder = FittedEncoder::decode(&stored).unwrap();
    assert_eq!(encoder.derived_columns().count(), n_derived);
    let bits = |m: &modelwright_core::data::FeatureMatrix, row: usize| -> Vec<u32> {
        m.columns.iter().map(|c| c.values[row].to_bits()).collect()
    };
    let served = encoder.transform(&data.table, &ctx).unwrap();
    for row in [0, 17, 1499] {
        let one = encoder.transform(&data.table.select(&[row as u32]), &ctx).unwrap();
        assert_eq!(bits(&one, 0), bits(&served, row));
    }
    for (column, full) in served.columns.iter().zip(&out.full.columns) {
        if !column.name.contains(":target") {
            assert_eq!(column.values, full.values, "{}", column.name);
        }
    }
    let names: Vec<&str> = encoder.input_columns().map(|(name, _)| name).collect();
    let distinct: std::collections::BTreeSet<&&str> = names.iter().collect();
    assert_eq!(distinct.len(), names.len(), "{names:?}");
    // Broken bytes are refused or harmless, wherever they are broken.
    let start = stored.len() - stored.len().min(900);
    for i in start..stored.len() {
        let mut broken = stored.clone();
        broken[i] ^= 0x5a;
        if let Ok(encoder) = FittedEncoder::decode(&broken) {
            let _ = encoder.transform(&data.table.select(&[0]), &ctx);
        }
        let _ = FittedEncoder::decode(&stored[..i]);
    }
}

#[test]
fn no_result_depends_on_the_thread_count() {
    let data = with_target(900, |x, l| (x[1] - 3.0) * (x[3] - 3.0) + l[1] as f64 * x[2]);
    let folds = folds(900, 3);
    let bits = |out: &Prepared| -> Vec<Vec<u32>> {
        let all = out.folds.iter().chain([&out.full]).flat_map(|m| &m.columns);
        all.map(|c| c.values.iter().map(|v| v.to_bits()).collect()).collect()
    };
    let (one, four) = (prepared(&data, &folds, 1), prepared(&data, &folds, 4));
    assert_eq!(bits(&one), bits(&four));
    assert_eq!(one.encoder.encode().unwrap(), four.encoder.encode().unwrap());
}

#[test]
fn tables_that_are_hard_to_derive_from_are_no_error() {
    let missing = |n: usize| Column::numbers("x", vec![f64::NAN; n]);
    let odd = |n: usize| {
        let values = [f64::INFINITY, -1e300, 1e-300, f64::NAN, 0.0];
        Column::numbers("y", (0..n).map(|i| values[i % 5]).collect::<Vec<f64>>())
    };
    let strings =
        |n: usize| Column::strings("c", (0..n).map(|i| (i % 3 > 0).then(|| i.to_string())));
    for n in [1, 2, 149, 150, 400] {
        for target in [
            Target::Real((0..n).map(|i| i as f64).collect()),
            Target::Real(vec![1e300; n]),
            Target::Class { codes: (0..n as u32).map(|i| i % 3).collect(), n_classes: 3 },
            Target::Class { codes: vec![1; n], n_classes: 2 },
        ] {
            let data = data(vec![missing(n), odd(n), strings(n)], target);
            let out = prepared(&data, &folds(n, 2), 1);
            assert_eq!(out.full.n_rows, n);
            let finite = |c: &modelwright_core::data::FeatureColumn| {
                c.values.iter().all(|v| !v.is_infinite())
            };
            assert!(out.full.columns.iter().all(finite));
        }
    }
}

#[test]
fn an_encoder_to_be_like_names_the_columns_whatever_the_target_says_now() {
    let found = with_target(1500, |x, l| (x[0] - x[1]).abs() + f64::from(l[0] == l[1]) * 3.0);
    let tested = prepared(&found, &folds(1500, 3), 2).encoder;
    let wanted: Vec<&str> = tested.derived_columns().collect();
    assert!(!wanted.is_empty());
    // Other rows, more of them, and nothing to be found: the screen alone would offer little.
    let noise = with_target(2000, |_, _| 0.0);
    let again = |like, threads| {
        let input = PrepareInput {
            table: &noise.table,
            schema: &noise.schema,
            exclude: &[],
            target: &noise.target,
            weights: None,
            folds: &[],
            like,
        };
        prepare(&input, &EncodingSpec::derived(), &Context::unlimited(1, threads)).unwrap().encoder
    };
    let own = again(None, 1);
    let like = again(Some(&tested), 1);
    assert!(own.derived_columns().count() < wanted.len());
    assert_eq!(like.derived_columns().collect::<Vec<_>>(), wanted);
    assert_eq!(like.encode().unwrap(), again(Some(&tested), 4).encode().unwrap());
}
