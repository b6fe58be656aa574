//! Looks at bytes as text: encoding, line ends, and cutting what is too long. Opens nothing.

use std::borrow::Cow;

use crate::limits::LINE_CHARS_MAX;

/// Bytes in which a NUL marks a file as binary.
const SNIFF_BYTES: usize = 8 * 1024;

/// What a reader should know of a text beyond its characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Traits {
    pub(crate) binary: bool,
    pub(crate) utf8: bool,
    pub(crate) bom: bool,
    pub(crate) line_ends: LineEnds,
    pub(crate) final_newline: bool,
}

/// How lines end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LineEnds {
    None,
    Lf,
    CrLf,
    Mixed,
}

impl Traits {
    pub(crate) fn of(bytes: &[u8]) -> Self {
        let sniffed = bytes.get(..SNIFF_BYTES).unwrap_or(bytes);
        let newlines = bytes.iter().filter(|byte| **byte == b'\n').count();
        let pairs = bytes.windows(2).filter(|pair| pair == b"\r\n").count();
        let line_ends = match (newlines, pairs) {
            (0, _) => LineEnds::None,
            (_, 0) => LineEnds::Lf,
            (all, crlf) if all == crlf => LineEnds::CrLf,
            _ => LineEnds::Mixed,
        };
        Self {
            binary: sniffed.contains(&0),
            utf8: std::str::from_utf8(bytes).is_ok(),
            bom: bytes.starts_with(b"\xef\xbb\xbf"),
            line_ends,
            final_newline: bytes.last().is_none_or(|byte| *byte == b'\n'),
        }
    }

    /// The oddities in words; empty for plain text.
    pub(crate) fn oddities(&self) -> Vec<&'static str> {
        let mut odd = Vec::new();
        match self.line_ends {
            LineEnds::CrLf => odd.push("CRLF line ends"),
            LineEnds::Mixed => odd.push("mixed line ends"),
            LineEnds::None | LineEnds::Lf => {}
        }
        if !self.final_newline {
            odd.push("no newline at the end");
        }
        if !self.utf8 {
            odd.push("not UTF-8, bytes that do not fit are shown as \u{fffd}");
        }
        if self.bom {
            odd.push("a byte order mark at the start");
        }
        odd
    }
}

/// The lines of some bytes without their ends; a missing final newline makes no extra line.
pub(crate) fn lines(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    bytes.split_inclusive(|byte| *byte == b'\n').map(|line| {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        line.strip_suffix(b"\r").unwrap_or(line)
    })
}

/// One line for showing, cut when it is very long; says whether it was.
pub(crate) fn shown(line: &[u8]) -> (Cow<'_, str>, bool) {
    // A character has four bytes at most, so this is enough to cut in characters.
    let (head, long) = match line.get(..LINE_CHARS_MAX * 4) {
        Some(head) => (head, head.len() < line.len()),
        None => (line, false),
    };
    let text = String::from_utf8_lossy(head);
    match text.char_indices().nth(LINE_CHARS_MAX) {
        Some((at, _)) => (
            Cow::Owned(format!("{}…", text.get(..at).unwrap_or(""))),
            true,
        ),
        None if long => (Cow::Owned(format!("{text}…")), true),
        None => (text, false),
    }
}

/// The longest prefix of at most this many bytes that ends between characters.
pub(crate) fn prefix(text: &str, bytes_max: usize) -> &str {
    text.get(..text.floor_char_boundary(bytes_max))
        .unwrap_or(text)
}

/// `1 line`, `2 lines`.
pub(crate) fn counted(count: usize, noun: &str) -> String {
    match (count, noun.strip_suffix('y')) {
        (1, _) => format!("1 {noun}"),
        (_, Some(stem)) => format!("{count} {stem}ies"),
        (_, None) if noun.ends_with("ch") => format!("{count} {noun}es"),
        (_, None) => format!("{count} {noun}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn traits_tell_line_ends_encoding_and_the_missing_newline() {
        assert!(Traits::of(b"a\nb\n").oddities().is_empty());
        assert!(Traits::of(b"").oddities().is_empty());
        assert_eq!(Traits::of(b"a\r\nb\r\n").line_ends, LineEnds::CrLf);
        assert_eq!(Traits::of(b"a\r\nb\n").line_ends, LineEnds::Mixed);
        assert!(!Traits::of(b"a").final_newline);
        assert!(!Traits::of(b"\xff\n").utf8);
        assert!(Traits::of(b"a\0b").binary);
    }

    #[test]
    fn a_long_line_is_cut_between_characters() {
        let long = "é".repeat(LINE_CHARS_MAX + 1);
        let (text, cut) = shown(long.as_bytes());
        assert!(cut);
        assert_eq!(text.chars().count(), LINE_CHARS_MAX + 1);
        assert_eq!(shown(b"short"), (Cow::Borrowed("short"), false));
    }

    #[test]
    fn counted_words_agree_in_number() {
        assert_eq!(counted(1, "entry"), "1 entry");
        assert_eq!(counted(0, "entry"), "0 entries");
        assert_eq!(counted(2, "match"), "2 matches");
    }
}
