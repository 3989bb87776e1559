//! Weak slices: groups of rows, described by one or two raw columns, for which a model is worse.
//!
//! A search over many groups always finds one that looks bad. Rows are therefore parted in two
//! halves: [`weak_slices`] searches on one (a beam over conjunctions of conditions, by the
//! standardised excess loss; Chung et al., "Slice Finder", ICDE 2019) and tests what it found on
//! the other, with Welch's t-test and Holm's correction.

mod condition;
mod search;

use modelwright_core::Context;
use modelwright_core::data::Table;
use modelwright_core::record::{Coverage, Interval, SlicesRecord, WeakSlice};
use modelwright_evaluate::compare::adjust::holm;
use modelwright_evaluate::compare::welch;

use condition::{Condition, conditions};

/// Fewer rows than this are not searched.
const ROWS_MIN: usize = 200;

/// Rows that are looked at at most.
const ROWS_MAX: usize = 20_000;

/// Columns that are looked at at most, in the order given.
const COLUMNS_MAX: usize = 40;

/// A slice has at least so many rows of each half, and this share of them.
const SLICE_ROWS_MIN: usize = 30;
const SLICE_SHARE_MIN: f64 = 0.02;

/// From this corrected p-value on, a difference may be chance.
const P_VALUE_MAX: f64 = 0.05;

/// The level of intervals or sets, and how often they held the truth of some rows.
pub type HeldOn<'a> = dyn Fn(&[u32]) -> Option<(f64, Coverage)> + 'a;

/// What is searched.
#[derive(Clone, Copy)]
pub struct SliceInput<'a> {
    /// Raw rows that the model has not learned from.
    pub table: &'a Table,
    /// Columns that may describe a slice, the most interesting first.
    pub columns: &'a [String],
    /// The loss of every row; larger is worse.
    pub losses: &'a [f64],
    /// What always giving the same answer loses on every row, where that is known.
    pub constant_losses: Option<&'a [f64]>,
    /// What intervals or sets reach on the rows that are named, and the level that they state;
    /// `None` where there are none.
    pub held: Option<&'a HeldOn<'a>>,
    /// What a loss is, in words.
    pub loss: &'a str,
}

/// The slices that are worse beyond chance; `None` when there are too few rows to say.
pub fn weak_slices(input: &SliceInput<'_>, ctx: &Context) -> Option<SlicesRecord> {
    let n = input.losses.len().min(input.table.n_rows());
    if n < ROWS_MIN {
        return None;
    }
    let mut order: Vec<u32> = (0..n as u32).collect();
    ctx.random("slices/halves", 0).shuffle(&mut order);
    order.truncate(ROWS_MAX);
    let (searched, tested) = order.split_at(order.len() / 2);
    let names = &input.columns[..input.columns.len().min(COLUMNS_MAX)];
    let conditions = conditions(input.table, names, searched);
    let losses = |rows: &[u32]| rows.iter().map(|r| input.losses[*r as usize]).collect::<Vec<_>>();
    let (found_on, tested_on) = (losses(searched), losses(tested));
    let least = |n: usize| SLICE_ROWS_MIN.max((n as f64 * SLICE_SHARE_MIN) as usize);
    let found = search::beam(&conditions, &found_on, least(searched.len()));
    let mut weak: Vec<WeakSlice> = found
        .iter()
        .filter_map(|slice| test(slice, &conditions, input, tested, &tested_on))
        .filter(|slice| slice.n_rows >= SLICE_ROWS_MIN)
        .collect();
    let n_tested = weak.len();
    let corrected = holm(&weak.iter().map(|slice| slice.p_value).collect::<Vec<_>>());
    weak.iter_mut().zip(corrected).for_each(|(slice, p)| slice.p_value = p);
    weak.retain(|slice| slice.p_value < P_VALUE_MAX);
    weak.sort_by(|a, b| b.difference.total_cmp(&a.difference));
    Some(SlicesRecord {
        loss: input.loss.to_owned(),
        level: input.held.and_then(|held| held(tested)).map(|(level, _)| level),
        n_rows_searched: searched.len(),
        n_rows_tested: tested.len(),
        n_tested,
        mean_loss: mean(&tested_on),
        constant_loss: input
            .constant_losses
            .map(|l| mean(&tested.iter().map(|r| l[*r as usize]).collect::<Vec<_>>())),
        weak,
    })
}

/// A slice on the rows that had no part in finding it; `None` when it cannot be tested there.
fn test(
    slice: &[usize],
    conditions: &[Condition],
    input: &SliceInput<'_>,
    rows: &[u32],
    losses: &[f64],
) -> Option<WeakSlice> {
    let holds = |row: u32| slice.iter().all(|c| conditions[*c].holds(input.table, row as usize));
    let (mut inside, mut outside, mut constant) = (Vec::new(), Vec::new(), Vec::new());
    let mut own = Vec::new();
    for (row, loss) in rows.iter().zip(losses) {
        if holds(*row) {
            inside.push(*loss);
            own.push(*row);
            constant.extend(input.constant_losses.map(|l| l[*row as usize]));
        } else {
            outside.push(*loss);
        }
    }
    let tested = welch(&inside, &outside)?;
    Some(WeakSlice {
        conditions: slice.iter().map(|c| conditions[*c].to_string()).collect(),
        n_rows: inside.len(),
        mean_loss: mean(&inside),
        constant_loss: (!constant.is_empty()).then(|| mean(&constant)),
        held: input.held.and_then(|held| held(&own)).map(|(_, reached)| reached),
        difference: tested.difference,
        ci95: Interval { low: tested.low, high: tested.high },
        p_value: tested.p_greater,
    })
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}

#[cfg(test)]
mod tests {
    use modelwright_core::data::Column;
    use modelwright_core::random::Random;

    use super::*;

    /// Losses that are high for old reds, on 4,000 rows.
    fn world(excess: f64) -> (Table, Vec<f64>) {
        let mut random = Random::new(8);
        let n = 4000;
        let age: Vec<f64> = (0..n).map(|_| 20.0 + 60.0 * random.unit()).collect();
        let colours = ["red", "green", "blue"];
        let colour: Vec<Option<&str>> = (0..n).map(|_| Some(colours[random.below(3)])).collect();
        let losses = (0..n)
            .map(|i| {
                let is_weak = age[i] > 65.0 && colour[i] == Some("red");
                let rate = 0.1 + if is_weak { excess } else { 0.0 };
                f64::from(u8::from(random.unit() < rate))
            })
            .collect();
        let noise = (0..n).map(|_| random.normal()).collect();
        let columns = vec![
            Column::numbers("age", age),
            Column::strings("colour", colour),
            Column::numbers("noise", noise),
        ];
        (Table::new(columns).unwrap(), losses)
    }

    fn found(excess: f64) -> SlicesRecord {
        let (table, losses) = world(excess);
        let columns = ["age", "colour", "noise"].map(str::to_owned);
        let input = SliceInput {
            table: &table,
            columns: &columns,
            losses: &losses,
            constant_losses: None,
            held: None,
            loss: "error rate",
        };
        let always = vec![0.25; losses.len()];
        let input = SliceInput { constant_losses: Some(&always), ..input };
        weak_slices(&input, &Context::unlimited(0, 2)).unwrap()
    }

    #[test]
    fn a_planted_slice_is_the_worst_and_named_by_its_columns() {
        let record = found(0.4);
        let worst = &record.weak[0];
        assert_eq!(worst.conditions.len(), 2, "{record:#?}");
        assert!(worst.conditions.iter().any(|c| c.starts_with("age > 6")), "{worst:?}");
        assert!(worst.conditions.contains(&"colour = red".to_owned()), "{worst:?}");
        assert!(worst.ci95.low > 0.2 && worst.ci95.high < 0.6, "{worst:?}");
        assert_eq!(worst.constant_loss, Some(0.25));
    }

    #[test]
    fn even_losses_have_no_weak_slice() {
        assert_eq!(found(0.0).weak, []);
    }

    #[test]
    fn few_rows_are_not_searched() {
        let table = Table::new(vec![Column::numbers("x", vec![1.0; 50])]).unwrap();
        let columns = ["x".to_owned()];
        let losses = vec![0.0; 50];
        let input = SliceInput {
            table: &table,
            columns: &columns,
            losses: &losses,
            constant_losses: None,
            held: None,
            loss: "error rate",
        };
        assert_eq!(weak_slices(&input, &Context::unlimited(0, 1)), None);
    }
}
