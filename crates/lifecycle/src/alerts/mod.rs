//! Alerts: when what the monitor found is worth telling somebody, and who is told how.
//!
//! ```text
//! MonitorRecord ──rules──▶ what fires now ──state──▶ began, lasts, ended    (table `alerts`)
//!                                              └──▶ notices, one a sink    (table `notices`)
//! notices that are due ──shapes──▶ a body in the sink's form ──send──▶ told, or tried again later
//! ```
//!
//! An alert is told when it begins and when it ends, not every time it is seen; a rule may ask for
//! reminders. An alert also ends when its rule is removed from the file. State and notices are
//! written in one transaction before anything is sent, and a notice leaves the store only when its
//! sink took it: what fails is tried again, later and later, by whoever watches next. A sink that
//! was told twice (the process died between sending and writing that down) knows the notice by its
//! id.
//!
//! | file | does |
//! |---|---|
//! | `rules` | the file of rules and sinks |
//! | `judge` | which rules a finding fulfils, in words |
//! | `state` | what is open, what is to be told, in the store |
//! | `queue` | what waits for its sink, taken by one process at a time |
//! | `shapes`, `letter` | the bodies: generic, Slack, Teams, CloudEvents, Alertmanager; mail |
//! | `send` | HTTP, mail and files; trying again |
//! | `exposition` | the state as Prometheus metrics |

mod exposition;
mod judge;
mod letter;
#[cfg(test)]
mod named_tests;
mod queue;
mod rules;
mod send;
mod shapes;
mod state;
#[cfg(test)]
mod tests;

pub use exposition::exposition;
pub use judge::{Judged, judge};
pub use queue::WaitingNotices;
pub use rules::{AlertRules, Rule, Severity, Sink, SinkKind, When};
pub use send::{Delivery, Network, Transport, Whose, deliver, send_test};
pub use shapes::{Notice, What, body};
pub use state::{AlertRow, Observed, observe, observe_files};
