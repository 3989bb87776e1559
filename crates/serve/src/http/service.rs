//! One request, from its head to its answer.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Instant;

use http_body_util::{Either, Full};
use hyper::body::{Bytes, Incoming};
use hyper::header::{
    ACCEPT_ENCODING, AUTHORIZATION, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER,
};
use hyper::http::request::Parts;
use hyper::{Request, Response};
use modelwright_core::Context;

use super::respond::respond;
use super::route::{self, Call, Route};
use super::{body, call};
use crate::access::{Jwt, Known, Refused, Scope};
use crate::app::App;
use crate::ask::{Query, Reply};
use crate::clock;
use crate::grpc::{self, Grpc};
use crate::log::RequestLine;
use crate::model::{Canary, Hub, Model};
use crate::problem::Problem;
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
        let grpc = service.grpc.clone();
        return Ok(call::answer(app, grpc, request).await.map(Either::Right));
    }
    Ok(answer_http(app, request).await)
}

async fn answer_http(app: &Arc<App>, request: Request<Incoming>) -> Response<Body> {
    let begun = clock::now();
    let (mut parts, body) = request.into_parts();
    let accepted = parts.headers.get(ACCEPT_ENCODING).cloned();
    let id: Arc<str> = match parts.headers.get(REQUEST_ID).and_then(|v| v.to_str().ok()) {
        Some(id) if !id.is_empty() && id.len() <= 128 => id.into(),
        _ => app.new_id(),
    };
    let mut trace = Trace::of(app, &parts.headers);
    let work = handle(app, &mut parts, body, &id, &mut trace);
    let result = match tokio::time::timeout(app.settings.limits.request_time_max, work).await {
        Ok(result) => result,
        Err(_) => Err(Problem::new(503, "deadline", "the request took too long")
            .expected(format!("at most {:?}", app.settings.limits.request_time_max))
            .hint("send fewer rows at once")),
    };
    let reply = finish(app, &parts, &id, result, &trace, begun);
    respond(&parts, accepted.as_ref(), &id, reply)
}

async fn handle(
    app: &Arc<App>,
    parts: &mut Parts,
    body: Incoming,
    id: &Arc<str>,
    trace: &mut Trace,
) -> Result<Reply, Problem> {
    if let Some(ui) = &app.ui {
        ui.guard(parts, app.settings.keys.is_some())?;
        if let Some(scope) = ui::scope(&parts.method, parts.uri.path())? {
            admit(app, &parts.headers, scope, trace)?;
        }
        return ui::answer(app, ui, parts, body, id).await;
    }
    let route = route::find(&parts.method, parts.uri.path())?;
    if let Some(scope) = route.scope() {
        admit(app, &parts.headers, scope, trace)?;
    }
    let may_use = |name: &str| trace.key.as_ref().is_none_or(|key| key.may_use(name));
    if route.model().is_some_and(|name| !may_use(name)) {
        return Err(forbidden("the key is not for this model"));
    }
    let Route::Predict { call, model, version } = route else {
        return other(app, route, parts, body).await;
    };
    let query = Query::parse(parts.uri.query());
    let name = model.as_deref().or_else(|| query.get("model")).filter(|n| !n.is_empty());
    let sticky = parts.headers.get(STICKY_KEY).and_then(|v| v.to_str().ok()).unwrap_or(id);
    let model = app.model(name, version.as_deref().or_else(|| query.get("version")), sticky)?;
    if !may_use(&model.name) {
        return Err(forbidden("the key is not for this model"));
    }
    trace.model = Some(model.clone());
    let headers = std::mem::take(&mut parts.headers);
    let mut ask = app.ask(model.clone(), headers, query, id);
    if call == Call::Plain && streamed::is_wanted(&ask)? {
        let place = app.enter()?;
        return streamed::predict(app, ask, body, place).await;
    }
    // While a small body comes, it takes no place: a client that sends it slowly keeps none out.
    let is_small = body::is_small(&body);
    let mut place = None;
    if !is_small {
        place = Some(app.enter()?);
    }
    ask.body = body::receive(&ask.headers, body, app.settings.limits.body_bytes_max).await?;
    if is_small {
        place = Some(app.enter()?);
    }
    let n_bytes = ask.body.len();
    let is_long = call == Call::V1Explain || ask.query.get("explain").is_some();
    let work = move |ctx: &Context| match call {
        Call::Plain => plain::predict(&ask, ctx),
        Call::V1 => v1::predict(&ask, ctx),
        Call::V1Explain => v1::explain(&ask, ctx),
        Call::V2 => v2::infer(&ask, ctx),
        Call::Invocations => invocations::predict(&ask, ctx),
    };
    let reply = app.engine.run(&model, n_bytes, is_long, work).await;
    drop(place);
    reply
}

/// Routes without rows.
async fn other(
    app: &Arc<App>,
    route: Route,
    parts: &Parts,
    body: Incoming,
) -> Result<Reply, Problem> {
    let state = app.hub.state();
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
        Route::Home | Route::Docs => docs::page(),
        Route::DocsScript { name } => docs::script(&name).ok_or_else(|| {
            Problem::new(404, "no-such-path", "there is nothing at this path").got(&name)
        })?,
        Route::Openapi => Reply::json(&openapi::document(app)),
        Route::Metrics => Reply::new(prometheus::MEDIA_TYPE, prometheus::text(app)),
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
            let body = body::receive(&parts.headers, body, SMALL_BODY_MAX).await?;
            let wish: serde_json::Value = serde_json::from_slice(&body).unwrap_or_default();
            Reply::json(&v2::describe::index(&state, wish["ready"] == true))
        }
        Route::Feedback => {
            let body = body::receive(&parts.headers, body, app.settings.limits.body_bytes_max);
            feedback::take(app.request_log.as_ref(), &body.await?)?
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
            let body = body::receive(&parts.headers, body, SMALL_BODY_MAX).await?;
            return change(app, route, body).await;
        }
    })
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
            app.hub.load(&model).map_err(Problem::of_error)?;
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
            let version = app.hub.roll_back(&model).map_err(Problem::of_error)?;
            Ok(Reply::json(&serde_json::json!({ "name": model, "version": version })))
        }
        Route::Promote { model } | Route::Canary { model } | Route::Shadow { model } => {
            roll_out(&app.hub, &how, &model, &body)
        }
        _ => Ok(Reply::json(&serde_json::json!({ "loaded": app.hub.refresh(true) }))),
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
    done.map_err(Problem::of_error)?;
    Ok(Reply::json(&serde_json::json!({ "name": model })))
}

fn gone() -> Problem {
    Problem::new(500, "internal", "the work on this request broke off")
}

fn forbidden(detail: &str) -> Problem {
    Problem::new(403, "forbidden", detail)
}

/// Lets a request in, by its key where keys are needed.
pub(super) fn admit(
    app: &App,
    headers: &HeaderMap,
    scope: Scope,
    trace: &mut Trace,
) -> Result<(), Problem> {
    if scope == Scope::Admin && !app.settings.admin_is_open() {
        return Err(forbidden("models cannot be changed from outside")
            .hint("start the server with --admin, or with --keys"));
    }
    if !app.settings.needs_key() {
        return Ok(());
    }
    let bearer = headers.get(AUTHORIZATION).and_then(|v| {
        let value = v.as_bytes();
        let (kind, key) = value.split_at_checked(7)?;
        kind.eq_ignore_ascii_case(b"bearer ").then_some(key.trim_ascii())
    });
    let known = match (&app.settings.jwt, bearer) {
        (Some(jwt), Some(token)) if Jwt::is_token(token) => Ok(of_token(app, jwt, token)?),
        _ => {
            let own = headers.get("x-api-key").map(HeaderValue::as_bytes);
            // A browser sends the key that it was given on the page.
            let cookie = || app.ui.as_ref().and_then(|_| ui::key_of(headers)).map(str::as_bytes);
            let given = bearer.or(own).or_else(cookie).zip(app.settings.keys.as_ref());
            let known = given.and_then(|(key, keys)| keys.find(key)).cloned();
            known.ok_or(Refused::Unknown)
        }
    };
    let admitted = known.and_then(|known| {
        trace.key = Some(known.clone());
        known.admit(scope)
    });
    admitted.map_err(|refused| match refused {
        Refused::Unknown => Problem::new(401, "no-key", "a key is needed").expected(
            match (&app.settings.keys, &app.settings.jwt) {
                (_, None) => "Authorization: Bearer KEY, or X-Api-Key: KEY",
                (None, _) => "Authorization: Bearer TOKEN",
                _ => "Authorization: Bearer KEY or TOKEN, or X-Api-Key: KEY",
            },
        ),
        Refused::Forbidden => {
            forbidden("the key does not allow this").expected(format!("scope `{}`", scope.name()))
        }
        Refused::TooOften(seconds) => {
            Problem::new(429, "too-many-requests", "the key's rate is used up").retry_after(seconds)
        }
    })
}

/// Who has a token.
fn of_token(app: &App, jwt: &Jwt, token: &[u8]) -> Result<Arc<Known>, Problem> {
    let found = jwt.find(token);
    if let Some(trouble) = jwt.take_trouble() {
        app.log.event("key set not read", "", None, Some(&trouble));
    }
    found.map_err(|why| {
        Problem::new(401, "bad-token", "the token is not taken")
            .expected("a signed token of the issuer, for this audience, that has not expired")
            .got(&why)
    })
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
    let error = error.as_ref().map(Problem::text);
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
