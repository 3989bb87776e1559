//! Between the connection, which waits for nobody, and work, which waits.

use std::io::{self, Read, Write};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http_body_util::BodyExt;
use hyper::body::{Bytes, Incoming};
use tokio::runtime::Handle;
use tokio::sync::mpsc::{self, Receiver, Sender};

use super::patience::{Pace, Patience};
use crate::clock;

/// Pieces of a body that wait to be read.
const PIECES_WAITING: usize = 8;

/// How long the rest of a body is taken, and thrown away, that nobody reads any more.
const LINGER: Duration = Duration::from_secs(2);

/// Bytes of an answer that are sent together, about.
const PIECE_BYTES: usize = 64 << 10;

/// What comes of a body: bytes, or its end. That is said, so that nobody takes a task that broke
/// off for it.
type Piece = io::Result<Option<Bytes>>;

/// A body as something that is read: by a thread that may wait.
pub(super) fn reader(body: Incoming, patience: Patience) -> impl Read + Send + 'static {
    let (send, pieces) = mpsc::channel(PIECES_WAITING);
    tokio::spawn(feed(body, send, patience));
    BodyReader { pieces, piece: Bytes::new(), is_over: false }
}

/// Passes a body on until it ends, breaks off, or nobody reads any more.
async fn feed(mut body: Incoming, send: Sender<Piece>, patience: Patience) {
    let (pause_max, mut pace) = (patience.pause_max, Pace::default());
    let too_long = |text: String| io::Error::new(io::ErrorKind::TimedOut, text);
    loop {
        let begun = clock::now();
        let piece = match tokio::time::timeout(pause_max, body.frame()).await {
            Ok(None) => Ok(None),
            Ok(Some(Ok(frame))) => {
                let bytes = frame.into_data().unwrap_or_default();
                if pace.add(begun.elapsed(), bytes.len(), &patience) {
                    Err(too_long("the body comes too slowly, and others wait".to_owned()))
                } else {
                    Ok(Some(bytes))
                }
            }
            Ok(Some(Err(cause))) => {
                let text = format!("the body broke off: {cause}");
                Err(io::Error::new(io::ErrorKind::ConnectionAborted, text))
            }
            Err(_) => Err(too_long(format!("nothing of the body came for {pause_max:?}"))),
        };
        let is_over = !matches!(piece, Ok(Some(_)));
        let is_wanted = send.send(piece).await.is_ok();
        if !is_wanted && !is_over {
            // A refusal is on its way. A client that is cut off while it sends may not see it.
            let rest = async { while let Some(Ok(_)) = body.frame().await {} };
            let _ = tokio::time::timeout(LINGER, rest).await;
        }
        if !is_wanted || is_over {
            return;
        }
    }
}

struct BodyReader {
    pieces: Receiver<Piece>,
    piece: Bytes,
    is_over: bool,
}

impl Read for BodyReader {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while self.piece.is_empty() && !self.is_over {
            match self.pieces.blocking_recv() {
                Some(Ok(None)) => self.is_over = true,
                Some(piece) => self.piece = piece?.unwrap_or_default(),
                None => {
                    let text = "the server ends, and did not see the end of the body";
                    return Err(io::Error::new(io::ErrorKind::ConnectionAborted, text));
                }
            }
        }
        let n = out.len().min(self.piece.len());
        out[..n].copy_from_slice(&self.piece.split_to(n));
        Ok(n)
    }
}

/// An answer as something that is written to; clones write to the same.
#[derive(Clone)]
pub(super) struct Out {
    pieces: Sender<io::Result<Bytes>>,
    waiting: Arc<Mutex<Vec<u8>>>,
    handle: Handle,
    patience: Patience,
    pace: Arc<Mutex<Pace>>,
}

impl Out {
    /// To be taken from the other end of `pieces`.
    pub(super) fn new(
        pieces: Sender<io::Result<Bytes>>,
        handle: Handle,
        patience: Patience,
    ) -> Self {
        Self { pieces, waiting: Arc::default(), handle, patience, pace: Arc::default() }
    }

    /// Whether nobody wants the answer any more.
    pub(super) fn is_given_up(&self) -> bool {
        self.pieces.is_closed()
    }

    /// Ends the answer in a way that nobody can take for its end.
    pub(super) fn break_off(&self, why: String) {
        let _ = self.send(Err(io::Error::other(why)));
    }

    fn send(&self, piece: io::Result<Bytes>) -> io::Result<()> {
        let (begun, pause_max) = (clock::now(), self.patience.pause_max);
        let n_bytes = piece.as_ref().map_or(0, Bytes::len);
        let too_long = |text: String| Err(io::Error::new(io::ErrorKind::TimedOut, text));
        let send = tokio::time::timeout(pause_max, self.pieces.send(piece));
        match self.handle.block_on(send) {
            Ok(Ok(())) => {}
            Ok(Err(_)) => {
                return Err(io::Error::new(io::ErrorKind::BrokenPipe, "the client has left"));
            }
            Err(_) => {
                return too_long(format!(
                    "the client took nothing of its answer for {pause_max:?}"
                ));
            }
        }
        let mut pace = self.pace.lock().unwrap_or_else(PoisonError::into_inner);
        if pace.add(begun.elapsed(), n_bytes, &self.patience) {
            return too_long("the client takes its answer too slowly, and others wait".to_owned());
        }
        Ok(())
    }
}

impl Write for Out {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.extend_from_slice(bytes);
        let is_full = waiting.len() >= PIECE_BYTES;
        drop(waiting);
        if is_full {
            self.flush()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let piece = std::mem::take(&mut *waiting);
        drop(waiting);
        if piece.is_empty() { Ok(()) } else { self.send(Ok(piece.into())) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reader() -> (Sender<Piece>, BodyReader) {
        let (send, pieces) = mpsc::channel(PIECES_WAITING);
        (send, BodyReader { pieces, piece: Bytes::new(), is_over: false })
    }

    #[test]
    fn a_body_is_over_when_that_is_said_and_broken_off_when_nobody_says_it() {
        let (send, mut whole) = reader();
        send.blocking_send(Ok(Some(Bytes::from_static(b"a,b")))).unwrap();
        send.blocking_send(Ok(None)).unwrap();
        drop(send);
        let mut text = String::new();
        whole.read_to_string(&mut text).unwrap();
        assert_eq!((text.as_str(), whole.read(&mut [0]).unwrap()), ("a,b", 0));
        let (send, mut cut) = reader();
        send.blocking_send(Ok(Some(Bytes::from_static(b"a,b")))).unwrap();
        drop(send);
        let error = cut.read_to_string(&mut String::new()).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionAborted);
    }
}
