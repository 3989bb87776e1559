//! Periodic embeddings of a number: three learned mixtures of sixteen learned cosines.
//!
//! A value `x` becomes `out_o = c_o + Σ_h v_oh · cos(2π (w_h x + b_h))`. The cosine is
//! `1 − 2 sin²(π t)` with `t` the argument in turns, reduced to the nearest whole turn.
//! Reference: Holzmüller, Grinsztajn, Steinwart, "Better by Default", NeurIPS 2024 (PBLD), after
//! Gorishniy et al., "On embeddings for numerical features in tabular deep learning", 2022.
//!
//! Rows are taken in blocks of [`BLOCK`]; sums over rows run over as many lanes, folded by halves.

use std::f32::consts::PI;

use crate::dispatch::vectorised;

/// Cosines of a number.
pub const WAVES: usize = 16;
/// Mixtures of them.
pub const MIXTURES: usize = 3;
/// Rows of a block; slices over rows have a multiple of this length.
pub const BLOCK: usize = 16;

/// The learned numbers of one embedding, or the gradient by them.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
#[repr(C)]
pub struct Periodic {
    /// Frequencies `w`, in turns per unit.
    pub frequencies: [f32; WAVES],
    /// Phases `b`, in turns.
    pub phases: [f32; WAVES],
    /// Mixtures `v`.
    pub mixtures: [[f32; WAVES]; MIXTURES],
    /// Constants `c`.
    pub constants: [f32; MIXTURES],
}

/// How many numbers that is.
pub const N_NUMBERS: usize = WAVES * (2 + MIXTURES) + MIXTURES;

impl Periodic {
    /// From numbers in the order of the fields.
    pub fn from_slice(numbers: &[f32; N_NUMBERS]) -> Self {
        let wave = |at: usize| std::array::from_fn(|h| numbers[at * WAVES + h]);
        Self {
            frequencies: wave(0),
            phases: wave(1),
            mixtures: std::array::from_fn(|o| wave(2 + o)),
            constants: std::array::from_fn(|o| numbers[(2 + MIXTURES) * WAVES + o]),
        }
    }

    /// The numbers in the order of the fields.
    pub fn write(&self, out: &mut [f32; N_NUMBERS]) {
        let waves = [&self.frequencies, &self.phases].into_iter().chain(&self.mixtures);
        for (to, from) in out.chunks_exact_mut(WAVES).zip(waves) {
            to.copy_from_slice(from);
        }
        out[(2 + MIXTURES) * WAVES..].copy_from_slice(&self.constants);
    }
}

vectorised! {
    /// The mixtures of each value of `x`, in `out[o · x.len() + row]`.
    ///
    /// # Panics
    /// If `x` is no whole blocks or `out` has not three times its length.
    pub fn embed(x: &[f32], periodic: &Periodic, out: &mut [f32]) = embed_generic
}

vectorised! {
    /// The gradient by the learned numbers, when that by the mixtures is `by_out`, laid out as in
    /// [`embed`].
    ///
    /// # Panics
    /// As [`embed`].
    pub fn embed_gradient(x: &[f32], periodic: &Periodic, by_out: &[f32]) -> Periodic
        = gradient_generic
}

/// `sin(π t)` for `t` in `-½..=½` (Taylor to the eleventh power; error below 1e-7).
#[inline(always)]
fn half_sine(t: f32) -> f32 {
    let y = t * PI;
    let q = y * y;
    let p = -2.505_210_8e-8;
    let p = p * q + 2.755_731_9e-6;
    let p = p * q - 1.984_127e-4;
    let p = p * q + 8.333_333e-3;
    let p = p * q - 1.666_666_7e-1;
    y + y * q * p
}

/// `cos(π t)` for `t` in `-½..=½` (Taylor to the twelfth power).
#[inline(always)]
fn half_cosine(t: f32) -> f32 {
    let y = t * PI;
    let q = y * y;
    let p = 2.087_675_7e-9;
    let p = p * q - 2.755_732e-7;
    let p = p * q + 2.480_158_7e-5;
    let p = p * q - 1.388_888_9e-3;
    let p = p * q + 4.166_666_8e-2;
    let p = p * q - 0.5;
    1.0 + q * p
}

/// The distance to the nearest whole number, for numbers below 2²² in size.
#[inline(always)]
fn fraction(turns: f32) -> f32 {
    const ROUNDER: f32 = 12_582_912.0;
    turns - ((turns + ROUNDER) - ROUNDER)
}

#[inline(always)]
fn embed_generic(x: &[f32], periodic: &Periodic, out: &mut [f32]) {
    let rows = x.len();
    assert!(rows.is_multiple_of(BLOCK) && out.len() == MIXTURES * rows, "whole blocks of rows");
    for (block, x) in x.as_chunks::<BLOCK>().0.iter().enumerate() {
        let mut sums: [[f32; BLOCK]; MIXTURES] =
            std::array::from_fn(|o| [periodic.constants[o]; BLOCK]);
        for h in 0..WAVES {
            let (w, b) = (periodic.frequencies[h], periodic.phases[h]);
            let mut wave = [0.0; BLOCK];
            for r in 0..BLOCK {
                let sine = half_sine(fraction(w * x[r] + b));
                wave[r] = 1.0 - 2.0 * (sine * sine);
            }
            for (sums, mixture) in sums.iter_mut().zip(&periodic.mixtures) {
                for r in 0..BLOCK {
                    sums[r] += mixture[h] * wave[r];
                }
            }
        }
        for (o, sums) in sums.iter().enumerate() {
            out[o * rows + block * BLOCK..][..BLOCK].copy_from_slice(sums);
        }
    }
}

#[inline(always)]
fn gradient_generic(x: &[f32], periodic: &Periodic, by_out: &[f32]) -> Periodic {
    let rows = x.len();
    assert!(rows.is_multiple_of(BLOCK) && by_out.len() == MIXTURES * rows, "whole blocks of rows");
    let mut gradient = Periodic::default();
    for h in 0..WAVES {
        let (w, b) = (periodic.frequencies[h], periodic.phases[h]);
        let mut by_frequency = [0.0; BLOCK];
        let mut by_phase = [0.0; BLOCK];
        let mut by_mixture = [[0.0; BLOCK]; MIXTURES];
        for (block, x) in x.as_chunks::<BLOCK>().0.iter().enumerate() {
            let mut by_wave = [0.0; BLOCK];
            let (mut wave, mut slope) = ([0.0; BLOCK], [0.0; BLOCK]);
            for r in 0..BLOCK {
                let t = fraction(w * x[r] + b);
                let (sine, cosine) = (half_sine(t), half_cosine(t));
                wave[r] = 1.0 - 2.0 * (sine * sine);
                slope[r] = -4.0 * PI * (sine * cosine);
            }
            for o in 0..MIXTURES {
                let by_out: &[f32; BLOCK] =
                    (&by_out[o * rows + block * BLOCK..][..BLOCK]).try_into().expect("a block");
                for r in 0..BLOCK {
                    by_wave[r] += periodic.mixtures[o][h] * by_out[r];
                    by_mixture[o][r] += by_out[r] * wave[r];
                }
            }
            for r in 0..BLOCK {
                let by_turn = by_wave[r] * slope[r];
                by_frequency[r] += by_turn * x[r];
                by_phase[r] += by_turn;
            }
        }
        gradient.frequencies[h] = fold(by_frequency);
        gradient.phases[h] = fold(by_phase);
        for (mixture, by_mixture) in gradient.mixtures.iter_mut().zip(by_mixture) {
            mixture[h] = fold(by_mixture);
        }
    }
    for (constant, by_out) in gradient.constants.iter_mut().zip(by_out.chunks_exact(rows.max(1))) {
        let mut sums = [0.0; BLOCK];
        for block in by_out.as_chunks::<BLOCK>().0 {
            for r in 0..BLOCK {
                sums[r] += block[r];
            }
        }
        *constant = fold(sums);
    }
    gradient
}

/// The sum of the lanes, halves first.
#[inline(always)]
fn fold(mut lanes: [f32; BLOCK]) -> f32 {
    let mut width = BLOCK / 2;
    while width > 0 {
        for lane in 0..width {
            lanes[lane] += lanes[lane + width];
        }
        width /= 2;
    }
    lanes[0]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn some(seed: f32) -> Periodic {
        let numbers: [f32; N_NUMBERS] = std::array::from_fn(|i| (i as f32 * seed).sin());
        Periodic::from_slice(&numbers)
    }

    /// The definition in double precision.
    fn mixture(x: f64, p: &Periodic, o: usize) -> f64 {
        let wave = |h: usize| {
            let turns = f64::from(p.frequencies[h]) * x + f64::from(p.phases[h]);
            f64::from(p.mixtures[o][h]) * (std::f64::consts::TAU * turns).cos()
        };
        f64::from(p.constants[o]) + (0..WAVES).map(wave).sum::<f64>()
    }

    #[test]
    fn mixtures_are_sums_of_cosines() {
        let periodic = some(1.7);
        let x: Vec<f32> = (0..64).map(|i| (i as f32 - 32.0) * 0.11).collect();
        let mut out = vec![0.0; 3 * x.len()];
        embed(&x, &periodic, &mut out);
        for (r, x) in x.iter().enumerate() {
            for o in 0..MIXTURES {
                let want = mixture(f64::from(*x), &periodic, o);
                assert!((f64::from(out[o * 64 + r]) - want).abs() < 2e-5, "{x} {o}");
            }
        }
    }

    #[test]
    fn the_gradient_is_that_of_finite_differences() {
        let periodic = some(0.9);
        let x: Vec<f32> = (0..32).map(|i| (i as f32 * 0.7).sin() * 2.0).collect();
        let by_out: Vec<f32> = (0..96).map(|i| (i as f32 * 1.3).cos()).collect();
        let loss = |p: &Periodic| -> f64 {
            let terms =
                (0..96).map(|i| f64::from(by_out[i]) * mixture(f64::from(x[i % 32]), p, i / 32));
            terms.sum()
        };
        let mut numbers = [0.0; N_NUMBERS];
        periodic.write(&mut numbers);
        let mut got = [0.0; N_NUMBERS];
        embed_gradient(&x, &periodic, &by_out).write(&mut got);
        for i in 0..N_NUMBERS {
            let moved = |by: f32| {
                let mut numbers = numbers;
                numbers[i] += by;
                (loss(&Periodic::from_slice(&numbers)), f64::from(numbers[i]))
            };
            let ((up, at_up), (down, at_down)) = (moved(1e-3), moved(-1e-3));
            let want = (up - down) / (at_up - at_down);
            assert!((f64::from(got[i]) - want).abs() < 2e-3 * (1.0 + want.abs()), "{i} {want}");
        }
    }

    #[test]
    fn vectors_give_the_bits_of_the_portable_path() {
        let periodic = some(0.4);
        let x: Vec<f32> = (0..48).map(|i| (i as f32).sin() * 3.0).collect();
        let (mut got, mut want) = (vec![0.0; 144], vec![0.0; 144]);
        embed(&x, &periodic, &mut got);
        embed_generic(&x, &periodic, &mut want);
        assert_eq!(got, want);
        assert_eq!(embed_gradient(&x, &periodic, &got), gradient_generic(&x, &periodic, &got));
    }
}
