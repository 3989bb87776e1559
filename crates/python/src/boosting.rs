//! What boosters alone take and say: losses, quantiles, scores to start from, a model to continue;
//! scores before the link, stages, leaves.

use modelwright::automl::boosting::quantile_levels;
use modelwright::automl::tree_answers::{answer_columns, quantile_columns};
use modelwright::learners::gbdt::Link;
use modelwright_core::data::{Column, ColumnData, FeatureMatrix, FeatureView};
use modelwright_core::{Context, Error, Result};
use numpy::{PyArray1, PyArray2, PyArrayMethods, PyReadonlyArray1};
use pyo3::prelude::*;

use crate::context::shared;
use crate::error::{Realm, raise};
use crate::loss::GivenLoss;
use crate::model::Model;
use crate::run::Data;
use crate::single::Single;
use crate::table::Table;

/// What a booster is given beside rows and parameters.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub(crate) struct GivenBoosting<'py> {
    pub(crate) loss: Option<GivenLoss>,
    /// Ascending levels.
    pub(crate) quantiles: Option<Vec<f64>>,
    /// Row-major, one number for each row and output.
    pub(crate) init_scores: Option<PyReadonlyArray1<'py, f64>>,
    /// The model to add rounds to.
    pub(crate) continued: Option<Bound<'py, Single>>,
}

/// Scores or predictions of a booster, of shape `(n_rows, n_outputs)`; `offsets` (row-major) are
/// added to the scores.
#[pyfunction]
pub(crate) fn booster_scores<'py>(
    py: Python<'py>,
    single: &Bound<'py, Single>,
    table: &Bound<'py, Table>,
    offsets: Option<PyReadonlyArray1<'py, f64>>,
    is_raw: bool,
    threads: usize,
) -> PyResult<Bound<'py, PyArray2<f64>>> {
    let offsets: Option<Vec<f64>> = offsets.map(|o| o.as_array().iter().copied().collect());
    let (single, table) = (single.get(), table.get());
    let work = || -> Result<(usize, Vec<f64>)> {
        let ctx = shared(threads)?;
        let (model, _) = single.predictor().single_booster()?;
        let features = features(single, table, &ctx)?;
        let mut scores = model.scores(&FeatureView::all(&features), &ctx)?;
        if let Some(offsets) = &offsets {
            if offsets.len() != scores.len() {
                return Err(Error::input("the init scores have the wrong length")
                    .at("init_score")
                    .expected(format!("{} numbers", scores.len()))
                    .got(format!("{} numbers", offsets.len())));
            }
            scores.iter_mut().zip(offsets).for_each(|(score, offset)| *score += offset);
        }
        let n_outputs = model.n_outputs();
        Ok((n_outputs, if is_raw { scores } else { model.predictions_of(scores)?.values }))
    };
    let (n_outputs, values) = py.detach(work).map_err(|e| raise(py, &e, Realm::Data))?;
    let (n_outputs, values) = match single.predictor().single_booster() {
        Ok((model, _)) if !is_raw && model.link() == Link::Logistic && single.n_classes() == 2 => {
            (2, values.iter().flat_map(|p| [1.0 - p, *p]).collect())
        }
        _ => (n_outputs, values),
    };
    let n_rows = values.len() / n_outputs;
    PyArray1::from_vec(py, values).reshape([n_rows, n_outputs])
}

/// The leaf of each tree in which each row ends, of shape `(n_rows, n_trees)`.
#[pyfunction]
pub(crate) fn tree_leaves<'py>(
    py: Python<'py>,
    single: &Bound<'py, Single>,
    table: &Bound<'py, Table>,
    threads: usize,
) -> PyResult<Bound<'py, PyArray2<u32>>> {
    let (single, table) = (single.get(), table.get());
    let work = || -> Result<(usize, usize, Vec<u32>)> {
        let ctx = shared(threads)?;
        let predictor = single.predictor();
        let file = table.take(Some(predictor.schema.clone()), &ctx)?;
        let leaves = predictor.leaves(&file.table, &ctx)?;
        Ok((file.table.n_rows(), leaves.n_trees.iter().sum(), leaves.values))
    };
    let (n_rows, n_trees, leaves) = py.detach(work).map_err(|e| raise(py, &e, Realm::Data))?;
    PyArray1::from_vec(py, leaves).reshape([n_rows, n_trees])
}

/// Numbers of rows and columns, the names of the columns, and a warning.
type Answers<'py> = (Bound<'py, PyArray2<f64>>, Vec<String>, Option<String>);

/// Scores before the link (`scores`), `leaves`, or `quantiles` of the rows of a saved model: see
/// [`modelwright::automl::tree_answers`]. An array, its names, and a warning.
#[pyfunction]
pub(crate) fn model_answers<'py>(
    py: Python<'py>,
    model: &Bound<'py, Model>,
    data: Data,
    wanted: &str,
    threads: usize,
) -> PyResult<Answers<'py>> {
    let model = model.get();
    let work = || -> Result<(usize, Vec<Column>, Option<String>)> {
        let ctx = shared(threads)?;
        let (rows, warning) = model.rows(&data, &ctx)?;
        let predictor = &model.loaded().predictor;
        let columns = if wanted == "quantiles" {
            let levels = quantile_levels(&model.loaded().artifact.record()?.options)?;
            quantile_columns(predictor, &rows, &levels, &ctx)?
        } else {
            answer_columns(predictor, &rows, (wanted == "scores", wanted == "leaves"), &ctx)?
        };
        Ok((rows.n_rows(), columns, warning))
    };
    let (n_rows, columns, warning) = py.detach(work).map_err(|e| raise(py, &e, Realm::Data))?;
    let mut values = vec![0.0; n_rows * columns.len()];
    for (k, column) in columns.iter().enumerate() {
        if let ColumnData::Number(numbers) = &column.data {
            values.iter_mut().skip(k).step_by(columns.len()).zip(numbers).for_each(|(v, n)| *v = n);
        }
    }
    let names: Vec<String> = columns.iter().map(|c| c.name.clone()).collect();
    Ok((PyArray1::from_vec(py, values).reshape([n_rows, names.len()])?, names, warning))
}

/// The columns that a model made of trees reads, and how much their splits gained, in shares.
#[pyfunction]
pub(crate) fn tree_gains(
    py: Python<'_>,
    single: &Bound<'_, Single>,
) -> PyResult<Vec<(String, f64)>> {
    let predictor = single.get().predictor();
    let gains = predictor.column_gains().map_err(|e| raise(py, &e, Realm::Option))?;
    Ok(predictor.schema.fields.iter().map(|f| f.name.clone()).zip(gains).collect())
}

/// The predictions of some rows after one round, after two, and so on.
#[pyclass(module = "modelwright._modelwright")]
pub(crate) struct Stages {
    single: Py<Single>,
    features: FeatureMatrix,
    scores: Vec<Vec<f64>>,
    done: usize,
    threads: usize,
}

#[pymethods]
impl Stages {
    /// Begins with no round.
    #[staticmethod]
    fn of(
        py: Python<'_>,
        single: Py<Single>,
        table: &Bound<'_, Table>,
        threads: usize,
    ) -> PyResult<Self> {
        let table = table.get();
        let begin = || -> Result<(FeatureMatrix, Vec<Vec<f64>>)> {
            let ctx = shared(threads)?;
            let (model, _) = single.get().predictor().single_booster()?;
            let features = features(single.get(), table, &ctx)?;
            let scores = model.base_scores().iter().map(|b| vec![*b; features.n_rows]).collect();
            Ok((features, scores))
        };
        let (features, scores) = py.detach(begin).map_err(|e| raise(py, &e, Realm::Data))?;
        Ok(Self { single, features, scores, done: 0, threads })
    }

    fn __iter__(slf: PyRef<'_, Self>) -> PyRef<'_, Self> {
        slf
    }

    /// One more round; the predictions of shape `(n_rows, n_outputs)`.
    fn __next__<'py>(&mut self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyArray2<f64>>>> {
        let single = self.single.get();
        let (features, scores, done, threads) =
            (&self.features, &mut self.scores, self.done, self.threads);
        let next = || -> Result<Option<(usize, Vec<f64>)>> {
            let ctx = shared(threads)?;
            let (model, _) = single.predictor().single_booster()?;
            if done >= single.rounds() {
                return Ok(None);
            }
            model.add_rounds(done..done + 1, &FeatureView::all(features), scores, &ctx)?;
            let row = |row: usize| scores.iter().map(move |s| s[row]);
            let rows: Vec<f64> = (0..features.n_rows).flat_map(row).collect();
            Ok(Some((model.n_outputs(), model.predictions_of(rows)?.values)))
        };
        let found = py.detach(next).map_err(|e| raise(py, &e, Realm::Data))?;
        let Some((n_outputs, values)) = found else { return Ok(None) };
        self.done += 1;
        let n_rows = self.features.n_rows;
        Ok(Some(PyArray1::from_vec(py, values).reshape([n_rows, n_outputs])?))
    }
}

/// The rows of a table as a booster's features.
fn features(single: &Single, table: &Table, ctx: &Context) -> Result<FeatureMatrix> {
    let predictor = single.predictor();
    let (_, encoder) = predictor.single_booster()?;
    let file = table.take(Some(predictor.schema.clone()), ctx)?;
    ctx.install(|| encoder.transform(&file.table, ctx))
}
