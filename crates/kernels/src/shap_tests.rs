//! Against one row at a time with plain branches: the same bits.

use super::*;

/// A small deterministic stream of numbers in 0..1.
struct Stream(u64);

impl Stream {
    fn unit(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963);
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }
}

const COLUMNS: u32 = 5;

/// A program of a random tree with arbitrary constants: only its shape makes sense.
fn program(n_points: usize, depth: u32, random: &mut Stream) -> Program {
    let mut program = Program {
        n_points,
        inverse_weights: (0..n_points).map(|p| 1.0 + p as f64).collect(),
        ..Program::default()
    };
    node(&mut program, 0, depth, &mut [FIRST; COLUMNS as usize], random);
    program
}

fn node(
    program: &mut Program,
    level: u32,
    depth: u32,
    last: &mut [u32; COLUMNS as usize],
    random: &mut Stream,
) {
    let column = (random.unit() * f64::from(COLUMNS)) as u32;
    let above = last[column as usize];
    let base = Step { kind: Kind::Split, left: true, level, column, above, at: 0 };
    program.depth = program.depth.max(level as usize + 1);
    program.steps.push(Step { at: program.tests.len() as u32, ..base });
    program.tests.push(Test {
        threshold: (random.unit() * 5.0).floor(),
        missing_left: random.unit() < 0.5,
        levels: (random.unit() < 0.3).then(|| [(random.unit() * 64.0) as u64].into()),
    });
    let choices = if above == FIRST { 4 } else { 5 };
    if level + 1 == depth || random.unit() < 0.2 {
        let at = constants(program, choices, random);
        program.steps.push(Step { kind: Kind::Twig, at, ..base });
        return;
    }
    for left in [true, false] {
        let at = constants(program, choices, random);
        if random.unit() < 0.3 {
            program.steps.push(Step { kind: Kind::Leaf, left, at, ..base });
            continue;
        }
        program.steps.push(Step { kind: Kind::Enter, left, at, ..base });
        last[column as usize] = level;
        node(program, level + 1, depth, last, random);
        last[column as usize] = above;
        program.steps.push(Step { kind: Kind::Exit, left, at, ..base });
    }
}

fn constants(program: &mut Program, choices: usize, random: &mut Stream) -> u32 {
    let at = program.constants.len() as u32;
    let n = choices * program.n_points;
    program.constants.extend((0..n).map(|_| random.unit() * 2.0 - 1.0));
    at
}

/// What is known of a level while one row walks.
#[derive(Clone, Default)]
struct Level {
    left: bool,
    along: bool,
    column: u32,
    product: Vec<f64>,
    sum: Vec<f64>,
    weight: Vec<f64>,
}

/// The program for one row: values by column, and pairs.
fn scalar(program: &Program, x: &[f64]) -> (Vec<f64>, Vec<f64>) {
    let n = program.n_points;
    let fresh = Level { product: vec![1.0; n], sum: vec![0.0; n], ..Level::default() };
    let mut levels = vec![fresh; program.depth + 1];
    let mut values = vec![0.0; COLUMNS as usize];
    let mut pairs = vec![0.0; (COLUMNS * (COLUMNS - 1) / 2) as usize];
    for step in &program.steps {
        let (level, column) = (step.level as usize, step.column as usize);
        if step.kind == Kind::Split {
            let test = &program.tests[step.at as usize];
            levels[level].column = step.column;
            levels[level].left = match &test.levels {
                _ if x[column].is_nan() => test.missing_left,
                Some(words) => (0..64).any(|v| words[0] >> v & 1 == 1 && x[column] == v as f64),
                None => x[column] <= test.threshold,
            };
            continue;
        }
        let before = step.above == FIRST || levels[step.above as usize].along;
        let along = before && levels[level].left == step.left;
        let constant =
            |choice: usize, p: usize| program.constants[step.at as usize + choice * n + p];
        let n_factors = if step.above == FIRST { 2 } else { 3 };
        let choice = if along {
            0
        } else if before {
            1
        } else {
            2
        };
        let factor = |p: usize| constant(choice, p);
        let weight = |p: usize| if before { constant(n_factors + choice, p) } else { 0.0 };
        let gains: Vec<f64> = match step.kind {
            Kind::Split => continue,
            Kind::Enter => {
                levels[level].along = along;
                levels[level].weight = (0..n).map(weight).collect();
                let product = (0..n).map(|p| levels[level].product[p] * factor(p)).collect();
                levels[level + 1].product = product;
                levels[level + 1].sum = vec![0.0; n];
                continue;
            }
            Kind::Exit => (0..n)
                .map(|p| {
                    let below = levels[level + 1].sum[p];
                    levels[level].sum[p] += below;
                    below * weight(p)
                })
                .collect(),
            Kind::Leaf | Kind::Twig => (0..n)
                .map(|p| {
                    let reached = levels[level].product[p];
                    levels[level].sum[p] += reached * factor(p);
                    reached * weight(p)
                })
                .collect(),
        };
        values[column] += gains.iter().skip(1).fold(gains[0], |a, b| a + b);
        for above in levels[..level].iter().filter(|a| a.column != step.column) {
            let (a, b) = (above.column.min(step.column), above.column.max(step.column));
            let part = |p: usize| above.weight[p] * (gains[p] * program.inverse_weights[p]);
            pairs[(b * (b - 1) / 2 + a) as usize] += (1..n).fold(part(0), |s, p| s + part(p));
        }
    }
    (values, pairs)
}

fn block(random: &mut Stream) -> Vec<Lanes> {
    let mut value = || match random.unit() {
        r if r < 0.15 => f64::NAN,
        r if r < 0.2 => -1.5,
        r => (r * 8.0).floor(),
    };
    (0..COLUMNS).map(|_| std::array::from_fn(|_| value())).collect()
}

#[test]
fn a_block_gives_the_bits_of_its_rows_one_by_one_on_every_unit() {
    let mut random = Stream(3);
    for n_points in 1..=MAX_POINTS {
        for depth in 1..12 {
            let program = program(n_points, depth, &mut random);
            let x = block(&mut random);
            // A used stack must not matter.
            let mut stack = Stack::default();
            let mut waste = vec![[0.0; LANES]; COLUMNS as usize];
            add_values(&program, &block(&mut random), &mut stack, &mut waste);

            let n_pairs = (COLUMNS * (COLUMNS - 1) / 2) as usize;
            let mut values = vec![[0.0; LANES]; COLUMNS as usize];
            let mut again = values.clone();
            let mut portable = values.clone();
            let mut pairs = vec![[0.0; LANES]; n_pairs];
            add_values(&program, &x, &mut stack, &mut values);
            add_pairs(&program, &x, &mut stack, &mut again, &mut pairs);
            values_generic(&program, &x, &mut stack, &mut portable);
            assert_eq!(values, again, "{n_points} points, depth {depth}");
            assert_eq!(values, portable, "{n_points} points, depth {depth}");
            for lane in 0..LANES {
                let row: Vec<f64> = x.iter().map(|column| column[lane]).collect();
                let want = scalar(&program, &row);
                let got: Vec<f64> = values.iter().map(|v| v[lane]).collect();
                assert_eq!(got, want.0, "{n_points} points, depth {depth}, lane {lane}");
                let got: Vec<f64> = pairs.iter().map(|v| v[lane]).collect();
                assert_eq!(got, want.1, "{n_points} points, depth {depth}, lane {lane}");
            }
        }
    }
}

#[test]
fn a_program_without_points_adds_nothing() {
    let mut out = [[1.0; LANES]];
    add_values(&Program::default(), &[[0.0; LANES]], &mut Stack::default(), &mut out);
    assert_eq!(out, [[1.0; LANES]]);
}
