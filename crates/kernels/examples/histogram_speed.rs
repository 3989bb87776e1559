//! Histogram updates per second of one core, beside what the first-level cache allows.
//!
//! ```text
//! cargo run --release -p modelwright-kernels --example histogram_speed
//! ```
//!
//! The yardstick is the plainest loop of the same kind: `table[place] += 1` on u64, with places
//! drawn beforehand; its table is as large as the histogram. Updates of the kernel are rows times
//! features. Prints one JSON object with a line for each layout and order of rows.
#![expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]

use std::hint::black_box;
use std::time::Instant;

use modelwright_kernels::entry::Entry;
use modelwright_kernels::histogram::BinBlock;

const N_ROWS: usize = 1 << 20;
/// Repetitions; the fastest counts, because nothing makes a loop faster than it is.
const REPS: usize = 7;
/// Features in a block and room for bins of each.
const LAYOUTS: [[usize; 2]; 6] = [[16, 256], [14, 256], [8, 256], [4, 256], [16, 64], [16, 16]];
/// Name, and every how many rows belong to the leaf.
const ORDERS: [(&str, usize); 3] = [("all rows", 1), ("every 4th", 4), ("every 16th", 16)];

fn hash(i: usize) -> usize {
    let h = i.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (h ^ (h >> 31)).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 33
}

fn fastest_s(mut work: impl FnMut()) -> f64 {
    let once = |_| {
        let start = Instant::now();
        work();
        start.elapsed().as_secs_f64()
    };
    (0..REPS).map(once).fold(f64::INFINITY, f64::min)
}

/// Updates per second of the plain loop on a table of `N` places.
fn plain<const N: usize>() -> f64 {
    let places: Vec<u16> = (0..1 << 14).map(|i| (hash(i) % N) as u16).collect();
    let mut table = vec![0_u64; N];
    let sweeps = 256;
    let seconds = fastest_s(|| {
        for _ in 0..sweeps {
            let table: &mut [u64; N] =
                table.first_chunk_mut().expect("the table was made with N places");
            for place in black_box(&places) {
                table[*place as usize & (N - 1)] += 1;
            }
        }
    });
    black_box(&table);
    (sweeps * places.len()) as f64 / seconds
}

/// Updates per second of the kernel.
fn kernel(width: usize, stride: usize, step: usize) -> f64 {
    let column = |f: usize| (0..N_ROWS).map(|r| (hash(r * 31 + f) % stride) as u8).collect();
    let columns: Vec<Vec<u8>> = (0..width).map(column).collect();
    let slices: Vec<&[u8]> = columns.iter().map(Vec::as_slice).collect();
    let block = BinBlock::from_columns(&slices, stride);
    // One row of each run of `step`, as scattered as the rows of a leaf.
    let rows = (0..N_ROWS / step).map(|i| i * step + hash(i) % step);
    let entries: Vec<Entry> =
        rows.map(|r| (((hash(r) & 0x7fff) as u64) << 48) | (1 << 32) | r as u64).collect();
    let mut histogram = vec![0; block.histogram_len()];
    let seconds = fastest_s(|| block.accumulate(black_box(&entries), &mut histogram));
    black_box(&histogram);
    (entries.len() * width) as f64 / seconds
}

fn main() {
    let yardstick = plain::<4096>();
    let mut lines = Vec::new();
    for [width, stride] in LAYOUTS {
        for (order, step) in ORDERS {
            let speed = kernel(width, stride, step);
            lines.push(format!(
                "{{\"layout\":\"{width} x {stride}\",\"rows\":\"{order}\",\"updates_s\":{speed:.0},\
                 \"of_plain\":{:.4}}}",
                speed / yardstick
            ));
        }
    }
    println!(
        "{{\"plain_32_kib\":{yardstick:.0},\"plain_16_kib\":{:.0},\"lines\":[{}]}}",
        plain::<2048>(),
        lines.join(",")
    );
}
