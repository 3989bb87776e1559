//! The calls of the service, each a few lines to what HTTP uses too.

use std::sync::Arc;

use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status, Streaming};

use super::generated::grpc_inference_service_server::GrpcInferenceService;
use super::generated::{
    ModelConfigRequest, ModelConfigResponse, ModelInferRequest, ModelInferResponse,
    ModelMetadataRequest, ModelMetadataResponse, ModelReadyRequest, ModelReadyResponse,
    ModelStatisticsRequest, ModelStatisticsResponse, ModelStreamInferResponse,
    RepositoryIndexRequest, RepositoryIndexResponse, RepositoryModelLoadRequest,
    RepositoryModelLoadResponse, RepositoryModelUnloadRequest, RepositoryModelUnloadResponse,
    ServerLiveRequest, ServerLiveResponse, ServerMetadataRequest, ServerMetadataResponse,
    ServerReadyRequest, ServerReadyResponse,
};
use super::{Ended, Noted, count, describe, infer, status};
use crate::access::{Known, Refused, Scope, Turn};
use crate::app::App;
use crate::clock;
use crate::http::admit::refusal;
use crate::model::{Entry, Model, State};
use crate::wire::v2::{self, describe::EXTENSIONS};

/// Answers of a stream that may wait for the client to take them.
const ANSWERS_WAITING: usize = 16;

/// See the module's text.
pub(super) struct Service(pub(super) Arc<App>);

type Answer<T> = Result<Response<T>, Status>;

/// Refuses a model that the request's key is not for.
fn admit<T>(request: &Request<T>, name: &str) -> Result<(), Status> {
    let key = request.extensions().get::<Arc<Known>>();
    if key.is_some_and(|key| !key.may_use(name)) {
        return Err(Status::permission_denied("the key is not for this model"));
    }
    Ok(())
}

/// What is noted of a call.
fn noted<T>(request: &Request<T>) -> Noted {
    // The door has put it there.
    request.extensions().get::<Noted>().cloned().unwrap_or_else(|| Noted::new("".into(), None))
}

/// Whether a message of a stream may be answered. The first was admitted when the stream was, which
/// held no place while it waited for a message.
fn admit_message(key: Option<&Arc<Known>>, is_first: bool) -> Result<Turn, Refused> {
    match key {
        None => Ok(Turn::default()),
        Some(key) if is_first => key.admit_again(),
        Some(key) => key.admit(Scope::Predict),
    }
}

/// Answers a message of a stream, if it is admitted; counted and logged as a request of its own.
async fn message(
    app: &Arc<App>,
    (key, admitted): (Option<&Arc<Known>>, Result<Turn, Refused>),
    request: ModelInferRequest,
    noted: &Noted,
) -> Result<ModelInferResponse, Status> {
    let (begun, noted) = (clock::now(), noted.of_message());
    let result = match admitted {
        Ok(_turn) => {
            let time_max = app.settings.limits.request_time_max;
            infer::infer(app, key, time_max, request, &noted).await
        }
        Err(refused) => Err(status(&refusal(app, refused, Scope::Predict))),
    };
    let ok = Status::ok("");
    let status = result.as_ref().err().unwrap_or(&ok);
    count(app, &noted, &Ended { status, begun, key: key.map(|key| key.name.as_str()) });
    result
}

impl Service {
    /// The models that the request's key is for.
    fn seen<T>(&self, request: &Request<T>) -> State {
        let key = request.extensions().get::<Arc<Known>>();
        self.0.hub.state().only(|name| key.is_none_or(|key| key.may_use(name)))
    }

    fn find<T>(
        &self,
        request: &Request<T>,
        name: &str,
        version: &str,
    ) -> Result<(Arc<Model>, Entry), Status> {
        admit(request, name)?;
        let model = self.0.model(Some(name), Some(version), "").map_err(|p| status(&p))?;
        let entry = self.0.hub.state().entries.get(name).cloned();
        entry.map(|entry| (model, entry)).ok_or_else(|| Status::not_found("the model has gone"))
    }
}

#[tonic::async_trait]
impl GrpcInferenceService for Service {
    type ModelStreamInferStream = ReceiverStream<Result<ModelStreamInferResponse, Status>>;

    async fn server_live(&self, _: Request<ServerLiveRequest>) -> Answer<ServerLiveResponse> {
        Ok(Response::new(ServerLiveResponse { live: true }))
    }

    async fn server_ready(&self, _: Request<ServerReadyRequest>) -> Answer<ServerReadyResponse> {
        Ok(Response::new(ServerReadyResponse { ready: self.0.is_ready() }))
    }

    async fn model_ready(&self, request: Request<ModelReadyRequest>) -> Answer<ModelReadyResponse> {
        let ModelReadyRequest { name, version } = request.get_ref();
        let ready = match self.find(&request, name, version) {
            Ok(_) => true,
            Err(refused) if refused.code() == tonic::Code::Unavailable => false,
            Err(refused) => return Err(refused),
        };
        Ok(Response::new(ModelReadyResponse { ready }))
    }

    async fn server_metadata(
        &self,
        _: Request<ServerMetadataRequest>,
    ) -> Answer<ServerMetadataResponse> {
        Ok(Response::new(ServerMetadataResponse {
            name: "modelwright".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            extensions: EXTENSIONS.map(str::to_owned).to_vec(),
        }))
    }

    async fn model_metadata(
        &self,
        request: Request<ModelMetadataRequest>,
    ) -> Answer<ModelMetadataResponse> {
        let ModelMetadataRequest { name, version } = request.get_ref();
        let (model, entry) = self.find(&request, name, version)?;
        Ok(Response::new(describe::model(&model, &entry)))
    }

    async fn model_infer(&self, request: Request<ModelInferRequest>) -> Answer<ModelInferResponse> {
        let key = request.extensions().get::<Arc<Known>>().cloned();
        let time_max = infer::time_max(&self.0, request.metadata().as_ref());
        let noted = noted(&request);
        let (key, request) = (key.as_ref(), request.into_inner());
        let answer = infer::infer(&self.0, key, time_max, request, &noted).await;
        answer.map(Response::new)
    }

    async fn model_stream_infer(
        &self,
        request: Request<Streaming<ModelInferRequest>>,
    ) -> Answer<Self::ModelStreamInferStream> {
        let key = request.extensions().get::<Arc<Known>>().cloned();
        let noted = noted(&request);
        let (app, mut requests) = (self.0.clone(), request.into_inner());
        let (send, receive) = tokio::sync::mpsc::channel(ANSWERS_WAITING);
        tokio::spawn(async move {
            let mut is_first = true;
            loop {
                let answer = match requests.message().await {
                    Ok(None) => return,
                    Err(broken) => Err(broken),
                    Ok(Some(request)) => {
                        let id = request.id.clone();
                        let admitted = admit_message(key.as_ref(), is_first);
                        is_first = false;
                        let asked = (key.as_ref(), admitted);
                        let answered = tokio::select! {
                            answered = message(&app, asked, request, &noted) => answered,
                            // The client has left: so does what works for it.
                            () = send.closed() => return,
                        };
                        Ok(match answered {
                            Ok(response) => ModelStreamInferResponse {
                                infer_response: Some(response),
                                ..ModelStreamInferResponse::default()
                            },
                            Err(refused) => ModelStreamInferResponse {
                                error_message: refused.message().to_owned(),
                                infer_response: Some(ModelInferResponse {
                                    id,
                                    ..ModelInferResponse::default()
                                }),
                            },
                        })
                    }
                };
                let is_over = answer.is_err();
                if send.send(answer).await.is_err() || is_over {
                    return;
                }
            }
        });
        Ok(Response::new(ReceiverStream::new(receive)))
    }

    async fn model_config(
        &self,
        request: Request<ModelConfigRequest>,
    ) -> Answer<ModelConfigResponse> {
        let ModelConfigRequest { name, version } = request.get_ref();
        let (model, _) = self.find(&request, name, version)?;
        Ok(Response::new(ModelConfigResponse { config: Some(describe::config(&model)) }))
    }

    async fn model_statistics(
        &self,
        request: Request<ModelStatisticsRequest>,
    ) -> Answer<ModelStatisticsResponse> {
        let ModelStatisticsRequest { name, version } = request.get_ref();
        let state = self.seen(&request);
        let model_stats = if name.is_empty() {
            state.entries.values().filter_map(describe::statistics).collect()
        } else {
            let (_, entry) = self.find(&request, name, version)?;
            describe::statistics(&entry).into_iter().collect()
        };
        Ok(Response::new(ModelStatisticsResponse { model_stats }))
    }

    async fn repository_index(
        &self,
        request: Request<RepositoryIndexRequest>,
    ) -> Answer<RepositoryIndexResponse> {
        let state = self.seen(&request);
        Ok(Response::new(describe::index(&state, request.get_ref().ready)))
    }

    async fn repository_model_load(
        &self,
        request: Request<RepositoryModelLoadRequest>,
    ) -> Answer<RepositoryModelLoadResponse> {
        admit(&request, &request.get_ref().model_name)?;
        let parameters = request.get_ref().parameters.keys().map(String::as_str);
        v2::check_load_parameters(parameters).map_err(|problem| status(&problem))?;
        let (app, name) = (self.0.clone(), request.into_inner().model_name);
        let work = move || app.hub.load(&name).map_err(|problem| status(&problem));
        let broken = |_| Status::internal("loading broke off");
        tokio::task::spawn_blocking(work).await.map_err(broken)??;
        Ok(Response::new(RepositoryModelLoadResponse {}))
    }

    async fn repository_model_unload(
        &self,
        request: Request<RepositoryModelUnloadRequest>,
    ) -> Answer<RepositoryModelUnloadResponse> {
        admit(&request, &request.get_ref().model_name)?;
        let (app, name) = (self.0.clone(), request.into_inner().model_name);
        let broken = |_| Status::internal("unloading broke off");
        if tokio::task::spawn_blocking(move || app.hub.unload(&name)).await.map_err(broken)? {
            return Ok(Response::new(RepositoryModelUnloadResponse {}));
        }
        Err(Status::not_found("there is no loaded model of this name"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::{Keys, NewKey};

    #[test]
    fn a_stream_takes_from_the_rate_once_for_each_message() {
        let new = NewKey::make("shop").unwrap();
        let keys = Keys::parse(&format!("{}requests_per_second = 2.0\n", new.entry)).unwrap();
        let key = &keys.find(new.key.as_bytes()).unwrap();
        assert!(key.admit(Scope::Predict).is_ok(), "the stream is opened");
        assert!(admit_message(Some(key), true).is_ok());
        assert!(admit_message(Some(key), false).is_ok());
        assert!(matches!(admit_message(Some(key), false), Err(Refused::TooOften(_))));
        assert!(admit_message(None, false).is_ok(), "where no key is needed");
        let path = "/inference.GRPCInferenceService/ModelStreamInfer";
        assert!(super::super::is_stream(path) && !super::super::is_stream("/a/ModelInfer"));
    }

    #[test]
    fn each_message_of_a_stream_holds_a_place_of_its_key_the_first_too() {
        let new = NewKey::make("shop").unwrap();
        let keys = Keys::parse(&format!("{}requests_at_once = 1\n", new.entry)).unwrap();
        let key = &keys.find(new.key.as_bytes()).unwrap();
        for is_first in [true, false] {
            let turn = admit_message(Some(key), is_first).unwrap();
            for other in [true, false] {
                let refused = admit_message(Some(key), other).err();
                assert_eq!(refused, Some(Refused::TooManyAtOnce(1)));
            }
            drop(turn);
        }
    }

    #[test]
    fn a_key_of_some_models_is_refused_for_others() {
        let new = NewKey::make("shop").unwrap();
        let keys = Keys::parse(&format!("{}models = [\"a\"]\n", new.entry)).unwrap();
        let mut request = Request::new(());
        assert!(admit(&request, "b").is_ok(), "where no key is needed");
        request.extensions_mut().insert(keys.find(new.key.as_bytes()).unwrap());
        assert!(admit(&request, "a").is_ok());
        assert_eq!(admit(&request, "b").unwrap_err().code(), tonic::Code::PermissionDenied);
    }
}
