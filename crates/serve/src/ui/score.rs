//! A row through a registered model, as the model server would answer it.

use std::sync::{Arc, Mutex, PoisonError};

use hyper::body::Bytes;
use hyper::http::request::Parts;
use modelwright_core::Context;
use modelwright_lifecycle::store::Store;
use serde_json::json;

use super::Ui;
use super::runs::absent;
use crate::app::App;
use crate::ask::{Ask, Query, Reply};
use crate::model::Model;
use crate::problem::Problem;
use crate::stats::Stats;
use crate::wire::{openapi, plain};

/// Models that stay in memory.
const N_KEPT: usize = 4;

/// Models that were asked lately, by the hash of their file, the last asked first.
#[derive(Default)]
pub(super) struct Loaded(Mutex<Vec<(String, Arc<Model>)>>);

impl Loaded {
    /// The model of a version, which is loaded if it is not in memory.
    fn get(
        &self,
        store: &Store,
        name: &str,
        selector: &str,
        ctx: &Context,
    ) -> Result<Arc<Model>, Problem> {
        let version = store.version(name, selector).map_err(absent)?;
        let key = format!("{name}@{}:{}", version.number, version.sha256);
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(place) = kept.iter().position(|(own, _)| *own == key) {
            let found = kept.remove(place);
            kept.insert(0, found);
            return Ok(kept[0].1.clone());
        }
        // Loaded under the lock: two requests for one model load it once.
        let path = store.model_file(name, selector).map_err(absent)?;
        let number = version.number.unsigned_abs();
        let model = Arc::new(Model::load(name, number, &path, Arc::new(Stats::default()), ctx)?);
        kept.insert(0, (key, model.clone()));
        kept.truncate(N_KEPT);
        Ok(model)
    }
}

/// The model that is meant.
async fn model(
    app: &Arc<App>,
    ui: &Arc<Ui>,
    (name, selector): (String, String),
) -> Result<Arc<Model>, Problem> {
    let (own, ctx) = (ui.clone(), app.engine.context().clone());
    ui.stores.work(move |store| own.loaded.get(store, &name, &selector, &ctx)).await
}

/// The columns of a version, an example, and what it answers.
pub(super) async fn schema(
    app: &Arc<App>,
    ui: &Arc<Ui>,
    named: (String, String),
) -> Result<Reply, Problem> {
    let model = model(app, ui, named).await?;
    Ok(Reply::json(&json!({
        "name": &*model.name, "version": model.version, "target": model.predictor.target,
        "task": model.predictor.task.name(), "classes": model.predictor.classes,
        "levels": model.predictor.levels(),
        "schema": openapi::row(&model), "example": openapi::example(&model),
    })))
}

/// Predicts rows.
pub(super) async fn predict(
    app: &Arc<App>,
    ui: &Arc<Ui>,
    named: (String, String),
    (parts, body, id): (&Parts, Bytes, &str),
) -> Result<Reply, Problem> {
    let model = model(app, ui, named).await?;
    let ask = Ask {
        headers: parts.headers.clone(),
        query: Query::parse(parts.uri.query()),
        body,
        request_id: id.into(),
        policy: app.settings.policy,
        rows_max: app.settings.limits.rows_max,
        explain_time_max: app.settings.limits.request_time_max / 2,
        ..Ask::plain(model.clone())
    };
    let n_bytes = ask.body.len();
    let is_long = ask.query.get("explain").is_some();
    app.engine.run(&model, n_bytes, is_long, move |ctx| plain::predict(&ask, ctx)).await
}
