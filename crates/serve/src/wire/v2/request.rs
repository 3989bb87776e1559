//! The JSON of a request to infer, and the binary tensors behind it.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::binary::Binary;
use super::codec::{CONTENT_TYPE, Codec};
use super::extensions::refuse_shared_memory;
use super::response::Output;
use super::tensor::{Tensor, Values};
use super::wanted::Wanted;
use crate::ask::Ask;
use crate::problem::Problem;
use crate::wire::cells::FlatData;
use crate::wire::rows_json::malformed;

const EXPECTED: &str = "{\"inputs\": [{\"name\", \"shape\", \"datatype\", \"data\"}, …]}";

/// The parameter that says what becomes of the other rows when one is refused.
pub(crate) const ON_ERROR: &str = "on_error";

/// The JSON of a request.
#[derive(Debug, Deserialize)]
pub(super) struct Request {
    #[serde(default)]
    pub(super) id: Option<Value>,
    #[serde(default)]
    pub(super) parameters: Map<String, Value>,
    inputs: Vec<Input>,
    #[serde(default)]
    outputs: Option<Vec<Asked>>,
}

#[derive(Debug, Deserialize)]
struct Input {
    name: String,
    shape: Vec<u64>,
    datatype: String,
    #[serde(default)]
    parameters: Map<String, Value>,
    #[serde(default)]
    data: Option<FlatData>,
}

#[derive(Debug, Deserialize)]
struct Asked {
    name: String,
    #[serde(default)]
    parameters: Map<String, Value>,
}

/// The JSON of a body, and the binary tensors behind it.
pub(super) fn split(ask: &Ask) -> Result<(&[u8], &[u8]), Problem> {
    let Some(length) = ask.header(super::HEADER_LENGTH) else { return Ok((&ask.body, &[])) };
    let length = length.trim().parse::<usize>().ok();
    length.and_then(|n| ask.body.split_at_checked(n)).ok_or_else(|| {
        Problem::malformed("Inference-Header-Content-Length is wrong")
            .expected(format!("the bytes of JSON at the front, at most {}", ask.body.len()))
            .got(ask.header(super::HEADER_LENGTH).unwrap_or_default())
    })
}

/// Reads the JSON.
pub(super) fn parse(json: &[u8]) -> Result<Request, Problem> {
    serde_json::from_slice(json).map_err(|e| malformed(&e).expected(EXPECTED))
}

impl Request {
    /// The tensors; the values of binary ones are at the front of `tail`, one after the other.
    pub(super) fn tensors<'s>(&'s self, tail: &'s [u8]) -> Result<Vec<Tensor<'s>>, Problem> {
        let mut tail = tail;
        let codec = content_type(&self.parameters);
        let tensors = self.inputs.iter().map(|input| input.tensor(&mut tail, codec)).collect();
        if tail.is_empty() {
            return tensors;
        }
        tensors.and(Err(Problem::malformed("there are bytes that belong to no tensor")
            .got(&format!("{} bytes too many", tail.len()))))
    }

    /// Whether who asks names codecs, and so reads those of the answer.
    pub(super) fn names_codecs(&self) -> bool {
        let of_inputs = self.inputs.iter().map(|input| &input.parameters);
        std::iter::once(&self.parameters).chain(of_inputs).any(|p| content_type(p).is_some())
    }

    /// The outputs that are wanted, and how.
    pub(super) fn wanted(&self, ask: &Ask) -> Result<Vec<Wanted>, Problem> {
        let is_binary = is_true(&self.parameters, "binary_data_output");
        let all = Output::of_model(&ask.model);
        let Some(asked) = self.outputs.as_ref().filter(|o| !o.is_empty()) else {
            let of_output = |o: &Output| Wanted { is_binary, ..Wanted::plain(*o) };
            return Ok(all.iter().map(of_output).collect());
        };
        let wanted = |asked: &Asked| {
            let wanted = Wanted::named(&ask.model, &asked.name, &asked.parameters)?;
            let is_binary = match asked.parameters.get("binary_data") {
                Some(value) => value == &Value::Bool(true),
                None => is_binary,
            };
            Ok(Wanted { is_binary, ..wanted })
        };
        asked.iter().map(wanted).collect()
    }

    /// What its parameters say of rows, as the URL may; the URL goes before.
    pub(super) fn on_error(&self) -> Option<&Value> {
        self.parameters.get(ON_ERROR)
    }
}

pub(super) fn is_true(parameters: &Map<String, Value>, name: &str) -> bool {
    parameters.get(name) == Some(&Value::Bool(true))
}

fn content_type(parameters: &Map<String, Value>) -> Option<&str> {
    parameters.get(CONTENT_TYPE).and_then(Value::as_str)
}

impl Input {
    fn tensor<'s>(
        &'s self,
        tail: &mut &'s [u8],
        codec: Option<&str>,
    ) -> Result<Tensor<'s>, Problem> {
        let wrong = |what: &str| Problem::malformed(format!("{what}: `{}`", self.name));
        refuse_shared_memory(self.parameters.keys().map(String::as_str))?;
        let values = match (self.parameters.get("binary_data_size"), &self.data) {
            (Some(size), None) => {
                let size = size.as_u64().and_then(|n| usize::try_from(n).ok());
                let Some((own, rest)) = size.and_then(|n| tail.split_at_checked(n)) else {
                    return Err(wrong("binary_data_size does not fit the body")
                        .expected(format!("at most {} bytes", tail.len())));
                };
                *tail = rest;
                Values::Binary(Binary::parse(&self.datatype, own).map_err(|what| wrong(&what))?)
            }
            (None, Some(data)) => Values::Json(data),
            _ => {
                return Err(
                    wrong("an input needs either data or binary_data_size").expected(EXPECTED)
                );
            }
        };
        let codec = Codec::of(content_type(&self.parameters), codec)?;
        let values = codec.decode(values).map_err(|what| wrong(&what))?;
        let shape = self.shape.clone();
        Ok(Tensor { name: &self.name, datatype: &self.datatype, shape, values })
    }
}
