//! A fitted machine: plain tables, what they predict, and what they say of each row.

use std::sync::OnceLock;

use modelwright_core::data::{FeatureView, MAX_CUTS};
use modelwright_core::task::Predictions;
use modelwright_core::{Context, Error, Result};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::coarse::{MISSING, SIDE};
use crate::gbdt::Link;
use crate::learner::Model;
use crate::tree::bins::BinFeature;

/// Rows that are looked up together.
const BLOCK: usize = 128;
/// Up to so many rows are scored one by one.
const FEW_ROWS: usize = 4;
/// Rows times terms from which threads share the work.
const PARALLEL_LOOK_UPS: usize = 1 << 16;

/// A sum of functions of one feature and of pairs of features.
#[derive(Debug, Serialize, Deserialize)]
pub struct EbmModel {
    n_features: u32,
    link: Link,
    intercepts: Vec<f64>,
    axes: Vec<Axis>,
    terms: Vec<Term>,
    rounds: u32,
    #[serde(skip)]
    searches: OnceLock<Vec<[f32; 256]>>,
}

/// The bins of a feature.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Axis {
    feature: u32,
    is_category: bool,
    cuts: Vec<f32>,
}

/// A function of one feature or of a pair, as a table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Term {
    /// Positions among the axes; one or two.
    axes: Vec<u32>,
    /// For a pair, the group of each bin of each of the two, the missing bin last.
    groups: Vec<Vec<u8>>,
    /// Numbers of an output along each side.
    shape: Vec<u32>,
    /// Outputs one after the other; of a pair, row-major.
    values: Vec<f64>,
    /// Summed over outputs.
    importance: f64,
}

impl Axis {
    pub(super) fn of(feature: &BinFeature<'_>) -> Self {
        let (is_category, cuts) = (feature.is_category, feature.cuts.to_vec());
        Self { feature: feature.index, is_category, cuts }
    }

    fn n_bins(&self) -> usize {
        self.cuts.len() + 2
    }

    /// The cuts, padded for a search of 8 steps.
    fn search(&self) -> [f32; 256] {
        let mut table = [f32::INFINITY; 256];
        table[..self.cuts.len()].copy_from_slice(&self.cuts);
        table
    }

    /// The bin of a value, as in training; a level of a category that training lacks is missing.
    #[inline]
    fn bin(&self, search: &[f32; 256], value: f32) -> u8 {
        let is_unknown = self.is_category && value > self.cuts.len() as f32 + 0.5;
        if value.is_nan() || is_unknown {
            return (self.cuts.len() + 1) as u8;
        }
        let (mut place, mut step) = (0, 128);
        while step > 0 {
            // `place + step` never exceeds 255.
            place += step * usize::from(search[(place + step - 1) & 255] < value);
            step /= 2;
        }
        place as u8
    }
}

impl Term {
    pub(super) fn main(axis: u32) -> Self {
        let (axes, values) = (vec![axis], Vec::new());
        Self { axes, groups: Vec::new(), shape: Vec::new(), values, importance: 0.0 }
    }

    /// A pair; the group of missing values becomes the last of those that are used.
    pub(super) fn pair(sides: [(u32, &[u8]); 2]) -> Self {
        let mut term = Self::main(sides[0].0);
        term.axes.push(sides[1].0);
        for (_, group_of) in sides {
            let used = group_of.iter().filter(|g| usize::from(**g) < MISSING).max();
            let missing = used.map_or(0, |last| last + 1);
            let groups = group_of.iter().map(|g| (*g).min(missing));
            term.groups.push(groups.collect());
            term.shape.push(u32::from(missing) + 1);
        }
        term
    }

    /// Adds the numbers of the next output: one per bin, or the table of a pair.
    pub(super) fn add_output(&mut self, values: &[f64], importance: f64) {
        self.importance += importance;
        let [rows, columns] = self.shape[..] else {
            self.shape = vec![values.len() as u32];
            self.values.extend(values);
            return;
        };
        let place = |i: u32, n: u32| if i + 1 == n { MISSING } else { i as usize };
        for row in 0..rows {
            let of_row = &values[place(row, rows) * SIDE..];
            self.values.extend((0..columns).map(|column| of_row[place(column, columns)]));
        }
    }

    /// The mean size of what it adds to a score over the training rows, summed over outputs.
    pub fn importance(&self) -> f64 {
        self.importance
    }

    /// How many numbers there are along each feature: bins for a single feature, groups of bins
    /// ([`Self::groups`]) for a pair. The last is for missing values.
    pub fn shape(&self) -> &[u32] {
        &self.shape
    }

    /// The group of each bin of the first (0) or second (1) feature of a pair; `None` for a
    /// single feature, whose bins are their own groups.
    pub fn groups(&self, side: usize) -> Option<&[u8]> {
        self.groups.get(side).map(Vec::as_slice)
    }

    /// What is added to the score of an output; row-major for a pair.
    ///
    /// # Panics
    /// If there is no such output.
    pub fn values(&self, output: usize) -> &[f64] {
        let n = self.n_values();
        &self.values[output * n..(output + 1) * n]
    }

    /// The position of a pair's second feature among the axes.
    pub(super) fn second_axis(&self) -> Option<usize> {
        self.axes.get(1).map(|axis| *axis as usize)
    }

    fn n_values(&self) -> usize {
        self.shape.iter().map(|n| *n as usize).product()
    }

    fn validate(&self, axes: &[Axis], n_outputs: usize) -> Result<()> {
        let broken = |what: &str| Err(Error::input(format!("a stored ebm is broken: {what}")));
        let of: Option<Vec<&Axis>> = self.axes.iter().map(|a| axes.get(*a as usize)).collect();
        let Some(of) = of else { return broken("a term of a feature that it has not") };
        let fits = match (&of[..], &self.shape[..], &self.groups[..]) {
            ([axis], [n], []) => *n as usize == axis.n_bins(),
            ([a, b], [n, m], [of_a, of_b]) => {
                [(a, n, of_a), (b, m, of_b)].iter().all(|(axis, n, groups)| {
                    (1..=SIDE as u32).contains(*n)
                        && groups.len() == axis.n_bins()
                        && groups.iter().all(|g| u32::from(*g) < **n)
                })
            }
            _ => false,
        };
        if !fits || self.n_values() * n_outputs != self.values.len() {
            return broken("a table that does not fit its features");
        }
        if !(self.importance.is_finite() && self.importance >= 0.0) {
            return broken("an importance that cannot be");
        }
        Ok(())
    }
}

impl EbmModel {
    pub(super) fn new(
        n_features: usize,
        link: Link,
        intercepts: Vec<f64>,
        axes: Vec<Axis>,
        rounds: usize,
    ) -> Self {
        let (n_features, rounds) = (n_features as u32, rounds as u32);
        let searches = OnceLock::new();
        Self { n_features, link, intercepts, axes, terms: Vec::new(), rounds, searches }
    }

    pub(super) fn add_intercept(&mut self, output: usize, by: f64) {
        self.intercepts[output] += by;
    }

    /// Takes the terms that say something, and the axes that they use.
    pub(super) fn keep(&mut self, mut terms: Vec<Term>) {
        terms.retain(|term| term.values.iter().any(|v| *v != 0.0));
        let mut place = vec![None; self.axes.len()];
        let mut axes = Vec::new();
        for axis in terms.iter_mut().flat_map(|term| &mut term.axes) {
            let old = *axis as usize;
            *axis = *place[old].get_or_insert_with(|| {
                axes.push(self.axes[old].clone());
                axes.len() as u32 - 1
            });
        }
        (self.axes, self.terms) = (axes, terms);
    }

    /// The same machine adding other numbers: `intercepts` for each output, and for each term the
    /// numbers of [`Term::values`], output after output.
    ///
    /// # Errors
    /// Input error when there are more or fewer numbers than places, or scores could overflow.
    pub fn with_values(&self, intercepts: Vec<f64>, values: Vec<Vec<f64>>) -> Result<Self> {
        let wanted = (self.intercepts.len(), self.terms.len());
        if (intercepts.len(), values.len()) != wanted {
            return Err(Error::input("the numbers do not fit the machine")
                .expected(format!("{} intercepts and {} terms", wanted.0, wanted.1))
                .got(format!("{} and {}", intercepts.len(), values.len())));
        }
        let terms = self.terms.iter().cloned().zip(values);
        let model = Self {
            n_features: self.n_features,
            link: self.link,
            intercepts,
            axes: self.axes.clone(),
            terms: terms.map(|(term, values)| Term { values, ..term }).collect(),
            rounds: self.rounds,
            searches: OnceLock::new(),
        };
        model.validate()?;
        Ok(model)
    }

    /// The same machine with the importance that each term has on the rows of `x`: the mean size of
    /// what it adds, summed over outputs.
    ///
    /// # Errors
    /// As [`Self::scores`].
    pub fn weighed_on(mut self, x: &FeatureView<'_>, ctx: &Context) -> Result<Self> {
        let added = self.contributions(x, ctx)?;
        let (n_terms, n_rows) = (self.terms.len(), x.n_rows());
        if n_rows == 0 || n_terms == 0 {
            return Ok(self);
        }
        let mut sums = vec![0.0; n_terms];
        for of_output in added.chunks_exact(n_terms) {
            sums.iter_mut().zip(of_output).for_each(|(sum, value)| *sum += value.abs());
        }
        for (term, sum) in self.terms.iter_mut().zip(sums) {
            term.importance = sum / n_rows as f64;
        }
        Ok(self)
    }

    /// How many scores a row has: 1, or the number of classes when there are more than two.
    pub fn n_outputs(&self) -> usize {
        self.intercepts.len()
    }

    /// How scores become predictions.
    pub fn link(&self) -> Link {
        self.link
    }

    /// The score of each output where every function says nothing: that of the mean training row.
    pub fn intercepts(&self) -> &[f64] {
        &self.intercepts
    }

    /// The functions: of single features in the order of the features, then of pairs, those that
    /// interact most first. Each has a mean of 0 over the training rows.
    pub fn terms(&self) -> &[Term] {
        &self.terms
    }

    /// The features of a term, as positions in the table of features: one, or two for a pair.
    pub fn features<'a>(&'a self, term: &'a Term) -> impl Iterator<Item = usize> + 'a {
        term.axes.iter().map(|axis| self.axes[*axis as usize].feature as usize)
    }

    /// The cut points between the bins of a feature; empty where no term has the feature.
    ///
    /// A value has the bin `#{cut : cut < value}`, missing values have one more than the last.
    pub fn cuts(&self, feature: usize) -> &[f32] {
        let axis = self.axes.iter().find(|axis| axis.feature as usize == feature);
        axis.map_or(&[], |axis| &axis.cuts)
    }

    /// Whether a feature is the number of a level: numbers beyond its cuts are missing.
    pub fn is_category(&self, feature: usize) -> bool {
        self.axes.iter().any(|axis| axis.feature as usize == feature && axis.is_category)
    }

    /// Scores before the link, row-major.
    ///
    /// # Errors
    /// Input error when `x` does not have the columns it was fitted on.
    pub fn scores(&self, x: &FeatureView<'_>, ctx: &Context) -> Result<Vec<f64>> {
        let n_outputs = self.n_outputs();
        if x.n_rows() <= FEW_ROWS && x.features.n_features() == self.n_features as usize {
            return Ok(self.few_scores(x));
        }
        self.for_blocks(x, n_outputs, ctx, |codes, lanes, out| {
            for row in out.chunks_exact_mut(n_outputs) {
                row.copy_from_slice(&self.intercepts);
            }
            for term in &self.terms {
                let n = term.n_values();
                for (lane, row) in (0..lanes).zip(out.chunks_exact_mut(n_outputs)) {
                    let cell = cell(term, |axis| codes[axis][lane]);
                    let values = term.values.iter().skip(cell).step_by(n);
                    for (score, value) in row.iter_mut().zip(values) {
                        *score += value;
                    }
                }
            }
        })
    }

    /// The scores of rows that are too few to fill a block; the sums run in the same order.
    fn few_scores(&self, x: &FeatureView<'_>) -> Vec<f64> {
        let searches = self.searches.get_or_init(|| self.axes.iter().map(Axis::search).collect());
        let mut scores = self.intercepts.repeat(x.n_rows());
        let mut codes = vec![0; self.axes.len()];
        for (i, row) in scores.chunks_exact_mut(self.n_outputs()).enumerate() {
            for ((axis, search), code) in self.axes.iter().zip(searches).zip(&mut codes) {
                let values = &x.features.columns[axis.feature as usize].values;
                *code = axis.bin(search, values[x.row(i)]);
            }
            for term in &self.terms {
                let cell = cell(term, |axis| codes[axis]);
                let values = term.values.iter().skip(cell).step_by(term.n_values());
                for (score, value) in row.iter_mut().zip(values) {
                    *score += value;
                }
            }
        }
        scores
    }

    /// The bin of every axis, row by row.
    pub(super) fn codes(&self, x: &FeatureView<'_>) -> Vec<Vec<u8>> {
        let searches = self.searches.get_or_init(|| self.axes.iter().map(Axis::search).collect());
        let of_row = |row: usize| -> Vec<u8> {
            let axes = self.axes.iter().zip(searches);
            axes.map(|(axis, search)| {
                axis.bin(search, x.features.columns[axis.feature as usize].values[x.row(row)])
            })
            .collect()
        };
        (0..x.n_rows()).map(of_row).collect()
    }

    /// What each term adds to each score of the rows of `x`, row-major by row, output, term: with
    /// the intercept it sums to the score.
    ///
    /// # Errors
    /// As [`Self::scores`].
    pub fn contributions(&self, x: &FeatureView<'_>, ctx: &Context) -> Result<Vec<f64>> {
        let (n_outputs, n_terms) = (self.n_outputs(), self.terms.len());
        self.for_blocks(x, n_outputs * n_terms, ctx, |codes, lanes, out| {
            for (lane, row) in (0..lanes).zip(out.chunks_exact_mut((n_outputs * n_terms).max(1))) {
                for (output, row) in row.chunks_exact_mut(n_terms).enumerate() {
                    for (value, term) in row.iter_mut().zip(&self.terms) {
                        *value = term.values(output)[cell(term, |axis| codes[axis][lane])];
                    }
                }
            }
        })
    }

    /// Calls `work(codes by axis, rows, out)` for blocks of rows; `out` has `per_row` places for
    /// each.
    fn for_blocks(
        &self,
        x: &FeatureView<'_>,
        per_row: usize,
        ctx: &Context,
        work: impl Fn(&[[u8; BLOCK]], usize, &mut [f64]) + Sync,
    ) -> Result<Vec<f64>> {
        if x.features.n_features() != self.n_features as usize {
            return Err(Error::input("the table has other features than the model")
                .expected(format!("{} features", self.n_features))
                .got(format!("{} features", x.features.n_features())));
        }
        let n_rows = x.n_rows();
        let mut out = vec![0.0; n_rows * per_row];
        let searches = self.searches.get_or_init(|| self.axes.iter().map(Axis::search).collect());
        let block = |(block, out): (usize, &mut [f64])| {
            let start = block * BLOCK;
            let lanes = (n_rows - start).min(BLOCK);
            let mut codes = vec![[0; BLOCK]; self.axes.len()];
            for ((axis, search), codes) in self.axes.iter().zip(searches).zip(&mut codes) {
                let values = &x.features.columns[axis.feature as usize].values;
                for (lane, code) in codes[..lanes].iter_mut().enumerate() {
                    *code = axis.bin(search, values[x.row(start + lane)]);
                }
            }
            work(&codes, lanes, out);
        };
        let size = BLOCK * per_row.max(1);
        if n_rows * self.terms.len() < PARALLEL_LOOK_UPS {
            out.chunks_mut(size).enumerate().for_each(block);
        } else {
            ctx.install(|| out.par_chunks_mut(size).enumerate().for_each(block));
        }
        Ok(out)
    }
}

/// The place of a row in the table of a term.
#[inline]
pub(super) fn cell(term: &Term, code_of: impl Fn(usize) -> u8) -> usize {
    let code = |side: usize| usize::from(code_of(term.axes[side] as usize));
    match &term.groups[..] {
        [a, b] => {
            let group = usize::from(a[code(0)]) * term.shape[1] as usize;
            group + usize::from(b[code(1)])
        }
        _ => code(0),
    }
}

impl Model for EbmModel {
    fn predict(&self, x: &FeatureView<'_>, ctx: &Context) -> Result<Predictions> {
        let mut values = self.scores(x, ctx)?;
        self.link.apply(&mut values, self.n_outputs());
        Ok(Predictions::new(self.n_outputs(), values))
    }

    fn rounds(&self) -> usize {
        self.rounds as usize
    }

    fn n_features(&self) -> usize {
        self.n_features as usize
    }

    fn validate(&self) -> Result<()> {
        let broken = |what: &str| Err(Error::input(format!("a stored ebm is broken: {what}")));
        let fits = match self.link {
            Link::Identity | Link::Logistic => self.n_outputs() == 1,
            Link::Softmax => self.n_outputs() > 2,
            _ => false,
        };
        if !fits {
            return broken("its outputs do not fit its link");
        }
        for axis in &self.axes {
            let ascending = axis.cuts.windows(2).all(|pair| pair[0] < pair[1]);
            let finite = axis.cuts.iter().all(|c| c.is_finite());
            if axis.feature >= self.n_features || axis.cuts.len() > MAX_CUTS {
                return broken("a feature that it has not, or too many bins");
            }
            if !ascending || !finite {
                return broken("cuts that do not ascend");
            }
        }
        let mut largest = self.intercepts.iter().fold(0.0, |sum, v| sum + v.abs());
        for term in &self.terms {
            term.validate(&self.axes, self.n_outputs())?;
            largest += term.values.iter().fold(0.0, |sum, v| sum + v.abs());
        }
        if !largest.is_finite() {
            return broken("its scores can overflow");
        }
        Ok(())
    }
}
