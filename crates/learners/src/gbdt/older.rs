//! Models of past layouts, and how they become today's.
//!
//! Layout 1: covers were row counts; nodes tested thresholds only; leaves had one number.

use std::sync::OnceLock;

use modelwright_core::Result;
use serde::Deserialize;

use super::model::{GbdtModel, Link};
use crate::learner::decode_whole;
use crate::tree::Tree;

#[derive(Deserialize)]
struct Model1 {
    n_features: u32,
    link: Link,
    base_scores: Vec<f64>,
    trees: Vec<Tree1>,
}

#[derive(Deserialize)]
struct Tree1 {
    features: Vec<u32>,
    thresholds: Vec<f32>,
    missing_left: Vec<bool>,
    children: Vec<[i32; 2]>,
    gains: Vec<f32>,
    covers: Vec<u32>,
    values: Vec<f64>,
    leaf_covers: Vec<u32>,
}

/// Reads a model of layout 1.
pub(super) fn decode(bytes: &[u8]) -> Result<GbdtModel> {
    let old: Model1 = decode_whole("gbdt", bytes)?;
    Ok(GbdtModel {
        n_features: old.n_features,
        link: old.link,
        base_scores: old.base_scores,
        trees: old.trees.into_iter().map(tree).collect(),
        compiled: OnceLock::new(),
    })
}

fn tree(old: Tree1) -> Tree {
    let covers = |counts: Vec<u32>| counts.into_iter().map(|n| n as f32).collect();
    Tree {
        features: old.features,
        thresholds: old.thresholds,
        missing_left: old.missing_left,
        children: old.children,
        gains: old.gains,
        covers: covers(old.covers),
        values: old.values,
        leaf_covers: covers(old.leaf_covers),
        ..Tree::default()
    }
}
