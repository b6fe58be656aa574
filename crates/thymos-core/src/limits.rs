//! Named limits of everything that crosses a boundary `[K4]`. Holds numbers, no behaviour.

/// Nesting of any JSON that is read. Deeper input is refused, not truncated.
pub const DEPTH_MAX: usize = 64;

/// Bytes of one entry body. A larger body is an error of the writer: big content goes to blobs.
pub const ENTRY_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Bytes of an intent's canonical arguments. Beyond it the intent is refused by `[C1]`.
pub const INTENT_ARGS_BYTES_MAX: usize = 1024 * 1024;

/// Nesting of an intent's arguments. Deeper ones are recorded as words about them, and `[C1]` refuses:
/// the entries that hold a proposal nest it further, and must stay within [`DEPTH_MAX`].
pub const INTENT_ARGS_DEPTH_MAX: usize = 32;

/// Characters of a tool's name in an intent. A longer one is cut, and no tool is called so.
pub const TOOL_NAME_CHARS_MAX: usize = 128;

/// Output kept per call. Beyond it the middle is cut, and the cut is recorded.
pub const TOOL_OUTPUT_BYTES_MAX: usize = 256 * 1024;

/// Bytes of one blob (a file image, a spilled output). A larger one is not kept, and that is said.
pub const BLOB_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Bytes of a unified diff kept inside a proposal. Beyond it the diff is cut and the card says so.
pub const PREVIEW_BYTES_MAX: usize = 256 * 1024;

/// Links of a writ chain. A longer chain is refused by `[C2]`.
pub const CHAIN_LINKS_MAX: usize = 16;

/// Grants of one writ. A writ with more is refused when it is loaded.
pub const GRANTS_MAX: usize = 256;

/// Intents of one model turn. Those beyond it are refused by `[C1]`, each with its own entry.
pub const INTENTS_PER_TURN_MAX: usize = 64;

/// Bytes of one message of a person or a model. A longer prompt is refused before it is stored.
pub const MESSAGE_BYTES_MAX: usize = 1024 * 1024;

/// Characters of an operator's reason. A longer one is refused at the edge.
pub const REASON_CHARS_MAX: usize = 4_096;

/// Bodies of one erasure. More at once are refused; the rest is named by another.
pub const ERASURE_BODIES_MAX: usize = 16_384;

/// Branches of branches. A deeper one is refused when it is made.
pub const BRANCH_DEPTH_MAX: usize = 32;

/// Fewest characters of an id prefix that a person may type `[K2]`.
pub const ID_PREFIX_CHARS_MIN: usize = 6;

/// Bytes of a skill's file. A longer one is refused.
pub const SKILL_BYTES_MAX: usize = 256 * 1024;

/// Characters of a skill's instructions. Longer ones are refused when it is read.
pub const SKILL_INSTRUCTIONS_CHARS_MAX: usize = 32 * 1024;

/// Parameters of one skill. More are refused when it is read.
pub const SKILL_PARAMS_MAX: usize = 32;

/// Characters of a parameter's value. A longer one is refused before anything is recorded.
pub const SKILL_VALUE_CHARS_MAX: usize = 4_096;

/// Tool patterns of one skill. More are refused when it is read.
pub const SKILL_TOOLS_MAX: usize = 64;

/// Files looked at in the folder of skills. Those beyond it are not listed, and that is said.
pub const SKILL_FILES_MAX: usize = 256;

/// Ways not taken that a routing evidence names. Further ones are left out.
pub const ROUTING_ALTERNATIVES_MAX: usize = 16;

const _: () = assert!(SKILL_BYTES_MAX <= ENTRY_BYTES_MAX / 4);
const _: () = assert!(TOOL_OUTPUT_BYTES_MAX <= ENTRY_BYTES_MAX / 4);
const _: () = assert!(PREVIEW_BYTES_MAX <= ENTRY_BYTES_MAX / 4);
const _: () = assert!(INTENT_ARGS_BYTES_MAX <= ENTRY_BYTES_MAX / 4);
