//! The interface that the page is made of: each endpoint handed to what answers it.

use std::sync::Arc;

use hyper::body::Incoming;
use hyper::http::request::Parts;
use modelwright_lifecycle::store::Store;

use super::endpoint::{self, Endpoint};
use super::{Ui, models, monitoring, page, runs, score, session, watches};
use crate::app::App;
use crate::ask::{Query, Reply};
use crate::http::body;
use crate::problem::Problem;

/// Bodies that are no rows have no more bytes.
const SMALL_BODY_MAX: usize = 64 << 10;

/// Answers a request that was let in.
///
/// # Errors
/// The problem that it is refused with.
pub(super) async fn answer(
    app: &Arc<App>,
    ui: &Arc<Ui>,
    parts: &Parts,
    mut body: Incoming,
    id: &str,
) -> Result<Reply, Problem> {
    let _place = app.enter()?;
    let endpoint = endpoint::find(&parts.method, parts.uri.path())?;
    let n_max = match endpoint {
        Endpoint::Predict(..) => app.settings.limits.body_bytes_max,
        _ => SMALL_BODY_MAX,
    };
    let (body, _held) = body::receive(&parts.headers, &mut body, n_max, &app.bodies).await?;
    let query = Query::parse(parts.uri.query());
    let reply = match endpoint {
        Endpoint::Session => session::tell(app, &parts.headers),
        Endpoint::SignIn => session::sign_in(app, &body)?,
        Endpoint::SignOut => session::sign_out(app),
        Endpoint::Schema(name, version) => score::schema(app, ui, (name, version)).await?,
        Endpoint::Predict(name, version) => {
            score::predict(app, ui, (name, version), (parts, body, id)).await?
        }
        other => ui.stores.work(move |store| of_store(store, &other, &query, &body)).await?,
    };
    Ok(page::private(reply).header("cache-control", "no-store"))
}

/// Endpoints that are answered from the store alone.
fn of_store(
    store: &mut Store,
    endpoint: &Endpoint,
    query: &Query,
    body: &[u8],
) -> Result<Reply, Problem> {
    match endpoint {
        Endpoint::Runs => runs::list(store, query),
        Endpoint::Compare => runs::compare(store, query),
        Endpoint::Run(id) => runs::one(store, *id),
        Endpoint::DeleteRun(id) => runs::delete(store, *id),
        Endpoint::Progress(id) => runs::progress(store, *id, query),
        Endpoint::Leaderboard(id) => runs::leaderboard(store, *id),
        Endpoint::RunReport(id) => runs::report(store, *id),
        Endpoint::RunFile(id, name) => runs::file(store, *id, name),
        Endpoint::Monitoring => monitoring::list(store),
        Endpoint::Models => models::list(store),
        Endpoint::Model(name) => models::one(store, name),
        Endpoint::ModelReport(name, version) => models::report(store, name, version),
        Endpoint::ModelFile(name, version) => models::file(store, name, version),
        Endpoint::Register(name) => models::register(store, name, body),
        Endpoint::SetAlias(name, alias) => models::set_alias(store, (name, alias), body),
        Endpoint::RemoveAlias(name, alias) => models::remove_alias(store, name, alias),
        Endpoint::RollBack(name, alias) => models::roll_back(store, (name, alias), body),
        Endpoint::Answer(name, alias) => watches::answer(store, (name, alias), body),
        Endpoint::Session
        | Endpoint::SignIn
        | Endpoint::SignOut
        | Endpoint::Schema(..)
        | Endpoint::Predict(..) => {
            Err(Problem::new(500, "internal", "this is not answered from the store"))
        }
    }
}
