//! Regions of given reaches: nested, grouped, never empty; and what is refused when read.

use modelwright_core::data::{Column, Field, Kind, Storage, Table};
use modelwright_core::random::Random;
use modelwright_core::record::Interval;

use super::*;

fn intervals(levels: &[f64], reach: Vec<Vec<f64>>, rule: Rule) -> Intervals {
    Intervals { levels: levels.to_vec(), groups: None, reach, rule }
}

fn groups(values: &[&str]) -> Groups {
    let field = Field::new("site", Storage::String, Kind::Category);
    Groups { field, values: values.iter().map(|v| (*v).to_owned()).collect() }
}

#[test]
fn a_higher_level_holds_all_that_a_lower_one_does() {
    let quantiles = Predictions::new(4, vec![-2.0, -1.0, 1.0, 3.0, 0.1, 0.1, 0.1, 0.1]);
    // The outer interval is moved in by so much that it alone would be inside the inner one.
    let given = intervals(&[0.5, 0.9], vec![vec![0.5], vec![-1.8]], Rule::Constant);
    let levels = given.intervals(&[10.0, 20.0], Some(&quantiles), &[]);
    assert_eq!(levels[0].intervals[0], Interval { low: 8.5, high: 11.5 });
    for (inner, outer) in levels[0].intervals.iter().zip(&levels[1].intervals) {
        assert!(outer.low <= inner.low && inner.high <= outer.high, "{inner:?} {outer:?}");
        assert!(inner.low <= inner.high);
    }
    let turned = intervals(&[0.5], vec![vec![-5.0]], Rule::Constant);
    let middle = turned.intervals(&[1.0], None, &[])[0].intervals[0];
    assert_eq!(middle, Interval { low: 1.0, high: 1.0 }, "nothing is left but the middle");
}

#[test]
fn a_set_has_the_probable_classes_and_always_the_most_probable_one() {
    let rule = || Rule::Sets { per_class: false };
    let p = Predictions::new(3, vec![0.5, 0.3, 0.2, 0.4, 0.35, 0.25]);
    let of = |reach: f64| intervals(&[0.9], vec![vec![reach]], rule()).sets(&p, &[])[0].clone();
    assert_eq!(of(0.7).members, [true, true, false, true, true, false]);
    assert_eq!(of(0.1).members, [true, false, false, true, false, false]);
    let binary = Predictions::new(1, vec![0.9, 0.45]);
    let sets = intervals(&[0.9], vec![vec![0.6]], rule()).sets(&binary, &[]);
    assert_eq!((sets[0].n_classes, &sets[0].members[..]), (2, &[false, true, true, true][..]));
    let per_class = Rule::Sets { per_class: true };
    let rare = intervals(&[0.9], vec![vec![0.1, 1.0, 0.1]], per_class).sets(&p, &[]);
    assert_eq!(rare[0].members, [true, true, false, true, true, false]);
}

#[test]
fn rows_find_their_group_by_value_and_all_others_are_group_zero() {
    let sites = groups(&["a", "c"]);
    let column = Column::strings("site", [Some("c"), None, Some("b"), Some("a")]);
    assert_eq!(sites.of_rows(&Table::new(vec![column]).unwrap()), [2, 0, 0, 1]);
    let other = Table::new(vec![Column::numbers("x", vec![1.0, 2.0])]).unwrap();
    assert_eq!(sites.of_rows(&other), [0, 0], "the column may be absent");
    let field = Field::new("n", Storage::Number, Kind::Number);
    let column = Column::numbers("n", (0..300).map(|i| f64::from(i % 3)).collect::<Vec<f64>>());
    let rows: Vec<u32> = (0..150).collect();
    let own = Groups::of_column(field, &column, &rows, 0.9);
    assert_eq!(own.values, ["0", "1", "2"]);
    let few: Vec<u32> = (0..140).collect();
    let field = Field::new("n", Storage::Number, Kind::Number);
    assert_eq!(Groups::of_column(field, &column, &few, 0.9).len(), 0, "too few rows each");
}

#[test]
fn mondrian_groups_are_held_where_one_reach_for_all_is_not() {
    // Group 1 errs three times as much as the others.
    let draw = |seed: u64, n: usize| {
        let mut random = Random::new(seed);
        let groups: Vec<u32> = (0..n).map(|_| u32::from(random.unit() < 0.2)).collect();
        let errors: Vec<f64> =
            groups.iter().map(|g| random.normal() * if *g == 1 { 3.0 } else { 1.0 }).collect();
        (groups, errors)
    };
    for seed in 0..5 {
        let (own, errors) = draw(seed, 4_000);
        let sizes: Vec<f64> = errors.iter().map(|e| e.abs()).collect();
        let of = |group: u32| {
            let scores: Vec<f64> =
                own.iter().zip(&sizes).filter(|(g, _)| **g == group).map(|(_, s)| *s).collect();
            modelwright_evaluate::conformal::quantile(&scores, None, 0.9)
        };
        let all = modelwright_evaluate::conformal::quantile(&sizes, None, 0.9);
        let (fresh, errors) = draw(100 + seed, 20_000);
        let share = |reach: [f64; 2], group: u32| {
            let given = Intervals {
                levels: vec![0.9],
                groups: Some(groups(&["dear"])),
                reach: vec![reach.to_vec()],
                rule: Rule::Constant,
            };
            let levels = given.intervals(&vec![0.0; errors.len()], None, &fresh);
            let rows = fresh.iter().zip(&errors).zip(&levels[0].intervals);
            let own = rows.filter(|((g, _), _)| **g == group);
            let held: Vec<bool> = own.map(|((_, e), i)| i.low <= *e && *e <= i.high).collect();
            held.iter().filter(|h| **h).count() as f64 / held.len() as f64
        };
        // 800 rows calibrate and 4,000 judge: a standard error of the share of about 0.012.
        assert!((share([of(0), of(1)], 1) - 0.9).abs() < 0.045, "seed {seed}");
        assert!((share([of(0), of(1)], 0) - 0.9).abs() < 0.03, "seed {seed}");
        assert!(share([all, all], 1) < 0.8, "one reach for all leaves the dear group out");
    }
}

#[test]
fn broken_intervals_are_refused_when_they_are_read() {
    let check = |given: Intervals, task| given.validate(task, 0, |_| None).is_ok();
    let constant = |levels: &[f64], reach| intervals(levels, reach, Rule::Constant);
    assert!(check(constant(&[0.9], vec![vec![1.0]]), Task::Regression));
    assert!(!check(constant(&[0.9], vec![vec![1.0]]), Task::Binary));
    assert!(!check(constant(&[0.9, 0.8], vec![vec![1.0], vec![2.0]]), Task::Regression));
    assert!(!check(constant(&[1.0], vec![vec![1.0]]), Task::Regression));
    assert!(!check(constant(&[0.9], vec![vec![f64::INFINITY]]), Task::Regression));
    assert!(!check(constant(&[0.9], vec![]), Task::Regression));
    let with_groups =
        Intervals { groups: Some(groups(&["a"])), ..constant(&[0.9], vec![vec![1.0]]) };
    assert!(!check(with_groups, Task::Regression));
}
