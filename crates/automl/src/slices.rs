//! Where a predictor is weak: the loss of a row is what a person would call a mistake.

use modelwright_core::data::{Schema, Table, number_text};
use modelwright_core::record::{COST_OF_A_DECISION, Importance, SliceExample, SlicesRecord};
use modelwright_core::task::{Predictions, Target};
use modelwright_core::{Context, Result};
use modelwright_inspect::slices::{HeldOn, SliceInput, weak_slices};

use crate::predictor::Predictor;

/// Rows with known answers among which weak slices are searched.
pub(crate) struct SearchedRows<'a> {
    pub table: &'a Table,
    pub truth: &'a Target,
    pub predictions: &'a Predictions,
    /// What always giving the same answer says of each.
    pub constant: &'a Predictions,
    pub weights: Option<&'a [f64]>,
    /// The group of each row, where rows of a group belong together.
    pub groups: Option<&'a [u32]>,
    /// Whether single rows may be shown.
    pub shown: bool,
}

/// Columns of a row that is shown.
const COLUMNS_SHOWN: usize = 8;

/// Groups of rows for which a predictor is worse than for the others; `None` for too few rows.
///
/// # Errors
/// As the predictor.
pub(crate) fn weak(
    predictor: &Predictor,
    rows: &SearchedRows<'_>,
    schema: &Schema,
    importances: &[Importance],
    ctx: &Context,
) -> Result<Option<SlicesRecord>> {
    let SearchedRows { table, truth, predictions, constant, weights, groups, shown } = *rows;
    let losses = losses(predictor, table, truth, predictions, constant);
    let held = predictor.held(table, predictions, truth, ctx)?;
    let reached = |rows: &[u32]| held.as_ref().and_then(|h| h.of_rows(rows, weights, groups));
    // Those that matter first; columns that the model does not read may describe a slice too.
    let mut columns: Vec<String> = importances.iter().map(|i| i.column.clone()).collect();
    let usable = schema.fields.iter().filter(|f| f.kind.is_usable());
    for field in usable.filter(|f| f.name != predictor.target) {
        if !columns.contains(&field.name) {
            columns.push(field.name.clone());
        }
    }
    let decided = match truth {
        Target::Class { .. } if shown => predictor.decide(table, predictions),
        _ => Vec::new(),
    };
    let example = |row: u32| {
        let at = row as usize;
        let class = |code: u32| predictor.classes.get(code as usize).cloned().unwrap_or_default();
        let value = |name: &String| (name.clone(), table.column(name).and_then(|c| c.display(at)));
        let (truth, said) = match truth {
            Target::Class { codes, .. } => {
                (class(codes[at]), decided.get(at).map_or(String::new(), |code| class(*code)))
            }
            Target::Real(values) => (number_text(values[at]), number_text(predictions.values[at])),
        };
        SliceExample {
            values: columns.iter().take(COLUMNS_SHOWN).map(value).collect(),
            truth,
            said,
        }
    };
    let input = SliceInput {
        table,
        columns: &columns,
        losses: &losses.of_model,
        constant_losses: Some(&losses.of_constant),
        weights,
        groups,
        held: held.as_ref().map(|_| &reached as &HeldOn<'_>),
        loss: losses.name,
        example: shown.then_some(&example as &dyn Fn(u32) -> SliceExample),
    };
    Ok(weak_slices(&input, ctx))
}

/// The losses of the rows: 1 for a wrong decision and 0 for a right one, what a decision costs
/// where that is known, or the absolute error.
pub(crate) struct Losses {
    /// What a loss is, in words.
    pub name: &'static str,
    /// Of the predictor, one per row.
    pub of_model: Vec<f64>,
    /// Of always giving the same answer: the most frequent class, the cheapest one, or the mean.
    pub of_constant: Vec<f64>,
}

/// Measures the rows of `table`; `constant` is what the baseline says of each.
pub(crate) fn losses(
    predictor: &Predictor,
    table: &Table,
    truth: &Target,
    predictions: &Predictions,
    constant: &Predictions,
) -> Losses {
    match truth {
        Target::Class { codes, .. } => {
            let decided = predictor.decide(table, predictions);
            if let Some(costs) = predictor.costs() {
                let of = |decided: &[u32]| {
                    let pairs = codes.iter().zip(decided);
                    pairs.map(|(c, d)| costs.cost(*c as usize, *d as usize)).collect()
                };
                return Losses {
                    name: COST_OF_A_DECISION,
                    of_model: of(&decided),
                    of_constant: of(&costs.decide(constant)),
                };
            }
            let wrong = |decided: &[u32]| {
                decided.iter().zip(codes).map(|(d, c)| f64::from(u8::from(d != c))).collect()
            };
            Losses {
                name: "error rate",
                of_model: wrong(&decided),
                of_constant: wrong(&constant.classes(MOST_PROBABLE)),
            }
        }
        Target::Real(values) => {
            let errors = |p: &Predictions| {
                values.iter().zip(&p.values).map(|(y, p)| (y - p).abs()).collect()
            };
            Losses {
                name: "absolute error",
                of_model: errors(predictions),
                of_constant: errors(constant),
            }
        }
    }
}

/// The threshold that names the more probable of two classes.
const MOST_PROBABLE: f64 = 0.5;
