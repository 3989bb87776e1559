//! What a server is told, from three places: flags, the environment, a file.
//!
//! A flag goes before a variable, a variable before the file, the file before the default; each
//! value remembers where it came from, so that an error can name the place and a person can see
//! why it is as it is. Names that nobody knows are refused, with the nearest that is known: a
//! slip must not leave a server open that was meant to be closed.

mod keys;
mod layers;
mod print;
mod resolve;

pub use keys::{KEYS, Key, KeyKind, PREFIX};
pub use layers::{Config, Source};
