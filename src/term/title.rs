//! The window's title, as bytes. The old one is kept and put back by the screen.

/// Characters of a title; the rest is cut.
pub const TITLE_CHARS_MAX: usize = 120;

/// The bytes that set the title. Control and format characters are left out.
#[must_use]
pub fn set(text: &str) -> Vec<u8> {
    let mut bytes = b"\x1b]2;".to_vec();
    let plain: String = text
        .chars()
        .filter(|ch| !crate::ui::safe_text::is_unsafe(*ch))
        .take(TITLE_CHARS_MAX)
        .collect();
    bytes.extend_from_slice(plain.as_bytes());
    bytes.extend_from_slice(b"\x1b\\");
    bytes
}
