//! Formulas against scikit-learn, on the cases of `testdata/transform/sklearn.toml`.
//!
//! Features are f32, so agreement is asked to 1e-6 relative.

use modelwright_core::Context;
use modelwright_core::data::Column;
use modelwright_core::params::{ParamMap, ParamValue};
use modelwright_core::task::Target;
use serde::Deserialize;

use super::{Encoded, FittedTransformer, TransformInput};
use crate::catalog::transformer;

#[derive(Deserialize)]
struct Golden {
    robust_scaler: Vec<Scaling>,
    one_hot: Vec<OneHot>,
    tfidf: Vec<Tfidf>,
    target_encoder: Vec<TargetEncoder>,
}

#[derive(Deserialize)]
struct Scaling {
    name: String,
    values: Vec<f64>,
    scaled: Vec<f64>,
}

#[derive(Deserialize)]
struct OneHot {
    min_count: i64,
    train: Vec<String>,
    new: Vec<String>,
    names: Vec<String>,
    rows: Vec<Vec<f64>>,
}

#[derive(Deserialize)]
struct Tfidf {
    min_count: i64,
    texts: Vec<String>,
    rows: Vec<Vec<f64>>,
}

#[derive(Deserialize)]
struct TargetEncoder {
    task: String,
    smooth: f64,
    train: Vec<String>,
    y: Vec<f64>,
    new: Vec<String>,
    rows: Vec<Vec<f64>>,
}

fn golden() -> Golden {
    toml::from_str(include_str!("../../../../testdata/transform/sklearn.toml")).unwrap()
}

fn fit(
    name: &str,
    params: &[(&str, ParamValue)],
    column: &Column,
    target: &Target,
) -> FittedTransformer {
    let rows: Vec<u32> = (0..column.n_rows() as u32).collect();
    let input = TransformInput::new(column, &rows, target);
    let params: ParamMap = params.iter().map(|(n, v)| ((*n).to_owned(), v.clone())).collect();
    let ctx = Context::unlimited(0, 1);
    transformer(name).unwrap().fit_transform(&input, &params, &ctx).unwrap().0
}

fn transform(fitted: &FittedTransformer, column: &Column) -> Encoded {
    fitted.fitted.transform(column, &Context::unlimited(0, 1)).unwrap()
}

fn zeros(n: usize) -> Target {
    Target::Real(vec![0.0; n])
}

fn strings(values: &[String]) -> Column {
    Column::strings("c", values.iter().map(Some))
}

fn close(got: f32, expected: f64) -> bool {
    (f64::from(got) - expected).abs() <= 1e-6 * expected.abs().max(1.0)
}

#[test]
fn robust_scaling_agrees() {
    for case in golden().robust_scaler {
        let column = Column::numbers("c", case.values.clone());
        let params = [("clip", ParamValue::Flag(false))];
        let fitted = fit("scaled_number", &params, &column, &zeros(case.values.len()));
        let values = transform(&fitted, &column).columns.remove(0);
        for (got, expected) in values.iter().zip(case.scaled) {
            assert!(close(*got, expected), "{}: {got} {expected}", case.name);
        }
    }
}

#[test]
fn only_heavy_tails_are_clipped() {
    let even: Vec<f64> = (0..101).map(f64::from).collect();
    let column = Column::numbers("c", even.clone());
    let values = transform(&fit("scaled_number", &[], &column, &zeros(101)), &column);
    let straight = &values.columns[0];
    assert!((0..101).all(|i| close(straight[i], (i as f64 - 50.0) / 50.0)), "{straight:?}");
    let mut far = even;
    far[100] = 1e4;
    let column = Column::numbers("c", far);
    let values = transform(&fit("scaled_number", &[], &column, &zeros(101)), &column);
    assert!(values.columns[0][100] < 3.0 && values.columns[0][0] > -1.0);
}

#[test]
fn sparse_columns_of_levels_are_the_dense_ones() {
    for case in golden().one_hot {
        let train = strings(&case.train);
        let params = [("min_count", ParamValue::Int(case.min_count))];
        let new = transform(
            &fit("one_hot_sparse", &params, &train, &zeros(case.train.len())),
            &strings(&case.new),
        );
        let sparse = new.sparse.unwrap();
        let dense = fit("one_hot", &params, &train, &zeros(case.train.len()));
        let names = dense.fitted.features("c");
        let columns = transform(&dense, &strings(&case.new)).columns;
        for (name, column) in names.iter().zip(&columns) {
            // Rows of the same level have their entry in the same column.
            let of_level: Vec<u32> = (0..case.new.len())
                .filter(|row| column[*row] == 1.0)
                .map(|row| sparse.row(row).0[0])
                .collect();
            assert!(of_level.windows(2).all(|w| w[0] == w[1]), "{name}");
        }
        assert!((0..case.new.len()).all(|row| sparse.row(row).1 == [1.0]));
    }
}

#[test]
fn one_hot_with_rare_and_unseen_levels_agrees() {
    for case in golden().one_hot {
        let train = strings(&case.train);
        let params = [("min_count", ParamValue::Int(case.min_count))];
        let fitted = fit("one_hot", &params, &train, &zeros(case.train.len()));
        let encoded = transform(&fitted, &strings(&case.new));
        let features = fitted.fitted.features("c");
        assert_eq!(features.len(), case.names.len());
        for (i, name) in case.names.iter().enumerate() {
            let name = if name == "infrequent_sklearn" { "(other)" } else { name };
            let ours = features.iter().position(|f| *f == format!("c={name}")).unwrap();
            for (row, expected) in case.rows.iter().enumerate() {
                assert_eq!(f64::from(encoded.columns[ours][row]), expected[i], "{name} {row}");
            }
        }
    }
}

#[test]
fn tf_idf_weights_agree() {
    for case in golden().tfidf {
        let column = strings(&case.texts);
        let params = [("min_count", ParamValue::Int(case.min_count))];
        let fitted = fit("text_tfidf", &params, &column, &zeros(case.texts.len()));
        let sparse = transform(&fitted, &column).sparse.unwrap();
        for (row, expected) in case.rows.iter().enumerate() {
            let mut values = sparse.row(row).1.to_vec();
            values.sort_by(f32::total_cmp);
            assert_eq!(values.len(), expected.len(), "row {row}");
            for (got, expected) in values.iter().zip(expected) {
                assert!(close(*got, *expected), "row {row}: {got} {expected}");
            }
        }
    }
}

#[test]
fn smoothed_means_of_the_target_agree() {
    for case in golden().target_encoder {
        let codes = || case.y.iter().map(|y| *y as u32).collect();
        let target = match case.task.as_str() {
            "regression" => Target::Real(case.y.clone()),
            "binary" => Target::Class { codes: codes(), n_classes: 2 },
            _ => Target::Class { codes: codes(), n_classes: 3 },
        };
        let params =
            [("prior_strength", ParamValue::Real(case.smooth)), ("min_count", ParamValue::Int(1))];
        let fitted = fit("target_statistics", &params, &strings(&case.train), &target);
        let encoded = transform(&fitted, &strings(&case.new));
        for (row, expected) in case.rows.iter().enumerate() {
            assert_eq!(encoded.columns.len(), expected.len());
            for (column, expected) in encoded.columns.iter().zip(expected) {
                assert!(close(column[row], *expected), "{}: {} {expected}", case.task, column[row]);
            }
        }
    }
}
