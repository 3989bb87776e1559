//! A surrogate: a small regression tree on the raw columns, fitted to what a model predicts
//! (Craven & Shavlik, "Extracting tree-structured representations of trained networks", NeurIPS
//! 1996). It is as good an explanation as it agrees with the model, so its agreement on rows that
//! it was not fitted to stands beside it.
//!
//! A split asks one question of one column: is a number at most this, is a text this one? Missing
//! values answer no. The question is taken that leaves the least squared distance to the
//! predictions of all outputs.

use std::collections::BTreeMap;

use modelwright_core::data::{
    Column, ColumnData, MISSING_CODE, MISSING_INSTANT, Table, instant_text, short_number_text,
};
use modelwright_core::record::{SurrogateLeaf, SurrogateRecord};
use modelwright_core::task::Predictions;

/// Questions from the root to a leaf, at most: more are not read.
const DEPTH_MAX: usize = 4;

/// A leaf has at least so many rows, and this share of them.
const LEAF_ROWS_MIN: usize = 20;
const LEAF_SHARE_MIN: f64 = 0.01;

/// A split tells at least this share of all variation.
const GAIN_MIN: f64 = 0.004;

/// Numbers are cut at so many quantiles at most; texts asked for are the most frequent ones.
const CUTS_MAX: usize = 24;
const TEXTS_MAX: usize = 16;

/// Fewer rows are not enough for a tree and its test.
const ROWS_MIN: usize = 100;

/// What the tree is fitted to.
#[derive(Debug, Clone, Copy)]
pub struct SurrogateInput<'a> {
    /// Raw rows, in random order: the first half is fitted, the other half tested.
    pub table: &'a Table,
    /// The columns that may be asked about.
    pub columns: &'a [String],
    /// What the model predicts of the rows.
    pub predictions: &'a Predictions,
    /// The class that the model decides for; empty for numbers.
    pub decided: &'a [u32],
    /// The labels of the classes, in class order; empty for numbers.
    pub classes: &'a [String],
    /// The threshold on the positive class (binary).
    pub threshold: f64,
}

/// Fits and tests the tree; `None` with too few rows, or predictions that do not vary.
pub fn surrogate(input: &SurrogateInput<'_>) -> Option<SurrogateRecord> {
    let n = input.predictions.n_rows().min(input.table.n_rows());
    if n < ROWS_MIN {
        return None;
    }
    let (fitted, tested): (Vec<u32>, Vec<u32>) =
        ((0..(n / 2) as u32).collect(), ((n / 2) as u32..n as u32).collect());
    let questions = questions(input.table, input.columns, &fitted);
    let all = spread(input.predictions, &fitted);
    if !varies(input.predictions, &fitted, all) {
        return None;
    }
    let least = LEAF_ROWS_MIN.max((fitted.len() as f64 * LEAF_SHARE_MIN) as usize);
    let growing = Growing { input, questions: &questions, least, enough: GAIN_MIN * all };
    let mut leaves = Vec::new();
    growing.grow(&fitted, Vec::new(), &mut leaves);
    let (r2, agreement) = fidelity(input, &leaves, &tested)?;
    let mut leaves: Vec<SurrogateLeaf> = leaves.iter().map(|l| l.record(input)).collect();
    leaves.sort_by(|a, b| b.class.cmp(&a.class).then(b.value.total_cmp(&a.value)));
    Some(SurrogateRecord {
        n_rows: fitted.len(),
        n_rows_tested: tested.len(),
        r2,
        agreement,
        leaves,
    })
}

/// A question that is answered by yes or no.
#[derive(Debug, Clone, PartialEq)]
struct Question<'a> {
    column: &'a Column,
    what: What<'a>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum What<'a> {
    AtMost(f64),
    Text(&'a str),
}

impl Question<'_> {
    fn answer(&self, row: u32) -> bool {
        match self.what {
            What::AtMost(cut) => number(self.column, row).is_some_and(|v| v <= cut),
            What::Text(text) => self.column.text(row as usize) == Some(text),
        }
    }
}

fn number(column: &Column, row: u32) -> Option<f64> {
    match &column.data {
        ColumnData::Number(values) => Some(values.at(row as usize)).filter(|v| !v.is_nan()),
        ColumnData::Instant(values) => {
            Some(values[row as usize]).filter(|v| *v != MISSING_INSTANT).map(|v| v as f64)
        }
        ColumnData::String { .. } => None,
    }
}

/// All questions that are worth asking of the columns.
fn questions<'a>(table: &'a Table, names: &[String], rows: &[u32]) -> Vec<Question<'a>> {
    let mut all = Vec::new();
    for column in names.iter().filter_map(|name| table.column(name)) {
        if let ColumnData::String { codes, dictionary } = &column.data {
            let mut counts: BTreeMap<u32, usize> = BTreeMap::new();
            for row in rows.iter().filter(|r| codes[**r as usize] != MISSING_CODE) {
                *counts.entry(codes[*row as usize]).or_default() += 1;
            }
            let mut counts: Vec<(u32, usize)> = counts.into_iter().collect();
            counts.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
            let texts = counts.iter().take(TEXTS_MAX);
            all.extend(
                texts.map(|(code, _)| Question { column, what: What::Text(dictionary.get(*code)) }),
            );
        } else {
            let mut values: Vec<f64> = rows.iter().filter_map(|r| number(column, *r)).collect();
            values.sort_unstable_by(f64::total_cmp);
            let place = |i: usize| values[i * (values.len() - 1) / (CUTS_MAX + 1)];
            let mut cuts: Vec<f64> =
                if values.is_empty() { Vec::new() } else { (1..=CUTS_MAX).map(place).collect() };
            cuts.dedup();
            all.extend(cuts.into_iter().map(|cut| Question { column, what: What::AtMost(cut) }));
        }
    }
    all
}

/// The mean of every output over some rows.
fn means(predictions: &Predictions, rows: &[u32]) -> Vec<f64> {
    let mut sums = vec![0.0; predictions.n_outputs];
    for row in rows {
        sums.iter_mut().zip(predictions.row(*row as usize)).for_each(|(s, p)| *s += p);
    }
    sums.iter().map(|s| s / rows.len().max(1) as f64).collect()
}

/// The squared distances of the rows to their mean, over all outputs.
fn spread(predictions: &Predictions, rows: &[u32]) -> f64 {
    let means = means(predictions, rows);
    rows.iter().map(|row| distance(predictions, *row, &means)).sum()
}

/// Whether predictions vary by more than rounding.
fn varies(predictions: &Predictions, rows: &[u32], spread: f64) -> bool {
    const ROUNDING: f64 = 1e-20;
    let zero = vec![0.0; predictions.n_outputs];
    let size: f64 = rows.iter().map(|row| distance(predictions, *row, &zero)).sum();
    spread.is_finite() && spread > ROUNDING * size
}

fn distance(predictions: &Predictions, row: u32, to: &[f64]) -> f64 {
    predictions.row(row as usize).iter().zip(to).map(|(p, m)| (p - m).powi(2)).sum()
}

/// An answered question on the way to a leaf.
#[derive(Debug, Clone)]
struct Step<'a> {
    question: Question<'a>,
    yes: bool,
}

/// A leaf while it is fitted.
#[derive(Debug, Clone)]
struct Leaf<'a> {
    steps: Vec<Step<'a>>,
    n_rows: usize,
    means: Vec<f64>,
}

struct Growing<'a, 'b> {
    input: &'b SurrogateInput<'a>,
    questions: &'b [Question<'a>],
    least: usize,
    enough: f64,
}

impl<'a> Growing<'a, '_> {
    fn grow(&self, rows: &[u32], steps: Vec<Step<'a>>, leaves: &mut Vec<Leaf<'a>>) {
        let best = if steps.len() < DEPTH_MAX { self.best(rows) } else { None };
        let Some(question) = best else {
            let means = means(self.input.predictions, rows);
            leaves.push(Leaf { steps, n_rows: rows.len(), means });
            return;
        };
        let (yes, no): (Vec<u32>, Vec<u32>) = rows.iter().partition(|r| question.answer(**r));
        for (rows, is_yes) in [(yes, true), (no, false)] {
            let mut own = steps.clone();
            own.push(Step { question: question.clone(), yes: is_yes });
            self.grow(&rows, own, leaves);
        }
    }

    /// The question that tells most, if any tells enough; of equal ones the first.
    fn best(&self, rows: &[u32]) -> Option<Question<'a>> {
        let predictions = self.input.predictions;
        // About their mean: squares of what all predictions have in common would drown the rest.
        let center = means(predictions, rows);
        let add = |sums: &mut [f64], row: u32| {
            let own = predictions.row(row as usize).iter().zip(&center);
            sums.iter_mut().zip(own).for_each(|(sum, (p, c))| *sum += p - c);
        };
        let mut total = vec![0.0; predictions.n_outputs];
        for row in rows {
            add(&mut total, *row);
        }
        let part = |sums: &[f64], n: usize| sums.iter().map(|s| s * s).sum::<f64>() / n as f64;
        let before = part(&total, rows.len().max(1));
        let mut best: Option<(f64, &Question<'a>)> = None;
        for question in self.questions {
            let (mut n, mut sums) = (0, vec![0.0; predictions.n_outputs]);
            for row in rows.iter().filter(|r| question.answer(**r)) {
                n += 1;
                add(&mut sums, *row);
            }
            if n < self.least || rows.len() - n < self.least {
                continue;
            }
            let rest: Vec<f64> = total.iter().zip(&sums).map(|(t, s)| t - s).collect();
            let gain = part(&sums, n) + part(&rest, rows.len() - n) - before;
            if gain > self.enough && best.is_none_or(|(most, _)| gain > most) {
                best = Some((gain, question));
            }
        }
        best.map(|(_, question)| question.clone())
    }
}

impl Leaf<'_> {
    fn holds(&self, row: u32) -> bool {
        self.steps.iter().all(|s| s.question.answer(row) == s.yes)
    }

    /// The class that its means decide for.
    fn class(&self, threshold: f64) -> u32 {
        Predictions::new(self.means.len(), self.means.clone())
            .classes(threshold)
            .first()
            .copied()
            .unwrap_or(0)
    }

    fn record(&self, input: &SurrogateInput<'_>) -> SurrogateLeaf {
        let class = (self.means.len() > 1).then(|| self.class(input.threshold) as usize);
        SurrogateLeaf {
            conditions: conditions(&self.steps),
            n_rows: self.n_rows,
            class: class.and_then(|c| input.classes.get(c).cloned()),
            value: self.means[class.unwrap_or(0)],
        }
    }
}

/// The share of variation that the leaves tell on rows they were not fitted to, and the share of
/// decisions that agree.
fn fidelity(
    input: &SurrogateInput<'_>,
    leaves: &[Leaf<'_>],
    rows: &[u32],
) -> Option<(f64, Option<f64>)> {
    let all = spread(input.predictions, rows);
    let (mut left, mut alike) = (0.0, 0_usize);
    for row in rows {
        let leaf = leaves.iter().find(|leaf| leaf.holds(*row))?;
        left += distance(input.predictions, *row, &leaf.means);
        let decided = input.decided.get(*row as usize);
        alike += usize::from(decided.is_some_and(|d| *d == leaf.class(input.threshold)));
    }
    let agreement = (!input.decided.is_empty()).then(|| alike as f64 / rows.len().max(1) as f64);
    varies(input.predictions, rows, all).then(|| (1.0 - left / all, agreement))
}

/// The steps in words: of the ranges of one column the narrowest, one condition for each column
/// and text.
fn conditions(steps: &[Step<'_>]) -> Vec<String> {
    let mut names: Vec<&str> = steps.iter().map(|s| s.question.column.name.as_str()).collect();
    let mut seen = Vec::new();
    names.retain(|n| {
        !seen.contains(n) && {
            seen.push(*n);
            true
        }
    });
    names.into_iter().flat_map(|name| of_column(name, steps)).collect()
}

fn of_column(name: &str, steps: &[Step<'_>]) -> Vec<String> {
    let own: Vec<&Step<'_>> = steps.iter().filter(|s| s.question.column.name == name).collect();
    let (mut above, mut up_to) = (None::<f64>, None::<f64>);
    let mut all = Vec::new();
    for step in &own {
        match (step.question.what, step.yes) {
            (What::AtMost(cut), true) => up_to = Some(up_to.map_or(cut, |u| u.min(cut))),
            (What::AtMost(cut), false) => above = Some(above.map_or(cut, |a| a.max(cut))),
            (What::Text(text), true) => return vec![format!("{name} = {text}")],
            (What::Text(text), false) => all.push(format!("{name} is not {text}")),
        }
    }
    let is_time = matches!(own[0].question.column.data, ColumnData::Instant(_));
    let text = |v: f64| if is_time { instant_text(v as i64) } else { short_number_text(v) };
    let may_miss =
        (0..own[0].question.column.n_rows()).any(|r| own[0].question.column.is_missing(r));
    match (above, up_to) {
        (Some(a), Some(b)) => all.push(format!("{} < {name} ≤ {}", text(a), text(b))),
        (None, Some(b)) => all.push(format!("{name} ≤ {}", text(b))),
        (Some(a), None) if may_miss => all.push(format!("{name} > {} or missing", text(a))),
        (Some(a), None) => all.push(format!("{name} > {}", text(a))),
        (None, None) => {}
    }
    all
}

#[cfg(test)]
mod tests {
    use modelwright_core::random::Random;

    use super::*;

    fn world(n: usize) -> Table {
        let mut random = Random::new(4);
        let age = (0..n)
            .map(|_| {
                if random.unit() < 0.05 { f64::NAN } else { (20.0 + 60.0 * random.unit()).round() }
            })
            .collect::<Vec<f64>>();
        let colours = ["red", "green", "blue"];
        let colour: Vec<Option<&str>> = (0..n).map(|_| Some(colours[random.below(3)])).collect();
        let noise = (0..n).map(|_| random.normal()).collect::<Vec<f64>>();
        Table::new(vec![
            Column::numbers("age", age),
            Column::strings("colour", colour),
            Column::numbers("noise", noise),
        ])
        .unwrap()
    }

    fn columns() -> Vec<String> {
        ["age", "colour", "noise"].map(str::to_owned).to_vec()
    }

    #[test]
    fn a_model_that_is_a_tree_is_found_again_in_its_own_words() {
        let table = world(2000);
        let value = |row: usize| {
            let age = number(&table.columns()[0], row as u32);
            match (age.is_some_and(|a| a <= 40.0), table.columns()[1].text(row) == Some("red")) {
                (true, true) => 0.9,
                (true, false) => 0.2,
                _ => 0.5,
            }
        };
        let predictions = Predictions::new(1, (0..2000).map(value).collect());
        let decided = predictions.classes(0.6);
        let (columns, classes) = (columns(), ["no", "yes"].map(str::to_owned));
        let input = SurrogateInput {
            table: &table,
            columns: &columns,
            predictions: &predictions,
            decided: &decided,
            classes: &classes,
            threshold: 0.6,
        };
        let found = surrogate(&input).unwrap();
        assert!(found.r2 > 0.95 && found.agreement.is_some_and(|a| a > 0.97), "{found:#?}");
        let first = &found.leaves[0];
        assert!(first.conditions.contains(&"colour = red".to_owned()), "{found:#?}");
        assert!(first.conditions.iter().any(|c| c.starts_with("age ≤ ")), "{found:#?}");
        assert!((first.value - 0.9).abs() < 0.05);
        assert!(found.leaves.iter().flat_map(|l| &l.conditions).all(|c| !c.contains("noise")));
        assert_eq!((found.n_rows, found.n_rows_tested), (1000, 1000));
    }

    #[test]
    fn what_all_predictions_have_in_common_hides_no_split() {
        let table = world(1000);
        let columns = columns();
        let leaves = |offset: f64| {
            let is_red = |row: usize| table.columns()[1].text(row) == Some("red");
            let values = (0..1000).map(|row| offset + f64::from(u8::from(is_red(row))) / 4.0);
            let input = SurrogateInput {
                table: &table,
                columns: &columns,
                predictions: &Predictions::new(1, values.collect()),
                decided: &[],
                classes: &[],
                threshold: 0.5,
            };
            let found = surrogate(&input).unwrap();
            found.leaves.into_iter().map(|leaf| leaf.conditions).collect::<Vec<_>>()
        };
        assert_eq!(leaves(1e8), [["colour = red"], ["colour is not red"]]);
        assert_eq!(leaves(1e8), leaves(0.0));
    }

    #[test]
    fn a_model_of_noise_is_not_explained_and_a_constant_one_needs_no_tree() {
        let table = world(2000);
        let mut random = Random::new(9);
        let predictions = Predictions::new(1, (0..2000).map(|_| random.normal()).collect());
        let columns = columns();
        let input = SurrogateInput {
            table: &table,
            columns: &columns,
            predictions: &predictions,
            decided: &[],
            classes: &[],
            threshold: 0.5,
        };
        let found = surrogate(&input).unwrap();
        assert!(found.r2 < 0.02 && found.agreement.is_none(), "{found:?}");
        let constant = Predictions::new(1, vec![0.4; 2000]);
        assert_eq!(surrogate(&SurrogateInput { predictions: &constant, ..input }), None);
        let few = Predictions::new(1, vec![0.4; 20]);
        assert_eq!(surrogate(&SurrogateInput { predictions: &few, ..input }), None);
    }

    #[test]
    fn of_many_classes_a_leaf_names_the_most_probable() {
        let table = world(1000);
        let values = (0..1000).flat_map(|row| {
            let young = number(&table.columns()[0], row as u32).is_some_and(|a| a <= 50.0);
            if young { [0.7, 0.2, 0.1] } else { [0.1, 0.3, 0.6] }
        });
        let predictions = Predictions::new(3, values.collect());
        let decided = predictions.classes(0.5);
        let (columns, classes) = (columns(), ["a", "b", "c"].map(str::to_owned));
        let input = SurrogateInput {
            table: &table,
            columns: &columns,
            predictions: &predictions,
            decided: &decided,
            classes: &classes,
            threshold: 0.5,
        };
        let found = surrogate(&input).unwrap();
        let named: Vec<&str> = found.leaves.iter().filter_map(|l| l.class.as_deref()).collect();
        assert!(named.contains(&"a") && named.contains(&"c"), "{found:?}");
        assert!(found.agreement.is_some_and(|a| a > 0.95));
    }
}
