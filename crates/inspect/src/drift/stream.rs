//! Drift of a stream: detectors that look at every value and may raise an alarm at any time.
//!
//! A fixed-size test that is repeated every minute alarms sooner or later by chance alone. These
//! may be asked after every value:
//!
//! * [`PageHinkley`]: a cumulative sum, for a mean that moves up; alarms fast, its false alarms
//!   depend on its threshold.
//! * [`Adwin`]: a window that drops its older part once the two parts differ beyond chance; needs
//!   no idea of the size of the change.
//! * [`MeanProcess`]: a test with an always-valid p-value (mSPRT): under the null it falls below α
//!   at any time with a chance of at most α.

use std::collections::VecDeque;

/// Page and Hinkley's test of a mean that grows (Page, "Continuous inspection schemes", 1954), with
/// river's defaults.
#[derive(Debug, Clone)]
pub struct PageHinkley {
    delta: f64,
    threshold: f64,
    forget: f64,
    n_min: u64,
    n: u64,
    mean: f64,
    sum: f64,
    least: f64,
}

impl Default for PageHinkley {
    fn default() -> Self {
        Self::new(0.005, 50.0, 0.9999, 30)
    }
}

impl PageHinkley {
    /// A detector that lets each value lie `delta` above the mean for free, forgets its sum by the
    /// factor `forget` per value, and alarms when the sum is `threshold` above its least, after
    /// `n_min` values.
    pub fn new(delta: f64, threshold: f64, forget: f64, n_min: u64) -> Self {
        Self { delta, threshold, forget, n_min, n: 0, mean: 0.0, sum: 0.0, least: f64::INFINITY }
    }

    /// Takes the next value; whether it alarms. It begins anew after an alarm.
    pub fn update(&mut self, value: f64) -> bool {
        if !value.is_finite() {
            return false;
        }
        self.n += 1;
        self.mean += (value - self.mean) / self.n as f64;
        self.sum = self.sum * self.forget + value - self.mean - self.delta;
        self.least = self.least.min(self.sum);
        let alarms = self.n >= self.n_min && self.sum - self.least > self.threshold;
        if alarms {
            *self = Self::new(self.delta, self.threshold, self.forget, self.n_min);
        }
        alarms
    }
}

/// A window that adapts its length (Bifet & Gavaldà, "Learning from time-changing data with
/// adaptive windowing", SDM 2007): values are kept as an exponential histogram of bucket sums.
#[derive(Debug, Clone)]
pub struct Adwin {
    delta: f64,
    /// Newest first: values, their sum, and their sum of squared distances from their mean.
    buckets: VecDeque<Bucket>,
    n: f64,
    sum: f64,
    squares: f64,
    since_check: u32,
}

#[derive(Debug, Clone, Copy)]
struct Bucket {
    n: f64,
    sum: f64,
    squares: f64,
}

impl Bucket {
    fn merged(self, other: Self) -> Self {
        let n = self.n + other.n;
        let gap = self.sum / self.n - other.sum / other.n;
        let squares = self.squares + other.squares + gap * gap * self.n * other.n / n;
        Self { n, sum: self.sum + other.sum, squares }
    }
}

/// Buckets of one size.
const BUCKETS_PER_SIZE: usize = 5;
/// Values between two looks at the window.
const CHECK_EVERY: u32 = 32;
/// Values in a part of the window, at least.
const PART_MIN: f64 = 5.0;

impl Default for Adwin {
    fn default() -> Self {
        Self::new(0.002)
    }
}

impl Adwin {
    /// A window whose chance of a false cut is about `delta` at each look.
    pub fn new(delta: f64) -> Self {
        let (buckets, n, sum, squares) = (VecDeque::new(), 0.0, 0.0, 0.0);
        Self { delta, buckets, n, sum, squares, since_check: 0 }
    }

    /// Takes the next value; whether older values were dropped.
    pub fn update(&mut self, value: f64) -> bool {
        if !value.is_finite() {
            return false;
        }
        self.buckets.push_front(Bucket { n: 1.0, sum: value, squares: 0.0 });
        self.compress();
        self.total();
        self.since_check += 1;
        if self.since_check < CHECK_EVERY {
            return false;
        }
        self.since_check = 0;
        let mut has_cut = false;
        while self.n > 2.0 * PART_MIN && self.must_cut() {
            self.buckets.pop_back();
            self.total();
            has_cut = true;
        }
        has_cut
    }

    /// Values in the window.
    pub fn width(&self) -> f64 {
        self.n
    }

    /// The mean of the window; `None` without values.
    pub fn mean(&self) -> Option<f64> {
        (self.n > 0.0).then(|| self.sum / self.n)
    }

    /// Keeps at most [`BUCKETS_PER_SIZE`] buckets of a size by merging the two oldest.
    fn compress(&mut self) {
        let mut first = 0;
        while first < self.buckets.len() {
            let size = self.buckets[first].n;
            let same = self.buckets.iter().skip(first).take_while(|b| b.n == size).count();
            if same <= BUCKETS_PER_SIZE {
                return;
            }
            let last = first + same - 1;
            let merged = self.buckets[last - 1].merged(self.buckets[last]);
            self.buckets[last - 1] = merged;
            self.buckets.remove(last);
            first = last - 1;
        }
    }

    fn total(&mut self) {
        let whole = self.buckets.iter().copied().reduce(Bucket::merged);
        let whole = whole.unwrap_or(Bucket { n: 0.0, sum: 0.0, squares: 0.0 });
        (self.n, self.sum, self.squares) = (whole.n, whole.sum, whole.squares);
    }

    /// Whether some older and newer part differ by more than chance allows.
    fn must_cut(&self) -> bool {
        let variance = self.squares / self.n;
        let confidence = (2.0 * self.n.ln().max(1.0) / self.delta).ln();
        let (mut n_new, mut sum_new) = (0.0, 0.0);
        self.buckets.iter().any(|bucket| {
            n_new += bucket.n;
            sum_new += bucket.sum;
            let (n_old, sum_old) = (self.n - n_new, self.sum - sum_new);
            if n_new < PART_MIN || n_old < PART_MIN {
                return false;
            }
            let harmonic = 1.0 / (1.0 / n_new + 1.0 / n_old);
            let bound = (2.0 / harmonic * variance * confidence).sqrt()
                + 2.0 / (3.0 * harmonic) * confidence;
            (sum_new / n_new - sum_old / n_old).abs() > bound
        })
    }
}

/// Whether the mean of a stream is what it was, by a mixture sequential probability ratio test
/// (Robbins, "Statistical methods related to the law of the iterated logarithm", 1970; Johari et
/// al., "Always valid inference", 2022): may be asked at any time, and stopped at any time.
///
/// Values are standardised by the mean and the standard deviation of the reference; sizes of change
/// are mixed by a normal law.
#[derive(Debug, Clone)]
pub struct MeanProcess {
    mean: f64,
    std: f64,
    mixing: f64,
    n: f64,
    sum: f64,
    least: f64,
}

impl MeanProcess {
    /// Against a reference with this mean and standard deviation; `mixing` is the size of change,
    /// in standard deviations, that is looked for first (0.1 is a small one). `None` when the
    /// reference has no spread.
    pub fn new(mean: f64, std: f64, mixing: f64) -> Option<Self> {
        let is_usable = std > 0.0 && std.is_finite() && mean.is_finite() && mixing > 0.0;
        is_usable.then_some(Self { mean, std, mixing, n: 0.0, sum: 0.0, least: 1.0 })
    }

    /// Takes the next value and returns the p-value so far, which never grows.
    pub fn update(&mut self, value: f64) -> f64 {
        if value.is_finite() {
            self.n += 1.0;
            self.sum += (value - self.mean) / self.std;
            let (tau2, n) = (self.mixing * self.mixing, self.n);
            let widened = 1.0 + n * tau2;
            let evidence = tau2 * self.sum * self.sum / (2.0 * widened) - widened.ln() / 2.0;
            self.least = self.least.min((-evidence).exp());
        }
        self.least
    }
}

#[cfg(test)]
mod tests {
    use modelwright_core::random::Random;

    use super::*;

    fn normals(stream: u64) -> impl FnMut() -> f64 {
        let mut random = Random::stream(13, "drift/stream", stream);
        move || random.normal()
    }

    /// Values until the first alarm, of at most `n`.
    fn first(
        n: usize,
        mut value: impl FnMut(usize) -> f64,
        mut alarms: impl FnMut(f64) -> bool,
    ) -> Option<usize> {
        (0..n).find(|i| alarms(value(*i)))
    }

    #[test]
    fn an_always_valid_test_alarms_at_most_at_its_level_however_often_it_is_asked() {
        let n_streams = 500;
        let mut alarms = 0;
        for stream in 0..n_streams {
            let (mut draw, mut test) = (normals(stream), MeanProcess::new(0.0, 1.0, 0.1).unwrap());
            alarms += u32::from(first(3000, |_| draw(), |v| test.update(v) < 0.05).is_some());
        }
        // At most 25 are allowed; three standard deviations are 15.
        assert!(alarms <= 40, "{alarms} of {n_streams}");
    }

    #[test]
    fn every_detector_finds_a_mean_that_moved_and_soon() {
        let n_before = 1000;
        let stream = |shift: f64| {
            let mut draw = normals(77);
            move |i: usize| draw() + if i >= n_before { shift } else { 0.0 }
        };
        let mut test = MeanProcess::new(0.0, 1.0, 0.1).unwrap();
        let at = first(4000, stream(0.5), |v| test.update(v) < 0.01).unwrap();
        assert!((n_before..n_before + 500).contains(&at), "mSPRT at {at}");
        let mut window = Adwin::default();
        let at = first(4000, stream(1.0), |v| window.update(v)).unwrap();
        assert!((n_before..n_before + 200).contains(&at), "ADWIN at {at}");
        assert!(window.width() < 400.0, "older values are dropped: {}", window.width());
        let mut sums = PageHinkley::default();
        let at = first(4000, stream(1.0), |v| sums.update(v)).unwrap();
        assert!((n_before..n_before + 200).contains(&at), "Page-Hinkley at {at}");
    }

    #[test]
    fn a_window_without_change_grows_and_alarms_rarely() {
        let mut n_alarms = 0;
        for stream in 0..20 {
            let (mut draw, mut window) = (normals(1000 + stream), Adwin::default());
            n_alarms += (0..5000).filter(|_| window.update(draw())).count();
            assert!(window.width() > 1000.0);
            assert!(window.buckets.len() < 80, "constant memory: {}", window.buckets.len());
            assert!(window.mean().unwrap().abs() < 0.15);
        }
        assert!(n_alarms <= 5, "{n_alarms} alarms in 100,000 values");
    }

    #[test]
    fn values_that_are_no_numbers_and_references_without_spread_are_no_trouble() {
        assert!(MeanProcess::new(1.0, 0.0, 0.1).is_none());
        let mut test = MeanProcess::new(0.0, 1.0, 0.1).unwrap();
        assert_eq!(test.update(f64::NAN), 1.0);
        assert!(!Adwin::default().update(f64::INFINITY));
        assert!(!PageHinkley::default().update(f64::NAN));
        assert_eq!(Adwin::default().mean(), None);
    }
}
