//! The list of learners. A new learner is one file, its `mod` line in `lib.rs`, and one line here.

use modelwright_core::{Error, Result};

use crate::baseline::Baseline;
use crate::ebm::Ebm;
use crate::forest::{ExtraTrees, Isolation, RandomForest};
use crate::gbdt::Gbdt;
use crate::knn::Knn;
use crate::learner::Entry;
use crate::linear::Linear;
use crate::naive_bayes::NaiveBayes;
use crate::neural_net::NeuralNet;

/// All learners, simplest first.
pub const LEARNERS: &[Entry] = &[
    Entry::of::<Baseline>(),
    Entry::of::<Linear>(),
    Entry::of::<NaiveBayes>(),
    Entry::of::<Knn>(),
    Entry::of::<RandomForest>(),
    Entry::of::<ExtraTrees>(),
    Entry::of::<Gbdt>(),
    Entry::of::<NeuralNet>(),
    Entry::of::<Ebm>(),
];

/// The learners that need no target, which no search tries.
pub const UNLABELLED: &[Entry] = &[Entry::of::<Isolation>()];

/// The learner `name`.
///
/// # Errors
/// Input error that suggests the nearest name.
pub fn learner(name: &str) -> Result<&'static Entry> {
    LEARNERS.iter().chain(UNLABELLED).find(|e| e.spec.name == name).ok_or_else(|| {
        Error::input("unknown learner")
            .got(name)
            .suggest(name, LEARNERS.iter().map(|e| e.spec.name))
    })
}
