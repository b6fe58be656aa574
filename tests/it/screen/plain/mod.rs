//! Plain mode over the scripted kernel: lines in, lines out.

mod listener;

mod approvals;
mod asked;
mod hostile;
mod linked;
mod properties;
mod session;
