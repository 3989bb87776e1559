//! Normalised discounted cumulative gain: is what matters at the top?
//!
//! A list of items with gains, sorted by falling score, is worth Σ gain / log2(1 + place), as a
//! share of the best order's worth; items of equal score share the mean discount of their places.
//!
//! * Classes: each row is a list of classes, and only the true class has gain 1.
//! * Regression: all rows are one list, and the target (not negative) is the gain. A row of
//!   weight w takes w places; between whole places the discount is interpolated.

use modelwright_core::task::{Target, Task};
use modelwright_core::{Error, Result};

use super::prepared::total_weight;
use super::quantile::ascending;
use super::{MetricInput, Prepared, declare_metric};

/// The most places that weighted rows may take in all; their discounts fill 128 MiB.
const PLACES_MAX: f64 = 16_777_216.0;

declare_metric! {
    /// How near the top the predictions put what matters: 1 when the order is ideal; for classes
    /// the mean discount of the true class's place.
    Ndcg {
        "ndcg", "NDCG", larger_is_better: true,
        range: (0.0, 1.0), perfect: 1.0, unit: "",
        tasks: &[Task::Multiclass, Task::Regression], needs: Values,
        reference: "sklearn.metrics.ndcg_score; McSherry & Najork, ECIR 2008 (ties)",
    }
    prepare: prepare
}

fn prepare(input: &MetricInput<'_>) -> Result<Prepared> {
    match input.truth {
        Target::Class { codes, .. } => {
            let discounts = Discounts::new(input.predictions.n_outputs);
            let of_row = |(row, truth): (usize, &u32)| {
                let row = input.predictions.row(row);
                let own = row[*truth as usize];
                let above = row.iter().filter(|p| **p > own).count() as f64;
                let equal = row.iter().filter(|p| **p == own).count() as f64;
                (discounts.up_to(above + equal) - discounts.up_to(above)) / equal
            };
            Ok(Prepared::row_mean(codes.iter().enumerate().map(of_row).collect()))
        }
        Target::Real(gains) => one_list(gains, &input.predictions.values),
    }
}

fn one_list(gains: &[f64], scores: &[f64]) -> Result<Prepared> {
    if gains.len() < 2 {
        return Err(Error::input("ndcg is undefined on these rows").expected("at least two rows"));
    }
    if let Some(row) = gains.iter().position(|g| *g < 0.0) {
        return Err(Error::input("ndcg is undefined for negative targets")
            .row(row as u64 + 1)
            .got(gains[row].to_string()));
    }
    let by_score = Groups::falling(scores);
    let by_gain = Groups::falling(gains);
    let gains = gains.to_vec();
    let of_unit_weights = Discounts::new(gains.len());
    Ok(Prepared::new(gains.len(), move |weights| {
        let total = total_weight(gains.len(), weights);
        let more;
        let discounts = if total <= gains.len() as f64 {
            &of_unit_weights
        } else if total <= PLACES_MAX {
            more = Discounts::new(total.ceil() as usize);
            &more
        } else {
            return Err(Error::input("the row weights are too large for ndcg")
                .expected(format!("at most {PLACES_MAX} in all: a row takes its weight in places"))
                .got(total.to_string()));
        };
        let ideal = by_gain.worth(&gains, weights, discounts);
        let own = by_score.worth(&gains, weights, discounts);
        Ok(if ideal > 0.0 { (own / ideal).min(1.0) } else { 0.0 })
    }))
}

/// The sum of the discounts of the first places.
struct Discounts(Vec<f64>);

impl Discounts {
    fn new(n_places: usize) -> Self {
        let mut sums = vec![0.0; n_places + 1];
        for place in 0..n_places {
            sums[place + 1] = sums[place] + 1.0 / (place as f64 + 2.0).log2();
        }
        Self(sums)
    }

    fn up_to(&self, places: f64) -> f64 {
        let last = self.0.len() - 1;
        let whole = (places.floor() as usize).min(last);
        let next = (whole + 1).min(last);
        self.0[whole] + (places - whole as f64) * (self.0[next] - self.0[whole])
    }
}

/// Rows by falling key, in groups of equal key.
struct Groups {
    rows: Vec<u32>,
    ends: Vec<u32>,
}

impl Groups {
    fn falling(keys: &[f64]) -> Self {
        let mut rows = ascending(keys);
        rows.reverse();
        let differs = |at: &usize| {
            *at == rows.len() || keys[rows[*at] as usize] != keys[rows[*at - 1] as usize]
        };
        let ends = (1..=rows.len()).filter(differs).map(|at| at as u32).collect();
        Self { rows, ends }
    }

    fn worth(&self, gains: &[f64], weights: Option<&[f64]>, discounts: &Discounts) -> f64 {
        let (mut worth, mut places, mut start) = (0.0, 0.0, 0);
        for end in &self.ends {
            let (mut gain, mut weight) = (0.0, 0.0);
            for row in &self.rows[start..*end as usize] {
                let w = weights.map_or(1.0, |w| w[*row as usize]);
                gain += w * gains[*row as usize];
                weight += w;
            }
            if weight > 0.0 {
                let discount = discounts.up_to(places + weight) - discounts.up_to(places);
                worth += gain / weight * discount;
                places += weight;
            }
            start = *end as usize;
        }
        worth
    }
}
