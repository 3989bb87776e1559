//! The standard health service: the server (empty name) and each of its models by name.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status};
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_server;
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};

use super::generated::grpc_inference_service_server::SERVICE_NAME;
use crate::app::App;

/// How often a watched status is looked at.
const PERIOD: Duration = Duration::from_secs(1);

/// See the module's text.
pub(super) struct Health(pub(super) Arc<App>);

fn status_of(app: &App, service: &str) -> Option<HealthCheckResponse> {
    let is_serving = match service {
        "" | SERVICE_NAME => app.is_ready(),
        name => !app.hub.state().entries.get(name)?.versions.is_empty(),
    };
    let status = if is_serving { ServingStatus::Serving } else { ServingStatus::NotServing };
    Some(HealthCheckResponse { status: status as i32 })
}

#[tonic::async_trait]
impl health_server::Health for Health {
    type WatchStream = ReceiverStream<Result<HealthCheckResponse, Status>>;

    async fn check(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<HealthCheckResponse>, Status> {
        let status = status_of(&self.0, &request.get_ref().service);
        status.map(Response::new).ok_or_else(|| Status::not_found("there is no such service"))
    }

    async fn watch(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        let (app, service) = (self.0.clone(), request.into_inner().service);
        let (send, receive) = tokio::sync::mpsc::channel(1);
        tokio::spawn(async move {
            let unknown = HealthCheckResponse { status: ServingStatus::ServiceUnknown as i32 };
            let mut last = None;
            while !send.is_closed() {
                let status = status_of(&app, &service).unwrap_or(unknown);
                if last != Some(status.status) {
                    last = Some(status.status);
                    if send.send(Ok(status)).await.is_err() {
                        return;
                    }
                }
                // Who is told of the end is not to hold it up.
                if app.is_draining.load(Ordering::Relaxed) {
                    return;
                }
                tokio::time::sleep(PERIOD).await;
            }
        });
        Ok(Response::new(ReceiverStream::new(receive)))
    }
}
