//! Against the definition: Shapley values by all subsets of features.

use modelwright_core::data::{FeatureColumn, FeatureMatrix};

use super::*;
use crate::tree::{LevelSet, LinearLeaf};

/// A small deterministic stream of numbers in 0..1.
struct Stream(u64);

impl Stream {
    fn unit(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963);
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn below(&mut self, n: usize) -> usize {
        (self.unit() * n as f64) as usize
    }
}

fn child(place: usize) -> i32 {
    i32::try_from(place).unwrap()
}

/// A random tree: repeated features, missing values both ways, levels, some empty leaves.
fn tree(n_inner: usize, n_features: usize, width: usize, seed: u64) -> Tree {
    let mut random = Stream(seed);
    let mut tree = Tree {
        values: (0..(n_inner + 1) * width).map(|_| random.unit() * 4.0 - 2.0).collect(),
        ..Tree::default()
    };
    // Each new node takes the place of a random open child.
    let mut open: Vec<(usize, usize)> = Vec::new();
    for node in 0..n_inner {
        if node > 0 {
            let (parent, side) = open.swap_remove(random.below(open.len()));
            tree.children[parent][side] = child(node);
        }
        tree.features.push(random.below(n_features) as u32);
        tree.thresholds.push((random.unit() * 8.0).floor() as f32);
        tree.missing_left.push(random.unit() < 0.5);
        tree.children.push([0, 0]);
        tree.gains.push(random.unit() as f32);
        tree.covers.push(0.0);
        open.extend([(node, 0), (node, 1)]);
        if random.unit() < 0.25 {
            tree.thresholds[node] = 0.0;
            let words = vec![(random.unit() * 256.0) as u64];
            tree.sets.push(LevelSet { node: node as u32, words });
        }
    }
    for (leaf, (parent, side)) in open.into_iter().enumerate() {
        tree.children[parent][side] = !child(leaf);
    }
    let empty = |r: f64| if r < 0.1 { 0.0 } else { (r * 50.0).ceil() as f32 };
    tree.leaf_covers = (0..=n_inner).map(|_| empty(random.unit())).collect();
    for node in (0..n_inner).rev() {
        tree.covers[node] = tree.children[node]
            .iter()
            .map(|c| {
                usize::try_from(*c)
                    .map_or_else(|_| tree.leaf_covers[!c as usize], |c| tree.covers[c])
            })
            .sum();
    }
    tree.validate(n_features, width).unwrap();
    tree
}

fn matrix(n_rows: usize, n_features: usize, seed: u64) -> FeatureMatrix {
    let mut random = Stream(seed);
    let mut value = || match random.unit() {
        r if r < 0.1 => f32::NAN,
        _ => (random.unit() * 9.0).floor() as f32,
    };
    let columns = (0..n_features)
        .map(|f| FeatureColumn::dense(&format!("f{f}"), (0..n_rows).map(|_| value()).collect()))
        .collect();
    FeatureMatrix::new(n_rows, columns)
}

/// The game of the covers: features outside the set go both ways.
fn covers_game(tree: &Tree, output: usize, known: &dyn Fn(usize) -> Option<f32>) -> f64 {
    fn below(tree: &Tree, child: i32, output: usize, known: &dyn Fn(usize) -> Option<f32>) -> f64 {
        let Ok(node) = usize::try_from(child) else {
            return tree.values[!child as usize * tree.width() + output];
        };
        let [left, right] = tree.children[node].map(|c| below(tree, c, output, known));
        match known(tree.features[node] as usize) {
            Some(value) if tree.goes_left(node, value) => left,
            Some(_) => right,
            None => {
                let share = compile::left_share(tree, node);
                share * left + (1.0 - share) * right
            }
        }
    }
    below(tree, if tree.features.is_empty() { !0 } else { 0 }, output, known)
}

fn factorial(n: usize) -> f64 {
    (1..=n).map(|i| i as f64).product()
}

/// Shapley values and interaction matrix of a game over `n` players, by the definition.
fn shapley(n: usize, game: &dyn Fn(u32) -> f64) -> (Vec<f64>, Vec<f64>) {
    let worth: Vec<f64> = (0..1_u32 << n).map(game).collect();
    let mut values = vec![0.0; n];
    let mut matrix = vec![0.0; n * n];
    for set in 0..1_usize << n {
        let size = set.count_ones() as usize;
        for i in (0..n).filter(|i| set >> i & 1 == 0) {
            let weight = factorial(size) * factorial(n - size - 1) / factorial(n);
            values[i] += weight * (worth[set | 1 << i] - worth[set]);
            for j in (0..n).filter(|j| *j != i && set >> j & 1 == 0) {
                let weight = factorial(size) * factorial(n - size - 2) / factorial(n - 1) / 2.0;
                let both = worth[set | 1 << i | 1 << j] + worth[set];
                matrix[i * n + j] += weight * (both - worth[set | 1 << i] - worth[set | 1 << j]);
            }
        }
    }
    for i in 0..n {
        let rest: f64 = (0..n).filter(|j| *j != i).map(|j| matrix[i * n + j]).sum();
        matrix[i * n + i] = values[i] - rest;
    }
    (values, matrix)
}

fn near(got: f64, want: f64, what: &str) {
    assert!((got - want).abs() < 1e-11 * (1.0 + want.abs()), "{what}: {got} {want}");
}

const N: usize = 6;

#[test]
fn values_and_interactions_are_those_of_the_definition() {
    let ctx = Context::unlimited(0, 2);
    let x = matrix(11, N, 5);
    let view = FeatureView::all(&x);
    for (seed, n_inner) in [(1, 1), (2, 2), (3, 5), (4, 9), (5, 20), (6, 40), (7, 60), (8, 0)] {
        let trees = [tree(n_inner, N, 1, seed), tree(n_inner / 2, N, 1, seed + 100)];
        let ensemble = Ensemble { trees: &trees, base: &[0.5], scale: 0.75, n_features: N };
        let got = contributions(&ensemble, &view, &ctx).unwrap();
        let pairs = interactions(&ensemble, &view, &ctx).unwrap();
        for row in 0..x.n_rows {
            let game = |set: u32| -> f64 {
                let known = |f: usize| (set >> f & 1 == 1).then(|| x.columns[f].values[row]);
                0.5 + 0.75 * trees.iter().map(|t| covers_game(t, 0, &known)).sum::<f64>()
            };
            let (values, matrix) = shapley(N, &game);
            for i in 0..N {
                near(got.of(row, 0)[i], values[i], &format!("{seed}: row {row} feature {i}"));
                for j in 0..N {
                    let pair = pairs.of(row, 0)[i * (N + 1) + j];
                    near(pair, matrix[i * N + j], &format!("{seed}: row {row} pair {i} {j}"));
                }
            }
            near(got.of(row, 0)[N], game(0), "bias");
            near(pairs.of(row, 0)[(N + 1) * (N + 1) - 1], game(0), "bias of pairs");
            near(got.score(row, 0), game((1 << N) - 1), "local accuracy");
        }
    }
}

#[test]
fn interventional_values_are_those_of_the_definition_also_for_linear_leaves() {
    let ctx = Context::unlimited(0, 2);
    let (x, background) = (matrix(9, N, 6), matrix(13, N, 77));
    let [view, sample] = [&x, &background].map(FeatureView::all);
    for (seed, n_inner) in [(1, 1), (2, 3), (3, 9), (4, 25), (5, 60), (6, 0), (7, 2), (8, 14)] {
        let mut trees = [tree(n_inner, N, 1, seed), tree(n_inner / 2, N, 1, seed + 100)];
        if seed % 2 == 0 {
            let mut random = Stream(seed);
            let mut leaf = || LinearLeaf {
                constant: random.unit(),
                terms: (0..random.below(4))
                    .map(|_| (random.below(N) as u32, random.unit() - 0.5))
                    .collect(),
            };
            trees[0].linear = (0..=n_inner).map(|_| leaf()).collect();
            trees[0].validate(N, 1).unwrap();
        }
        let ensemble = Ensemble { trees: &trees, base: &[-1.0], scale: 0.5, n_features: N };
        let got = interventional(&ensemble, &view, &sample, &ctx).unwrap();
        for row in 0..x.n_rows {
            let game = |set: u32| -> f64 {
                let one = |b: usize| -> f64 {
                    let value = |f: usize| {
                        let mixed = if set >> f & 1 == 1 { (&x, row) } else { (&background, b) };
                        mixed.0.columns[f].values[mixed.1]
                    };
                    trees.iter().map(|t| t.leaf_value(t.leaf_of(value), 0, value)).sum()
                };
                -1.0 + 0.5 * (0..background.n_rows).map(one).sum::<f64>() / 13.0
            };
            let (values, _) = shapley(N, &game);
            for (i, value) in values.iter().enumerate() {
                near(got.of(row, 0)[i], *value, &format!("{seed}: row {row} feature {i}"));
            }
            near(got.of(row, 0)[N], game(0), "bias");
            near(got.score(row, 0), game((1 << N) - 1), "local accuracy");
        }
        assert_eq!(contributions(&ensemble, &view, &ctx).is_err(), seed % 2 == 0);
        assert_eq!(interactions(&ensemble, &view, &ctx).is_err(), seed % 2 == 0);
    }
}

#[test]
fn rows_and_threads_do_not_matter_and_every_output_has_its_own_trees() {
    const N: usize = 9;
    let x = matrix(700, N, 3);
    let all: Vec<u32> = (0..700).rev().collect();
    // Feature 8 never occurs: its column is not even read.
    let mut trees: Vec<Tree> = (0..140).map(|t| tree(1 + t % 30, N - 1, 1, t as u64)).collect();
    trees.push(Tree::constant(0.5, 10.0));
    trees.push(tree(12, N - 1, 3, 99));
    let base = [0.25, -0.5, 1.0];
    let ensemble = Ensemble { trees: &trees, base: &base, scale: 0.1, n_features: N };
    let one = Context::unlimited(0, 1);
    let view = FeatureView::of(&x, &all);
    let sample = FeatureView::of(&x, &all[..20]);
    let values = contributions(&ensemble, &view, &one).unwrap();
    let few = FeatureView::of(&x, &all[..21]);
    let pairs = interactions(&ensemble, &few, &one).unwrap();
    let against = interventional(&ensemble, &view, &sample, &one).unwrap();
    for threads in [2, 4] {
        let ctx = Context::unlimited(0, threads);
        assert_eq!(contributions(&ensemble, &view, &ctx).unwrap(), values);
        assert_eq!(interactions(&ensemble, &few, &ctx).unwrap(), pairs);
        assert_eq!(interventional(&ensemble, &view, &sample, &ctx).unwrap(), against);
    }
    let alone = contributions(&ensemble, &FeatureView::of(&x, &all[5..6]), &one).unwrap();
    assert_eq!(alone.values, values.values[5 * 3 * (N + 1)..6 * 3 * (N + 1)]);
    for (i, row) in all.iter().enumerate() {
        let value = |f: usize| x.columns[f].values[*row as usize];
        for (k, base) in base.iter().enumerate() {
            let own = trees.iter().enumerate().filter(|(t, tree)| tree.width() == 3 || t % 3 == k);
            let score = own.fold(*base, |sum, (_, tree)| {
                let output = if tree.width() == 3 { k } else { 0 };
                sum + 0.1 * tree.leaf_value(tree.leaf_of(value), output, value)
            });
            near(values.score(i, k), score, "path dependent");
            near(against.score(i, k), score, "interventional");
            assert_eq!(values.of(i, k)[8], 0.0, "a feature that does not occur gets nothing");
            if i < 21 {
                for (f, row) in pairs.of(i, k).chunks(N + 1).enumerate() {
                    near(row.iter().sum(), values.of(i, k)[f], "a row of the matrix");
                }
            }
        }
    }
    let mean: f64 = (0..700).map(|i| values.of(i, 1)[4].abs()).sum::<f64>() / 700.0;
    near(values.mean_abs()[N + 4], mean, "mean of the absolute value");
}

/// A chain: each node has a leaf on one side and the next node on the other.
fn chain(depth: usize, n_features: usize) -> Tree {
    let mut tree = tree(0, 1, 1, 0);
    tree.values = (0..=depth).map(|i| (i as f64 * 0.7).sin()).collect();
    tree.leaf_covers = (0..=depth).map(|i| 1.0 + (i % 5) as f32).collect();
    for i in 0..depth {
        let next = if i + 1 < depth { child(i + 1) } else { !child(depth) };
        tree.features.push((i % n_features) as u32);
        tree.thresholds.push((i % 8) as f32);
        tree.missing_left.push(i % 3 == 0);
        tree.children.push(if i % 2 == 0 { [!child(i), next] } else { [next, !child(i)] });
        tree.gains.push(1.0);
        tree.covers.push(tree.leaf_covers[i..].iter().sum());
    }
    tree.validate(n_features, 1).unwrap();
    tree
}

#[test]
fn deep_chains_stay_exact_and_need_no_tables_of_subsets() {
    let ctx = Context::unlimited(0, 2);
    for (depth, n_features) in [(60, 60), (60, 7), (300, 300)] {
        let trees = [chain(depth, n_features)];
        let (x, background) = (matrix(20, n_features, 4), matrix(5, n_features, 8));
        let [view, sample] = [&x, &background].map(FeatureView::all);
        let ensemble = Ensemble { trees: &trees, base: &[0.0], scale: 1.0, n_features };
        let values = contributions(&ensemble, &view, &ctx).unwrap();
        let against = interventional(&ensemble, &view, &sample, &ctx).unwrap();
        let pairs = interactions(&ensemble, &view, &ctx).unwrap();
        for row in 0..x.n_rows {
            let value = |f: usize| x.columns[f].values[row];
            let score = trees[0].leaf_value(trees[0].leaf_of(value), 0, value);
            near(values.score(row, 0), score, &format!("{depth} path dependent"));
            near(against.score(row, 0), score, &format!("{depth} interventional"));
            for (f, line) in pairs.of(row, 0).chunks(n_features + 1).enumerate() {
                near(line.iter().sum(), values.of(row, 0)[f], &format!("{depth} pairs of {f}"));
            }
        }
    }
}

#[test]
fn wrong_features_no_background_and_too_little_memory_are_refused() {
    let trees = [tree(3, 2, 1, 1)];
    let ensemble = Ensemble { trees: &trees, base: &[0.0], scale: 1.0, n_features: 2 };
    let ctx = Context::unlimited(0, 1);
    let (good, bad) = (matrix(100, 2, 1), matrix(100, 3, 1));
    let [view, wrong] = [&good, &bad].map(FeatureView::all);
    let none = FeatureView::of(&good, &[]);
    assert!(contributions(&ensemble, &wrong, &ctx).is_err());
    assert!(interactions(&ensemble, &wrong, &ctx).is_err());
    assert!(interventional(&ensemble, &wrong, &view, &ctx).is_err());
    assert!(interventional(&ensemble, &view, &wrong, &ctx).is_err());
    let error = interventional(&ensemble, &view, &none, &ctx).unwrap_err();
    assert!(error.to_string().contains("no background rows"), "{error}");
    assert_eq!(contributions(&ensemble, &none, &ctx).unwrap().values, [0.0; 0]);
    let settings = modelwright_core::context::Settings {
        memory_limit_bytes: Some(1000),
        threads: 1,
        ..Default::default()
    };
    let small = Context::new(settings).unwrap();
    let error = contributions(&ensemble, &view, &small).unwrap_err();
    assert!(error.to_string().contains("fewer rows"), "{error}");
}

#[derive(serde::Deserialize)]
struct Golden {
    case: Vec<Case>,
}

#[derive(serde::Deserialize)]
struct Case {
    name: String,
    kind: String,
    tolerance: f64,
    base: Vec<f64>,
    x: Vec<f32>,
    background: Vec<f32>,
    values: Vec<f64>,
    tree: Vec<Tree>,
}

#[test]
fn values_are_those_of_lightgbm_xgboost_and_the_shap_package() {
    const N: usize = 5;
    let text = include_str!("../../../../../testdata/learners/shap.toml");
    let golden: Golden = toml::from_str(text).unwrap();
    let ctx = Context::unlimited(0, 2);
    let table = |x: &[f32]| {
        let column = |f: usize| {
            FeatureColumn::dense(&format!("f{f}"), x.chunks(N).map(|row| row[f]).collect())
        };
        FeatureMatrix::new(x.len() / N, (0..N).map(column).collect())
    };
    assert_eq!(golden.case.len(), 6);
    for case in &golden.case {
        let (x, background) = (table(&case.x), table(&case.background));
        let [view, sample] = [&x, &background].map(FeatureView::all);
        for tree in &case.tree {
            tree.validate(N, 1).unwrap();
        }
        let ensemble = Ensemble { trees: &case.tree, base: &case.base, scale: 1.0, n_features: N };
        let got = match case.kind.as_str() {
            "values" => contributions(&ensemble, &view, &ctx).unwrap().values,
            "pairs" => interactions(&ensemble, &view, &ctx).unwrap().values,
            _ => interventional(&ensemble, &view, &sample, &ctx).unwrap().values,
        };
        assert_eq!(got.len(), case.values.len(), "{}", case.name);
        for (i, (got, want)) in got.iter().zip(&case.values).enumerate() {
            let near = (got - want).abs() <= case.tolerance;
            assert!(near, "{}: number {i}: {got}, theirs {want}", case.name);
        }
    }
}

#[test]
fn rows_one_by_one_get_what_they_get_together() {
    for (n_inner, n_features, seed) in [(0, 2, 1), (1, 3, 2), (12, 4, 3), (40, 9, 4), (150, 6, 5)] {
        let trees: Vec<Tree> =
            (0..7).map(|i| tree(n_inner, n_features, 1, 31 * seed + i)).collect();
        let ensemble = Ensemble { trees: &trees, base: &[0.5], scale: 0.7, n_features };
        let (x, background) = (matrix(9, n_features, seed), matrix(64, n_features, 77 + seed));
        let x = FeatureView::all(&x);
        let ctx = Context::unlimited(0, 2);
        for n_background in [1_u32, 16, 64] {
            let rows: Vec<u32> = (0..n_background).collect();
            let others = FeatureView::of(&background, &rows);
            let known = Known::of(&ensemble, &others, &ctx).unwrap().unwrap();
            assert_eq!(known.n_rows(), rows.len());
            let mut random = Stream(seed);
            let weights: Vec<f64> =
                (0..9 * rows.len()).map(|_| random.unit() * 2.0 - 0.5).collect();
            // Each feature for itself, and the last two together.
            let own: Vec<u32> = (0..n_features as u32).collect();
            let mut joint = own.clone();
            joint[n_features - 1] = joint[n_features - 2];
            for of_feature in [own, joint] {
                let players = Players::new(&of_feature, n_features).unwrap();
                let wanted = weighted(&ensemble, &players, &x, &others, &weights, &ctx).unwrap();
                let got = known.weighted(&ensemble, &players, &x, &weights, &ctx).unwrap();
                let is_near = |(a, b): (&f64, &f64)| (a - b).abs() < 1e-11;
                assert!(got.iter().zip(&wanted).all(is_near), "{n_inner} {n_background}");
                let alone = FeatureView::of(x.features, &[4]);
                let of_one = &weights[4 * rows.len()..5 * rows.len()];
                let one = known.weighted(&ensemble, &players, &alone, of_one, &ctx).unwrap();
                assert_eq!(one, got[4 * n_features..5 * n_features]);
            }
        }
    }
}

#[test]
fn what_is_not_walked_and_what_does_not_fit_is_said() {
    let (x, ctx) = (matrix(65, 3, 1), Context::unlimited(0, 1));
    let (all, some) = (FeatureView::all(&x), FeatureView::of(&x, &[0, 1]));
    let of = |trees: &[Tree], view: &FeatureView<'_>| {
        let ensemble = Ensemble { trees, base: &[0.0], scale: 1.0, n_features: 3 };
        Known::of(&ensemble, view, &ctx)
    };
    let mut linear = tree(5, 3, 1, 9);
    linear.linear = (0..6).map(|_| LinearLeaf { constant: 0.0, terms: vec![] }).collect();
    let plain = [tree(5, 3, 1, 9)];
    assert!(of(&plain, &all).unwrap().is_none(), "more background rows than bits");
    assert!(of(&[linear], &some).unwrap().is_none());
    assert!(of(&plain, &FeatureView::of(&x, &[])).is_err());
    let known = of(&plain, &some).unwrap().unwrap();
    let players = Players::new(&[0, 1, 2], 3).unwrap();
    let others = [tree(6, 3, 1, 2)];
    let asked = |trees: &[Tree], weights: &[f64]| {
        let ensemble = Ensemble { trees, base: &[0.0], scale: 1.0, n_features: 3 };
        known.weighted(&ensemble, &players, &some, weights, &ctx)
    };
    assert!(asked(&plain, &[0.5; 4]).is_ok());
    assert!(asked(&plain, &[0.5; 3]).is_err() && asked(&others, &[0.5; 4]).is_err());
}
