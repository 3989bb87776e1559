//! Tests of [`super`]: how many rows are drawn, and that weights keep sums unbiased.

use modelwright_core::Context;

use super::*;

fn gradients(n: usize) -> Vec<Vec<[f32; 2]>> {
    let mut random = Random::new(4);
    vec![(0..n).map(|_| [random.normal() as f32, 0.2 + 0.1 * random.unit() as f32]).collect()]
}

fn draw(params: &GbdtParams, round: usize) -> Draw<'_> {
    Draw { params, seed: 5, round, rate: 0.1, last_step: None }
}

fn named(sampling: &str) -> GbdtParams {
    GbdtParams { sampling: sampling.into(), ..GbdtParams::default() }
}

fn sums(gradients: &[Vec<[f32; 2]>], rows: &[u32]) -> [f64; 2] {
    let add = |s: [f64; 2], r: &u32| {
        let [g, h] = gradients[0][*r as usize].map(f64::from);
        [s[0] + g, s[1] + h]
    };
    rows.iter().fold([0.0; 2], add)
}

#[test]
fn goss_keeps_the_largest_gradients_and_amplifies_a_draw_of_the_rest() {
    let before = gradients(10_000);
    let mut after = before.clone();
    let params = named("goss");
    assert!(draw(&params, 9).sample(&mut after).rows.is_none(), "not in the first 1 / rate rounds");
    let rows = draw(&params, 10).sample(&mut after).rows.unwrap();
    assert_eq!(rows.len(), 3000);
    assert!(rows.windows(2).all(|pair| pair[0] < pair[1]));
    let size = |r: u32| before[0][r as usize][0].abs() * before[0][r as usize][1];
    let mut all: Vec<f32> = (0..10_000).map(size).collect();
    all.sort_unstable_by(|a, b| b.total_cmp(a));
    let mut amplified = 0;
    for row in &rows {
        let factor = after[0][*row as usize][1] / before[0][*row as usize][1];
        if (factor - 8.0).abs() < 1e-3 {
            amplified += 1;
            assert!(size(*row) <= all[1999]);
        } else {
            assert!(factor == 1.0 && size(*row) >= all[1999]);
        }
    }
    assert_eq!(amplified, 1000);
}

#[test]
fn weights_keep_the_sums_of_gradients_and_hessians() {
    let all: Vec<u32> = (0..20_000).collect();
    for name in ["goss", "mvs", "bayesian"] {
        let params = GbdtParams { bagging_fraction: 0.3, ..named(name) };
        let truth = sums(&gradients(20_000), &all);
        let (mut mean, n_draws) = ([0.0; 2], 40);
        for round in 0..n_draws {
            let mut weighted = gradients(20_000);
            let sample = draw(&params, 100 + round).sample(&mut weighted);
            let weighted = if sample.growing.is_empty() { weighted } else { sample.growing };
            let got = sums(&weighted, sample.rows.as_deref().unwrap_or(&all));
            mean = [0, 1].map(|i| mean[i] + got[i] / n_draws as f64);
        }
        // The spread of one draw is about 200; its mean over 40 draws is within 4 of these.
        assert!((mean[0] - truth[0]).abs() < 130.0, "{name}: {mean:?} {truth:?}");
        assert!((mean[1] / truth[1] - 1.0).abs() < 0.01, "{name}: {mean:?} {truth:?}");
    }
}

#[test]
fn minimal_variance_draws_the_wanted_number_and_varies_less_than_even_draws() {
    let all: Vec<u32> = (0..20_000).collect();
    let truth = sums(&gradients(20_000), &all)[0];
    let params = GbdtParams { bagging_fraction: 0.2, ..named("mvs") };
    let even = GbdtParams { bagging_fraction: 0.2, ..named("bernoulli") };
    let (mut squares, mut even_squares) = (0.0, 0.0);
    for round in 0..60 {
        let mut weighted = gradients(20_000);
        let mvs = Draw { last_step: Some(0.01), ..draw(&params, round) };
        let rows = mvs.sample(&mut weighted).rows.unwrap();
        assert!((rows.len() as f64 / 4000.0 - 1.0).abs() < 0.1, "{}", rows.len());
        squares += (sums(&weighted, &rows)[0] - truth).powi(2);
        let rows = draw(&even, round).sample(&mut weighted).rows.unwrap();
        even_squares += (5.0 * sums(&gradients(20_000), &rows)[0] - truth).powi(2);
    }
    // By theory 0.55; 60 draws give it within a quarter.
    assert!(squares < 0.75 * even_squares, "{squares} {even_squares}");
}

#[test]
fn the_threshold_solves_its_equation() {
    let sizes = [0.0, 1.0, 1.0, 2.0, 50.0, 1000.0];
    for wanted in [0.5, 2.0, 3.0, 4.5] {
        let threshold = threshold(&sizes, wanted);
        let expected: f64 = sizes.iter().map(|s| (s / threshold).min(1.0)).sum();
        assert!((expected - wanted).abs() < 1e-9, "{wanted}: {threshold} {expected}");
    }
    assert_eq!(threshold(&[0.0; 5], 2.0), 0.0);
    assert_eq!(threshold(&[f64::INFINITY, 1.0], 1.0), 0.0);
}

#[test]
fn draws_do_not_depend_on_threads_and_differ_between_rounds() {
    for name in ["bernoulli", "goss", "mvs", "bayesian"] {
        let params = GbdtParams { bagging_fraction: 0.5, ..named(name) };
        let run = |threads, round| {
            Context::unlimited(0, threads).install(|| {
                let mut weighted = gradients(40_000);
                let sample = draw(&params, round).sample(&mut weighted);
                (sample.rows, sample.growing, weighted)
            })
        };
        assert!(run(1, 50) == run(4, 50), "{name}");
        assert!(run(1, 50) != run(1, 51), "{name}");
    }
}

#[test]
fn no_sampling_and_gradients_of_zero_are_fine() {
    let mut zeros = vec![vec![[0.0; 2]; 100]];
    for name in ["none", "bernoulli", "goss", "mvs", "bayesian"] {
        let sample = draw(&named(name), 50).sample(&mut zeros);
        let n = sample.rows.map(|rows| rows.len());
        let want = match name {
            "bernoulli" => Some(80),
            "goss" => Some(30),
            "mvs" => Some(0),
            _ => None,
        };
        assert_eq!(n, want, "{name}");
    }
}
