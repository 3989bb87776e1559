//! Any bytes at all are a predictor or an error; what is accepted predicts or refuses.
#![no_main]

use modelwright_automl::Predictor;
use modelwright_core::Context;
use modelwright_core::data::Table;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Ok(predictor) = Predictor::decode(bytes) {
        let _ = predictor.predict(&Table::default(), &Context::unlimited(0, 1));
    }
});
