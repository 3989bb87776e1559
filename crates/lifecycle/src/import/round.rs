//! Thresholds of other libraries as thresholds of ours: `value <= threshold` in f32.

/// The largest f32 that is at most `threshold`: the same rows go left, if their values are f32.
///
/// What no finite f32 exceeds becomes the second largest one. Encoders write infinity as the
/// largest, so that infinite values still go right and all usual ones left.
pub(crate) fn at_most(threshold: f64) -> f32 {
    if threshold == f64::INFINITY {
        return f32::INFINITY;
    }
    if threshold >= f64::from(f32::MAX) {
        return f32::MAX.next_down();
    }
    if threshold < f64::from(-f32::MAX) {
        return -f32::MAX;
    }
    let nearest = threshold as f32;
    if f64::from(nearest) > threshold { nearest.next_down() } else { nearest }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rounded_threshold_sends_every_f32_the_same_way() {
        for threshold in [0.1, -0.1, 1.0 / 3.0, 1e-35, 1.000_000_018_002_509_5e-35, 16_777_217.0] {
            let rounded = at_most(threshold);
            for value in [rounded.next_down(), rounded, rounded.next_up()] {
                assert_eq!(value <= rounded, f64::from(value) <= threshold, "{threshold} {value}");
            }
        }
    }

    #[test]
    fn a_threshold_beyond_all_numbers_still_parts_them_from_infinity() {
        assert!((1e30..f32::MAX).contains(&at_most(1e300)));
        assert!(f32::MAX <= at_most(f64::INFINITY));
        assert!(-f32::MAX <= at_most(-1e300));
    }
}
