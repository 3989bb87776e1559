//! A target that is given away in a part of the rows is found, and honest columns are not accused.

use modelwright_core::data::{Column, Table};
use modelwright_core::random::Random;
use modelwright_core::record::{LeakAction, LeakKind};
use modelwright_core::task::Target;

use super::tests::{N, World, findings, numbers, only, regression_with};

#[test]
fn a_column_that_gives_the_target_away_in_a_part_of_the_rows_is_found() {
    let reported = (LeakKind::TargetCopy, LeakAction::Reported);
    for part in [0.3, 0.45] {
        let world = World::new();
        let mut random = Random::new(4);
        let some: Vec<Option<&str>> = (0..N)
            .map(|i| (random.unit() < part).then(|| if world.class(i) == 1 { "A7" } else { "B2" }))
            .collect();
        let world = world.with(Column::strings("code", some));
        assert_eq!(only(&world.findings(), "code"), reported, "{part} filled");
    }
    for part in [0.3, 0.5, 0.7] {
        // The same value everywhere else.
        let world = World::new();
        let mut random = Random::new(5);
        let code = |i: usize| 1.0 + f64::from(world.class(i));
        let mut value = |i: usize| if random.unit() < part { code(i) } else { 0.0 };
        let column = numbers("code", (0..N).map(&mut value).collect::<Vec<f64>>().into_iter());
        let world = world.with(column);
        assert_eq!(only(&world.findings(), "code"), reported, "{part} told");
        for rest in [f64::NAN, -1.0] {
            let found = regression_with(|y, random| {
                let mut value = |y: &f64| if random.unit() < part { 3.0 - 2.0 * y } else { rest };
                numbers("leak", y.iter().map(&mut value).collect::<Vec<f64>>().into_iter())
            });
            let leaks: Vec<_> = found.iter().filter(|f| f.columns == ["leak"]).collect();
            assert_eq!(leaks.len(), 1, "{part} of {rest}: {found:?}");
            assert_eq!(leaks[0].kind, LeakKind::TargetCopy);
        }
    }
}

#[test]
fn a_code_of_few_numbers_is_found_in_a_part_of_the_rows_though_some_are_rare() {
    let mut random = Random::new(8);
    let grade = |u: f64| if u < 0.002 { 9.0 } else { (u * 5.0).floor() };
    let y: Vec<f64> = (0..N).map(|_| grade(random.unit())).collect();
    let x: Vec<f64> = y.iter().map(|y| y + 2.0 * random.normal()).collect();
    let code = |y: &f64| ["c", "a", "e", "b", "d"].get(*y as usize).copied().unwrap_or("z");
    let told: Vec<Option<&str>> =
        y.iter().map(|y| (random.unit() < 0.4).then(|| code(y))).collect();
    let columns = vec![
        numbers("x", x.into_iter()),
        Column::strings("code", told),
        Column::numbers("y", y.clone()),
    ];
    let found = findings(&Table::new(columns).unwrap(), &Target::Real(y), |input| input);
    assert_eq!(only(&found, "code"), (LeakKind::TargetCopy, LeakAction::Reported));
}

#[test]
fn honest_columns_of_a_part_of_the_rows_are_not_accused() {
    let world = World::new();
    let mut random = Random::new(6);
    // A strong one that errs in one row of fifty, one that leans, one of a single value.
    let mut strong = |i: usize| {
        let class = if random.unit() < 0.02 { 1 - world.class(i) } else { world.class(i) };
        if random.unit() < 0.4 { f64::from(class) } else { f64::NAN }
    };
    let strong: Vec<f64> = (0..N).map(&mut strong).collect();
    let mut random = Random::new(7);
    let mut drawn = || if random.unit() < 0.5 { (random.below(2) + 1) as f64 } else { 0.0 };
    let drawn: Vec<f64> = (0..N).map(|_| drawn()).collect();
    let world = world.with(Column::numbers("strong", strong)).with(Column::numbers("drawn", drawn));
    let accused = world.findings().into_iter().filter(|f| f.kind == LeakKind::TargetCopy);
    assert_eq!(accused.count(), 0);
    let honest = regression_with(|y, random| {
        let mut value = |y: &f64| if random.unit() < 0.5 { y + random.normal() } else { f64::NAN };
        numbers("half", y.iter().map(&mut value).collect::<Vec<f64>>().into_iter())
    });
    assert!(honest.iter().all(|f| f.kind != LeakKind::TargetCopy), "{honest:?}");
}
