//! The time that a search leaves for the last fit, which may learn from more rows.
//!
//! Where the last fit sees the held-out rows too, it takes little longer than the trials did, and
//! all of that is kept. Where it reads a whole file, many times the rows that the search works
//! on, it would take the time of all other trials: then a share of the time is kept, a booster
//! is given no more time than a refit of it can have in that share, and the last fit learns from
//! as many rows as its time allows.

use std::time::Duration;

use modelwright_core::Context;

use crate::budget;

/// The share of the search's time that is kept, at most, for a last fit on a whole file.
const FILE_SHARE: f64 = 0.55;

/// For more than this many times the rows of the search the trials of boosters are not shortened
/// further: rounds on too small a part of the time say nothing.
const RATIO_MAX: f64 = 6.0;

/// How a booster's trial and its refit differ in rows where one part of them judges.
pub(crate) const MORE_ROWS_THAN_ONE_PART: f64 = 1.25;

/// What is known of the last fit while the search runs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LastFit {
    /// How many times the rows of the training part it will learn from.
    pub ratio: f64,
    /// Seconds that are kept for it at most.
    most_s: f64,
    is_on_file: bool,
}

impl LastFit {
    /// On `ratio` times the training rows, all of them in memory.
    pub(crate) fn in_memory(ratio: f64) -> Self {
        Self { ratio, most_s: f64::INFINITY, is_on_file: false }
    }

    /// On the rows of a file; `ctx` is that of the search.
    pub(crate) fn on_file(ratio: f64, ctx: &Context) -> Self {
        let most_s = ctx.remaining().map_or(f64::INFINITY, |left| left.as_secs_f64() * FILE_SHARE);
        Self { ratio, most_s, is_on_file: true }
    }

    /// Whether it reads a whole file.
    pub(crate) fn is_on_file(self) -> bool {
        self.is_on_file
    }

    /// Seconds kept for refits that would take `refits_s` on the rows of the search.
    pub(crate) fn reserve_s(&self, refits_s: f64) -> f64 {
        (self.ratio * refits_s).min(self.most_s)
    }

    /// The time of a booster's trial that can be refitted in what is kept; `None` for any.
    pub(crate) fn booster_limit(&self) -> Option<Duration> {
        let times = self.ratio.min(RATIO_MAX) * MORE_ROWS_THAN_ONE_PART;
        let limit_s = self.most_s / budget::of_refits(times).as_secs_f64();
        limit_s.is_finite().then(|| Duration::from_secs_f64(limit_s))
    }
}

#[cfg(test)]
mod tests {
    use modelwright_core::context::Settings;

    use super::*;

    #[test]
    fn a_whole_file_leaves_time_for_other_trials_and_a_table_in_memory_keeps_all_it_needs() {
        let time_limit = Some(Duration::from_secs(100));
        let ctx = Context::new(Settings { time_limit, threads: 1, ..Settings::default() }).unwrap();
        let file = LastFit::on_file(5.0, &ctx);
        assert!((50.0..=55.0).contains(&file.reserve_s(40.0)), "{}", file.reserve_s(40.0));
        assert!((file.reserve_s(2.0) - 10.0).abs() < 1e-9);
        let limit_s = file.booster_limit().unwrap().as_secs_f64();
        assert!(limit_s * 5.0 <= file.reserve_s(40.0), "{limit_s}");
        // Twenty times the rows do not leave a booster a second.
        let huge = LastFit::on_file(100.0, &ctx).booster_limit().unwrap().as_secs_f64();
        assert!(huge > limit_s / 2.0, "{huge}");
        let table = LastFit::in_memory(1.25);
        assert_eq!((table.reserve_s(100.0), table.booster_limit()), (125.0, None));
        let unlimited = LastFit::on_file(5.0, &Context::unlimited(0, 1));
        assert_eq!((unlimited.reserve_s(40.0), unlimited.booster_limit()), (200.0, None));
    }
}
