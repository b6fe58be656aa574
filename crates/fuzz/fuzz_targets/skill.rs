//! Throws bytes at `doors::skill`, which says what must hold.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| thymos_fuzz::doors::skill(bytes));
