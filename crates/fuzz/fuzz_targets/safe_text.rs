//! Throws bytes at `doors::safe_text`, which says what must hold.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| thymos_fuzz::doors::safe_text(bytes));
