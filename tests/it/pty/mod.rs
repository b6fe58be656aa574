//! A real terminal around the built program: keys in, screen out, and what is on disk afterwards.
//!
//! Every wait is for something on the screen or for the end of the process, within a bound.

mod leaving;
mod naming;
mod plain;
mod setup;
mod terminal;
mod work;
