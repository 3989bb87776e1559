//! What each strain does to a column, and to the rows of a mix.

use modelwright_evaluate::metric;

use super::*;

fn numbers(values: Vec<f64>) -> Column {
    Column::numbers("x", values)
}

fn values(column: &Column) -> Vec<f64> {
    match &column.data {
        ColumnData::Number(values) => values.to_vec(),
        other => panic!("expected numbers, got {other:?}"),
    }
}

#[test]
fn a_tenth_of_the_values_of_every_kind_is_lost() {
    let columns = [
        numbers((0..4000).map(f64::from).collect()),
        Column::strings("colour", (0..4000).map(|i| Some(if i % 3 == 0 { "red" } else { "blue" }))),
    ];
    for column in &columns {
        let lost = lose(column, &mut Random::new(3));
        let n_lost = (0..lost.n_rows()).filter(|row| lost.is_missing(*row)).count();
        assert!((320..480).contains(&n_lost), "{n_lost} of 4000");
        assert_eq!(lost.name, column.name);
    }
}

#[test]
fn noise_is_a_tenth_of_the_spread_and_spares_what_does_not_vary() {
    let before: Vec<f64> = (0..4000).map(|i| f64::from(i % 100)).collect();
    let blurred = blur(&numbers(before.clone()), &mut Random::new(5)).unwrap();
    let moved: Vec<f64> = values(&blurred).iter().zip(&before).map(|(a, b)| a - b).collect();
    let spread = (moved.iter().map(|m| m * m).sum::<f64>() / 4000.0).sqrt();
    // 0 … 99 has a standard deviation of 28.87.
    assert!((spread / 2.887 - 1.0).abs() < 0.05, "{spread}");
    assert!(blur(&numbers(vec![4.0; 20]), &mut Random::new(1)).is_none());
    assert!(blur(&numbers(vec![f64::NAN; 20]), &mut Random::new(1)).is_none());
    assert!(blur(&Column::strings("c", [Some("a")]), &mut Random::new(1)).is_none());
}

#[test]
fn words_are_mistyped_and_missing_ones_stay_missing() {
    let words = Column::strings("c", (0..2000).map(|i| (i % 4 != 0).then_some("red")));
    let typed = mistype(&words, &mut Random::new(2)).unwrap();
    let wrong = (0..2000).filter(|row| typed.text(*row).is_some_and(|t| t != "red")).count();
    assert!((110..190).contains(&wrong), "{wrong} of 1500");
    assert!((0..2000).all(|row| typed.is_missing(row) == words.is_missing(row)));
    assert!(mistype(&numbers(vec![1.0]), &mut Random::new(2)).is_none());
}

#[test]
fn a_unit_is_mistaken_for_numbers_that_are_read_only() {
    let table = Table::new(vec![
        numbers(vec![1.5, f64::NAN]),
        Column::numbers("unread", vec![1.0, 2.0]),
        Column::strings("c", [Some("a"), None]),
    ])
    .unwrap();
    let all = changes(&table, &["x", "c"]);
    let units: Vec<&Change<'_>> = all.iter().filter(|c| c.kind == StrainKind::Unit).collect();
    assert_eq!(units.len(), 1);
    assert_eq!(units[0].what, "`x` is 1,000 times too large");
    let random = &mut Random::new(1);
    let scaled = (units[0].apply)(&table.columns()[0], random).unwrap();
    assert!(values(&scaled)[0] == 1500.0 && values(&scaled)[1].is_nan());
    assert!((units[0].apply)(&table.columns()[1], random).is_none());
}

fn mixed<'a>(
    name: &str,
    (truth, weights): (&'a Target, Option<&'a [f64]>),
    predictions: &'a Predictions,
) -> MixInput<'a> {
    let metric = metric(name).unwrap();
    MixInput { metric, truth, weights, predictions, threshold: 0.5, classes: &[] }
}

#[test]
fn another_mix_doubles_the_rarest_class_and_moves_what_depends_on_it() {
    let codes: Vec<u32> = (0..1000).map(|i| u32::from(i % 5 == 0)).collect();
    let truth = Target::Class { codes: codes.clone(), n_classes: 2 };
    // Half of the rare rows are found, all others are decided rightly: accuracy 0.9.
    let p = codes.iter().enumerate().map(|(i, c)| if *c == 1 && i % 10 == 0 { 0.9 } else { 0.1 });
    let predictions = Predictions::new(1, p.collect());
    let of = |name: &str| mix::of_target(&mixed(name, (&truth, None), &predictions)).unwrap().after;
    assert!((of("accuracy") - 0.8).abs() < 1e-12, "{}", of("accuracy"));
    assert!((of("roc_auc") - 0.75).abs() < 1e-12, "the order of the rows is the same");
    let even = Target::Class { codes: vec![0, 1], n_classes: 2 };
    let two = Predictions::new(1, vec![0.2, 0.8]);
    assert!(mix::of_target(&mixed("accuracy", (&even, None), &two)).is_none());
}

#[test]
fn of_numbers_the_worse_half_becomes_nearly_all_there_is() {
    let values: Vec<f64> = (0..100).map(f64::from).collect();
    // Off by 1 below the middle, by 3 above it.
    let said = values.iter().map(|v| v + if *v < 50.0 { 1.0 } else { 3.0 });
    let predictions = Predictions::new(1, said.collect());
    let truth = Target::Real(values.clone());
    let input = mixed("mae", (&truth, None), &predictions);
    let Mixed { what, after, weights } = mix::of_target(&input).unwrap();
    assert!((weights.iter().sum::<f64>() - 100.0).abs() < 1e-9, "a mix of as many rows");
    assert!(what.contains("large answers") && (after - 2.8).abs() < 0.03, "{what} {after}");
    // The same by a column, and by the levels of another.
    let levels = (0..100).map(|i| Some(if i < 60 { "low" } else { "high" }));
    let table = Table::new(vec![Column::numbers("x", values), Column::strings("c", levels)]);
    let table = table.unwrap();
    let of = |name: &str| {
        let found = mix::of_columns(&input, &table, &[name.to_owned()]).unwrap();
        (found.what, found.after)
    };
    assert!(of("x").0.contains("large `x` (worst of 2") && (of("x").1 - 2.8).abs() < 0.03);
    // 40 of 100 rows are high, all of them off by 3; then 80, and 1.33 on the others.
    assert!(of("c").0.contains("`c` “high”") && (of("c").1 - 2.667).abs() < 0.01, "{:?}", of("c"));
    assert!(mix::of_columns(&input, &table, &[]).is_none());
}

#[test]
fn a_mix_that_a_metric_cannot_feel_is_no_strain() {
    assert!(!is_moved(0.929_362, 0.929_362 + 1e-13) && !is_moved(0.0, 0.0));
    assert!(is_moved(0.9, 0.899) && is_moved(1e6, 1e6 + 1.0));
}

#[test]
fn another_mix_keeps_the_weights_of_the_rows() {
    // By weight 1 is the rare class: 2 of 10; half of it is found, all others are right.
    let codes = vec![0, 0, 1, 1];
    let weights = [4.0, 4.0, 1.0, 1.0];
    let truth = Target::Class { codes, n_classes: 2 };
    let predictions = Predictions::new(1, vec![0.1, 0.1, 0.9, 0.1]);
    let rows = (&truth, Some(&weights[..]));
    let found = mix::of_target(&mixed("accuracy", rows, &predictions)).unwrap();
    assert!((found.after - 0.8).abs() < 1e-12, "{}", found.after);
}
