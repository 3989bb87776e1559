//! A limit for the head of a request, from its first byte: a client that sends it byte by byte
//! keeps no connection from others. A connection on which nothing comes may be idle for longer.
//!
//! HTTP/1 says where a head begins only by what was before it, so three know of each other: the
//! connection, which sees bytes; the service, which is called when a head is whole; and the body of
//! the answer, after whose end the next head may come. HTTP/2 is let pass.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::body::{Body, Frame, SizeHint};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Sleep;

/// From the first byte of a head to its end.
const HEAD_TIME_MAX: Duration = Duration::from_secs(10);
/// How connections of HTTP/2 begin; no head of HTTP/1 does.
const HTTP2: &[u8] = b"PRI ";

/// What the heads and answers of a connection were so far.
#[derive(Debug, Default)]
pub(super) struct Heads {
    n_whole: AtomicU64,
    n_answered: AtomicU64,
}

impl Heads {
    /// A head is whole; the answer to it, until its end.
    pub(super) fn answer(self: &Arc<Self>) -> Answering {
        self.n_whole.fetch_add(1, Ordering::Relaxed);
        Answering(self.clone())
    }

    /// How many heads there were, if none is being answered.
    fn awaited(&self) -> Option<u64> {
        let n_whole = self.n_whole.load(Ordering::Relaxed);
        (self.n_answered.load(Ordering::Relaxed) >= n_whole).then_some(n_whole)
    }
}

/// A request that is being answered, as long as this lives.
#[derive(Debug)]
pub(super) struct Answering(Arc<Heads>);

impl Drop for Answering {
    fn drop(&mut self) {
        self.0.n_answered.fetch_add(1, Ordering::Relaxed);
    }
}

/// The body of an answer; the next head may come when it has gone.
pub(super) struct Answered<B> {
    body: B,
    /// Ends with the body.
    _answering: Answering,
}

impl<B> Answered<B> {
    pub(super) fn new(body: B, answering: Answering) -> Self {
        Self { body, _answering: answering }
    }
}

impl<B: Body + Unpin> Body for Answered<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// A connection whose heads have a limit of time.
pub(super) struct Guarded<S> {
    stream: S,
    heads: Arc<Heads>,
    time_max: Duration,
    /// The heads before the one that has begun, and when its time is over.
    begun: Option<(u64, Pin<Box<Sleep>>)>,
    /// Bytes at the beginning of the connection that are those of HTTP/2; `None` once they are not.
    n_http2: Option<usize>,
}

impl<S> Guarded<S> {
    pub(super) fn new(stream: S, heads: Arc<Heads>) -> Self {
        Self { stream, heads, time_max: HEAD_TIME_MAX, begun: None, n_http2: Some(0) }
    }

    fn is_http2(&self) -> bool {
        self.n_http2 == Some(HTTP2.len())
    }

    fn look(&mut self, bytes: &[u8]) {
        let Some(n) = self.n_http2 else { return };
        let wanted = &HTTP2[n..];
        let n_both = wanted.len().min(bytes.len());
        self.n_http2 = (wanted[..n_both] == bytes[..n_both]).then_some(n + n_both);
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Guarded<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let awaited = this.heads.awaited();
        this.begun = this.begun.take().filter(|(n, _)| awaited == Some(*n) && !this.is_http2());
        let n_before = buffer.filled().len();
        let read = Pin::new(&mut this.stream).poll_read(cx, buffer);
        let came = &buffer.filled()[n_before..];
        if !came.is_empty() {
            this.look(came);
            if let (Some(n), None, false) = (awaited, &this.begun, this.is_http2()) {
                this.begun = Some((n, Box::pin(tokio::time::sleep(this.time_max))));
            }
        }
        let begun = this.begun.as_mut();
        if begun.is_some_and(|(_, sleep)| sleep.as_mut().poll(cx).is_ready()) {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Guarded<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write(cx, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write_vectored(cx, parts)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

    use super::*;

    const SHORT: Duration = Duration::from_millis(60);

    fn guarded() -> (DuplexStream, Guarded<DuplexStream>, Arc<Heads>) {
        let (client, server) = duplex(1024);
        let heads = Arc::<Heads>::default();
        let guarded = Guarded { time_max: SHORT, ..Guarded::new(server, heads.clone()) };
        (client, guarded, heads)
    }

    /// Reads until an error or twice the time has passed.
    async fn read(guarded: &mut Guarded<DuplexStream>) -> Option<io::ErrorKind> {
        let mut bytes = [0; 64];
        let reading = async {
            loop {
                if let Err(error) = guarded.read(&mut bytes).await {
                    return error.kind();
                }
            }
        };
        tokio::time::timeout(SHORT * 2, reading).await.ok()
    }

    fn run(test: impl Future<Output = ()>) {
        tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(test);
    }

    #[test]
    fn a_head_that_does_not_end_ends_the_connection_and_an_idle_one_stays() {
        run(async {
            let (mut client, mut guarded, heads) = guarded();
            assert_eq!(read(&mut guarded).await, None, "nothing came");
            client.write_all(b"GET /v2 HTTP/1.1\r\nHo").await.unwrap();
            assert_eq!(read(&mut guarded).await, Some(io::ErrorKind::TimedOut));
            drop(heads);
        });
    }

    #[test]
    fn a_body_takes_its_time_and_the_next_head_has_its_own() {
        run(async {
            let (mut client, mut guarded, heads) = guarded();
            client.write_all(b"POST / HTTP/1.1\r\n\r\n").await.unwrap();
            let mut bytes = [0; 19];
            guarded.read_exact(&mut bytes).await.unwrap();
            let answering = heads.answer();
            client.write_all(b"a body").await.unwrap();
            assert_eq!(read(&mut guarded).await, None, "it is no head");
            drop(answering);
            assert_eq!(read(&mut guarded).await, None, "idle");
            client.write_all(b"G").await.unwrap();
            assert_eq!(read(&mut guarded).await, Some(io::ErrorKind::TimedOut));
        });
    }

    #[test]
    fn a_connection_of_http_2_may_be_idle_after_its_first_bytes() {
        run(async {
            let (mut client, mut guarded, _) = guarded();
            for piece in [&b"PR"[..], b"I * HTTP/2.0\r\n\r\nSM\r\n\r\n"] {
                client.write_all(piece).await.unwrap();
            }
            assert_eq!(read(&mut guarded).await, None);
        });
    }
}
