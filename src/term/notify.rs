//! Asking for attention while the user looks elsewhere, as bytes.
//!
//! The text must be generic: it leaves the screen and may be shown on a locked one.

use super::clipboard::wrap;
use super::env::TermEnv;

/// Characters of a notice; the rest is cut.
pub const NOTICE_CHARS_MAX: usize = 120;

/// The bytes of a notice: a desktop notice where the terminal is known for it, else a bell.
#[must_use]
pub fn notice(text: &str, env: &TermEnv) -> Vec<u8> {
    let plain: String = text
        .chars()
        .filter(|ch| !crate::ui::safe_text::is_unsafe(*ch) && *ch != ';')
        .take(NOTICE_CHARS_MAX)
        .collect();
    let term = env.term.as_deref().unwrap_or_default();
    let sequence = match env.term_program.as_deref() {
        _ if term.contains("kitty") => format!("\x1b]99;;{plain}\x1b\\"),
        _ if term.starts_with("rxvt") || term.starts_with("foot") => {
            format!("\x1b]777;notify;thymos;{plain}\x1b\\")
        }
        Some("iTerm.app" | "WezTerm" | "ghostty") => format!("\x1b]9;{plain}\x1b\\"),
        _ => return b"\x07".to_vec(),
    };
    wrap(sequence.as_bytes(), env.multiplexer())
}
