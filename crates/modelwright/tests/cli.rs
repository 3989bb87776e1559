//! Black-box tests of the binary: arguments in, stdout, stderr, files and exit codes out.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "cli/bad_files.rs"]
mod bad_files;
#[path = "cli/bad_flags.rs"]
mod bad_flags;
#[path = "cli/bad_learning.rs"]
mod bad_learning;
#[path = "cli/boosters.rs"]
mod boosters;
#[path = "cli/compare.rs"]
mod compare;
#[path = "cli/dirty.rs"]
mod dirty;
#[path = "cli/explain.rs"]
mod explain;
#[path = "cli/guard.rs"]
mod guard;
#[path = "cli/harness.rs"]
mod harness;
#[path = "cli/interchange.rs"]
mod interchange;
#[cfg(unix)]
#[path = "cli/interrupt.rs"]
mod interrupt;
#[path = "cli/learned_rows.rs"]
mod learned_rows;
#[path = "cli/life.rs"]
mod life;
#[path = "cli/limits.rs"]
mod limits;
#[path = "cli/manners.rs"]
mod manners;
#[path = "cli/monitor.rs"]
mod monitor;
#[path = "cli/offers.rs"]
mod offers;
#[path = "cli/outputs.rs"]
mod outputs;
#[cfg(unix)]
#[path = "cli/read_only.rs"]
mod read_only;
#[path = "cli/retrain.rs"]
mod retrain;
#[path = "cli/store.rs"]
mod store;
#[path = "cli/tables.rs"]
mod tables;
#[path = "cli/text.rs"]
mod text;
#[path = "cli/train.rs"]
mod train;
#[path = "cli/uncertainty.rs"]
mod uncertainty;
#[path = "cli/watch.rs"]
mod watch;
