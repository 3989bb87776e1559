//! What all requests share.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use hyper::HeaderMap;

use crate::access::Turn;
use crate::ask::{Ask, Query};
use crate::drift::DriftWatch;
use crate::engine::Engine;
use crate::events::Events;
use crate::held::Bodies;
use crate::log::Log;
use crate::model::{Hub, Model, no_such_version};
use crate::problem::Problem;
use crate::request_log::RequestLog;
use crate::settings::Settings;
use crate::shadow::Shadow;
use crate::stats::ServerStats;
use crate::telemetry::Telemetry;
use crate::tls::Tls;
use crate::ui::Ui;

/// What all requests share.
pub(crate) struct App {
    pub(crate) settings: Settings,
    pub(crate) hub: Hub,
    pub(crate) engine: Engine,
    pub(crate) stats: Arc<ServerStats>,
    /// The bodies that are held.
    pub(crate) bodies: Arc<Bodies>,
    pub(crate) log: Log,
    shadow: Shadow,
    pub(crate) drift: Option<DriftWatch>,
    pub(crate) request_log: Option<RequestLog>,
    /// Tells of predictions, where somebody wants to know.
    pub(crate) events: Option<Events>,
    /// Takes traces, where somebody wants them.
    pub(crate) telemetry: Option<Telemetry>,
    /// Its identity, where connections are encrypted.
    pub(crate) tls: Option<Arc<Tls>>,
    /// The web page over a store, where that is what is served.
    pub(crate) ui: Option<Arc<Ui>>,
    /// Set when the server is about to end: it answers what it has and is ready for no more.
    pub(crate) is_draining: AtomicBool,
    /// Unix seconds.
    pub(crate) started: f64,
    /// Differs from process to process, so that request ids do.
    id_base: u64,
    next_id: AtomicU64,
}

impl App {
    /// Of its parts.
    pub(crate) fn new(
        settings: Settings,
        hub: Hub,
        engine: Engine,
        stats: Arc<ServerStats>,
        log: Log,
        (shadow, drift): (Shadow, Option<DriftWatch>),
        request_log: Option<RequestLog>,
    ) -> Self {
        let mut bits = [0; 8];
        // Without randomness ids still count up; they only repeat after a restart.
        let _ = getrandom::fill(&mut bits);
        let limits = &settings.limits;
        let bodies = Bodies::new(limits.bodies_bytes_max.max(limits.body_bytes_max));
        Self {
            bodies,
            settings,
            hub,
            engine,
            stats,
            log,
            shadow,
            drift,
            request_log,
            events: None,
            telemetry: None,
            tls: None,
            ui: None,
            is_draining: AtomicBool::new(false),
            started: crate::clock::unix_micros() as f64 / 1e6,
            id_base: u64::from_le_bytes(bits),
            next_id: AtomicU64::new(0),
        }
    }

    /// With a page over a store.
    pub(crate) fn with_ui(self, ui: Option<Arc<Ui>>) -> Self {
        Self { ui, ..self }
    }

    /// With an identity.
    pub(crate) fn with_tls(self, tls: Option<Arc<Tls>>) -> Self {
        Self { tls, ..self }
    }

    /// With somebody who wants to be told of predictions.
    pub(crate) fn with_events(self, events: Option<Events>) -> Self {
        Self { events, ..self }
    }

    /// With somebody who wants traces and metrics.
    pub(crate) fn with_telemetry(self, telemetry: Option<Telemetry>) -> Self {
        Self { telemetry, ..self }
    }

    /// A number that no other request has.
    pub(crate) fn new_number(&self) -> u64 {
        let n = self.next_id.fetch_add(1, Ordering::Relaxed);
        // An odd factor makes neighbours look different and never repeats within 2⁶⁴.
        self.id_base.wrapping_add(n.wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    /// A name for a request that has none.
    pub(crate) fn new_id(&self) -> Arc<str> {
        let id = self.new_number();
        let digit = |i: usize| b"0123456789abcdef"[(id >> (60 - 4 * i)) as usize & 15];
        let digits: [u8; 16] = std::array::from_fn(digit);
        std::str::from_utf8(&digits).unwrap_or_default().into()
    }

    /// The model of a name and version; without a name the first, without a version the current,
    /// or a canary if the key is of its share.
    ///
    /// # Errors
    /// Problem 404 for an unknown name or version, 503 for a model that was unloaded.
    pub(crate) fn model(
        &self,
        name: Option<&str>,
        version: Option<&str>,
        key: &str,
    ) -> Result<Arc<Model>, Problem> {
        let state = self.hub.state();
        let Some(name) = name.or(state.default.as_deref()) else {
            return Err(Problem::new(503, "no-model", "no model is loaded").retry_after(1));
        };
        let Some(entry) = state.entries.get(name) else {
            let problem = Problem::new(404, "no-such-model", "there is no model of this name");
            // A key may be for some of them only.
            let expected = if self.settings.needs_key() {
                "one that GET /v1/models names".to_owned()
            } else {
                let names: Vec<&str> = state.entries.keys().map(String::as_str).collect();
                format!("one of {}", names.join(", "))
            };
            return Err(problem.expected(expected).got(name));
        };
        if entry.versions.is_empty() {
            return Err(Problem::new(503, "not-loaded", format!("model `{name}` is not loaded"))
                .retry_after(1));
        }
        let found = match version {
            None | Some("") => entry.pick(key),
            Some(version) => entry.versions.iter().find(|m| m.version.to_string() == version),
        };
        found.cloned().ok_or_else(|| no_such_version(name, entry, version.unwrap_or_default()))
    }

    /// The version that is to be asked what `model` is, unseen.
    pub(crate) fn shadow_of(&self, model: &Model) -> Option<(Arc<Model>, Shadow)> {
        let state = self.hub.state();
        let entry = state.entries.get(&*model.name)?;
        let version = entry.shadow.filter(|version| *version != model.version)?;
        Some((entry.version(version)?.clone(), self.shadow.clone()))
    }

    /// Where a request is written down, if it is.
    pub(crate) fn log_of(&self, request_id: &str) -> Option<RequestLog> {
        self.request_log.as_ref().filter(|log| log.takes(request_id)).cloned()
    }

    /// A request to a model, of which nothing has been received yet.
    pub(crate) fn ask(
        &self,
        model: Arc<Model>,
        headers: HeaderMap,
        query: Query,
        id: &Arc<str>,
    ) -> Ask {
        Ask {
            headers,
            query,
            request_log: self.log_of(id),
            events: self.events.as_ref().filter(|events| events.takes(id)).cloned(),
            request_id: id.clone(),
            policy: self.settings.policy,
            rows_max: self.settings.limits.rows_max,
            explain_time_max: self.settings.limits.request_time_max / 2,
            shadow: self.shadow_of(&model),
            drift: self.drift.clone(),
            ..Ask::plain(model)
        }
    }

    /// Bytes of a body, as sent and after decompression.
    pub(crate) fn body_bytes_max(&self) -> usize {
        self.settings.limits.body_bytes_max
    }

    /// Takes a place among the requests that are answered at a time.
    ///
    /// # Errors
    /// Problem 503 when there are too many.
    pub(crate) fn enter(self: &Arc<Self>) -> Result<Place, Problem> {
        self.stats.n_in_flight.add(1);
        let place = Place { stats: self.stats.clone(), turn: Turn::default() };
        if self.stats.n_in_flight.get() <= self.settings.limits.requests_max as u64 {
            return Ok(place);
        }
        self.stats.n_overload.add(1);
        Err(Problem::new(503, "overload", "the server has too many requests").retry_after(1))
    }

    /// Whether more than half of the places for requests are taken.
    pub(crate) fn places_are_scarce(&self) -> bool {
        self.stats.n_in_flight.get() > self.settings.limits.requests_max as u64 / 2
    }

    /// Whether requests should be sent here.
    pub(crate) fn is_ready(&self) -> bool {
        let state = self.hub.state();
        !self.is_draining.load(Ordering::Relaxed)
            && state.entries.values().any(|entry| !entry.versions.is_empty())
    }
}

/// Counts a request as long as it lives, also when its client goes away.
pub(crate) struct Place {
    stats: Arc<ServerStats>,
    /// That of its key.
    turn: Turn,
}

impl Place {
    /// With the request's turn of its key, which then lives as long.
    pub(crate) fn of_key(self, turn: Turn) -> Self {
        let mut place = self;
        place.turn = turn;
        place
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.stats.n_in_flight.sub(1);
    }
}
