//! Sorts f32 values by their bits, for quantiles: O(n) where a comparison sort takes n log n.
//!
//! A radix sort with 11 bits per pass over keys whose unsigned order is the numeric order.

const DIGIT: u32 = 11;
const N_DIGITS: usize = 1 << DIGIT;
/// Below this a comparison sort is faster than clearing the counters.
const SMALL: usize = 2048;

/// Sorts ascending; there must be no NaN.
pub(super) fn sort(values: &mut Vec<f32>) {
    if values.len() < SMALL {
        values.sort_unstable_by(f32::total_cmp);
        return;
    }
    // Both conversions keep the memory of the vector.
    let mut keys: Vec<u32> = std::mem::take(values).into_iter().map(key).collect();
    let mut other = vec![0_u32; keys.len()];
    let mut counts = vec![[0_u32; N_DIGITS]; 3];
    for k in &keys {
        for (pass, count) in counts.iter_mut().enumerate() {
            count[digit(*k, pass)] += 1;
        }
    }
    for (pass, count) in counts.iter_mut().enumerate() {
        if count[digit(keys[0], pass)] as usize == keys.len() {
            continue; // all keys agree in this digit
        }
        let mut start = 0;
        for c in count.iter_mut() {
            let n = *c;
            *c = start;
            start += n;
        }
        for k in &keys {
            let place = &mut count[digit(*k, pass)];
            other[*place as usize] = *k;
            *place += 1;
        }
        std::mem::swap(&mut keys, &mut other);
    }
    *values = keys.into_iter().map(value).collect();
}

#[inline]
fn digit(key: u32, pass: usize) -> usize {
    (key >> (pass as u32 * DIGIT)) as usize & (N_DIGITS - 1)
}

#[inline]
fn key(value: f32) -> u32 {
    let bits = value.to_bits();
    if bits >> 31 == 1 { !bits } else { bits | 0x8000_0000 }
}

#[inline]
fn value(key: u32) -> f32 {
    f32::from_bits(if key >> 31 == 1 { key & 0x7fff_ffff } else { !key })
}

#[cfg(test)]
mod tests {
    use modelwright_core::random::Random;

    use super::*;

    #[test]
    fn the_order_is_that_of_a_comparison_sort() {
        let mut random = Random::new(1);
        for n in [0, 1, 7, 2048, 10_000] {
            let mut values: Vec<f32> =
                (0..n).map(|i| (random.normal() * 10_f64.powi(i % 60 - 30)) as f32).collect();
            values.extend([0.0, f32::MAX, -f32::MAX, f32::MIN_POSITIVE]);
            let mut expected = values.clone();
            expected.sort_by(f32::total_cmp);
            sort(&mut values);
            assert_eq!(values, expected);
        }
    }
}
