//! A server in this process, asked over real sockets.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "serve/harness.rs"]
mod harness;

#[path = "serve/aliases.rs"]
mod aliases;
#[path = "serve/codecs.rs"]
mod codecs;
#[path = "serve/drift.rs"]
mod drift;
#[path = "serve/exchange.rs"]
mod exchange;
#[path = "serve/explain.rs"]
mod explain;
#[path = "serve/gathered.rs"]
mod gathered;
#[path = "serve/kept.rs"]
mod kept;
#[path = "serve/leaving.rs"]
mod leaving;
#[path = "serve/limits.rs"]
mod limits;
#[path = "serve/mutated.rs"]
mod mutated;
#[path = "serve/no_column.rs"]
mod no_column;
#[path = "serve/protocols.rs"]
mod protocols;
#[path = "serve/quick.rs"]
mod quick;
#[path = "serve/refusals.rs"]
mod refusals;
#[path = "serve/renewed.rs"]
mod renewed;
#[path = "serve/streamed.rs"]
mod streamed;
#[path = "serve/ui.rs"]
mod ui;
