//! What is known of a call when it is over, for log, statistics and traces.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use tonic::{Code, Status};

use crate::app::App;
use crate::clock;
use crate::log::RequestLine;
use crate::model::Model;
use crate::problem::Problem;
use crate::telemetry::{Span, TraceIds};

/// What those who answer a call say of it; clones are of the same call.
#[derive(Debug, Clone)]
pub(crate) struct Noted {
    path: Arc<str>,
    ids: Option<TraceIds>,
    said: Arc<Mutex<Said>>,
}

#[derive(Debug, Default)]
struct Said {
    request_id: Arc<str>,
    model: Option<(Arc<str>, u64)>,
    n_rows: Option<usize>,
    /// Why not, without what was sent.
    refused: Option<String>,
}

/// How a call, or a message of a stream, ended.
pub(crate) struct Ended<'a> {
    pub(crate) status: &'a Status,
    pub(crate) begun: Instant,
    /// The name of the key.
    pub(crate) key: Option<&'a str>,
}

impl Noted {
    /// Of a call.
    pub(crate) fn new(path: Arc<str>, ids: Option<TraceIds>) -> Self {
        Self { path, ids, said: Arc::default() }
    }

    /// The same for a message of the call's stream.
    pub(super) fn of_message(&self) -> Self {
        Self::new(self.path.clone(), self.ids.clone())
    }

    /// Which model was asked, under which name.
    pub(super) fn asked(&self, model: &Model, request_id: &Arc<str>) {
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        said.model = Some((model.name.clone(), model.version));
        said.request_id = request_id.clone();
    }

    /// How many rows were answered.
    pub(super) fn answered(&self, n_rows: usize) {
        self.said.lock().unwrap_or_else(PoisonError::into_inner).n_rows = Some(n_rows);
    }

    /// Why rows were not answered; the message of the status may quote them.
    pub(super) fn refused(&self, problem: &Problem) {
        let told = problem.told();
        self.said.lock().unwrap_or_else(PoisonError::into_inner).refused = Some(told);
    }
}

/// Counts and logs what is over.
pub(crate) fn count(app: &App, noted: &Noted, ended: &Ended<'_>) {
    let status = http_of(ended.status.code());
    app.stats.by_status[usize::from(status / 100).clamp(1, 5) - 1].add(1);
    let said = noted.said.lock().unwrap_or_else(PoisonError::into_inner);
    let error = (ended.status.code() != Code::Ok)
        .then(|| said.refused.as_deref().unwrap_or(ended.status.message()))
        .map(|why| format!("{:?}: {why}", ended.status.code()));
    if let (Some(telemetry), Some(ids)) = (&app.telemetry, &noted.ids) {
        let span = || Span {
            ids: ids.clone(),
            request_id: said.request_id.clone(),
            method: hyper::Method::POST,
            path: noted.path.to_string(),
            status,
            duration: ended.begun.elapsed(),
            ended_ns: clock::unix_nanos(),
            model: said.model.clone(),
            n_rows: said.n_rows,
            error: error.clone(),
        };
        telemetry.take(span, ids);
    }
    if app.log.wants(status) {
        app.log.request(&RequestLine {
            request_id: &said.request_id,
            method: "GRPC",
            path: &noted.path,
            status,
            model: said.model.as_ref().map(|(name, _)| &**name),
            version: said.model.as_ref().map(|(_, version)| *version),
            n_rows: said.n_rows,
            duration_ms: clock::nanos(ended.begun.elapsed()) as f64 / 1e6,
            key: ended.key,
            error: error.as_deref(),
            trace_id: noted.ids.as_ref().map(|ids| format!("{:032x}", ids.trace)),
        });
    }
}

/// The status of HTTP that says about the same (`google/rpc/code.proto`): logs and statistics of
/// both protocols are read together.
fn http_of(code: Code) -> u16 {
    match code {
        Code::Ok => 200,
        Code::InvalidArgument | Code::OutOfRange => 400,
        Code::Unauthenticated => 401,
        Code::PermissionDenied => 403,
        // Of what is not there, a method among it.
        Code::NotFound | Code::Unimplemented => 404,
        Code::AlreadyExists | Code::Aborted | Code::FailedPrecondition => 409,
        Code::ResourceExhausted => 429,
        Code::Cancelled => 499,
        Code::Unknown | Code::Internal | Code::DataLoss => 500,
        Code::Unavailable => 503,
        Code::DeadlineExceeded => 504,
    }
}
