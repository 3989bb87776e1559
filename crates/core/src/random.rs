//! The random generator behind every seed stream: xoshiro256++ seeded through SplitMix64.
//!
//! Written here, not taken from a crate, because a replayed run must draw the same numbers years
//! later: the stream is part of our format. Reference: Blackman & Vigna, "Scrambled linear
//! pseudorandom number generators", ACM TOMS 47(4), 2021. Not for cryptography.

/// A deterministic stream of random numbers.
#[derive(Debug, Clone)]
pub struct Random {
    state: [u64; 4],
}

impl Random {
    /// A stream that depends on nothing but `seed`.
    pub fn new(seed: u64) -> Self {
        let mut s = seed;
        Self { state: std::array::from_fn(|_| split_mix(&mut s)) }
    }

    /// The stream named `name` with number `index` under `seed`.
    ///
    /// Streams of different names or indices are independent, so that adding one consumer never
    /// shifts the numbers of another.
    pub fn stream(seed: u64, name: &str, index: u64) -> Self {
        let mut hash = 0xcbf2_9ce4_8422_2325_u64; // FNV-1a, 64 bit
        for byte in name.bytes() {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
        let mut mix = seed ^ hash.rotate_left(17);
        let first = split_mix(&mut mix);
        Self::new(first ^ index.wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    /// The next 64 random bits.
    #[inline]
    pub fn next_u64(&mut self) -> u64 {
        let s = &mut self.state;
        let result = s[0].wrapping_add(s[3]).rotate_left(23).wrapping_add(s[0]);
        let t = s[1] << 17;
        s[2] ^= s[0];
        s[3] ^= s[1];
        s[1] ^= s[2];
        s[0] ^= s[3];
        s[2] ^= t;
        s[3] = s[3].rotate_left(45);
        result
    }

    /// Uniform in `[0, 1)` with 53 random bits.
    #[inline]
    pub fn unit(&mut self) -> f64 {
        (self.next_u64() >> 11) as f64 * (1.0 / (1_u64 << 53) as f64)
    }

    /// Uniform in `0..n` without modulo bias (Lemire's multiply-shift with rejection).
    ///
    /// # Panics
    /// If `n` is zero.
    #[inline]
    pub fn below(&mut self, n: usize) -> usize {
        assert!(n > 0, "a draw needs at least one possibility");
        let n = n as u64;
        loop {
            let wide = u128::from(self.next_u64()) * u128::from(n);
            if (wide as u64) >= n.wrapping_neg() % n {
                return (wide >> 64) as usize;
            }
        }
    }

    /// Standard normal by Box–Muller (one value of the pair is thrown away, for a simple state).
    pub fn normal(&mut self) -> f64 {
        let u = 1.0 - self.unit();
        let v = self.unit();
        (-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * v).cos()
    }

    /// Shuffles in place (Fisher–Yates).
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for i in (1..items.len()).rev() {
            items.swap(i, self.below(i + 1));
        }
    }

    /// `k` distinct indices out of `0..n`, ascending (all of them when `k >= n`).
    pub fn sample(&mut self, n: usize, k: usize) -> Vec<u32> {
        // Selection sampling (Knuth, TAOCP 3.4.2 algorithm S): one pass, already sorted.
        let mut chosen = Vec::with_capacity(k.min(n));
        for i in 0..n {
            let needed = k.saturating_sub(chosen.len());
            if needed == 0 {
                break;
            }
            if self.below(n - i) < needed {
                chosen.push(i as u32);
            }
        }
        chosen
    }
}

/// The random number that belongs to `place` under `key`: places may be visited in any order, by
/// any thread, and each has its own. (It is the `place`-th number of a SplitMix64 stream.)
#[inline]
pub fn number_at(key: u64, place: u64) -> u64 {
    split_mix(&mut key.wrapping_add(place.wrapping_mul(0x9e37_79b9_7f4a_7c15)))
}

fn split_mix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_has_its_own_number_and_the_numbers_are_spread_evenly() {
        let mut state = 5;
        let stream: Vec<u64> = (0..4).map(|_| split_mix(&mut state)).collect();
        assert_eq!(stream, [0, 1, 2, 3].map(|place| number_at(5, place)));
        let low = (0..10_000).filter(|p| number_at(9, *p * 37) < u64::MAX / 4).count();
        assert!((2300..2700).contains(&low), "{low}");
    }

    #[test]
    fn streams_are_repeatable_and_independent() {
        let draw = |name, index| Random::stream(7, name, index).next_u64();
        assert_eq!(draw("a", 0), draw("a", 0));
        assert_ne!(draw("a", 0), draw("a", 1));
        assert_ne!(draw("a", 0), draw("b", 0));
    }

    #[test]
    fn below_is_in_range_and_roughly_uniform() {
        let mut random = Random::new(1);
        let mut counts = [0_u32; 7];
        for _ in 0..70_000 {
            counts[random.below(7)] += 1;
        }
        assert!(counts.iter().all(|c| (9_500..10_500).contains(c)), "{counts:?}");
    }

    #[test]
    fn a_sample_is_sorted_distinct_and_of_the_asked_size() {
        let sample = Random::new(3).sample(100, 10);
        assert_eq!(sample.len(), 10);
        assert!(sample.windows(2).all(|w| w[0] < w[1]));
        assert_eq!(Random::new(3).sample(5, 9).len(), 5);
    }

    #[test]
    fn normal_has_zero_mean_and_unit_variance() {
        let mut random = Random::new(5);
        let draws: Vec<f64> = (0..100_000).map(|_| random.normal()).collect();
        let mean = draws.iter().sum::<f64>() / draws.len() as f64;
        let variance = draws.iter().map(|d| (d - mean).powi(2)).sum::<f64>() / draws.len() as f64;
        assert!(mean.abs() < 0.02 && (variance - 1.0).abs() < 0.02, "{mean} {variance}");
    }
}
