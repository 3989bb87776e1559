//! Keeps a fit under its memory cap: estimates what it will need, and learns from fewer rows when
//! that is too much.
//!
//! A sample is always better than dying: with half a million rows left the loss is in the third
//! digit. The decision depends on the machine, so it goes through [`Context::decide`].

use modelwright_core::{Context, Error, Result};

/// Encoded bytes per raw feature and row: f32 value and bin, in the trees' and the linear
/// encoding, with room for one-hot columns and target statistics of the folds.
const BYTES_PER_FEATURE: f64 = 16.0;

/// Bytes per output and row: out-of-fold predictions of the trials, gradients, scores.
const BYTES_PER_OUTPUT: f64 = 120.0;

/// Bytes per row: indices, partitions, weights, targets.
const BYTES_PER_ROW: f64 = 64.0;

/// The part of the free memory that is planned with.
const SHARE: f64 = 0.8;

/// With fewer rows than this a fit makes no sense.
const N_ROWS_MIN: u64 = 200;

/// The most training rows that fit under the cap; `None` when all of them do.
///
/// # Errors
/// Work error when not even a few rows fit.
pub(crate) fn rows_that_fit(
    ctx: &Context,
    n_rows: usize,
    n_features: usize,
    n_outputs: usize,
) -> Result<Option<usize>> {
    let per_row =
        BYTES_PER_ROW + n_features as f64 * BYTES_PER_FEATURE + n_outputs as f64 * BYTES_PER_OUTPUT;
    let fit = ctx.decide("rows-that-fit", || match ctx.memory_left_bytes() {
        Some(left) => (left as f64 * SHARE / per_row) as u64,
        None => u64::MAX,
    });
    if fit >= n_rows as u64 {
        return Ok(None);
    }
    if fit < N_ROWS_MIN {
        return Err(Error::work("the memory limit is too small for this table")
            .at("--memory")
            .expected(format!("room for at least {N_ROWS_MIN} rows of {per_row:.0} bytes"))
            .got(format!("room for {fit} rows"))
            .hint("raise --memory, or leave out columns with --exclude"));
    }
    Ok(Some(fit as usize))
}

#[cfg(test)]
mod tests {
    use super::*;
    use modelwright_core::context::Settings;

    fn capped(limit: u64) -> Context {
        Context::new(Settings { memory_limit_bytes: Some(limit), ..Settings::default() }).unwrap()
    }

    #[test]
    fn a_cap_lowers_the_rows_and_a_tiny_one_is_refused() {
        assert_eq!(rows_that_fit(&capped(1 << 40), 1000, 10, 1).unwrap(), None);
        let some = rows_that_fit(&capped(1 << 20), 1_000_000, 10, 1).unwrap();
        assert!(some.is_some_and(|n| n > 1000 && n < 10_000), "{some:?}");
        assert!(rows_that_fit(&capped(1000), 1_000_000, 10, 1).is_err());
    }
}
