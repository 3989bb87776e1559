//! What an explainable model adds: its functions, and a model with changed ones.

use std::path::Path;

use modelwright::automl::shapes::shapes;
use modelwright::editing::{EditRequest, edit_on, shapes_of_text, shapes_text};
use modelwright::io::{ReadOptions, read_path};
use modelwright::lifecycle::digest::sha256_hex;
use modelwright::machine;
use modelwright_core::Result;
use pyo3::prelude::*;

use crate::context::seeded;
use crate::error::{Realm, raise};
use crate::model::Model;
use crate::run::{Data, packed};

/// The functions of a model as a text: JSON, or CSV.
#[pyfunction]
pub(crate) fn model_shapes(
    py: Python<'_>,
    model: &Bound<'_, Model>,
    is_csv: bool,
) -> PyResult<String> {
    let model = model.get();
    let path = Path::new(if is_csv { "shapes.csv" } else { "shapes.json" });
    let text = || shapes_text(&shapes(&model.loaded().predictor)?, path);
    py.detach(text).map_err(|e| raise(py, &e, Realm::Option))
}

/// The model with other functions, measured on labelled rows that records call `name`.
#[pyfunction]
pub(crate) fn model_edit(
    py: Python<'_>,
    model: &Bound<'_, Model>,
    edited: &str,
    data: Data,
    name: String,
    by: (String, Option<String>),
    run: (usize, u64),
) -> PyResult<Model> {
    let model = model.get();
    let (author, reason) = by;
    let work = || -> Result<Model> {
        let ctx = seeded(run)?;
        let edited = shapes_of_text(edited, "shapes")?;
        let parent_sha256 = sha256_hex(model.stored());
        let request = EditRequest { author, reason, created: machine::utc_now(), parent_sha256 };
        let read = |options: ReadOptions| match &data {
            Data::Table(table) => table.get().take(options.schema, &ctx),
            Data::Path(path) => read_path(path, &options, &ctx),
        };
        let own = modelwright::Model::open_bytes(model.stored())?;
        let outcome = edit_on(own, &edited, (read, name), request, &ctx)?;
        let (bytes, model) = packed(&outcome)?;
        Ok(Model::new(bytes, model))
    };
    py.detach(work).map_err(|e| raise(py, &e, Realm::Data))
}
