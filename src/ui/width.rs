//! How many columns text takes, grapheme by grapheme.
//!
//! Guesses nothing about ambiguous glyphs: they count as narrow, and the chrome avoids them.

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

/// Columns of one grapheme: never 0, so that nothing can hide, and never above 2.
#[must_use]
pub fn grapheme(text: &str) -> usize {
    text.width().clamp(1, 2)
}

/// Columns of a line of safe text.
#[must_use]
pub fn columns(text: &str) -> usize {
    if text.is_ascii() {
        return text.len();
    }
    text.graphemes(true).map(grapheme).sum()
}

/// The longest start of the text that fits.
#[must_use]
pub fn fit(text: &str, width: usize) -> &str {
    let mut used = 0;
    for (at, cluster) in text.grapheme_indices(true) {
        used += grapheme(cluster);
        if used > width {
            return text.get(..at).unwrap_or_default();
        }
    }
    text
}

/// The text if it fits, else its start and `..`.
#[must_use]
pub fn shorten(text: &str, width: usize) -> String {
    if columns(text) <= width {
        return text.to_owned();
    }
    if width <= 2 {
        return fit("..", width).to_owned();
    }
    format!("{}..", fit(text, width - 2))
}
