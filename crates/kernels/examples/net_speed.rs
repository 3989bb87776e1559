//! How fast the products of a layer are: forward, backward by inputs, backward by weights.
//!
//! ```text
//! cargo run --release -p modelwright-kernels --example net_speed
//! ```
//!
//! Prints billions of floating-point operations (two per multiplication) per second of one thread,
//! for layers of the shapes that a net for tables has.
#![expect(clippy::print_stdout, reason = "an example talks to its caller")]
#![expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]

use std::hint::black_box;
use std::time::Instant;

use modelwright_kernels::activation::mish_with_derivative;
use modelwright_kernels::product::{multiply, multiply_transposed, transpose};

/// The best of many repetitions, in seconds.
fn best(mut work: impl FnMut()) -> f64 {
    let once = |work: &mut dyn FnMut()| {
        let begun = Instant::now();
        work();
        begun.elapsed().as_secs_f64()
    };
    (0..400).map(|_| once(&mut work)).fold(f64::INFINITY, f64::min)
}

fn main() {
    println!("unit: {}", modelwright_kernels::isa().name());
    for (rows, inputs, outputs) in [(128, 96, 256), (128, 256, 256), (64, 128, 128), (1, 256, 256)]
    {
        let x = vec![0.5_f32; rows * inputs];
        let mut weights = vec![0.25_f32; inputs * outputs];
        let mut sums = vec![0.0_f32; rows * outputs];
        let mut by_inputs = vec![0.0_f32; rows * inputs];
        let mut turned = vec![0.0_f32; inputs * outputs];
        let gigaflops = |seconds: f64| 2e-9 * (rows * inputs * outputs) as f64 / seconds;
        let forward = best(|| multiply(&x, &weights, black_box(&mut sums), rows, inputs, outputs));
        let turn = best(|| transpose(&weights, black_box(&mut turned), inputs, outputs));
        let back =
            best(|| multiply(&sums, &turned, black_box(&mut by_inputs), rows, outputs, inputs));
        let by_weights = best(|| {
            multiply_transposed(&x, &sums, black_box(&mut weights), inputs, rows, outputs);
        });
        let mut slopes = vec![0.0; sums.len()];
        let bias = vec![0.0; outputs];
        let bend =
            best(|| mish_with_derivative(black_box(&mut sums), &mut slopes, &bias, rows, None));
        println!(
            "{rows} x {inputs} x {outputs}: forward {:.0}, by inputs {:.0}, by weights {:.0} \
             GFLOP/s; transpose {:.1} us, mish {:.1} us",
            gigaflops(forward),
            gigaflops(back),
            gigaflops(by_weights),
            turn * 1e6,
            bend * 1e6
        );
    }
}
