//! Named limits of this crate, each with what happens when it is reached. Holds numbers, no behaviour.

/// Bytes of one server-sent event, its longest line included. Beyond it the stream is malformed.
pub const EVENT_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Bytes collected for one turn: text, reasoning and arguments. Beyond it the stream is malformed.
pub const TURN_BYTES_MAX: usize = 32 * 1024 * 1024;

/// Bytes read of one whole response stream. Beyond it the stream is malformed.
pub const STREAM_BYTES_MAX: usize = 256 * 1024 * 1024;

/// Bytes read of a response that is an error. The rest is not read.
pub const ERROR_BYTES_MAX: usize = 64 * 1024;

/// Bytes read of a model list. A longer list is reported as such.
pub const LIST_BYTES_MAX: usize = 8 * 1024 * 1024;

/// Calls of one turn. With more the stream is malformed.
pub const CALLS_MAX: usize = 256;

/// Characters of a provider's own words in a message. Longer words are cut with an ellipsis.
pub const WORDS_CHARS_MAX: usize = 240;

/// Milliseconds for a connection to stand. Beyond it there is no route.
pub const CONNECT_MS_MAX: u64 = 10_000;

/// Milliseconds of silence, before the first byte and between any two. Beyond it: a timeout.
pub const SILENCE_MS_MAX: u64 = 120_000;

/// Milliseconds to wait for late usage after a stop reason. Beyond it the turn counts as it is.
pub const TAIL_MS_MAX: u64 = 2_000;

/// Attempts at one turn, the first included. After the last its fault stands.
pub const ATTEMPTS_MAX: u32 = 4;

/// First wait of the backoff, before jitter.
pub const BACKOFF_MS: u64 = 500;

/// Longest wait the backoff chooses by itself.
pub const BACKOFF_MS_MAX: u64 = 20_000;

/// All waits of one turn together. A provider that asks for more is not waited for.
pub const WAIT_MS_MAX: u64 = 120_000;

/// Bytes of a script file. A longer one is refused.
pub const SCRIPT_BYTES_MAX: usize = 16 * 1024 * 1024;

const _: () = assert!(EVENT_BYTES_MAX <= TURN_BYTES_MAX);
const _: () = assert!(TURN_BYTES_MAX <= STREAM_BYTES_MAX);
const _: () = assert!(BACKOFF_MS_MAX <= WAIT_MS_MAX);
