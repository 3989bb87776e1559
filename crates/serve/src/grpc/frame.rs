//! The message of a call that has but one, received whole: within the limits of all bodies, and
//! counted among those that are held.
//!
//! A frame is a byte (whether the message is packed), four bytes of length, and the message. What
//! is not one such frame is handed on as it came: who reads streams of them knows what to say.

use std::error::Error;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http_body_util::BodyExt;
use hyper::body::{Body, Bytes, Frame};
use tonic::Status;

use super::status;
use crate::held::{Bodies, Held};
use crate::http::body::{self, SMALL_BYTES_MAX};

/// What stands before a message.
pub(super) const HEAD_BYTES: usize = 5;

/// What came of a call.
pub(super) enum Received<B> {
    /// Its only message; what it holds is to be kept as long.
    Message(Bytes, Held),
    /// Something else: of no known form, too long, cut off, or more than one message.
    Other(Resumed<B>),
}

/// A frame, by its beginning.
enum Head {
    /// More must come to know.
    Unknown,
    /// Of so many bytes with its head, and whether they are packed.
    Known(usize, bool),
    /// None that is taken.
    Wrong,
}

impl Head {
    fn of(came: &[u8], n_max: usize, may_be_packed: bool) -> Self {
        let Some(([flag, length @ ..], _)) = came.split_first_chunk::<HEAD_BYTES>() else {
            return Self::Unknown;
        };
        let n = u32::from_be_bytes(*length) as usize;
        match flag {
            0 | 1 if n > n_max => Self::Wrong,
            0 => Self::Known(HEAD_BYTES + n, false),
            1 if may_be_packed => Self::Known(HEAD_BYTES + n, true),
            _ => Self::Wrong,
        }
    }
}

/// Receives the message of a call, of at most `n_max` bytes, and unpacks it.
///
/// # Errors
/// What became of a body that broke off; of one that is too large once it is unpacked, or for which
/// other bodies leave no place.
pub(super) async fn receive<B>(
    mut body: B,
    n_max: usize,
    may_be_packed: bool,
    bodies: &Arc<Bodies>,
) -> Result<Received<B>, Status>
where
    B: Body<Data = Bytes, Error: Into<Box<dyn Error + Send + Sync>>> + Unpin,
{
    let (mut came, mut held) = (Bytes::new(), bodies.begin());
    let mut is_over = body.is_end_stream();
    loop {
        match Head::of(&came, n_max, may_be_packed) {
            Head::Known(n, is_packed) if is_over && n == came.len() => {
                let message = came.slice(HEAD_BYTES..);
                if !is_packed {
                    return Ok(Received::Message(message, held));
                }
                // In a place of its own: most messages are not packed, and are smaller for it.
                let unpacked = Box::pin(body::unpacked("gzip".to_owned(), message, n_max, held));
                return match unpacked.await {
                    Ok((message, held)) => Ok(Received::Message(message, held)),
                    // What cannot be unpacked is no frame that is known here.
                    Err(problem) if problem.status == 400 => Ok(other(came, body)),
                    Err(problem) => Err(status(&problem)),
                };
            }
            Head::Known(n, _) if !is_over && n >= came.len() => {
                if n as u64 > SMALL_BYTES_MAX {
                    held.reach(n).map_err(|problem| status(&problem))?;
                }
            }
            Head::Unknown if !is_over => {}
            _ => return Ok(other(came, body)),
        }
        match body.frame().await.transpose() {
            Ok(None) => is_over = true,
            Ok(Some(frame)) => {
                came = joined(came, frame.into_data().unwrap_or_default());
                is_over = body.is_end_stream();
            }
            Err(broken) => return Err(Status::from_error(broken.into())),
        }
    }
}

fn other<B>(came: Bytes, rest: B) -> Received<B> {
    Received::Other(Resumed { came: Some(came).filter(|came| !came.is_empty()), rest })
}

/// One piece of a body after the other. Most come in one, which is not copied.
fn joined(came: Bytes, more: Bytes) -> Bytes {
    if came.is_empty() {
        return more;
    }
    let mut all = Vec::from(came);
    all.extend_from_slice(&more);
    all.into()
}

/// A body from its beginning, though a part of it has been taken.
pub(super) struct Resumed<B> {
    came: Option<Bytes>,
    rest: B,
}

impl<B: Body<Data = Bytes> + Unpin> Body for Resumed<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        match self.came.take() {
            Some(came) => Poll::Ready(Some(Ok(Frame::data(came)))),
            None => Pin::new(&mut self.rest).poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.came.is_none() && self.rest.is_end_stream()
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::StreamBody;
    use tonic::Code;

    use super::*;

    type Got = Result<(&'static str, Vec<u8>), Code>;

    /// What becomes of a body that comes in pieces of `n` bytes, beside others of `n_held`.
    fn received(bytes: &[u8], n: usize, n_max: usize, n_held: usize) -> Got {
        let pieces: Vec<Result<_, std::io::Error>> =
            bytes.chunks(n).map(|piece| Ok(Frame::data(Bytes::copy_from_slice(piece)))).collect();
        let bodies = Bodies::new(100_000);
        let mut others = bodies.begin();
        others.reach(n_held).unwrap();
        let body = StreamBody::new(tokio_stream::iter(pieces));
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            match receive(body, n_max, true, &bodies).await {
                Ok(Received::Message(message, _)) => Ok(("message", message.to_vec())),
                Ok(Received::Other(resumed)) => {
                    Ok(("other", resumed.collect().await.unwrap().to_bytes().to_vec()))
                }
                Err(status) => Err(status.code()),
            }
        })
    }

    fn frame(flag: u8, message: &[u8]) -> Vec<u8> {
        [&[flag], &(message.len() as u32).to_be_bytes()[..], message].concat()
    }

    fn packed(message: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        body::gzip(message, &mut out).unwrap();
        frame(1, &out)
    }

    #[test]
    fn a_message_is_received_in_however_many_pieces_it_comes() {
        let message = vec![7; 3000];
        for n in [1, 4, 5, 6, 1000, 5000] {
            let whole = Ok(("message", message.clone()));
            assert_eq!(received(&frame(0, &message), n, 3000, 0), whole, "{n}");
            assert_eq!(received(&packed(&message), n, 3000, 0), whole, "{n}");
        }
        assert_eq!(received(&frame(0, b""), 5, 0, 0), Ok(("message", Vec::new())));
    }

    #[test]
    fn what_is_no_single_message_is_handed_on_as_it_came() {
        let sound = frame(0, b"abc");
        let mut broken = packed(&[7; 3000]);
        broken.pop();
        broken[4] -= 1;
        for other in [
            Vec::new(),
            vec![0, 0],
            sound[..7].to_vec(),
            [&sound[..], &sound].concat(),
            frame(2, b"abc"),
            frame(0, &[0; 3001]),
            broken,
        ] {
            for n in [1, 5, 9, 5000] {
                assert_eq!(received(&other, n, 3000, 0), Ok(("other", other.clone())), "{n}");
            }
        }
    }

    #[test]
    fn large_messages_count_among_the_bodies_that_are_held() {
        let large = frame(0, &vec![7; 70_000]);
        assert!(received(&large, 16_000, 80_000, 20_000).is_ok());
        assert_eq!(received(&large, 16_000, 80_000, 40_000), Err(Code::Unavailable));
        // It says how long it will be: nothing of it has to be there.
        assert_eq!(received(&large[..5], 1, 80_000, 40_000), Err(Code::Unavailable));
        let bomb = packed(&vec![7; 70_000]);
        assert!(received(&bomb, 16_000, 80_000, 20_000).is_ok());
        assert_eq!(received(&bomb, 16_000, 80_000, 40_000), Err(Code::Unavailable));
        assert_eq!(received(&bomb, 16_000, 60_000, 0), Err(Code::ResourceExhausted));
        assert!(
            received(&frame(0, &vec![7; 60_000]), 16_000, 80_000, 90_000).is_ok(),
            "it is small"
        );
    }
}
