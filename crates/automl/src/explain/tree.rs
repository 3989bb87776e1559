//! Exact Shapley values of members that can be taken apart, put together to those of the ensemble.
//!
//! The scores of boosters, forests, linear and additive models are divided exactly among the raw
//! columns for each pair of a row and a background row (features that are made of one column are
//! exchanged together). What comes after the scores is carried through pair by pair: a member's
//! link, the weighted mean over the members, the calibrator, and the scale that was asked for each
//! multiply the values by the quotient of the differences after and before it (the rescale rule of
//! DeepLIFT; G-DeepSHAP: Chen, Lundberg & Lee, Nature Communications 13, 2022). The sums stay
//! exact; where all of it is linear (a regression, or the margin of one booster) so is every
//! value.

use std::borrow::Cow;
use std::sync::Arc;

use modelwright_core::data::{FeatureMatrix, FeatureView, Table};
use modelwright_core::task::Predictions;
use modelwright_core::{Context, Error, Result};
use modelwright_evaluate::Calibrator;
use modelwright_inspect::explain::shapley::{
    Background, Explanation, Method, Scale, ShapleyOptions, Subject, background_rows, mixtures_pay,
};
use modelwright_learners::Fitted;
use modelwright_learners::ebm::Division;
use modelwright_learners::tree::shap::{self, Players};

use super::additive::{differences, linear_parts};
use super::part::{Part, place_of};
use crate::predictor::Predictor;

/// Rows that are explained between two questions whether there is time for more.
const ROWS_PER_BATCH: usize = 2048;
/// Rows up to which each is walked by itself: more of them share patterns.
const ROWS_WALKED: usize = 64;
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
    players: Arc<[Vec<u32>; 2]>,
}

/// What rows are explained against, worked out once: the background with all that is predicted on
/// its way. It belongs to one predictor.
pub(super) struct Ready {
    /// The players of each member's features.
    players: Vec<Arc<[Vec<u32>; 2]>>,
    known: Known,
}

/// A background and how it is walked.
struct Known {
    side: Side,
    /// By member; `None` where rows are not explained one by one.
    walked: Vec<Option<shap::Known>>,
    scale: Scale,
    n_rows: usize,
}

/// Features of some rows by encoder.
type Encoded = Vec<FeatureMatrix>;

impl<'a> Members<'a> {
    /// The members, if each has one score that can be divided among raw columns; `None` if not.
    pub(super) fn of(predictor: &'a Predictor, subject: &Subject<'_>) -> Option<Self> {
        // A second level mixes the scores of members with the columns.
        if predictor.n_outputs() != 1 || predictor.second_level.is_some() {
            return None;
        }
        let is_binary = predictor.task.is_classification();
        let place = |source: &Arc<str>| place_of(subject, source);
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
                let players = Arc::new([dense?, sparse?]);
                parts.push(Member { encoder: member.encoder, share, part, players });
            }
        }
        Some(Self { predictor, parts, n_columns: subject.columns.len() })
    }

    /// The members of the predictor that `ready` belongs to; `None` for another one.
    pub(super) fn again(
        predictor: &'a Predictor,
        subject: &Subject<'_>,
        ready: &Ready,
    ) -> Option<Self> {
        let is_binary = predictor.task.is_classification();
        let models = predictor.active().iter().flat_map(|m| m.models.iter().map(move |f| (m, f)));
        let mut players = ready.players.iter();
        let part = |(member, fitted): (&'a crate::predictor::Member, &'a Fitted)| {
            Some(Member {
                encoder: member.encoder,
                share: member.weight / member.models.len() as f64,
                part: Part::of(fitted, is_binary)?,
                players: players.next()?.clone(),
            })
        };
        let parts = models.map(part).collect::<Option<_>>()?;
        players.next().is_none().then_some(Self {
            predictor,
            parts,
            n_columns: subject.columns.len(),
        })
    }

    /// What all rows can be explained against, on the predictor's own scale.
    pub(super) fn ready(
        &self,
        subject: &Subject<'_>,
        background: &Background,
        ctx: &Context,
    ) -> Result<Ready> {
        let known = self.known(subject, background, subject.scale(), true, ctx)?;
        Ok(Ready { players: self.parts.iter().map(|m| m.players.clone()).collect(), known })
    }

    fn known(
        &self,
        subject: &Subject<'_>,
        background: &Background,
        scale: Scale,
        is_walked: bool,
        ctx: &Context,
    ) -> Result<Known> {
        let n_rows = background.n_rows();
        if n_rows == 0 {
            return Err(Error::input("there are no background rows"));
        }
        let encoded = self.encode(background.table(), ctx)?;
        let side = Side::of(self, encoded, subject, scale, n_rows, ctx)?;
        let walked = |member: &Member<'_>| {
            let view = FeatureView::all(&side.encoded[member.encoder]);
            let ensemble = member.part.ensemble(view.features.n_features());
            match ensemble.filter(|_| is_walked) {
                Some(ensemble) => shap::Known::of(&ensemble, &view, ctx),
                None => Ok(None),
            }
        };
        let walked = self.parts.iter().map(walked).collect::<Result<_>>()?;
        Ok(Known { side, walked, scale, n_rows })
    }

    /// Whether what is divided is a weighted sum of the scores.
    fn is_linear(&self, scale: Scale) -> bool {
        let is_sum = self.parts.iter().all(|m| m.part.is_identity());
        let is_plain = matches!(self.predictor.calibrator, Calibrator::None);
        let is_own_score = self.parts.len() == 1 && self.parts[0].part.is_logistic();
        is_plain && ((is_sum && scale != Scale::Margin) || (is_own_score && scale == Scale::Margin))
    }

    /// Whether they are the way to take: where they are exact, or faster.
    pub(super) fn suit(&self, scale: Option<Scale>) -> bool {
        let is_class = self.predictor.task.is_classification();
        let own = if is_class { Scale::Probability } else { Scale::Value };
        // Probabilities of functions that add up are theirs by the rescale rule only: mixtures
        // divide these better, and cost little.
        let is_additive = |m: &Member<'_>| matches!(m.part, Part::Additive(_));
        self.is_linear(scale.unwrap_or(own))
            || (!self.parts.iter().any(is_additive)
                && !mixtures_pay(self.n_columns, self.n_trees()))
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
        let n_background = options.n_background.unwrap_or(background_rows(self.n_columns));
        let background = background.thinned(n_background);
        let is_walked = table.n_rows() <= ROWS_WALKED;
        let known = self.known(subject, &background, scale, is_walked, ctx)?;
        self.explain_against(&known, subject, table, ctx)
    }

    /// Shapley values of rows against what was made ready for this predictor.
    pub(super) fn explain_ready(
        &self,
        ready: &Ready,
        subject: &Subject<'_>,
        table: &Table,
        ctx: &Context,
    ) -> Result<Explanation> {
        self.explain_against(&ready.known, subject, table, ctx)
    }

    fn explain_against(
        &self,
        known: &Known,
        subject: &Subject<'_>,
        table: &Table,
        ctx: &Context,
    ) -> Result<Explanation> {
        let (mut values, mut predictions) = (Vec::new(), Vec::new());
        let mut first = 0;
        while first < table.n_rows() && ctx.proceed() {
            let end = table.n_rows().min(first + ROWS_PER_BATCH);
            let rows: Vec<u32> = (first as u32..end as u32).collect();
            let encoded = self.encode(&table.select(&rows), ctx)?;
            let side = Side::of(self, encoded, subject, known.scale, rows.len(), ctx)?;
            values.extend(self.values(&side, known, subject, ctx)?);
            predictions.extend(side.finals);
            first = end;
        }
        let finals = &known.side.finals;
        Ok(Explanation {
            columns: subject.columns.clone(),
            outputs: subject.outputs.clone(),
            n_rows: first,
            values,
            base_values: vec![finals.iter().sum::<f64>() / finals.len() as f64],
            predictions,
            standard_errors: None,
            method: Method::Tree,
            scale: known.scale,
            n_background: known.n_rows,
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
        against: &Known,
        subject: &Subject<'_>,
        ctx: &Context,
    ) -> Result<Vec<f64>> {
        let (known, scale) = (&against.side, against.scale);
        let (n, m) = (rows.finals.len(), known.finals.len());
        let mut values = vec![0.0; n * self.n_columns];
        let is_linear = self.is_linear(scale);
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
            let walked = against.walked[i].as_ref().filter(|_| n <= ROWS_WALKED);
            let own = self.of_member(member, views, (weights.as_deref(), walked), ctx)?;
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
        (weights, walked): (Option<&[f64]>, Option<&shap::Known>),
        ctx: &Context,
    ) -> Result<Vec<f64>> {
        let n = self.n_columns;
        let ensemble = match (&member.part, member.part.ensemble(rows.features.n_features())) {
            (_, Some(ensemble)) => ensemble,
            (Part::Linear(model, _), _) => {
                let parts = |view| linear_parts(model, view, &member.players, n);
                return Ok(differences(&parts(&rows), &parts(&known), weights, member.share, n));
            }
            (Part::Additive(model), _) => {
                let even = member.share / known.n_rows() as f64;
                let even = || vec![even; rows.n_rows() * known.n_rows()];
                let weights = weights.map_or_else(|| Cow::Owned(even()), Cow::Borrowed);
                let players = &member.players[0];
                let division = Division { output: 0, players, n_players: n, weights: &weights };
                return model.interventional(&division, &rows, &known, ctx);
            }
            _ => return Ok(vec![0.0; rows.n_rows() * n]),
        };
        let players = Players::new(&member.players[0], n)?;
        if let Some(walked) = walked {
            let even =
                || vec![member.share / known.n_rows() as f64; rows.n_rows() * known.n_rows()];
            let weights = weights.map_or_else(|| Cow::Owned(even()), Cow::Borrowed);
            return walked.weighted(&ensemble, &players, &rows, &weights, ctx);
        }
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
