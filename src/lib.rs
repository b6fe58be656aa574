//! The terminal app of `thymos`: rooms in reading order, no logic.
//!
//! The kernel lives in the crates under `crates/`; what a person sees lives here.
#![forbid(unsafe_code)]

pub mod args;
pub mod config;
pub mod error;
pub mod launch;
pub mod wire;

pub mod app;
pub mod keymap;
pub mod panes;
pub mod plain;
pub mod term;
pub mod theme;
pub mod ui;

pub mod fuzzy;
pub mod logins;
pub mod mind;
pub mod near;
pub mod out;
pub mod strict;
pub mod system;
pub mod tell;
pub mod verbs;
