//! Why a path cannot be used, in sentences. Finds nothing out by itself.

use std::fmt;
use std::io;

use rustix::io::Errno;
use thymos_ports::tool::Unresolvable;

/// Why a path argument leads nowhere that a tool may go.
#[derive(Debug)]
pub(crate) enum PathFault {
    Empty,
    Nul,
    TooLong,
    Outside,
    Protected,
    Loop,
    NotUtf8,
    NotAFolder { part: String },
    Missing,
    NoRight,
    Unreadable(io::Error),
}

impl PathFault {
    pub(crate) fn from_errno(errno: Errno) -> Self {
        match errno {
            Errno::NOENT => Self::Missing,
            Errno::ACCESS | Errno::PERM => Self::NoRight,
            Errno::LOOP => Self::Loop,
            Errno::NAMETOOLONG => Self::TooLong,
            other => Self::Unreadable(other.into()),
        }
    }

    /// The refusal for the path as the caller wrote it.
    pub(crate) fn about(&self, path: &str) -> Unresolvable {
        let message = format!("`{path}` {self}");
        match self.hint() {
            Some(hint) => Unresolvable::with_hint(message, hint),
            None => Unresolvable::new(message),
        }
    }

    const fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Empty => Some("use `.` for the workspace itself"),
            Self::Outside => Some("use a path inside the workspace, relative to its root"),
            Self::Protected => Some("work without this file, or ask the operator for its content"),
            Self::Missing | Self::NotAFolder { .. } => {
                Some("look with `list_files` or `glob` first")
            }
            Self::Nul
            | Self::TooLong
            | Self::Loop
            | Self::NotUtf8
            | Self::NoRight
            | Self::Unreadable(_) => None,
        }
    }
}

impl fmt::Display for PathFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("is an empty path"),
            Self::Nul => f.write_str("holds a NUL byte"),
            Self::TooLong => f.write_str("is too long a path"),
            Self::Outside => f.write_str("leads outside the workspace"),
            Self::Protected => f.write_str("is protected and closed to every tool"),
            Self::Loop => f.write_str("goes round in symbolic links"),
            Self::NotUtf8 => f.write_str("leads through a name that is not UTF-8"),
            Self::NotAFolder { part } => write!(f, "goes through `{part}`, which is no folder"),
            Self::Missing => f.write_str("does not exist"),
            Self::NoRight => f.write_str("may not be read by this user"),
            Self::Unreadable(why) => write!(f, "cannot be reached: {why}"),
        }
    }
}
