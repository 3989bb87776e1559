//! HTTP: connections, routes, bodies, answers. It knows no wire format.

pub(crate) mod admit;
pub(crate) mod body;
mod call;
pub(crate) mod guard;
mod head;
pub(crate) mod listen;
mod respond;
pub(crate) mod route;
pub(crate) mod service;
mod streams;
