//! Rounds of steps until held-out rows are predicted no better.
//!
//! What a round changes (functions of features, or of pairs) is behind [`Terms`]; the loop, the
//! gradients, the clock and the memory of the best round are here.

use modelwright_core::data::TrainView;
use modelwright_core::{Context, Result};

use super::EbmParams;
use super::table::{Bag, Table};
use crate::gbdt::GbdtParams;
use crate::gbdt::loss::{self, Loss};
use crate::gbdt::stopping::Stopping;

/// Sweeps where no row can judge: enough to see the shape of the functions.
const ROUNDS_WITHOUT_JUDGES: usize = 100;

/// Functions that a round changes.
pub(super) trait Terms {
    /// How many groups there are; the steps of a group follow from the same gradients.
    fn n_groups(&self) -> usize;

    /// Takes the steps of a group and adds them to the scores.
    fn step(
        &mut self,
        round: usize,
        group: usize,
        gradients: &[Vec<[f32; 2]>],
        scores: &mut [Vec<f64>],
    );

    /// All numbers of all functions.
    fn values(&mut self) -> &mut Vec<f64>;
}

/// What all bags share.
pub(super) struct Setup<'a> {
    pub(super) train: &'a TrainView<'a>,
    pub(super) params: &'a EbmParams,
    pub(super) table: &'a Table<'a>,
    /// Of the table's rows.
    pub(super) loss: Box<dyn Loss>,
    /// One per output.
    pub(super) base: Vec<f64>,
}

impl<'a> Setup<'a> {
    /// Checks target and weights.
    ///
    /// # Errors
    /// Input error when they are not usable.
    pub(super) fn new(
        train: &'a TrainView<'a>,
        params: &'a EbmParams,
        table: &'a Table<'a>,
    ) -> Result<Self> {
        let of_learn = make_loss(train, &table.matrix_rows(&table.learn))?;
        Ok(Self {
            train,
            params,
            table,
            loss: make_loss(train, &table.rows)?,
            base: of_learn.base_scores()?,
        })
    }

    pub(super) fn n_outputs(&self) -> usize {
        self.base.len()
    }

    /// Scores of the table's rows without any function.
    pub(super) fn base_scores(&self) -> Vec<Vec<f64>> {
        self.base.iter().map(|base| vec![*base; self.table.rows.len()]).collect()
    }

    /// Sweeps over the groups of `terms`, from the given scores, and leaves `terms` as they were
    /// when the bag's judges liked them best. Asks the clock before every round.
    ///
    /// Returns the rounds that were kept, and whether the clock cut them short.
    ///
    /// # Errors
    /// As losses.
    pub(super) fn sweep(
        &self,
        bag: &Bag,
        terms: &mut dyn Terms,
        scores: &mut [Vec<f64>],
        ctx: &Context,
    ) -> Result<(usize, bool)> {
        let n_rows = self.table.rows.len();
        let mut gradients = vec![vec![[0.0; 2]; n_rows]; self.n_outputs()];
        let mut judges = Judges::new(self, bag, scores)?;
        let mut most = self.params.max_rounds;
        if judges.is_none() {
            most = most.min(ROUNDS_WITHOUT_JUDGES);
        }
        let mut best = terms.values().clone();
        let (mut done, mut cut_short) = (0, false);
        while done < most {
            if !ctx.proceed() {
                cut_short = true;
                break;
            }
            for group in 0..terms.n_groups() {
                self.loss.gradients(scores, &mut gradients)?;
                terms.step(done, group, &gradients, scores);
            }
            done += 1;
            let Some(judges) = &mut judges else { continue };
            let stop = judges.update(done, scores)?;
            if judges.stopping.best_rounds() == done {
                best.clone_from(terms.values());
            }
            if stop {
                break;
            }
        }
        if let Some(judges) = judges {
            terms.values().clone_from(&best);
            done = judges.stopping.best_rounds();
        }
        Ok((done, cut_short))
    }
}

/// The loss of the given matrix rows.
fn make_loss(train: &TrainView<'_>, rows: &[u32]) -> Result<Box<dyn Loss>> {
    loss::make(&GbdtParams::default(), train, rows)
}

/// The rows that say when to stop.
struct Judges<'a> {
    loss: Box<dyn Loss>,
    rows: &'a [u32],
    scores: Vec<Vec<f64>>,
    stopping: Stopping,
}

impl<'a> Judges<'a> {
    fn new(setup: &Setup<'_>, bag: &'a Bag, scores: &[Vec<f64>]) -> Result<Option<Self>> {
        if bag.judge.is_empty() {
            return Ok(None);
        }
        let loss = make_loss(setup.train, &setup.table.matrix_rows(&bag.judge))?;
        let mut judges = Self {
            loss,
            rows: &bag.judge,
            scores: vec![Vec::new(); setup.n_outputs()],
            stopping: Stopping::new(1, 1, f64::INFINITY),
        };
        let first = judges.value(scores)?;
        let patience = setup.params.early_stopping_rounds;
        judges.stopping = Stopping::new(patience, setup.table.rows.len(), first);
        Ok(Some(judges))
    }

    /// Takes the scores after `done` rounds; `true` when it is time to stop.
    fn update(&mut self, done: usize, scores: &[Vec<f64>]) -> Result<bool> {
        let value = self.value(scores)?;
        Ok(self.stopping.update(done, value))
    }

    fn value(&mut self, scores: &[Vec<f64>]) -> Result<f64> {
        for (own, all) in self.scores.iter_mut().zip(scores) {
            own.clear();
            own.extend(self.rows.iter().map(|at| all[*at as usize]));
        }
        self.loss.mean(&self.scores)
    }
}
