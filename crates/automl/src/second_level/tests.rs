//! Lines and corrections on members whose errors are known.

use modelwright_core::random::Random;
use modelwright_core::task::{Predictions, Target, Task};

use super::line::Lesson;
use super::scores::Scores;
use super::{Context, Line, SecondLevel, Stored};

const N: usize = 2_000;

/// Two members and their mean, row by row.
struct Planted {
    members: [Predictions; 2],
    mean: Predictions,
}

fn planted(n_outputs: usize, mut of_row: impl FnMut() -> [Vec<f64>; 2]) -> Planted {
    let (mut a, mut b, mut mean) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..N {
        let [one, other] = of_row();
        mean.extend(one.iter().zip(&other).map(|(a, b)| f64::midpoint(*a, *b)));
        a.extend(one);
        b.extend(other);
    }
    let of = |values| Predictions::new(n_outputs, values);
    Planted { members: [of(a), of(b)], mean: of(mean) }
}

fn line(planted: &Planted, truth: &Target, of_members: bool) -> (Line, f64) {
    let said: Vec<&Predictions> = planted.members.iter().collect();
    let scores = Scores::of(&said, &planted.mean, truth.codes().is_some());
    let lesson = Lesson { scores: &scores, truth, weights: None, of_members };
    let rows: Vec<u32> = (0..N as u32).collect();
    let line = Line::fit(&lesson, &rows).unwrap();
    let reach = line.reach(&scores, &rows);
    (line, reach)
}

fn level(planted: &Planted, truth: &Target) -> SecondLevel {
    let (line, reach) = line(planted, truth, true);
    let range = truth.codes().is_none().then_some((-10.0, 10.0));
    SecondLevel { line, reach, range, trees: None }
}

fn corrected(level: &SecondLevel, planted: &Planted, rows: &[u32]) -> Predictions {
    let members = planted.members.each_ref().map(|p| p.select(rows));
    let mut mean = planted.mean.select(rows);
    level.apply(&members, &mut mean, None, &Context::unlimited(0, 1)).unwrap();
    mean
}

fn log_loss(predictions: &Predictions, truth: &Target) -> f64 {
    let codes = truth.codes().unwrap();
    let of_row = |(row, code): (usize, &u32)| match predictions.row(row) {
        [p] if *code == 0 => -(1.0 - p).ln(),
        [p] => -p.ln(),
        many => -many[*code as usize].ln(),
    };
    codes.iter().enumerate().map(of_row).sum::<f64>() / codes.len() as f64
}

#[test]
fn a_member_that_errs_more_in_the_same_way_gets_a_weight_against_its_word() {
    let mut random = Random::new(1);
    let mut truth = Vec::new();
    let planted = planted(1, || {
        let (value, error) = (random.normal(), random.normal());
        truth.push(value);
        [vec![value + error], vec![value + 2.0 * error]]
    });
    let truth = Target::Real(truth);
    let (line, _) = line(&planted, &truth, true);
    // The truth is twice the first less the second: no positive weights come near.
    let of = |row: usize| {
        let away = |m: usize| planted.members[m].values[row] - planted.mean.values[row];
        planted.mean.values[row] + line.weights[0] * away(0) + line.weights[1] * away(1)
    };
    let Target::Real(values) = &truth else { panic!() };
    let error = (0..N).map(|row| (of(row) - values[row]).powi(2)).sum::<f64>() / N as f64;
    assert!(error < 1e-3, "{error} {line:?}");
    assert_eq!((line.intercept, line.slope), (0.0, 1.0));
}

#[test]
fn probabilities_of_two_and_of_three_classes_are_mended_and_stay_probabilities() {
    for n_classes in [2_usize, 3] {
        let mut random = Random::new(n_classes as u64);
        let mut codes = Vec::new();
        let n_outputs = if n_classes == 2 { 1 } else { 3 };
        let planted = planted(n_outputs, || {
            let score: Vec<f64> = (0..n_classes).map(|_| 2.0 * random.normal()).collect();
            let error: Vec<f64> = (0..n_classes).map(|_| random.normal()).collect();
            let share = |times: f64| {
                let e: Vec<f64> =
                    score.iter().zip(&error).map(|(s, e)| (s + times * e).exp()).collect();
                let total: f64 = e.iter().sum();
                let all: Vec<f64> = e.iter().map(|e| e / total).collect();
                if n_classes == 2 { all[1..].to_vec() } else { all }
            };
            let drawn = random.unit();
            let true_shares = share(0.0);
            let of_class = |k: usize| match n_classes {
                2 => [1.0 - true_shares[0], true_shares[0]][k],
                _ => true_shares[k],
            };
            let mut code = 0;
            let mut below = of_class(0);
            while code + 1 < n_classes && drawn > below {
                code += 1;
                below += of_class(code);
            }
            codes.push(code as u32);
            [share(1.0), share(2.0)]
        });
        let truth = Target::Class { codes, n_classes };
        let level = level(&planted, &truth);
        let rows: Vec<u32> = (0..N as u32).collect();
        let mended = corrected(&level, &planted, &rows);
        let (before, after) = (log_loss(&planted.mean, &truth), log_loss(&mended, &truth));
        assert!(after < 0.95 * before, "{n_classes}: {after} after {before}");
        for row in 0..N {
            let row = mended.row(row);
            assert!(row.iter().all(|p| (0.0..=1.0).contains(p)));
            assert!(n_outputs == 1 || (row.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        }
    }
}

#[test]
fn a_map_alone_is_what_probabilities_start_from() {
    let mut random = Random::new(5);
    let mut codes = Vec::new();
    let planted = planted(1, || {
        let score = random.normal();
        codes.push(u32::from(random.unit() < 1.0 / (1.0 + (-score).exp())));
        // Twice as sure as it should be.
        let p = 1.0 / (1.0 + (-2.0 * score).exp());
        [vec![p], vec![p]]
    });
    let truth = Target::Class { codes, n_classes: 2 };
    let (line, reach) = line(&planted, &truth, false);
    assert!((line.slope - 0.5).abs() < 0.08 && line.intercept.abs() < 0.15, "{line:?}");
    assert_eq!(reach, 0.0, "no member has a weight");
}

#[test]
fn a_row_by_itself_is_corrected_as_among_others_and_no_further_than_any_that_taught() {
    let mut random = Random::new(7);
    let mut truth = Vec::new();
    let mut planted = planted(1, || {
        let (value, error) = (random.normal(), random.normal());
        truth.push(value);
        [vec![value + error], vec![value + 2.0 * error]]
    });
    let level = level(&planted, &Target::Real(truth));
    let all = corrected(&level, &planted, &(0..N as u32).collect::<Vec<u32>>());
    for row in 0..20_u32 {
        let one = corrected(&level, &planted, &[row]);
        assert_eq!(one.row(0)[0].to_bits(), all.row(row as usize)[0].to_bits());
    }
    planted.members[1].values[0] = 1e6;
    planted.mean.values[0] = 0.0;
    let strange = corrected(&level, &planted, &[0]).values[0];
    assert!(strange.abs() <= level.reach.min(10.0), "{strange}");
}

#[test]
fn what_is_stored_comes_back_and_what_does_not_fit_is_refused() {
    let line = Line { intercept: 0.1, slope: 0.9, weights: vec![0.5, -0.25] };
    let level = SecondLevel { line, reach: 2.0, range: None, trees: None };
    let bytes = postcard::to_stdvec(&level.store().unwrap()).unwrap();
    let back = SecondLevel::read(postcard::from_bytes::<Stored>(&bytes).unwrap()).unwrap();
    assert_eq!((&back.line, back.reach, back.range), (&level.line, 2.0, None));
    let check = |level: &SecondLevel, of| level.validate(of, |_| None).is_ok();
    assert!(check(&back, (Task::Binary, 1, 2)));
    assert!(!check(&back, (Task::Binary, 1, 3)), "a weight is missing");
    assert!(!check(&back, (Task::Regression, 1, 2)), "numbers have a range");
    let one = SecondLevel { line: Line { weights: Vec::new(), ..back.line.clone() }, ..back };
    assert!(!check(&one, (Task::Binary, 1, 1)), "one member has no second level");
    let broken = Line { slope: f64::NAN, ..one.line.clone() };
    assert!(!check(&SecondLevel { line: broken, ..one }, (Task::Binary, 1, 2)));
}
