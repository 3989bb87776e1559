//! Writing UBJSON as XGBoost does: lengths as 64-bit numbers, lists counted, objects closed.

use super::{Value, Width};

/// The bytes of a document.
pub(crate) fn write(value: &Value) -> Vec<u8> {
    let mut out = Vec::new();
    write_value(value, &mut out);
    out
}

fn write_value(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Null => out.push(b'Z'),
        Value::Flag(flag) => out.push(if *flag { b'T' } else { b'F' }),
        Value::Whole(number) => {
            let width = smallest(*number);
            out.push(width.mark());
            write_number(*number as f64, width, out);
        }
        Value::Number(number) => {
            out.push(Width::F32.mark());
            write_number(*number, Width::F32, out);
        }
        Value::Text(text) => {
            out.push(b'S');
            write_text(text, out);
        }
        Value::Numbers(width, numbers) => {
            out.extend([b'[', b'$', width.mark(), b'#']);
            write_length(numbers.len(), out);
            for number in numbers {
                write_number(*number, *width, out);
            }
        }
        Value::List(list) => {
            out.extend([b'[', b'#']);
            write_length(list.len(), out);
            for item in list {
                write_value(item, out);
            }
        }
        Value::Object(fields) => {
            out.push(b'{');
            for (key, value) in fields {
                write_text(key, out);
                write_value(value, out);
            }
            out.push(b'}');
        }
    }
}

fn smallest(number: i64) -> Width {
    match number {
        n if i8::try_from(n).is_ok() => Width::I8,
        n if i16::try_from(n).is_ok() => Width::I16,
        n if i32::try_from(n).is_ok() => Width::I32,
        _ => Width::I64,
    }
}

fn write_text(text: &str, out: &mut Vec<u8>) {
    write_length(text.len(), out);
    out.extend(text.as_bytes());
}

fn write_length(n: usize, out: &mut Vec<u8>) {
    out.push(Width::I64.mark());
    out.extend((n as u64).to_be_bytes());
}

fn write_number(number: f64, width: Width, out: &mut Vec<u8>) {
    match width {
        Width::I8 => out.extend((number as i8).to_be_bytes()),
        Width::U8 => out.extend((number as u8).to_be_bytes()),
        Width::I16 => out.extend((number as i16).to_be_bytes()),
        Width::I32 => out.extend((number as i32).to_be_bytes()),
        Width::I64 => out.extend((number as i64).to_be_bytes()),
        Width::F32 => out.extend((number as f32).to_be_bytes()),
        Width::F64 => out.extend(number.to_be_bytes()),
    }
}
