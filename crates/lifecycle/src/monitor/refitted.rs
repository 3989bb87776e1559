//! Predictions beside those of a model that has learned more since.
//!
//! What a model says in use is compared with what was said of untouched rows when it was tested.
//! Most models learn from those rows once the test is over, and then say other things of any rows:
//! on few rows so much that a comparison speaks of drift where there is none. The artifact keeps
//! what both said of the same rows, and by as much as they differ the benefit of the doubt is
//! given. The delivered model knows those rows, which makes it surer of them than of others: the
//! doubt is rather too large than too small. It hardly touches the mean, which is asked beside the
//! distribution.

use modelwright_inspect::drift::test::kolmogorov_smirnov;
use modelwright_inspect::drift::{Choice, Counts, Scored, Steps, score_counts};

use super::means::{Spread, means_p_value};

/// Parts of the way from the tested model's shares to those of the delivered one.
const STEPS: u32 = 4;

/// Numbers: Kolmogorov and Smirnov beyond the doubt, and the mean beyond the doubt, of which the
/// more certain one counts, for two questions; of few rows the mean is not asked for.
pub(super) fn numbers(scored: Scored, was: &Steps, served: &Steps, is: &Steps) -> Scored {
    let Some((doubt, _)) = kolmogorov_smirnov(was, served) else { return scored };
    let by_ranks = kolmogorov_smirnov(&was.clone().doubted(doubt), is).map_or(1.0, |ks| ks.1);
    let p_value = match mean(was, served, is) {
        Some(by_mean) => (2.0 * by_ranks.min(by_mean)).min(1.0),
        None => by_ranks,
    };
    with_p_value(scored, p_value)
}

/// The p-value of means that differ by more than those of the two models.
fn mean(was: &Steps, served: &Steps, is: &Steps) -> Option<f64> {
    let (before, after) = (was.mean()?, is.mean()?);
    let beyond = ((after - before).abs() - (served.mean()? - before).abs()).max(0.0);
    let of = |steps: &Steps| Some(Spread { n: steps.n_independent(), std: steps.std()? });
    means_p_value(beyond, of(was)?, of(is)?)
}

/// Categories: the most favourable mixture of what the two models said.
pub(super) fn categories(
    scored: Scored,
    was: &Counts,
    served: &Counts,
    (is, n_distinct): (&Counts, usize),
) -> Scored {
    let n = was.n();
    let mixed = |step: u32| {
        let part = f64::from(step) / f64::from(STEPS);
        let share = |of: &Counts, name: &str| of.of(name) / of.n().max(1.0);
        let names = was.values().chain(served.values()).map(|(name, _)| name.to_owned());
        let value = |name: String| {
            let share = (1.0 - part) * share(was, &name) + part * share(served, &name);
            (name, n * share)
        };
        let mixed = Counts::new(names.map(value), 0.0).independent(was.share_independent());
        score_counts(&mixed, is, n_distinct)
    };
    let best = (0..=STEPS).filter_map(mixed).max_by(|a, b| a.p_value.total_cmp(&b.p_value));
    match best {
        Some(best) if scored.choice.is_p_value() => {
            Scored { score: best.score.max(scored.score), ..with_p_value(scored, best.p_value) }
        }
        Some(best) => with_p_value(scored, best.p_value),
        None => scored,
    }
}

fn with_p_value(scored: Scored, p_value: f64) -> Scored {
    let score = match scored.choice {
        Choice::KolmogorovSmirnov => p_value,
        _ => scored.score,
    };
    Scored { score, p_value, ..scored }
}

#[cfg(test)]
mod tests {
    use modelwright_core::random::Random;
    use modelwright_inspect::drift::score_steps;

    use super::*;

    fn normals(n: usize, by: f64, stream: u64) -> Steps {
        let mut random = Random::stream(3, "refitted", stream);
        Steps::of_values((0..n).map(|_| by + random.normal()).collect())
    }

    #[test]
    fn what_the_last_fit_changed_is_no_drift_and_what_goes_beyond_it_is() {
        let (mut plain, mut doubted, mut seen) = (0, 0, 0);
        for stream in 0..300 {
            let was = normals(200, 0.0, 4 * stream);
            let served = normals(200, 0.3, 4 * stream + 1);
            let (is, far) = (normals(300, 0.3, 4 * stream + 2), normals(300, 0.9, 4 * stream + 3));
            let judged = |is: &Steps| {
                let scored = score_steps(&was, is, 500).unwrap();
                (scored.exceeds(), numbers(scored, &was, &served, is).exceeds())
            };
            plain += u32::from(judged(&is).0);
            doubted += u32::from(judged(&is).1);
            seen += u32::from(judged(&far).1);
        }
        assert!(plain > 200 && doubted <= 15 && seen > 290, "{plain}, {doubted}, {seen}");
    }

    /// What a model is sure of in most rows, and in few ones not: as probabilities are.
    fn probabilities(n: usize, stream: u64) -> Steps {
        let mut random = Random::stream(4, "refitted", stream);
        let sure = |z: f64| 1.0 / (1.0 + (1.2 - 1.6 * z).exp());
        Steps::of_values((0..n).map(|_| sure(random.normal())).collect())
    }

    #[test]
    fn few_rows_of_the_same_law_are_no_drift_oftener_than_the_level_says() {
        let n_streams = 600;
        for n_rows in [1, 5, 20, 300] {
            let (mut at_5, mut at_1) = (0, 0);
            for stream in 0..n_streams {
                let was = probabilities(2_000, 3 * stream);
                let served = probabilities(2_000, 3 * stream + 1);
                let is = probabilities(n_rows, 3 * stream + 2);
                let scored = score_steps(&was, &is, 2_000).unwrap();
                let p = numbers(scored, &was, &served, &is).p_value;
                at_5 += u32::from(p < 0.05);
                at_1 += u32::from(p < 0.01);
            }
            // 30 and 6 are expected; three standard deviations are 16 and 7.3.
            assert!(at_5 <= 46 && at_1 <= 13, "{n_rows} rows: {at_5} and {at_1} of {n_streams}");
        }
    }

    #[test]
    fn shares_between_those_of_both_models_are_no_drift() {
        let counts = |a: f64, b: f64, c: f64| {
            Counts::new([("a".to_owned(), a), ("b".to_owned(), b), ("c".to_owned(), c)], 0.0)
        };
        let (was, served) = (counts(100.0, 60.0, 40.0), counts(60.0, 100.0, 40.0));
        let judged = |is: &Counts| {
            let scored = score_counts(&was, is, 3).unwrap();
            (scored.exceeds(), categories(scored, &was, &served, (is, 3)).exceeds())
        };
        assert_eq!(judged(&counts(80.0, 80.0, 40.0)), (true, false));
        assert_eq!(judged(&counts(60.0, 60.0, 80.0)), (true, true));
    }
}
