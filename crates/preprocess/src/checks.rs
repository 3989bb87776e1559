//! The conformance suite: what every transformer of the catalog promises.
//!
//! Each entry runs with its defaults, with every flag turned and every choice taken, on a column
//! of each of its kinds. The living example is checked like the others.

use modelwright_core::Context;
use modelwright_core::data::{Column, ColumnData, Kind, MISSING_INSTANT, RawValue};
use modelwright_core::params::{Domain, ParamMap, ParamValue};
use modelwright_core::random::Random;
use modelwright_core::task::Target;

use crate::catalog::TRANSFORMERS;
use crate::transform::{Encoded, Entry, FittedTransformer, TransformInput, example};

const N: usize = 240;

struct Case {
    entry: Entry,
    params: ParamMap,
    kind: Kind,
}

impl Case {
    fn name(&self) -> String {
        format!("{} {:?} on {}", self.entry.spec.name, self.params, self.kind.name())
    }

    fn fit(&self, column: &Column, rows: &[u32], threads: usize) -> (FittedTransformer, Encoded) {
        self.fit_to(column, rows, &target(column.n_rows()), threads)
    }

    fn fit_to(
        &self,
        column: &Column,
        rows: &[u32],
        target: &Target,
        threads: usize,
    ) -> (FittedTransformer, Encoded) {
        let mut order = rows.to_vec();
        Random::new(5).shuffle(&mut order);
        let input = TransformInput { order: &order, ..TransformInput::new(column, rows, target) };
        let ctx = Context::unlimited(7, threads);
        let result = self.entry.fit_transform(&input, &self.params, &ctx);
        result.unwrap_or_else(|e| panic!("{}: {e}", self.name()))
    }

    fn transform(&self, fitted: &FittedTransformer, column: &Column) -> Encoded {
        let result = fitted.fitted.transform(column, &Context::unlimited(7, 1));
        result.unwrap_or_else(|e| panic!("{}: {e}", self.name()))
    }
}

/// Every entry, with every variant of its parameters, on every one of its kinds.
fn cases() -> Vec<Case> {
    let example = Entry::of::<example::NameLength>();
    let mut cases = Vec::new();
    for entry in TRANSFORMERS.iter().chain([&example]) {
        let mut variants = vec![ParamMap::new()];
        for spec in entry.params {
            let values: Vec<ParamValue> = match spec.domain {
                Domain::Flag => [true, false].map(ParamValue::Flag).into(),
                Domain::Choice(names) => {
                    names.iter().map(|n| ParamValue::Choice((*n).to_owned())).collect()
                }
                _ => Vec::new(),
            };
            variants.extend(values.into_iter().map(|v| ParamMap::from([(spec.name.into(), v)])));
        }
        for params in variants {
            for kind in entry.spec.kinds {
                cases.push(Case { entry: *entry, params: params.clone(), kind: *kind });
            }
        }
    }
    cases
}

fn target(n: usize) -> Target {
    let mut random = Random::new(11);
    Target::Class { codes: (0..n).map(|_| random.below(2) as u32).collect(), n_classes: 2 }
}

/// A column with missing values; `vocabulary` shifts the values, so that another one is unseen.
fn sample(kind: Kind, n: usize, vocabulary: usize) -> Column {
    let mut random = Random::new(vocabulary as u64);
    let mut is_missing = || random.below(8) == 0;
    let word = |i: usize| format!("w{}", vocabulary * 1000 + i * i % 17);
    let mut strings = |text: &dyn Fn(usize) -> String| {
        Column::strings("raw", (0..n).map(|i| (!is_missing()).then(|| text(i))))
    };
    match kind {
        Kind::Number => {
            let value = |i: usize| (i * i % 101) as f64 * 0.25 + vocabulary as f64 * 1e3;
            let mut values: Vec<f64> =
                (0..n).map(|i| if is_missing() { f64::NAN } else { value(i) }).collect();
            for (v, extreme) in values.iter_mut().zip([f64::INFINITY, -1e300, 1e-300]) {
                *v = extreme;
            }
            Column::numbers("raw", values)
        }
        Kind::Datetime => {
            let value =
                |i: usize| (i * 7919 % 4001 + vocabulary).cast_signed() as i64 * 34_567_891_234;
            let instant = |i| if is_missing() { MISSING_INSTANT } else { value(i) };
            Column::instants("raw", (0..n).map(instant).collect())
        }
        Kind::Boolean => {
            strings(&|i| if i % 3 == vocabulary { "yes".to_owned() } else { "no".to_owned() })
        }
        Kind::Text => strings(&|i| format!("{} {}, Ünï {}!", word(i), word(i + 1), word(i / 2))),
        _ => strings(&word),
    }
}

fn rows(n: usize) -> Vec<u32> {
    (0..n as u32).collect()
}

/// Dense columns, and row starts, indices and values of the sparse block.
type Bits = (Vec<Vec<u32>>, Option<(Vec<u64>, Vec<u32>, Vec<u32>)>);

/// The bits of everything, so that NaN equals NaN.
fn bits(encoded: &Encoded) -> Bits {
    let of = |values: &[f32]| values.iter().map(|v| v.to_bits()).collect::<Vec<u32>>();
    let columns = encoded.columns.iter().map(|c| of(c)).collect();
    let sparse =
        encoded.sparse.as_ref().map(|s| (s.row_starts.clone(), s.indices.clone(), of(&s.values)));
    (columns, sparse)
}

fn row_bits(encoded: &Encoded, row: usize) -> (Vec<u32>, Vec<(u32, u32)>) {
    let dense = encoded.columns.iter().map(|c| c[row].to_bits()).collect();
    let sparse = encoded.sparse.as_ref().map_or(Vec::new(), |s| {
        let (indices, values) = s.row(row);
        indices.iter().copied().zip(values.iter().map(|v| v.to_bits())).collect()
    });
    (dense, sparse)
}

#[test]
fn what_is_promised_is_delivered_for_every_row() {
    for case in cases() {
        for n in [1, 2, N] {
            let column = sample(case.kind, n, 0);
            let (fitted, encoded) = case.fit(&column, &rows(n), 1);
            for (encoded, name) in [
                (encoded, case.name()),
                (case.transform(&fitted, &sample(case.kind, 50, 1)), case.name() + ", unseen"),
            ] {
                let promised = fitted.fitted.features("raw");
                let distinct: std::collections::BTreeSet<&String> = promised.iter().collect();
                assert_eq!(distinct.len(), promised.len(), "{name}: {promised:?}");
                assert_eq!(promised.len(), encoded.columns.len(), "{name}");
                let n_sparse = encoded.sparse.as_ref().map_or(0, |s| s.n_columns);
                assert_eq!(fitted.fitted.n_sparse(), n_sparse, "{name}");
                for values in &encoded.columns {
                    assert!(values.iter().all(|v| !v.is_infinite()), "{name}");
                    let is_filled = values.iter().all(|v| !v.is_nan());
                    assert!(is_filled || !case.entry.spec.fills_missing, "{name}");
                }
                if let Some(sparse) = &encoded.sparse {
                    assert!(sparse.indices.iter().all(|i| (*i as usize) < n_sparse), "{name}");
                    assert!(sparse.values.iter().all(|v| *v > 0.0 && v.is_finite()), "{name}");
                }
            }
        }
    }
}

#[test]
fn the_columns_have_the_rows_of_the_table_in_order() {
    for case in cases() {
        let column = sample(case.kind, N, 0);
        let (fitted, encoded) = case.fit(&column, &rows(N), 1);
        let lengths = |e: &Encoded, n: usize| {
            e.columns.iter().all(|c| c.len() == n)
                && e.sparse.as_ref().is_none_or(|s| s.row_starts.len() == n + 1)
        };
        assert!(lengths(&encoded, N), "{}", case.name());
        let reversed: Vec<u32> = (0..N as u32).rev().collect();
        let forward = case.transform(&fitted, &column);
        let backward = case.transform(&fitted, &column.select(&reversed));
        for row in 0..N {
            assert_eq!(
                row_bits(&forward, row),
                row_bits(&backward, N - 1 - row),
                "{}",
                case.name()
            );
        }
        if !case.entry.spec.sees_target {
            assert_eq!(bits(&encoded), bits(&forward), "{}", case.name());
        }
    }
}

#[test]
fn one_row_gives_the_bytes_of_the_batch() {
    for case in cases() {
        let (fitted, _) = case.fit(&sample(case.kind, N, 0), &rows(N), 1);
        let column = sample(case.kind, 2000, 1);
        let batch = case.transform(&fitted, &column);
        for row in (0..2000).step_by(37) {
            let single = case.transform(&fitted, &column.select(&[row as u32]));
            assert_eq!(row_bits(&single, 0), row_bits(&batch, row), "{}", case.name());
            if let ColumnData::String { .. } = column.data {
                let fresh = Column::strings("raw", [column.text(row)]);
                let single = case.transform(&fitted, &fresh);
                assert_eq!(row_bits(&single, 0), row_bits(&batch, row), "{}", case.name());
            }
        }
    }
}

#[test]
fn a_value_is_written_without_a_column_as_with_one() {
    for case in cases() {
        let (fitted, _) = case.fit(&sample(case.kind, N, 0), &rows(N), 1);
        let n = fitted.fitted.features("raw").len();
        // Half of the values were seen in training.
        for (column, rows) in [(sample(case.kind, N, 0), 0..N), (sample(case.kind, N, 1), 0..N)] {
            let batch = case.transform(&fitted, &column);
            for row in rows {
                let text = column.text(row);
                let value = match &column.data {
                    ColumnData::Number(values) => RawValue::Number(values.at(row)),
                    ColumnData::Instant(values) => RawValue::Instant(values[row]),
                    ColumnData::String { .. } => text.map_or(RawValue::Missing, RawValue::Text),
                };
                let mut out = vec![f32::NAN; n];
                if fitted.fitted.write_row(value, &mut out) {
                    let out: Vec<u32> = out.iter().map(|v| v.to_bits()).collect();
                    assert_eq!(out, row_bits(&batch, row).0, "{} {value:?}", case.name());
                }
                if let Some(place) = fitted.fitted.sparse_place(value) {
                    let one = vec![(place, 1.0_f32.to_bits())];
                    assert_eq!(one, row_bits(&batch, row).1, "{} {value:?}", case.name());
                }
            }
        }
        let mut out = vec![f32::NAN; n];
        let wrong = match case.kind {
            Kind::Number => RawValue::Instant(1),
            _ => RawValue::Number(1.0),
        };
        assert!(!fitted.fitted.write_row(wrong, &mut out), "{}", case.name());
        assert_eq!(fitted.fitted.sparse_place(wrong), None, "{}", case.name());
    }
}

#[test]
fn most_transformers_write_a_value_without_a_column() {
    let through_columns = ["text_tfidf"];
    for case in cases().iter().filter(|case| case.entry.spec.name != "name_length") {
        let (fitted, _) = case.fit(&sample(case.kind, N, 0), &rows(N), 1);
        let mut out = vec![f32::NAN; fitted.fitted.features("raw").len()];
        let writes = fitted.fitted.write_row(RawValue::Missing, &mut out)
            || fitted.fitted.sparse_place(RawValue::Missing).is_some();
        assert_ne!(writes, through_columns.contains(&case.entry.spec.name), "{}", case.name());
    }
}

#[test]
fn only_the_rows_to_learn_from_are_learned_from() {
    for case in cases() {
        let column = sample(case.kind, N, 0);
        let half: Vec<u32> = (0..N as u32).filter(|r| r % 2 == 0).collect();
        let Target::Class { codes, n_classes } = target(N) else { unreachable!() };
        let changed = codes.iter().enumerate().map(|(i, c)| if i % 2 == 0 { *c } else { 1 - c });
        let changed = Target::Class { codes: changed.collect(), n_classes };
        let (fitted, encoded) = case.fit(&column, &half, 1);
        let (again, encoded_again) = case.fit_to(&column, &half, &changed, 1);
        assert_eq!(fitted.encode().unwrap(), again.encode().unwrap(), "{}", case.name());
        assert_eq!(bits(&encoded), bits(&encoded_again), "{}", case.name());
        let (alone, _) = case.fit(&column.select(&half), &rows(half.len()), 1);
        if !case.entry.spec.sees_target {
            assert_eq!(fitted.encode().unwrap(), alone.encode().unwrap(), "{}", case.name());
        }
        let served = case.transform(&fitted, &column);
        for row in (1..N).step_by(2) {
            assert_eq!(row_bits(&encoded, row), row_bits(&served, row), "{}", case.name());
        }
    }
}

#[test]
fn no_row_s_feature_depends_on_its_own_target() {
    for case in cases().into_iter().filter(|c| c.entry.spec.sees_target) {
        if case.params.values().any(|v| *v == ParamValue::Flag(true)) {
            continue; // the scale is learned from all rows together
        }
        let column = sample(case.kind, N, 0);
        let (_, before) = case.fit(&column, &rows(N), 1);
        for row in (0..N).step_by(7) {
            let Target::Class { mut codes, n_classes } = target(N) else { unreachable!() };
            codes[row] = 1 - codes[row];
            let (_, after) = case.fit_to(&column, &rows(N), &Target::Class { codes, n_classes }, 1);
            for (a, b) in before.columns.iter().zip(&after.columns) {
                // The prior is the mean of all rows, this one among them: 1/N.
                if a[row].is_nan() && b[row].is_nan() {
                    continue;
                }
                let moved = (a[row] - b[row]).abs();
                assert!(moved <= 1.001 / N as f32, "{}: row {row} moved {moved}", case.name());
            }
        }
    }
}

#[test]
fn encoded_and_decoded_it_writes_the_same() {
    for case in cases() {
        let (fitted, _) = case.fit(&sample(case.kind, N, 0), &rows(N), 1);
        let bytes = fitted.encode().unwrap();
        let decoded = case.entry.decode(&bytes).unwrap_or_else(|e| panic!("{}: {e}", case.name()));
        assert_eq!(decoded.encode().unwrap(), bytes);
        assert_eq!(decoded.fitted.features("raw"), fitted.fitted.features("raw"));
        let column = sample(case.kind, 50, 1);
        let (a, b) = (case.transform(&fitted, &column), case.transform(&decoded, &column));
        assert_eq!(bits(&a), bits(&b), "{}", case.name());
        assert!(case.entry.decode(&[&bytes[..], &[0]].concat()).is_err(), "{}", case.name());
    }
}

#[test]
fn broken_bytes_are_an_error_or_a_working_transformer_and_never_a_panic() {
    let mut random = Random::new(3);
    let ctx = Context::unlimited(0, 1);
    for case in cases() {
        let (fitted, _) = case.fit(&sample(case.kind, N, 0), &rows(N), 1);
        let bytes = fitted.encode().unwrap();
        for i in 0..60 {
            let mut broken = bytes.clone();
            if broken.is_empty() {
                break;
            }
            if i % 3 == 0 {
                broken.truncate(random.below(broken.len()));
            } else {
                let at = random.below(broken.len());
                broken[at] ^= 1 << random.below(8);
            }
            if let Ok(decoded) = case.entry.decode(&broken) {
                let encoded = decoded.fitted.transform(&sample(case.kind, 20, 0), &ctx).unwrap();
                assert_eq!(encoded.columns.len(), decoded.fitted.features("raw").len());
            }
        }
    }
}

#[test]
fn the_number_of_threads_changes_nothing() {
    for case in cases() {
        let column = sample(case.kind, 3000, 0);
        let (one, encoded) = case.fit(&column, &rows(3000), 1);
        for threads in [2, 4] {
            let (other, encoded_by_other) = case.fit(&column, &rows(3000), threads);
            assert_eq!(one.encode().unwrap(), other.encode().unwrap(), "{}", case.name());
            assert_eq!(bits(&encoded), bits(&encoded_by_other), "{}", case.name());
        }
    }
}

#[test]
fn an_invalid_parameter_is_refused_by_name() {
    for entry in TRANSFORMERS {
        for spec in entry.params {
            let map = ParamMap::from([(spec.name.to_owned(), spec.domain.invalid_value())]);
            let error = entry.check_params(&map).unwrap_err().to_string();
            assert!(error.contains(spec.name) && error.contains(entry.spec.name), "{error}");
        }
        let map = ParamMap::from([("no_such".to_owned(), ParamValue::Flag(true))]);
        assert!(entry.check_params(&map).unwrap_err().to_string().contains("no_such"));
    }
}

#[test]
fn a_wrong_storage_is_an_error_and_missing_columns_are_valid() {
    let ctx = Context::unlimited(0, 1);
    for case in cases() {
        let (fitted, _) = case.fit(&sample(case.kind, N, 0), &rows(N), 1);
        let wrong = match case.kind {
            Kind::Number => Column::strings("raw", [Some("a")]),
            _ => Column::numbers("raw", vec![1.0]),
        };
        let error = fitted.fitted.transform(&wrong, &ctx).unwrap_err().to_string();
        assert!(error.contains("column `raw`"), "{error}");
        let missing = match case.kind {
            Kind::Number => Column::numbers("raw", vec![f64::NAN; 5]),
            Kind::Datetime => Column::instants("raw", vec![MISSING_INSTANT; 5]),
            _ => Column::strings("raw", [None::<&str>; 5]),
        };
        case.transform(&fitted, &missing);
        let (from_missing, _) = case.fit(&missing, &rows(5), 1);
        case.transform(&from_missing, &sample(case.kind, 9, 0));
        let (from_nothing, _) = case.fit(&missing, &[], 1);
        case.transform(&from_nothing, &sample(case.kind, 9, 0));
        case.transform(&from_nothing, &missing.select(&[]));
    }
}

#[test]
fn names_are_distinct_and_every_entry_says_what_it_is() {
    let mut names = std::collections::BTreeSet::new();
    for entry in TRANSFORMERS {
        let spec = entry.spec;
        assert!(names.insert(spec.name), "{} twice", spec.name);
        assert!(!spec.title.is_empty() && !spec.text.is_empty() && !spec.reference.is_empty());
        assert!(!spec.kinds.is_empty() && spec.kinds.iter().all(|k| k.is_usable()));
        assert_eq!(entry.default_params().len(), entry.params.len());
    }
}
