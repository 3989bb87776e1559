//! A watch that looks again and again at rows that grow: wrong as seldom as one look, and no later.

use modelwright_core::data::Table;

use super::serial_tests::lingering;
use super::tests::{ctx, model, watched};
use super::{MonitorOptions, Side, conclude};

/// Looks of a stream, and rows that come before each.
const N_LOOKS: u64 = 6;
const ROWS: u32 = 100;

/// The first look at which a column is called drifted.
fn first(rows: &Table, spends: bool) -> Option<u64> {
    let (watched, ctx) = (watched(model()), ctx());
    (1..=N_LOOKS).find(|look| {
        let n_rows = ROWS * *look as u32;
        let look = spends.then_some(*look);
        let options = MonitorOptions { predict: false, look, ..MonitorOptions::default() };
        let mut side = Side::new(&watched, &options, &ctx);
        side.begin("rows.csv", Vec::new());
        let so_far: Vec<u32> = (0..n_rows).collect();
        side.add(rows.select(&so_far), &ctx).unwrap();
        side.finish(&ctx);
        let found = conclude(&watched, None, &side, &options, &ctx).unwrap();
        found.columns.iter().any(|column| column.drifted)
    })
}

#[test]
fn many_looks_are_wrong_as_seldom_as_one_and_a_shift_is_seen_as_soon() {
    let n_rows = (N_LOOKS as u32 * ROWS) as usize;
    let usual = |stream| lingering(n_rows, 0.0, stream, 0.0);
    let spent = (0..1_000).filter(|s| first(&usual(*s), true).is_some()).count();
    let whole = (0..200).filter(|s| first(&usual(*s), false).is_some()).count();
    let moved = |stream| lingering(n_rows, 0.0, stream, 1.0);
    let delays = |spends| -> Vec<u64> {
        let seen = (0..100).filter_map(|s| first(&moved(s), spends));
        seen.collect()
    };
    let (slow, fast) = (delays(true), delays(false));
    let mean = |all: &[u64]| all.iter().sum::<u64>() as f64 / all.len() as f64;
    println!(
        "{spent} of 1000 and {whole} of 200; seen {} and {}, after {:.2} and {:.2} looks",
        slow.len(),
        fast.len(),
        mean(&slow),
        mean(&fast)
    );
    // The level is 5 %: three standard deviations are 21 of 1,000 more.
    assert!(spent <= 71, "{spent} of 1000");
    assert!(slow.len() == 100 && mean(&slow) < mean(&fast) + 1.0, "{slow:?}");
}
