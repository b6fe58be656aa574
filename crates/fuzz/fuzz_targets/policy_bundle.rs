//! Throws bytes at `doors::policy_bundle`, which says what must hold.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| thymos_fuzz::doors::policy_bundle(bytes));
