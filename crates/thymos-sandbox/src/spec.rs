//! What a caged child is to be: plain data, decided by the caller.
//!
//! Looks nothing up: the executable is already resolved and the environment already chosen.

use std::ffi::OsString;
use std::path::PathBuf;

use crate::Rung;

/// Everything that decides how one child is started.
#[derive(Clone, Debug)]
pub struct CageSpec {
    /// Program and arguments; the first is the absolute path of the executable.
    pub argv: Vec<OsString>,
    /// Absolute working directory, inside what the child may read.
    pub cwd: PathBuf,
    /// The whole environment; nothing of the host's is added.
    pub env: Vec<(String, String)>,
    /// Bytes fed to the child; empty means that its input is closed at once.
    pub stdin: Vec<u8>,
    /// What may be read and executed (L2 and above).
    pub read: ReadScope,
    /// Trees that may be written, and so read and executed too (L2 and above).
    pub write_roots: Vec<PathBuf>,
    /// Paths that stay closed even inside the roots: keys, ledger, configuration, `.env`.
    pub protected: Vec<PathBuf>,
    /// Whether the child may reach a network.
    pub network: Network,
    /// Bounds on what the child may use.
    pub limits: Limits,
    /// The rung to apply; exactly this one, or an error.
    pub rung: Rung,
    /// The least rung that the caller's permission demands.
    pub rung_min: Rung,
}

/// What a child may read at L2 and above.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReadScope {
    /// Everything the user may read, but for the protected paths.
    Everything,
    /// These trees and the write roots only; the loader and libraries must be among them.
    Roots(Vec<PathBuf>),
}

/// Whether a child may reach a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Network {
    /// No socket at all; at L3, loopback inside the cage only.
    None,
    /// The host's network. Refused at L2 and above, which promise to hold it off.
    Host,
}

/// Bounds on one child and its descendants.
///
/// The last four are per process where the kernel counts per process: memory is private writable
/// memory of each process, not of all together, and shared mappings are not counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Time until the whole group is stopped.
    pub wall_clock_ms: u64,
    /// Output kept for each stream; beyond it the middle is cut, and the cut is recorded.
    pub output_bytes_max: usize,
    /// Private writable memory of each process; beyond it allocation fails.
    pub memory_bytes_max: u64,
    /// Processes and threads in the cage; beyond it fork fails, or (as root below L3) all are killed.
    pub processes_max: u64,
    /// Open descriptors of each process; beyond it open fails.
    pub open_files_max: u64,
    /// Size of each file written; beyond it the write fails or the process is killed.
    pub file_size_bytes_max: u64,
}

/// The system folders that ordinary programs need to read, as far as this machine has them.
#[must_use]
pub fn system_read_roots() -> Vec<PathBuf> {
    const FOLDERS: [&str; 12] = [
        "/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/etc", "/opt", "/nix", "/proc",
        "/sys", "/dev",
    ];
    FOLDERS
        .iter()
        .map(PathBuf::from)
        .filter(|folder| folder.is_dir())
        .collect()
}
