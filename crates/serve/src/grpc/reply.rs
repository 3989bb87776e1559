//! The answer to a call that has but one message: head, one frame, and that all went well.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use hyper::Response;
use hyper::body::{Body, Bytes, Frame};
use hyper::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use tonic::Status;
use tonic::metadata::GRPC_CONTENT_TYPE;

use super::frame::HEAD_BYTES;
use crate::http::body::{COMPRESSED_BYTES_MIN, gzip};

/// Answers with a message that has room for the head of its frame before it; one that is long is
/// packed for a client that takes that.
pub(super) fn reply(message: Vec<u8>, takes_gzip: bool) -> Response<tonic::body::Body> {
    let is_long = message.len() >= COMPRESSED_BYTES_MIN;
    let packed = if is_long && takes_gzip { packed(&message[HEAD_BYTES..]) } else { None };
    let is_packed = packed.is_some();
    let mut frame = packed.unwrap_or(message);
    let Ok(n_bytes) = u32::try_from(frame.len() - HEAD_BYTES) else {
        return Status::resource_exhausted("an answer has less than 4 GiB").into_http();
    };
    frame[0] = u8::from(is_packed);
    frame[1..HEAD_BYTES].copy_from_slice(&n_bytes.to_be_bytes());
    let body = Whole { frame: Some(frame.into()), is_over: false };
    let mut response = Response::new(tonic::body::Body::new(body));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, GRPC_CONTENT_TYPE);
    if is_packed {
        headers.insert("grpc-encoding", HeaderValue::from_static("gzip"));
    }
    response
}

/// The same message packed, behind the same room.
fn packed(message: &[u8]) -> Option<Vec<u8>> {
    let mut out = vec![0; HEAD_BYTES];
    gzip(message, &mut out).ok()?;
    Some(out)
}

/// One frame, then the status, both known.
struct Whole {
    frame: Option<Bytes>,
    is_over: bool,
}

impl Body for Whole {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if let Some(frame) = self.frame.take() {
            return Poll::Ready(Some(Ok(Frame::data(frame))));
        }
        if std::mem::replace(&mut self.is_over, true) {
            return Poll::Ready(None);
        }
        let mut trailers = HeaderMap::with_capacity(1);
        trailers.insert(Status::GRPC_STATUS, HeaderValue::from_static("0"));
        Poll::Ready(Some(Ok(Frame::trailers(trailers))))
    }

    fn is_end_stream(&self) -> bool {
        self.is_over
    }
}
