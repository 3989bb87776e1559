//! The clock within a tree: a large one asks now and then whether it may go on.
//!
//! A tree of thousands of leaves on millions of rows takes seconds, and a deadline is to be kept to
//! less. Questions come after fixed amounts of work, counted the same way by every run, so that a
//! replay asks the same ones; small trees ask none. A tree that is told to end keeps the leaves it
//! has, which are a valid tree.

use modelwright_core::Context;

/// Histogram updates between two questions: about half a second of one core.
pub const UPDATES_PER_QUESTION: usize = 1 << 29;

/// Counts the work of one tree.
#[derive(Clone)]
pub struct Pace {
    ctx: Context,
    updates_per_question: usize,
    updates: usize,
    ended: bool,
}

impl Pace {
    /// A pace that asks `ctx`, in a scope that no other thread uses, after every
    /// `updates_per_question` updates.
    pub fn new(ctx: &Context, updates_per_question: usize) -> Self {
        Self { ctx: ctx.clone(), updates_per_question, updates: 0, ended: false }
    }

    /// Takes the updates that a step is going to make; `false` when it may not begin.
    pub fn go_on(&mut self, updates: usize) -> bool {
        self.updates = self.updates.saturating_add(updates);
        if self.updates >= self.updates_per_question && !self.ended {
            self.updates = 0;
            self.ended = !self.ctx.proceed();
        }
        !self.ended
    }
}

impl std::fmt::Debug for Pace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pace").field("updates", &self.updates).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use modelwright_core::context::{Decisions, Settings};
    use modelwright_core::data::{BinnedColumn, FeatureColumn, FeatureMatrix};
    use modelwright_kernels::entry::{Scale, quantise};

    use super::*;
    use crate::tree::{GrowPolicy, Limits, SplitRule, TrainBins, Tree, Workspace, grow};

    /// A context that says no after this many questions.
    fn patient(questions: u64) -> Context {
        let stopped_after = [(String::new(), questions)].into();
        let replay = Some(Decisions { stopped_after, ..Decisions::default() });
        Context::new(Settings { replay, threads: 1, ..Settings::default() }).unwrap()
    }

    #[test]
    fn questions_come_after_fixed_amounts_of_work_and_a_no_is_final() {
        let mut pace = Pace::new(&patient(2), 100);
        let answers: Vec<bool> = (0..8).map(|_| pace.go_on(50)).collect();
        assert_eq!(answers, [true, true, true, true, true, false, false, false]);
        assert!(Pace::new(&Context::unlimited(0, 1), 1).go_on(usize::MAX));
    }

    /// A tree on 64 rows whose gradients all differ, with a question before each step.
    fn tree(policy: GrowPolicy, ctx: &Context) -> Tree {
        let codes: Vec<u8> = (0..64).collect();
        let cuts = (0..63).map(|c| c as f32 + 0.5).collect();
        let values = codes.iter().map(|c| f32::from(*c)).collect();
        let bins = Some(Arc::new(BinnedColumn { codes: codes.into(), cuts }));
        let column = FeatureColumn { bins, ..FeatureColumn::dense("x", values) };
        let matrix = FeatureMatrix::new(64, vec![column]);
        let rows: Vec<u32> = (0..64).collect();
        let bins = TrainBins::new(&matrix, &rows).unwrap();
        let gradients: Vec<[f32; 2]> = (0..64).map(|i| [(i * i) as f32 - 900.0, 1.0]).collect();
        let scale = Scale::for_rows(64, [3100.0, 1.0]);
        let mut workspace = Workspace::default();
        workspace.pace = Some(Pace::new(ctx, 1));
        workspace.reserve(64);
        quantise(&gradients, 0, scale, 1, &mut workspace.entries);
        let rule = SplitRule::plain(scale);
        let limits = Limits { policy, max_leaves: 32, max_depth: 5 };
        let tree = grow(&bins, &rule, limits, &[true], &mut workspace, 64).tree;
        tree.validate(1, 1).unwrap();
        tree
    }

    #[test]
    fn a_tree_that_runs_out_of_time_keeps_its_first_leaves() {
        let growers =
            [(GrowPolicy::LeafWise, 4), (GrowPolicy::DepthWise, 4), (GrowPolicy::Oblivious, 8)];
        for (policy, after_three) in growers {
            let whole = tree(policy, &Context::unlimited(0, 1));
            for (questions, leaves) in [(0, 1), (3, after_three), (1000, whole.n_leaves())] {
                let cut = tree(policy, &patient(questions));
                assert_eq!(cut.n_leaves(), leaves, "{policy:?} after {questions} questions");
                assert_eq!(cut.thresholds, whole.thresholds[..cut.features.len()], "{policy:?}");
            }
        }
    }
}
