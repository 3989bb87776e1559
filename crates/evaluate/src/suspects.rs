//! Rows whose target contradicts predictions that did not see them: errors of labelling, typing or
//! measuring, to be looked at by a person.
//!
//! Classes: a row is suspect when another class reaches the mean probability that rows of that
//! class get, and the row's own class does not come near (confident learning: Northcutt, Jiang and
//! Chuang, "Confident Learning: Estimating Uncertainty in Dataset Labels", JAIR 70, 2021, the rows
//! off the diagonal of the confident joint), and is more probable than it. Numbers: a row is
//! suspect when its residual is far outside those of rows with similar predictions. What is usual
//! is told by rows as they weigh, and a row without weight is never named.

use modelwright_core::task::Predictions;

/// A number is suspect from so many robust standard deviations on.
const DEVIATIONS_MIN: f64 = 6.0;
/// Slips are rarer than this among rows with similar predictions.
const FAR_SHARE_MAX: f64 = 0.02;
/// Rows with similar predictions whose residuals say what is usual.
const N_SIMILAR: usize = 500;
/// Fewer rows than this say nothing.
const ROWS_MIN: usize = 50;
/// What summing probabilities may cost.
const ROUNDING: f64 = 1e-9;
/// From the median absolute deviation to a standard deviation, for a normal distribution.
const MAD_TO_STD: f64 = 1.482_602_218_505_602;

/// A row whose class looks wrong.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ClassSuspect {
    /// Its position.
    pub row: usize,
    /// The class that is expected.
    pub expected: u32,
    /// The probability of the class that is there.
    pub chance: f64,
}

/// A row whose number looks wrong.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NumberSuspect {
    /// Its position.
    pub row: usize,
    /// Its residual (true less predicted) in robust standard deviations.
    pub deviations: f64,
}

/// The probability of a class; one output is that of the second of two.
fn chance(predictions: &Predictions, row: usize, class: usize) -> f64 {
    match predictions.row(row) {
        [p] if class == 0 => 1.0 - p,
        [p] => *p,
        all => all[class],
    }
}

/// Rows whose class looks wrong, the most suspicious first: those whose own class is least
/// probable. `predictions` are honest (out of fold); empty for fewer than 50 rows.
pub fn class_suspects(
    classes: &[u32],
    n_classes: usize,
    predictions: &Predictions,
    weights: Option<&[f64]>,
) -> Vec<ClassSuspect> {
    let weight = |row: usize| weights.map_or(1.0, |w| w[row]);
    let n_weighed = (0..classes.len()).filter(|row| weight(*row) > 0.0).count();
    if n_weighed < ROWS_MIN {
        return Vec::new();
    }
    let mut sums = vec![(0.0, 0.0); n_classes];
    for (row, class) in classes.iter().enumerate() {
        let sum = &mut sums[*class as usize];
        sum.0 += weight(row);
        sum.1 += weight(row) * chance(predictions, row, *class as usize);
    }
    let usual: Vec<f64> =
        sums.iter().map(|(n, sum)| if *n > 0.0 { sum / n } else { f64::INFINITY }).collect();
    let mut suspects = Vec::new();
    for (row, class) in classes.iter().enumerate().filter(|(row, _)| weight(*row) > 0.0) {
        let confident =
            (0..n_classes).filter(|k| chance(predictions, row, *k) >= usual[*k] - ROUNDING);
        let by_chance = |a: &usize, b: &usize| {
            chance(predictions, row, *a).total_cmp(&chance(predictions, row, *b)).then(b.cmp(a))
        };
        let Some(expected) = confident.max_by(by_chance) else { continue };
        // A row that the model itself gives its class is none, however rare the other class is.
        let own = chance(predictions, row, *class as usize);
        if expected != *class as usize && chance(predictions, row, expected) > own {
            let chance = own;
            suspects.push(ClassSuspect { row, expected: expected as u32, chance });
        }
    }
    suspects.sort_by(|a, b| a.chance.total_cmp(&b.chance).then(a.row.cmp(&b.row)));
    suspects
}

/// Rows whose number looks wrong, the most suspicious first; as [`class_suspects`].
pub fn number_suspects(
    values: &[f64],
    predictions: &Predictions,
    weights: Option<&[f64]>,
) -> Vec<NumberSuspect> {
    let weight = |row: usize| weights.map_or(1.0, |w| w[row]);
    let residual = |row: usize| values[row] - predictions.values[row];
    let mut order: Vec<usize> = (0..values.len()).filter(|row| weight(*row) > 0.0).collect();
    let n = order.len();
    if n < ROWS_MIN {
        return Vec::new();
    }
    order.sort_by(|a, b| predictions.values[*a].total_cmp(&predictions.values[*b]).then(a.cmp(b)));
    let mut suspects = Vec::new();
    for similar in order.chunks(N_SIMILAR.min(n)) {
        // A short last part is judged by what is usual in it and before it.
        let start = n.min(N_SIMILAR);
        let usual = if similar.len() < start { &order[n - start..] } else { similar };
        let mut residuals: Vec<(f64, f64)> =
            usual.iter().map(|row| (residual(*row), weight(*row))).collect();
        let middle = median(&mut residuals);
        for (r, _) in &mut residuals {
            *r = (*r - middle).abs();
        }
        let scale = median(&mut residuals) * MAD_TO_STD;
        // Where more rows lie that far off than slips ever are, they are the law: of numbers that
        // are mostly zero, every other one is far from the rest.
        let all: f64 = residuals.iter().map(|(_, w)| w).sum();
        let far: f64 =
            residuals.iter().filter(|(r, _)| *r >= DEVIATIONS_MIN * scale).map(|(_, w)| w).sum();
        if far > FAR_SHARE_MAX * all {
            continue;
        }
        for row in similar {
            let deviations = (residual(*row) - middle) / scale;
            if deviations.is_finite() && deviations.abs() >= DEVIATIONS_MIN {
                suspects.push(NumberSuspect { row: *row, deviations });
            }
        }
    }
    suspects
        .sort_by(|a, b| b.deviations.abs().total_cmp(&a.deviations.abs()).then(a.row.cmp(&b.row)));
    suspects
}

/// The value below which half of the weight lies; of equal weights the (upper) middle one.
fn median(values: &mut [(f64, f64)]) -> f64 {
    values.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
    let half = values.iter().map(|(_, w)| w).sum::<f64>() / 2.0;
    let mut below = 0.0;
    let found = values.iter().find(|(_, weight)| {
        below += weight;
        below > half
    });
    found.or(values.last()).map_or(f64::NAN, |(value, _)| *value)
}

#[cfg(test)]
mod tests {
    use modelwright_core::random::Random;

    use super::*;

    #[test]
    fn flipped_labels_come_first() {
        let mut random = Random::new(3);
        let n = 2000;
        let mut classes = Vec::new();
        let mut values = Vec::new();
        for row in 0..n {
            let p: f64 = if random.unit() < 0.5 { 0.03 } else { 0.97 };
            let truth = u32::from(random.unit() < p);
            classes.push(if row % 20 == 0 { 1 - truth } else { truth });
            values.push(p);
        }
        let suspects = class_suspects(&classes, 2, &Predictions::new(1, values), None);
        let n_flipped = n / 20;
        let hits = suspects.iter().take(n_flipped).filter(|s| s.row % 20 == 0).count();
        assert!(suspects.len() >= n_flipped, "{}", suspects.len());
        assert!(hits * 2 > n_flipped, "{hits} of {n_flipped}");
        assert!(suspects.windows(2).all(|w| w[0].chance <= w[1].chance));
    }

    #[test]
    fn the_expected_class_is_the_most_probable_of_the_confident_ones() {
        let mut values = Vec::new();
        let mut classes = Vec::new();
        for row in 0..90_u32 {
            let class = row % 3;
            values.extend((0..3).map(|k| if k == class { 0.8 } else { 0.1 }));
            classes.push(class);
        }
        classes[4] = 2;
        let suspects = class_suspects(&classes, 3, &Predictions::new(3, values), None);
        assert_eq!(suspects, [ClassSuspect { row: 4, expected: 1, chance: 0.1 }]);
    }

    #[test]
    fn a_number_is_judged_beside_similar_predictions() {
        let mut random = Random::new(9);
        let predicted: Vec<f64> = (0..3000).map(f64::from).collect();
        // The spread grows with the prediction: 40 is much for the small ones only.
        let mut values: Vec<f64> =
            predicted.iter().map(|p| p + random.normal() * (1.0 + p / 100.0)).collect();
        values[100] = 100.0 + 40.0;
        values[2900] = 2900.0 + 40.0;
        let rows: Vec<usize> = number_suspects(&values, &Predictions::new(1, predicted), None)
            .iter()
            .map(|s| s.row)
            .collect();
        assert_eq!(rows.first(), Some(&100));
        assert!(!rows.contains(&2900));
    }

    #[test]
    fn numbers_that_are_mostly_zero_are_no_slips_where_they_are_not() {
        let mut random = Random::new(4);
        let said: Vec<f64> = (0..1000).map(|_| 4.0 + 0.1 * random.normal()).collect();
        let mut values = vec![0.0; 1000];
        for row in (0..1000).step_by(10) {
            values[row] = 40.0 + 5.0 * random.normal();
        }
        assert_eq!(number_suspects(&values, &Predictions::new(1, said.clone()), None), []);
        // One typing error among zeros is one.
        let mut values = vec![0.0; 1000];
        values[70] = 4000.0;
        let found = number_suspects(&values, &Predictions::new(1, said), None);
        assert_eq!((found.len(), found[0].row), (1, 70));
    }

    #[test]
    fn rows_weigh_in_what_is_usual_and_those_without_weight_are_not_named() {
        // Rows 60 and 61 say 1 where 0.45 and 0.55 was predicted; of class 1 usually 0.7 is.
        let classes: Vec<u32> = (0..62).map(|row| u32::from(row >= 30)).collect();
        let mut values: Vec<f64> =
            classes.iter().map(|class| if *class == 1 { 0.7 } else { 0.4 }).collect();
        (values[60], values[61]) = (0.1, 0.2);
        let predictions = Predictions::new(1, values);
        let rows = |weights: Option<&[f64]>| -> Vec<usize> {
            let found = class_suspects(&classes, 2, &predictions, weights);
            found.iter().map(|s| s.row).collect()
        };
        assert_eq!(rows(None), [60, 61]);
        let mut weights = vec![1.0; 62];
        weights[60] = 0.0;
        assert_eq!(rows(Some(&weights)), [61]);
        let truth: Vec<f64> = (0..100).map(|row| f64::from(row % 7)).collect();
        let mut said = vec![3.0; 100];
        said[9] = -90.0;
        let said = Predictions::new(1, said);
        assert_eq!(number_suspects(&truth, &said, None)[0].row, 9);
        let mut weights = vec![1.0; 100];
        weights[9] = 0.0;
        assert_eq!(number_suspects(&truth, &said, Some(&weights)), []);
    }

    #[test]
    fn rows_of_the_common_class_are_not_suspect_for_a_rare_one_that_is_never_probable() {
        let mut random = Random::new(6);
        let values: Vec<f64> = (0..4000).map(|_| 0.04 * random.unit()).collect();
        let classes: Vec<u32> = values.iter().map(|p| u32::from(random.unit() < *p)).collect();
        let found = class_suspects(&classes, 2, &Predictions::new(1, values), None);
        assert!(found.iter().all(|suspect| suspect.expected == 0), "{}", found.len());
    }

    #[test]
    fn few_or_perfect_rows_are_not_suspect() {
        let flat = Predictions::new(1, vec![1.0; 100]);
        assert_eq!(number_suspects(&vec![1.0; 100], &flat, None), []);
        assert_eq!(class_suspects(&[0, 1], 2, &Predictions::new(1, vec![0.9, 0.1]), None), []);
    }
}
