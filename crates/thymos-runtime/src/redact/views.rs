//! Text as it would read once decoded: `\u0061`, `\x61`, `%61`, and characters of no width.
//!
//! Finds nothing. Gives a second text to search, and the way back to places in the first.

use std::ops::Range;

/// A decoded text, with the place of each of its bytes in the original.
pub(super) struct View {
    pub(super) text: String,
    /// One a byte, and the end of the original.
    origins: Vec<usize>,
}

impl View {
    /// Where a span of the view stands in the original.
    pub(super) fn origin(&self, span: &Range<usize>) -> Range<usize> {
        let place = |at: usize| self.origins.get(at).copied().unwrap_or_default();
        place(span.start)..place(span.end)
    }
}

/// The text decoded; none when nothing in it is encoded.
pub(super) fn decoded(text: &str) -> Option<View> {
    // All bytes at once, which is quicker than one by one, and enough for most texts.
    let plain = |byte: &u8| !matches!(byte, b'\\' | b'%' | 0x80..);
    if text
        .as_bytes()
        .iter()
        .fold(true, |all, byte| all & plain(byte))
    {
        return None;
    }
    let mut piece = next_piece(text, 0)?;
    let mut view = View {
        text: String::with_capacity(text.len()),
        origins: Vec::with_capacity(text.len() + 1),
    };
    let mut from = 0;
    loop {
        view.copy(text, from..piece.at.start);
        if let Some(byte) = piece.stands_for {
            view.text.push(char::from(byte));
            view.origins.push(piece.at.start);
        }
        from = piece.at.end;
        match next_piece(text, from) {
            Some(next) => piece = next,
            None => break,
        }
    }
    view.copy(text, from..text.len());
    view.origins.push(text.len());
    Some(view)
}

/// A stretch of text that stands for one byte, or for nothing that can be seen.
struct Piece {
    at: Range<usize>,
    stands_for: Option<u8>,
}

fn next_piece(text: &str, from: usize) -> Option<Piece> {
    let bytes = text.as_bytes();
    let mut at = from;
    loop {
        let may_hold = |b: &u8| matches!(b, b'\\' | b'%' | 0x80..);
        at += bytes.get(at..)?.iter().position(may_hold)?;
        let rest = text.get(at..)?;
        let next = rest.chars().next()?;
        let found = match next {
            '\\' => escaped(rest),
            '%' => hex(rest, 1, 2),
            next if has_no_width(next) => Some((None, next.len_utf8())),
            _ => None,
        };
        if let Some((stands_for, length)) = found {
            let at = at..at + length;
            return Some(Piece { at, stands_for });
        }
        // A run of backslashes is looked at once.
        at += rest
            .bytes()
            .take_while(|b| *b == b'\\')
            .count()
            .max(next.len_utf8());
    }
}

impl View {
    fn copy(&mut self, text: &str, range: Range<usize>) {
        self.text
            .push_str(text.get(range.clone()).unwrap_or_default());
        self.origins.extend(range);
    }
}

/// What an encoded piece stands for, and its length.
type Decoded = Option<(Option<u8>, usize)>;

/// `\u0061` or `\x61`, also behind several backslashes, as in text within text.
fn escaped(rest: &str) -> Decoded {
    let slashes = rest.bytes().take_while(|b| *b == b'\\').count();
    match rest.as_bytes().get(slashes) {
        Some(b'u') => hex(rest, slashes + 1, 4),
        Some(b'x') => hex(rest, slashes + 1, 2),
        _ => None,
    }
}

/// So many hex digits from there on; only what stands for a visible ASCII character counts.
fn hex(rest: &str, from: usize, digits: usize) -> Decoded {
    let byte = rest
        .get(from..from + digits)
        .filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()))
        .and_then(|digits| u32::from_str_radix(digits, 16).ok())
        .and_then(|code| u8::try_from(code).ok())
        .filter(u8::is_ascii_graphic)?;
    Some((Some(byte), from + digits))
}

const fn has_no_width(c: char) -> bool {
    matches!(
        c,
        '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2064}'
            | '\u{2066}'..='\u{2069}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r1_a_view_reads_decoded_and_knows_where_it_came_from() {
        let text = format!(
            "{}\u{200b}g\u{200d}h%20\\n\\u00e9",
            r"ab\u0063\\\u0064%65\x66"
        );
        let view = decoded(&text).unwrap();
        assert_eq!(view.text, "abcdefgh%20\\n\\u00e9");
        let c = view.origin(&(2..3));
        assert_eq!(&text[c], r"\u0063");
        assert_eq!(view.origin(&(0..view.text.len())), 0..text.len());
    }

    #[test]
    fn r1_plain_text_has_no_view_of_its_own() {
        for text in ["", "plain", "a\\nb", "100% sure", "%zz", "ü", "\\u00", "\\"] {
            assert!(decoded(text).is_none(), "{text}");
        }
    }
}
