//! Connections: accepted up to a limit, served by HTTP/1.1 or HTTP/2, drained at the end.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use super::head::{Answered, Guarded, Heads};
use super::service::{self, Service};
use super::streams::Streams;
use crate::app::App;
use crate::tls::Tls;

/// A client that sends nothing for longer loses its connection; see [`super::head`] for one that
/// begins a request and does not end its head.
const IDLE_TIME_MAX: Duration = Duration::from_secs(75);

/// The longest head of a request, and what is read of a body at a time.
const HEAD_BYTES_MAX: usize = 64 << 10;

/// A client that takes longer to agree on keys loses its connection.
const HANDSHAKE_TIME_MAX: Duration = Duration::from_secs(10);

/// Requests of one connection of HTTP/2 at a time.
const STREAMS_MAX: u32 = 256;

/// How long to wait when the system has no more connections to give (its files are used up).
const PAUSE: Duration = Duration::from_millis(50);

/// Where connections come from.
pub(crate) enum Listener {
    Tcp(TcpListener),
    Tls(TcpListener, Arc<Tls>),
    #[cfg(unix)]
    Unix(tokio::net::UnixListener),
}

/// A connection that was accepted.
enum Stream {
    Tcp(tokio::net::TcpStream),
    #[cfg(unix)]
    Unix(tokio::net::UnixStream),
}

impl Listener {
    async fn accept(&self) -> io::Result<Stream> {
        match self {
            Self::Tcp(listener) | Self::Tls(listener, _) => {
                let (stream, _) = listener.accept().await?;
                // Answers are written whole: waiting for more to send only delays them.
                let _ = stream.set_nodelay(true);
                Ok(Stream::Tcp(stream))
            }
            #[cfg(unix)]
            Self::Unix(listener) => Ok(Stream::Unix(listener.accept().await?.0)),
        }
    }
}

/// What serves connections: cheap to clone.
#[derive(Clone)]
struct Server(Arc<Service>);

/// Serves connections until `stop` turns true, then lets running requests end.
pub(crate) async fn serve(app: Arc<App>, listener: Listener, mut stop: watch::Receiver<bool>) {
    let limits = app.settings.limits;
    let free = Arc::new(Semaphore::new(limits.connections_max));
    let graceful = GracefulShutdown::new();
    let server = Server(Arc::new(Service::new(app.clone())));
    loop {
        tokio::select! {
            (stream, permit) = accept(&listener, &free) => {
                server.begin(stream, &listener, permit, graceful.watcher());
            }
            () = told(&mut stop) => break,
        }
    }
    app.is_draining.store(true, Ordering::Relaxed);
    drop(listener);
    let _ = tokio::time::timeout(limits.drain_time_max, graceful.shutdown()).await;
}

async fn told(stop: &mut watch::Receiver<bool>) {
    // Who could tell no more has ended too.
    let _ = stop.wait_for(|stop| *stop).await;
}

async fn accept(
    listener: &Listener,
    free: &Arc<Semaphore>,
) -> (Stream, Option<OwnedSemaphorePermit>) {
    // The semaphore is never closed.
    let permit = free.clone().acquire_owned().await.ok();
    loop {
        match listener.accept().await {
            Ok(stream) => return (stream, permit),
            Err(_) => tokio::time::sleep(PAUSE).await,
        }
    }
}

impl Server {
    /// Serves one connection in a task of its own.
    fn begin(
        &self,
        stream: Stream,
        listener: &Listener,
        permit: Option<OwnedSemaphorePermit>,
        watcher: Watcher,
    ) {
        let server = self.clone();
        let tls = match listener {
            Listener::Tls(_, tls) => Some(tls.acceptor()),
            _ => None,
        };
        self.0.app.stats.n_connections.add(1);
        tokio::spawn(async move {
            match (stream, tls) {
                (Stream::Tcp(stream), Some(tls)) => {
                    let shaken = tokio::time::timeout(HANDSHAKE_TIME_MAX, tls.accept(stream));
                    if let Ok(Ok(stream)) = shaken.await {
                        server.connection(stream, watcher).await;
                    }
                }
                (Stream::Tcp(stream), None) => server.connection(stream, watcher).await,
                #[cfg(unix)]
                (Stream::Unix(stream), _) => server.connection(stream, watcher).await,
            }
            server.0.app.stats.n_connections.sub(1);
            drop(permit);
        });
    }

    async fn connection<S>(&self, stream: S, watcher: Watcher)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let streams = Streams::new();
        let mut builder = Builder::new(streams.clone());
        builder
            .http1()
            .timer(TokioTimer::new())
            .header_read_timeout(IDLE_TIME_MAX)
            .max_buf_size(HEAD_BYTES_MAX)
            .pipeline_flush(true);
        builder
            .http2()
            .timer(TokioTimer::new())
            .max_concurrent_streams(STREAMS_MAX)
            .max_header_list_size(HEAD_BYTES_MAX as u32)
            .keep_alive_interval(IDLE_TIME_MAX);
        let heads = Arc::<Heads>::default();
        let service = service_fn(|request| {
            let (answering, service) = (heads.answer(), self.0.clone());
            async move {
                let answer = service::answer(service, request).await;
                answer.map(|answer| answer.map(|body| Answered::new(body, answering)))
            }
        });
        let stream = TokioIo::new(Guarded::new(stream, heads.clone()));
        let connection = builder.serve_connection(stream, service);
        // A client that goes away or speaks no HTTP is no trouble of ours.
        let _ = streams.drive(watcher.watch(connection)).await;
    }
}
