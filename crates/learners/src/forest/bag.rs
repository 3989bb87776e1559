//! The rows that a tree is grown on, with how much each counts.

use modelwright_core::random::Random;

/// A row of the training part with its weight in one tree.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Drawn {
    /// Position among the training rows.
    pub(super) row: u32,
    /// How often it was drawn, times its sample weight; positive.
    pub(super) weight: f32,
}

/// Draws `n_drawn` rows with replacement out of as many as there are weights; each row that was
/// drawn occurs once, ascending, and counts as often as it was drawn.
pub(super) fn bootstrap(weights: &[f32], n_drawn: usize, random: &mut Random) -> Vec<Drawn> {
    let mut times = vec![0_u16; weights.len()];
    for _ in 0..n_drawn {
        let row = random.below(weights.len());
        times[row] = times[row].saturating_add(1);
    }
    let rows = times.iter().zip(weights).enumerate();
    rows.filter(|(_, (n, w))| **n > 0 && **w > 0.0)
        .map(|(row, (n, w))| Drawn { row: row as u32, weight: f32::from(*n) * w })
        .collect()
}

/// All rows that have a weight.
pub(super) fn all(weights: &[f32]) -> Vec<Drawn> {
    let rows = weights.iter().enumerate().filter(|(_, w)| **w > 0.0);
    rows.map(|(row, w)| Drawn { row: row as u32, weight: *w }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bootstrap_leaves_about_a_third_out_and_counts_every_draw() {
        let mut weights = vec![1.0; 3000];
        weights[7] = 0.0;
        let drawn = bootstrap(&weights, 3000, &mut Random::new(5));
        assert!(drawn.windows(2).all(|pair| pair[0].row < pair[1].row));
        assert!(drawn.iter().all(|d| d.row != 7));
        let share = drawn.len() as f64 / 3000.0;
        assert!((share - 0.632).abs() < 0.03, "{share}");
        let total: f32 = drawn.iter().map(|d| d.weight).sum();
        assert!((2990.0..=3000.0).contains(&total), "{total}");
        assert_eq!(all(&weights).len(), 2999);
    }
}
