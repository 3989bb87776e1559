//! Calls of `ModelInfer`, which most calls are: from the bytes of the body to those of the answer,
//! without a stream of messages in between.

use std::sync::Arc;

use hyper::body::Incoming;
use hyper::header::{HeaderMap, HeaderValue};
use hyper::{Request, Response};
use tonic::body::Body;

use super::frame::{self, Received, Resumed};
use super::message::Message;
use super::reply::reply;
use super::{Noted, infer, status};
use crate::access::Known;
use crate::app::App;
use crate::clock;

const PATH: &str = "/inference.GRPCInferenceService/ModelInfer";

/// What became of a call.
pub(super) enum Answered {
    Known(Response<Body>),
    /// Its body has a form that is not known here; the call as it came.
    Other(Request<Resumed<Incoming>>),
}

/// Whether a call can be answered here, as far as its head says.
pub(super) fn is_known(request: &Request<Incoming>) -> bool {
    let encoding = request.headers().get("grpc-encoding").map(HeaderValue::as_bytes);
    request.uri().path() == PATH && matches!(encoding, None | Some(b"identity" | b"gzip"))
}

/// Answers a call within its time, which a body that comes slowly uses up too.
pub(super) async fn answer(
    app: &Arc<App>,
    request: Request<Incoming>,
    key: Option<&Arc<Known>>,
    noted: &Noted,
) -> Answered {
    let begun = clock::now();
    let (head, body) = request.into_parts();
    let time_max = infer::time_max(app, &head.headers);
    let is_gzip = |name| head.headers.get(name).is_some_and(|v| v.as_bytes() == b"gzip");
    let received =
        frame::receive(body, app.body_bytes_max(), is_gzip("grpc-encoding"), &app.bodies);
    let received = tokio::time::timeout(time_max, received).await.unwrap_or_else(|_| {
        let problem = infer::too_long();
        noted.refused(&problem);
        Err(status(&problem))
    });
    let (message, _held) = match received {
        Ok(Received::Message(message, held)) => (message, held),
        Ok(Received::Other(body)) => return Answered::Other(Request::from_parts(head, body)),
        Err(refused) => return Answered::Known(refused.into_http()),
    };
    let answer = match Message::read(message) {
        Ok(message) => {
            let left = time_max.saturating_sub(begun.elapsed());
            infer::infer(app, key, left, message, noted).await
        }
        Err(broken) => Err(broken),
    };
    Answered::Known(match answer {
        Ok(answer) => reply(answer, takes_gzip(&head.headers)),
        Err(refused) => refused.into_http(),
    })
}

fn takes_gzip(headers: &HeaderMap) -> bool {
    let accepted = headers.get("grpc-accept-encoding").and_then(|value| value.to_str().ok());
    accepted.is_some_and(|accepted| accepted.split(',').any(|name| name.trim() == "gzip"))
}
