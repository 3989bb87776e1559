//! Intervals hold the truth as often as they say, and p-values are uniform where there is nothing
//! to find: the example `simulation` at a size that a test can afford.
//!
//! Of 200 intervals that hold the truth with 95 % each, fewer than 179 do in one of 10,000
//! samples.

#![expect(clippy::expect_used, reason = "a simulated table fits")]

#[path = "../examples/simulation/cover.rs"]
mod cover;
#[path = "../examples/simulation/uniform.rs"]
mod uniform;
#[path = "../examples/simulation/worlds.rs"]
mod worlds;

use cover::{Held, Size};
use worlds::World;

const SIZE: Size = Size { n_tables: 200, n_rows: 300, n_resamples: 150 };

/// The least share that chance allows, and the bounds of the mean: metrics of the same rows err
/// together, so that it is not much surer than one.
const LEAST: f64 = 0.895;
const MEAN: (f64, f64) = (0.92, 0.98);

fn holds(all: &[Held]) {
    // Undefined intervals are not counted, but must be few.
    for held in all {
        assert!(held.of >= SIZE.n_tables * 9 / 10, "{held:?}");
        assert!(held.share() >= LEAST, "{}: {:.3}", held.what, held.share());
    }
    let mean = all.iter().map(Held::share).sum::<f64>() / all.len() as f64;
    assert!((MEAN.0..=MEAN.1).contains(&mean), "{:.4} of {}", mean, all[0].what);
}

#[test]
fn intervals_of_metrics_hold_the_truth_of_two_classes() {
    holds(&cover::metrics(World::Binary(1.0), SIZE));
}

#[test]
fn intervals_of_metrics_hold_the_truth_of_three_classes_and_of_numbers() {
    holds(&cover::metrics(World::Three, SIZE));
    holds(&cover::metrics(World::Numbers, SIZE));
}

#[test]
fn intervals_of_differences_hold_none_where_models_are_alike() {
    let size = Size { n_rows: 200, ..SIZE };
    let mut all = cover::costs(World::Binary(1.0), size);
    // The others resample 2,000 times whatever is asked: fewer tables.
    let fewer = Size { n_tables: 100, ..size };
    let differences = cover::differences(World::Numbers, fewer);
    assert!(differences.iter().all(|d| d.holding >= 86), "{differences:?}");
    all.extend(cover::slices(size));
    holds(&all);
}

#[test]
fn intervals_of_groups_and_of_the_gaps_between_them_hold_the_truth() {
    holds(&cover::fairness_gaps(Size { n_rows: 600, ..SIZE }));
}

#[test]
fn p_values_are_uniform_where_there_is_nothing_to_find() {
    for levels in uniform::all(200) {
        let (distance, allowed) = (levels.distance(), levels.distance_allowed());
        assert!(levels.p_values.len() >= 190, "{}", levels.what);
        // One of a thousand samples each: a hair more than one of a hundred.
        assert!(distance <= 1.2 * allowed, "{}: {distance:.3}", levels.what);
        assert!(levels.share_below(0.05) <= 0.1, "{}", levels.what);
    }
}
