//! A tool's output as the transcript keeps it: the first and the last lines, and the count.
//!
//! The whole stays in the ledger and is shown by the inspector.

/// Lines kept from the start, and as many from the end.
pub const OUTPUT_EDGE_LINES: usize = 5;

/// Characters kept of one line; the rest is told as cut.
pub const OUTPUT_LINE_CHARS_MAX: usize = 400;

/// The edges of an output.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Output {
    /// The first lines.
    pub first: Vec<String>,
    /// Lines left out between them.
    pub hidden: usize,
    /// The last lines.
    pub last: Vec<String>,
}

impl Output {
    /// Keeps the edges of a text.
    #[must_use]
    pub fn of(text: &str) -> Self {
        let count = text.lines().count();
        if count <= OUTPUT_EDGE_LINES * 2 {
            return Self {
                first: text.lines().map(cut).collect(),
                hidden: 0,
                last: Vec::new(),
            };
        }
        Self {
            first: text.lines().take(OUTPUT_EDGE_LINES).map(cut).collect(),
            hidden: count - OUTPUT_EDGE_LINES * 2,
            last: text
                .lines()
                .skip(count - OUTPUT_EDGE_LINES)
                .map(cut)
                .collect(),
        }
    }

    /// Lines of the whole output.
    #[must_use]
    pub fn lines(&self) -> usize {
        self.first.len() + self.hidden + self.last.len()
    }
}

fn cut(line: &str) -> String {
    match line.char_indices().nth(OUTPUT_LINE_CHARS_MAX) {
        Some((at, _)) => format!("{} [line cut]", line.get(..at).unwrap_or_default()),
        None => line.to_owned(),
    }
}
