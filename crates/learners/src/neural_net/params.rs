//! The parameters, and what their automatic values resolve to.

use modelwright_core::declare_params;
use modelwright_core::params::Domain;
use modelwright_core::task::Task;

/// The rate of a regression as a multiple of that of classes (RealMLP-TD).
const REGRESSION_RATE: f64 = 5.0;

declare_params! {
    /// Parameters of the neural net.
    pub struct NeuralNetParams {
        /// The most passes over the training rows (on large tables, over 65,536 of them).
        n_epochs: usize = 128_usize, Domain::int(1, 100_000).log();
        /// Passes after which the schedule of rates ends; 0 is as many as `n_epochs`.
        schedule_epochs: usize = 0_usize, Domain::int(0, 100_000);
        /// Hidden layers.
        hidden_layers: usize = 3_usize, Domain::int(0, 8);
        /// Units of a hidden layer, rounded up to a multiple of 32; 0 chooses by rows.
        hidden_units: usize = 0_usize, Domain::int(0, 2048);
        /// Nets that share hidden weights and are averaged; a step costs as many times.
        members: usize = 1_usize, Domain::int(1, 32);
        /// Rows of a step; 0 chooses by rows.
        batch_size: usize = 0_usize, Domain::int(0, 4096);
        /// The highest rate of the schedule; regressions learn at five times this rate.
        learning_rate: f64 = 0.04, Domain::real(1e-6, 1.0).log();
        /// The part of the weights that is taken away per unit of rate.
        weight_decay: f64 = 0.02, Domain::real(0.0, 10.0);
        /// The part of hidden units that is left out of each step.
        dropout: f64 = 0.15, Domain::real(0.0, 0.9);
        /// Epochs without improvement of the validation loss before stopping; 0 is a whole cycle.
        early_stopping_rounds: usize = 0_usize, Domain::int(0, 100_000);
    }
}

impl NeuralNetParams {
    /// Units of a hidden layer for a table of `n_rows` to learn from: 256 as in RealMLP, half of
    /// that where an epoch of a few hundred rows could not fill them.
    pub(super) fn units(&self, n_rows: usize) -> usize {
        if self.hidden_units > 0 {
            return self.hidden_units.next_multiple_of(32);
        }
        if n_rows < 1_000 { 128 } else { 256 }
    }

    /// Rows of a step: 256, fewer where an epoch would have less than 16 steps, but not below 32.
    pub(super) fn batch_rows(&self, n_rows: usize) -> usize {
        if self.batch_size > 0 {
            return self.batch_size;
        }
        (n_rows / 16).next_multiple_of(32).clamp(32, 256)
    }

    /// Epochs after which the schedule ends.
    pub(super) fn schedule(&self) -> usize {
        if self.schedule_epochs > 0 { self.schedule_epochs } else { self.n_epochs }
    }

    /// The highest rate of the schedule.
    pub(super) fn rate(&self, task: Task) -> f64 {
        let factor = if task == Task::Regression { REGRESSION_RATE } else { 1.0 };
        self.learning_rate * factor
    }
}
