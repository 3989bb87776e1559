//! Who may ask for what, and how often.

mod keys;

pub use keys::{Keys, NewKey, Scope};
pub(crate) use keys::{Known, Refused};
