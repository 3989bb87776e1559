//! The Open Inference Protocol over gRPC: the same rows, the same answers, in messages.
//!
//! gRPC is HTTP/2, so it is answered on the port of HTTP too; nothing has to be told apart but the
//! content type. Reflection (what can be called) and the standard health service are there.

mod convert;
mod describe;
mod frame;
mod generated;
mod health;
mod infer;
mod message;
mod note;
mod one_answer;
mod plain;
mod reply;
mod service;
mod unary;

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;

use hyper::body::Incoming;
use hyper::{Request, Response};
use tonic::Status;
use tonic::body::Body;
use tonic::codegen::Service as _;

use self::generated::grpc_inference_service_server::GrpcInferenceServiceServer;
use self::service::Service;
use self::unary::Answered;
use crate::access::{Known, Scope};
use crate::app::App;
use crate::problem::Problem;

pub(crate) use note::{Ended, Noted, count};

type Inference = GrpcInferenceServiceServer<Service>;
type Health = tonic_health::pb::health_server::HealthServer<health::Health>;
type Answering = Pin<Box<dyn Future<Output = Response<Body>> + Send>>;
type Call = Arc<dyn Fn(Request<Body>) -> Answering + Send + Sync>;

/// Everything that can be called.
pub(crate) struct Grpc {
    inference: Inference,
    health: Health,
    /// Their types have no names outside their crate.
    reflection: Call,
    reflection_alpha: Call,
}

/// Whether a request is one of gRPC.
pub(crate) fn is_grpc<B>(request: &Request<B>) -> bool {
    let content_type = request.headers().get(hyper::header::CONTENT_TYPE);
    content_type.is_some_and(|value| value.as_bytes().starts_with(b"application/grpc"))
}

/// Whether the requests of a call are its messages.
pub(crate) fn is_stream(path: &str) -> bool {
    path.ends_with("/ModelStreamInfer")
}

/// The scope that a key needs for a method; `None` is open to all.
pub(crate) fn scope(path: &str) -> Option<Scope> {
    let method = path.rsplit('/').next().unwrap_or_default();
    match method {
        "ServerLive" | "ServerReady" | "Check" | "Watch" => None,
        "ModelStatistics" => Some(Scope::Metrics),
        "RepositoryModelLoad" | "RepositoryModelUnload" => Some(Scope::Admin),
        _ => Some(Scope::Predict),
    }
}

/// A refusal as gRPC says it.
pub(crate) fn status(problem: &Problem) -> Status {
    let text = problem.text();
    match (problem.status, problem.kind) {
        (401, _) => Status::unauthenticated(text),
        (403, _) => Status::permission_denied(text),
        (404, _) => Status::not_found(text),
        (409, _) => Status::failed_precondition(text),
        (413 | 429, _) => Status::resource_exhausted(text),
        (503, "deadline") => Status::deadline_exceeded(text),
        (503, _) => Status::unavailable(text),
        (500.., _) => Status::internal(text),
        _ => Status::invalid_argument(text),
    }
}

impl Grpc {
    /// Answers calls with what `app` has.
    pub(crate) fn new(app: &Arc<App>) -> Self {
        let n_max = app.settings.limits.body_bytes_max;
        let inference = GrpcInferenceServiceServer::new(Service(app.clone()))
            .max_decoding_message_size(n_max)
            .max_encoding_message_size(usize::MAX)
            .accept_compressed(tonic::codec::CompressionEncoding::Gzip)
            .send_compressed(tonic::codec::CompressionEncoding::Gzip);
        let health = Health::new(health::Health(app.clone()));
        let described = "the descriptors are those that the code was generated of";
        let reflection = descriptors().build_v1().expect(described);
        let reflection: Call = Arc::new(move |request| {
            let mut reflection = reflection.clone();
            Box::pin(async move { never_fails(reflection.call(request).await) })
        });
        // What the clients of many languages still ask, Python's among them.
        let alpha = descriptors().build_v1alpha().expect(described);
        let reflection_alpha: Call = Arc::new(move |request| {
            let mut alpha = alpha.clone();
            Box::pin(async move { never_fails(alpha.call(request).await) })
        });
        Self { inference, health, reflection, reflection_alpha }
    }

    /// Answers a call of somebody who may ask for it.
    pub(crate) async fn answer(
        &self,
        app: &Arc<App>,
        request: Request<Incoming>,
        key: Option<Arc<Known>>,
        noted: &Noted,
    ) -> Response<Body> {
        if unary::is_known(&request) {
            return match unary::answer(app, request, key.as_ref(), noted).await {
                Answered::Known(response) => response,
                Answered::Other(request) => Box::pin(self.by_tonic(request, key, noted)).await,
            };
        }
        // In a place of its own, so that the calls that need none of it are not as large.
        Box::pin(self.by_tonic(request, key, noted)).await
    }

    /// Answers a call of any method and form.
    async fn by_tonic<B>(
        &self,
        mut request: Request<B>,
        key: Option<Arc<Known>>,
        noted: &Noted,
    ) -> Response<Body>
    where
        B: hyper::body::Body<Data = hyper::body::Bytes> + Send + 'static,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>> + Send + 'static,
    {
        request.extensions_mut().insert(noted.clone());
        if let Some(key) = key {
            request.extensions_mut().insert(key);
        }
        let path = request.uri().path();
        if path.starts_with("/inference.") {
            never_fails(self.inference.clone().call(request).await)
        } else if path.starts_with("/grpc.health.") {
            never_fails(self.health.clone().call(request).await)
        } else if path.starts_with("/grpc.reflection.v1alpha.") {
            (self.reflection_alpha)(request.map(Body::new)).await
        } else if path.starts_with("/grpc.reflection.") {
            (self.reflection)(request.map(Body::new)).await
        } else {
            Status::unimplemented("there is no such service").into_http()
        }
    }
}

/// What reflection tells of.
fn descriptors() -> tonic_reflection::server::Builder<'static> {
    tonic_reflection::server::Builder::configure()
        .register_encoded_file_descriptor_set(generated::DESCRIPTORS)
        .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
}

fn never_fails(answer: Result<Response<Body>, Infallible>) -> Response<Body> {
    answer.unwrap_or_else(|never| match never {})
}
