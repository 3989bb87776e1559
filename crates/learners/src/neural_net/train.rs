//! The steps of learning: batches, schedule, early stopping, and the clock.
//!
//! An epoch is one pass over the rows, in a new order each time (on large tables, [`EPOCH_ROWS`] of
//! them). A batch goes through the net in passes of at most [`ROWS`] rows for each member, whose
//! gradients are summed in order, so that threads change nothing.
//!
//! The schedule must know its end. When the clock would not let it come there, it is shortened
//! once, after the first steps have shown what a step takes; a replay repeats that decision.

use modelwright_core::Context;
use modelwright_core::random::number_at;
use modelwright_core::task::Predictions;
use rayon::prelude::*;

use super::columns::Inputs;
use super::goal::{Goal, Link};
use super::optimiser::{Optimiser, Pull, coslog, cycles_before, flat_cos};
use super::params::NeuralNetParams;
use super::pass::{Learning, Pass, ROWS};
use super::shape::Net;
use crate::course::Course;
use crate::tree::Pace;

/// The most rows of an epoch: validation is asked again after about this many.
const EPOCH_ROWS: usize = 65_536;

/// Steps that show what a step takes.
const PROBE_STEPS: usize = 16;

/// The part of the time left that the schedule is planned into.
const TIME_SHARE: f64 = 0.9;

/// Multiplications between two questions to the clock: a few hundredths of a second.
const WORK_PER_QUESTION: usize = 1 << 31;

/// A forward pass costs a third of a step.
const STEP_COST: usize = 3;

/// What is learned from and judged by.
pub(super) struct Material<'a> {
    pub link: &'a Link,
    pub inputs: Inputs,
    pub goal: Goal,
    /// The rows that judge, if any.
    pub judges: Option<(Inputs, Goal)>,
    /// All rows whose predictions are written down, where that are more than the judging ones.
    pub observed: Option<Inputs>,
}

/// Learns; returns how many epochs the net has that is kept, 0 when it has learned nothing. The
/// course of the judging rows is written down where there is one to write to.
pub(super) fn train(
    net: &mut Net,
    material: &Material<'_>,
    params: &NeuralNetParams,
    course: Option<&mut Course>,
    ctx: &Context,
) -> usize {
    let mut training = Training::new(net, material, params, ctx);
    training.course = course;
    training.run(ctx);
    let Training { best, epochs, .. } = training;
    let epochs = match best {
        Some(best) => {
            net.tensors = best.tensors;
            best.epochs
        }
        None => epochs,
    };
    let is_usable = net.tensors.iter().flatten().all(|v| v.abs() <= super::model::LARGEST);
    if is_usable { epochs } else { 0 }
}

struct Training<'a> {
    net: &'a mut Net,
    material: &'a Material<'a>,
    params: &'a NeuralNetParams,
    optimiser: Optimiser,
    passes: Vec<Learning>,
    batch: usize,
    /// All rows in the order of this round through them, and the next one.
    order: Vec<u32>,
    next: usize,
    rounds: u64,
    steps_done: usize,
    /// When the schedule ends.
    steps: usize,
    steps_per_epoch: usize,
    epochs: usize,
    best: Option<Best>,
    course: Option<&'a mut Course>,
    key: u64,
}

struct Best {
    loss: f64,
    epochs: usize,
    /// Whole cycles of the schedule that lay before.
    cycle: usize,
    tensors: Vec<Vec<f32>>,
}

impl<'a> Training<'a> {
    fn new(
        net: &'a mut Net,
        material: &'a Material<'a>,
        params: &'a NeuralNetParams,
        ctx: &Context,
    ) -> Self {
        let n_rows = material.inputs.n_rows;
        let batch = params.batch_rows(n_rows).min(n_rows);
        let order: Vec<u32> = (0..n_rows as u32).collect();
        let first = ROWS.min(n_rows);
        let mut pass = Pass::new(&net.shape, first);
        pass.embed(net, &material.inputs, &order[..first]);
        pass.normalise(net, first);
        let parts = batch.div_ceil(ROWS);
        let rows = batch.div_ceil(parts);
        let passes = (0..net.shape.members)
            .flat_map(|member| (0..parts).map(move |_| member))
            .map(|member| Learning::new(&net.shape, rows, member))
            .collect();
        let steps_per_epoch = (n_rows.min(EPOCH_ROWS) / batch).max(1);
        Self {
            optimiser: Optimiser::new(net),
            passes,
            batch,
            next: order.len(),
            order,
            rounds: 0,
            steps_done: 0,
            steps: params.schedule().saturating_mul(steps_per_epoch),
            steps_per_epoch,
            epochs: 0,
            best: None,
            course: None,
            key: ctx.random("neural_net/dropout", 0).next_u64(),
            net,
            material,
            params,
        }
    }

    fn run(&mut self, ctx: &Context) {
        let begun = ctx.elapsed();
        let work = self.net.shape.work() * STEP_COST * self.batch;
        let mut pace = Pace::new(ctx, WORK_PER_QUESTION);
        let probe = PROBE_STEPS.min(self.steps_per_epoch);
        while self.epochs < self.params.n_epochs && self.steps_done < self.steps && ctx.proceed() {
            let before = self.steps_done;
            let mut goes_on = true;
            for _ in 0..self.steps_per_epoch {
                goes_on = self.steps_done < self.steps && pace.go_on(work);
                if !goes_on {
                    break;
                }
                self.step(ctx);
                if self.steps_done == probe {
                    self.shorten(begun, ctx);
                }
            }
            if self.steps_done == before {
                break;
            }
            self.epochs += 1;
            if self.judge() || !goes_on {
                break;
            }
        }
    }

    /// Ends the schedule where the clock would end it.
    fn shorten(&mut self, begun: std::time::Duration, ctx: &Context) {
        let done = self.steps_done;
        let judging = self.material.judges.as_ref().map_or(0, |(inputs, _)| inputs.n_rows);
        let per_epoch = self.steps_per_epoch * self.batch;
        let more = 1.0 + judging as f64 / (STEP_COST * per_epoch) as f64;
        let affordable = ctx.decide("steps", || {
            // 0 says that there is no limit.
            ctx.remaining().map_or(0, |left| {
                let spent = ctx.elapsed().saturating_sub(begun).as_secs_f64();
                let of_step = spent / done as f64 * more;
                let further = left.as_secs_f64() * TIME_SHARE / of_step.max(1e-9);
                (done as f64 + further).min(1e15) as u64
            })
        });
        if affordable > 0 {
            self.steps = self.steps.min(affordable as usize).max(done);
        }
    }

    /// The share of the schedule that is done.
    fn progress(&self) -> f64 {
        self.steps_done as f64 / self.steps.max(1) as f64
    }

    fn step(&mut self, ctx: &Context) {
        // What is left of a round through the rows and fills no batch is left out of it.
        if self.next + self.batch > self.order.len() {
            ctx.random("neural_net/order", self.rounds).shuffle(&mut self.order);
            self.rounds += 1;
            self.next = 0;
        }
        let rows = &self.order[self.next..self.next + self.batch];
        self.next += self.batch;
        let at = (self.steps_done as f64 + 0.5) / self.steps.max(1) as f64;
        let dropout = self.params.dropout * flat_cos(at);
        let key = number_at(self.key, self.steps_done as u64);
        let parts = self.passes.len() / self.net.shape.members;
        let of_part = self.batch.div_ceil(parts);
        let share = 1.0 / (self.batch * self.net.shape.members) as f32;
        let (net, material, turned) = (&*self.net, self.material, &self.optimiser.turned);
        self.passes.par_iter_mut().enumerate().for_each(|(p, pass)| {
            let part = p % parts;
            let rows = &rows[part * of_part..self.batch.min((part + 1) * of_part)];
            pass.forward(net, &material.inputs, rows, dropout, number_at(key, p as u64));
            material.goal.gradient(rows, &mut pass.pass.out, material.link.n_outputs(), share);
            pass.backward(net, &material.inputs, rows, turned);
        });
        let pull = Pull {
            rate: self.params.rate(material.link.task) * coslog(at),
            decay: self.params.weight_decay * flat_cos(at),
        };
        self.optimiser.step(self.net, &mut self.passes, pull);
        self.steps_done += 1;
    }

    /// Lets the judging rows decide whether this net is the best so far; `true` when it is time to
    /// stop.
    fn judge(&mut self) -> bool {
        let Some((inputs, goal)) = &self.material.judges else { return false };
        let predictions = predict(self.net, self.material.link, inputs);
        let loss = self.material.link.loss(goal, &predictions);
        if let Some(course) = &mut self.course {
            let n_outputs = self.material.link.n_outputs();
            let of_all = self.material.observed.as_ref();
            let said = of_all.map(|all| predict(self.net, self.material.link, all));
            course.losses.push(loss);
            course.predictions.push(Predictions::new(n_outputs, said.unwrap_or(predictions)));
        }
        let cycle = cycles_before(self.progress());
        let is_better = self.best.as_ref().is_none_or(|b| loss < b.loss || b.loss.is_nan());
        if is_better {
            let tensors = self.net.tensors.clone();
            self.best = Some(Best { loss, epochs: self.epochs, cycle, tensors });
            return false;
        }
        let Some(best) = &self.best else { return false };
        match self.params.early_stopping_rounds {
            // A whole cycle brought nothing: the next, at the same rates, will not either.
            0 => cycle > best.cycle + 1,
            patience => self.epochs - best.epochs >= patience,
        }
    }
}

/// Predictions of all rows of the inputs: the mean over members.
pub(super) fn predict(net: &Net, link: &Link, inputs: &Inputs) -> Vec<f64> {
    let n_outputs = link.n_outputs();
    let mut out = vec![0.0; inputs.n_rows * n_outputs];
    if inputs.n_rows <= ROWS {
        let mut pass = Pass::new(&net.shape, inputs.n_rows);
        predict_block(net, link, inputs, &mut pass, 0, &mut out);
        return out;
    }
    out.par_chunks_mut(ROWS * n_outputs).enumerate().for_each_init(
        || Pass::new(&net.shape, ROWS),
        |pass, (block, out)| predict_block(net, link, inputs, pass, block * ROWS, out),
    );
    out
}

fn predict_block(
    net: &Net,
    link: &Link,
    inputs: &Inputs,
    pass: &mut Pass,
    start: usize,
    out: &mut [f64],
) {
    let n_outputs = link.n_outputs();
    let n = out.len() / n_outputs;
    let rows: Vec<u32> = (start as u32..(start + n) as u32).collect();
    pass.embed(net, inputs, &rows);
    let share = 1.0 / net.shape.members as f64;
    for member in 0..net.shape.members {
        pass.forward(net, member, n);
        for (i, out) in out.chunks_exact_mut(n_outputs).enumerate() {
            link.add(|k| pass.out[super::pass::place(n, i, k)], share, out);
        }
    }
    out.chunks_exact_mut(n_outputs).for_each(|row| link.finish(row));
}
