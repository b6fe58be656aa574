//! Limits of the cage itself, as against those a caller sets for a child.

/// Landlock rules for one child. Beyond it the child is refused: its protected paths lie in folders
/// too full to be fenced entry by entry.
pub(crate) const RULES_MAX: usize = 8192;

/// Time between the polite and the forceful stop; with [`KILL_WAIT_MS`] it keeps `[X4]`'s second.
pub(crate) const GRACE_MS: u64 = 300;

/// Time given to the warden to sweep after a forceful stop; then the report is made without it.
pub(crate) const KILL_WAIT_MS: u64 = 600;

/// Time given to read what is left in the pipes after every process is gone.
pub(crate) const DRAIN_MS: u64 = 200;

/// Bytes taken from a child's pipe at a time.
pub(crate) const CHUNK_BYTES: usize = 64 * 1024;

/// The longest wall clock; a longer one is cut to this.
pub(crate) const WALL_CLOCK_MS_MAX: u64 = 7 * 24 * 60 * 60 * 1000;

/// The smallest ceiling on process ids that the kernel accepts for a pid namespace.
pub(crate) const PID_CEILING_MIN: u64 = 301;

/// How often the warden counts processes where no kernel limit does it (root, below L3).
pub(crate) const COUNT_EVERY_MS: i32 = 20;

/// Rounds of killing what fled the group, before the warden gives up and says so.
pub(crate) const SWEEP_ROUNDS_MAX: u32 = 2000;

const _: () = assert!(GRACE_MS + KILL_WAIT_MS < 1000);
