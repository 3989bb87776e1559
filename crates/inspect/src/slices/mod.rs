//! Weak slices: groups of rows, described by one or two raw columns, for which a model is worse.
//!
//! A search over many groups always finds one that looks bad. Rows are therefore parted in two
//! halves: [`weak_slices`] searches on one (a beam over conjunctions of conditions, by the
//! standardised excess loss; Chung et al., "Slice Finder", ICDE 2019) and tests what it found on
//! the other, with Welch's t-test and Holm's correction. Rows that belong together stay in one half
//! and are one witness; row weights count in every mean.

mod condition;
mod search;

use modelwright_core::Context;
use modelwright_core::data::Table;
use modelwright_core::record::{Coverage, SliceExample, SlicesRecord, WeakSlice};
use modelwright_evaluate::compare::adjust::holm;
use modelwright_evaluate::compare::{Parted, welch_of_rows};

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
    /// Row weights.
    pub weights: Option<&'a [f64]>,
    /// The group of each row, where rows of a group belong together.
    pub groups: Option<&'a [u32]>,
    /// What intervals or sets reach on the rows that are named, and the level that they state;
    /// `None` where there are none.
    pub held: Option<&'a HeldOn<'a>>,
    /// What a loss is, in words.
    pub loss: &'a str,
    /// A row as it is shown, where single rows may be.
    pub example: Option<&'a dyn Fn(u32) -> SliceExample>,
}

/// Rows of a slice that are shown.
const EXAMPLES_MAX: usize = 3;

/// The slices that are worse beyond chance; `None` when there are too few rows to say.
pub fn weak_slices(input: &SliceInput<'_>, ctx: &Context) -> Option<SlicesRecord> {
    let n = input.losses.len().min(input.table.n_rows());
    if n < ROWS_MIN {
        return None;
    }
    let (searched, tested) = halves(n, input.groups, ctx);
    let (searched, tested) = (&searched[..], &tested[..]);
    let names = &input.columns[..input.columns.len().min(COLUMNS_MAX)];
    let conditions = conditions(input.table, names, searched);
    let losses: Vec<f64> = searched.iter().map(|r| input.losses[*r as usize]).collect();
    let weights: Vec<f64> = searched.iter().map(|r| input.weight(*r)).collect();
    let least = SLICE_ROWS_MIN.max((searched.len() as f64 * SLICE_SHARE_MIN) as usize);
    let found = search::beam(&conditions, &search::Losses::new(&losses, &weights), least);
    let mut weak: Vec<WeakSlice> = found
        .iter()
        .filter_map(|slice| test(slice, &conditions, input, tested))
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
        mean_loss: input.mean(input.losses, tested),
        constant_loss: input.constant_losses.map(|l| input.mean(l, tested)),
        weak,
    })
}

impl SliceInput<'_> {
    fn weight(&self, row: u32) -> f64 {
        self.weights.map_or(1.0, |w| w[row as usize])
    }

    /// The weighted mean of some rows' values; 0 of none.
    fn mean(&self, values: &[f64], rows: &[u32]) -> f64 {
        let total: f64 = rows.iter().map(|row| self.weight(*row)).sum();
        let sum: f64 = rows.iter().map(|row| self.weight(*row) * values[*row as usize]).sum();
        if total > 0.0 { sum / total } else { 0.0 }
    }
}

/// The rows to search and those to test on, at random; a group is in one of them as a whole.
fn halves(n: usize, groups: Option<&[u32]>, ctx: &Context) -> (Vec<u32>, Vec<u32>) {
    let mut order: Vec<u32> = (0..n as u32).collect();
    let mut random = ctx.random("slices/halves", 0);
    random.shuffle(&mut order);
    order.truncate(ROWS_MAX);
    let Some(groups) = groups else {
        let tested = order.split_off(order.len() / 2);
        return (order, tested);
    };
    let mut drawn: Vec<u32> = order.iter().map(|row| groups[*row as usize]).collect();
    drawn.sort_unstable();
    drawn.dedup();
    random.shuffle(&mut drawn);
    let mut is_searched: Vec<u32> = drawn[..drawn.len() / 2].to_vec();
    is_searched.sort_unstable();
    order.into_iter().partition(|row| is_searched.binary_search(&groups[*row as usize]).is_ok())
}

/// A slice on the rows that had no part in finding it; `None` when it cannot be tested there.
fn test(
    slice: &[usize],
    conditions: &[Condition],
    input: &SliceInput<'_>,
    rows: &[u32],
) -> Option<WeakSlice> {
    let holds = |row: u32| slice.iter().all(|c| conditions[*c].holds(input.table, row as usize));
    let is_first: Vec<bool> = rows.iter().map(|row| holds(*row)).collect();
    let own: Vec<u32> =
        rows.iter().zip(&is_first).filter(|(_, is)| **is).map(|(row, _)| *row).collect();
    let values: Vec<f64> = rows.iter().map(|row| input.losses[*row as usize]).collect();
    let weights: Option<Vec<f64>> =
        input.weights.map(|w| rows.iter().map(|row| w[*row as usize]).collect());
    let groups: Option<Vec<u32>> =
        input.groups.map(|g| rows.iter().map(|row| g[*row as usize]).collect());
    let tested = welch_of_rows(&Parted {
        values: &values,
        is_first: &is_first,
        weights: weights.as_deref(),
        groups: groups.as_deref(),
    })?;
    Some(WeakSlice {
        conditions: slice.iter().map(|c| conditions[*c].to_string()).collect(),
        n_rows: own.len(),
        mean_loss: input.mean(input.losses, &own),
        constant_loss: input.constant_losses.map(|l| input.mean(l, &own)),
        held: input.held.and_then(|held| held(&own)).map(|(_, reached)| reached),
        difference: tested.difference,
        ci95: tested.of_skewed,
        p_value: tested.p_greater,
        examples: input.example.map_or(Vec::new(), |example| {
            let mut worst = own;
            worst.sort_by(|a, b| {
                input.losses[*b as usize].total_cmp(&input.losses[*a as usize]).then(a.cmp(b))
            });
            worst.into_iter().take(EXAMPLES_MAX).map(example).collect()
        }),
    })
}

#[cfg(test)]
mod tests {
    use modelwright_core::data::{Column, ColumnData};
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
        let noise = (0..n).map(|_| random.normal()).collect::<Vec<f64>>();
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
            weights: None,
            groups: None,
            held: None,
            loss: "error rate",
            example: None,
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

    /// Two thousand rows of eighty groups, each of which is hard or easy as a whole; the columns
    /// know the group, and nothing of what is hard.
    fn grouped(seed: u64, groups: Option<&[u32]>) -> usize {
        let mut random = Random::new(seed);
        let of_groups: Vec<(f64, f64, f64)> =
            (0..80).map(|_| (random.unit(), random.unit(), random.normal())).collect();
        let of = |pick: fn(&(f64, f64, f64)) -> f64| -> Vec<f64> {
            (0..2000).map(|row| pick(&of_groups[row % 80])).collect()
        };
        let losses: Vec<f64> = of(|g| g.2).iter().map(|l| l + 0.3 * random.normal()).collect();
        let columns = vec![Column::numbers("x", of(|g| g.0)), Column::numbers("y", of(|g| g.1))];
        let input = SliceInput {
            table: &Table::new(columns).unwrap(),
            columns: &["x".to_owned(), "y".to_owned()],
            losses: &losses,
            constant_losses: None,
            weights: None,
            groups,
            held: None,
            loss: "error",
            example: None,
        };
        usize::from(!weak_slices(&input, &Context::unlimited(seed, 1)).unwrap().weak.is_empty())
    }

    #[test]
    fn what_is_hard_about_a_group_is_not_blamed_on_a_column() {
        let groups: Vec<u32> = (0..2000).map(|row| row % 80).collect();
        let n_found: usize = (0..60).map(|seed| grouped(seed, Some(&groups))).sum();
        // At 5 %, more than 9 of 60 in one of 1,000 samples.
        assert!(n_found <= 9, "{n_found} of 60");
        let n_misled: usize = (0..60).map(|seed| grouped(seed, None)).sum();
        assert!(n_misled > 30, "rows alone mislead: {n_misled}");
    }

    #[test]
    fn rows_without_weight_are_no_reason_for_care() {
        let (table, losses) = world(0.4);
        let ColumnData::Number(age) = &table.column("age").unwrap().data else { panic!() };
        let weights: Vec<f64> = age.map(|a| f64::from(u8::from(a <= 64.0)));
        let input = SliceInput {
            table: &table,
            columns: &["age".to_owned(), "colour".to_owned()],
            losses: &losses,
            constant_losses: None,
            weights: Some(&weights),
            groups: None,
            held: None,
            loss: "error rate",
            example: None,
        };
        let ctx = Context::unlimited(0, 2);
        let found = weak_slices(&input, &ctx).unwrap();
        assert_eq!(found.weak, []);
        assert!((found.mean_loss - 0.1).abs() < 0.03, "{}", found.mean_loss);
        let weak = weak_slices(&SliceInput { weights: None, ..input }, &ctx).unwrap().weak;
        assert!(!weak.is_empty());
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
            weights: None,
            groups: None,
            held: None,
            loss: "error rate",
            example: None,
        };
        assert_eq!(weak_slices(&input, &Context::unlimited(0, 1)), None);
    }
}
