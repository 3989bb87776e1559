//! Who may ask for what, and how often.

mod allowance;
mod jwks;
mod jwt;
mod key_file;
mod keys;

pub(crate) use allowance::Turn;
pub use jwt::{Jwt, JwtSettings};
pub use key_file::Keys;
pub(crate) use keys::{Known, Refused};
pub use keys::{NewKey, Scope};
