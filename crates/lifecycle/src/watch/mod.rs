//! Watching a model by rule: when to retrain, and what becomes of what comes of it.
//!
//! ```text
//!             ┌──── a trigger: schedule, drift, performance, new rows
//!             ▼
//!  steady ─▶ retrain ─ gates failed ─▶ steady, the old model stays
//!             │ gates passed
//!             ▼
//!           trial: both models on rows that came after, an always-valid test
//!             │ better          │ worse, or not proved in time ─▶ steady
//!             ▼
//!           canary: servers let it answer more requests; the test goes on ─ worse ─▶ steady
//!             ▼
//!           waiting for a person, if that was asked (`models approve`); the test goes on
//!             ▼
//!           promoted ─▶ guard: the model before it, on rows that come after ─▶ rolled back, or
//!                                                                              steady
//! ```
//!
//! [`decide()`] is a pure function of the settings, the state, what was observed, and the time; all
//! four are written down with what it said, so that every decision can be explained and made again
//! ([`Grounds::holds`]). Reading rows, fitting and moving aliases is done by the caller. Whatever
//! the caller does, the alias in use always stands for a whole model: it moves in one transaction,
//! to a version that is there.
//!
//! | file | does |
//! |---|---|
//! | `config` | the settings: a TOML file |
//! | `state` | where a watch stands, what was observed, what is to be done |
//! | `bets` | what a duel has counted |
//! | `decide` | the rules |
//! | `keep` | the right to act, and what was decided, in the store |
//! | `commit` | state, aliases and decision, changed at once |
//! | `approve` | what a person says to a version that waits |

mod approve;
mod bets;
mod commit;
mod config;
mod decide;
mod keep;
mod state;
#[cfg(test)]
mod tests;

pub use approve::{Answer, Waiting};
pub use bets::{Bets, Counted, Had};
pub use commit::{AliasStep, Committed, Said, WatchChange};
pub use config::{
    CanarySettings, MonitorSettings, RetrainSettings, Rollout, ServingLog, Triggers, WatchConfig,
    Window,
};
pub use decide::{accepted, decide, guard_ends};
pub use keep::{DecisionRow, WatchLock};
pub use state::{
    Action, Decided, Duel, Grounds, Learned, LearnedFile, Monitored, Observation, Phase, Trigger,
    Unlearned, WatchState,
};
