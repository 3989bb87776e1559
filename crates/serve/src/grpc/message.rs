//! A request to infer as the bytes of its message, and the answer as such.

use hyper::body::Bytes;
use modelwright_core::Context;
use modelwright_core::data::Table;
use prost::Message as _;
use tonic::Status;

use super::frame::HEAD_BYTES;
use super::generated::ModelInferRequest;
use super::infer::{Asked, Request};
use super::one_answer;
use super::plain::Plain;
use crate::ask::{Ask, Query};
use crate::clock;
use crate::problem::Problem;
use crate::wire::quick;

/// See the module's text.
pub(super) enum Message {
    /// One row, and nothing else.
    Plain(Plain),
    /// Whatever else may be asked, and the bytes of its message.
    Any(ModelInferRequest, usize),
}

impl Message {
    /// Reads a message.
    ///
    /// # Errors
    /// Status `INTERNAL` where it is none, as for all methods.
    pub(super) fn read(bytes: Bytes) -> Result<Self, Status> {
        if let Some(plain) = Plain::read(bytes.clone()) {
            return Ok(Self::Plain(plain));
        }
        let n_bytes = bytes.len();
        let decoded = ModelInferRequest::decode(bytes);
        decoded.map(|request| Self::Any(request, n_bytes)).map_err(|e| broken(&e))
    }
}

fn broken(cause: &prost::DecodeError) -> Status {
    Status::internal(cause.to_string())
}

impl Request for Message {
    /// The bytes of the answer, behind room for the head of its frame.
    type Answer = Vec<u8>;

    fn asked(&self) -> Asked<'_> {
        match self {
            Self::Plain(plain) => {
                Asked { name: &plain.model_name, version: &plain.model_version, id: &plain.id }
            }
            Self::Any(request, _) => request.asked(),
        }
    }

    fn query(&self) -> Query {
        match self {
            Self::Plain(_) => Query::default(),
            Self::Any(request, _) => request.query(),
        }
    }

    fn n_bytes(&self) -> usize {
        match self {
            Self::Plain(plain) => plain.message().len(),
            Self::Any(_, n_bytes) => *n_bytes,
        }
    }

    fn lone_row(&self, ask: &Ask) -> Option<Table> {
        match self {
            Self::Plain(plain) => quick::lone_row(ask, |row| plain.fill(row)),
            Self::Any(request, _) => request.lone_row(ask),
        }
    }

    fn answer(&self, ask: &Ask, ctx: &Context) -> Result<(Vec<u8>, usize), Problem> {
        let plain = match self {
            Self::Plain(plain) => plain,
            Self::Any(request, _) => return encoded(request, ask, ctx),
        };
        let Some(outcome) = quick::outcome(ask, ctx, |row| plain.fill(row)) else {
            let decoded = ModelInferRequest::decode(plain.message().clone());
            // What was read once is a message.
            let decoded = decoded.map_err(|e| Problem::malformed(e.to_string()))?;
            return encoded(&decoded, ask, ctx);
        };
        let begun = clock::now();
        let answer = one_answer::write(ask, plain, &outcome);
        ask.model.stats.output_ns.add(clock::nanos(begun.elapsed()));
        Ok((answer, outcome.batch.n_rows))
    }
}

/// The general way.
fn encoded(
    request: &ModelInferRequest,
    ask: &Ask,
    ctx: &Context,
) -> Result<(Vec<u8>, usize), Problem> {
    let (answer, n_rows) = request.answer(ask, ctx)?;
    let mut bytes = Vec::with_capacity(HEAD_BYTES + answer.encoded_len());
    bytes.resize(HEAD_BYTES, 0);
    answer.encode_raw(&mut bytes);
    Ok((bytes, n_rows))
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;

    use modelwright_core::random::Random;

    use super::super::convert;
    use super::super::generated::model_infer_request::{
        InferInputTensor, InferRequestedOutputTensor,
    };
    use super::super::generated::{InferParameter, InferTensorContents};
    use super::*;
    use crate::model::Model;
    use crate::settings::Policy;

    fn ask(name: &str, ctx: &Context) -> Ask {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/artifact");
        let path = path.join(format!("{name}.mw"));
        let model = Model::load("shop", 3, &path, Arc::default(), ctx).unwrap();
        Ask { policy: Policy::Accept, rows_max: 10, ..Ask::plain(model.into()) }
    }

    /// One row, each number in another kind of list.
    fn request(ask: &Ask, is_raw: bool, values: &[Result<f64, &str>]) -> ModelInferRequest {
        let mut request = ModelInferRequest { id: "mine".to_owned(), ..Default::default() };
        for (i, (field, value)) in ask.model.reader.fields().iter().zip(values).enumerate() {
            let mut contents = InferTensorContents::default();
            let (datatype, raw) = match value {
                Err(text) => {
                    contents.bytes_contents.push(text.as_bytes().to_vec().into());
                    let length = (text.len() as u32).to_le_bytes();
                    ("BYTES", [&length, text.as_bytes()].concat())
                }
                Ok(number) => {
                    match i {
                        0 => contents.int64_contents.push(*number as i64),
                        1 => contents.fp32_contents.push(*number as f32),
                        2 => contents.int_contents.push(*number as i32),
                        _ => contents.fp64_contents.push(*number),
                    }
                    ("FP64", number.to_le_bytes().to_vec())
                }
            };
            if is_raw {
                request.raw_input_contents.push(raw.into());
            }
            request.inputs.push(InferInputTensor {
                name: field.name.clone(),
                datatype: datatype.to_owned(),
                shape: vec![1; 1 + i % 2],
                contents: (!is_raw).then_some(contents),
                ..Default::default()
            });
        }
        request
    }

    const MODELS: [&str; 3] = ["v2-binary", "v2-multiclass", "v2-regression"];
    const VALUES: [Result<f64, &str>; 4] = [Ok(-38.0), Err("basic"), Err("2023-09-13"), Ok(2.5)];

    #[test]
    fn a_plain_request_gets_the_bytes_that_its_message_would() {
        let ctx = Context::unlimited(0, 1);
        for (name, is_raw) in MODELS.into_iter().flat_map(|name| [(name, true), (name, false)]) {
            let ask = ask(name, &ctx);
            let request = request(&ask, is_raw, &VALUES);
            let message = Message::read(request.encode_to_vec().into()).unwrap();
            assert!(matches!(message, Message::Plain(_)), "{name}");
            let (bytes, n_rows) = message.answer(&ask, &ctx).unwrap();
            let (wanted, _) = request.answer(&ask, &ctx).unwrap();
            assert_eq!((&bytes[HEAD_BYTES..], n_rows), (&wanted.encode_to_vec()[..], 1), "{name}");
            let plain = quick::lone_row(&ask, |row| match &message {
                Message::Plain(plain) => plain.fill(row),
                Message::Any(..) => false,
            });
            assert!(plain.is_some(), "{name}: the quick way was gone");
        }
    }

    /// What a request says, or why it says nothing.
    fn said(message: &Message, ask: &Ask, ctx: &Context) -> String {
        let Asked { name, version, id } = message.asked();
        let answer = message.answer(ask, ctx).map_err(|problem| problem.text());
        format!("{name} {version} {id} {answer:?}")
    }

    #[test]
    fn mutated_messages_say_the_same_whichever_way_they_are_read() {
        let (ctx, mut random) = (Context::unlimited(0, 1), Random::new(7));
        let ask = ask("v2-binary", &ctx);
        let seeds = [true, false].map(|raw| request(&ask, raw, &VALUES).encode_to_vec());
        let (mut n_plain, mut n_broken) = (0, 0);
        for i in 0..20_000 {
            let mut bytes = seeds[i % 2].clone();
            for _ in 0..=random.below(3) {
                let at = random.below(bytes.len().max(1));
                bytes.resize(bytes.len().max(1), 0);
                match random.below(5) {
                    0 => bytes[at] ^= 1 << random.below(8),
                    1 => bytes[at] = random.next_u64() as u8,
                    2 => bytes.insert(at, random.next_u64() as u8),
                    3 => drop(bytes.remove(at)),
                    _ => bytes.truncate(at + 1),
                }
            }
            let decoded = ModelInferRequest::decode(&bytes[..]);
            let message = Message::read(bytes.clone().into());
            let (Ok(decoded), Ok(message)) = (decoded, message) else {
                assert!(Message::read(bytes.clone().into()).is_err(), "{bytes:?}");
                assert!(ModelInferRequest::decode(&bytes[..]).is_err(), "{bytes:?}");
                n_broken += 1;
                continue;
            };
            if matches!(message, Message::Plain(_)) {
                n_plain += 1;
                let general = Message::Any(decoded, bytes.len());
                assert_eq!(said(&message, &ask, &ctx), said(&general, &ask, &ctx), "{bytes:?}");
            }
        }
        assert!(n_plain > 1000 && n_broken > 1000, "{n_plain} {n_broken}");
    }

    #[test]
    fn what_is_more_than_one_plain_row_is_read_by_the_general_reader() {
        let ctx = Context::unlimited(0, 1);
        let ask = ask("v2-binary", &ctx);
        let plain = request(&ask, false, &VALUES);
        let is_plain = |change: &dyn Fn(&mut ModelInferRequest)| {
            let mut request = plain.clone();
            change(&mut request);
            let message = Message::read(request.encode_to_vec().into()).unwrap();
            assert!(convert::tensors(&request).is_ok());
            matches!(message, Message::Plain(_))
        };
        assert!(is_plain(&|_| ()));
        assert!(is_plain(&|request| request.model_version = "3".to_owned()));
        assert!(!is_plain(&|request| request.inputs[0].shape = vec![1, 1, 1]));
        assert!(!is_plain(&|request| request.outputs.push(InferRequestedOutputTensor::default())));
        assert!(!is_plain(&|request| {
            request.parameters.insert("on_error".to_owned(), InferParameter::default());
        }));
        assert!(!is_plain(&|request| {
            request.inputs[3].shape = vec![2];
            request.inputs[3].contents.as_mut().unwrap().fp64_contents.push(1.0);
        }));
    }
}
