//! One tree per round for all outputs: grown on one projection of their gradients, with a value
//! for each output in every leaf.
//!
//! With `K` outputs it costs about as much as one of the `K` trees that a round otherwise has. The
//! projection is a random direction `r` of the round, `g = Σ r_k g_k` and `h = Σ r_k² h_k`, so that
//! the gain of a split is the Newton gain along `r`; over the rounds all directions have their
//! turn. The values of the leaves do not know of it: they are the Newton steps of each output's
//! exact sums. Reference: Iosipoi & Vakhrushev, "SketchBoost: fast gradient boosted decision tree
//! for multioutput problems", NeurIPS 2022 (random projections).

use modelwright_core::random::Random;
use rayon::prelude::*;

use super::loss::BLOCK_ROWS;

/// Gradients and Hessians along a random direction of the outputs.
pub(super) fn project(gradients: &[Vec<[f32; 2]>], random: &mut Random) -> Vec<[f32; 2]> {
    let direction: Vec<f64> = gradients.iter().map(|_| random.normal()).collect();
    let norm = direction.iter().map(|r| r * r).sum::<f64>().sqrt();
    let direction: Vec<f32> = direction.iter().map(|r| (r / norm) as f32).collect();
    let mut projected = vec![[0.0; 2]; gradients[0].len()];
    projected.par_chunks_mut(BLOCK_ROWS).enumerate().for_each(|(block, projected)| {
        for (output, r) in gradients.iter().zip(&direction) {
            for (sum, gh) in projected.iter_mut().zip(&output[block * BLOCK_ROWS..]) {
                *sum = [sum[0] + r * gh[0], sum[1] + r * r * gh[1]];
            }
        }
    });
    projected
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_projection_is_a_unit_direction_of_the_outputs() {
        let gradients = vec![vec![[1.0, 2.0]; 5], vec![[0.0, 2.0]; 5], vec![[-3.0, 2.0]; 5]];
        let first = project(&gradients, &mut Random::new(1));
        assert!(first.iter().all(|gh| *gh == first[0]));
        // Equal Hessians stay as they are, and |g| is at most the norm of the gradients.
        assert!((first[0][1] - 2.0).abs() < 1e-6 && first[0][0].abs() <= 10.0_f32.sqrt());
        assert_ne!(first, project(&gradients, &mut Random::new(2)));
    }
}
