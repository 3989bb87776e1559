//! Columns made of several raw columns, row by row.
//!
//! Trees split on one column at a time: `a < b`, a price per area, a category within a category
//! take them many splits to say, and splits cost rows. So a few such columns are made beforehand
//! and then prepared like raw ones. They are offered without leakage:
//!
//! 1. [`mod@propose`] names candidates of the inputs that matter most; [`screen`] keeps those that
//!    explain what a sum of functions of single columns ([`additive`]) leaves unexplained. Both
//!    look at the target, so both run once per division of the rows, on its training rows alone:
//!    a fold is offered what its own training rows speak for, and its validation rows judge the
//!    choice together with the model.
//! 2. What any division chose is a column of every matrix, so that one encoder serves the models
//!    of all folds; a division that did not choose it sees a constant there, which no tree uses.
//! 3. A column is made from the row of its inputs. What it needs besides (the means of groups) is
//!    learned from all rows, without the target.
//!
//! The screen looks at 10,000 rows at most, so that its cost does not grow with the table.
//! References: column kinds as in TabPrep (AutoGluon 1.5) and ChimeraBoost; crosses as in
//! Prokhorenkova et al., "CatBoost", NeurIPS 2018, section 4.

mod additive;
mod codes;
mod column;
mod cross;
mod form;
mod groups;
mod pool;
mod propose;
mod row;
mod screen;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet};

use modelwright_core::data::{Column, Field, Kind};
use modelwright_core::task::Target;
use modelwright_core::{Context, Result};

use additive::Rows;
use codes::Codes;
use pool::{Entry, pool, pool_of};
use propose::{Candidate, propose};
use screen::{choose, gain};

pub use column::Derived;
pub use cross::{BETWEEN, PATTERN_SIGNS};
pub use form::Form;
pub use groups::Groups;
pub use pool::RawInput;

use crate::transform::TransformInput;
use crate::transform::observed::{Observed, classes};

/// At most this many rows are screened on.
const SAMPLE: usize = 10_000;

/// Parts of a division's rows; each is judged by what was learned from the others.
const PARTS: usize = 4;

/// With fewer training rows there is nothing to tell derived columns apart by.
const ROWS_MIN: usize = 150;

/// A division chooses one column per so many training rows, at most.
const ROWS_PER_COLUMN: usize = 50;

/// A division chooses at least as many as there are raw columns, within these bounds.
const COLUMNS: std::ops::RangeInclusive<usize> = 8..=24;

/// Where the target has several classes, fewer columns are chosen, by this factor at most: a
/// category among them has a feature for each class.
const OUTPUTS_DIVISOR_MAX: usize = 4;

/// Up to so many levels trees find a category of several columns by themselves in a few splits, and
/// without the noise of target statistics. That noise is small where a level has many rows: it is
/// made if there are [`LEVEL_ROWS_MIN`] per level.
const LEVELS_FEW: usize = 100;
const LEVEL_ROWS_MIN: usize = 100;

/// At most this many single columns are taken out before the screen, the ones that matter most.
const SINGLE_MAX: usize = 60;

/// The classes of the target that the screen looks at, the most frequent ones.
const CLASSES_MAX: usize = 5;

/// A target of numbers counts only up to these quantiles, so that a few rows do not decide.
const TAILS: f64 = 0.01;

/// Bytes per row that a derived column takes while models are fitted: its values and bins, and
/// where it is a category its target statistics per fold.
const BYTES_PER_COLUMN: usize = 110;

/// About how many bytes per row the derived columns of a table take while models are fitted,
/// beside those of its `n_columns` usable columns. Folds choose much the same columns.
pub fn row_bytes(n_columns: usize) -> usize {
    n_columns.clamp(*COLUMNS.start(), *COLUMNS.end()) * BYTES_PER_COLUMN
}

/// What columns are derived from.
pub(crate) struct DeriveInput<'a> {
    /// The raw columns, each in the storage of its kind.
    pub(crate) fields: &'a [(&'a Field, Cow<'a, Column>)],
    pub(crate) target: &'a Target,
    pub(crate) weights: Option<&'a [f64]>,
    /// The rows to learn from, ascending: all rows first, then those of each fold.
    pub(crate) divisions: &'a [&'a [u32]],
}

/// The derived columns that some division chose.
#[derive(Default)]
pub(crate) struct Offer {
    /// What they are made of.
    pub(crate) inputs: Vec<RawInput>,
    pub(crate) columns: Vec<OfferedColumn>,
}

pub(crate) struct OfferedColumn {
    pub(crate) derived: Derived,
    /// All rows of it.
    pub(crate) column: Column,
    /// Which divisions chose it.
    pub(crate) chosen_by: Vec<bool>,
}

/// One division's rows of the sample, and what is left to explain there.
struct Screened {
    rows: Rows,
    /// Residuals of each output, by row of the sample.
    outputs: Vec<Vec<f64>>,
    candidates: Vec<Candidate>,
    most: usize,
}

/// Chooses derived columns and makes them for all rows.
///
/// # Errors
/// Input error when a column is not in the storage of its kind.
pub(crate) fn derive(input: &DeriveInput<'_>, ctx: &Context) -> Result<Offer> {
    let n_rows = input.target.n_rows();
    if n_rows < ROWS_MIN || input.fields.is_empty() {
        return Ok(Offer::default());
    }
    let mut sample = ctx.random("derive/sample", 0).sample(n_rows, SAMPLE.min(n_rows));
    sample.sort_unstable();
    let pool = pool(input.fields, &sample, ctx)?;
    let screened = ctx.map(input.divisions.len(), |d| input.screened(d, &sample, &pool, ctx));
    let mut numbers = BTreeMap::new();
    for candidate in screened.iter().flat_map(|s| &s.candidates) {
        let next = numbers.len();
        numbers.entry(candidate).or_insert(next);
    }
    let mut all: Vec<&Candidate> = numbers.keys().copied().collect();
    all.sort_unstable_by_key(|candidate| numbers[candidate]);
    let codes: Vec<Result<Codes>> = ctx.map(all.len(), |i| codes_of(all[i], &pool));
    let codes = codes.into_iter().collect::<Result<Vec<_>>>()?;
    let chosen = ctx.map(screened.len(), |d| {
        let n_rows = input.divisions[d].len();
        let own = screened[d].candidates.iter().map(|c| numbers[c]);
        let own: Vec<usize> = own.filter(|i| is_worth_it(all[*i].0, &codes[*i], n_rows)).collect();
        let choice = screened[d].choose(&own.iter().map(|i| &codes[*i]).collect::<Vec<_>>());
        choice.into_iter().map(|i| own[i]).collect::<Vec<usize>>()
    });
    input.make(&all, &chosen, &pool, ctx)
}

/// The columns that an encoder derives already, made again from these rows: nothing is chosen anew.
///
/// Those of a column that is not there any more are left out.
///
/// # Errors
/// Input error when a column is not in the storage of its kind.
pub(crate) fn derive_again<'a>(
    input: &DeriveInput<'_>,
    inputs: &[RawInput],
    columns: impl Iterator<Item = &'a Derived>,
    ctx: &Context,
) -> Result<Offer> {
    let n_rows = input.target.n_rows();
    let mut sample = ctx.random("derive/sample", 0).sample(n_rows, SAMPLE.min(n_rows));
    sample.sort_unstable();
    let pool = pool_of(input.fields, inputs, &sample, ctx)?;
    let place = |i: &u32| {
        let wanted = &inputs[*i as usize];
        pool.iter().position(|entry| entry.raw == *wanted).map(|place| place as u32)
    };
    let of = |derived: &Derived| -> Option<Candidate> {
        Some((derived.form(), derived.inputs().iter().map(place).collect::<Option<Vec<u32>>>()?))
    };
    let candidates: Vec<Candidate> = columns.filter_map(of).collect();
    let all: Vec<&Candidate> = candidates.iter().collect();
    let chosen = vec![(0..all.len()).collect::<Vec<usize>>(); input.divisions.len()];
    input.make(&all, &chosen, &pool, ctx)
}

/// Whether a category of these codes can help trees: see [`LEVELS_FEW`].
fn is_worth_it(form: Form, codes: &Codes, n_rows: usize) -> bool {
    let has_rows = n_rows >= codes.n * LEVEL_ROWS_MIN;
    form.kind() != Kind::Category || codes.n > LEVELS_FEW || has_rows
}

/// The codes of a candidate, made on the rows of the sample alone.
fn codes_of((form, inputs): &Candidate, pool: &[Entry]) -> Result<Codes> {
    let columns: Vec<&Column> = inputs.iter().map(|i| &pool[*i as usize].column).collect();
    let rows: Vec<u32> = (0..columns.first().map_or(0, |c| c.n_rows()) as u32).collect();
    let derived = Derived::fit(*form, inputs.clone(), &columns, &rows)?;
    Ok(Codes::of(&derived.of("", &columns)?))
}

impl DeriveInput<'_> {
    /// What division `d` finds among single columns.
    fn screened(&self, d: usize, sample: &[u32], pool: &[Entry], ctx: &Context) -> Screened {
        let rows = self.divisions[d];
        let mut random = ctx.random("derive/parts", d as u64);
        let mut parts = vec![Vec::new(); PARTS];
        for (position, row) in sample.iter().enumerate() {
            if rows.binary_search(row).is_ok() {
                parts[random.below(PARTS)].push(position as u32);
            }
        }
        let n: usize = parts.iter().map(Vec::len).sum();
        let most = (self.fields.len().clamp(*COLUMNS.start(), *COLUMNS.end()))
            .min(rows.len() / ROWS_PER_COLUMN);
        if n < ROWS_MIN {
            let (outputs, candidates) = (Vec::new(), Vec::new());
            let rows = Rows { weights: Vec::new(), parts };
            return Screened { rows, outputs, candidates, most: 0 };
        }
        let (weights, outputs) = self.outputs(rows, sample, &parts);
        let most = most.div_ceil(outputs.len().min(OUTPUTS_DIVISOR_MAX));
        let view = Rows { weights, parts };
        let gains: Vec<f64> = pool.iter().map(|e| gain(&view, &e.codes, &outputs).sum).collect();
        let mut ranked: Vec<usize> = (0..pool.len()).collect();
        ranked.sort_by(|a, b| gains[*b].total_cmp(&gains[*a]).then(a.cmp(b)));
        let single: Vec<&Codes> = ranked
            .iter()
            .map(|i| &pool[*i])
            .filter(|e| !e.raw.recast && !e.codes.is_constant())
            .take(SINGLE_MAX)
            .map(|e| &e.codes)
            .collect();
        let outputs = outputs.iter().map(|y| view.residuals(&single, y)).collect();
        let candidates = propose(pool, &ranked);
        Screened { rows: view, outputs, candidates, most }
    }

    /// Weight and centred outputs of the sample's rows, as far as they are learned from.
    fn outputs(
        &self,
        rows: &[u32],
        sample: &[u32],
        parts: &[Vec<u32>],
    ) -> (Vec<f64>, Vec<Vec<f64>>) {
        let view = TransformInput {
            weights: self.weights,
            ..TransformInput::new(&self.fields[0].1, rows, self.target)
        };
        let classes = classes(&view, CLASSES_MAX);
        let mut weights = vec![0.0; sample.len()];
        let mut outputs = Vec::new();
        for output in 0..classes.len().max(1) {
            let observed = Observed::new(&view, classes.get(output).copied());
            let mut y = vec![0.0; sample.len()];
            for position in parts.iter().flatten() {
                let (place, row) = (*position as usize, sample[*position as usize]);
                weights[place] = observed.weight(row);
                y[place] = observed.y(row);
            }
            if matches!(self.target, Target::Real(_)) {
                clip(&mut y, parts);
            }
            let of = |value: &dyn Fn(usize) -> f64| -> f64 {
                parts.iter().flatten().map(|p| value(*p as usize)).sum()
            };
            let mean = of(&|p| weights[p] * y[p]) / of(&|p| weights[p]).max(f64::MIN_POSITIVE);
            parts.iter().flatten().for_each(|p| y[*p as usize] -= mean);
            outputs.push(y);
        }
        (weights, outputs)
    }

    /// Makes what was chosen, from all rows.
    fn make(
        &self,
        all: &[&Candidate],
        chosen: &[Vec<usize>],
        pool: &[Entry],
        ctx: &Context,
    ) -> Result<Offer> {
        let taken: Vec<usize> =
            (0..all.len()).filter(|i| chosen.iter().any(|c| c.contains(i))).collect();
        let mut used: Vec<u32> = taken.iter().flat_map(|i| all[*i].1.iter().copied()).collect();
        used.sort_unstable();
        used.dedup();
        let mut places = vec![0_u32; pool.len()];
        used.iter().enumerate().for_each(|(place, i)| places[*i as usize] = place as u32);
        let read = |i: &u32| {
            let entry = &pool[*i as usize];
            entry.raw.read(&self.fields[entry.field].1)
        };
        let columns: Vec<Cow<'_, Column>> = used.iter().map(read).collect::<Result<_>>()?;
        let inputs: Vec<RawInput> = used.iter().map(|i| pool[*i as usize].raw.clone()).collect();
        let rows = self.divisions[0];
        let made = ctx.map(taken.len(), |t| -> Result<OfferedColumn> {
            let (form, of) = all[taken[t]];
            let own = |i: &u32| &*columns[places[*i as usize] as usize];
            let own: Vec<&Column> = of.iter().map(own).collect();
            let derived = Derived::fit(*form, of.clone(), &own, rows)?.moved(&places);
            let column = derived.of(&derived.name(&inputs), &own)?;
            let chosen_by = chosen.iter().map(|c| c.contains(&taken[t])).collect();
            Ok(OfferedColumn { derived, column, chosen_by })
        });
        let mut columns = made.into_iter().collect::<Result<Vec<_>>>()?;
        // A raw column may have the very name; the raw one keeps it. So may another derived one
        // (`p` less `q - r`, and `p - q` less `r`); the first keeps it.
        let mut taken: HashSet<String> = self.fields.iter().map(|(f, _)| f.name.clone()).collect();
        columns.retain(|c| taken.insert(c.column.name.clone()));
        Ok(Offer { inputs, columns })
    }
}

impl Screened {
    fn choose(&self, candidates: &[&Codes]) -> Vec<usize> {
        choose(&self.rows, candidates, &mut self.outputs.clone(), self.most)
    }
}

/// Brings the values of the parts' rows between their outer quantiles.
fn clip(y: &mut [f64], parts: &[Vec<u32>]) {
    let mut sorted: Vec<f64> = parts.iter().flatten().map(|p| y[*p as usize]).collect();
    sorted.sort_unstable_by(f64::total_cmp);
    let last = sorted.len() - 1;
    let tail = (last as f64 * TAILS) as usize;
    let (low, high) = (sorted[tail], sorted[last - tail]);
    for y in y {
        *y = y.clamp(low, high);
    }
}
