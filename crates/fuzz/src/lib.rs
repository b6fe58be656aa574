//! What fuzz targets and the kept inputs' test share: one door a decoder.
//!
//! Never shipped, and no part of the main workspace.
#![forbid(unsafe_code)]

pub mod doors;
