//! Which rows of a file are read, when not all of them can be.
//!
//! A row is kept when the random number of its place (the byte of the text at which it begins, or
//! its number) is low enough, and a part of the file (a stripe of bytes, a run of rows, a batch)
//! is read when the number of its index is. Nothing else decides: the sample is the same
//! whatever the threads, the blocks, and the memory at any moment were, every row has the same
//! chance, and the rows of a smaller share are among those of a larger one.

use modelwright_core::Context;
use modelwright_core::random::number_at;

/// A part of all, in units of 2⁻³².
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Share(u64);

/// The units in all.
const UNITS: f64 = (1_u64 << 32) as f64;

impl Share {
    pub(crate) const ALL: Self = Self(1 << 32);

    /// The share nearest below `of_all` that is not zero.
    pub(crate) fn of(of_all: f64) -> Self {
        Self(((of_all * UNITS) as u64).clamp(1, Self::ALL.0))
    }

    pub(crate) fn is_all(self) -> bool {
        self == Self::ALL
    }

    /// From 0 to 1.
    pub(crate) fn as_f64(self) -> f64 {
        self.0 as f64 / UNITS
    }

    /// This share of a share; at most as many.
    pub(crate) fn times(self, factor: f64) -> Self {
        Self::of(self.as_f64() * factor.min(1.0))
    }

    #[inline]
    fn admits(self, number: u64) -> bool {
        number >> 32 < self.0
    }
}

/// See the module's text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sampling {
    key: u64,
    /// The share of rows that is kept.
    pub rows: Share,
    /// The share of the file's parts that is read.
    pub parts: Share,
    /// Nothing at or behind this place is read.
    pub end: u64,
}

/// Parts and rows draw from streams of their own.
const OF_PARTS: u64 = 0x5851_f42d_4c95_7f2d;

impl Sampling {
    /// Every row.
    pub(crate) const ALL: Self =
        Self { key: 0, rows: Share::ALL, parts: Share::ALL, end: u64::MAX };

    /// Where a reading begins: with every row, or with those that a replay must read.
    pub(crate) fn begin(ctx: &Context) -> Self {
        let share = |name| {
            ctx.replayed(name).map_or(Share::ALL, |units| Share(units.clamp(1, Share::ALL.0)))
        };
        Self {
            key: ctx.random("read/rows", 0).next_u64(),
            rows: share("row-share"),
            parts: share("part-share"),
            end: ctx.replayed("end").unwrap_or(u64::MAX),
        }
    }

    /// Writes down what became of it, where that is not every row.
    pub(crate) fn decide(&self, ctx: &Context) {
        for (name, share) in [("row-share", self.rows), ("part-share", self.parts)] {
            if !share.is_all() {
                ctx.decide(name, || share.0);
            }
        }
        if self.end != u64::MAX {
            ctx.decide("end", || self.end);
        }
    }

    /// Whether all rows are read.
    pub(crate) fn is_all(&self) -> bool {
        self.rows.is_all() && self.parts.is_all() && self.end == u64::MAX
    }

    /// Whether the row at a place is kept.
    #[inline]
    pub(crate) fn keeps_row(&self, place: u64) -> bool {
        self.rows.is_all() || self.rows.admits(number_at(self.key, place))
    }

    /// Whether a part of the file is read; the first always is, so that there is one.
    pub(crate) fn keeps_part(&self, index: u64) -> bool {
        let all = self.parts.is_all() || index == 0;
        all || self.parts.admits(number_at(self.key ^ OF_PARTS, index))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sampling(rows: f64) -> Sampling {
        Sampling { rows: Share::of(rows), ..Sampling::begin(&Context::unlimited(3, 1)) }
    }

    #[test]
    fn a_share_keeps_about_so_many_rows_evenly_spread() {
        for share in [0.5, 0.1, 0.01] {
            let sampling = sampling(share);
            for tenth in 0..10_u64 {
                let places = (tenth * 100_000..(tenth + 1) * 100_000).map(|i| i * 96 + 11);
                let n = places.filter(|p| sampling.keeps_row(*p)).count() as f64;
                let (mean, sd) = (1e5 * share, (1e5 * share * (1.0 - share)).sqrt());
                assert!((n - mean).abs() < 5.0 * sd, "{share}: {n} in tenth {tenth}");
            }
        }
    }

    #[test]
    fn a_smaller_share_is_part_of_a_larger_one_and_rows_are_independent_of_parts() {
        let (large, small) = (sampling(0.3), sampling(0.1));
        assert!((0..10_000).all(|p| large.keeps_row(p) || !small.keeps_row(p)));
        let both = Sampling { parts: Share::of(0.3), ..large };
        let n = (0..100_000).filter(|i| both.keeps_row(*i) && both.keeps_part(*i)).count();
        assert!((8500..9500).contains(&n), "{n}");
    }

    #[test]
    fn the_whole_and_the_least_share_are_kept_exactly() {
        assert!(Share::of(1.0).is_all() && Share::of(7.0).is_all());
        assert_eq!(Share::of(0.0), Share(1));
        assert!(Sampling::ALL.is_all() && (0..1000).all(|p| Sampling::ALL.keeps_row(p)));
        assert!(!sampling(0.999_999).is_all());
    }
}
