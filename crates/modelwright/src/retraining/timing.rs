//! How long two models take for the same rows, on a machine that does other things too.
//!
//! They predict in turns, so that what slows the machine down for a while slows both, and the
//! fastest turn of each counts.

use std::time::Duration;

use modelwright_automl::Predictor;
use modelwright_core::data::Table;
use modelwright_core::{Context, Result};
use modelwright_lifecycle::retrain::Gates;

/// Fewer rows are repeated: what is done once a call would count for more than the rows.
const ROWS_MIN: usize = 10_000;
/// Turns, at least, and how long each model predicts in all.
const TURNS_MIN: usize = 3;
const TIME_MIN: Duration = Duration::from_millis(200);
/// Who was too slow may try so often.
const TRIES: usize = 3;

/// The seconds that each of two models takes for the rows of `table`: the champion's, and the
/// challenger's.
///
/// # Errors
/// As [`Predictor::predict`].
pub(super) fn race(
    (champion, challenger): (&Predictor, &Predictor),
    table: &Table,
    gates: &Gates,
    ctx: &Context,
) -> Result<(f64, f64)> {
    let n_rows = table.n_rows().max(1);
    let repeated = (table.n_rows() > 0 && n_rows < ROWS_MIN).then(|| {
        let n_rows = n_rows as u32;
        let rows: Vec<u32> = (0..n_rows).cycle().take(ROWS_MIN).collect();
        table.select(&rows)
    });
    let table = repeated.as_ref().unwrap_or(table);
    let timed = |predictor: &Predictor| -> Result<Duration> {
        let begun = ctx.elapsed();
        predictor.predict(table, ctx)?;
        Ok(ctx.elapsed().saturating_sub(begun))
    };
    let mut fastest = (Duration::MAX, Duration::MAX);
    let s_per_row = |time: Duration| time.as_secs_f64() / table.n_rows().max(1) as f64;
    for _ in 0..TRIES {
        let (mut n_turns, mut spent) = (0, (Duration::ZERO, Duration::ZERO));
        while n_turns < TURNS_MIN || spent.0.min(spent.1) < TIME_MIN {
            let (a, b) = (timed(champion)?, timed(challenger)?);
            fastest = (fastest.0.min(a), fastest.1.min(b));
            (spent.0, spent.1) = (spent.0 + a, spent.1 + b);
            n_turns += 1;
        }
        if s_per_row(fastest.1) <= gates.latency_bound(s_per_row(fastest.0)) {
            break;
        }
    }
    let seconds = |time: Duration| s_per_row(time) * n_rows as f64;
    Ok((seconds(fastest.0), seconds(fastest.1)))
}
