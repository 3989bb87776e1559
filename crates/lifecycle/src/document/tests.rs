//! Documents there and back, and broken ones.

use super::*;
use crate::import::golden::damage;

fn sample() -> Value {
    Value::object([
        ("nothing", Value::Null),
        ("flags", Value::List(vec![Value::Flag(true), Value::Flag(false)])),
        ("wholes", Value::wholes([0, -1, 127, -129, 40_000, 1 << 40])),
        ("names", Value::texts(["grün", "", "a \"quoted\"\nline"])),
        ("bytes", Value::numbers(Width::U8, [0_u8, 255])),
        ("signed", Value::numbers(Width::I8, [-128_i8, 127])),
        ("short", Value::numbers(Width::I16, [-300_i16, 300])),
        ("nodes", Value::numbers(Width::I32, [-1, i32::MAX])),
        ("single", Value::numbers(Width::F32, [0.1_f32, -1e30, 2.0])),
        ("double", Value::numbers(Width::F64, [0.1, -1e300])),
        ("long", Value::Numbers(Width::I64, vec![-1.0, 9e15])),
        ("deep", Value::List(vec![Value::object([("a", Value::List(vec![Value::Null]))])])),
    ])
}

/// The same document with widths and kinds of number forgotten, which JSON does not have.
fn plain(value: &Value) -> Value {
    match value {
        Value::Numbers(_, numbers) => Value::Numbers(Width::F64, numbers.clone()),
        Value::List(list) => {
            let items: Vec<Value> = list.iter().map(plain).collect();
            let number = |item: &Value| match item {
                Value::Whole(number) => Some(*number as f64),
                Value::Number(number) => Some(*number),
                _ => None,
            };
            match items.iter().map(number).collect() {
                Some(numbers) => Value::Numbers(Width::F64, numbers),
                None => Value::List(items),
            }
        }
        Value::Object(fields) => {
            Value::Object(fields.iter().map(|(k, v)| (k.clone(), plain(v))).collect())
        }
        other => other.clone(),
    }
}

#[test]
fn a_document_comes_back_from_ubjson_and_from_json() {
    let document = sample();
    let back = read_ubjson(&write_ubjson(&document)).unwrap();
    let Value::Object(fields) = &back else { unreachable!() };
    assert_eq!(fields["single"], Value::numbers(Width::F32, [0.1_f32, -1e30, 2.0]));
    assert_eq!(plain(&back), plain(&document));
    let text = json::write(&document);
    assert!(text.contains("\"single\":[1E-1,-1E30,2E0]"), "{text}");
    assert!(text.contains("\"nodes\":[-1,2147483647]"), "{text}");
    let mut back = json::read(text.as_bytes()).unwrap();
    // JSON has the shortest text of an f32, whose nearest f64 is another number.
    let Value::Object(fields) = &mut back else { unreachable!() };
    let single = fields.get_mut("single").unwrap();
    let Value::Numbers(_, numbers) = single else { unreachable!() };
    for number in numbers {
        *number = f64::from(*number as f32);
    }
    assert_eq!(plain(&back), plain(&document));
}

#[test]
fn every_form_of_ubjson_list_and_object_is_read() {
    let numbers = Value::Numbers(Width::F64, vec![1.0, 2.0]);
    assert_eq!(read_ubjson(b"[i\x01i\x02]").unwrap(), numbers);
    assert_eq!(read_ubjson(b"N[Ni\x01NU\x02N]").unwrap(), numbers);
    assert_eq!(read_ubjson(b"[#i\x02i\x01I\x00\x02").unwrap(), numbers);
    let texts = Value::texts(["ab", "c"]);
    assert_eq!(read_ubjson(b"[$S#i\x02i\x02abi\x01c").unwrap(), texts);
    let object = Value::object([("k", Value::Whole(7))]);
    assert_eq!(read_ubjson(b"{$i#i\x01i\x01k\x07").unwrap(), object);
    assert_eq!(read_ubjson(b"{#i\x01i\x01ki\x07").unwrap(), object);
    assert_eq!(read_ubjson(b"{i\x01ki\x07}").unwrap(), object);
}

#[test]
fn numbers_that_json_lacks_are_read_in_lists_and_left_alone_in_texts() {
    let read = |text: &str| json::read(text.as_bytes()).unwrap();
    let Value::Numbers(_, numbers) = read("[NaN,1E0,-Infinity,Infinity]") else { unreachable!() };
    assert!(numbers[0].is_nan() && numbers[1] == 1.0);
    assert_eq!([numbers[2] as f32, numbers[3] as f32], [f32::NEG_INFINITY, f32::INFINITY]);
    let texts = read("[\"NaN \\\" Infinity\", null, 2, true]");
    let text = Value::text("NaN \" Infinity");
    assert_eq!(texts, Value::List(vec![text, Value::Null, Value::Whole(2), Value::Flag(true)]));
    assert!(json::read(b"[Nan]").is_err() && json::read(b"NaNNaN").is_err());
}

#[test]
fn lengths_that_the_file_does_not_have_are_refused_before_memory_is_taken() {
    let huge = b"[$L#L\x7f\xff\xff\xff\xff\xff\xff\xff";
    for bytes in [
        &huge[..],
        b"[$Z#L\x00\x00\x00\xff\xff\xff\xff\xff",
        b"[#L\x00\x00\x00\xff\xff\xff\xff\xff",
        b"SL\x00\x00\x00\xff\xff\xff\xff\xff",
        b"[$i#i\x05\x01",
        b"[#i\xff",
        b"{i\x01k",
        b"[#d\x00\x00\x00\x00",
        b"x",
        b"",
        b"Zi",
    ] {
        assert!(read_ubjson(bytes).is_err(), "{bytes:?}");
    }
    assert!(read_ubjson(&vec![b'['; 100_000]).is_err());
    assert!(json::read(&vec![b'['; 100_000]).is_err());
    assert!(json::read(b"{\"a\":1,\"a\":2}").is_err());
}

#[test]
fn damaged_documents_are_refused_or_read_but_never_panic() {
    let document = sample();
    damage(&write_ubjson(&document), 20_000, |bytes| drop(read_ubjson(bytes)));
    damage(json::write(&document).as_bytes(), 5_000, |bytes| drop(json::read(bytes)));
}
