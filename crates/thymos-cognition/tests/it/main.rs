//! Drives both adapters against a real local HTTP server that speaks good and broken wire formats.
//!
//! The server is scripted byte for byte, one script a connection; nothing sleeps to synchronise.

#[cfg(test)]
mod adapters;
#[cfg(test)]
mod chaos;
#[cfg(test)]
mod probing;
#[cfg(test)]
mod server;
