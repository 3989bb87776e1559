//! Rows whose target contradicts predictions that did not see them: errors of labelling, typing or
//! measuring, to be looked at by a person.
//!
//! Classes: a row is suspect when another class reaches the mean probability that rows of that
//! class get, and the row's own class does not come near (confident learning: Northcutt, Jiang and
//! Chuang, "Confident Learning: Estimating Uncertainty in Dataset Labels", JAIR 70, 2021, the rows
//! off the diagonal of the confident joint). Numbers: a row is suspect when its residual is far
//! outside those of rows with similar predictions.

use modelwright_core::task::Predictions;

/// A number is suspect from so many robust standard deviations on.
const DEVIATIONS_MIN: f64 = 6.0;
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
) -> Vec<ClassSuspect> {
    if classes.len() < ROWS_MIN {
        return Vec::new();
    }
    let mut sums = vec![(0_usize, 0.0); n_classes];
    for (row, class) in classes.iter().enumerate() {
        let sum = &mut sums[*class as usize];
        *sum = (sum.0 + 1, sum.1 + chance(predictions, row, *class as usize));
    }
    let usual: Vec<f64> =
        sums.iter().map(|(n, sum)| if *n == 0 { f64::INFINITY } else { sum / *n as f64 }).collect();
    let mut suspects = Vec::new();
    for (row, class) in classes.iter().enumerate() {
        let confident =
            (0..n_classes).filter(|k| chance(predictions, row, *k) >= usual[*k] - ROUNDING);
        let by_chance = |a: &usize, b: &usize| {
            chance(predictions, row, *a).total_cmp(&chance(predictions, row, *b)).then(b.cmp(a))
        };
        let Some(expected) = confident.max_by(by_chance) else { continue };
        if expected != *class as usize {
            let chance = chance(predictions, row, *class as usize);
            suspects.push(ClassSuspect { row, expected: expected as u32, chance });
        }
    }
    suspects.sort_by(|a, b| a.chance.total_cmp(&b.chance).then(a.row.cmp(&b.row)));
    suspects
}

/// Rows whose number looks wrong, the most suspicious first; as [`class_suspects`].
pub fn number_suspects(values: &[f64], predictions: &Predictions) -> Vec<NumberSuspect> {
    let n = values.len();
    if n < ROWS_MIN {
        return Vec::new();
    }
    let residual = |row: usize| values[row] - predictions.values[row];
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by(|a, b| predictions.values[*a].total_cmp(&predictions.values[*b]).then(a.cmp(b)));
    let mut suspects = Vec::new();
    for similar in order.chunks(N_SIMILAR.min(n)) {
        // A short last part is judged by what is usual in it and before it.
        let start = n.min(N_SIMILAR);
        let usual = if similar.len() < start { &order[n - start..] } else { similar };
        let mut residuals: Vec<f64> = usual.iter().map(|row| residual(*row)).collect();
        let middle = median(&mut residuals);
        for r in &mut residuals {
            *r = (*r - middle).abs();
        }
        let scale = median(&mut residuals) * MAD_TO_STD;
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

fn median(values: &mut [f64]) -> f64 {
    let middle = values.len() / 2;
    *values.select_nth_unstable_by(middle, f64::total_cmp).1
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
        let suspects = class_suspects(&classes, 2, &Predictions::new(1, values));
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
        let suspects = class_suspects(&classes, 3, &Predictions::new(3, values));
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
        let rows: Vec<usize> = number_suspects(&values, &Predictions::new(1, predicted))
            .iter()
            .map(|s| s.row)
            .collect();
        assert_eq!(rows.first(), Some(&100));
        assert!(!rows.contains(&2900));
    }

    #[test]
    fn few_or_perfect_rows_are_not_suspect() {
        let flat = Predictions::new(1, vec![1.0; 100]);
        assert_eq!(number_suspects(&vec![1.0; 100], &flat), []);
        assert_eq!(class_suspects(&[0, 1], 2, &Predictions::new(1, vec![0.9, 0.1])), []);
    }
}
