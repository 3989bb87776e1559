//! How many lattice paths leave a band around the diagonal: the exact law of the two-sample
//! Kolmogorov–Smirnov distance.
//!
//! Sorted together, the values of two samples are a path from (0, 0) to (n, m), and under the
//! hypothesis all paths are equally likely (Hodges, "The significance probability of the Smirnov
//! two-sample test", 1958). Samples of one size have a sum of reflections (Gnedenko & Korolyuk,
//! 1951); other sizes are counted.

/// The share of the paths from (0, 0) to (n, m) on which |i/n − j/m| reaches `d`, for `n` and `m`
/// of at least one. It takes `n` steps where both are the same, and `d·n·m` otherwise.
pub(super) fn share_outside(d: f64, n: i64, m: i64) -> f64 {
    let common = gcd(n, m);
    let (n_step, m_step) = (n / common, m / common);
    // Distances are multiples of 1 / lcm(n, m).
    let h = (d * (n_step as f64 * m as f64)).round() as i64;
    if h == 0 {
        return 1.0;
    }
    let share = if n == m { reflected(n, h) } else { Band { n, m, n_step, m_step, h }.counted() };
    share.clamp(0.0, 1.0)
}

/// Paths of `n` steps to each side that come `h` steps away from the diagonal: all that reach one
/// side, less those that reach both, and so on.
///
/// Each term is a part of the one before, so nothing cancels when they are added from the last.
fn reflected(n: i64, h: i64) -> f64 {
    let mut sum = 0.0;
    for k in (0..=n / h).rev() {
        // From C(2n, n − kh) to C(2n, n − (k + 1)h).
        let term: f64 =
            (0..h).map(|j| (n - k * h - j) as f64 / (n + k * h + j + 1) as f64).product();
        sum = term * (1.0 - sum);
    }
    2.0 * sum
}

/// The points (i, j) whose distance `|i·m_step − j·n_step|` stays below `h`.
struct Band {
    n: i64,
    m: i64,
    n_step: i64,
    m_step: i64,
    h: i64,
}

impl Band {
    /// The share of paths to (n, m) that have been outside, one diagonal of i + j = s after the
    /// other: its points don't depend on one another, so several are taken at once.
    fn counted(&self) -> f64 {
        let cells = self.n as usize + 2;
        // `old[i + 1]`: the share of the paths to (i, s − i). Who is outside has been there.
        let (mut old, mut new) = (vec![1.0; cells], vec![1.0; cells]);
        old[1] = 0.0;
        for s in 1..=self.n + self.m {
            let (first, last) = self.inside(s);
            let of_all = 1.0 / s as f64;
            let range = first as usize + 1..last as usize + 2;
            let below = &old[first as usize..=last as usize];
            let across = &old[range.clone()];
            let mut i = first as f64;
            let mut j = (s - first) as f64;
            for ((cell, below), across) in new[range].iter_mut().zip(below).zip(across) {
                // The last step came from (i − 1, j) with the chance i / s.
                *cell = (i * below + j * across) * of_all;
                i += 1.0;
                j -= 1.0;
            }
            // What leaves the band in the next diagonals must be found outside.
            new[first as usize] = 1.0;
            if let Some(cell) = new.get_mut(last as usize + 2) {
                *cell = 1.0;
            }
            std::mem::swap(&mut old, &mut new);
        }
        old[self.n as usize + 1]
    }

    /// The first and the last `i` of diagonal `s` that are inside; the last is before the first
    /// where none is.
    fn inside(&self, s: i64) -> (i64, i64) {
        // |i·m_step − (s − i)·n_step| < h.
        let both = self.n_step + self.m_step;
        let first = (s * self.n_step - self.h).div_euclid(both) + 1;
        let last = (s * self.n_step + self.h - 1).div_euclid(both);
        (first.max(s - self.m).max(0), last.min(s).min(self.n))
    }
}

fn gcd(a: i64, b: i64) -> i64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::{Band, gcd, reflected, share_outside};

    /// Paths that stay inside, counted one point after the other, exactly.
    fn by_hand(n: i64, m: i64, d: f64) -> f64 {
        let is_outside =
            |i: i64, j: i64| (i as f64 / n as f64 - j as f64 / m as f64).abs() >= d - 1e-9;
        let mut inside = vec![vec![0_u128; m as usize + 1]; n as usize + 1];
        let mut all = inside.clone();
        for i in 0..=n {
            for j in 0..=m {
                let (a, b) = (i as usize, j as usize);
                let ways = |to: &[Vec<u128>]| {
                    let left = if a > 0 { to[a - 1][b] } else { 0 };
                    let below = if b > 0 { to[a][b - 1] } else { 0 };
                    (left + below).max(u128::from(a + b == 0))
                };
                all[a][b] = ways(&all);
                inside[a][b] = if is_outside(i, j) { 0 } else { ways(&inside) };
            }
        }
        let (a, b) = (n as usize, m as usize);
        (all[a][b] - inside[a][b]) as f64 / all[a][b] as f64
    }

    #[test]
    fn shares_are_those_of_all_paths_counted() {
        for (n, m) in [(1, 1), (1, 7), (7, 1), (5, 5), (6, 4), (9, 13), (13, 9), (20, 30), (31, 31)]
        {
            let lcm = n / gcd(n, m) * m;
            for h in 1..=lcm {
                let d = h as f64 / lcm as f64;
                let (got, wanted) = (share_outside(d, n, m), by_hand(n, m, d));
                assert!((got - wanted).abs() <= 1e-12 * wanted, "{n}, {m}, {d}: {got}, {wanted}");
            }
        }
    }

    #[test]
    fn sizes_that_are_the_same_are_reflected_as_they_are_counted() {
        for (n, h) in [(50, 3), (400, 17), (400, 60), (2_000, 61), (2_000, 2_000)] {
            let counted = Band { n, m: n, n_step: 1, m_step: 1, h }.counted();
            let got = reflected(n, h);
            assert!((got - counted).abs() <= 1e-11 * counted, "{n}, {h}: {got}, {counted}");
        }
    }
}
