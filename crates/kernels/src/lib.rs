//! Numeric loops over slices: the only crate that may contain `unsafe`.
//!
//! Every kernel is a safe function over plain slices. Its algorithm is written once, generically;
//! thin wrappers compile the same code for wider vector units and [`dispatch`] chooses between them
//! at run time (AVX2, AVX-512; NEON belongs to every AArch64 machine); where the compiler finds no
//! vectors, the few operations that differ are intrinsics behind a trait. No wrapper may contract a
//! multiplication and an addition into one rounding (FMA), except [`product`], which is defined by
//! fused operations on every machine; reductions run over a fixed number of lanes, so that all
//! paths give the same bits on every machine. Tests compare each kernel with an obvious scalar one.
//!
//! | module | what it computes |
//! |---|---|
//! | [`dot`] | dot products, scaled additions, sums |
//! | [`product`] | products of matrices in panels |
//! | [`activation`] | the Mish function of layers, with dropout |
//! | [`periodic`] | periodic embeddings of numbers |
//! | [`adam`] | steps of the Adam optimiser |
//! | [`distance`] | distances between rows |
//! | [`exp`] | exponential and logistic functions of slices |
//! | [`gradient`] | gradients of the common losses |
//! | [`entry`] | rows of a leaf with their quantised gradients |
//! | [`partition`] | how they are divided between children |
//! | [`histogram`] | gradient sums per bin |
//! | [`threshold`] | the best cut of one histogram |
//! | [`level`] | gains of cuts that many leaves share |
//! | [`bounded`] | cuts whose children's values have bounds |
//! | [`subset`] | which levels of a category go left |
//! | [`forest`] | predictions of many trees for blocks of rows |
//! | [`shap`] | Shapley values of trees for blocks of rows |
//! | [`mapped`] | files without names, read as memory |

pub mod activation;
pub mod adam;
pub mod bounded;
pub mod dispatch;
pub mod distance;
pub mod dot;
pub mod entry;
pub mod exp;
pub mod forest;
pub mod gradient;
pub mod histogram;
pub mod level;
pub mod mapped;
pub mod partition;
pub mod periodic;
pub mod product;
pub mod shap;
pub mod subset;
pub mod threshold;

pub use dispatch::{Isa, isa};
