//! What the clients of MLServer say of the values of an input: its `content_type`.
//!
//! | content type | each value |
//! |---|---|
//! | `np`, `pd`, `str` | is what it is |
//! | `datetime` | is a moment in ISO 8601, as columns of moments take it anyway |
//! | `base64` | is the BASE64 of a text in UTF-8; what is not is taken as it is, as MLServer does |
//! | `pd_json` | is a text of JSON: a column of a data frame with values of several types |
//!
//! That of an input goes before that of its request. A name that is not known is refused: its
//! values would be taken for something that they are not, and nobody would notice.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use modelwright_io::Cell;

use super::tensor::Values;
use crate::problem::Problem;
use crate::wire::cells::FlatData;

/// The member of `parameters` that names a codec.
pub(crate) const CONTENT_TYPE: &str = "content_type";

/// What has to be done with the values of an input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Codec {
    /// Nothing.
    Plain,
    /// Undo BASE64.
    Base64,
    /// Read each as JSON.
    Json,
}

const NAMES: [(&str, Codec); 6] = [
    ("np", Codec::Plain),
    ("pd", Codec::Plain),
    ("str", Codec::Plain),
    ("datetime", Codec::Plain),
    ("base64", Codec::Base64),
    ("pd_json", Codec::Json),
];

impl Codec {
    /// The codec of an input, by its own content type and that of its request.
    ///
    /// # Errors
    /// Problem 400 for a name that is not known.
    pub(crate) fn of(own: Option<&str>, of_request: Option<&str>) -> Result<Self, Problem> {
        let Some(name) = own.or(of_request) else { return Ok(Self::Plain) };
        let found = NAMES.iter().find(|(known, _)| *known == name);
        found.map(|(_, codec)| *codec).ok_or_else(|| {
            Problem::new(400, "unknown-codec", "unknown content_type of values")
                .expected(NAMES.map(|(known, _)| known).join(", "))
                .got(name)
        })
    }

    /// The values as they were before a client encoded them.
    ///
    /// # Errors
    /// What is wrong with one of them.
    pub(crate) fn decode(self, values: Values<'_>) -> Result<Values<'_>, String> {
        if self == Self::Plain {
            return Ok(values);
        }
        let mut decoded = FlatData::default();
        for (i, cell) in values.cells().enumerate() {
            let wrong = |cause: String| format!("value {} cannot be decoded: {cause}", i + 1);
            match (self, cell) {
                (Self::Json, Cell::Text(text)) => {
                    decoded.push_json(text).map_err(|e| wrong(e.to_string()))?;
                }
                (Self::Base64, Cell::Text(text)) => {
                    let bytes = STANDARD.decode(text).unwrap_or_else(|_| text.into());
                    let text = String::from_utf8(bytes).map_err(|_| {
                        wrong("what the BASE64 stands for is no text in UTF-8".to_owned())
                    })?;
                    decoded.push(Cell::Text(&text)).map_err(|e| wrong(e.to_string()))?;
                }
                (_, cell) => decoded.push(cell).map_err(|e| wrong(e.to_string()))?,
            }
        }
        Ok(Values::Decoded(decoded))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(codec: Codec, texts: &[&str]) -> Result<Vec<String>, String> {
        let cells = texts.iter().map(|text| Cell::Text(text)).collect();
        let values = codec.decode(Values::Cells(cells))?;
        Ok(values.cells().map(|cell| format!("{cell:?}")).collect())
    }

    #[test]
    fn what_a_client_encoded_is_what_it_had() {
        let found = decoded(Codec::Base64, &["cGx1cw==", "w6k=", "not base64!", ""]).unwrap();
        let wanted = [r#"Text("plus")"#, r#"Text("é")"#, r#"Text("not base64!")"#, r#"Text("")"#];
        assert_eq!(found, wanted);
        let found = decoded(Codec::Json, &[r#""plus""#, "null", "2.5", "true"]).unwrap();
        assert_eq!(found, [r#"Text("plus")"#, "Missing", "Number(2.5)", "Boolean(true)"]);
        assert_eq!(decoded(Codec::Plain, &["cGx1cw=="]).unwrap(), [r#"Text("cGx1cw==")"#]);
    }

    #[test]
    fn what_cannot_be_decoded_says_which_value() {
        for (codec, texts) in [
            (Codec::Base64, ["YQ==", "/w=="]),
            (Codec::Json, ["1", "{"]),
            (Codec::Json, ["1", "[2, 3]"]),
            (Codec::Json, ["1", "[]"]),
            (Codec::Json, ["1", "1 2"]),
        ] {
            let says = decoded(codec, &texts).unwrap_err();
            assert!(says.starts_with("value 2 cannot be decoded"), "{says}");
        }
    }

    #[test]
    fn an_input_says_more_than_its_request_and_unknown_names_are_refused() {
        assert_eq!(Codec::of(None, None).unwrap(), Codec::Plain);
        assert_eq!(Codec::of(None, Some("base64")).unwrap(), Codec::Base64);
        assert_eq!(Codec::of(Some("str"), Some("base64")).unwrap(), Codec::Plain);
        let refused = Codec::of(Some("pickle"), None).unwrap_err();
        assert_eq!((refused.status, refused.got.as_deref()), (400, Some("pickle")));
    }
}
