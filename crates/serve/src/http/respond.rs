//! From an answer to bytes: headers, compression, bodies in parts.

use std::io::{self, Read};

use http_body_util::{Either, Full, StreamBody};
use hyper::body::{Bytes, Frame};
use hyper::header::{
    ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderValue, VARY,
};
use hyper::http::request::Parts as Head;
use hyper::{Response, StatusCode};
use tokio::sync::mpsc::{Receiver, channel};
use tokio_stream::StreamExt;
use tokio_stream::wrappers::ReceiverStream;

use super::body;
use super::service::{Body, REQUEST_ID};
use crate::ask::{Parts, Reply};

/// Bytes of a file that are read at a time, and how many times ahead of the client.
const PIECE_BYTES: usize = 64 << 10;
const PIECES_AHEAD: usize = 4;

/// Puts an answer on its way.
pub(super) fn respond(
    head: &Head,
    accepted: Option<&HeaderValue>,
    id: &str,
    mut reply: Reply,
) -> Response<Body> {
    let is_head = head.method == hyper::Method::HEAD;
    let parts = reply.parts.take();
    let may_vary = !reply.is_final && body::may_be_compressed(&reply.body);
    let n_bytes = match &parts {
        Some(Parts::File(_, n)) => Some(*n),
        _ => None,
    };
    let (whole, encoding) =
        if reply.is_final { (reply.body, None) } else { body::compress(accepted, reply.body) };
    let body = match parts {
        _ if is_head => Either::Left(Full::new(Bytes::new())),
        None => Either::Left(Full::new(whole)),
        Some(Parts::Made(pieces)) => in_pieces(pieces),
        Some(Parts::File(file, n)) => in_pieces(read_ahead(file, n)),
    };
    let mut response = Response::new(body);
    response.headers_mut().reserve(4 + reply.headers.len());
    *response.status_mut() =
        StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(reply.content_type));
    if let Ok(id) = HeaderValue::from_str(id) {
        headers.insert(REQUEST_ID, id);
    }
    if let Some(encoding) = encoding {
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static(encoding));
    }
    if may_vary {
        // A cache between must not give what one client takes to another.
        headers.insert(VARY, HeaderValue::from(ACCEPT_ENCODING));
    }
    if let Some(n_bytes) = n_bytes {
        headers.insert(CONTENT_LENGTH, HeaderValue::from(n_bytes));
    }
    headers.extend(reply.headers);
    response
}

fn in_pieces(pieces: Receiver<io::Result<Bytes>>) -> Body {
    let frames = ReceiverStream::new(pieces).map(|piece| piece.map(Frame::data));
    Either::Right(tonic::body::Body::new(StreamBody::new(frames)))
}

/// Reads a file a little ahead of who takes it.
fn read_ahead(file: std::fs::File, n_bytes: u64) -> Receiver<io::Result<Bytes>> {
    let (send, receive) = channel(PIECES_AHEAD);
    tokio::task::spawn_blocking(move || {
        // What was added since would be more than was announced.
        let (mut file, mut left) = (file.take(n_bytes), n_bytes);
        while left > 0 {
            let mut piece = vec![0; PIECE_BYTES.min(usize::try_from(left).unwrap_or(PIECE_BYTES))];
            let read = file.read_exact(&mut piece).map(|()| Bytes::from(piece));
            left -= read.as_ref().map_or(left, |piece| piece.len() as u64);
            let is_over = read.is_err();
            if send.blocking_send(read).is_err() || is_over {
                return;
            }
        }
    });
    receive
}
