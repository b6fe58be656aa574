//! Throws bytes at `doors::bundle`, which says what must hold.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| thymos_fuzz::doors::bundle(bytes));
