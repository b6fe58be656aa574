//! The isolation ladder as a value. Knows no operating system; the cage climbs it.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A rung of the cage, weakest first (tools.md 3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Rung {
    /// No cage. Only by an explicit operator choice.
    L0,
    /// Limits, no new privileges, clean environment, own session, system call filter.
    L1,
    /// L1 and file and network rules of the kernel (Landlock).
    L2,
    /// L2 and namespaces of its own.
    L3,
    /// A container or microVM that the operator supplies.
    L4,
}

impl Rung {
    /// One line for people.
    #[must_use]
    pub const fn describe(self) -> &'static str {
        match self {
            Self::L0 => "no cage",
            Self::L1 => "limits and system call filter",
            Self::L2 => "landlock and system call filter",
            Self::L3 => "namespaces, landlock and system call filter",
            Self::L4 => "operator's container",
        }
    }
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
