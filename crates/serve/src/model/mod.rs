//! Models in memory: loaded and proved, watched, exchanged without a request noticing.

mod door;
mod gather;
mod hub;
mod loaded;
mod refused;
mod registry;
mod repository;
mod rollout;
mod row_work;
mod seen;
mod training;

pub(crate) use door::{Door, Unusual};
pub(crate) use hub::{Entry, Hub, State};
pub(crate) use loaded::Model;
pub(crate) use refused::no_such_version;
pub(crate) use repository::is_name;
pub(crate) use rollout::{Canary, ShadowStats};
pub(crate) use row_work::{RowPool, RowWork};
pub(crate) use training::Training;
