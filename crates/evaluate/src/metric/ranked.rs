//! Rows sorted by falling score, in groups of equal score: what AUC, average precision, the
//! curves and the best threshold all walk along.

/// Rows by falling score; rows of equal score form one group.
#[derive(Debug, Clone)]
pub struct Ranked {
    /// Row indices by falling score; equal scores in row order.
    pub rows: Vec<u32>,
    /// Whether the row at each place of `rows` is positive.
    pub positive: Vec<bool>,
    /// Where each group ends in `rows` (exclusive), ascending; the last one is the row count.
    pub group_ends: Vec<u32>,
}

impl Ranked {
    /// Sorts once: O(n log n).
    pub fn new(
        n_rows: usize,
        score: impl Fn(usize) -> f64,
        positive: impl Fn(usize) -> bool,
    ) -> Self {
        let mut keyed: Vec<(u64, u32)> =
            (0..n_rows).map(|row| (falling_key(score(row)), row as u32)).collect();
        keyed.sort_unstable();
        let mut group_ends = Vec::new();
        for at in 1..=n_rows {
            if at == n_rows || keyed[at].0 != keyed[at - 1].0 {
                group_ends.push(at as u32);
            }
        }
        let rows: Vec<u32> = keyed.into_iter().map(|(_, row)| row).collect();
        let positive = rows.iter().map(|row| positive(*row as usize)).collect();
        Self { rows, positive, group_ends }
    }

    /// Calls `visit(negative_weight, positive_weight, last_row)` for each group, best score first.
    #[inline]
    pub fn walk(&self, weights: Option<&[f64]>, visit: impl FnMut(f64, f64, u32)) {
        match weights {
            None => self.walk_weighted(|_| 1.0, visit),
            Some(weights) => self.walk_weighted(|row| weights[row as usize], visit),
        }
    }

    #[inline]
    fn walk_weighted(&self, weight: impl Fn(u32) -> f64, mut visit: impl FnMut(f64, f64, u32)) {
        let mut start = 0;
        for end in &self.group_ends {
            let end = *end as usize;
            let (mut negative, mut positive) = (0.0, 0.0);
            for (row, is_positive) in self.rows[start..end].iter().zip(&self.positive[start..end]) {
                // By arithmetic: a branch on the class would be mispredicted at every second row.
                let weight = weight(*row);
                let of_positive = weight * f64::from(u8::from(*is_positive));
                positive += of_positive;
                negative += weight - of_positive;
            }
            visit(negative, positive, self.rows[end - 1]);
            start = end;
        }
    }

    /// Area under the receiver operating characteristic: the share of (positive, negative) pairs
    /// in which the positive row has the higher score, ties counting half.
    ///
    /// `None` when one of the classes has no weight.
    pub fn auc(&self, weights: Option<&[f64]>) -> Option<f64> {
        let (mut negatives, mut positives, mut area) = (0.0, 0.0, 0.0);
        self.walk(weights, |negative, positive, _| {
            area += negative * (positives + 0.5 * positive);
            negatives += negative;
            positives += positive;
        });
        (negatives > 0.0 && positives > 0.0).then(|| area / positives / negatives)
    }
}

/// A key whose ascending order is the falling order of finite scores; `-0.0` equals `0.0`.
fn falling_key(score: f64) -> u64 {
    let bits = (score + 0.0).to_bits();
    let ascending = if bits >> 63 == 1 { !bits } else { bits | (1 << 63) };
    !ascending
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_fall_and_equal_scores_form_one_group() {
        let scores = [0.5, -1.0, 0.0, -0.0, 0.5, 2.0];
        let ranked = Ranked::new(6, |r| scores[r], |r| r == 5);
        assert_eq!(ranked.rows, [5, 0, 4, 2, 3, 1]);
        assert_eq!(ranked.group_ends, [1, 3, 5, 6]);
        assert_eq!(ranked.auc(None), Some(1.0));
        assert_eq!(ranked.auc(Some(&[1.0, 1.0, 1.0, 1.0, 1.0, 0.0])), None);
    }
}
