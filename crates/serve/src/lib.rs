//! Models behind a socket: the code that predicts rows of a file predicts rows of a request.
//!
//! The only crate that knows a wire format. A request goes through five rooms:
//!
//! ```text
//! http       connection, route, body (within limits)          knows no model
//!   └─ access      who may ask, how often
//!      └─ engine   on which thread
//!         └─ wire  bytes of a protocol ──▶ intake (columns, faults, what is unusual)
//!                    ──▶ Predictor::predict ──▶ answer ──▶ bytes of the protocol
//! model      loaded, proved, watched, exchanged                 knows no request
//! ```
//!
//! | module | question it answers |
//! |---|---|
//! | [`settings`] | what may a server be told? |
//! | [`config`] | by flags, environment and file? |
//! | [`server`] | how is one opened, run and stopped? |
//! | `app`, `ask` | what do all requests share, what has one of its own? |
//! | `model` | which models are there, and what is usual for each? |
//! | `intake` | which values fit which columns? |
//! | `reasons` | why is a row predicted so? |
//! | `problem` | what is said when something does not? |
//! | `wire` | how are rows and answers written in each protocol? |
//! | `grpc` | how is the Open Inference Protocol spoken in messages? |
//! | `ui`, `mlflow` | what is in the store, for people and for MLflow's clients? |
//! | `tls` | how are connections encrypted? |
//! | `http` | how do bytes come and go? |
//! | `access`, `renewal` | who may ask, and by which keys from now on? |
//! | `engine`, `shadow`, `waiting` | where is the work done, and does anybody wait for it? |
//! | `streamed` | how are rows predicted while they come? |
//! | `drift` | are the rows like those of training? |
//! | `stats`, `log`, `request_log`, `events`, `telemetry` | what happened? |

mod access;
mod app;
mod ask;
mod clock;
pub mod config;
mod delivery;
mod drift;
mod engine;
mod events;
mod grpc;
mod held;
mod http;
mod intake;
mod log;
mod mlflow;
pub mod mlflow_client;
mod model;
mod problem;
mod reasons;
mod renewal;
mod request_log;
pub mod server;
pub mod settings;
mod shadow;
mod signals;
mod stamp;
mod stats;
mod streamed;
mod telemetry;
mod tls;
mod ui;
mod unusualness;
mod waiting;
mod wire;

pub use access::{Jwt, JwtSettings, Keys, NewKey, Scope};
pub use config::Config;
pub use events::EventSettings;
pub use request_log::RequestLogSettings;
pub use server::{Served, Server, Stop};
pub use settings::{Limits, LogRequests, ModelSource, Policy, Settings};
pub use telemetry::TelemetrySettings;
pub use tls::TlsSettings;
pub use ui::UiSettings;
