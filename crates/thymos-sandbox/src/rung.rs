//! The isolation ladder, as a value.
//!
//! Says nothing of what a machine can offer; that is [`crate::probe`].

use std::fmt;

use serde::{Deserialize, Serialize};

/// A rung of the isolation ladder; a higher one holds more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Rung {
    /// No isolation: own session and a scrubbed environment only.
    L0,
    /// Resource limits, no new privileges, closed descriptors and a syscall filter.
    L1,
    /// L1 and Landlock: read roots, write roots, no TCP, no signals to the outside.
    L2,
    /// L2 and user, mount, pid, net, ipc and uts namespaces.
    L3,
    /// A container or microVM supplied by the operator; not offered here.
    L4,
}

impl fmt::Display for Rung {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::L0 => "L0",
            Self::L1 => "L1",
            Self::L2 => "L2",
            Self::L3 => "L3",
            Self::L4 => "L4",
        })
    }
}
