//! How often a key may ask, and for how much at a time.
//!
//! What is asked for at a time is counted from the admission of a request to the end of its answer,
//! whatever becomes of it: a [`Turn`] that is dropped gives its place back. One key can so never
//! take all places of the server, however slow its requests are, which a rate alone cannot promise.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use super::keys::Refused;

/// What a key may ask for; shared by all that show it.
#[derive(Debug, Default)]
pub(super) struct Allowance {
    rate: Option<Bucket>,
    at_once: Option<Places>,
}

/// So many requests at a time.
#[derive(Debug)]
struct Places {
    n_max: usize,
    n_taken: AtomicUsize,
}

/// A request that was let in; it counts until it is dropped.
#[derive(Debug, Default)]
pub(crate) struct Turn(Option<Arc<Allowance>>);

impl Allowance {
    /// `rate`, above 0, is per second; `at_once` from 1; `None` is any number.
    pub(super) fn new(rate: Option<f64>, at_once: Option<usize>) -> Self {
        let places = |n_max| Places { n_max, n_taken: AtomicUsize::new(0) };
        Self { rate: rate.map(Bucket::new), at_once: at_once.map(places) }
    }

    /// The same with at most `n_max` at once, where nothing else was said. Nobody may have a turn
    /// of it yet.
    pub(super) fn or_at_once(&self, n_max: usize) -> Self {
        let n_max = self.at_once.as_ref().map_or(n_max, |own| own.n_max);
        Self::new(self.rate.as_ref().map(|bucket| bucket.rate), Some(n_max))
    }

    /// Whether both give the same.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        let of = |one: &Self| {
            let rate = one.rate.as_ref().map(|bucket| bucket.rate);
            (rate, one.at_once.as_ref().map(|places| places.n_max))
        };
        of(self) == of(other)
    }

    /// Lets a request in.
    pub(super) fn take(self: &Arc<Self>, now: Instant) -> Result<Turn, Refused> {
        let turn = self.take_place()?;
        if let Some(bucket) = &self.rate {
            bucket.take(now)?;
        }
        Ok(turn)
    }

    /// The same of a request that was taken from the rate before.
    pub(super) fn take_place(self: &Arc<Self>) -> Result<Turn, Refused> {
        let mut turn = Turn::default();
        if let Some(places) = &self.at_once {
            let before = places.n_taken.fetch_add(1, Ordering::Relaxed);
            // From here on it is given back when the turn is dropped, also where it is refused.
            turn.0 = Some(self.clone());
            if before >= places.n_max {
                return Err(Refused::TooManyAtOnce(places.n_max));
            }
        }
        Ok(turn)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if let Some(places) = self.0.as_ref().and_then(|allowance| allowance.at_once.as_ref()) {
            places.n_taken.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

/// Tokens that come back at a steady rate, at most those of one second.
#[derive(Debug)]
struct Bucket {
    rate: f64,
    left: Mutex<(f64, Option<Instant>)>,
}

impl Bucket {
    /// A full one.
    fn new(rate: f64) -> Self {
        Self { rate, left: Mutex::new((rate.max(1.0), None)) }
    }

    fn take(&self, now: Instant) -> Result<(), Refused> {
        let mut state = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        let passed = state.1.map_or(0.0, |last| now.duration_since(last).as_secs_f64());
        let left = (state.0 + passed * self.rate).min(self.rate.max(1.0));
        let taken = left >= 1.0;
        *state = (if taken { left - 1.0 } else { left }, Some(now));
        if taken {
            return Ok(());
        }
        Err(Refused::TooOften(((1.0 - left) / self.rate).ceil().clamp(1.0, 3600.0) as u32))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::clock;

    #[test]
    fn a_bucket_gives_its_rate_and_says_when_to_come_back() {
        let bucket = Bucket::new(2.0);
        let begin = clock::now();
        assert_eq!((bucket.take(begin), bucket.take(begin)), (Ok(()), Ok(())));
        assert_eq!(bucket.take(begin), Err(Refused::TooOften(1)));
        assert_eq!(bucket.take(begin + Duration::from_millis(500)), Ok(()));
        assert!(bucket.take(begin + Duration::from_millis(600)).is_err());
    }

    #[test]
    fn a_place_is_taken_until_its_turn_ends_and_a_refusal_takes_none() {
        let allowance = Arc::new(Allowance::new(None, Some(2)));
        let (first, _second) = (allowance.take(clock::now()), allowance.take(clock::now()));
        for _ in 0..3 {
            assert_eq!(allowance.take(clock::now()).err(), Some(Refused::TooManyAtOnce(2)));
        }
        drop(first.unwrap());
        let third = allowance.take(clock::now());
        assert!(third.is_ok() && allowance.take(clock::now()).is_err());
    }

    #[test]
    fn who_has_too_many_at_once_does_not_use_up_the_rate_and_the_other_way_round() {
        let (allowance, begin) = (Arc::new(Allowance::new(Some(2.0), Some(1))), clock::now());
        let first = allowance.take(begin).unwrap();
        for _ in 0..5 {
            assert_eq!(allowance.take(begin).err(), Some(Refused::TooManyAtOnce(1)));
        }
        drop(first);
        drop(allowance.take(begin).unwrap());
        for _ in 0..5 {
            assert_eq!(allowance.take(begin).err(), Some(Refused::TooOften(1)));
        }
        assert!(allowance.take(begin + Duration::from_secs(1)).is_ok());
    }

    #[test]
    fn what_a_key_says_itself_goes_before_what_holds_for_all() {
        assert_eq!(Allowance::new(None, Some(3)).or_at_once(9).at_once.unwrap().n_max, 3);
        let found = Allowance::new(Some(5.0), None).or_at_once(9);
        assert_eq!((found.at_once.unwrap().n_max, found.rate.unwrap().rate), (9, 5.0));
    }
}
