//! The answer to a plain request of one row, written as bytes: those that the message which
//! [`convert`](super::convert) makes of it would be encoded to.

use super::frame::HEAD_BYTES;
use super::plain::Plain;
use crate::ask::Ask;
use crate::wire::answer::Outcome;
use crate::wire::v2::{Output, Wanted, write_binary};

/// Writes the answer behind room for the head of its frame.
pub(super) fn write(ask: &Ask, request: &Plain, outcome: &Outcome) -> Vec<u8> {
    let outputs = Output::of_model(&ask.model);
    let mut out = Vec::with_capacity(256);
    out.resize(HEAD_BYTES, 0);
    text(&mut out, 1, &ask.model.name);
    text(&mut out, 2, itoa::Buffer::new().format(ask.model.version));
    text(&mut out, 3, &request.id);
    let (mut tensor, mut inner) = (Vec::with_capacity(64), Vec::with_capacity(32));
    for output in outputs {
        tensor.clear();
        text(&mut tensor, 1, output.name());
        text(&mut tensor, 2, output.datatype());
        inner.clear();
        number(&mut inner, outcome.batch.n_rows);
        if *output == Output::Probabilities {
            number(&mut inner, ask.model.class_json.len());
        }
        field(&mut tensor, 3, &inner);
        if !request.is_raw {
            inner.clear();
            write_list(ask, *output, outcome, &mut inner);
            field(&mut tensor, 5, &inner);
        }
        field(&mut out, 5, &tensor);
    }
    for output in outputs.iter().filter(|_| request.is_raw) {
        inner.clear();
        write_binary(ask, Wanted::plain(*output), outcome, &mut inner);
        field(&mut out, 6, &inner);
    }
    out
}

/// The label, the value, or the values of all classes.
fn write_list(ask: &Ask, output: Output, outcome: &Outcome, list: &mut Vec<u8>) {
    let mut values = Vec::new();
    write_binary(ask, Wanted::plain(output), outcome, &mut values);
    match output {
        // A raw text has its length before it, in four bytes.
        Output::Label => field(list, 8, values.get(4..).unwrap_or_default()),
        Output::Value | Output::Probabilities => field(list, 7, &values),
    }
}

/// A text; one that is empty is not written.
fn text(out: &mut Vec<u8>, field_number: u8, text: &str) {
    if !text.is_empty() {
        field(out, field_number, text.as_bytes());
    }
}

/// A field that has a length; its number is below 16.
fn field(out: &mut Vec<u8>, field_number: u8, value: &[u8]) {
    out.push(field_number << 3 | 2);
    number(out, value.len());
    out.extend_from_slice(value);
}

/// Seven bits a byte, the lowest first.
fn number(out: &mut Vec<u8>, n: usize) {
    let mut left = n;
    while left >= 0x80 {
        out.push(left as u8 | 0x80);
        left >>= 7;
    }
    out.push(left as u8);
}
