//! Named limits of the tools, each with what happens when it is reached.

use thymos_core::limits::{BLOB_BYTES_MAX, TOOL_OUTPUT_BYTES_MAX};

/// Lines that one `fs_read` shows. The rest is asked for with `offset`, and that is said.
pub(crate) const READ_LINES_MAX: usize = 2_000;

/// Bytes of text that one call hands to the model. Beyond it the text is cut, and that is said.
pub(crate) const OBSERVATION_BYTES_MAX: usize = 48 * 1024;

/// Characters shown of one line. The rest of the line is left out, and that is said.
pub(crate) const LINE_CHARS_MAX: usize = 1_000;

/// Bytes of a file that are read. Of a larger one only the beginning is read, and that is said;
/// it cannot be written, since its pre-image could not be kept.
pub(crate) const FILE_BYTES_MAX: usize = BLOB_BYTES_MAX;

/// Files and folders one walk looks at. Beyond it the walk stops, and that is said.
pub(crate) const WALK_ENTRIES_MAX: usize = 50_000;

/// Names read in the folders of others (`node_modules` and the like) for one caged command. Beyond it the
/// search stops, and that is said.
pub(crate) const NAMES_MAX: usize = 500_000;

/// Folders a walk goes down. Deeper ones are left out, and that is said.
pub(crate) const WALK_DEPTH_MAX: usize = 64;

/// Entries that `list_files` and `glob` show. Beyond it the list is cut, and that is said.
pub(crate) const LIST_ENTRIES_MAX: usize = 1_000;

/// Lines that `grep` finds. Beyond it the search stops, and that is said.
pub(crate) const GREP_MATCHES_MAX: usize = 300;

/// Bytes of one file that `grep` searches. A larger file is skipped and counted.
pub(crate) const GREP_FILE_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// Bytes of a compiled pattern. A larger one is unresolvable.
pub(crate) const PATTERN_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Parts of one path. A longer path is unresolvable.
pub(crate) const PATH_PARTS_MAX: usize = 256;

/// Symbolic links followed for one path. Beyond it the path is taken for a loop.
pub(crate) const LINKS_MAX: usize = 32;

/// Bytes of one `.gitignore`. The rules of a larger one are not read.
pub(crate) const IGNORE_FILE_BYTES_MAX: u64 = 1024 * 1024;

/// Bytes of each side that is compared line by line for a preview. Beyond it only sizes are told.
pub(crate) const DIFF_BYTES_MAX: usize = 2 * 1024 * 1024;

/// Product of changed lines before and after that is compared. Beyond it the changed part is shown
/// as removed and added whole, since an exact comparison would take too long.
pub(crate) const DIFF_WORK_MAX: usize = 25_000_000;

/// Edits of one `fs_patch`. The schema refuses more.
pub(crate) const EDITS_MAX: usize = 100;

/// Resources of one `restore`, as many as one command can be seen to change.
pub(crate) const RESTORE_STEPS_MAX: usize = DELTAS_MAX;

/// Bytes of one stored value. A larger one is unresolvable.
pub(crate) const VALUE_BYTES_MAX: usize = 64 * 1024;

/// Characters of one remembered note. The schema refuses more.
pub(crate) const NOTE_CHARS_MAX: usize = 16_000;

/// Milliseconds reserved for a call that touches a few files.
pub(crate) const FILE_CALL_MS: u64 = 200;

/// Milliseconds reserved for a call that walks the workspace.
pub(crate) const WALK_CALL_MS: u64 = 2_000;

const _: () = assert!(OBSERVATION_BYTES_MAX <= TOOL_OUTPUT_BYTES_MAX);

/// Milliseconds that a command may take when it does not say. Then it is stopped.
pub(crate) const TIMEOUT_MS: u64 = 120_000;

/// The longest time a command may ask for. The schema refuses more.
pub(crate) const TIMEOUT_MS_MAX: u64 = 600_000;

/// Output of one command that is kept whole, in a blob. Beyond it the middle is gone, and that is
/// said.
pub(crate) const OUTPUT_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Variables that a call may add to a command's environment. The schema refuses more.
pub(crate) const ENV_ADDED_MAX: usize = 16;

/// Arguments of one command. The schema refuses more.
pub(crate) const ARGV_MAX: usize = 1_000;

/// Bytes of an executable. A larger one is not started, since it could not be pinned by digest.
pub(crate) const EXECUTABLE_BYTES_MAX: u64 = 1 << 30;

/// Files looked at before and after a command. Beyond it the look is said to be incomplete.
pub(crate) const OBSERVED_FILES_MAX: usize = 50_000;

/// Bytes read at each look. Beyond it files are seen by stamp only, and that is said.
pub(crate) const OBSERVED_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// Bytes of a file whose content is held while a command runs. Of larger ones no pre-image is kept,
/// and that is said.
pub(crate) const HELD_FILE_BYTES_MAX: u64 = 1024 * 1024;

/// Bytes held for all files together. Beyond it no more pre-images are kept, and that is said.
pub(crate) const HELD_BYTES_MAX: usize = 96 * 1024 * 1024;

/// Changed files recorded of one command. Beyond it they are counted only, and that is said.
pub(crate) const DELTAS_MAX: usize = 1_000;

/// Private memory of each process of a command. Beyond it allocation fails.
pub(crate) const CHILD_MEMORY_BYTES_MAX: u64 = 8 << 30;

/// Processes and threads of a command. Beyond it fork fails.
pub(crate) const CHILD_PROCESSES_MAX: u64 = 512;

/// Open files of each process. Beyond it open fails.
pub(crate) const CHILD_OPEN_FILES_MAX: u64 = 4_096;

/// Size of a file that a command may write. Beyond it the write fails.
pub(crate) const CHILD_FILE_BYTES_MAX: u64 = 4 << 30;
