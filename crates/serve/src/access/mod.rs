//! Who may ask for what, and how often.

mod allowance;
mod jwks;
mod jwt;
mod keys;

pub(crate) use allowance::Turn;
pub use jwt::{Jwt, JwtSettings};
pub use keys::{Keys, NewKey, Scope};
pub(crate) use keys::{Known, Refused};
