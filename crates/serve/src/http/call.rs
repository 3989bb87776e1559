//! One call of gRPC, from its head to its answer: admitted, counted, logged.

use std::sync::Arc;

use hyper::body::Incoming;
use hyper::{Request, Response};
use tonic::body::Body;
use tonic::{Code, Status};

use super::admit::admit;
use super::service::Trace;
use crate::app::App;
use crate::clock;
use crate::grpc::{self, Ended, Grpc, Noted};

/// Answers a call; never fails.
pub(super) async fn answer(
    app: &Arc<App>,
    grpc: &Grpc,
    request: Request<Incoming>,
) -> Response<Body> {
    let begun = clock::now();
    let mut trace = Trace::of(app, request.headers());
    let path: Arc<str> = request.uri().path().into();
    let noted = Noted::new(path.clone(), trace.ids.clone());
    let scope = grpc::scope(&path);
    let admitted = scope.map(|s| admit(app, request.headers(), s, &mut trace.key)).transpose();
    let key = trace.key.clone();
    let response = match admitted {
        Ok(turn) => {
            // The messages of a stream take turns of their own.
            let _turn = turn.filter(|_| !grpc::is_stream(&path));
            grpc.answer(app, request, trace.key.take(), &noted).await
        }
        Err(refused) => grpc::status(&refused).into_http(),
    };
    // A call that fails has its status in the head of the answer; of a stream it is its beginning.
    let status = Status::from_header_map(response.headers()).unwrap_or_else(|| Status::ok(""));
    // A stream that has begun is counted and logged by its messages.
    if grpc::is_stream(&path) && status.code() == Code::Ok {
        return response;
    }
    let key = key.as_ref().map(|key| key.name.as_str());
    grpc::count(app, &noted, &Ended { status: &status, begun, key });
    response
}
