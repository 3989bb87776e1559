//! Tests of [`super`]: every output against the definition in [`Tree`], and hostile models.

use modelwright_core::data::{FeatureColumn, FeatureMatrix};
use modelwright_core::random::Random;

use super::*;
use crate::gbdt::{Gbdt, Link};
use crate::learner::{Entry, Learner};
use crate::tree::{LevelSet, LinearLeaf};

/// Three nodes: a threshold, and below it a test of levels and another threshold.
fn tree(width: usize, seed: usize) -> Tree {
    let value = |i: usize| (((seed * 31 + i * 7) % 23) as f64 - 11.0) / 16.0;
    Tree {
        features: vec![0, 2, 1],
        thresholds: vec![0.5, 0.0, -0.25],
        missing_left: vec![true, false, seed.is_multiple_of(2)],
        children: vec![[1, 2], [!0, !3], [!2, !1]],
        gains: vec![1.0; 3],
        covers: vec![4.0, 2.0, 2.0],
        values: (0..4 * width).map(value).collect(),
        leaf_covers: vec![1.0; 4],
        sets: vec![LevelSet { node: 1, words: vec![0b1011 << (seed % 4), seed as u64] }],
        linear: Vec::new(),
    }
}

fn with_lines(tree: Tree) -> Tree {
    let line = |i: usize| LinearLeaf {
        constant: i as f64 * 0.25,
        terms: (0..i).map(|f| (f as u32 % 3, 0.5 - f as f64)).collect(),
    };
    Tree { linear: (0..4).map(line).collect(), ..tree }
}

fn model(n_outputs: usize, trees: Vec<Tree>) -> GbdtModel {
    let link = if n_outputs > 1 { Link::Softmax } else { Link::Logistic };
    let base = (0..n_outputs).map(|k| k as f64 * 0.5 - 0.25).collect();
    GbdtModel::from_parts(3, link, base, trees).expect("a sound model")
}

fn matrix(n_rows: usize) -> FeatureMatrix {
    let value = |row: usize, feature: usize| match (row * 7 + feature * 5) % 11 {
        0 => f32::NAN,
        h if feature == 2 => (h * row % 90) as f32,
        h => h as f32 * 0.25 - 1.5,
    };
    let column = |f: usize| {
        FeatureColumn::dense(&format!("f{f}"), (0..n_rows).map(|row| value(row, f)).collect())
    };
    FeatureMatrix::new(n_rows, (0..3).map(column).collect())
}

/// Trees of one number per leaf, of one number per class, and with linear leaves.
fn models() -> Vec<GbdtModel> {
    vec![
        model(1, (0..9).map(|t| tree(1, t)).collect()),
        model(3, (0..9).map(|t| tree(1, t)).collect()),
        model(3, (0..9).map(|t| tree(3, t)).collect()),
        model(1, (0..9).map(|t| with_lines(tree(1, t))).collect()),
        model(2, Vec::new()),
    ]
}

/// The definition: scores of a row after some rounds.
fn wanted(model: &GbdtModel, rounds: usize, value: impl Fn(usize) -> f32) -> Vec<f64> {
    let n_outputs = model.n_outputs();
    let mut scores = model.base_scores().to_vec();
    let n_trees = rounds.min(model.rounds()) * model.trees_per_round();
    for (t, tree) in model.trees()[..n_trees].iter().enumerate() {
        let leaf = tree.leaf_of(&value);
        let first = if tree.width() == 1 { t % n_outputs } else { 0 };
        for output in 0..tree.width() {
            scores[first + output] += tree.leaf_value(leaf, output, &value);
        }
    }
    scores
}

#[test]
fn every_output_agrees_with_the_definition() {
    let ctx = Context::unlimited(0, 2);
    let matrix = matrix(300);
    let x = FeatureView::all(&matrix);
    for model in models() {
        let n_outputs = model.n_outputs();
        let mut scorer = model.row_scorer();
        let stages = [0, 1, model.rounds().max(1), 1000];
        let staged = model.staged_predictions(&stages, &x, &ctx).unwrap();
        for (rounds, staged) in stages.iter().zip(&staged) {
            let scores = model.scores_after(*rounds, &x, &ctx).unwrap();
            let cut = model.predictions_after(*rounds, &x, &ctx).unwrap();
            assert_eq!(cut.values, staged.values);
            for row in 0..300 {
                let value = |f: usize| matrix.columns[f].values[row];
                let mut wanted = wanted(&model, *rounds, value);
                assert_eq!(scores[row * n_outputs..(row + 1) * n_outputs], wanted);
                model.link().apply(&mut wanted, n_outputs);
                assert_eq!(staged.row(row), wanted);
            }
        }
        let all = model.predict(&x, &ctx).unwrap();
        assert_eq!(all.values, staged[2].values);
        let mut scores: Vec<Vec<f64>> = model.base_scores().iter().map(|b| vec![*b; 300]).collect();
        for round in 0..=model.rounds() {
            model.add_rounds(round..round + 1, &x, &mut scores, &ctx).unwrap();
        }
        let rows = (0..300).flat_map(|row| scores.iter().map(move |s| s[row])).collect();
        assert_eq!(model.predictions_of(rows).unwrap(), all);
        let leaves = model.leaf_indices(&x, &ctx).unwrap();
        assert_eq!(leaves.len(), 300 * model.trees().len());
        for row in 0..300 {
            let features: Vec<f32> = matrix.columns.iter().map(|c| c.values[row]).collect();
            assert_eq!(scorer.scores(&features).unwrap(), wanted(&model, 1000, |f| features[f]));
            assert_eq!(scorer.predict(&features).unwrap(), all.row(row));
            for (t, tree) in model.trees().iter().enumerate() {
                let leaf = leaves[row * model.trees().len() + t] as usize;
                assert_eq!(leaf, tree.leaf_of(|f| features[f]));
            }
        }
    }
}

#[test]
fn what_cannot_be_answered_is_refused() {
    let ctx = Context::unlimited(0, 1);
    let model = model(1, vec![tree(1, 0)]);
    let matrix = matrix(3);
    assert!(model.staged_predictions(&[2, 1], &FeatureView::all(&matrix), &ctx).is_err());
    let mut scores = vec![vec![0.0; 3]; model.n_outputs() + 1];
    assert!(model.add_rounds(0..1, &FeatureView::all(&matrix), &mut scores, &ctx).is_err());
    scores.pop();
    scores[0].pop();
    assert!(model.add_rounds(0..1, &FeatureView::all(&matrix), &mut scores, &ctx).is_err());
    assert!(model.row_scorer().scores(&[0.0; 2]).is_err());
    assert!(model.row_scorer().predict(&[0.0; 4]).is_err());
    let narrow = FeatureMatrix::new(3, matrix.columns[..2].to_vec());
    assert!(model.leaf_indices(&FeatureView::all(&narrow), &ctx).is_err());
    assert!(model.scores(&FeatureView::all(&narrow), &ctx).is_err());
}

#[test]
fn trees_that_do_not_fit_each_other_or_the_outputs_are_refused() {
    let of = |n_outputs: usize, trees: Vec<Tree>| {
        let link = if n_outputs > 1 { Link::Softmax } else { Link::Identity };
        GbdtModel::from_parts(3, link, vec![0.0; n_outputs], trees)
    };
    assert!(of(3, vec![tree(3, 0), tree(3, 1)]).is_ok());
    assert!(of(3, vec![tree(1, 0), tree(1, 1), tree(1, 2)]).is_ok());
    assert!(of(3, vec![tree(1, 0), tree(1, 1)]).is_err(), "not a whole round");
    assert!(of(3, vec![tree(2, 0)]).is_err(), "too few numbers per leaf");
    assert!(of(1, vec![tree(2, 0)]).is_err(), "too many numbers per leaf");
    assert!(of(3, vec![tree(3, 0), tree(1, 1)]).is_err(), "of two kinds");
    assert!(of(3, vec![Tree { values: Vec::new(), ..tree(3, 0) }]).is_err(), "no numbers");
    let mut steep = with_lines(tree(1, 0));
    steep.linear[3].terms[0].1 = 1e300;
    assert!(of(1, vec![steep]).is_err(), "scores can overflow");
}

#[test]
fn mutated_models_are_refused_or_predict() {
    let entry = Entry::of::<Gbdt>();
    let ctx = Context::unlimited(0, 1);
    let matrix = matrix(9);
    let (x, few) = (FeatureView::all(&matrix), [1, 2]);
    let few = FeatureView::of(&matrix, &few);
    let mut random = Random::new(5);
    let mut survived = 0;
    for model in models() {
        let bytes = postcard::to_stdvec(&model).unwrap();
        for i in 0..1500 {
            let mut hostile = bytes.clone();
            for _ in 0..=(i % 3) {
                let at = random.below(hostile.len());
                hostile[at] = random.next_u64() as u8;
            }
            let Ok(model) = entry.decode(Gbdt::LAYOUT, &hostile) else { continue };
            survived += 1;
            for x in [&x, &few] {
                if let Ok(predictions) = model.model.predict(x, &ctx) {
                    assert!(predictions.values.iter().all(|v| v.is_finite()));
                }
            }
        }
    }
    assert!(survived > 0);
}
