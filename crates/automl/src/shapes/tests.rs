//! Functions of a small machine, written, read, changed and measured.

use std::sync::OnceLock;

use modelwright_core::data::Column;
use modelwright_core::params::{ParamMap, ParamValue};
use modelwright_core::random::Random;
use modelwright_core::record::{DataSource, Options, Single};

use super::*;
use crate::own::Own;
use crate::{FitInput, FitOutcome, fit};

fn ctx() -> Context {
    Context::unlimited(4, 2)
}

/// Size, colour, and whether it sells.
fn rows(n: usize, seed: u64) -> Table {
    let mut random = Random::new(seed);
    let (mut size, mut colour, mut sells) = (Vec::new(), Vec::new(), Vec::new());
    for row in 0..n {
        let (s, c) = (10.0 * random.unit(), ["red", "green", "blue"][random.below(3)]);
        let score = (s - 5.0) + if c == "red" { 2.0 } else { -1.0 } + random.normal();
        size.push(if row % 50 == 0 { f64::NAN } else { s });
        colour.push(Some(c));
        sells.push(Some(if score > 0.0 { "yes" } else { "no" }));
    }
    Table::new(vec![
        Column::numbers("size", size),
        Column::strings("colour", colour),
        Column::strings("sells", sells),
    ])
    .unwrap()
}

fn fitted(learner: &str) -> FitOutcome {
    let table = rows(1500, 1);
    let mut options = Options::new("sells");
    let params = match learner {
        "ebm" => ParamMap::from([("max_rounds".to_owned(), ParamValue::Int(60))]),
        _ => ParamMap::new(),
    };
    let learner = learner.to_owned();
    options.single = Some(Single { learner, params, encoding: None, n_folds: Some(2) });
    let (schema, source) = (table.storage_schema(), DataSource::default());
    fit(
        FitInput {
            table,
            schema,
            source,
            test: None,
            all_rows: None,
            options,
            own: Own::default(),
        },
        &ctx(),
    )
    .unwrap()
}

/// The bytes of one machine, fitted once.
fn machine_bytes() -> &'static [u8] {
    static BYTES: OnceLock<Vec<u8>> = OnceLock::new();
    BYTES.get_or_init(|| fitted("ebm").predictor.encode().unwrap())
}

fn predictor() -> Predictor {
    Predictor::decode(machine_bytes()).unwrap()
}

#[test]
fn functions_add_up_to_the_predictions_and_bins_are_in_the_words_of_the_columns() {
    let (predictor, table) = (predictor(), rows(200, 2));
    let found = shapes(&predictor).unwrap();
    assert_eq!((found.scale.as_str(), found.outputs.as_slice()), ("log_odds", &["yes".into()][..]));
    let of = |name: &str| found.terms.iter().find(|t| t.features == [name]).unwrap();
    let (size, colour) = (of("size"), of("colour"));
    let ColumnsOf { sizes, colours } = columns(&table);
    let inside = |bin: &ShapeBin, v: f64| {
        if v.is_nan() {
            return bin.missing;
        }
        let has_end = bin.above.is_some() || bin.up_to.is_some();
        let is_number = bin.levels.is_empty() && (has_end || !bin.missing);
        is_number && bin.above.is_none_or(|a| v > a) && bin.up_to.is_none_or(|b| v <= b)
    };
    let said = predictor.predict(&table, &ctx()).unwrap();
    for row in 0..200 {
        let mut score = found.intercepts[0];
        score += size.bins.iter().find(|b| inside(b, sizes[row])).unwrap().add[0];
        let level = |b: &&ShapeBin| b.levels.contains(&colours[row]);
        score += colour.bins.iter().find(level).unwrap().add[0];
        for pair in found.terms.iter().filter(|t| t.columns.len() == 2) {
            let place = |side: usize| {
                let of_size = pair.features[side] == "size";
                let is_in = |b: &ShapeBin| {
                    if of_size { inside(b, sizes[row]) } else { b.levels.contains(&colours[row]) }
                };
                pair.sides[side].iter().position(is_in).unwrap()
            };
            score += pair.table[place(0)][place(1)][0];
        }
        let p = 1.0 / (1.0 + (-score).exp());
        let (logit, own) = (score, said.values[row]);
        if predictor.calibrator == modelwright_evaluate::Calibrator::None {
            assert!((p - own).abs() < 1e-6, "row {row}: {logit} gives {p}, and {own} was said");
        }
    }
}

struct ColumnsOf {
    sizes: Vec<f64>,
    colours: Vec<String>,
}

fn columns(table: &Table) -> ColumnsOf {
    let modelwright_core::data::ColumnData::Number(sizes) = &table.columns()[0].data else {
        panic!("sizes are numbers")
    };
    // What a model reads is in single precision.
    let sizes = sizes.map(|v| f64::from(v as f32));
    let colours = (0..table.n_rows()).map(|r| table.columns()[1].display(r).unwrap()).collect();
    ColumnsOf { sizes, colours }
}

#[test]
fn what_is_written_is_read_again_and_changes_nothing() {
    let (mut predictor, table) = (predictor(), rows(100, 3));
    let text = serde_json::to_string(&shapes(&predictor).unwrap()).unwrap();
    let again: Shapes = serde_json::from_str(&text).unwrap();
    assert_eq!(again, shapes(&predictor).unwrap());
    let error = edit(&mut predictor, &again, &table, &ctx()).unwrap_err();
    assert!(error.what().starts_with("nothing was changed"), "{error}");
    assert_eq!(predictor.encode().unwrap(), machine_bytes());
}

#[test]
fn an_edit_changes_the_rows_it_is_about_and_no_others() {
    let (mut predictor, table) = (predictor(), rows(300, 4));
    let before = predictor.predict(&table, &ctx()).unwrap();
    let mut edited = shapes(&predictor).unwrap();
    let colour = edited.terms.iter_mut().find(|t| t.features == ["colour"]).unwrap();
    let is_red = |b: &&mut ShapeBin| b.levels.contains(&"red".to_owned());
    let red = colour.bins.iter_mut().find(is_red).unwrap();
    red.add[0] -= 5.0;
    edited.terms.reverse(); // the order is free
    let changes = edit(&mut predictor, &edited, &table, &ctx()).unwrap();
    assert_eq!(changes.len(), 1);
    assert_eq!((changes[0].features.as_slice(), changes[0].n_changed), (&["colour".into()][..], 1));
    assert!((changes[0].largest + 5.0).abs() < 1e-9);
    let stored = Predictor::decode(&predictor.encode().unwrap()).unwrap();
    let after = stored.predict(&table, &ctx()).unwrap();
    for (row, colour) in columns(&table).colours.iter().enumerate() {
        let (was, is) = (before.values[row], after.values[row]);
        assert!(if colour == "red" { is < was } else { is == was }, "row {row}: {was} {is}");
    }
}

#[test]
fn what_is_no_edit_of_this_model_is_refused_in_words() {
    let table = rows(50, 5);
    let original = shapes(&predictor()).unwrap();
    let refused = |change: &dyn Fn(&mut Shapes)| {
        let mut edited = original.clone();
        change(&mut edited);
        edit(&mut predictor(), &edited, &table, &ctx()).unwrap_err().to_string()
    };
    assert!(refused(&|s| s.target = "other".into()).contains("another model"));
    assert!(refused(&|s| s.format = "x".into()).contains("another format"));
    assert!(refused(&|s| drop(s.terms.pop())).contains("missing, or there are too many"));
    assert!(refused(&|s| s.terms[0].features[0] = "x".into()).contains("is missing"));
    assert!(refused(&|s| drop(s.terms[0].bins.pop())).contains("not the bins"));
    assert!(refused(&|s| s.terms[0].bins[0].add.push(1.0)).contains("not the bins"));
    assert!(refused(&|s| s.terms[0].bins[0].add[0] = f64::NAN).contains("finite"));
    assert!(refused(&|s| s.intercepts.push(0.0)).contains("intercepts"));
    let immense = |s: &mut Shapes| {
        for bin in &mut s.terms[0].bins {
            bin.add[0] = f64::MAX;
        }
    };
    assert!(refused(&immense).contains("overflow"));
    let error = shapes(&fitted("linear").predictor).unwrap_err().to_string();
    assert!(error.contains("no sum of functions") && error.contains("linear"), "{error}");
}

#[test]
fn the_record_keeps_the_functions_of_a_machine_and_of_nothing_else() {
    assert!(fitted("linear").record.shapes.is_none());
    let kept = fitted("ebm").record.shapes.unwrap();
    assert_eq!(kept.terms[0].columns.len(), 1);
}
