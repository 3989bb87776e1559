//! HTTP: connections, routes, bodies, answers. It knows no wire format.

pub(crate) mod body;
pub(crate) mod listen;
pub(crate) mod route;
pub(crate) mod service;
