//! Whether two means differ beyond chance.
//!
//! If nothing changed, both sides have the same standard deviation: it is pooled. That of few rows
//! alone is mostly too small (of one row it is 0), and with it any difference would be certain.

use modelwright_evaluate::distribution::student_two_sided;

/// Of fewer rows a mean is not asked for: values that are not distributed normally have no mean
/// that is.
const ROWS_MIN: f64 = 10.0;

/// How far values lie apart.
#[derive(Debug, Clone, Copy)]
pub(super) struct Spread {
    /// Rows, as far as they are independent.
    pub(super) n: f64,
    /// Standard deviation of the population.
    pub(super) std: f64,
}

/// Student's two-sided p-value of a difference of two means; `None` of too few rows.
pub(super) fn means_p_value(difference: f64, was: Spread, is: Spread) -> Option<f64> {
    if was.n.min(is.n) < ROWS_MIN {
        return None;
    }
    let degrees_of_freedom = was.n + is.n - 2.0;
    let squares = was.n * was.std * was.std + is.n * is.std * is.std;
    let error = (squares / degrees_of_freedom * (1.0 / was.n + 1.0 / is.n)).sqrt();
    Some(if error > 0.0 {
        student_two_sided(difference / error, degrees_of_freedom)
    } else {
        f64::from(difference == 0.0)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_p_value_is_that_of_students_test_and_few_rows_have_none() {
        let spread = |n: f64, std: f64| Spread { n, std };
        // scipy.stats.ttest_ind_from_stats(1, 2 * sqrt(20 / 19), 20, 0, 3 * sqrt(30 / 29), 30)
        let p = means_p_value(1.0, spread(20.0, 2.0), spread(30.0, 3.0)).unwrap();
        assert!((p - 0.205_703_329_966_770_43).abs() < 1e-9, "{p}");
        assert_eq!(means_p_value(1.0, spread(2_000.0, 2.0), spread(9.0, 0.0)), None);
        assert_eq!(means_p_value(0.0, spread(20.0, 0.0), spread(30.0, 0.0)), Some(1.0));
        assert_eq!(means_p_value(0.1, spread(20.0, 0.0), spread(30.0, 0.0)), Some(0.0));
    }
}
