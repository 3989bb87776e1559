//! One call of `ModelInfer`: the same path as a request of HTTP.

use std::sync::Arc;
use std::time::Duration;

use hyper::HeaderMap;
use modelwright_core::Context;
use modelwright_core::data::Table;
use prost::Message;
use tonic::Status;

use super::generated::{ModelInferRequest, ModelInferResponse};
use super::{Noted, convert, status};
use crate::access::Known;
use crate::app::App;
use crate::ask::{Ask, Query};
use crate::clock;
use crate::problem::Problem;
use crate::wire::v2;

/// A request to infer, in the form in which it came.
pub(super) trait Request: Send + 'static {
    /// The answer in the same form.
    type Answer: Send + 'static;

    /// Who is asked.
    fn asked(&self) -> Asked<'_>;

    /// The parameters that stand in the URL over HTTP.
    fn query(&self) -> Query;

    /// About how long it is.
    fn n_bytes(&self) -> usize;

    /// Its only row, where nothing but its prediction is wanted.
    fn lone_row(&self, ask: &Ask) -> Option<Table>;

    /// Answers it, and says how many rows there are.
    ///
    /// # Errors
    /// What is wrong with the request.
    fn answer(&self, ask: &Ask, ctx: &Context) -> Result<(Self::Answer, usize), Problem>;
}

/// What a request says before its rows; empty where it does not.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked<'r> {
    pub(super) name: &'r str,
    pub(super) version: &'r str,
    pub(super) id: &'r str,
}

/// Answers a request within a time, and counts it.
pub(super) async fn infer<R: Request>(
    app: &Arc<App>,
    key: Option<&Arc<Known>>,
    time_max: Duration,
    request: R,
    noted: &Noted,
) -> Result<R::Answer, Status> {
    let begun = clock::now();
    let Asked { name, version, id } = request.asked();
    // As over HTTP: a request without a name of its own gets one, by which canaries are dealt.
    let id = if id.is_empty() { app.new_id() } else { id.into() };
    let name = Some(name).filter(|name| !name.is_empty());
    let model = app.model(name, Some(version), &id).map_err(|p| status(&p))?;
    if key.is_some_and(|key| !key.may_use(&model.name)) {
        return Err(Status::permission_denied("the key is not for this model"));
    }
    noted.asked(&model, &id);
    let mut ask = app.ask(model.clone(), HeaderMap::new(), request.query(), &id);
    let n_bytes = request.n_bytes();
    let work = async {
        let _place = app.enter()?;
        if app.engine.gathers(&model, n_bytes)
            && let Some(row) = request.lone_row(&ask)
        {
            ask.predicted = Some(app.engine.gather(&model, row).await?);
            return app.engine.at_once(|ctx| request.answer(&ask, ctx));
        }
        app.engine.run(&model, n_bytes, false, move |ctx| request.answer(&ask, ctx)).await
    };
    let result = match tokio::time::timeout(time_max, work).await {
        Ok(result) => result,
        Err(_) => Err(too_long()),
    };
    model.stats.count_request(result.is_ok(), clock::nanos(begun.elapsed()));
    match result {
        Ok((answer, n_rows)) => {
            noted.answered(n_rows);
            Ok(answer)
        }
        Err(problem) => {
            noted.refused(&problem);
            Err(status(&problem))
        }
    }
}

/// What is said where time was up.
pub(super) fn too_long() -> Problem {
    Problem::new(503, "deadline", "the request took too long")
}

impl Request for ModelInferRequest {
    type Answer = ModelInferResponse;

    fn asked(&self) -> Asked<'_> {
        Asked { name: &self.model_name, version: &self.model_version, id: &self.id }
    }

    fn query(&self) -> Query {
        let pairs = self.parameters.iter();
        let text = |(name, value): (&String, _)| Some((name.clone(), convert::text_of(value)?));
        Query::of(pairs.filter_map(text).collect())
    }

    fn n_bytes(&self) -> usize {
        self.encoded_len()
    }

    fn lone_row(&self, ask: &Ask) -> Option<Table> {
        v2::lone_row_of(ask, &convert::tensors(self).ok()?)
    }

    fn answer(&self, ask: &Ask, ctx: &Context) -> Result<(ModelInferResponse, usize), Problem> {
        let begun = clock::now();
        let tensors = convert::tensors(self)?;
        ask.model.stats.input_ns.add(clock::nanos(begun.elapsed()));
        let outcome = v2::outcome(ask, &tensors, ctx)?;
        let begun = clock::now();
        let response = convert::response(ask, self, &outcome);
        ask.model.stats.output_ns.add(clock::nanos(begun.elapsed()));
        Ok((response?, outcome.batch.n_rows))
    }
}

/// How long a call may take: as long as any request, or as its client will wait, by its
/// `grpc-timeout`, if that is less.
pub(super) fn time_max(app: &App, headers: &HeaderMap) -> Duration {
    let limit = app.settings.limits.request_time_max;
    deadline(headers).map_or(limit, |deadline| deadline.min(limit))
}

/// The time that the client will wait: digits and a unit.
fn deadline(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get("grpc-timeout")?.to_str().ok()?;
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
