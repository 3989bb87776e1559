//! Several learners on several data sets, or on the folds of one: who is better than whom.
//!
//! Across data sets by ranks ([`super::datasets`]), every pair by Wilcoxon's test with Holm's
//! correction and by Nemenyi's; on folds by Nadeau and Bengio's corrected t-test
//! ([`super::folds`]), with the Bayesian probabilities that a difference matters, or by Alpaydın's
//! F test of five repetitions of two folds.

use modelwright_core::record::Interval;
use modelwright_core::{Error, Result};
use serde::Serialize;

use super::adjust::holm;
use super::datasets::{Ranking, wilcoxon};
use super::digits;
use super::folds::{FoldDifference, five_by_two};

/// The level below which a difference counts as shown.
const LEVEL: f64 = 0.05;

/// Scores of learners: `scores[row][learner]`, a row for each data set or fold.
#[derive(Debug, Clone, Copy)]
pub struct StudyInput<'a> {
    /// The learners, in the order of the scores.
    pub names: &'a [String],
    /// The scores.
    pub scores: &'a [Vec<f64>],
    /// Whether larger scores are better.
    pub larger_is_better: bool,
    /// A difference of scores up to this does not matter.
    pub rope: f64,
    /// Set where rows are folds of one data set: test rows over training rows, 1 / (k − 1) for k
    /// folds.
    pub test_to_train: Option<f64>,
    /// Set where rows are the folds of five repetitions of two-fold cross-validation, the two of a
    /// repetition side by side.
    pub five_by_two: bool,
}

impl StudyInput<'_> {
    /// What the rows are.
    fn rows(&self) -> &'static str {
        if self.is_of_folds() { "folds" } else { "data sets" }
    }

    fn is_of_folds(&self) -> bool {
        self.test_to_train.is_some() || self.five_by_two
    }
}

/// What the scores say.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Study {
    /// Data sets or folds.
    pub n_rows: usize,
    /// The learners, best mean rank first.
    pub learners: Vec<Standing>,
    /// Friedman's χ² and Iman and Davenport's F with their p-values, across data sets.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub all_alike: Option<AllAlike>,
    /// A difference of scores up to this does not matter.
    pub rope: f64,
    /// Every pair of learners; none where all have the same scores.
    pub pairs: Vec<Pair>,
    /// The finding, in a sentence or two.
    pub verdict: String,
}

/// A learner's place.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Standing {
    /// The learner.
    pub name: String,
    /// Its mean score.
    pub mean: f64,
    /// Its mean rank; 1 is best.
    pub mean_rank: f64,
}

/// Tests of "all learners are alike".
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct AllAlike {
    /// Friedman's χ².
    pub friedman: f64,
    /// Its p-value.
    pub friedman_p: f64,
    /// Iman and Davenport's F; `None` where all data sets rank the learners alike.
    pub iman_davenport: Option<f64>,
    /// Its p-value.
    pub iman_davenport_p: Option<f64>,
}

/// Two learners.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Pair {
    /// The one of the better mean rank.
    pub a: String,
    /// The other.
    pub b: String,
    /// Mean of A's scores less B's.
    pub difference: f64,
    /// 95 % interval of that: corrected t on folds, paired t across data sets; `None` where
    /// differences do not vary.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ci95: Option<Interval>,
    /// Wilcoxon's p-value across data sets, the corrected t-test's on folds, or that of the 5×2cv F
    /// test.
    pub p_value: f64,
    /// The same, corrected by Holm for the number of pairs.
    pub p_holm: f64,
    /// Nemenyi's p-value, across data sets.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p_nemenyi: Option<f64>,
    /// By the same t: the probabilities that A is worse by more than the ROPE, that both are equal
    /// in practice, and that A is better by more than it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub probabilities: Option<[f64; 3]>,
}

/// Compares the learners.
///
/// # Errors
/// Input error with fewer than two learners or rows, or scores that are not finite.
pub fn study(input: &StudyInput<'_>) -> Result<Study> {
    if let Some(alike) = no_difference(input) {
        return Ok(alike);
    }
    let ranking = Ranking::new(input.scores, input.larger_is_better)?;
    if input.names.len() != ranking.mean_ranks.len() {
        return Err(Error::input("every learner needs a name")
            .expected(format!("{} names", ranking.mean_ranks.len()))
            .got(format!("{}", input.names.len())));
    }
    let n_rows = input.scores.len();
    let mean = |l: usize| input.scores.iter().map(|s| s[l]).sum::<f64>() / n_rows as f64;
    let mut order: Vec<usize> = (0..input.names.len()).collect();
    order.sort_by(|a, b| ranking.mean_ranks[*a].total_cmp(&ranking.mean_ranks[*b]).then(a.cmp(b)));
    let learners = order
        .iter()
        .map(|l| Standing {
            name: input.names[*l].clone(),
            mean: mean(*l),
            mean_rank: ranking.mean_ranks[*l],
        })
        .collect();
    let mut pairs = Vec::new();
    for (i, a) in order.iter().enumerate() {
        for b in &order[i + 1..] {
            pairs.push(pair(input, &ranking, *a, *b)?);
        }
    }
    let corrected = holm(&pairs.iter().map(|p| p.p_value).collect::<Vec<_>>());
    pairs.iter_mut().zip(corrected).for_each(|(pair, p)| pair.p_holm = p);
    let all_alike = (!input.is_of_folds()).then_some(AllAlike {
        friedman: ranking.friedman.0,
        friedman_p: ranking.friedman.1,
        iman_davenport: ranking.iman_davenport.map(|f| f.0),
        iman_davenport_p: ranking.iman_davenport.map(|f| f.1),
    });
    let rope = input.rope;
    let mut study = Study { n_rows, learners, all_alike, rope, pairs, verdict: String::new() };
    study.verdict = verdict(&study, input);
    Ok(study)
}

fn pair(input: &StudyInput<'_>, ranking: &Ranking, a: usize, b: usize) -> Result<Pair> {
    let differences: Vec<f64> = input.scores.iter().map(|s| s[a] - s[b]).collect();
    let difference = differences.iter().sum::<f64>() / differences.len() as f64;
    let mut pair = Pair {
        a: input.names[a].clone(),
        b: input.names[b].clone(),
        difference,
        ci95: None,
        p_value: 1.0,
        p_holm: 1.0,
        p_nemenyi: None,
        probabilities: None,
    };
    let certain = if let Some(ratio) = input.test_to_train {
        let found = FoldDifference::new(&differences, ratio)?;
        pair.p_value = found.p_value();
        Some(found)
    } else if input.five_by_two {
        pair.p_value = five_by_two_p(&differences)?;
        // Two folds: as many test rows as training rows. The F test has no interval of its own.
        let found = FoldDifference::new(&differences, 1.0)?;
        Some(found).filter(|found| found.standard_error > 0.0)
    } else {
        // Learners that are equal everywhere do not differ.
        pair.p_value = wilcoxon(&differences).map_or(1.0, |w| w.p_value);
        pair.p_nemenyi = Some(ranking.nemenyi(a, b));
        FoldDifference::of_data_sets(&differences)
    };
    if let Some(found) = certain {
        let [low, equal, high] = found.probabilities(input.rope);
        let of_a = if input.larger_is_better { [low, equal, high] } else { [high, equal, low] };
        pair.probabilities = Some(of_a);
        pair.ci95 = Some(found.interval());
    }
    Ok(pair)
}

/// The p-value of Alpaydın's F test; learners that are equal on all folds do not differ.
fn five_by_two_p(differences: &[f64]) -> Result<f64> {
    if differences.iter().all(|d| *d == 0.0) {
        return Ok(1.0);
    }
    let (pairs, rest) = differences.as_chunks::<2>();
    let five = <&[[f64; 2]; 5]>::try_from(pairs).ok().filter(|_| rest.is_empty());
    let Some(five) = five else {
        return Err(Error::input("not five repetitions of two-fold cross-validation")
            .expected("ten rows, the two folds of each repetition one after the other")
            .got(format!("{} rows", differences.len())));
    };
    Ok(five_by_two(five)?.f.1)
}

fn verdict(study: &Study, input: &StudyInput<'_>) -> String {
    let best = &study.learners[0];
    let rows = input.rows();
    let behind: Vec<&str> = study
        .pairs
        .iter()
        .filter(|p| p.a == best.name && p.p_holm < LEVEL)
        .map(|p| p.b.as_str())
        .collect();
    let opening = format!(
        "{} has the best mean rank ({}) over {} {rows}",
        best.name,
        digits(best.mean_rank),
        study.n_rows
    );
    if let [pair] = study.pairs.as_slice() {
        let shown = if behind.is_empty() { "not shown to be better than" } else { "better than" };
        let chance = if behind.is_empty() { "" } else { " beyond chance" };
        return format!(
            "{} is {shown} {}{chance} over {} {rows}. {}",
            pair.a,
            pair.b,
            study.n_rows,
            magnitude(pair, input)
        );
    }
    let others = study.learners.len() - 1;
    let finding = match behind.len() {
        0 => format!("{opening}, but is not shown to be better than any other."),
        n if n == others => format!("{opening} and is better than every other beyond chance."),
        _ => format!("{opening} and is better than {} beyond chance.", behind.join(", ")),
    };
    // The next best is the one that a choice is made against.
    let next = &study.learners[1].name;
    let pair = study.pairs.iter().find(|p| p.a == best.name && p.b == *next);
    pair.map_or(finding.clone(), |pair| format!("{finding} {}", magnitude(pair, input)))
}

/// By how much a learner is ahead of another, how sure that is, and whether it matters.
fn magnitude(pair: &Pair, input: &StudyInput<'_>) -> String {
    // Scores of which smaller ones are better are ahead where they are less.
    let sign = if input.larger_is_better { 1.0 } else { -1.0 };
    let ahead = sign * pair.difference;
    let ci95 = pair.ci95.map_or(String::new(), |ci| {
        let ends = if input.larger_is_better { [ci.low, ci.high] } else { [-ci.high, -ci.low] };
        format!(" (95 % interval {} to {})", digits(ends[0]), digits(ends[1]))
    });
    let rope = digits(input.rope);
    let is_shown = pair.p_holm < LEVEL;
    let shown = if is_shown { String::new() } else { not_shown(pair) };
    let matters = match pair.probabilities {
        Some([worse, equal, better]) => format!(
            "with {:.0} % probability it is better by more than {rope}, with {:.0} % both are \
             equal for practical purposes (within {rope}), with {:.0} % it is worse by more",
            100.0 * better,
            100.0 * equal,
            100.0 * worse
        ),
        None if ahead.abs() <= input.rope => format!("that is within {rope}, so it hardly matters"),
        None if is_shown => format!("that is more than {rope}, so it matters"),
        None => format!("that is more than {rope} and would matter if it were there"),
    };
    let by = digits(ahead);
    format!("{} is ahead of {} by {by}{ci95} on average{shown}: {matters}.", pair.a, pair.b)
}

/// That a difference may be chance, with the p-value that says so.
fn not_shown(pair: &Pair) -> String {
    let corrected = if pair.p_holm == pair.p_value { "" } else { "corrected " };
    format!(", which is not shown to be more than chance ({corrected}p = {:.3})", pair.p_holm)
}

/// What is to be said where all learners have the same scores everywhere.
fn no_difference(input: &StudyInput<'_>) -> Option<Study> {
    let (n_rows, n_learners) = (input.scores.len(), input.names.len());
    let is_alike = |row: &Vec<f64>| {
        row.len() == n_learners && row.iter().all(|score| score.is_finite() && *score == row[0])
    };
    if n_rows < 2 || n_learners < 2 || !input.scores.iter().all(is_alike) {
        return None;
    }
    let mean = |l: usize| input.scores.iter().map(|s| s[l]).sum::<f64>() / n_rows as f64;
    let standing = |(l, name): (usize, &String)| Standing {
        name: name.clone(),
        mean: mean(l),
        mean_rank: f64::midpoint(n_learners as f64, 1.0),
    };
    let rows = input.rows();
    Some(Study {
        n_rows,
        learners: input.names.iter().enumerate().map(standing).collect(),
        all_alike: None,
        rope: input.rope,
        pairs: Vec::new(),
        verdict: format!(
            "No difference: the learners have the same scores on all {n_rows} {rows}."
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|n| (*n).to_owned()).collect()
    }

    fn input<'a>(names: &'a [String], scores: &'a [Vec<f64>]) -> StudyInput<'a> {
        StudyInput {
            names,
            scores,
            larger_is_better: true,
            rope: 0.01,
            test_to_train: None,
            five_by_two: false,
        }
    }

    #[test]
    fn the_learner_that_always_wins_is_named_and_one_that_ties_is_not_told_apart() {
        let names = names(&["plain", "best", "like plain"]);
        let scores: Vec<Vec<f64>> = (0..14)
            .map(|i| {
                let base = 0.7 + 0.01 * f64::from(i % 5);
                let twin = base + if i % 2 == 0 { 0.001 } else { -0.001 };
                vec![base, base + 0.05 + 0.001 * f64::from(i), twin]
            })
            .collect();
        let found = study(&input(&names, &scores)).unwrap();
        assert_eq!(found.learners[0].name, "best");
        assert!(found.verdict.contains("better than every other beyond chance."), "{found:?}");
        let twins = found.pairs.iter().find(|p| p.a != "best").unwrap();
        assert!(twins.p_holm > 0.5 && twins.p_nemenyi.is_some_and(|p| p > 0.5), "{twins:?}");
        assert!(found.all_alike.is_some_and(|a| a.friedman_p < 0.001));
    }

    #[test]
    fn five_data_sets_that_agree_to_the_digit_show_no_more_than_five_signs_can() {
        let names = names(&["a", "b"]);
        let found = study(&input(&names, &vec![vec![0.8, 0.7]; 5])).unwrap();
        assert_eq!(found.pairs[0].p_value, 0.0625, "two of the 32 ways to give signs");
        assert!(found.verdict.starts_with("a is not shown to be better than b"), "{found:?}");
        let all_alike = found.all_alike.unwrap();
        assert_eq!((all_alike.iman_davenport, all_alike.iman_davenport_p), (None, None));
    }

    #[test]
    fn smaller_errors_are_better_where_that_was_said() {
        let names = names(&["a", "b"]);
        let scores: Vec<Vec<f64>> = (0..12).map(|i| vec![2.0 + f64::from(i), 1.0]).collect();
        let found =
            study(&StudyInput { larger_is_better: false, ..input(&names, &scores) }).unwrap();
        assert_eq!(found.learners[0].name, "b");
        assert!(found.pairs[0].difference < 0.0);
    }

    #[test]
    fn folds_are_compared_by_the_corrected_t_test() {
        let names = names(&["a", "b"]);
        let scores: Vec<Vec<f64>> =
            (0..10).map(|i| vec![0.9 + 0.004 * f64::from(i % 3), 0.88]).collect();
        let folds = StudyInput { test_to_train: Some(1.0 / 9.0), ..input(&names, &scores) };
        let found = study(&folds).unwrap();
        let pair = &found.pairs[0];
        let differences: Vec<f64> = scores.iter().map(|s| s[0] - s[1]).collect();
        let expected = FoldDifference::new(&differences, 1.0 / 9.0).unwrap();
        assert_eq!(pair.p_value, expected.p_value());
        assert!(pair.probabilities.is_some_and(|p| p[2] > 0.95) && found.all_alike.is_none());
    }

    #[test]
    fn five_repetitions_of_two_folds_are_compared_by_the_f_test() {
        let two = names(&["a", "b"]);
        let scores: Vec<Vec<f64>> =
            (0..10).map(|i| vec![0.9 + 0.004 * f64::from(i % 3), 0.88]).collect();
        let folds = StudyInput { five_by_two: true, ..input(&two, &scores) };
        let found = study(&folds).unwrap();
        let d = |i: usize| scores[i][0] - scores[i][1];
        let five = std::array::from_fn(|i| [d(2 * i), d(2 * i + 1)]);
        assert_eq!(found.pairs[0].p_value, five_by_two(&five).unwrap().f.1);
        assert!(found.all_alike.is_none() && found.verdict.contains("10 folds"), "{found:?}");
        let few = StudyInput { five_by_two: true, ..input(&two, &scores[..8]) };
        assert_eq!(study(&few).unwrap_err().got_text(), Some("8 rows"));
    }

    #[test]
    fn what_cannot_be_compared_is_refused() {
        let one = names(&["a"]);
        assert!(study(&input(&one, &[vec![1.0], vec![2.0]])).is_err());
        let two = names(&["a", "b"]);
        assert!(study(&input(&two, &[vec![1.0, 2.0]])).is_err());
        assert!(study(&input(&two, &[vec![1.0, f64::NAN], vec![1.0, 2.0]])).is_err());
    }

    #[test]
    fn learners_that_are_equal_everywhere_show_no_difference() {
        let two = names(&["a", "b"]);
        let scores = [vec![1.0, 1.0], vec![2.0, 2.0]];
        let found = study(&input(&two, &scores)).unwrap();
        assert!(found.verdict.starts_with("No difference") && found.pairs.is_empty(), "{found:?}");
        assert_eq!(found.learners[1].mean_rank, 1.5);
    }

    #[test]
    fn the_finding_says_by_how_much_how_sure_and_whether_it_matters() {
        let two = names(&["a", "b"]);
        let scores: Vec<Vec<f64>> =
            (0..10).map(|i| vec![0.9 + 0.004 * f64::from(i % 3), 0.88]).collect();
        let folds = StudyInput { test_to_train: Some(1.0 / 9.0), ..input(&two, &scores) };
        let said = study(&folds).unwrap().verdict;
        assert!(said.starts_with("a is better than b beyond chance over 10 folds."), "{said}");
        assert!(said.contains("by 0.0236 (95 % interval ") && said.contains("% probability"));
        assert!(!said.contains("every other") && !said.contains("rank"), "{said}");
        let scores: Vec<Vec<f64>> = scores.iter().map(|s| vec![1.0 - s[0], 1.0 - s[1]]).collect();
        let errors =
            StudyInput { larger_is_better: false, test_to_train: None, ..input(&two, &scores) };
        let said = study(&errors).unwrap().verdict;
        assert!(said.contains("a is ahead of b by 0.0236 (95 % interval 0.0"), "{said}");
        assert!(said.contains(") on average: with"), "{said}");
    }

    #[test]
    fn a_difference_that_is_not_shown_does_not_matter_yet() {
        let two = names(&["a", "b"]);
        // Six data sets, five of them for a: Wilcoxon's p is 0.06.
        let ahead = [0.02, 0.03, 0.05, 0.04, 0.06, -0.01];
        let scores: Vec<Vec<f64>> = ahead.iter().map(|d| vec![0.8 + d, 0.8]).collect();
        let found = study(&input(&two, &scores)).unwrap();
        let (pair, said) = (&found.pairs[0], &found.verdict);
        assert!(pair.p_holm > 0.05 && pair.difference > 0.03, "{pair:?}");
        assert!(!said.contains("matters") && said.contains("which is not shown to be"), "{said}");
        // scipy.stats.ttest_1samp([.02, .03, .05, .04, .06, -.01], 0).confidence_interval()
        let ci = pair.ci95.unwrap();
        assert!(
            (ci.low - 0.005_606_268_5).abs() < 1e-9 && (ci.high - 0.057_727_064_8).abs() < 1e-9,
            "{ci:?}"
        );
        assert!(pair.probabilities.is_some_and(|p| p[2] > 0.9 && p[2] < 0.99), "{pair:?}");
        // What never varies has no interval, and still is not shown by five data sets.
        let same = study(&input(&two, &vec![vec![0.8, 0.7]; 5])).unwrap();
        assert!(same.pairs[0].ci95.is_none() && same.pairs[0].probabilities.is_none());
        assert!(same.verdict.contains("would matter if it were there"), "{}", same.verdict);
        let scores: Vec<Vec<f64>> =
            (0..10).map(|i| vec![0.9 + 0.1 * f64::from(i % 3), 0.88]).collect();
        let folds = study(&StudyInput { five_by_two: true, ..input(&two, &scores) }).unwrap();
        let differences: Vec<f64> = scores.iter().map(|s| s[0] - s[1]).collect();
        let corrected = FoldDifference::new(&differences, 1.0).unwrap();
        assert_eq!(folds.pairs[0].ci95, Some(corrected.interval()));
    }
}
