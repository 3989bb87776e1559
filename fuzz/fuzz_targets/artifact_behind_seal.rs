//! Bytes under a correct seal: what a hostile hand would make. Reaches the ZIP reader, the
//! manifest and the parts.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let mut bytes = bytes.to_vec();
    modelwright_lifecycle::artifact::reseal(&mut bytes);
    let _ = modelwright_lifecycle::artifact::unpack_artifact(&bytes);
});
