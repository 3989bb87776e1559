//! Exact Shapley values of the trees of a model of several classes, where what is divided is a
//! weighted sum of what they say: the scores of one booster, or the probabilities of forests.
//!
//! Probabilities behind a softmax are none: mixtures of rows divide them.

use modelwright_core::data::{FeatureView, Table};
use modelwright_core::{Context, Result};
use modelwright_evaluate::Calibrator;
use modelwright_inspect::explain::shapley::{
    Background, Explanation, Method, Scale, ShapleyOptions, Subject, background_rows,
};
use modelwright_learners::Fitted;
use modelwright_learners::ebm::{Division, EbmModel};
use modelwright_learners::forest::ForestModel;
use modelwright_learners::gbdt::GbdtModel;
use modelwright_learners::tree::shap::{self, Contributions, Ensemble, Players};

use super::part::place_of;
use crate::predictor::Predictor;

/// The models of a predictor of several classes, each with its share.
pub(super) struct Several<'a> {
    predictor: &'a Predictor,
    parts: Vec<Part<'a>>,
    scale: Scale,
}

struct Part<'a> {
    encoder: usize,
    share: f64,
    trees: Trees<'a>,
    /// The column of each dense feature.
    players: Vec<u32>,
}

enum Trees<'a> {
    Additive(&'a EbmModel),
    Booster(&'a GbdtModel),
    Forest(&'a ForestModel, Vec<f64>),
}

impl<'a> Several<'a> {
    /// The predictor on the scale that is asked for, if that is a sum of trees; `None` if not.
    pub(super) fn of(
        predictor: &'a Predictor,
        subject: &Subject<'_>,
        scale: Option<Scale>,
    ) -> Option<Self> {
        let scale = scale.unwrap_or(subject.scale());
        let is_plain = matches!(predictor.calibrator, Calibrator::None)
            && predictor.second_level.is_none()
            && predictor.n_outputs() > 1
            && predictor.task.is_classification();
        if !is_plain {
            return None;
        }
        let mut parts = Vec::new();
        for member in predictor.active() {
            let encoder = &predictor.encoders[member.encoder];
            let sources = encoder.feature_sources();
            let players: Vec<u32> =
                sources.iter().map(|s| place_of(subject, s)).collect::<Option<_>>()?;
            for fitted in &member.models {
                let trees = Trees::of(fitted)?;
                let share = member.weight / member.models.len() as f64;
                parts.push(Part {
                    encoder: member.encoder,
                    share,
                    trees,
                    players: players.clone(),
                });
            }
        }
        let is_sum = match (&parts[..], scale) {
            ([one], Scale::Margin) => !matches!(one.trees, Trees::Forest(..)),
            (all, Scale::Probability) => all.iter().all(|p| matches!(p.trees, Trees::Forest(..))),
            _ => false,
        };
        (is_sum && !parts.is_empty()).then_some(Self { predictor, parts, scale })
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
        let n_columns = subject.columns.len();
        let n_background = options.n_background.unwrap_or(background_rows(n_columns));
        let background = background.thinned(n_background);
        let n_outputs = subject.outputs.len();
        let mut found = Explanation {
            columns: subject.columns.clone(),
            outputs: subject.outputs.clone(),
            n_rows: table.n_rows(),
            values: vec![0.0; table.n_rows() * n_columns * n_outputs],
            base_values: vec![0.0; n_outputs],
            predictions: vec![0.0; table.n_rows() * n_outputs],
            standard_errors: None,
            method: Method::Tree,
            scale: self.scale,
            n_background: background.n_rows(),
        };
        for part in &self.parts {
            let encoder = &self.predictor.encoders[part.encoder];
            let rows = encoder.transform(table, ctx)?;
            let known = encoder.transform(background.table(), ctx)?;
            let views = [&rows, &known].map(FeatureView::all);
            if let Trees::Additive(model) = part.trees {
                add_functions(&mut found, model, &part.players, views, ctx)?;
                continue;
            }
            let Some(ensemble) = part.trees.ensemble(rows.n_features()) else { continue };
            let players = Players::new(&part.players, n_columns)?;
            let own = shap::interventional_of(&ensemble, &players, &views[0], &views[1], ctx)?;
            add(&mut found, &own, part.share);
        }
        Ok(found)
    }
}

/// Adds the scores of the one machine that adds functions up.
fn add_functions(
    found: &mut Explanation,
    model: &EbmModel,
    players: &[u32],
    [rows, known]: [FeatureView<'_>; 2],
    ctx: &Context,
) -> Result<()> {
    let (n_columns, n_outputs) = (found.columns.len(), found.outputs.len());
    let (n, m) = (rows.n_rows(), known.n_rows());
    let weights = vec![1.0 / m as f64; n * m];
    let bases = model.scores(&known, ctx)?;
    found.predictions = model.scores(&rows, ctx)?;
    for output in 0..n_outputs {
        let division = Division { output, players, n_players: n_columns, weights: &weights };
        let values = model.interventional(&division, &rows, &known, ctx)?;
        for (place, value) in values.iter().enumerate() {
            found.values[place * n_outputs + output] = *value;
        }
        let of_output = bases.iter().skip(output).step_by(n_outputs);
        found.base_values[output] = of_output.sum::<f64>() / m as f64;
    }
    Ok(())
}

/// Adds what one model says, by its share.
fn add(found: &mut Explanation, own: &Contributions, share: f64) {
    let (n_columns, n_outputs) = (found.columns.len(), found.outputs.len());
    for row in 0..own.n_rows {
        for output in 0..n_outputs {
            let parts = own.of(row, output);
            for (column, part) in parts[..n_columns].iter().enumerate() {
                found.values[(row * n_columns + column) * n_outputs + output] += share * part;
            }
            found.predictions[row * n_outputs + output] += share * own.score(row, output);
            if row == 0 {
                found.base_values[output] += share * parts[n_columns];
            }
        }
    }
}

impl<'a> Trees<'a> {
    fn of(fitted: &'a Fitted) -> Option<Self> {
        let model: &dyn std::any::Any = fitted.model.as_ref();
        if let Some(booster) = model.downcast_ref::<GbdtModel>() {
            return Some(Self::Booster(booster));
        }
        if let Some(ebm) = model.downcast_ref::<EbmModel>() {
            return Some(Self::Additive(ebm));
        }
        let forest = model.downcast_ref::<ForestModel>()?;
        Some(Self::Forest(forest, vec![0.0; forest.n_outputs()]))
    }

    /// The trees; `None` of functions.
    fn ensemble(&self, n_features: usize) -> Option<Ensemble<'_>> {
        match self {
            Self::Additive(_) => None,
            Self::Booster(model) => Some(model.ensemble()),
            Self::Forest(model, base) => Some(model.ensemble(base, n_features)),
        }
    }
}
