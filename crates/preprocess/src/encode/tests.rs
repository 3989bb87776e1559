//! Preparation as a whole: sharing, leaks, serving, broken artifacts, bad input.

use std::sync::Arc;

use modelwright_core::Context;
use modelwright_core::data::{
    Column, ColumnData, FeatureMatrix, Field, Fold, Kind, MISSING_INSTANT, RawRow, Schema, Storage,
    Table,
};
use modelwright_core::random::Random;
use modelwright_core::task::Target;

use super::derived::{DerivedSource, DerivedSources};
use super::encoder::{Part, Source};
use super::{EncodingSpec, FittedEncoder, PrepareInput, Prepared, prepare};
use crate::catalog::transformer;
use crate::derive::{Derived, Form, RawInput};
use crate::transform::TransformInput;

/// A table with a column of every usable kind, missing values in each.
fn mixed_table(n: usize) -> (Table, Schema, Target) {
    let mut random = Random::new(5);
    let mut strings = |name: &str, levels: usize, prefix: &str| {
        let values: Vec<Option<String>> = (0..n)
            .map(|_| (random.below(9) > 0).then(|| format!("{prefix}{}", random.below(levels))))
            .collect();
        Column::strings(name, values)
    };
    let few = strings("few", 5, "f");
    let many = strings("many", 60, "m");
    let two = strings("two", 2, "t");
    let flag = strings("flag", 2, "");
    let text = strings("text", n, "some words about ");
    let mut numbers = |name: &str, levels: usize| {
        let value =
            |r: &mut Random| if r.below(9) == 0 { f64::NAN } else { r.below(levels) as f64 };
        Column::numbers(name, (0..n).map(|_| value(&mut random)).collect::<Vec<f64>>())
    };
    let number = numbers("number", 5000);
    let code = numbers("code", 40);
    let instants = (0..n)
        .map(|i| {
            if i % 10 == 3 {
                MISSING_INSTANT
            } else {
                (i * i % 977).cast_signed() as i64 * 40_000_000_000
            }
        })
        .collect();
    let constant = Column::numbers("same", vec![4.0; n]);
    let target =
        Target::Class { codes: (0..n).map(|_| random.below(3) as u32).collect(), n_classes: 3 };
    let columns = vec![
        number,
        few,
        many,
        two,
        flag,
        text,
        code,
        Column::instants("when", instants),
        constant,
    ];
    let kinds = [
        Kind::Number,
        Kind::Category,
        Kind::Category,
        Kind::Category,
        Kind::Boolean,
        Kind::Text,
        Kind::IntegerCategory,
        Kind::Datetime,
        Kind::Number,
    ];
    let fields = columns
        .iter()
        .zip(kinds)
        .map(|(c, kind)| Field {
            optional: c.name == "many",
            ..Field::new(&c.name, Storage::Number, kind)
        })
        .collect();
    (Table::new(columns).unwrap(), Schema { fields }, target)
}

fn folds(n: usize, k: usize) -> Vec<Fold> {
    let part = |fold: usize, inside: bool| {
        (0..n as u32).filter(|r| (*r as usize % k == fold) == inside).collect()
    };
    (0..k).map(|i| Fold { train: part(i, false), validation: part(i, true) }).collect()
}

fn prepared(
    (table, schema, target): &(Table, Schema, Target),
    folds: &[Fold],
    spec: &EncodingSpec,
    threads: usize,
) -> Prepared {
    let input =
        PrepareInput { table, schema, exclude: &[], target, weights: None, folds, like: None };
    prepare(&input, spec, &Context::unlimited(1, threads)).unwrap()
}

fn bits(matrix: &FeatureMatrix) -> Vec<(Arc<str>, Vec<u32>)> {
    let of = |values: &[f32]| values.iter().map(|v| v.to_bits()).collect();
    matrix.columns.iter().map(|c| (c.name.clone(), of(&c.values))).collect()
}

#[test]
fn target_free_columns_are_shared_and_all_matrices_have_the_same_features() {
    let data = mixed_table(300);
    for spec in [EncodingSpec::trees(), EncodingSpec::linear()] {
        let out = prepared(&data, &folds(300, 3), &spec, 2);
        assert_eq!(out.folds.len(), 3);
        let names = out.encoder.feature_names();
        for matrix in out.folds.iter().chain([&out.full]) {
            let found: Vec<&str> = matrix.columns.iter().map(|c| &*c.name).collect();
            assert_eq!(found, names.iter().map(|n| &**n).collect::<Vec<_>>());
            assert_eq!(matrix.columns.iter().all(|c| c.bins.is_some()), spec.bins);
            for (column, full) in matrix.columns.iter().zip(&out.full.columns) {
                let sees_target = column.name.contains(":target");
                let is_shared = Arc::ptr_eq(&column.values, &full.values);
                assert!(is_shared != sees_target || std::ptr::eq(matrix, &raw const out.full));
            }
        }
        assert!(!names.iter().any(|n| n.starts_with("same")), "a constant was kept");
        assert!(out.encoder.input_columns().all(|(name, _)| name != "same"));
        assert_eq!(out.full.sparse.is_some(), spec.name == "linear");
    }
}

#[test]
fn serving_writes_what_training_wrote_where_the_target_is_not_seen() {
    let data = mixed_table(400);
    let ctx = Context::unlimited(1, 2);
    for spec in [EncodingSpec::trees(), EncodingSpec::linear()] {
        let out = prepared(&data, &[], &spec, 2);
        let served = out.encoder.transform(&data.0, &ctx).unwrap();
        for ((name, a), (_, b)) in bits(&out.full).iter().zip(bits(&served)) {
            assert!(name.contains(":target") || *a == b, "{name}");
        }
        assert_eq!(out.full.sparse, served.sparse);
        let decoded = FittedEncoder::decode(&out.encoder.encode().unwrap()).unwrap();
        assert_eq!(bits(&decoded.transform(&data.0, &ctx).unwrap()), bits(&served));
        for row in [0_u32, 3, 77] {
            let one = out.encoder.transform(&data.0.select(&[row]), &ctx).unwrap();
            for (column, all) in one.columns.iter().zip(&served.columns) {
                let expected = all.values[row as usize].to_bits();
                assert_eq!(column.values[0].to_bits(), expected, "{}", column.name);
            }
        }
    }
}

/// As a model has it: each field with the storage of its column.
fn stored_schema(table: &Table) -> Schema {
    let storage = |c: &Column| match c.data {
        ColumnData::Number(_) => Storage::Number,
        ColumnData::Instant(_) => Storage::Instant,
        ColumnData::String { .. } => Storage::String,
    };
    let field = |c: &Column| Field::new(&c.name, storage(c), Kind::Number);
    Schema { fields: table.columns().iter().map(field).collect() }
}

/// Every row of the table written by itself has the bits that it has among the others.
fn check_rows(encoder: &FittedEncoder, table: &Table, schema: &Schema, ctx: &Context) {
    let served = encoder.transform(table, ctx).unwrap();
    let (mut features, mut raw) = (encoder.row_features(schema), RawRow::default());
    for row in 0..table.n_rows() {
        raw.take(table, row, schema);
        encoder.write_row(&raw, schema, &mut features, ctx).unwrap();
        let one = features.matrix();
        assert_eq!(one.n_features(), served.n_features());
        for (column, all) in one.columns.iter().zip(&served.columns) {
            assert_eq!(column.name, all.name);
            assert_eq!(column.is_category, all.is_category);
            let expected = all.values[row].to_bits();
            assert_eq!(column.values[0].to_bits(), expected, "{} {row}", column.name);
        }
        assert_eq!(one.sparse.is_some(), served.sparse.is_some());
        if let (Some(one), Some(all)) = (&one.sparse, &served.sparse) {
            assert_eq!(one.row(0), all.row(row));
        }
    }
}

#[test]
fn a_row_is_written_without_a_table_as_with_one() {
    let data = mixed_table(400);
    let ctx = Context::unlimited(1, 2);
    let schema = stored_schema(&data.0);
    for spec in EncodingSpec::NAMES.map(|name| EncodingSpec::named(name).unwrap()) {
        let encoder = prepared(&data, &[], &spec, 2).encoder;
        check_rows(&encoder, &data.0, &schema, &ctx);
        let mut features = encoder.row_features(&Schema { fields: schema.fields[1..].to_vec() });
        let mut raw = RawRow::default();
        raw.take(&data.0, 0, &schema);
        let error = encoder.write_row(&raw, &schema, &mut features, &ctx).unwrap_err();
        assert!(error.to_string().contains("`number`"), "{error}");
    }
}

/// Columns derived in every way, one of a number that is also read as a category.
fn derived_in_every_way(data: &(Table, Schema, Target)) -> DerivedSources {
    let (table, schema, target) = data;
    let ctx = Context::unlimited(1, 1);
    let rows: Vec<u32> = (0..table.n_rows() as u32).collect();
    let names = ["number", "number", "few", "many", "when", "when", "code"];
    let input = |(i, name): (usize, &str)| RawInput {
        name: name.to_owned(),
        kind: schema.fields[schema.position(name).unwrap()].kind,
        optional: name == "many",
        recast: i == 1,
    };
    let inputs: Vec<RawInput> = names.into_iter().enumerate().map(input).collect();
    let mut sources = DerivedSources { inputs, columns: Vec::new() };
    let given = sources.read(table).unwrap();
    let mut columns = Vec::new();
    for (form, of) in [
        (Form::Difference, &[0, 0][..]),
        (Form::Sum, &[0, 0]),
        (Form::Product, &[0, 0]),
        (Form::Ratio, &[0, 0]),
        (Form::ElapsedDays, &[4, 5]),
        (Form::GroupMean, &[0, 2]),
        (Form::OffGroupMean, &[0, 3]),
        (Form::OverGroupMean, &[0, 6]),
        (Form::Cross, &[1]),
        (Form::Cross, &[2, 3, 6]),
        (Form::MissingCount, &[0, 2, 4]),
        (Form::MissingPattern, &[0, 3, 4, 6]),
    ] {
        let own: Vec<&Column> = of.iter().map(|i| &*given[*i as usize]).collect();
        let derived = Derived::fit(form, of.to_vec(), &own, &rows).unwrap();
        let name = derived.name(&sources.inputs);
        let column = derived.of(&name, &own).unwrap();
        let steps: &[&str] = match form.kind() {
            Kind::Number => &["number", "cut_number"],
            _ => &["target_statistics", "frequency", "one_hot"],
        };
        let part = |step: &&str| {
            let input = TransformInput::new(&column, &rows, target);
            let entry = transformer(step).unwrap();
            let (fitted, encoded) =
                entry.fit_transform(&input, &entry.default_params(), &ctx).unwrap();
            Part::new(fitted, (0..encoded.columns.len() as u32).collect(), &name)
        };
        let parts = steps.iter().map(part).collect();
        let (kind, optional) = (form.kind(), false);
        let source = Source { name: name.as_str().into(), kind, optional, parts };
        columns.push(DerivedSource { derived, source });
    }
    sources.columns = columns;
    sources
}

#[test]
fn derived_columns_of_a_row_are_made_without_columns_as_with_them() {
    let data = mixed_table(300);
    let ctx = Context::unlimited(1, 1);
    let derived = derived_in_every_way(&data);
    let encoder = FittedEncoder::new("derived".to_owned(), Vec::new(), derived);
    let schema = stored_schema(&data.0);
    check_rows(&encoder, &data.0, &schema, &ctx);
    // Held otherwise than learned from: only columns know what becomes of it.
    let columns = data.0.columns().iter().map(|column| match &column.data {
        ColumnData::Number(_) if column.name == "number" => {
            let texts = (0..column.n_rows()).map(|row| column.display(row));
            Column::strings(&column.name, texts.collect::<Vec<_>>())
        }
        _ => column.clone(),
    });
    let table = Table::new(columns.collect()).unwrap();
    check_rows(&encoder, &table, &stored_schema(&table), &ctx);
    let without = table.columns().iter().filter(|c| c.name != "many").cloned().collect();
    let without = Table::new(without).unwrap();
    check_rows(&encoder, &without, &stored_schema(&without), &ctx);
}

#[test]
fn columns_are_found_by_name_and_an_absent_one_is_refused_unless_optional() {
    let data = mixed_table(200);
    let ctx = Context::unlimited(1, 1);
    let encoder = prepared(&data, &[], &EncodingSpec::trees(), 1).encoder;
    let expected = encoder.transform(&data.0, &ctx).unwrap();
    let mut columns = data.0.clone().into_columns();
    columns.reverse();
    columns.push(Column::numbers("extra", vec![0.0; 200]));
    let mixed = encoder.transform(&Table::new(columns.clone()).unwrap(), &ctx).unwrap();
    assert_eq!(bits(&mixed), bits(&expected));
    columns.retain(|c| c.name != "many");
    let without = encoder.transform(&Table::new(columns.clone()).unwrap(), &ctx).unwrap();
    assert_eq!(without.n_features(), expected.n_features());
    columns.retain(|c| c.name != "few");
    let error = encoder.transform(&Table::new(columns).unwrap(), &ctx).err().unwrap().to_string();
    assert!(error.contains("column `few`"), "{error}");
}

#[test]
fn the_number_of_threads_changes_no_bit() {
    let data = mixed_table(600);
    for spec in [EncodingSpec::trees(), EncodingSpec::linear()] {
        let one = prepared(&data, &folds(600, 2), &spec, 1);
        for threads in [2, 4] {
            let other = prepared(&data, &folds(600, 2), &spec, threads);
            assert_eq!(one.encoder.encode().unwrap(), other.encoder.encode().unwrap());
            for (a, b) in one.folds.iter().zip(&other.folds) {
                assert_eq!(bits(a), bits(b));
                let bins = |m: &FeatureMatrix| {
                    m.columns.iter().map(|c| c.bins.clone()).collect::<Vec<_>>()
                };
                assert_eq!(bins(a), bins(b));
            }
            assert_eq!(one.full.sparse, other.full.sparse);
        }
    }
}

#[test]
fn a_broken_encoder_is_an_error_or_works_and_never_panics() {
    let data = mixed_table(60);
    let ctx = Context::unlimited(1, 1);
    let mut random = Random::new(9);
    for spec in [EncodingSpec::trees(), EncodingSpec::linear()] {
        let bytes = prepared(&data, &[], &spec, 1).encoder.encode().unwrap();
        for i in 0..2000 {
            let mut broken = bytes.clone();
            let at = random.below(broken.len());
            match i % 4 {
                0 => broken.truncate(at),
                1 => broken[at] = random.next_u64() as u8,
                _ => broken[at] ^= 1 << random.below(8),
            }
            if let Ok(encoder) = FittedEncoder::decode(&broken) {
                // Names may have changed, so a column may be absent; a panic is the only failure.
                let _ = encoder.transform(&data.0, &ctx);
            }
        }
    }
}

/// Area under the ROC curve of scores against 0/1 labels, ties counted half.
fn auc(scores: &[(f64, u32)]) -> f64 {
    let mut sorted = scores.to_vec();
    sorted.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (mut below, mut pairs) = (0.0, 0.0);
    for run in sorted.chunk_by(|a, b| a.0 == b.0) {
        let positive = run.iter().filter(|r| r.1 == 1).count() as f64;
        let negative = run.len() as f64 - positive;
        pairs += positive * (below + negative / 2.0);
        below += negative;
    }
    let n_positive = scores.iter().filter(|s| s.1 == 1).count() as f64;
    pairs / (n_positive * (scores.len() as f64 - n_positive))
}

/// A model that learns the share of positives in each of 16 groups of bins of each feature and
/// adds them up; its AUC on the rows learned from and on `judged` of `served`.
fn grouped_model(
    train: &FeatureMatrix,
    rows: &[u32],
    served: &FeatureMatrix,
    judged: &[u32],
    y: &[u32],
    y_judged: &[u32],
) -> (f64, f64) {
    let mut scores = vec![0.0; rows.len()];
    let mut judged_scores = vec![0.0; judged.len()];
    for (column, new) in train.columns.iter().zip(&served.columns) {
        let mut sorted: Vec<f32> = rows.iter().map(|r| column.values[*r as usize]).collect();
        sorted.sort_by(f32::total_cmp);
        let cuts: Vec<f32> = (1..16).map(|i| sorted[i * sorted.len() / 16]).collect();
        let group = |v: f32| cuts.iter().filter(|c| **c < v).count();
        let mut sums = [(1.0, 2.0); 16];
        for r in rows {
            let (sum, n) = &mut sums[group(column.values[*r as usize])];
            *sum += f64::from(y[*r as usize]);
            *n += 1.0;
        }
        for (score, r) in scores.iter_mut().zip(rows) {
            let (sum, n) = sums[group(column.values[*r as usize])];
            *score += sum / n;
        }
        for (score, r) in judged_scores.iter_mut().zip(judged) {
            let (sum, n) = sums[group(new.values[*r as usize])];
            *score += sum / n;
        }
    }
    let with = |scores: Vec<f64>, rows: &[u32], y: &[u32]| {
        let y = rows.iter().map(|r| y[*r as usize]);
        auc(&scores.into_iter().zip(y).collect::<Vec<_>>())
    };
    (with(scores, rows, y), with(judged_scores, judged, y_judged))
}

#[test]
fn a_random_category_and_a_shuffled_target_score_like_chance() {
    const N: usize = 12_000;
    let draw = |seed: u64| {
        let mut random = Random::new(seed);
        let levels: Vec<Option<String>> =
            (0..N).map(|_| Some(format!("L{}", random.below(1000)))).collect();
        let y: Vec<u32> = (0..N).map(|_| random.below(2) as u32).collect();
        (Table::new(vec![Column::strings("id", levels)]).unwrap(), y)
    };
    let (table, y) = draw(1);
    let (fresh, fresh_y) = draw(2);
    let schema = table.storage_schema();
    let target = Target::Class { codes: y.clone(), n_classes: 2 };
    let data = (table, schema, target);
    let folds = folds(N, 4);
    let out = prepared(&data, &folds, &EncodingSpec::trees(), 2);
    let ctx = Context::unlimited(1, 2);
    let near_chance = |(learned, judged): (f64, f64), what: &str| {
        assert!((0.46..0.55).contains(&learned), "{what}: {learned} on the rows learned from");
        assert!((0.47..0.53).contains(&judged), "{what}: {judged} on other rows");
    };
    for (fold, matrix) in folds.iter().zip(&out.folds) {
        let score = grouped_model(matrix, &fold.train, matrix, &fold.validation, &y, &y);
        near_chance(score, "fold");
    }
    let all: Vec<u32> = (0..N as u32).collect();
    let served = out.encoder.transform(&fresh, &ctx).unwrap();
    near_chance(grouped_model(&out.full, &all, &served, &all, &y, &fresh_y), "refit");
    // The same model sees through statistics that hold a row's own target.
    let naive = out.encoder.transform(&data.0, &ctx).unwrap();
    let (learned, _) = grouped_model(&naive, &all, &served, &all, &y, &fresh_y);
    assert!(learned > 0.6, "the test would not notice a leak: {learned}");
}

#[test]
fn statistics_of_a_telling_category_reach_rows_not_learned_from() {
    const N: usize = 3000;
    let mut random = Random::new(4);
    let levels: Vec<usize> = (0..N).map(|_| random.below(50)).collect();
    let y: Vec<f64> = levels.iter().map(|l| *l as f64 + random.normal()).collect();
    let column = Column::strings("c", levels.iter().map(|l| Some(format!("c{l}"))));
    let table = Table::new(vec![column]).unwrap();
    let schema = table.storage_schema();
    let folds = folds(N, 3);
    let out =
        prepared(&(table, schema, Target::Real(y.clone())), &folds, &EncodingSpec::trees(), 2);
    for (fold, matrix) in folds.iter().zip(&out.folds) {
        let statistic = &matrix.columns[0];
        assert_eq!(&*statistic.name, "c:target");
        let error = fold
            .validation
            .iter()
            .map(|r| (f64::from(statistic.values[*r as usize]) - y[*r as usize]).powi(2));
        let rmse = (error.sum::<f64>() / fold.validation.len() as f64).sqrt();
        assert!(rmse < 1.3, "{rmse}");
    }
}

#[test]
fn bad_input_is_refused_with_what_was_expected() {
    let (table, schema, target) = mixed_table(20);
    let ctx = Context::unlimited(0, 1);
    let spec = EncodingSpec::trees();
    let base = PrepareInput {
        table: &table,
        schema: &schema,
        exclude: &[],
        target: &target,
        weights: None,
        folds: &[],
        like: None,
    };
    let message = |input: PrepareInput<'_>| prepare(&input, &spec, &ctx).err().unwrap().to_string();
    let short = Target::Real(vec![0.0; 3]);
    assert!(message(PrepareInput { target: &short, ..base }).contains("20 rows"));
    let weights = [1.0; 3];
    assert!(message(PrepareInput { weights: Some(&weights), ..base }).contains("weights"));
    let weights: Vec<f64> = (0..20).map(|i| if i == 6 { -1.0 } else { 1.0 }).collect();
    assert!(message(PrepareInput { weights: Some(&weights), ..base }).contains("row 7"));
    let wild = Target::Class { codes: vec![5; 20], n_classes: 3 };
    assert!(message(PrepareInput { target: &wild, ..base }).contains("below 3"));
    let fold = [Fold { train: vec![0, 99], validation: vec![1] }];
    assert!(message(PrepareInput { folds: &fold, ..base }).contains("99"));
    let mut other = schema.clone();
    other.fields.push(Field::new("mani", Storage::String, Kind::Category));
    assert!(message(PrepareInput { schema: &other, ..base }).contains("did you mean `many`"));
    let mut other = schema.clone();
    other.fields[1].kind = Kind::Datetime;
    assert!(message(PrepareInput { schema: &other, ..base }).contains("column `few`"));
}

#[test]
fn a_table_without_rows_or_features_is_prepared_to_nothing() {
    let (table, schema, target) = mixed_table(20);
    let empty = table.select(&[]);
    let out =
        prepared(&(empty, schema.clone(), target.select(&[])), &[], &EncodingSpec::trees(), 1);
    assert_eq!((out.full.n_rows, out.full.n_features()), (0, 0));
    let exclude: Vec<String> = table.names().map(str::to_owned).collect();
    let input = PrepareInput {
        table: &table,
        schema: &schema,
        exclude: &exclude,
        target: &target,
        weights: None,
        folds: &[],
        like: None,
    };
    let out = prepare(&input, &EncodingSpec::linear(), &Context::unlimited(0, 1)).unwrap();
    assert_eq!((out.full.n_rows, out.full.n_features()), (20, 0));
    assert_eq!(out.encoder.transform(&table, &Context::unlimited(0, 1)).unwrap().n_rows, 20);
}
