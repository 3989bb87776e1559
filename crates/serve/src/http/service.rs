//! One request, from its head to its answer.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Instant;

use http_body_util::{Either, Full};
use hyper::body::{Bytes, Incoming};
use hyper::header::{ACCEPT, ACCEPT_ENCODING, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use hyper::http::request::Parts;
use hyper::{Request, Response};
use modelwright_core::Context;

use super::admit::{admit, forbidden};
use super::respond::respond;
use super::route::{self, Call, Route};
use super::{body, call, guard};
use crate::access::{Known, Turn};
use crate::app::App;
use crate::ask::{Ask, Query, Reply};
use crate::clock;
use crate::grpc::{self, Grpc};
use crate::held::Held;
use crate::log::RequestLine;
use crate::model::{Canary, Hub, Model, State};
use crate::problem::Problem;
use crate::renewal;
use crate::streamed;
use crate::telemetry::{Span, TraceIds};
use crate::ui;
use crate::wire::{docs, feedback, invocations, openapi, plain, prometheus, v1, v2};

/// Requests with the same value are answered by the same version, while a canary has its share.
const STICKY_KEY: HeaderName = HeaderName::from_static("x-sticky-key");
pub(super) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Bodies that are no rows have no more bytes.
const SMALL_BODY_MAX: usize = 64 << 10;

/// What is known of a request when it is over, for log and statistics.
#[derive(Default)]
pub(super) struct Trace {
    model: Option<Arc<Model>>,
    pub(super) key: Option<Arc<Known>>,
    /// The request counts as one of its key's as long as this lives.
    turn: Turn,
    /// Where traces are recorded.
    pub(super) ids: Option<TraceIds>,
}

impl Trace {
    pub(super) fn of(app: &App, headers: &HeaderMap) -> Self {
        let ids = app.telemetry.as_ref().map(|telemetry| telemetry.ids(headers));
        Self { ids, ..Self::default() }
    }
}

/// The body of an answer: whole, or the stream of gRPC.
pub(crate) type Body = Either<Full<Bytes>, tonic::body::Body>;

/// What answers requests.
pub(crate) struct Service {
    pub(crate) app: Arc<App>,
    grpc: Grpc,
}

impl Service {
    /// With what `app` has.
    pub(crate) fn new(app: Arc<App>) -> Self {
        Self { grpc: Grpc::new(&app), app }
    }
}

/// Answers a request; never fails.
pub(crate) async fn answer(
    service: Arc<Service>,
    request: Request<Incoming>,
) -> Result<Response<Body>, Infallible> {
    let app = &service.app;
    if app.ui.is_none() && grpc::is_grpc(&request) {
        return Ok(call::answer(app, &service.grpc, request).await.map(Either::Right));
    }
    Ok(answer_http(app, request).await)
}

async fn answer_http(app: &Arc<App>, request: Request<Incoming>) -> Response<Body> {
    let begun = clock::now();
    let (mut parts, body) = request.into_parts();
    let (mut body, may_come) = (Some(body), body::may_come(&parts));
    let accepted = parts.headers.get(ACCEPT_ENCODING).cloned();
    let id: Arc<str> = match parts.headers.get(REQUEST_ID).and_then(|v| v.to_str().ok()) {
        Some(id) if !id.is_empty() && id.len() <= 128 => id.into(),
        _ => app.new_id(),
    };
    let mut trace = Trace::of(app, &parts.headers);
    let work = handle(app, &mut parts, &mut body, &id, &mut trace);
    let result = match tokio::time::timeout(app.settings.limits.request_time_max, work).await {
        Ok(result) => result,
        Err(_) => Err(Problem::new(503, "deadline", "the request took too long")
            .expected(format!("at most {:?}", app.settings.limits.request_time_max))
            .hint("send fewer rows at once")),
    };
    if let Some(unread) = body.filter(|_| may_come && result.is_err()) {
        body::let_come(unread);
    }
    let reply = finish(app, &parts, &id, result, &trace, begun);
    respond(&parts, accepted.as_ref(), &id, reply)
}

async fn handle(
    app: &Arc<App>,
    parts: &mut Parts,
    body: &mut Option<Incoming>,
    id: &Arc<str>,
    trace: &mut Trace,
) -> Result<Reply, Problem> {
    if let Some(ui) = &app.ui {
        ui.guard(parts, app.settings.keys.is_some())?;
        if let Some(scope) = ui::scope(&parts.method, parts.uri.path())? {
            trace.turn = admit(app, &parts.headers, scope, &mut trace.key)?;
        }
        return Box::pin(ui::answer(app, ui, parts, body.take().ok_or_else(gone)?, id)).await;
    }
    let route = route::find(&parts.method, parts.uri.path())?;
    if let Some(scope) = route.scope() {
        let settings = &app.settings;
        if !settings.needs_key() {
            let is_loopback = settings.host.is_loopback();
            guard::check_models(parts, &settings.hosts, is_loopback, route.is_change())?;
        }
        trace.turn = admit(app, &parts.headers, scope, &mut trace.key)?;
    }
    let may_use = |name: &str| trace.key.as_ref().is_none_or(|key| key.may_use(name));
    if route.model().is_some_and(|name| !may_use(name)) {
        return Err(forbidden("the key is not for this model"));
    }
    let Route::Predict { call, model, version } = route else {
        let state = app.hub.state().only(may_use);
        // In places of their own, as all that is seldom asked: what predicts a row is moved about,
        // and stays small without them.
        return Box::pin(other(app, &state, route, parts, body)).await;
    };
    let query = Query::parse(parts.uri.query());
    if call == Call::Plain {
        query.only(&plain::PARAMETERS)?;
    }
    let name = model.as_deref().or_else(|| query.get("model")).filter(|n| !n.is_empty());
    let version = version.as_deref().or_else(|| query.get("version"));
    let sticky = parts.headers.get(STICKY_KEY).and_then(|v| v.to_str().ok()).unwrap_or(id);
    let model = allowed_model(app, (name, version), sticky, may_use)?;
    trace.model = Some(model.clone());
    let headers = std::mem::take(&mut parts.headers);
    let mut ask = app.ask(model.clone(), headers, query, id);
    if call == Call::Plain && streamed::is_wanted(&ask)? {
        // The answer outlives this function, and with it what the request takes.
        let place = app.enter()?.of_key(std::mem::take(&mut trace.turn));
        return Box::pin(streamed::predict(app, ask, body.take().ok_or_else(gone)?, place)).await;
    }
    let coming = body.as_mut().ok_or_else(gone)?;
    // While a small body comes, it takes no place: a client that sends it slowly keeps none out.
    let is_small = body::is_small(coming);
    let mut place = None;
    if !is_small {
        place = Some(app.enter()?);
    }
    let n_max = app.body_bytes_max();
    let (bytes, _held) = body::receive(&ask.headers, coming, n_max, &app.bodies).await?;
    ask.body = bytes;
    *body = None;
    if is_small {
        place = Some(app.enter()?);
    }
    let reply = predict(app, &model, call, ask).await;
    drop(place);
    reply
}

/// Who is asked under this name and version, if who asks may use it, whatever name it was asked by.
fn allowed_model(
    app: &App,
    (name, version): (Option<&str>, Option<&str>),
    sticky: &str,
    may_use: impl Fn(&str) -> bool,
) -> Result<Arc<Model>, Problem> {
    let forbidden = || forbidden("the key is not for this model");
    if name.is_some_and(|name| !may_use(name)) {
        return Err(forbidden());
    }
    let model = app.model(name, version, sticky)?;
    if may_use(&model.name) { Ok(model) } else { Err(forbidden()) }
}

/// Predicts the rows of a request that was received whole.
async fn predict(
    app: &Arc<App>,
    model: &Arc<Model>,
    call: Call,
    mut ask: Ask,
) -> Result<Reply, Problem> {
    let n_bytes = ask.body.len();
    let is_long = call == Call::V1Explain
        || ["explain", "unusual"].into_iter().any(|name| ask.query.get(name).is_some());
    if !is_long && app.engine.gathers(model, n_bytes) {
        let row = match call {
            Call::Plain => plain::lone_row(&ask),
            Call::V2 => v2::lone_row(&ask),
            Call::V1 | Call::V1Explain | Call::Invocations => None,
        };
        if let Some(row) = row {
            ask.predicted = Some(app.engine.gather(model, row).await?);
        }
    }
    let is_predicted = ask.predicted.is_some();
    let work = move |ctx: &Context| match call {
        Call::Plain => plain::predict(&ask, ctx),
        Call::V1 => v1::predict(&ask, ctx),
        Call::V1Explain => v1::explain(&ask, ctx),
        Call::V2 => v2::infer(&mut ask, ctx),
        Call::Invocations => invocations::predict(&ask, ctx),
    };
    if is_predicted {
        return app.engine.at_once(work);
    }
    app.engine.run(model, n_bytes, is_long, work).await
}

/// The first page for people, whose browsers ask for HTML. Programs get what the clients of
/// KServe's first protocol read as a sign of life.
fn home(headers: &HeaderMap) -> Reply {
    let accepted = headers.get(ACCEPT).and_then(|value| value.to_str().ok());
    if accepted.is_some_and(|accepted| accepted.contains("text/html")) {
        return docs::page();
    }
    Reply::json(&serde_json::json!({ "status": "alive", "docs": "/docs" }))
}

/// Routes without rows; `state` has the models that who asks may use.
async fn other(
    app: &Arc<App>,
    state: &State,
    route: Route,
    parts: &Parts,
    body: &mut Option<Incoming>,
) -> Result<Reply, Problem> {
    let entry_of = |name: &str, version: Option<&str>| {
        let model = app.model(Some(name), version, "")?;
        let entry = state.entries.get(name).cloned();
        entry.map(|entry| (model, entry)).ok_or_else(gone)
    };
    Ok(match route {
        Route::Predict { .. } => return Err(gone()),
        Route::Live => Reply::json(&serde_json::json!({ "live": true, "ready": app.is_ready() })),
        Route::Ready if app.is_ready() => {
            Reply::json(&serde_json::json!({ "live": true, "ready": true }))
        }
        Route::Ready => return Err(Problem::new(503, "not-ready", "no model is ready")),
        Route::ModelReady { model, version } => {
            app.model(Some(&model), version.as_deref(), "")?;
            Reply::json(&serde_json::json!({ "name": model, "ready": true }))
        }
        Route::Home => home(&parts.headers),
        Route::Docs => docs::page(),
        Route::DocsScript { name } => docs::script(&name).ok_or_else(|| {
            Problem::new(404, "no-such-path", "there is nothing at this path").got(&name)
        })?,
        Route::Openapi => Reply::json(&openapi::document(app, state)),
        Route::Metrics => Reply::new(prometheus::MEDIA_TYPE, prometheus::text(app, state)),
        Route::Server => Reply::json(&v2::describe::server()),
        Route::V2Model { model, version } => {
            let (model, entry) = entry_of(&model, version.as_deref())?;
            Reply::json(&v2::describe::model(&model, &entry))
        }
        Route::V2Config { model, version } => {
            let (model, _) = entry_of(&model, version.as_deref())?;
            Reply::json(&v2::describe::config(&model))
        }
        Route::V2Statistics { model: None } => {
            Reply::json(&v2::describe::statistics(state.entries.values()))
        }
        Route::V2Statistics { model: Some(name) } => {
            let (_, entry) = entry_of(&name, None)?;
            Reply::json(&v2::describe::statistics(std::iter::once(&entry)))
        }
        Route::V2Index => {
            let body = received(app, parts, body, SMALL_BODY_MAX).await?.0;
            let wish: serde_json::Value = serde_json::from_slice(&body).unwrap_or_default();
            Reply::json(&v2::describe::index(state, wish["ready"] == true))
        }
        Route::Feedback => {
            let _place = app.enter()?;
            let (body, _held) = received(app, parts, body, app.body_bytes_max()).await?;
            feedback::take(app, state, &body)?
        }
        Route::V1Models => {
            let names: Vec<&String> = state.entries.keys().collect();
            Reply::json(&serde_json::json!({ "models": names }))
        }
        Route::V1Model { model } => {
            app.model(Some(&model), None, "")?;
            Reply::json(&serde_json::json!({ "name": model, "ready": true }))
        }
        route => {
            let body = received(app, parts, body, SMALL_BODY_MAX).await?.0;
            return change(app, route, body).await;
        }
    })
}

/// The body of such a request, whole.
async fn received(
    app: &App,
    parts: &Parts,
    body: &mut Option<Incoming>,
    n_max: usize,
) -> Result<(Bytes, Held), Problem> {
    body::receive(&parts.headers, body.as_mut().ok_or_else(gone)?, n_max, &app.bodies).await
}

/// Routes that change which models are served; reading models takes time, so on another thread.
async fn change(app: &Arc<App>, route: Route, body: Bytes) -> Result<Reply, Problem> {
    let app = app.clone();
    let how = route.clone();
    let needs_entry = !matches!(route, Route::Load { .. } | Route::Unload { .. });
    if let Some(name) = route.model().filter(|_| needs_entry) {
        // Of a name that is not known, the answer is the one that predictions get.
        app.model(Some(name), None, "")?;
    }
    let work = move || match route {
        Route::Load { model } => {
            v2::check_load(&body)?;
            app.hub.load(&model)?;
            Ok(Reply::json(&serde_json::json!({ "name": model })))
        }
        Route::Unload { model } if app.hub.unload(&model) => {
            Ok(Reply::json(&serde_json::json!({ "name": model })))
        }
        Route::Unload { model } => {
            Err(Problem::new(404, "no-such-model", "there is no loaded model of this name")
                .got(&model))
        }
        Route::RollBack { model } => {
            let version = app.hub.roll_back(&model)?;
            Ok(Reply::json(&serde_json::json!({ "name": model, "version": version })))
        }
        Route::Promote { model } | Route::Canary { model } | Route::Shadow { model } => {
            roll_out(&app.hub, &how, &model, &body)
        }
        _ => {
            renewal::look(&app, true);
            Ok(Reply::json(&serde_json::json!({ "loaded": app.hub.refresh(true) })))
        }
    };
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|_| Err(gone()))
}

/// Which version is to answer, or to be asked, how much.
#[derive(serde::Deserialize)]
struct RollOut {
    version: Option<u64>,
    percent: Option<f64>,
}

fn roll_out(hub: &Hub, route: &Route, model: &str, body: &[u8]) -> Result<Reply, Problem> {
    let wrong = |detail: String| {
        Problem::malformed(detail).expected("{\"version\": 2}, of a canary also \"percent\": 10")
    };
    let wish: RollOut = serde_json::from_slice(body).map_err(|e| wrong(e.to_string()))?;
    let done = match (route, wish) {
        (Route::Promote { .. }, RollOut { version: Some(version), .. }) => {
            hub.promote(model, version)
        }
        (Route::Shadow { .. }, RollOut { version, .. }) => hub.set_shadow(model, version),
        (Route::Canary { .. }, RollOut { version: None, .. }) => hub.set_canary(model, None),
        (Route::Canary { .. }, RollOut { version: Some(version), percent: Some(percent) })
            if (0.0..=100.0).contains(&percent) =>
        {
            hub.set_canary(model, Some(Canary { version, percent }))
        }
        _ => return Err(wrong("the wish is not complete".to_owned())),
    };
    done?;
    Ok(Reply::json(&serde_json::json!({ "name": model })))
}

fn gone() -> Problem {
    Problem::new(500, "internal", "the work on this request broke off")
}

/// What is answered, counted and logged.
fn finish(
    app: &App,
    parts: &Parts,
    id: &Arc<str>,
    result: Result<Reply, Problem>,
    trace: &Trace,
    begun: Instant,
) -> Reply {
    let ns = clock::nanos(begun.elapsed());
    if let Some(model) = &trace.model {
        model.stats.count_request(result.is_ok(), ns);
    }
    let (reply, error) = match result {
        Ok(reply) => (reply, None),
        Err(problem) => (refusal(&problem, id), Some(problem)),
    };
    let class = usize::from(reply.status / 100).clamp(1, 5) - 1;
    app.stats.by_status[class].add(1);
    let error = error.as_ref().map(Problem::told);
    if let (Some(telemetry), Some(ids)) = (&app.telemetry, &trace.ids) {
        let span = || Span {
            ids: ids.clone(),
            request_id: id.clone(),
            method: parts.method.clone(),
            path: parts.uri.path().to_owned(),
            status: reply.status,
            duration: begun.elapsed(),
            ended_ns: clock::unix_nanos(),
            model: trace.model.as_ref().map(|model| (model.name.clone(), model.version)),
            n_rows: reply.n_rows,
            error: error.clone(),
        };
        telemetry.take(span, ids);
    }
    if app.log.wants(reply.status) {
        app.log.request(&RequestLine {
            request_id: id,
            method: parts.method.as_str(),
            path: parts.uri.path(),
            status: reply.status,
            model: trace.model.as_ref().map(|m| &*m.name),
            version: trace.model.as_ref().map(|m| m.version),
            n_rows: reply.n_rows,
            duration_ms: ns as f64 / 1e6,
            key: trace.key.as_ref().map(|k| k.name.as_str()),
            error: error.as_deref(),
            trace_id: trace.ids.as_ref().map(|ids| format!("{:032x}", ids.trace)),
        });
    }
    match &trace.ids {
        Some(ids) => reply.header("traceresponse", &ids.header()),
        None => reply,
    }
}

fn refusal(problem: &Problem, id: &str) -> Reply {
    let body = problem.to_json(id);
    let mut reply = Reply::new("application/problem+json", body);
    reply.status = problem.status;
    if let Some(seconds) = problem.retry_after_s {
        reply.headers.push((RETRY_AFTER, HeaderValue::from(seconds)));
    }
    if problem.status == 401 {
        let is_token = problem.kind == "bad-token";
        let challenge = if is_token { "Bearer error=\"invalid_token\"" } else { "Bearer" };
        reply = reply.header("www-authenticate", challenge);
    }
    if let (405, Some(allow)) = (problem.status, &problem.expected) {
        reply = reply.header("allow", allow);
    }
    reply
}
