//! Which characters hide, reorder or imitate.
//!
//! Flat tables; how they are shown is decided above.

/// Whether a character shows as nothing, as a blank that is no space, or moves others.
#[must_use]
pub fn is_unsafe(ch: char) -> bool {
    if ch.is_ascii() {
        return ch.is_ascii_control();
    }
    matches!(
        u32::from(ch),
        // C1, NBSP, soft hyphen.
        0x80..=0xA0 | 0xAD
        // Joiner of graphemes, Arabic letter mark, fillers, invisible vowels.
        | 0x034F | 0x061C | 0x115F..=0x1160 | 0x17B4..=0x17B5 | 0x180B..=0x180F
        // Blanks, zero widths, bidi marks, line and paragraph separators, bidi embeddings.
        | 0x1680 | 0x2000..=0x200F | 0x2028..=0x202F
        // Blank, word joiner, invisible operators, bidi isolates, old format marks.
        | 0x205F..=0x206F
        // Braille blank, ideographic space, fillers, variation selectors, byte order mark.
        | 0x2800 | 0x3000 | 0x3164 | 0xFE00..=0xFE0F | 0xFEFF | 0xFFA0
        // Annotation marks, replacement of objects, noncharacters.
        | 0xFFF0..=0xFFFC | 0xFFFE..=0xFFFF | 0xFDD0..=0xFDEF
        // Shorthand and musical format marks.
        | 0x1BCA0..=0x1BCA3 | 0x1D159 | 0x1D173..=0x1D17A
        // Private use.
        | 0xE000..=0xF8FF | 0xF0000..
        // Tags and variation selectors.
        | 0xE0000..=0xE0FFF
    )
}

/// Whether a letter of another script may be taken for a Latin one, or is a dressed-up one.
pub(super) fn imitates(ch: char) -> bool {
    matches!(
        u32::from(ch),
        // Greek, Cyrillic, Armenian.
        0x0370..=0x058F
        // Cherokee, phonetic letters, Greek extended, Lisu.
        | 0x13A0..=0x13FF | 0x1D00..=0x1DBF | 0x1F00..=0x1FFF | 0xA4D0..=0xA4FF
        // Signs that look like separators or dots.
        | 0x2010..=0x2015 | 0x2024..=0x2027 | 0x2044 | 0x2215 | 0x29F8 | 0x3002 | 0xFE52
        | 0x0338 | 0x2212 | 0x02D7
        // Letter-like, Roman numerals, circled, full width, mathematical.
        | 0x2100..=0x218F | 0x24B6..=0x24E9 | 0xFF00..=0xFF5E | 0xAB30..=0xABBF
        | 0x1D400..=0x1D7FF
    )
}

/// Whether one name mixes Latin letters or digits with imitations, or is made of lone ones.
///
/// A name wholly in Greek or Cyrillic is left alone if it is longer than three letters; a
/// separator look-alike is marked everywhere.
pub(super) fn is_mixed(segment: &str) -> bool {
    let count = |test: fn(char) -> bool| segment.chars().filter(|ch| test(*ch)).count();
    let strange = count(imitates);
    let latin = count(|ch| ch.is_ascii_alphanumeric() || ('\u{C0}'..='\u{24F}').contains(&ch));
    let signs = count(|ch| imitates(ch) && !ch.is_alphabetic());
    strange > 0 && (latin > 0 || signs > 0 || strange <= 3)
}
