//! Do 95 % intervals hold the truth in 95 of 100 samples, and are p-values uniform where there is
//! nothing to find? By hand, in release mode, about four minutes of processor time:
//! `cargo run --release -p modelwright-evaluate --example simulation [tables] [part]`; a part is
//! the first letters of a world (`numbers`), `differences` or `p-values`.
//!
//! The same worlds at a smaller size are a test (`tests/simulation.rs`).

mod cover;
mod uniform;
mod worlds;

use cover::{Held, Size};
use worlds::World;

#[expect(clippy::print_stdout, reason = "a program run by hand")]
fn main() {
    let asked = std::env::args().nth(1).and_then(|n| n.parse().ok());
    let n_tables = asked.unwrap_or(1000_usize);
    let only = std::env::args().nth(2);
    let is_asked = |what: &str| only.as_ref().is_none_or(|only| what.starts_with(only));
    let size = |n_rows| Size { n_tables, n_rows, n_resamples: 400 };
    println!(
        "{:<64} {:>8} {:>6} {:>6} {:>6} {:>9} {:>9}",
        "95 % interval", "held", "of", "above", "below", "length", "1 in 20"
    );
    for world in [World::Binary(1.0), World::Binary(2.7), World::Three, World::Numbers] {
        for n_rows in [40, 100, 400] {
            if is_asked(&world.name()) {
                show(&cover::metrics(world, size(n_rows)));
            }
        }
    }
    if is_asked("differences") {
        for world in [World::Binary(1.0), World::Three, World::Numbers] {
            show(&cover::differences(world, size(200)));
        }
        show(&cover::costs(World::Binary(1.0), size(200)));
        show(&cover::fairness_gaps(size(600)));
        show(&cover::slices(size(400)));
    }
    if !is_asked("p-values") {
        return;
    }
    println!("\n{:<52} {:>8} {:>8} {:>8}", "p-value", "<= 0.05", "distance", "allowed");
    for of in uniform::all(n_tables) {
        let kind = if of.may_be_larger { " (may be larger)" } else { "" };
        println!(
            "{:<52} {:>8.3} {:>8.3} {:>8.3}{kind}",
            of.what,
            of.share_below(0.05),
            of.distance(),
            of.distance_allowed()
        );
    }
}

#[expect(clippy::print_stdout, reason = "a program run by hand")]
fn show(all: &[Held]) {
    for held in all {
        let share = |n: usize| 100.0 * n as f64 / held.of.max(1) as f64;
        let ([above, below], [middle, long]) = (held.missing.map(share), held.length);
        println!(
            "{:<64} {:>6.1} % {:>6} {above:>6.1} {below:>6.1} {middle:>9.4} {long:>9.4}",
            held.what,
            100.0 * held.share(),
            held.of
        );
    }
}
