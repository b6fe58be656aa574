//! Markdown as styled lines, also while it is still being written.
//!
//! What lies before a safe border never changes again and is kept; only the tail is laid out
//! anew. Links show where they go. Loads nothing and colours no code.

mod render;
mod table;

#[cfg(test)]
mod tests;

use crate::theme::{Role, Theme};
use ratatui::text::Line;

/// The longest source; beyond it text is kept as it is and told to be cut.
pub const SOURCE_BYTES_MAX: usize = 4 * 1024 * 1024;

/// A whole text as lines.
#[must_use]
pub fn render(source: &str, width: usize, theme: &Theme) -> Vec<Line<'static>> {
    render::render(source, width, theme)
}

/// A text that grows: streamed from a model, shown meanwhile.
#[derive(Clone, Debug, Default)]
pub struct Streaming {
    source: String,
    finished: bool,
    cut: bool,
    scan: Scan,
    // INVARIANT: `frozen` are the lines of `source[..frozen_to]` under `key`.
    frozen: Vec<Line<'static>>,
    frozen_to: usize,
    key: (usize, u64),
    version: u64,
}

/// How far safe borders have been looked for, and what is open there.
#[derive(Clone, Debug, Default)]
struct Scan {
    /// Bytes read, always whole lines.
    at: usize,
    /// The last safe border found.
    border: usize,
    /// The mark of the open code fence.
    fence: Option<(char, usize)>,
    /// The line before was blank.
    blank: bool,
    /// From here on borders cannot be told safely (HTML blocks).
    lost: bool,
}

impl Streaming {
    /// An empty text.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A text already whole.
    #[must_use]
    pub fn whole(source: &str) -> Self {
        let mut text = Self::default();
        text.push(source);
        text.finish();
        text
    }

    /// Adds to the end; what goes beyond the limit is left out and told.
    pub fn push(&mut self, more: &str) {
        let room = SOURCE_BYTES_MAX.saturating_sub(self.source.len());
        let end = (0..=more.len().min(room))
            .rev()
            .find(|at| more.is_char_boundary(*at));
        let (kept, rest) = more.split_at(end.unwrap_or(0));
        self.cut |= !rest.is_empty();
        self.source.push_str(kept);
        self.version += 1;
        self.scan();
    }

    /// Says that nothing more will come.
    pub fn finish(&mut self) {
        self.finished = true;
        if self.source.contains("]:") {
            // A definition may give a target to a link long before it: lay out all once more.
            self.scan.border = 0;
            self.frozen.clear();
            self.frozen_to = 0;
        }
        self.version += 1;
    }

    /// The text as it was written.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Grows with every change; a key for render memos.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.version
    }

    /// Bytes before the last safe border: those are laid out once per width and theme.
    #[must_use]
    pub fn stable_bytes(&self) -> usize {
        self.scan.border
    }

    /// The lines as they stand now.
    pub fn lines(&mut self, width: usize, theme: &Theme) -> Vec<Line<'static>> {
        let key = (width, theme.epoch());
        if self.key != key {
            self.frozen.clear();
            self.frozen_to = 0;
            self.key = key;
        }
        if self.scan.border > self.frozen_to {
            let stable = self
                .source
                .get(self.frozen_to..self.scan.border)
                .unwrap_or_default();
            let lines = render(stable, width, theme);
            join(&mut self.frozen, lines);
            self.frozen_to = self.scan.border;
        }
        let mut all = self.frozen.clone();
        let tail = self.source.get(self.frozen_to..).unwrap_or_default();
        join(&mut all, self.tail(tail, width, theme));
        if self.cut {
            all.push(Line::styled(
                "! the rest is too long and is not shown",
                theme.style(Role::Warn),
            ));
        }
        all
    }

    fn tail(&self, tail: &str, width: usize, theme: &Theme) -> Vec<Line<'static>> {
        let table = if self.finished {
            None
        } else {
            table::unfinished_from(tail)
        };
        let Some(start) = table else {
            return render(tail, width, theme);
        };
        // A growing table would jump with every row: it is held back, and told.
        let (before, held) = tail.split_at(start);
        let mut lines = render(before, width, theme);
        let rows = held.lines().count().saturating_sub(2);
        let note = format!("(table, {rows} rows so far)");
        join(
            &mut lines,
            vec![Line::styled(note, theme.style(Role::Muted))],
        );
        lines
    }

    /// Looks through new whole lines for safe borders.
    fn scan(&mut self) {
        while let Some(rest) = self.source.get(self.scan.at..) {
            let Some(end) = rest.find('\n') else { break };
            let line = rest.get(..end).unwrap_or_default();
            self.scan.line(line.trim_end_matches('\r'), end + 1);
        }
    }
}

impl Scan {
    /// Reads one line. A border is the start of a line at the left margin, behind a blank
    /// line, outside fences, that begins a new block whatever came before.
    fn line(&mut self, line: &str, length: usize) {
        let start = self.at;
        self.at += length;
        let body = line.trim_start_matches(' ');
        let indent = line.len() - body.len();
        if let Some((mark, count)) = self.fence {
            let run = body.chars().take_while(|ch| *ch == mark).count();
            let closes = run >= count && body.chars().skip(run).all(|ch| ch == ' ');
            if closes && indent < 4 {
                self.fence = None;
            }
            self.blank = false;
            return;
        }
        if body.is_empty() {
            self.blank = true;
            return;
        }
        if indent == 0 && self.blank && !self.lost && begins_afresh(body) {
            self.border = start;
        }
        self.blank = false;
        let first = body.chars().next().unwrap_or_default();
        let run = body.chars().take_while(|ch| *ch == first).count();
        let tick_inside = first == '`' && body.chars().skip(run).any(|ch| ch == '`');
        let opens = matches!(first, '`' | '~') && run >= 3 && !tick_inside;
        if opens && indent == 0 {
            self.fence = Some((first, run));
        }
        // A fence within a list may be closed by the list's end: too deep for this reader.
        let hidden = body.contains("```") || body.contains("~~~");
        self.lost |= (hidden && !(opens && indent == 0)) || opens_html(body);
    }
}

/// Whether a line may begin HTML that goes on over blank lines.
fn opens_html(body: &str) -> bool {
    const BEGINNINGS: [&str; 6] = ["<!", "<?", "<pre", "<script", "<style", "<textarea"];
    let lower = body.to_ascii_lowercase();
    body.starts_with('<') || BEGINNINGS.iter().any(|beginning| lower.contains(beginning))
}

/// Whether a line at the left margin cannot go on with a list that stands before it.
fn begins_afresh(body: &str) -> bool {
    let first = body.chars().next().unwrap_or_default();
    !(matches!(first, '-' | '*' | '+' | '>' | '|' | '<' | '\t') || first.is_ascii_digit())
}

/// Puts lines behind others with one blank line between, as between blocks.
fn join(lines: &mut Vec<Line<'static>>, more: Vec<Line<'static>>) {
    if !lines.is_empty() && !more.is_empty() {
        lines.push(Line::default());
    }
    lines.extend(more);
}
