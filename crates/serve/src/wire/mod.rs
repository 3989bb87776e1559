//! Wire formats: the bytes of requests and answers, and nothing else.
//!
//! | module | protocol |
//! |---|---|
//! | `plain` | `POST /predict`: JSON, JSON Lines, CSV, Parquet, Arrow for people and programs |
//! | `v2` | Open Inference Protocol, with Triton's binary tensors |
//! | `v1` | KServe's first protocol, TensorFlow Serving's shape |
//! | `invocations` | MLflow and SageMaker |
//! | `feedback` | labels that come later |
//! | `openapi` | the description of all of it, and the page to try it |
//! | `prometheus`, `prometheus_drift` | metrics |
//! | `quick` | the short way of a single plain row, of any protocol |

pub(crate) mod answer;
mod cells;
pub(crate) mod docs;
pub(crate) mod feedback;
pub(crate) mod invocations;
pub(crate) mod negotiate;
pub(crate) mod openapi;
pub(crate) mod plain;
pub(crate) mod prometheus;
mod prometheus_drift;
pub(crate) mod quick;
pub(crate) mod rows_json;
pub(crate) mod tabular;
pub(crate) mod v1;
pub(crate) mod v2;
