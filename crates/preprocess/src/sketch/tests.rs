//! Sketches against exact values, and merges against the whole.

use modelwright_core::data::{Column, Storage, Table};
use modelwright_core::{Context, random::Random};
use proptest::prelude::*;

use super::*;

fn sketch(column: &Column) -> ColumnSketch {
    ColumnSketch::of(column, 0..column.n_rows())
}

/// The sketch of the same rows in parts of the given length.
fn in_parts(column: &Column, part: usize) -> ColumnSketch {
    let mut whole = ColumnSketch::of(column, 0..0);
    let mut start = 0;
    while start < column.n_rows() {
        let end = (start + part).min(column.n_rows());
        whole.merge(&ColumnSketch::of(column, start..end)).unwrap();
        start = end;
    }
    whole
}

fn normals(n: usize, seed: u64) -> Vec<f64> {
    let mut random = Random::new(seed);
    (0..n).map(|_| random.normal()).collect()
}

fn near(a: Option<f64>, b: f64) -> bool {
    a.is_some_and(|a| (a - b).abs() <= 1e-9 * (1.0 + b.abs()))
}

#[test]
fn moments_agree_with_numpy_and_scipy() {
    // numpy 2.3 `std(ddof=1)`, scipy 1.16 `skew`: [1, 2, 2, 3, 10, -4].
    let column = Column::numbers("x", vec![1.0, 2.0, 2.0, 3.0, 10.0, -4.0, f64::NAN]);
    let binding = sketch(&column);
    let moments = binding.numbers().unwrap().moments;
    assert!(near(moments.mean(), 2.333_333_333_333_333_5));
    assert!(near(moments.std(), 4.501_851_470_969_102));
    assert!(near(moments.skewness(), 0.466_920_208_846_766_7), "{:?}", moments.skewness());
    assert_eq!((moments.min(), moments.max(), moments.n()), (Some(-4.0), Some(10.0), 6));
}

#[test]
fn rows_that_only_their_moments_are_kept_of_count_exactly() {
    let mut values: Vec<f64> = normals(10_003, 9).iter().map(|v| 1e6 + v).collect();
    (values[0], values[7], values[8]) = (f64::NAN, f64::NEG_INFINITY, f64::NAN);
    let column = Column::numbers("x", values);
    let all = sketch(&column);
    let mut coarse = ColumnSketch::of(&column, 0..4000);
    coarse.update_moments(&column, 4000..9000).unwrap();
    coarse.update_moments(&column, 9000..10_003).unwrap();
    assert_eq!((coarse.n_rows, coarse.n_missing), (10_003, 2));
    let (exact, coarse) = (all.numbers().unwrap(), coarse.numbers().unwrap());
    assert_eq!((coarse.n_infinite, coarse.quantiles.n()), (1, 3997));
    let (a, b) = (exact.moments, coarse.moments);
    assert_eq!((a.n(), a.min(), a.max()), (b.n(), b.min(), b.max()));
    assert!(near(a.mean(), b.mean().unwrap()) && near(a.std(), b.std().unwrap()));
    assert!((a.skewness().unwrap() - b.skewness().unwrap()).abs() < 1e-6);
    // Strings lose nothing, and columns of nothing stay nothing.
    let texts = Column::strings("t", vec![Some("a"), None, Some("b"), Some("a")]);
    let mut again = ColumnSketch::of(&texts, 0..1);
    again.update_moments(&texts, 1..4).unwrap();
    assert_eq!(again, sketch(&texts));
    let nothing = Column::numbers("n", vec![f64::NAN; 9]);
    let mut empty = ColumnSketch::of(&nothing, 0..0);
    empty.update_moments(&nothing, 0..9).unwrap();
    assert_eq!(empty, sketch(&nothing));
}

#[test]
fn timestamps_keep_their_spread() {
    let values: Vec<f64> = (0..1000).map(|i| 1.7e9 + f64::from(i % 2)).collect();
    let std = in_parts(&Column::numbers("t", values), 17).numbers().unwrap().moments.std().unwrap();
    assert!((std - 0.500_25).abs() < 1e-4, "{std}");
}

#[test]
fn ranks_of_a_long_stream_are_within_one_percent() {
    for (n, seed) in [(1000, 1), (50_000, 2), (300_000, 3)] {
        let mut values = normals(n, seed);
        let column = Column::numbers("x", values.clone());
        for sketch in [sketch(&column), in_parts(&column, 7001)] {
            let quantiles = &sketch.numbers().unwrap().quantiles;
            values.sort_unstable_by(f64::total_cmp);
            for (i, q) in quantiles.quantiles(&[0.01, 0.25, 0.5, 0.75, 0.99]).iter().enumerate() {
                let rank = values.partition_point(|v| v < q) as f64 / n as f64;
                assert!((rank - [0.01, 0.25, 0.5, 0.75, 0.99][i]).abs() < 0.01, "{n} {q} {rank}");
                assert!((quantiles.share_up_to(*q) - rank).abs() < 0.01);
            }
        }
    }
}

#[test]
fn quantiles_of_few_values_are_exact() {
    let values: Vec<f64> = (1..=100).rev().map(f64::from).collect();
    let binding = sketch(&Column::numbers("x", values));
    let quantiles = &binding.numbers().unwrap().quantiles;
    assert_eq!(quantiles.quantiles(&[0.0, 0.01, 0.5, 0.991, 1.0]), [1.0, 1.0, 50.0, 100.0, 100.0]);
    assert_eq!(quantiles.share_up_to(25.0), 0.25);
    assert_eq!(quantiles.steps().len(), 100);
}

#[test]
fn distinct_values_are_exact_then_within_five_percent() {
    for n in [1, 100, 4096, 5000, 100_000] {
        let values: Vec<f64> = (0..2 * n).map(|i| f64::from(i % n)).collect();
        let sketch = in_parts(&Column::numbers("x", values), 9973);
        let (n, count) = (n as usize, sketch.distinct.count());
        assert_eq!(sketch.distinct.is_exact(), n <= 4096);
        assert!(
            count.abs_diff(n) as f64 <= if n <= 4096 { 0.0 } else { 0.05 * n as f64 },
            "{n} {count}"
        );
    }
}

#[test]
fn heavy_hitters_are_lower_bounds_within_the_stated_error() {
    // Value v has about n / v² rows; 5,000 others come once.
    let mut random = Random::new(4);
    let mut values: Vec<f64> =
        (1..=40).flat_map(|v| vec![f64::from(v); 20_000 / (v * v) as usize]).collect();
    values.extend((0..5000).map(|i| 1000.0 + f64::from(i)));
    random.shuffle(&mut values);
    let sketch = in_parts(&Column::numbers("x", values.clone()), 500);
    let frequent = &sketch.numbers().unwrap().frequent;
    assert!(frequent.error() > 0 && frequent.error() <= values.len() as u64 / 257);
    for v in 1..=10_i32 {
        let truth = u64::from(20_000 / (v * v).unsigned_abs());
        let found = frequent.entries().iter().find(|(k, _)| k.value() == f64::from(v)).unwrap().1;
        assert!(found <= truth && found + frequent.error() >= truth, "{v}: {found} of {truth}");
    }
    assert_eq!(frequent.top()[0].0.value(), 1.0);
}

#[test]
fn the_share_of_known_values_is_told_of_few_and_of_many() {
    for (n, tolerance) in [(1_000, 0.0), (3_000, 0.03), (100_000, 0.03)] {
        let (known, new) = (normals(n, 3), normals(n, 4));
        let training = sketch(&Column::numbers("x", known.clone())).distinct;
        let of = |values: Vec<f64>| {
            ColumnSketch::distinct_of(&Column::numbers("x", values)).share_in(&training)
        };
        assert_eq!(of(known[..n / 10].to_vec()), Some(1.0));
        assert!(of(new[..n / 10].to_vec()).unwrap() <= 5.0 * tolerance, "{n}");
        let half: Vec<f64> = known[..n / 4].iter().chain(&new[..n / 4]).copied().collect();
        assert!((of(half).unwrap() - 0.5).abs() <= 2.0 * tolerance, "{n}");
        assert_eq!(of(vec![f64::NAN]), None);
    }
    let training = sketch(&Column::numbers("x", normals(100_000, 3))).distinct;
    let few = ColumnSketch::distinct_of(&Column::numbers("x", normals(100, 4)));
    assert_eq!(few.share_in(&training), None, "registers do not tell so few");
}

#[test]
fn histogram_bars_hold_every_value_and_nest() {
    let values = normals(20_000, 9);
    let column = Column::numbers("x", values.clone());
    for sketch in [sketch(&column), in_parts(&column, 333)] {
        let bars = sketch.numbers().unwrap().histogram.bars();
        assert!(bars.len() > 16 && bars.len() <= 64, "{}", bars.len());
        for (from, to, n) in bars {
            let truth = values.iter().filter(|v| (from..to).contains(*v)).count() as u64;
            assert_eq!(n, truth);
        }
    }
}

#[test]
fn extreme_numbers_do_no_harm() {
    let values = vec![
        f64::MAX,
        f64::MIN,
        f64::MIN_POSITIVE,
        5e-324,
        -0.0,
        0.0,
        f64::INFINITY,
        f64::NEG_INFINITY,
        f64::NAN,
        1.0,
    ];
    let sketch = in_parts(&Column::numbers("x", values), 3);
    let numbers = sketch.numbers().unwrap();
    assert_eq!((sketch.n_rows, sketch.n_missing, numbers.n_infinite), (10, 1, 2));
    assert_eq!((sketch.distinct.count(), numbers.n_zero, numbers.n_negative), (8, 2, 1));
    assert_eq!(numbers.histogram.bars().iter().map(|b| b.2).sum::<u64>(), 7);
    assert_eq!(numbers.moments.std(), None);
}

#[test]
fn storages_do_not_mix() {
    let numbers = Column::numbers("x", vec![1.0]);
    let texts = Column::strings("x", [Some("a")]);
    let mut sketch = ColumnSketch::new(Storage::Number);
    assert!(sketch.update(&texts, 0..1).unwrap_err().to_string().contains("string"));
    assert!(sketch.merge(&self::sketch(&texts)).is_err());
    sketch.update(&numbers, 0..1).unwrap();
    assert_eq!(sketch.n_rows, 1);
}

#[test]
fn a_table_sketch_does_not_depend_on_threads_and_survives_storage() {
    let n = 150_000;
    let mut random = Random::new(6);
    let table = Table::new(vec![
        Column::numbers("x", normals(n, 5)),
        Column::strings("s", (0..n).map(|_| Some(format!("v{}", random.below(900))))),
        Column::instants("t", (0_i64..).take(n).map(|i| i * 3_600_000_000).collect()),
    ])
    .unwrap();
    let one = TableSketch::of(&table, &Context::unlimited(0, 1)).unwrap();
    for threads in [2, 4] {
        assert_eq!(one, TableSketch::of(&table, &Context::unlimited(7, threads)).unwrap());
    }
    let bytes = postcard::to_stdvec(&one).unwrap();
    assert!(bytes.len() < 120_000, "{} bytes", bytes.len());
    assert_eq!(one, postcard::from_bytes::<TableSketch>(&bytes).unwrap());
    one.validate().unwrap();
}

#[test]
fn a_damaged_sketch_is_refused_or_harmless() {
    let table = Table::new(vec![
        Column::numbers("x", normals(3000, 5)),
        Column::strings("s", (0..3000).map(|i| Some(format!("v{}", i % 300)))),
    ])
    .unwrap();
    let context = Context::unlimited(0, 1);
    let sound = TableSketch::of(&table, &context).unwrap();
    let bytes = postcard::to_stdvec(&sound).unwrap();
    let mut random = Random::new(1);
    let mut n_refused = 0;
    for _ in 0..2000 {
        let mut hurt = bytes.clone();
        for _ in 0..=random.below(3) {
            let at = random.below(hurt.len());
            hurt[at] = random.next_u64() as u8;
        }
        let Ok(mut sketch) = postcard::from_bytes::<TableSketch>(&hurt) else { continue };
        if sketch.validate().is_err() {
            n_refused += 1;
            continue;
        }
        for (mine, (_, other)) in sketch.columns.iter_mut().zip(&sound.columns) {
            // What passes may be read and merged without harm.
            let _ = (mine.1.distinct.count(), mine.1.merge(other));
            if let Some(numbers) = mine.1.numbers() {
                let _ = (numbers.quantiles.steps(), numbers.histogram.bars());
            }
        }
    }
    assert!(n_refused > 50, "{n_refused}");
}

proptest! {
    #[test]
    fn parts_agree_with_the_whole(
        values in prop::collection::vec(
            prop_oneof![Just(f64::NAN), Just(0.0), (-50_i32..50).prop_map(f64::from), -1e6..1e6],
            0..300,
        ),
        part in 1_usize..40,
    ) {
        let column = Column::numbers("x", values);
        let (whole, parts) = (sketch(&column), in_parts(&column, part));
        prop_assert_eq!((whole.n_rows, whole.n_missing), (parts.n_rows, parts.n_missing));
        prop_assert_eq!(&whole.distinct, &parts.distinct);
        let (a, b) = (whole.numbers().unwrap(), parts.numbers().unwrap());
        prop_assert_eq!((a.n_zero, a.n_negative, a.n_whole), (b.n_zero, b.n_negative, b.n_whole));
        prop_assert_eq!(a.quantiles.steps(), b.quantiles.steps());
        prop_assert_eq!((a.moments.min(), a.moments.max()), (b.moments.min(), b.moments.max()));
        for (x, y) in [(a.moments.mean(), b.moments.mean()), (a.moments.std(), b.moments.std())] {
            prop_assert_eq!(x.is_some(), y.is_some());
            let (x, y) = (x.unwrap_or(0.0), y.unwrap_or(0.0));
            prop_assert!((x - y).abs() <= 1e-9 * (1.0 + x.abs()));
        }
        let n = |bars: Vec<(f64, f64, u64)>| bars.iter().map(|b| b.2).sum::<u64>();
        prop_assert_eq!(n(a.histogram.bars()), n(b.histogram.bars()));
    }

    #[test]
    fn keys_order_as_numbers_do(a: f64, b: f64) {
        prop_assume!(!a.is_nan() && !b.is_nan());
        prop_assert_eq!(Key::new(a).cmp(&Key::new(b)), a.partial_cmp(&b).unwrap());
        prop_assert_eq!(Key::new(a).value(), a);
    }

    #[test]
    fn strings_in_parts_agree_with_the_whole(
        values in prop::collection::vec(prop::option::of("[a-c ]{0,6}"), 0..200),
        part in 1_usize..40,
    ) {
        let column = Column::strings("s", values);
        let (whole, parts) = (sketch(&column), in_parts(&column, part));
        prop_assert_eq!(&whole.distinct, &parts.distinct);
        let (a, b) = (whole.texts().unwrap(), parts.texts().unwrap());
        prop_assert_eq!(&a.frequent, &b.frequent);
        prop_assert_eq!(a.lengths.max(), b.lengths.max());
    }
}

#[test]
fn numbers_outside_are_counted_without_infinite_and_missing_ones() {
    let values = [-2.0, -1.0, 0.5, 1.0, 3.0, 4.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY];
    assert_eq!(n_outside(&values, -1.0, 1.0), (1, 2));
    assert_eq!(n_outside(&[], 0.0, 0.0), (0, 0));
}
