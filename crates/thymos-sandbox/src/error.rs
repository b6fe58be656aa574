//! Why a cage could not be made or watched.
//!
//! A child that ran and failed is not here; it is a [`crate::CageReport`].

use std::io;
use std::path::PathBuf;

use crate::Rung;

/// Why a child was not started, or could not be watched to its end.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CageError {
    /// The argument vector is empty.
    #[error("no program was named")]
    NoProgram,
    /// A path that must be absolute is not.
    #[error("`{}` is not an absolute path", path.display())]
    RelativePath {
        /// The path as given.
        path: PathBuf,
    },
    /// An argument, path or variable holds a NUL byte.
    #[error("a NUL byte cannot be part of an argument, a path or a variable")]
    NulByte,
    /// The rung is not one that this crate can apply.
    #[error("rung {rung} is not offered here")]
    RungNotOffered {
        /// The rung asked for.
        rung: Rung,
    },
    /// The rung is below what the permission demands.
    #[error("rung {rung} is below the {rung_min} that is demanded")]
    BelowMinimum {
        /// The rung asked for.
        rung: Rung,
        /// The least that would do.
        rung_min: Rung,
    },
    /// The host network was asked for at a rung that promises to hold it off.
    #[error("the host network cannot be given at rung {rung}")]
    NetworkNotGiven {
        /// The rung asked for.
        rung: Rung,
    },
    /// A root cannot be found.
    #[error("root `{}` cannot be opened", path.display())]
    RootMissing {
        /// The root as given.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A root lies inside a protected path.
    #[error("root `{}` lies inside the protected `{}`", root.display(), protected.display())]
    RootProtected {
        /// The root.
        root: PathBuf,
        /// The path that protects it.
        protected: PathBuf,
    },
    /// Closing the protected paths needs more rules than the named limit.
    #[error("more than {rules_max} rules would be needed around the protected paths")]
    TooManyRules {
        /// The limit.
        rules_max: usize,
    },
    /// The executable is not there.
    #[error("no executable at `{}`", path.display())]
    ExecutableMissing {
        /// The path as given.
        path: PathBuf,
    },
    /// The executable is there and cannot be run in this cage.
    #[error("`{}` cannot be executed in this cage", path.display())]
    ExecutableRefused {
        /// The path as given.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The working directory cannot be entered.
    #[error("working directory `{}` cannot be entered", path.display())]
    WorkingDirectory {
        /// The path as given.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// One layer of the cage could not be applied in the child.
    #[error("the cage cannot be built: {step} was refused")]
    Layer {
        /// The layer.
        step: Step,
        /// What the system said.
        source: io::Error,
    },
    /// The Landlock rules could not be made.
    #[error("the Landlock rules cannot be made")]
    Ruleset(#[from] landlock::RulesetError),
    /// Landlock is missing or too old for L2.
    #[error("Landlock is missing or too old on this machine")]
    LandlockMissing,
    /// The syscall filter could not be made.
    #[error("the syscall filter cannot be made")]
    Filter(#[from] seccompiler::BackendError),
    /// The system would not start a process or make a pipe.
    #[error("a process cannot be started")]
    Start {
        /// What the system said.
        source: io::Error,
    },
    /// The running child could not be watched.
    #[error("the running process cannot be watched")]
    Watch {
        /// What the system said.
        source: io::Error,
    },
}

/// A layer of the cage, named for error messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Step {
    /// A session of its own.
    Session = 1,
    /// The namespaces.
    Namespaces,
    /// The user and group maps.
    UserMap,
    /// The process that watches over the cage.
    Warden,
    /// The private mount tree.
    Mounts,
    /// The masks over protected paths.
    Masks,
    /// A fresh `/proc`.
    Proc,
    /// The loopback device.
    Loopback,
    /// The resource limits.
    ResourceLimits,
    /// Giving up capabilities.
    Capabilities,
    /// Giving up new privileges.
    NoNewPrivileges,
    /// The working directory.
    WorkingDirectory,
    /// Closing inherited descriptors.
    Descriptors,
    /// Landlock.
    Landlock,
    /// The syscall filter.
    SyscallFilter,
}

impl Step {
    const ALL: [Self; 15] = [
        Self::Session,
        Self::Namespaces,
        Self::UserMap,
        Self::Warden,
        Self::Mounts,
        Self::Masks,
        Self::Proc,
        Self::Loopback,
        Self::ResourceLimits,
        Self::Capabilities,
        Self::NoNewPrivileges,
        Self::WorkingDirectory,
        Self::Descriptors,
        Self::Landlock,
        Self::SyscallFilter,
    ];

    pub(crate) fn from_code(code: i32) -> Option<Self> {
        Self::ALL.into_iter().find(|step| *step as i32 == code)
    }
}

impl std::fmt::Display for Step {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Session => "a session of its own",
            Self::Namespaces => "making namespaces",
            Self::UserMap => "mapping the user",
            Self::Warden => "starting the warden",
            Self::Mounts => "a private mount tree",
            Self::Masks => "masking protected paths",
            Self::Proc => "a fresh `/proc`",
            Self::Loopback => "the loopback device",
            Self::ResourceLimits => "setting resource limits",
            Self::Capabilities => "dropping capabilities",
            Self::NoNewPrivileges => "giving up new privileges",
            Self::WorkingDirectory => "entering the working directory",
            Self::Descriptors => "closing descriptors",
            Self::Landlock => "applying Landlock",
            Self::SyscallFilter => "applying the syscall filter",
        })
    }
}
