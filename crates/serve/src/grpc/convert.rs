//! Messages to tensors, predictions to messages.

use std::collections::HashMap;

use modelwright_io::Cell;
use serde_json::{Map, Value};

use super::generated::infer_parameter::ParameterChoice;
use super::generated::model_infer_request::{InferInputTensor, InferRequestedOutputTensor};
use super::generated::model_infer_response::InferOutputTensor;
use super::generated::{
    InferParameter, InferTensorContents, ModelInferRequest, ModelInferResponse,
};
use crate::ask::Ask;
use crate::problem::Problem;
use crate::wire::answer::Outcome;
use crate::wire::v2::{
    Binary, CONTENT_TYPE, Codec, ON_ERROR, Output, Tensor, Values, Wanted, refuse_shared_memory,
    write_binary,
};

/// The tensors of a request.
pub(super) fn tensors(request: &ModelInferRequest) -> Result<Vec<Tensor<'_>>, Problem> {
    let raw = &request.raw_input_contents;
    if !raw.is_empty() && raw.len() != request.inputs.len() {
        return Err(Problem::malformed("raw_input_contents do not go with the inputs")
            .expected(format!("none, or {}", request.inputs.len()))
            .got(&raw.len().to_string()));
    }
    let raw = |i: usize| raw.get(i).map(|bytes| &bytes[..]);
    let codec = content_type(&request.parameters);
    request.inputs.iter().enumerate().map(|(i, input)| tensor(input, raw(i), codec)).collect()
}

fn content_type(parameters: &HashMap<String, InferParameter>) -> Option<&str> {
    match parameters.get(CONTENT_TYPE)?.parameter_choice.as_ref()? {
        ParameterChoice::StringParam(name) => Some(name),
        _ => None,
    }
}

/// Whether who asks names codecs, and so reads those of the answer.
fn names_codecs(request: &ModelInferRequest) -> bool {
    let of_inputs = request.inputs.iter().map(|input| &input.parameters);
    std::iter::once(&request.parameters).chain(of_inputs).any(|p| content_type(p).is_some())
}

fn tensor<'t>(
    input: &'t InferInputTensor,
    raw: Option<&'t [u8]>,
    codec: Option<&str>,
) -> Result<Tensor<'t>, Problem> {
    let wrong = |what: String| Problem::malformed(format!("{what}: `{}`", input.name));
    refuse_shared_memory(input.parameters.keys().map(String::as_str))?;
    let values = match (raw, &input.contents) {
        (Some(raw), None) => Values::Binary(Binary::parse(&input.datatype, raw).map_err(wrong)?),
        (None, Some(contents)) => Values::Cells(cells(contents).map_err(wrong)?),
        (Some(_), Some(_)) => {
            return Err(wrong("contents beside raw_input_contents".to_owned()));
        }
        (None, None) => return Err(wrong("an input has no contents".to_owned())),
    };
    let codec = Codec::of(content_type(&input.parameters), codec)?;
    let values = codec.decode(values).map_err(wrong)?;
    let dims = input.shape.iter().map(|dim| u64::try_from(*dim));
    let shape = dims.collect::<Result<_, _>>().map_err(|_| wrong("negative shape".to_owned()))?;
    Ok(Tensor { name: &input.name, datatype: &input.datatype, shape, values })
}

/// The values of whichever list has any.
fn cells(contents: &InferTensorContents) -> Result<Vec<Cell<'_>>, String> {
    fn of<'c, T: Copy>(list: &[T], cell: impl Fn(T) -> Cell<'c>) -> Vec<Cell<'c>> {
        list.iter().map(|value| cell(*value)).collect()
    }
    let c = contents;
    if !c.bytes_contents.is_empty() {
        let text = |bytes| std::str::from_utf8(bytes).map(Cell::Text);
        let cells = c.bytes_contents.iter().map(|bytes| text(&bytes[..]));
        return cells.collect::<Result<_, _>>().map_err(|_| "a text is no UTF-8".to_owned());
    }
    Ok(if !c.fp64_contents.is_empty() {
        of(&c.fp64_contents, Cell::Number)
    } else if !c.fp32_contents.is_empty() {
        of(&c.fp32_contents, |v| Cell::Number(f64::from(v)))
    } else if !c.int64_contents.is_empty() {
        of(&c.int64_contents, |v| Cell::Integer(i128::from(v)))
    } else if !c.int_contents.is_empty() {
        of(&c.int_contents, |v| Cell::Integer(i128::from(v)))
    } else if !c.uint64_contents.is_empty() {
        of(&c.uint64_contents, |v| Cell::Integer(i128::from(v)))
    } else if !c.uint_contents.is_empty() {
        of(&c.uint_contents, |v| Cell::Integer(i128::from(v)))
    } else {
        of(&c.bool_contents, Cell::Boolean)
    })
}

/// Parameters as JSON has them, so that both protocols are read by the same rules.
fn json_of(parameters: &HashMap<String, InferParameter>) -> Map<String, Value> {
    // In the order of the names: which of two faults is told does not depend on chance.
    let mut names: Vec<&String> = parameters.keys().collect();
    names.sort();
    let value = |name: &String| {
        Some(match parameters[name].parameter_choice.as_ref()? {
            ParameterChoice::BoolParam(value) => Value::from(*value),
            ParameterChoice::Int64Param(value) => Value::from(*value),
            ParameterChoice::StringParam(value) => Value::from(value.as_str()),
            ParameterChoice::DoubleParam(value) => Value::from(*value),
            ParameterChoice::Uint64Param(value) => Value::from(*value),
        })
    };
    names.into_iter().filter_map(|name| Some((name.clone(), value(name)?))).collect()
}

/// A parameter as text, as it would stand in a URL.
pub(super) fn text_of(parameter: &InferParameter) -> Option<String> {
    Some(match parameter.parameter_choice.as_ref()? {
        ParameterChoice::BoolParam(value) => value.to_string(),
        ParameterChoice::Int64Param(value) => value.to_string(),
        ParameterChoice::StringParam(value) => value.clone(),
        ParameterChoice::DoubleParam(value) => value.to_string(),
        ParameterChoice::Uint64Param(value) => value.to_string(),
    })
}

/// The answer to a request: raw where the request was, else typed lists.
pub(super) fn response(
    ask: &Ask,
    request: &ModelInferRequest,
    outcome: &Outcome,
) -> Result<ModelInferResponse, Problem> {
    let named = |asked: &InferRequestedOutputTensor| {
        Wanted::named(&ask.model, &asked.name, &json_of(&asked.parameters))
    };
    let mut wanted = request.outputs.iter().map(named).collect::<Result<Vec<_>, _>>()?;
    if wanted.is_empty() {
        wanted = Output::of_model(&ask.model).iter().map(|o| Wanted::plain(*o)).collect();
    }
    let with_codecs = names_codecs(request);
    let is_raw = !request.raw_input_contents.is_empty();
    let mut response = ModelInferResponse {
        model_name: ask.model.name.to_string(),
        model_version: ask.model.version.to_string(),
        id: request.id.clone(),
        parameters: notes(request, outcome),
        ..ModelInferResponse::default()
    };
    for wanted in wanted {
        let mut tensor = InferOutputTensor {
            name: wanted.output.name().to_owned(),
            datatype: wanted.datatype().to_owned(),
            shape: vec![(outcome.batch.n_rows as u64).cast_signed()],
            ..InferOutputTensor::default()
        };
        if with_codecs {
            let choice = ParameterChoice::StringParam(wanted.codec().to_owned());
            let codec = InferParameter { parameter_choice: Some(choice) };
            tensor.parameters.insert(CONTENT_TYPE.to_owned(), codec);
        }
        let n_columns = wanted.n_columns(&ask.model);
        tensor.shape.extend(n_columns.map(|n| (n as u64).cast_signed()));
        if is_raw {
            let mut bytes = Vec::new();
            write_binary(ask, wanted, outcome, &mut bytes);
            response.raw_output_contents.push(bytes.into());
        } else {
            tensor.contents = Some(contents(ask, wanted, outcome));
        }
        response.outputs.push(tensor);
    }
    Ok(response)
}

fn contents(ask: &Ask, wanted: Wanted, outcome: &Outcome) -> InferTensorContents {
    let mut contents = InferTensorContents::default();
    let classes = &ask.model.predictor.classes;
    for place in outcome.batch.places() {
        match wanted.output {
            _ if wanted.n_top > 0 => {
                let texts = place.map(|row| wanted.classes(&ask.model, outcome, row));
                let texts = texts.unwrap_or_else(|| vec![String::new(); wanted.n_top]);
                let bytes = texts.into_iter().map(|text| text.into_bytes().into());
                contents.bytes_contents.extend(bytes);
            }
            Output::Label => {
                let label = place.map_or("", |row| &classes[outcome.codes[row] as usize]);
                contents.bytes_contents.push(label.to_owned().into());
            }
            Output::Value => {
                let value = place.map_or(f64::NAN, |row| outcome.predictions.values[row]);
                contents.fp64_contents.push(value);
            }
            Output::Probabilities => {
                let p = |c| place.map_or(f64::NAN, |row| outcome.probability(row, c));
                contents.fp64_contents.extend((0..classes.len()).map(p));
            }
        }
    }
    contents
}

/// Triton's words for the last answer to a request of a stream, and for the wish to be told.
const END: &str = "triton_final_response";
const ASKS_END: &str = "triton_enable_empty_final_response";

/// What the request said, and what is to be said of its rows.
fn notes(request: &ModelInferRequest, outcome: &Outcome) -> HashMap<String, InferParameter> {
    let mut notes = request.parameters.clone();
    notes.remove(CONTENT_TYPE);
    notes.remove(ON_ERROR);
    // A client that asks for the end of each answer is told: there is one answer to a request.
    let wants_end = notes.remove(ASKS_END).and_then(|asked| asked.parameter_choice);
    if wants_end == Some(ParameterChoice::BoolParam(true)) {
        let choice = Some(ParameterChoice::BoolParam(true));
        notes.insert(END.to_owned(), InferParameter { parameter_choice: choice });
    }
    let mut note = |name: &str, texts: Vec<String>| {
        if !texts.is_empty() {
            let choice = Some(ParameterChoice::StringParam(texts.join("; ")));
            notes.insert(name.to_owned(), InferParameter { parameter_choice: choice });
        }
    };
    let json = |value: serde_json::Value| value.to_string();
    note("errors", outcome.errors().iter().map(|e| json(serde_json::json!(e))).collect());
    note("warnings", outcome.warnings().iter().map(|w| json(serde_json::json!(w))).collect());
    notes
}
