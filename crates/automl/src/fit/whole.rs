//! The last fit: every row that is known, the held-out ones included.
//!
//! The test is over when this begins, and nothing is decided any more: weights, rounds,
//! calibration and threshold are those that were tested, and what is tested are the members of the
//! folds, which learned from fewer rows. The delivered members learn from all rows, which makes
//! them better than their test says, not worse: at the default share held out, by a quarter more
//! rows. (Feurer et al., "Efficient and Robust Automated Machine Learning", NeurIPS 2015, and
//! AutoGluon's `refit_full` deliver models in the same way.)

use std::collections::BTreeMap;

use modelwright_core::context::Event;
use modelwright_core::data::Table;
use modelwright_core::record::encoding_of;
use modelwright_core::task::Target;
use modelwright_core::{Context, Result};
use modelwright_preprocess::FittedEncoder;
use modelwright_preprocess::encode::{EncodingSpec, PrepareInput, Prepared, prepare};

use super::Flow;
use super::combine::Combined;
use crate::capacity::{self, RowCost};
use crate::conformal::Intervals;
use crate::parts::weights_of;
use crate::predictor::Predictor;
use crate::refit::{self, Chosen, Rows};
use crate::{budget, distill, target};

/// Room for this many times the rows of the last fit must be left.
const ROOM: f64 = 1.5;

/// And for this many times those of a sample, beside which the rest of a file found no room.
const ROOM_BESIDE_FILE: f64 = 3.0;

/// Untouched rows that tell how the delivered predictor's predictions differ from the tested one's,
/// at most.
const N_ROWS_SERVED: usize = 20_000;

/// How rows enter the delivered model after the test.
pub(crate) const REFITS: [&str; 3] = ["all", "train", ALL_AND_TEST];

/// The rows of a test table too, once they have judged: what a retraining does with the newest
/// rows.
pub const ALL_AND_TEST: &str = "all-and-test";

impl Flow {
    /// Whether the delivered members learn from the held-out rows too: when there are such rows of
    /// the same table, no limit left out training rows, and nobody asked for less.
    pub(super) fn ends_with_all_rows(&self) -> bool {
        let is_wanted = match &*self.options.refit {
            ALL_AND_TEST => true,
            refit => refit == REFITS[0] && self.test_source.is_none(),
        };
        is_wanted && self.held_out.is_some() && !self.is_sample
    }

    /// Whether the delivered members learn from more rows than those that are tested.
    pub(super) fn ends_with_more_rows(&self) -> bool {
        self.whole_file.is_some() || self.ends_with_all_rows()
    }

    /// The most models of a member.
    pub(super) fn models_max(&self) -> usize {
        self.models_max_of(self.train.n_rows())
    }

    fn models_max_of(&self, n_rows: usize) -> usize {
        if self.options.single.is_some() || self.delivers_one() {
            return 1;
        }
        self.preset.models_max(n_rows)
    }

    /// Whether one model is delivered: where a person is to read it, and where columns may not act
    /// together in probabilities, because the mean of several is no function of a sum.
    pub(super) fn delivers_one(&self) -> bool {
        let is_apart = self.options.interactions.is_some() && self.task.task.is_classification();
        self.options.interpretable || is_apart
    }

    /// Fits the members of a tested predictor again, on all rows, as far as time and memory allow.
    pub(super) fn fit_on_all_rows(&mut self, combined: &mut Combined, ctx: &Context) -> Result<()> {
        let Some(held_out) = self.held_out.take() else { return Ok(()) };
        let ctx = ctx.scope("all-rows").with_reserve(budget::packing(ctx));
        let n_train = self.train.n_rows();
        let n_rows = n_train + held_out.n_rows();
        if !self.has_room_for(n_rows, &ctx) {
            return Ok(());
        }
        ctx.tell(Event::Phase("fit on all rows".to_owned()));
        let truth = combined.predictor.encode_target(&held_out)?;
        let Combined { members, predictor, .. } = combined;
        distill::learn_held_out(members, predictor, &held_out, &truth, &ctx)?;
        let mut table = std::mem::take(&mut self.train);
        table.append(&held_out)?;
        drop(held_out);
        let labels = &self.task.classes;
        let all = target::encode(table.require(&self.task.target)?, labels, self.task.task)?;
        let weights = weights_of(&table, &self.options)?;
        let ratio = n_rows as f64 / n_train as f64;
        let on = AllRows { table: &table, target: &all, weights: weights.as_deref() };
        let mut prepared = self.prepare_all(combined, &on, ratio, &ctx)?;
        let rows = Rows {
            are_stored: false,
            prepared: &prepared,
            table: &table,
            target: &all,
            weights: on.weights,
            ratio,
        };
        for (member, tested) in combined.members.iter_mut().zip(&mut combined.predictor.members) {
            member.models = std::mem::take(&mut tested.models);
            member.is_refit = false;
        }
        refit::again(&mut combined.members, &rows, self.models_max_of(n_rows), &ctx)?;
        let is_whole = combined.members.iter().all(|m| m.is_refit);
        combined.record.n_rows_all = is_whole.then_some(n_rows as u64);
        let encoders = std::mem::take(&mut combined.predictor.encoders);
        let old = combined.encodings.iter().cloned().zip(encoders).collect();
        let new = prepared_encoders(&mut prepared);
        self.put_back(combined, old, new);
        combined.keep_account();
        let held: Vec<u32> = (n_train as u32..n_rows as u32).collect();
        let n_held = held.len();
        let chosen = ctx.random("served", 0).sample(n_held, n_held.min(N_ROWS_SERVED));
        let held: Vec<u32> = chosen.iter().map(|at| held[*at as usize]).collect();
        combined.served = Some(combined.predictor.predict(&table.select(&held), &ctx)?);
        Ok(())
    }

    /// Whether memory allows encodings of so many rows beside what the search has left behind: heap
    /// in small pieces that it cannot give back.
    fn has_room_for(&self, n_rows: usize, ctx: &Context) -> bool {
        let rows = capacity::rows_by_memory(ctx, self.row_cost());
        let room = if self.is_sample { ROOM_BESIDE_FILE } else { ROOM };
        rows as f64 >= room * n_rows as f64
    }

    /// What a row needs.
    pub(super) fn row_cost(&self) -> RowCost {
        let columns = &self.profile.record.columns;
        RowCost::of(&self.profile.schema, columns, &self.exclude, self.target.n_outputs())
    }

    /// The encodings of the members on all rows; those are left out for which there is no time.
    fn prepare_all(
        &self,
        combined: &Combined,
        on: &AllRows<'_>,
        ratio: f64,
        ctx: &Context,
    ) -> Result<BTreeMap<String, Prepared>> {
        let mut prepared = BTreeMap::new();
        for (name, encoder) in combined.encodings.iter().zip(&combined.predictor.encoders) {
            let seconds = combined.encode_s.get(name).copied().unwrap_or(0.0) * ratio;
            let of_members = combined.members.iter().filter(|m| m.planned.features() == *name);
            let first_s =
                of_members.clone().map(Chosen::refit_s).fold(f64::INFINITY, f64::min) * ratio;
            if !budget::may_refit(ctx, &format!("encode/{name}"), seconds + first_s) {
                continue;
            }
            let without = of_members.clone().flat_map(|m| &m.planned.without);
            let exclude: Vec<String> = self.exclude.iter().chain(without).cloned().collect();
            let input = PrepareInput {
                table: on.table,
                schema: &self.profile.schema,
                exclude: &exclude,
                target: on.target,
                weights: on.weights,
                folds: &[],
                like: Some(encoder),
            };
            let written = prepare(&input, &EncodingSpec::named(encoding_of(name))?, ctx)?;
            prepared.insert(name.clone(), self.brought.read_as_before(written, on.table, ctx)?);
        }
        Ok(prepared)
    }

    /// Puts models and encoders back into the predictor: the new encoder for members that were
    /// fitted on all rows, the old one for those that were not.
    fn put_back(
        &self,
        combined: &mut Combined,
        mut old: BTreeMap<String, FittedEncoder>,
        mut new: BTreeMap<String, FittedEncoder>,
    ) {
        let Combined { members, predictor, encodings, .. } = combined;
        let of_intervals = predictor.intervals.as_mut().and_then(Intervals::encoder_mut);
        let trees = predictor.second_level.as_mut().and_then(|level| level.trees.as_mut());
        let of_level = trees.map(|trees| &mut trees.encoder);
        let beside: Vec<(&mut usize, String)> = (of_intervals.into_iter().chain(of_level))
            .map(|place| {
                let name = encodings[*place].clone();
                (place, name)
            })
            .collect();
        encodings.clear();
        let mut keys: Vec<(String, bool)> = Vec::new();
        for (member, of_predictor) in members.iter_mut().zip(&mut predictor.members) {
            of_predictor.models = std::mem::take(&mut member.models);
            let key = (member.planned.features(), member.is_refit);
            of_predictor.encoder = keys.iter().position(|k| *k == key).unwrap_or_else(|| {
                keys.push(key);
                keys.len() - 1
            });
        }
        // Intervals and second level keep the encoder that their models were fitted with.
        for (place, name) in beside {
            let key = (name, false);
            *place = keys.iter().position(|k| *k == key).unwrap_or_else(|| {
                keys.push(key);
                keys.len() - 1
            });
        }
        for (name, is_new) in keys {
            let from = if is_new { &mut new } else { &mut old };
            predictor.encoders.extend(from.remove(&name));
            encodings.push(name);
        }
        self.set_schema(predictor);
    }

    fn set_schema(&self, predictor: &mut Predictor) {
        predictor.schema = self.model_schema(
            &predictor.encoders,
            predictor.intervals.as_ref(),
            predictor.fair.as_ref(),
        );
    }
}

/// Notes which members the last fit left as they were tested, and says so in words that need no
/// names; `None` where it left none.
pub(super) fn left_as_tested(combined: &mut Combined) -> Option<String> {
    let with_weight = || combined.members.iter().filter(|m| m.weight > 0.0);
    let left: Vec<String> =
        with_weight().filter(|m| !m.is_refit).map(|m| m.planned.name.clone()).collect();
    let n_all = with_weight().count();
    let said = of_left(left.len(), n_all);
    combined.record.left_as_tested = left;
    said
}

/// What is said of so many of all members that were left.
fn of_left(n_left: usize, n_all: usize) -> Option<String> {
    let who = match n_left {
        0 => return None,
        n if n == n_all => "the delivered model".to_owned(),
        1 => format!("one of the {n_all} parts of the delivered model"),
        n => format!("{n} of the {n_all} parts of the delivered model"),
    };
    Some(format!(
        "{who} did not learn from the held-out rows in the end: there was no time or memory for a \
         last fit (give more, or ask for just that with --refit train)"
    ))
}

/// The rows of the last fit.
struct AllRows<'a> {
    table: &'a Table,
    target: &'a Target,
    weights: Option<&'a [f64]>,
}

fn prepared_encoders(prepared: &mut BTreeMap<String, Prepared>) -> BTreeMap<String, FittedEncoder> {
    std::mem::take(prepared).into_iter().map(|(name, p)| (name, p.encoder)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_last_fit_left_is_said_without_names() {
        assert_eq!(of_left(0, 3), None);
        assert!(of_left(1, 1).unwrap().starts_with("the delivered model did not learn"));
        let some = of_left(1, 4).unwrap();
        assert!(some.starts_with("one of the 4 parts of the delivered model did not"), "{some}");
        assert!(of_left(2, 4).unwrap().starts_with("2 of the 4 parts"), "{some}");
    }
}
