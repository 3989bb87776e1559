//! Any bytes at all are a foreign model that becomes a predictor, or an error, never a panic.
#![no_main]

use modelwright_lifecycle::import::{ImportOptions, Naming, read_model};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Ok(model) = read_model(bytes, &ImportOptions::default()) {
        let _ = model.into_predictor(&Naming { target: "target".to_owned(), classes: None });
    }
});
