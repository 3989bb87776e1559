//! One call of `ModelInfer`: the same path as a request of HTTP.

use std::sync::Arc;
use std::time::Duration;

use hyper::HeaderMap;
use modelwright_core::Context;
use prost::Message;
use tonic::Status;
use tonic::metadata::MetadataMap;

use super::generated::{ModelInferRequest, ModelInferResponse};
use super::{Noted, convert, status};
use crate::access::Known;
use crate::app::App;
use crate::ask::{Ask, Query};
use crate::clock;
use crate::problem::Problem;
use crate::wire::v2;

/// Answers a request within its deadline, and counts it.
pub(super) async fn infer(
    app: &Arc<App>,
    key: Option<&Arc<Known>>,
    deadline: Option<Duration>,
    request: ModelInferRequest,
    noted: &Noted,
) -> Result<ModelInferResponse, Status> {
    let begun = clock::now();
    let name = Some(request.model_name.as_str()).filter(|n| !n.is_empty());
    let version = request.model_version.clone();
    // As over HTTP: a request without a name of its own gets one, by which canaries are dealt.
    let id = if request.id.is_empty() { app.new_id() } else { request.id.as_str().into() };
    let model = app.model(name, Some(&version), &id).map_err(|p| status(&p))?;
    if key.is_some_and(|key| !key.may_use(&model.name)) {
        return Err(Status::permission_denied("the key is not for this model"));
    }
    noted.asked(&model, &id);
    let pairs = request.parameters.iter();
    let pairs = pairs.filter_map(|(name, value)| Some((name.clone(), convert::text_of(value)?)));
    let query = Query::of(pairs.collect());
    let mut ask = app.ask(model.clone(), HeaderMap::new(), query, &id);
    let n_bytes = request.encoded_len();
    let limit = app.settings.limits.request_time_max;
    let limit = deadline.map_or(limit, |deadline| deadline.min(limit));
    let work = async {
        let _place = app.enter()?;
        if app.engine.gathers(&model, n_bytes) {
            let row =
                convert::tensors(&request).ok().and_then(|tensors| v2::lone_row_of(&ask, &tensors));
            if let Some(row) = row {
                ask.predicted = Some(app.engine.gather(&model, row).await?);
                return app.engine.at_once(|ctx| answer(&ask, &request, ctx));
            }
        }
        app.engine.run(&model, n_bytes, false, move |ctx| answer(&ask, &request, ctx)).await
    };
    let result = match tokio::time::timeout(limit, work).await {
        Ok(result) => result,
        Err(_) => Err(Problem::new(503, "deadline", "the request took too long")),
    };
    model.stats.count_request(result.is_ok(), clock::nanos(begun.elapsed()));
    if let Ok(response) = &result {
        let n_rows = response.outputs.first().and_then(|output| output.shape.first());
        noted.answered(n_rows.and_then(|n| usize::try_from(*n).ok()).unwrap_or(0));
    }
    result.map_err(|problem| {
        noted.refused(&problem);
        status(&problem)
    })
}

fn answer(
    ask: &Ask,
    request: &ModelInferRequest,
    ctx: &Context,
) -> Result<ModelInferResponse, Problem> {
    let begun = clock::now();
    let tensors = convert::tensors(request)?;
    ask.model.stats.input_ns.add(clock::nanos(begun.elapsed()));
    let outcome = v2::outcome(ask, &tensors, ctx)?;
    let begun = clock::now();
    let response = convert::response(ask, request, &outcome);
    ask.model.stats.output_ns.add(clock::nanos(begun.elapsed()));
    response
}

/// The time that the client will wait, by its `grpc-timeout`: digits and a unit.
pub(super) fn deadline(metadata: &MetadataMap) -> Option<Duration> {
    let text = metadata.get("grpc-timeout")?.to_str().ok()?;
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let n = digits.parse::<u64>().ok()?;
    Some(match unit {
        "H" => Duration::from_secs(n.saturating_mul(3600)),
        "M" => Duration::from_secs(n.saturating_mul(60)),
        "S" => Duration::from_secs(n),
        "m" => Duration::from_millis(n),
        "u" => Duration::from_micros(n),
        "n" => Duration::from_nanos(n),
        _ => return None,
    })
}
