//! Learning algorithms: one file (or folder) each, listed in [`catalog`].

pub mod baseline;
pub mod catalog;
#[cfg(test)]
mod checks;
pub mod course;
pub mod ebm;
#[cfg(test)]
mod example;
pub mod forest;
pub mod gbdt;
pub mod knn;
pub mod learner;
pub mod linear;
pub mod naive_bayes;
pub mod neural_net;
pub mod own;
mod standby;
mod together;
pub mod tree;

pub use catalog::{LEARNERS, UNLABELLED, learner};
pub use course::Course;
pub use learner::{Abilities, Entry, Fitted, Learner, LearnerSpec, Model};
pub use own::{Algorithm, OWN};
