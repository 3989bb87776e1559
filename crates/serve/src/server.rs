//! A server as a value: opened (models loaded, port bound), then run until it is told to stop.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use modelwright_core::{Error, Result};
use tokio::runtime::Runtime;
use tokio::sync::{Notify, watch};

use crate::app::App;
use crate::drift::DriftWatch;
use crate::engine::Engine;
use crate::events::Events;
use crate::http::listen::{self, Listener};
use crate::log::Log;
use crate::model::Hub;
use crate::renewal;
use crate::request_log::RequestLog;
use crate::settings::Settings;
use crate::shadow::Shadow;
use crate::signals::{HangUps, Signals};
use crate::stats::ServerStats;
use crate::telemetry::Telemetry;
use crate::tls::Tls;
use crate::ui::Ui;

/// A server that is ready to run. See [`Server::open`].
pub struct Server {
    app: Arc<App>,
    listening: Listening,
    runtime: Runtime,
    /// The threads of request log and telemetry.
    writing: Vec<JoinHandle<()>>,
    stop: Stop,
    signals: Signals,
}

/// Asks a running server to end: it takes no more connections and answers what it has.
#[derive(Debug, Clone, Default)]
pub struct Stop(Arc<Notify>);

impl Stop {
    /// Asks.
    pub fn now(&self) {
        self.0.notify_one();
    }
}

/// What is served, for those who want to tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Served {
    /// The name in URLs.
    pub name: String,
    /// The version.
    pub version: u64,
    /// The task, in a word.
    pub task: &'static str,
    /// The target column.
    pub target: String,
}

impl Server {
    /// Loads the models and binds the port; from then on connections wait to be answered.
    ///
    /// # Errors
    /// Input error for a model that cannot be served; work error for a port that is not free.
    pub fn open(settings: Settings) -> Result<Self> {
        let stats = Arc::new(ServerStats::default());
        let log = Log::start(settings.log, stats.clone())
            .map_err(|e| Error::work("cannot start a thread").because(e))?;
        let engine = Engine::new(settings.threads, settings.limits.gathered_time_min)?;
        let hub = Hub::open(
            settings.models.clone(),
            settings.store.clone(),
            settings.hold,
            engine.context().clone(),
            log.clone(),
        )?;
        let listening = Listening::bind(&settings)?;
        let failed = |what: &'static str| move |e: std::io::Error| Error::work(what).because(e);
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(engine.threads())
            .thread_name("serve")
            .enable_all()
            .build()
            .map_err(failed("cannot start threads"))?;
        let shadow = Shadow::start(engine.context().clone());
        let shadow = shadow.map_err(failed("cannot start a thread"))?;
        let start = |window| {
            let parts = (engine.context().clone(), log.clone());
            DriftWatch::start(window, settings.drift_reference.clone(), parts)
        };
        let drift = settings.drift_window.map(start).transpose();
        let drift = drift.map_err(failed("cannot start a thread"))?;
        let (mut request_log, mut telemetry, mut writing) = (None, None, Vec::new());
        if let Some(wanted) = &settings.request_log {
            let (ctx, stats) = (engine.context().clone(), stats.clone());
            let (own, thread) = RequestLog::start(wanted.clone(), ctx, stats, log.clone())?;
            request_log = Some(own);
            writing.push(thread);
        }
        let mut events = None;
        if let Some(wanted) = &settings.events {
            let (own, thread) = Events::start(wanted.clone(), stats.clone(), log.clone())?;
            events = Some(own);
            writing.push(thread);
        }
        if let Some(wanted) = &settings.telemetry {
            let (own, thread) = Telemetry::start(wanted.clone(), stats.clone(), log.clone())?;
            telemetry = Some(own);
            writing.push(thread);
        }
        let ui = settings.ui.clone().map(Ui::open).transpose()?.map(Arc::new);
        let app = App::new(settings, hub, engine, stats, log, (shadow, drift), request_log);
        let app = app
            .with_ui(ui)
            .with_tls(listening.tls.clone())
            .with_telemetry(telemetry)
            .with_events(events);
        let (app, stop) = (Arc::new(app), Stop::default());
        if let Some(telemetry) = &app.telemetry {
            telemetry.watch(&app);
        }
        Ok(Self { app, listening, runtime, writing, stop, signals: Signals::default() })
    }

    /// Where it listens.
    ///
    /// # Errors
    /// Work error when the system does not say.
    pub fn address(&self) -> Result<SocketAddr> {
        self.listening.sockets[0]
            .local_addr()
            .map_err(|e| Error::work("the system does not say the port").because(e))
    }

    /// The models that are served.
    pub fn served(&self) -> Vec<Served> {
        let state = self.app.hub.state();
        let current = state.entries.values().filter_map(|entry| entry.current());
        let served = |model: &Arc<crate::model::Model>| Served {
            name: model.name.to_string(),
            version: model.version,
            task: model.predictor.task.name(),
            target: model.predictor.target.clone(),
        };
        current.map(served).collect()
    }

    /// What ends it from outside.
    pub fn stop(&self) -> Stop {
        self.stop.clone()
    }

    /// Heeds signals from now on, as [`Server::run`] says. Called before anybody is told that it
    /// is there, so that no signal ends the process without an answer.
    ///
    /// # Errors
    /// Work error when the system refuses to tell of signals.
    pub fn heed_signals(&mut self) -> Result<()> {
        self.signals = Signals::heed(&self.runtime)?;
        Ok(())
    }

    /// Answers until [`Stop::now`], or, when signals are heeded, until SIGINT or SIGTERM; SIGHUP
    /// makes it look for newer models and read keys and certificates again. Returns when running
    /// requests have ended, or at a second such signal.
    ///
    /// # Errors
    /// Work error when the system refuses the socket.
    pub fn run(self) -> Result<()> {
        let Self { app, listening, runtime, writing, stop, signals } = self;
        let Signals { mut ends, hang_ups } = signals;
        let failed = |e: std::io::Error| Error::work("cannot serve").because(e);
        let (tell, told) = watch::channel(false);
        let result = runtime.block_on(async {
            let mut serving = tokio::task::JoinSet::new();
            for listener in listening.listeners().map_err(failed)? {
                serving.spawn(listen::serve(app.clone(), listener, told.clone()));
            }
            let watching = tokio::spawn(look(app.clone(), hang_ups));
            tokio::select! {
                () = stop.0.notified() => {}
                () = ends.next() => {}
            }
            let _ = tell.send(true);
            tokio::select! {
                _ = serving.join_all() => {}
                // Who asks twice waits for no slow client.
                () = ends.next() => {}
            }
            watching.abort();
            Ok(())
        });
        // Work that ignores its end (a huge batch) does not hold up the end of the process.
        runtime.shutdown_background();
        if let Some(request_log) = &app.request_log {
            request_log.end();
        }
        if let Some(events) = &app.events {
            events.end();
        }
        if let Some(telemetry) = &app.telemetry {
            telemetry.end();
        }
        for thread in writing {
            // One that broke off has nothing left to say.
            let _ = thread.join();
        }
        app.log.flush();
        if let Some(path) = &app.settings.unix_socket {
            let _ = std::fs::remove_file(path);
        }
        result
    }
}

/// Sockets that are bound, before anything is served on them.
struct Listening {
    sockets: Vec<TcpListener>,
    #[cfg(unix)]
    unix: Option<std::os::unix::net::UnixListener>,
    tls: Option<Arc<Tls>>,
}

impl Listening {
    fn bind(settings: &Settings) -> Result<Self> {
        let tls = settings.tls.clone().map(Tls::open).transpose()?.map(Arc::new);
        let ports = std::iter::once(settings.port).chain(settings.grpc_port);
        let sockets = ports.map(|port| bind(SocketAddr::new(settings.host, port)));
        Ok(Self {
            sockets: sockets.collect::<Result<_>>()?,
            #[cfg(unix)]
            unix: settings.unix_socket.as_deref().map(bind_unix).transpose()?,
            tls,
        })
    }

    /// As the running runtime takes them.
    fn listeners(self) -> std::io::Result<Vec<Listener>> {
        let mut listeners = Vec::new();
        for socket in self.sockets {
            let socket = tokio::net::TcpListener::from_std(socket)?;
            listeners.push(match &self.tls {
                Some(tls) => Listener::Tls(socket, tls.clone()),
                None => Listener::Tcp(socket),
            });
        }
        #[cfg(unix)]
        if let Some(socket) = self.unix {
            listeners.push(Listener::Unix(tokio::net::UnixListener::from_std(socket)?));
        }
        Ok(listeners)
    }
}

fn bind(address: SocketAddr) -> Result<TcpListener> {
    let bound = TcpListener::bind(address).and_then(|listener| {
        listener.set_nonblocking(true)?;
        Ok(listener)
    });
    bound.map_err(|e| {
        let hint = match e.kind() {
            std::io::ErrorKind::AddrInUse => "another program has it; choose --port",
            std::io::ErrorKind::PermissionDenied => "choose a --port above 1023",
            _ => "check --host and --port",
        };
        Error::work("cannot listen").at(address.to_string()).because(e).hint(hint)
    })
}

/// Binds a Unix socket; one that a dead server left is taken over.
#[cfg(unix)]
fn bind_unix(path: &std::path::Path) -> Result<std::os::unix::net::UnixListener> {
    use std::os::unix::fs::FileTypeExt;
    use std::os::unix::net::{UnixListener, UnixStream};
    // Of anything else at this path, connecting fails too: it is somebody's file.
    let is_socket = path.symlink_metadata().is_ok_and(|meta| meta.file_type().is_socket());
    let is_left = is_socket && UnixStream::connect(path).is_err();
    let failed = |e: std::io::Error| {
        let hint = match e.kind() {
            std::io::ErrorKind::AddrInUse => "something is there already; choose --unix-socket",
            _ => "check --unix-socket",
        };
        Error::work("cannot listen").at(path.display().to_string()).because(e).hint(hint)
    };
    if is_left {
        std::fs::remove_file(path).map_err(failed)?;
    }
    let listener = UnixListener::bind(path).map_err(failed)?;
    listener.set_nonblocking(true).map_err(failed)?;
    Ok(listener)
}

/// How often the store is asked whether an alias has moved, at least.
const ALIAS_PERIOD: Duration = Duration::from_millis(500);

/// Looks for newer models, keys and certificates from time to time, and when told to.
async fn look(app: Arc<App>, mut hang_ups: HangUps) {
    async fn pause(period: Option<Duration>) {
        match period {
            Some(period) => tokio::time::sleep(period).await,
            None => std::future::pending().await,
        }
    }
    let period = app.settings.watch;
    let alias_period = period.filter(|_| app.hub.has_registered()).map(|p| p.min(ALIAS_PERIOD));
    let mut waiting = Box::pin(pause(period));
    loop {
        let (is_whole, again) = tokio::select! {
            () = &mut waiting => (true, false),
            () = hang_ups.next() => (true, true),
            () = pause(alias_period) => (false, false),
        };
        if is_whole {
            waiting = Box::pin(pause(period));
        }
        let app = app.clone();
        let work = move || {
            if is_whole {
                renewal::look(&app, again);
                app.hub.refresh(again);
            } else {
                app.hub.refresh_registered(false);
            }
        };
        let _ = tokio::task::spawn_blocking(work).await;
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_socket_that_a_dead_server_left_is_taken_over_and_a_file_is_not() {
        let path = std::env::temp_dir().join(format!("mw-socket-{}", std::process::id()));
        let _ = std::fs::remove_file(&path);
        std::fs::write(&path, "precious").unwrap();
        assert!(bind_unix(&path).is_err());
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "precious");
        std::fs::remove_file(&path).unwrap();
        drop(bind_unix(&path).unwrap());
        let alive = bind_unix(&path).unwrap();
        assert!(bind_unix(&path).is_err(), "a server that is alive keeps its socket");
        drop(alive);
        std::fs::remove_file(&path).unwrap();
    }
}
