//! Text that cannot lie: whatever does not show, or shows as something else, becomes visible.
//!
//! [`SafeText`] is the only way from foreign text to a span. Two ways of reading: *plain*
//! escapes everything; [`AnsiReader`] keeps colours of tool output and escapes all else.
//! Judges no content: a clear lie in clear letters passes.

mod chars;

#[cfg(test)]
mod tests;

pub use chars::is_unsafe;

use super::punycode;
use crate::theme::{Depth, Role, Theme, sgr};
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use unicode_width::UnicodeWidthChar;

/// Columns from one tab stop to the next.
pub const TAB_COLUMNS: usize = 4;

/// Marks of no width that may sit on one letter; more would hide or smear it.
pub const MARKS_MAX: usize = 4;

/// The longest SGR sequence that is obeyed.
pub const SGR_BYTES_MAX: usize = 64;

/// One line of foreign text, made safe.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SafeText {
    // INVARIANT: no piece holds a character for which `is_unsafe` is true.
    pieces: Vec<Piece>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Piece {
    text: String,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Said,
    /// A mark of ours for what would not show.
    Escape,
    /// In a colour of its own, from [`AnsiReader`].
    Styled(Style),
}

/// How strictly a line is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reading {
    /// Tabs become spaces, the end of the line is not marked.
    Prose,
    /// Tabs, and spaces at the end, are marked as well.
    Exact,
}

impl SafeText {
    /// One line of prose. Line feeds are marked; use [`Self::lines`] for whole texts.
    #[must_use]
    pub fn line(text: &str) -> Self {
        Builder::new(Reading::Prose).read(text)
    }

    /// Every line of a text, without its line ends (`\n` or `\r\n`).
    #[must_use]
    pub fn lines(text: &str) -> Vec<Self> {
        text.split('\n')
            .map(|line| Self::line(line.strip_suffix('\r').unwrap_or(line)))
            .collect()
    }

    /// Text that will take effect as it stands (arguments, file lines): tabs and spaces at the
    /// end are marked too.
    #[must_use]
    pub fn exact(text: &str) -> Self {
        Builder::new(Reading::Exact).read(text)
    }

    /// A path: as exact, and letters that imitate others within one name are marked.
    #[must_use]
    pub fn path(text: &str) -> Self {
        Self::imitations(text, &['/', '\\', '.', '-', '_', ' '])
    }

    /// A host name: as a path, and `xn--` labels are shown both ways.
    #[must_use]
    pub fn host(text: &str) -> Self {
        let mut safe = Self::imitations(text, &['.', '-', ':']);
        let coded = text
            .split('.')
            .any(|label| label.len() > 4 && label.starts_with("xn--"));
        if coded {
            let shown: Vec<String> = text
                .split('.')
                .map(|label| {
                    let decoded = label.strip_prefix("xn--").and_then(punycode::decode);
                    decoded.unwrap_or_else(|| label.to_owned())
                })
                .collect();
            safe.push(Kind::Escape, " reads ");
            safe.pieces
                .extend(Self::imitations(&shown.join("."), &['.', '-', ':']).pieces);
        }
        safe
    }

    fn imitations(text: &str, borders: &[char]) -> Self {
        let mut builder = Builder::new(Reading::Exact);
        for segment in text.split_inclusive(borders) {
            let mixed = chars::is_mixed(segment);
            for ch in segment.chars() {
                if mixed && chars::imitates(ch) {
                    builder.escape(ch);
                } else {
                    builder.take(ch);
                }
            }
        }
        builder.finish()
    }

    fn push(&mut self, kind: Kind, text: &str) {
        match self.pieces.last_mut() {
            Some(piece) if piece.kind == kind => piece.text.push_str(text),
            Some(_) | None => self.pieces.push(Piece {
                text: text.to_owned(),
                kind,
            }),
        }
    }

    /// Puts another text behind this one.
    pub fn append(&mut self, other: Self) {
        for piece in other.pieces {
            self.push(piece.kind, &piece.text);
        }
    }

    /// The text as it will show, without styles.
    #[must_use]
    pub fn shown(&self) -> String {
        self.pieces
            .iter()
            .map(|piece| piece.text.as_str())
            .collect()
    }

    /// Whether anything had to be marked.
    #[must_use]
    pub fn has_escapes(&self) -> bool {
        self.pieces.iter().any(|piece| piece.kind == Kind::Escape)
    }

    /// Columns it takes.
    #[must_use]
    pub fn width(&self) -> usize {
        self.pieces
            .iter()
            .map(|piece| super::width::columns(&piece.text))
            .sum()
    }

    /// Its start, cut with `..` to fit; escapes are cut like letters.
    #[must_use]
    pub fn shortened(&self, width: usize) -> Self {
        if self.width() <= width {
            return self.clone();
        }
        let mut left = width.saturating_sub(2);
        let mut short = Self::default();
        for piece in &self.pieces {
            let text = super::width::fit(&piece.text, left);
            left -= super::width::columns(text).min(left);
            short.push(piece.kind, text);
            if text.len() < piece.text.len() {
                break;
            }
        }
        short.push(Kind::Said, super::width::fit("..", width));
        short
    }

    /// Spans in the style of a role; escapes in the style of [`Role::Warn`].
    #[must_use]
    pub fn spans(&self, theme: &Theme, role: Role) -> Vec<Span<'static>> {
        self.spans_styled(theme, theme.style(role))
    }

    /// Spans in any style of the theme; escapes in the style of [`Role::Warn`].
    #[must_use]
    pub fn spans_styled(&self, theme: &Theme, style: Style) -> Vec<Span<'static>> {
        let styled = |piece: &Piece| {
            let style = match piece.kind {
                Kind::Said => style,
                Kind::Escape => theme.style(Role::Warn),
                Kind::Styled(own) => style.patch(sgr::limit(own, theme.depth())),
            };
            Span::styled(piece.text.clone(), style)
        };
        self.pieces.iter().map(styled).collect()
    }

    /// A line in the style of a role.
    #[must_use]
    pub fn to_line(&self, theme: &Theme, role: Role) -> Line<'static> {
        Line::from(self.spans(theme, role))
    }
}

/// Reads tool output line by line and keeps its colours from line to line.
#[derive(Clone, Copy, Debug, Default)]
pub struct AnsiReader {
    style: Style,
}

impl AnsiReader {
    /// One line, without its line end. SGR colours it, unless `depth` is mono; every other
    /// sequence is shown.
    pub fn line(&mut self, text: &str, depth: Depth) -> SafeText {
        let mut builder = Builder::new(Reading::Prose);
        builder.said = said(self.style);
        let mut rest = text;
        while let Some(found) = rest.find("\x1b[") {
            let (before, sequence) = rest.split_at(found);
            before.chars().for_each(|ch| builder.take(ch));
            match sgr_parameters(sequence) {
                Some(parameters) => {
                    if depth != Depth::Mono {
                        self.style = sgr::apply(self.style, parameters);
                        builder.said = said(self.style);
                    }
                    rest = sequence.get(parameters.len() + 3..).unwrap_or_default();
                }
                None => {
                    builder.escape('\x1b');
                    rest = sequence.get(1..).unwrap_or_default();
                }
            }
        }
        builder.read(rest)
    }
}

fn said(style: Style) -> Kind {
    if style == Style::default() {
        Kind::Said
    } else {
        Kind::Styled(style)
    }
}

/// What stands between `CSI` and a final `m`, if that is what the text begins with.
fn sgr_parameters(sequence: &str) -> Option<&str> {
    let body = sequence.strip_prefix("\x1b[")?;
    let end = body
        .bytes()
        .take(SGR_BYTES_MAX)
        .position(|byte| !(byte.is_ascii_digit() || byte == b';' || byte == b':'))?;
    (body.as_bytes().get(end) == Some(&b'm'))
        .then(|| body.get(..end))
        .flatten()
}

struct Builder {
    text: SafeText,
    reading: Reading,
    said: Kind,
    column: usize,
    marks: usize,
    has_base: bool,
}

impl Builder {
    fn new(reading: Reading) -> Self {
        let text = SafeText::default();
        Self {
            text,
            reading,
            said: Kind::Said,
            column: 0,
            marks: 0,
            has_base: false,
        }
    }

    fn read(mut self, text: &str) -> SafeText {
        text.chars().for_each(|ch| self.take(ch));
        self.finish()
    }

    fn take(&mut self, ch: char) {
        match (ch, self.reading) {
            ('\t', Reading::Prose) => {
                let spaces = TAB_COLUMNS - self.column % TAB_COLUMNS;
                self.say(&" ".repeat(spaces), spaces);
            }
            ('\t', Reading::Exact) => self.mark("⟦TAB⟧"),
            (ch, _) if is_unsafe(ch) => self.escape(ch),
            (ch, _) => match ch.width() {
                Some(0) if !self.has_base || self.marks >= MARKS_MAX => self.escape(ch),
                Some(0) => {
                    self.marks += 1;
                    self.text.push(self.said, ch.encode_utf8(&mut [0; 4]));
                }
                width => self.say(ch.encode_utf8(&mut [0; 4]), width.unwrap_or(1)),
            },
        }
    }

    fn say(&mut self, text: &str, columns: usize) {
        self.text.push(self.said, text);
        self.column += columns;
        self.marks = 0;
        self.has_base = true;
    }

    fn escape(&mut self, ch: char) {
        self.mark(&format!("⟦U+{:04X}⟧", u32::from(ch)));
    }

    fn mark(&mut self, text: &str) {
        self.text.push(Kind::Escape, text);
        self.column += super::width::columns(text);
        self.has_base = false;
    }

    fn finish(mut self) -> SafeText {
        if self.reading == Reading::Exact
            && let Some(last) = self.text.pieces.last_mut()
            && last.kind != Kind::Escape
        {
            let kept = last.text.trim_end_matches(' ').len();
            let spaces = last.text.len() - kept;
            last.text.truncate(kept);
            if spaces > 0 {
                self.text.pieces.retain(|piece| !piece.text.is_empty());
                self.text.push(Kind::Escape, &format!("⟦{spaces} SP⟧"));
            }
        }
        self.text
    }
}
