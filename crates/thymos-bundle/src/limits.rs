//! Limits of what a bundle may hold `[K4]`. Holds numbers, no behaviour.

use thymos_core::limits::{BLOB_BYTES_MAX, ENTRY_BYTES_MAX};
use thymos_core::sealed::ENVELOPE_BYTES;

/// Bytes of the manifest. A larger one is refused unread.
pub const MANIFEST_BYTES_MAX: u64 = 1024 * 1024;

/// Entries of one member. A writer begins the next one, a reader refuses more.
pub const MEMBER_ENTRIES_MAX: usize = 1024;

/// Bytes of a member's entries after which a writer begins the next one.
pub const MEMBER_BYTES_FULL: usize = ENTRY_BYTES_MAX;

/// Bytes of a member of entries: one that is almost full, and the largest entry. A larger one is
/// refused unread.
pub const ENTRIES_BYTES_MAX: u64 = 2 * ENTRY_BYTES_MAX as u64 + 64 * 1024;

/// Bytes of a member of proofs: the longest that so many entries can have. A larger one is refused
/// unread.
pub const PROOFS_BYTES_MAX: u64 = 8 * 1024 * 1024;

/// Bytes of the member of checkpoints. A larger one is refused unread.
pub const CHECKPOINTS_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// Checkpoints in a bundle. Where a ledger keeps more, the newest are taken.
pub const CHECKPOINTS_MAX: usize = 65_536;

/// Bytes of a blob. A larger one is refused unread.
pub const BLOB_MEMBER_BYTES_MAX: u64 = BLOB_BYTES_MAX as u64;

/// Bytes of a sealed blob: the largest blob, its envelope and the cipher's tag. A larger one is refused
/// unread.
pub const SEALED_MEMBER_BYTES_MAX: u64 = BLOB_MEMBER_BYTES_MAX + ENVELOPE_BYTES as u64 + 64;

/// Single entries that a bundle may name as withheld. More are refused: withhold their kind.
pub const WITHHELD_ENTRIES_MAX: usize = 4_096;

/// Kinds that a bundle may name as withheld.
pub const WITHHELD_KINDS_MAX: usize = 64;

/// Keys that a bundle may name.
pub const KEYS_MAX: usize = 1_024;
