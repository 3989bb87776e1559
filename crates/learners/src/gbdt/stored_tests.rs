//! Bins that are not in memory give the models of those that are.

use std::sync::Arc;

use modelwright_core::Context;
use modelwright_core::data::{
    BinnedColumn, Codes, FeatureColumn, FeatureMatrix, Shelf, Store as _, StoredPart,
};
use modelwright_core::task::Target;

use super::tests::{curve, fit_in, whole};
use super::{Gbdt, GbdtParams};
use crate::learner::Learner;
use modelwright_core::data::TrainView;
use modelwright_core::params::Params;

/// The bins of a matrix without its values, in one piece elsewhere, each column in its place.
fn elsewhere(matrix: &FeatureMatrix) -> FeatureMatrix {
    let n = matrix.n_rows;
    let mut draft = Shelf.begin((n * matrix.columns.len()) as u64).unwrap();
    for (i, column) in matrix.columns.iter().enumerate() {
        draft.write((i * n) as u64, &column.bins.as_ref().unwrap().codes.to_vec()).unwrap();
    }
    let stored = draft.finish().unwrap();
    let column = |(i, column): (usize, &FeatureColumn)| {
        let codes = Codes::Stored(StoredPart::new(stored.clone(), i * n..(i + 1) * n));
        let cuts = column.bins.as_ref().unwrap().cuts.clone();
        let bins = Some(Arc::new(BinnedColumn { codes, cuts }));
        FeatureColumn { values: [].into(), bins, ..column.clone() }
    };
    FeatureMatrix::of_bins(n, matrix.columns.iter().enumerate().map(column).collect())
}

/// A noisy curve, two columns of few bins, which would be joined in memory, and a category.
fn table(n: usize) -> (FeatureMatrix, Target) {
    let (mut matrix, mut y) = curve(n);
    let few = |by: usize, n_levels: usize| (0..n).map(move |r| (r * by / 7 % n_levels) as f32);
    let of_levels = |name: &str, values: Vec<f32>, is_category: bool| {
        let bins = Some(Arc::new(BinnedColumn::of_levels(&values).unwrap()));
        FeatureColumn { bins, is_category, ..FeatureColumn::dense(name, values) }
    };
    matrix.columns.push(of_levels("few", few(3, 4).collect(), false));
    matrix.columns.push(of_levels("two", few(5, 2).collect(), false));
    matrix.columns.push(of_levels("kind", few(11, 9).collect(), true));
    for (y, kind) in y.iter_mut().zip(few(11, 9)) {
        *y += f64::from(u8::from(kind == 3.0 || kind == 7.0));
    }
    (matrix, Target::Real(y))
}

#[test]
fn bins_outside_of_memory_give_the_same_bytes_for_every_grower_and_sampling() {
    let (matrix, target) = table(70_000);
    let stored = elsewhere(&matrix);
    let rows: Vec<u32> = (0..70_000).collect();
    let base = GbdtParams { n_rounds: 3, ..whole() };
    let cases = [
        base.clone(),
        GbdtParams { grow_policy: "depth_wise".into(), path_smooth: 2.0, ..base.clone() },
        GbdtParams { grow_policy: "oblivious".into(), ..base.clone() },
        GbdtParams { extra_trees: true, bagging_fraction: 0.5, ..base.clone() },
        GbdtParams { sampling: "goss".into(), learning_rate: 0.5, ..base },
    ];
    for params in cases {
        let bytes = |features: &FeatureMatrix, threads: usize| {
            let ctx = Context::unlimited(3, threads);
            let model = fit_in(features, &target, None, [&rows, &[]], &params, &ctx);
            postcard::to_stdvec(&model).unwrap()
        };
        let here = bytes(&matrix, 1);
        assert!(here == bytes(&stored, 1) && here == bytes(&stored, 2), "{params:?}");
    }
}

#[test]
fn some_rows_of_them_and_judged_rows_among_them_give_the_same_model_too() {
    let (matrix, target) = table(3000);
    let stored = elsewhere(&matrix);
    let (judged, rows): (Vec<u32>, Vec<u32>) = (0..3000).partition(|r| r % 5 == 2);
    let params = GbdtParams { n_rounds: 20, ..whole() };
    let fit = |features: &FeatureMatrix| {
        let ctx = Context::unlimited(3, 2);
        let model = fit_in(features, &target, None, [&rows, &judged], &params, &ctx);
        postcard::to_stdvec(&model).unwrap()
    };
    assert!(fit(&matrix) == fit(&stored));
}

#[test]
fn linear_leaves_need_values_and_say_so() {
    let (matrix, target) = table(500);
    let stored = elsewhere(&matrix);
    let rows: Vec<u32> = (0..500).collect();
    let view = TrainView {
        features: &stored,
        target: &target,
        weights: None,
        rows: &rows,
        validation: &[],
    };
    let params = GbdtParams { linear_tree: true, ..whole() };
    let error = Gbdt::fit(&view, &params.check("gbdt").unwrap(), &Context::unlimited(0, 1));
    let error = error.unwrap_err().to_string();
    assert!(error.contains("not in memory"), "{error}");
}
