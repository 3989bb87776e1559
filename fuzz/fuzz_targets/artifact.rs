//! Any bytes at all are an artifact or an error, never a panic.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = modelwright_lifecycle::artifact::unpack_artifact(bytes);
});
