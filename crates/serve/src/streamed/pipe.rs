//! Between the connection, which waits for nobody, and work, which waits.

use std::io::{self, Read, Write};
use std::sync::{Arc, Mutex, PoisonError};

use http_body_util::BodyExt;
use hyper::body::{Bytes, Incoming};
use tokio::runtime::Handle;
use tokio::sync::mpsc::{self, Receiver, Sender};

use super::Pause;

/// Pieces of a body that wait to be read.
const PIECES_WAITING: usize = 8;

/// Bytes of an answer that are sent together, about.
const PIECE_BYTES: usize = 64 << 10;

/// A body as something that is read: by a thread that may wait.
pub(super) fn reader(body: Incoming, pause_max: Pause) -> impl Read + Send + 'static {
    let (send, pieces) = mpsc::channel(PIECES_WAITING);
    tokio::spawn(feed(body, send, pause_max));
    BodyReader { pieces, piece: Bytes::new() }
}

/// Passes a body on until it ends, breaks off, or nobody reads any more.
async fn feed(mut body: Incoming, send: Sender<io::Result<Bytes>>, pause_max: Pause) {
    loop {
        let piece = match tokio::time::timeout(pause_max, body.frame()).await {
            Ok(None) => return,
            Ok(Some(Ok(frame))) => frame.into_data().map_err(|_| ()).or(Ok(Bytes::new())),
            Ok(Some(Err(cause))) => {
                let text = format!("the body broke off: {cause}");
                Err(io::Error::new(io::ErrorKind::ConnectionAborted, text))
            }
            Err(_) => {
                let text = format!("nothing of the body came for {pause_max:?}");
                Err(io::Error::new(io::ErrorKind::TimedOut, text))
            }
        };
        let is_over = piece.is_err();
        if send.send(piece).await.is_err() || is_over {
            return;
        }
    }
}

struct BodyReader {
    pieces: Receiver<io::Result<Bytes>>,
    piece: Bytes,
}

impl Read for BodyReader {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while self.piece.is_empty() {
            match self.pieces.blocking_recv() {
                None => return Ok(0),
                Some(piece) => self.piece = piece?,
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
    pause_max: Pause,
}

impl Out {
    /// To be taken from the other end of `pieces`.
    pub(super) fn new(pieces: Sender<io::Result<Bytes>>, handle: Handle, pause_max: Pause) -> Self {
        Self { pieces, waiting: Arc::default(), handle, pause_max }
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
        let send = tokio::time::timeout(self.pause_max, self.pieces.send(piece));
        match self.handle.block_on(send) {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(io::Error::new(io::ErrorKind::BrokenPipe, "the client has left")),
            Err(_) => Err(io::Error::new(
                io::ErrorKind::TimedOut,
                format!("the client took nothing of its answer for {:?}", self.pause_max),
            )),
        }
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
