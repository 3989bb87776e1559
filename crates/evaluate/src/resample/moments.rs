//! Sums over rows under the weights of a resample: all that a ratio of means and its standard error
//! are made of, in one pass.

/// Rows whose sums run side by side, so that one does not wait for the other.
const LANES: usize = 4;

/// Numbers of rows that are weighted again and again, in units of their size, so that no size of
/// them leaves the numbers when it is squared.
pub(super) struct Rows {
    /// The own weight of each row.
    pub(super) own: Vec<f64>,
    /// The number of each row, in `units.0`.
    values: Vec<f64>,
    /// What it is divided by, in `units.1`; `None` is one.
    over: Option<Vec<f64>>,
    /// What the numbers and their divisors are counted in.
    pub(super) units: (f64, f64),
}

/// Sums over rows of weight times powers of their numbers; the squares are weighted by the own
/// weight once more, because a row of weight two is one witness.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Moments {
    /// Of the weights.
    pub(super) total: f64,
    /// Of the numbers.
    pub(super) value: f64,
    /// Of what they are divided by.
    pub(super) over: f64,
    value_squared: f64,
    product: f64,
    over_squared: f64,
}

/// Squares below this part of their terms are rounding.
pub(super) const ROUNDING: f64 = 1e-12;

impl Rows {
    /// The rows of these numbers; without `over` they are divided by one.
    pub(super) fn new(values: &[f64], over: Option<&[f64]>, weights: Option<&[f64]>) -> Self {
        let units = (unit(values), over.map_or(1.0, unit));
        let scaled = |all: &[f64], unit: f64| all.iter().map(|v| v / unit).collect::<Vec<f64>>();
        Self {
            own: weights.map_or_else(|| vec![1.0; values.len()], <[f64]>::to_vec),
            values: scaled(values, units.0),
            over: over.map(|over| scaled(over, units.1)),
            units,
        }
    }

    /// The number of a row, in its unit.
    pub(super) fn value(&self, row: usize) -> f64 {
        self.values[row]
    }

    /// The divisor of a row, in its unit.
    pub(super) fn over(&self, row: usize) -> f64 {
        self.over.as_ref().map_or(1.0, |over| over[row])
    }

    /// The sums under `drawn`, which already holds the own weights.
    pub(super) fn moments(&self, drawn: &[f64]) -> Moments {
        let Some(over) = &self.over else { return self.without_over(drawn) };
        let mut lanes = [Moments::default(); LANES];
        let n = drawn.len() / LANES * LANES;
        for start in (0..n).step_by(LANES) {
            for (lane, moments) in lanes.iter_mut().enumerate() {
                let row = start + lane;
                moments.add(drawn[row], self.own[row], self.values[row], over[row]);
            }
        }
        for row in n..drawn.len() {
            lanes[0].add(drawn[row], self.own[row], self.values[row], over[row]);
        }
        sum(&lanes)
    }

    /// The same where nothing is divided by anything: half of the sums are those of the weights.
    fn without_over(&self, drawn: &[f64]) -> Moments {
        let mut lanes = [[0.0_f64; LANES]; 5];
        let mut add = |lane: usize, row: usize| {
            let (weight, value) = (drawn[row], self.values[row]);
            let squared = weight * self.own[row];
            lanes[0][lane] += weight;
            lanes[1][lane] += weight * value;
            lanes[2][lane] += squared * value * value;
            lanes[3][lane] += squared * value;
            lanes[4][lane] += squared;
        };
        let n = drawn.len() / LANES * LANES;
        for start in (0..n).step_by(LANES) {
            for lane in 0..LANES {
                add(lane, start + lane);
            }
        }
        for row in n..drawn.len() {
            add(0, row);
        }
        let [total, value, value_squared, product, over_squared] =
            lanes.map(|lane| lane.iter().sum::<f64>());
        Moments { total, value, over: total, value_squared, product, over_squared }
    }
}

impl Moments {
    /// Adds a row of this weight and own weight.
    pub(super) fn add(&mut self, weight: f64, own: f64, value: f64, over: f64) {
        let squared = weight * own;
        self.total += weight;
        self.value += weight * value;
        self.over += weight * over;
        self.value_squared += squared * value * value;
        self.product += squared * value * over;
        self.over_squared += squared * over * over;
    }

    /// The sum of `a · value + b · over`, squared; 0 where that is rounding.
    pub(super) fn squares(&self, a: f64, b: f64) -> f64 {
        let terms =
            [a * a * self.value_squared, 2.0 * a * b * self.product, b * b * self.over_squared];
        let sum: f64 = terms.iter().sum();
        let size: f64 = terms.iter().map(|t| t.abs()).sum();
        // No number stays no number.
        if sum <= ROUNDING * size { 0.0 } else { sum }
    }
}

/// The largest size among numbers; 1 where that says nothing.
fn unit(values: &[f64]) -> f64 {
    let largest = values.iter().map(|v| v.abs()).fold(0.0, f64::max);
    if largest > 0.0 && largest.is_finite() { largest } else { 1.0 }
}

fn sum(lanes: &[Moments]) -> Moments {
    let mut all = Moments::default();
    for lane in lanes {
        all.total += lane.total;
        all.value += lane.value;
        all.over += lane.over;
        all.value_squared += lane.value_squared;
        all.product += lane.product;
        all.over_squared += lane.over_squared;
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_those_of_the_formulas() {
        let value = |i: usize| (i * i % 13) as f64 + 0.25;
        let n = 23;
        let (values, over): (Vec<f64>, Vec<f64>) = (0..n).map(|i| (value(i), value(i + 3))).unzip();
        let own: Vec<f64> = (0..n).map(|i| 1.0 + (i % 3) as f64).collect();
        let drawn: Vec<f64> = (0..n).map(|i| own[i] * (i % 4) as f64).collect();
        let total: f64 = drawn.iter().sum();
        for over in [None, Some(over.as_slice())] {
            let rows = Rows::new(&values, over, Some(&own));
            let found = rows.moments(&drawn);
            let (values, divisor) = (&rows.values, |i: usize| rows.over(i));
            let of = |f: &dyn Fn(usize) -> f64| (0..n).map(|i| drawn[i] * f(i)).sum::<f64>();
            assert!((found.total - total).abs() < 1e-9);
            assert!((found.value - of(&|i| values[i])).abs() < 1e-9);
            assert!((found.over - of(&divisor)).abs() < 1e-9);
            let (a, b) = (0.3, -0.7);
            let squares = of(&|i| own[i] * (a * values[i] + b * divisor(i)).powi(2));
            assert!((found.squares(a, b) / squares - 1.0).abs() < 1e-12);
        }
    }

    #[test]
    fn rows_that_do_not_vary_have_no_squares() {
        let values = [0.1; 9];
        let rows = Rows::new(&values, None, None);
        let found = rows.moments(&[1.0, 2.0, 0.0, 1.0, 1.0, 3.0, 1.0, 0.0, 1.0]);
        assert_eq!(found.squares(1.0, -found.value / found.total), 0.0);
    }
}
