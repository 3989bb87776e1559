//! Tests of [`super::model`]: boosters that are put together from finished parts.

use modelwright_core::data::{FeatureMatrix, FeatureView};

use super::*;
use crate::learner::Model;
use crate::tree::Tree;

#[test]
fn every_link_gives_the_number_of_its_formula() {
    let predict = |link, scores: &[f64]| {
        let trees = scores.iter().map(|s| Tree::constant(s - 0.5, 1.0)).collect();
        let model = GbdtModel::from_parts(0, link, vec![0.5; scores.len()], trees).unwrap();
        let matrix = FeatureMatrix::new(1, Vec::new());
        model.predict(&FeatureView::all(&matrix), &Context::unlimited(0, 1)).unwrap().values
    };
    let close = |got: Vec<f64>, wanted: &[f64]| {
        assert_eq!(got.len(), wanted.len());
        assert!(got.iter().zip(wanted).all(|(g, w)| (g - w).abs() < 1e-12), "{got:?} {wanted:?}");
    };
    close(predict(Link::Identity, &[-2.0]), &[-2.0]);
    close(predict(Link::Logistic, &[0.0]), &[0.5]);
    close(predict(Link::Exponential, &[2.0]), &[2.0_f64.exp()]);
    close(predict(Link::ExponentialLessOne, &[2.0]), &[2.0_f64.exp_m1()]);
    close(predict(Link::Softmax, &[0.0, 3.0_f64.ln()]), &[0.25, 0.75]);
    close(predict(Link::LogisticEach, &[0.0, 3.0_f64.ln()]), &[0.5, 0.75]);
    close(predict(Link::SignedSquare, &[-3.0]), &[-9.0]);
    close(predict(Link::Softplus, &[0.3]), &[(1.0 + 0.3_f64.exp()).ln()]);
    close(predict(Link::Softplus, &[900.0]), &[900.0]);
    assert_eq!(predict(Link::Step, &[0.25]), [1.0]);
    assert_eq!(predict(Link::Step, &[0.0]), [0.0]);
}

#[test]
fn parts_that_do_not_fit_make_no_booster() {
    let tree = || Tree::constant(1.0, 1.0);
    let cases: [(Link, Vec<f64>, Vec<Tree>); 5] = [
        (Link::Identity, vec![], vec![]),
        (Link::Softplus, vec![0.0, 0.0], vec![tree(), tree()]),
        (Link::LogisticEach, vec![0.0], vec![tree()]),
        (Link::Softmax, vec![0.0, 0.0], vec![tree()]),
        (Link::Identity, vec![f64::NAN], vec![tree()]),
    ];
    for (link, base, trees) in cases {
        let text = format!("{link:?} {base:?}");
        assert!(GbdtModel::from_parts(1, link, base, trees).is_err(), "{text}");
    }
}
