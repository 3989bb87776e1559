//! A tree as programs of the kernel: the constants of its edges and leaves.
//!
//! Let `f(t) = (1 - t) z + t o` be the factor of an edge's feature, with `z` the product of the
//! cover shares and `o` the conjunction of the tests of all its edges from the root to here. An
//! edge multiplies by `f / f'`, where `f'` is the factor of the closest edge above with the same
//! feature (1 without one), and credits its feature with the sum of the leaves below times
//! `(o - z) / f - (o' - z') / f'`: summed over the edges of a path that is the feature's own
//! `(o - z) / f`. Neither quotient divides by zero: `f > 0` if `o`, and `z / f = 1 / (1 - t)` if
//! not.

use modelwright_kernels::shap::{FIRST, Kind, MAX_POINTS, Program, Step, Test};

use super::quadrature::{Point, points};
use crate::tree::Tree;

/// Not a column: the feature does not occur.
const NOWHERE: u32 = u32::MAX;

/// The programs of a tree for one of its outputs: together they hold all quadrature points.
///
/// `columns` maps features to columns of the block. Leaves pay `scale` times their value. A tree
/// without splits has no program.
pub(super) fn programs(tree: &Tree, output: usize, scale: f64, columns: &[u32]) -> Vec<Program> {
    let n_features = features_per_path(tree, columns);
    let points = if n_features == 0 { Vec::new() } else { points(n_features - 1) };
    let parts = points.len().div_ceil(MAX_POINTS).max(1);
    let size = points.len().div_ceil(parts).max(1);
    points
        .chunks(size)
        .map(|points| Writer::new(tree, output, scale, columns, points).write())
        .collect()
}

/// For each feature its rank among those that occur, and the features that occur, ascending.
pub(super) fn used(trees: &[Tree], n_features: usize) -> (Vec<u32>, Vec<u32>) {
    let mut columns = vec![NOWHERE; n_features];
    for feature in trees.iter().flat_map(|t| &t.features) {
        columns[*feature as usize] = 0;
    }
    let used: Vec<u32> =
        (0..n_features as u32).filter(|f| columns[*f as usize] != NOWHERE).collect();
    for (i, feature) in used.iter().enumerate() {
        columns[*feature as usize] = i as u32;
    }
    (columns, used)
}

/// The share of a node's cover that goes left; half where there is no cover.
pub(super) fn left_share(tree: &Tree, node: usize) -> f64 {
    let [left, right] = tree.children[node].map(|child| match usize::try_from(child) {
        Ok(node) => f64::from(tree.covers[node]),
        Err(_) => f64::from(tree.leaf_covers[!child as usize]),
    });
    if left + right > 0.0 { left / (left + right) } else { 0.5 }
}

/// The mean of a tree's leaves over the background that its covers describe.
pub(super) fn expected(tree: &Tree, output: usize) -> f64 {
    let width = tree.width();
    let mut reach = vec![1.0; tree.features.len()];
    let mut mean = if tree.features.is_empty() { tree.values[output] } else { 0.0 };
    for node in 0..tree.features.len() {
        let share = left_share(tree, node);
        for (child, share) in tree.children[node].into_iter().zip([share, 1.0 - share]) {
            match usize::try_from(child) {
                Ok(child) => reach[child] = reach[node] * share,
                Err(_) => {
                    mean += reach[node] * share * tree.values[!child as usize * width + output];
                }
            }
        }
    }
    mean
}

/// The most different features on one path.
fn features_per_path(tree: &Tree, columns: &[u32]) -> usize {
    enum Visit {
        Down(usize),
        Up(usize),
    }
    let mut times = vec![0_u32; columns.len()];
    let (mut now, mut most) = (0, 0);
    let mut visits = if tree.features.is_empty() { vec![] } else { vec![Visit::Down(0)] };
    while let Some(visit) = visits.pop() {
        match visit {
            Visit::Down(node) => {
                let times = &mut times[tree.features[node] as usize];
                now += usize::from(*times == 0);
                *times += 1;
                most = most.max(now);
                visits.push(Visit::Up(node));
                let inner = tree.children[node].iter().filter_map(|c| usize::try_from(*c).ok());
                visits.extend(inner.map(Visit::Down));
            }
            Visit::Up(node) => {
                let times = &mut times[tree.features[node] as usize];
                *times -= 1;
                now -= usize::from(*times == 0);
            }
        }
    }
    most
}

/// Writes one program.
struct Writer<'a> {
    tree: &'a Tree,
    output: usize,
    scale: f64,
    columns: &'a [u32],
    points: &'a [Point],
    program: Program,
    /// For each column the level that tests it last on the current path.
    last: Vec<u32>,
    /// For each level of the current path the background share of its edge's feature.
    shares: Vec<f64>,
}

enum Work {
    Node { node: usize, level: u32 },
    Side { node: usize, level: u32, left: bool },
    Back { exit: Step },
}

/// An edge: the share of the background that its feature lets through above and below it.
struct Edge {
    first: bool,
    above: f64,
    ratio: f64,
}

impl Edge {
    fn share(&self) -> f64 {
        self.above * self.ratio
    }
}

impl<'a> Writer<'a> {
    fn new(
        tree: &'a Tree,
        output: usize,
        scale: f64,
        columns: &'a [u32],
        points: &'a [Point],
    ) -> Self {
        let program = Program {
            n_points: points.len(),
            inverse_weights: points.iter().map(|p| 1.0 / p.weight).collect(),
            ..Program::default()
        };
        let last = vec![FIRST; columns.len()];
        Self { tree, output, scale, columns, points, program, last, shares: Vec::new() }
    }

    fn write(mut self) -> Program {
        let mut work = vec![Work::Node { node: 0, level: 0 }];
        while let Some(item) = work.pop() {
            match item {
                Work::Node { node, level } => self.node(node, level, &mut work),
                Work::Side { node, level, left } => self.side(node, level, left, &mut work),
                Work::Back { exit } => {
                    self.last[exit.column as usize] = exit.above;
                    self.program.steps.push(exit);
                }
            }
        }
        self.program
    }

    fn node(&mut self, node: usize, level: u32, work: &mut Vec<Work>) {
        let tree = self.tree;
        let levels = tree.sets.binary_search_by_key(&(node as u32), |set| set.node);
        self.step(Kind::Split, node, level, true, self.program.tests.len());
        self.program.tests.push(Test {
            threshold: f64::from(tree.thresholds[node]),
            missing_left: tree.missing_left[node],
            levels: levels.ok().map(|i| tree.sets[i].words.clone().into_boxed_slice()),
        });
        self.program.depth = self.program.depth.max(level as usize + 1);
        if let [Err(_), Err(_)] = tree.children[node].map(usize::try_from) {
            self.twig(node, level);
        } else {
            work.push(Work::Side { node, level, left: false });
            work.push(Work::Side { node, level, left: true });
        }
    }

    fn side(&mut self, node: usize, level: u32, left: bool, work: &mut Vec<Work>) {
        let child = self.tree.children[node][usize::from(!left)];
        let edge = self.edge(node, left);
        let at = self.program.constants.len();
        match usize::try_from(child) {
            Err(_) => {
                self.edge_constants(&edge, self.value(child));
                self.step(Kind::Leaf, node, level, left, at);
            }
            Ok(child) => {
                for constant in constants(&edge, self.points) {
                    self.program.constants.extend(constant);
                }
                self.step(Kind::Enter, node, level, left, at);
                let entered = self.program.steps[self.program.steps.len() - 1];
                self.shares.truncate(level as usize);
                self.shares.push(edge.share());
                self.last[entered.column as usize] = level;
                work.push(Work::Back { exit: Step { kind: Kind::Exit, ..entered } });
                work.push(Work::Node { node: child, level: level + 1 });
            }
        }
    }

    /// Constants of a leaf: those of its edge times what it pays.
    fn edge_constants(&mut self, edge: &Edge, value: f64) {
        let all = constants(edge, self.points);
        let n_factors = all.len() - 2;
        let (factors, weights) = all.split_at(n_factors);
        for factor in factors {
            self.program.constants.extend(factor.iter().map(|f| f * value));
        }
        for (weight, factor) in weights.iter().zip(factors) {
            let gains = weight.iter().zip(factor).map(|(w, f)| w * f * value);
            self.program.constants.extend(gains);
        }
    }

    fn twig(&mut self, node: usize, level: u32) {
        let at = self.program.constants.len();
        let values = self.tree.children[node].map(|child| self.value(child));
        let sides = [true, false].map(|left| constants(&self.edge(node, left), self.points));
        let n_factors = sides[0].len() - 2;
        // Choice 0 is left, 1 is right, 2 is neither: what each of the two edges is then.
        let choices = [[0, 1], [1, 0], [2, 2]];
        for choice in &choices[..n_factors] {
            let sums = (0..self.points.len())
                .map(|p| values[0] * sides[0][choice[0]][p] + values[1] * sides[1][choice[1]][p]);
            self.program.constants.extend(sums);
        }
        for choice in &choices[..2] {
            let gain = |side: usize, p: usize| {
                let chosen = choice[side];
                values[side] * sides[side][chosen][p] * sides[side][n_factors + chosen][p]
            };
            let gains = (0..self.points.len()).map(|p| gain(0, p) + gain(1, p));
            self.program.constants.extend(gains);
        }
        self.step(Kind::Twig, node, level, true, at);
    }

    fn value(&self, leaf: i32) -> f64 {
        self.scale * self.tree.values[!leaf as usize * self.tree.width() + self.output]
    }

    fn edge(&self, node: usize, left: bool) -> Edge {
        let above = self.last[self.column(node) as usize];
        let share = left_share(self.tree, node);
        Edge {
            first: above == FIRST,
            above: if above == FIRST { 1.0 } else { self.shares[above as usize] },
            ratio: if left { share } else { 1.0 - share },
        }
    }

    fn column(&self, node: usize) -> u32 {
        self.columns[self.tree.features[node] as usize]
    }

    fn step(&mut self, kind: Kind, node: usize, level: u32, left: bool, at: usize) {
        let column = self.column(node);
        let above = self.last[column as usize];
        self.program.steps.push(Step { kind, left, level, column, above, at: at as u32 });
    }
}

/// Factors if along, if not, and (for a repeated feature) if not before; then weights if along and
/// if not. One number per point each.
fn constants(edge: &Edge, points: &[Point]) -> Vec<Vec<f64>> {
    let of = |f: &dyn Fn(&Point) -> f64| points.iter().map(f).collect::<Vec<f64>>();
    let z = edge.share();
    let along = |z: f64, p: &Point| p.rest * z + p.t;
    let weight = |z: f64, p: &Point| p.weight * (1.0 - z) / along(z, p);
    if edge.first {
        return vec![
            of(&|p| along(z, p)),
            of(&|p| p.rest * z),
            of(&|p| weight(z, p)),
            of(&|p| -p.weight / p.rest),
        ];
    }
    let above = edge.above;
    vec![
        of(&|p| along(z, p) / along(above, p)),
        of(&|p| p.rest * z / along(above, p)),
        of(&|_| edge.ratio),
        of(&|p| weight(z, p) - weight(above, p)),
        of(&|p| -p.weight / p.rest - weight(above, p)),
    ]
}
