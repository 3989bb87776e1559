//! One booster by its own covers: path-dependent TreeSHAP and SHAP interactions.
//!
//! What is "not known" goes both ways at a node in the proportion of the training rows, so that no
//! background is needed: the numbers of LightGBM's `pred_contrib` and XGBoost's `pred_contribs`.
//! Several features of one column are added up.

use modelwright_core::data::{FeatureView, Table};
use modelwright_core::{Context, Error, Result};
use modelwright_evaluate::Calibrator;
use modelwright_inspect::explain::shapley::{
    ColumnInteractions, Explanation, Method, Scale, Subject,
};
use modelwright_learners::gbdt::GbdtModel;
use modelwright_preprocess::encode::FittedEncoder;

use super::part::place_of;
use crate::predictor::Predictor;

/// A predictor that is one booster, without anything behind it.
struct OneBooster<'a> {
    encoder: &'a FittedEncoder,
    model: &'a GbdtModel,
    share: f64,
    /// The column of each feature.
    players: Vec<usize>,
}

/// Whether the predictor can be explained by its own covers.
pub(super) fn suits(predictor: &Predictor, subject: &Subject<'_>) -> bool {
    OneBooster::of(predictor, subject)
        .is_ok_and(|one| one.model.trees().iter().all(|tree| tree.linear.is_empty()))
}

impl<'a> OneBooster<'a> {
    fn of(predictor: &'a Predictor, subject: &Subject<'_>) -> Result<Self> {
        let refused = || {
            Error::input("the model is not one booster without derived columns")
                .at("method path")
                .hint("use the method tree or permutation")
        };
        let [member] = predictor.active() else { return Err(refused()) };
        let [fitted] = &member.models[..] else { return Err(refused()) };
        let model: &dyn std::any::Any = fitted.model.as_ref();
        let model = model.downcast_ref::<GbdtModel>().ok_or_else(refused)?;
        if !matches!(predictor.calibrator, Calibrator::None) {
            return Err(refused());
        }
        let encoder = &predictor.encoders[member.encoder];
        let place = |source: &std::sync::Arc<str>| {
            place_of(subject, source).map(|place| place as usize).ok_or_else(refused)
        };
        let players = encoder.feature_sources().iter().map(place).collect::<Result<_>>()?;
        Ok(Self { encoder, model, share: member.weight, players })
    }
}

/// Path-dependent values of the scores of one booster.
///
/// # Errors
/// Input error when the predictor is something else, or has linear leaves.
pub(super) fn explain(
    predictor: &Predictor,
    subject: &Subject<'_>,
    table: &Table,
    scale: Option<Scale>,
    ctx: &Context,
) -> Result<Explanation> {
    if scale == Some(Scale::Probability) {
        return Err(Error::input("paths divide the score, not the probability")
            .at("method path")
            .expected("the scale margin")
            .hint("use the method tree or permutation for probabilities"));
    }
    let one = OneBooster::of(predictor, subject)?;
    let features = one.encoder.transform(table, ctx)?;
    let found = one.model.shap(&FeatureView::all(&features), ctx)?;
    let (n_rows, n_outputs, n_features) = (found.n_rows, found.n_outputs, found.n_features);
    let n_columns = subject.columns.len();
    let mut values = vec![0.0; n_rows * n_columns * n_outputs];
    let mut predictions = vec![0.0; n_rows * n_outputs];
    let mut base_values = vec![0.0; n_outputs];
    for (place, parts) in found.values.chunks_exact(n_features + 1).enumerate() {
        let (row, output) = (place / n_outputs, place % n_outputs);
        for (feature, part) in parts[..n_features].iter().enumerate() {
            let column = one.players[feature];
            values[(row * n_columns + column) * n_outputs + output] += one.share * part;
        }
        base_values[output] = one.share * parts[n_features];
        predictions[place] = one.share * found.score(row, output);
    }
    Ok(Explanation {
        columns: subject.columns.clone(),
        outputs: subject.outputs.clone(),
        n_rows,
        values,
        base_values,
        predictions,
        standard_errors: None,
        method: Method::Path,
        scale: if predictor.task.is_classification() { Scale::Margin } else { Scale::Value },
        n_background: 0,
    })
}

/// SHAP interactions of the scores of one booster, for every row of a table.
///
/// # Errors
/// Input error when the predictor is something else, or has linear leaves; work error when the
/// matrices would not fit in the memory allowed.
pub(super) fn interactions(
    predictor: &Predictor,
    subject: &Subject<'_>,
    table: &Table,
    ctx: &Context,
) -> Result<ColumnInteractions> {
    let one = OneBooster::of(predictor, subject)?;
    let features = one.encoder.transform(table, ctx)?;
    let found = one.model.shap_interactions(&FeatureView::all(&features), ctx)?;
    let n = subject.columns.len();
    let mut values = Vec::with_capacity(found.n_rows * found.n_outputs * n * n);
    for row in 0..found.n_rows {
        for output in 0..found.n_outputs {
            let mut matrix = vec![0.0; n * n];
            let side = found.n_features + 1;
            let of_features = found.of(row, output);
            for (i, a) in one.players.iter().enumerate() {
                for (j, b) in one.players.iter().enumerate() {
                    matrix[a * n + b] += one.share * of_features[i * side + j];
                }
            }
            values.extend(matrix);
        }
    }
    Ok(ColumnInteractions {
        columns: subject.columns.clone(),
        outputs: subject.outputs.clone(),
        n_rows: found.n_rows,
        method: Method::Path,
        scale: if predictor.task.is_classification() { Scale::Margin } else { Scale::Value },
        values,
        standard_errors: None,
    })
}
