//! Learning algorithms: one file (or folder) each, listed in [`catalog`].

pub mod catalog;
pub mod learner;

pub use catalog::{LEARNERS, learner};
pub use learner::{Abilities, Entry, Fitted, Learner, LearnerSpec, Model};
