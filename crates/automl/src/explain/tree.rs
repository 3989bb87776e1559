//! Exact Shapley values of members that can be taken apart, put together to those of the ensemble.
//!
//! The scores of boosters, forests and linear models are divided exactly among the raw columns for
//! each pair of a row and a background row (features that are made of one column are exchanged
//! together). What comes after the scores is carried through pair by pair: a member's link, the
//! weighted mean over the members, the calibrator, and the scale that was asked for each multiply
//! the values by the quotient of the differences after and before it (the rescale rule of
//! DeepLIFT; G-DeepSHAP: Chen, Lundberg & Lee, Nature Communications 13, 2022). The sums stay
//! exact; where all of it is linear (a regression, or the margin of one booster) so is every
//! value.

use std::sync::Arc;

use modelwright_core::data::{FeatureMatrix, FeatureView, Table};
use modelwright_core::task::Predictions;
use modelwright_core::{Context, Error, Result};
use modelwright_evaluate::Calibrator;
use modelwright_inspect::explain::shapley::{
    Background, Explanation, Method, Scale, ShapleyOptions, Subject, mixtures_pay,
};
use modelwright_learners::tree::shap::{self, Players};

use super::additive::{differences, linear_parts};
use super::part::Part;
use crate::predictor::Predictor;

/// Background rows when values are exact whatever they are, and when pairs are weighted.
const BACKGROUND_LINEAR: usize = 128;
/// Pairs of rows, times trees, that weighting may take when nobody says how many rows.
const PAIRS_MAX: f64 = 4e8;
/// Weighted background rows: at least, and at most, unless said otherwise.
const BACKGROUND_MIN: usize = 8;
const BACKGROUND_MAX: usize = 64;
/// Rows that are explained between two questions whether there is time for more.
const ROWS_PER_BATCH: usize = 2048;
/// Differences below this are too small to divide by; the slope stands for the quotient.
const DIFFERENCE_MIN: f64 = 1e-10;
/// The step of the slope.
const STEP: f64 = 1e-5;

/// A predictor whose members can all be taken apart.
pub(super) struct Members<'a> {
    predictor: &'a Predictor,
    /// The models with their encoders and shares.
    parts: Vec<Member<'a>>,
    n_columns: usize,
}

struct Member<'a> {
    encoder: usize,
    share: f64,
    part: Part<'a>,
    /// The column of each dense and of each sparse feature.
    players: [Vec<u32>; 2],
}

/// Features of some rows by encoder.
type Encoded = Vec<FeatureMatrix>;

impl<'a> Members<'a> {
    /// The members, if each has one score that can be divided among raw columns; `None` if not.
    pub(super) fn of(predictor: &'a Predictor, subject: &Subject<'_>) -> Option<Self> {
        if predictor.n_outputs() != 1 {
            return None;
        }
        let is_binary = predictor.task.is_classification();
        let place = |source: &Arc<str>| {
            subject.columns.iter().position(|column| **column == **source).map(|i| i as u32)
        };
        let mut parts = Vec::new();
        for member in predictor.active() {
            let encoder = &predictor.encoders[member.encoder];
            let (dense, sparse) = (encoder.feature_sources(), encoder.sparse_sources());
            for fitted in &member.models {
                let part = Part::of(fitted, is_binary)?;
                // A feature that is made of several columns may be there if the model ignores it.
                let reads = part.reads(dense.len());
                let of = |(source, reads): (&Arc<str>, bool)| {
                    place(source).or_else(|| (!reads).then_some(0))
                };
                let dense: Option<Vec<u32>> = dense.iter().zip(reads).map(of).collect();
                let sparse: Option<Vec<u32>> = sparse.iter().map(place).collect();
                let share = member.weight / member.models.len() as f64;
                let players = [dense?, sparse?];
                parts.push(Member { encoder: member.encoder, share, part, players });
            }
        }
        Some(Self { predictor, parts, n_columns: subject.columns.len() })
    }

    /// Whether what is divided is a weighted sum of the scores.
    fn is_linear(&self, scale: Scale) -> bool {
        let is_sum = self.parts.iter().all(|m| m.part.is_identity());
        let is_plain = matches!(self.predictor.calibrator, Calibrator::None);
        let is_own_score = self.parts.len() == 1 && self.parts[0].part.is_logistic();
        is_plain && ((is_sum && scale != Scale::Margin) || (is_own_score && scale == Scale::Margin))
    }

    /// Whether they are the way to take for so many rows: where they are exact, or faster.
    pub(super) fn suit(&self, n_rows: usize, scale: Option<Scale>) -> bool {
        let is_class = self.predictor.task.is_classification();
        let own = if is_class { Scale::Probability } else { Scale::Value };
        self.is_linear(scale.unwrap_or(own))
            || !mixtures_pay(n_rows, self.n_columns, self.n_trees())
    }

    fn n_trees(&self) -> usize {
        self.parts.iter().map(|m| m.part.n_trees()).sum()
    }

    /// Shapley values of all rows.
    pub(super) fn explain(
        &self,
        subject: &Subject<'_>,
        table: &Table,
        background: &Background,
        options: &ShapleyOptions,
        ctx: &Context,
    ) -> Result<Explanation> {
        let scale = options.scale.unwrap_or(subject.scale());
        let is_linear = self.is_linear(scale);
        let chosen = if is_linear {
            BACKGROUND_LINEAR
        } else {
            let pairs = PAIRS_MAX / (self.n_trees().max(1) * table.n_rows().max(1)) as f64;
            (pairs as usize).clamp(BACKGROUND_MIN, BACKGROUND_MAX)
        };
        let background = background.thinned(options.n_background.unwrap_or(chosen));
        if background.n_rows() == 0 {
            return Err(Error::input("there are no background rows"));
        }
        let known = self.encode(background.table(), ctx)?;
        let known = Side::of(self, known, subject, scale, background.n_rows(), ctx)?;
        let (mut values, mut predictions) = (Vec::new(), Vec::new());
        let mut first = 0;
        while first < table.n_rows() && ctx.proceed() {
            let end = table.n_rows().min(first + ROWS_PER_BATCH);
            let rows: Vec<u32> = (first as u32..end as u32).collect();
            let encoded = self.encode(&table.select(&rows), ctx)?;
            let side = Side::of(self, encoded, subject, scale, rows.len(), ctx)?;
            values.extend(self.values(&side, &known, subject, scale, is_linear, ctx)?);
            predictions.extend(side.finals);
            first = end;
        }
        let base = known.finals.iter().sum::<f64>() / known.finals.len() as f64;
        Ok(Explanation {
            columns: subject.columns.clone(),
            outputs: subject.outputs.clone(),
            n_rows: first,
            values,
            base_values: vec![base],
            predictions,
            standard_errors: None,
            method: Method::Tree,
            scale,
            n_background: background.n_rows(),
        })
    }

    fn encode(&self, table: &Table, ctx: &Context) -> Result<Encoded> {
        let is_used = |i: usize| self.parts.iter().any(|m| m.encoder == i);
        let encoders = self.predictor.encoders.iter().enumerate();
        encoders
            .map(|(i, encoder)| {
                if is_used(i) {
                    encoder.transform(table, ctx)
                } else {
                    Ok(FeatureMatrix::default())
                }
            })
            .collect()
    }

    /// Values of the rows of one side against the other.
    fn values(
        &self,
        rows: &Side,
        known: &Side,
        subject: &Subject<'_>,
        scale: Scale,
        is_linear: bool,
        ctx: &Context,
    ) -> Result<Vec<f64>> {
        let (n, m) = (rows.finals.len(), known.finals.len());
        let mut values = vec![0.0; n * self.n_columns];
        let after = (!is_linear).then(|| self.after(rows, known, subject, scale, ctx));
        for (i, member) in self.parts.iter().enumerate() {
            let weights = after.as_ref().map(|after| {
                let pair = |place: usize| {
                    let (u, v) = (rows.scores[i][place / m], known.scores[i][place % m]);
                    let quotient = quotient(u, v, &|score| member.part.linked(score));
                    after[place] * member.share * quotient / m as f64
                };
                ctx.map(n, |row| (row * m..(row + 1) * m).map(pair).collect::<Vec<f64>>()).concat()
            });
            let views = [rows, known].map(|side| FeatureView::all(&side.encoded[member.encoder]));
            let own = self.of_member(member, views, weights.as_deref(), ctx)?;
            for (sum, value) in values.iter_mut().zip(own) {
                *sum += value;
            }
        }
        Ok(values)
    }

    /// For each pair of rows the quotient of calibrator and scale.
    fn after(
        &self,
        rows: &Side,
        known: &Side,
        subject: &Subject<'_>,
        scale: Scale,
        ctx: &Context,
    ) -> Vec<f64> {
        let m = known.means.len();
        let is_share = self.predictor.task.is_classification();
        let last = |p: f64| {
            let p = if is_share { p.clamp(0.0, 1.0) } else { p };
            finished(self.predictor, subject, scale, vec![p])[0]
        };
        let of_row = |row: usize| -> Vec<f64> {
            (0..m).map(|b| quotient(rows.means[row], known.means[b], &last)).collect()
        };
        ctx.map(rows.means.len(), of_row).concat()
    }

    /// What each column adds to a member's scores, by pairs with weights or as a mean.
    fn of_member(
        &self,
        member: &Member<'_>,
        [rows, known]: [FeatureView<'_>; 2],
        weights: Option<&[f64]>,
        ctx: &Context,
    ) -> Result<Vec<f64>> {
        let n = self.n_columns;
        let n_features = rows.features.n_features();
        let base = [0.0];
        let ensemble = match &member.part {
            Part::Constant(_) => return Ok(vec![0.0; rows.n_rows() * n]),
            Part::Linear(model, _) => {
                let parts = |view| linear_parts(model, view, &member.players, n);
                return Ok(differences(&parts(&rows), &parts(&known), weights, member.share, n));
            }
            Part::Booster(model) => model.ensemble(),
            Part::Forest(model) => {
                let scale = 1.0 / model.trees().len() as f64;
                shap::Ensemble { trees: model.trees(), base: &base, scale, n_features }
            }
        };
        let players = Players::new(&member.players[0], n)?;
        if let Some(weights) = weights {
            return shap::weighted(&ensemble, &players, &rows, &known, weights, ctx);
        }
        let found = shap::interventional_of(&ensemble, &players, &rows, &known, ctx)?;
        // Without the biases, which stand behind each row.
        let values = found.values.chunks_exact(n + 1).flat_map(|row| &row[..n]);
        Ok(values.map(|value| value * member.share).collect())
    }
}

/// Rows with everything that is predicted on the way.
struct Side {
    encoded: Encoded,
    /// Scores by member.
    scores: Vec<Vec<f64>>,
    /// The weighted means of the members' predictions.
    means: Vec<f64>,
    /// What is divided.
    finals: Vec<f64>,
}

impl Side {
    fn of(
        members: &Members<'_>,
        encoded: Encoded,
        subject: &Subject<'_>,
        scale: Scale,
        n_rows: usize,
        ctx: &Context,
    ) -> Result<Self> {
        let mut means = vec![0.0; n_rows];
        let mut scores = Vec::new();
        for member in &members.parts {
            let view = FeatureView::all(&encoded[member.encoder]);
            let of_rows = member.part.scores(&view, &member.players, members.n_columns, ctx)?;
            for (mean, score) in means.iter_mut().zip(&of_rows) {
                *mean += member.share * member.part.linked(*score);
            }
            scores.push(of_rows);
        }
        let finals = if members.is_linear(scale) && scale == Scale::Margin {
            scores[0].clone()
        } else {
            finished(members.predictor, subject, scale, means.clone())
        };
        Ok(Self { encoded, scores, means, finals })
    }
}

/// Means of predictions through the calibrator and on the scale.
fn finished(
    predictor: &Predictor,
    subject: &Subject<'_>,
    scale: Scale,
    means: Vec<f64>,
) -> Vec<f64> {
    let mut predictions = Predictions::new(1, means);
    predictor.calibrator.apply(&mut predictions);
    subject.on_scale(scale, &mut predictions);
    predictions.values
}

/// `(f(u) - f(v)) / (u - v)`, and the slope between them where they are too close.
fn quotient(u: f64, v: f64, f: &dyn Fn(f64) -> f64) -> f64 {
    let difference = u - v;
    if difference.abs() > DIFFERENCE_MIN * (1.0 + u.abs().max(v.abs())) {
        return (f(u) - f(v)) / difference;
    }
    let middle = f64::midpoint(u, v);
    let step = STEP * (1.0 + middle.abs());
    (f(middle + step) - f(middle - step)) / (2.0 * step)
}
