//! Plain mode over the scripted kernel: lines in, lines out.

pub(crate) mod listener;

mod approvals;
mod asked;
mod hostile;
mod linked;
mod properties;
mod session;
