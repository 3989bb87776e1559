//! The Python package's native half: convert, release the interpreter, call, convert back.
//!
//! It holds no algorithm and no policy: what a run can be asked, how a table is read and what an
//! error says comes from the crates below; signatures, texts and everything that looks at pandas
//! or polars is Python (`python/modelwright`). Documents cross as JSON, numbers as NumPy arrays.
//!
//! | file | does |
//! |---|---|
//! | `table` | columns of Python, NumPy and Arrow to a table |
//! | `object` | a column of Python objects |
//! | `array` | NumPy arrays, read without the interpreter |
//! | `run` | fit, plan, replay, profile |
//! | `watch` | a long run in a thread of its own: events, Ctrl-C |
//! | `model` | a fitted model |
//! | `explain` | why it predicts so |
//! | `shapes` | the functions of an explainable model, shown and changed |
//! | `after` | what becomes of it: offers, export, monitor, successor |
//! | `store` | recorded runs, registered models |
//! | `account` | where a run of Python's is written down |
//! | `own`, `own_learner` | a metric, a split, learners of the user's own |
//! | `single` | one learner, for scikit-learn's estimators |
//! | `boosting` | what boosters alone take and say: quantiles, init scores, stages, leaves |
//! | `loss` | a loss of the user's own, for boosters |
//! | `isolation` | the isolation forest, for the same |
//! | `vectorize` | tables as numbers, for pipelines |
//! | `pickle` | how they are copied and stored by Python |
//! | `context` | the threads that predictions share |
//! | `error` | our errors as Python's |

#![expect(clippy::needless_pass_by_value, reason = "Python hands over what it passes")]

mod account;
mod after;
mod array;
mod boosting;
mod context;
mod error;
mod explain;
mod isolation;
mod loss;
mod model;
mod object;
mod own;
mod own_learner;
mod pickle;
mod run;
mod shapes;
mod single;
mod store;
mod table;
mod vectorize;
mod watch;

use std::ffi::OsString;

use pyo3::prelude::*;

use crate::error::Realm;

/// All that a verb can be asked, as JSON.
#[pyfunction]
fn keywords(py: Python<'_>, verb: &str) -> PyResult<String> {
    let known =
        modelwright::asked::keywords(verb).map_err(|e| error::raise(py, &e, Realm::Option))?;
    error::json(py, &known)
}

/// Every learner with its parameters, as JSON.
#[pyfunction]
fn learners(py: Python<'_>) -> PyResult<String> {
    error::json(py, &modelwright::asked::learners())
}

/// The command line, in this process; returns its exit code.
#[pyfunction]
fn command_line(py: Python<'_>, args: Vec<OsString>) -> u8 {
    py.detach(|| modelwright::cli::run(args) as u8)
}

/// The native half of the package `modelwright`.
#[pymodule]
fn _modelwright(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add_class::<table::Table>()?;
    module.add_class::<model::Model>()?;
    module.add_class::<single::Single>()?;
    module.add_class::<isolation::Isolation>()?;
    module.add_class::<explain::Explained>()?;
    module.add_class::<vectorize::Vectorized>()?;
    module.add_class::<vectorize::TargetEncoded>()?;
    module.add_function(wrap_pyfunction!(explain::explain_rows, module)?)?;
    module.add_function(wrap_pyfunction!(explain::dependence, module)?)?;
    module.add_function(wrap_pyfunction!(explain::interactions, module)?)?;
    module.add_function(wrap_pyfunction!(explain::counterfactuals, module)?)?;
    module.add_function(wrap_pyfunction!(after::model_offers, module)?)?;
    module.add_function(wrap_pyfunction!(after::model_pick, module)?)?;
    module.add_function(wrap_pyfunction!(after::model_export, module)?)?;
    module.add_function(wrap_pyfunction!(after::model_export_onnx, module)?)?;
    module.add_function(wrap_pyfunction!(after::model_features, module)?)?;
    module.add_function(wrap_pyfunction!(after::compare_scores, module)?)?;
    module.add_function(wrap_pyfunction!(run::columns_of, module)?)?;
    module.add_function(wrap_pyfunction!(after::learning_curve, module)?)?;
    module.add_function(wrap_pyfunction!(after::model_monitor, module)?)?;
    module.add_function(wrap_pyfunction!(after::model_retrain, module)?)?;
    module.add_function(wrap_pyfunction!(store::store, module)?)?;
    module.add_function(wrap_pyfunction!(store::store_folder, module)?)?;
    module.add_function(wrap_pyfunction!(keywords, module)?)?;
    module.add_function(wrap_pyfunction!(learners, module)?)?;
    module.add_function(wrap_pyfunction!(command_line, module)?)?;
    module.add_function(wrap_pyfunction!(run::fit, module)?)?;
    module.add_function(wrap_pyfunction!(run::plan, module)?)?;
    module.add_function(wrap_pyfunction!(run::replay, module)?)?;
    module.add_function(wrap_pyfunction!(run::options_of_record, module)?)?;
    module.add_function(wrap_pyfunction!(run::quantity, module)?)?;
    module.add_function(wrap_pyfunction!(run::costs_of, module)?)?;
    module.add_function(wrap_pyfunction!(run::profile, module)?)?;
    module.add_function(wrap_pyfunction!(run::check_output, module)?)?;
    module.add_function(wrap_pyfunction!(run::import_model, module)?)?;
    module.add_function(wrap_pyfunction!(shapes::model_shapes, module)?)?;
    module.add_function(wrap_pyfunction!(shapes::model_edit, module)?)?;
    module.add_class::<boosting::Stages>()?;
    module.add_function(wrap_pyfunction!(boosting::booster_scores, module)?)?;
    module.add_function(wrap_pyfunction!(boosting::tree_leaves, module)?)?;
    module.add_function(wrap_pyfunction!(boosting::model_answers, module)?)?;
    module.add_function(wrap_pyfunction!(boosting::tree_gains, module)?)?;
    module.add_function(wrap_pyfunction!(single::fit_single, module)?)
}
