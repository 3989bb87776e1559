//! Looking again and again at rows that grow: at which level each look tests.
//!
//! A test at 5 % that is made anew at every look finds drift sooner or later where there is none.
//! Of looks that follow each other until something is done (in a watch: until a retraining) look
//! `k` tests at the share `1 / (k (k + 1))` of the level. The shares of all looks, however many
//! there are, sum to 1, so that they are together wrong at most as often as one test at the whole
//! level, whatever the rows of one look have to do with those of another (Boole; as an error
//! spending function: Lan & DeMets, "Discrete sequential boundaries for clinical trials",
//! Biometrika 70, 1983). A look that stands alone tests at the whole level.
//!
//! Bets, which the trials of a watch make, would spend nothing; but they need rows one by one in
//! one order, and a distance of distributions has no such form.

use modelwright_evaluate::distribution::normal_quantile;

/// The share of a level that look `k`, counted from 1, may spend; all of it where it stands alone.
pub(super) fn share(look: Option<u64>) -> f64 {
    look.map_or(1.0, |look| {
        let k = look.max(1) as f64;
        1.0 / (k * (k + 1.0))
    })
}

/// By how much an interval of 95 % must be widened to be one of a share of these 5 %, as widths of
/// the normal distribution are.
pub(super) fn width(share: f64) -> f64 {
    if share >= 1.0 { 1.0 } else { normal_quantile(0.025 * share) / normal_quantile(0.025) }
}

/// At which level a look tests, in words; `None` where it stands alone.
pub(super) fn note(look: Option<u64>) -> Option<String> {
    let look = look.filter(|look| *look > 0)?;
    Some(format!(
        "look {look} since the last retraining: drift and changes of metrics are tested at {:.2} % \
         of their levels, so that all looks together are wrong as seldom as one",
        100.0 * share(Some(look))
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_looks_together_spend_the_level_of_one() {
        let spent: f64 = (1..10_000).map(|look| share(Some(look))).sum();
        assert!(spent < 1.0 && spent > 0.999, "{spent}");
        assert_eq!((share(None), share(Some(1)), share(Some(0))), (1.0, 0.5, 0.5));
    }

    #[test]
    fn intervals_widen_as_the_normal_law_says() {
        assert_eq!(width(1.0), 1.0);
        // 2.5 % on both sides together: 2.2414 standard deviations in place of 1.9600.
        assert!((width(0.5) - 2.241_402_7 / 1.959_964).abs() < 1e-6, "{}", width(0.5));
        assert!(width(share(Some(1_000_000))).is_finite());
    }
}
