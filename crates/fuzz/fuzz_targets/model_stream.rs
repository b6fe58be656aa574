//! Throws bytes at `doors::model_stream`, which says what must hold.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| thymos_fuzz::doors::model_stream(bytes));
