//! The text being written, its caret, and the messages before it.

use ratatui_textarea::{CursorMove, TextArea};
use unicode_segmentation::UnicodeSegmentation;

use crate::app::Action;

/// Messages that Up can bring back; the oldest are dropped.
const HISTORY_MESSAGES_MAX: usize = 500;

/// Bytes of a message; what a paste brings beyond it is left out.
pub const MESSAGE_BYTES_MAX: usize = 256 * 1024;

/// The prompt editor.
#[derive(Clone, Debug, Default)]
pub struct Composer {
    area: TextArea<'static>,
    // Oldest first, each once.
    history: Vec<String>,
    // Those of it that were sent from here and may be missing in the record that is being read.
    fresh: Vec<String>,
    // Which message of the history is shown; none is the one being written.
    recalled: Option<usize>,
    // What was being written when the first message was brought back.
    unsent: String,
}

impl Composer {
    /// An editor with a kept draft in it.
    #[must_use]
    pub fn with_draft(draft: &str) -> Self {
        let mut composer = Self::default();
        composer.replace(draft);
        composer
    }

    /// The whole text.
    #[must_use]
    pub fn text(&self) -> String {
        self.area.lines().join("\n")
    }

    /// The text, line by line.
    #[must_use]
    pub fn lines(&self) -> &[String] {
        self.area.lines()
    }

    /// The caret: the line, and the characters before it in that line.
    #[must_use]
    pub fn caret(&self) -> (usize, usize) {
        let cursor = self.area.cursor();
        (cursor.0, cursor.1)
    }

    /// Whether nothing is written.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.area.lines().iter().all(String::is_empty) && self.area.lines().len() <= 1
    }

    /// Puts text at the caret: line ends become lines, other control characters are left out.
    pub fn insert(&mut self, text: &str) {
        let room = MESSAGE_BYTES_MAX.saturating_sub(self.text().len());
        let clean: String = text
            .replace("\r\n", "\n")
            .chars()
            .map(|ch| if ch == '\r' { '\n' } else { ch })
            .filter(|ch| !ch.is_control() || matches!(ch, '\n' | '\t'))
            .scan(0, |used, ch| {
                *used += ch.len_utf8();
                (*used <= room).then_some(ch)
            })
            .collect();
        self.area.insert_str(clean);
    }

    /// Writes another text in place of this one.
    pub fn replace(&mut self, text: &str) {
        self.area = TextArea::default();
        self.insert(text);
    }

    /// As [`Self::replace`], and undo brings back what was written.
    pub fn rewrite(&mut self, text: &str) {
        self.area.select_all();
        self.insert(text);
    }

    /// Empties the editor.
    pub fn clear(&mut self) {
        let yank = self.area.yank_text();
        self.area = TextArea::default();
        self.area.set_yank_text(yank);
        self.recalled = None;
        self.unsent.clear();
    }

    /// Takes the text out as a message, and remembers it.
    pub fn take(&mut self) -> String {
        let text = self.text();
        self.fresh.push(text.clone());
        self.remember(vec![text.clone()]);
        self.clear();
        text
    }

    /// Puts messages behind those that are known; of equal ones the last stays.
    fn remember(&mut self, texts: Vec<String>) {
        for text in texts {
            self.history.retain(|known| *known != text);
            self.history.push(text);
        }
        let over = self.history.len().saturating_sub(HISTORY_MESSAGES_MAX);
        self.history.drain(..over);
    }

    /// The record is being read; it may not have these messages yet.
    pub fn await_past(&mut self, under_way: Vec<String>) {
        self.fresh = under_way;
    }

    /// Takes what the record has, oldest first, in place of what was kept here, which may hold what the record
    /// does not: secrets. What was sent since it was read stays, and what waits to be sent.
    pub fn take_past(&mut self, past: Vec<String>, waiting: &[String]) {
        let recalled = self.recalled.and_then(|at| self.history.get(at)).cloned();
        self.history.clear();
        let fresh = std::mem::take(&mut self.fresh);
        let waiting = waiting.iter().filter(|text| !fresh.contains(text));
        let waiting: Vec<String> = waiting.cloned().collect();
        for texts in [past, waiting, fresh] {
            self.remember(texts);
        }
        let known = |text: String| self.history.iter().rposition(|known| *known == text);
        // One that is gone from the list leads on from its newer end.
        self.recalled = recalled.map(|text| known(text).unwrap_or(self.history.len()));
    }

    /// Messages of before, oldest first, each once.
    #[must_use]
    pub fn history(&self) -> &[String] {
        &self.history
    }

    /// Puts back a message that could not be sent, before whatever is being written now.
    pub fn give_back(&mut self, text: &str) {
        let now = self.text();
        let both = if now.is_empty() {
            text.to_owned()
        } else {
            format!("{text}\n{now}")
        };
        self.replace(&both);
    }

    /// Puts text in place of so many characters before the caret, in its line; undo brings them back.
    pub fn put_instead(&mut self, chars: usize, text: &str) {
        let chars = chars.min(self.caret().1);
        (0..chars).for_each(|_| self.area.move_cursor(CursorMove::Back));
        self.area.delete_str(chars);
        self.insert(text);
    }

    /// Whether the action is one of editing, and was done.
    pub fn edit(&mut self, action: Action) -> bool {
        match action {
            Action::ComposerNewline => self.area.insert_newline(),
            Action::ComposerUp => self.up(),
            Action::ComposerDown => self.down(),
            Action::ComposerLeft => self.left(),
            Action::ComposerRight => self.right(),
            Action::ComposerWordLeft => self.area.move_cursor(CursorMove::WordBack),
            Action::ComposerWordRight => self.area.move_cursor(CursorMove::WordForward),
            Action::ComposerLineStart => self.area.move_cursor(CursorMove::Head),
            Action::ComposerLineEnd => self.area.move_cursor(CursorMove::End),
            Action::ComposerBackspace => self.backspace(),
            Action::ComposerDelete | Action::ComposerDeleteOrQuit => self.delete(),
            Action::ComposerKillWord => {
                self.area.delete_word();
            }
            Action::ComposerKillWordRight => {
                self.area.delete_next_word();
            }
            Action::ComposerKillLine => {
                self.area.delete_line_by_end();
            }
            Action::ComposerKillStart => {
                self.area.delete_line_by_head();
            }
            Action::ComposerYank => {
                self.area.paste();
            }
            Action::ComposerUndo => {
                self.area.undo();
            }
            _ => return false,
        }
        true
    }

    fn up(&mut self) {
        if self.caret().0 > 0 {
            self.area.move_cursor(CursorMove::Up);
            self.snap();
            return;
        }
        let before = self.recalled.unwrap_or(self.history.len()).checked_sub(1);
        if let Some(at) = before.filter(|at| *at < self.history.len()) {
            if self.recalled.is_none() {
                self.unsent = self.text();
            }
            self.recall(Some(at));
        }
    }

    fn down(&mut self) {
        if self.caret().0 + 1 < self.area.lines().len() {
            self.area.move_cursor(CursorMove::Down);
            self.snap();
        } else if let Some(at) = self.recalled {
            self.recall(Some(at + 1).filter(|next| *next < self.history.len()));
        }
    }

    fn recall(&mut self, at: Option<usize>) {
        let text = match at {
            Some(at) => self.history.get(at).cloned().unwrap_or_default(),
            None => std::mem::take(&mut self.unsent),
        };
        self.recalled = at;
        self.replace(&text);
    }

    fn left(&mut self) {
        let steps = self.grapheme_before().max(1);
        (0..steps).for_each(|_| self.area.move_cursor(CursorMove::Back));
    }

    fn right(&mut self) {
        let steps = self.grapheme_after().max(1);
        (0..steps).for_each(|_| self.area.move_cursor(CursorMove::Forward));
    }

    fn backspace(&mut self) {
        let steps = self.grapheme_before().max(1);
        for _ in 0..steps {
            self.area.delete_char();
        }
    }

    fn delete(&mut self) {
        let steps = self.grapheme_after().max(1);
        for _ in 0..steps {
            self.area.delete_next_char();
        }
    }

    /// After a move by rows: never between the characters of one grapheme.
    fn snap(&mut self) {
        let (before, after) = self.around();
        let whole: String = format!("{before}{after}");
        let inside = whole
            .grapheme_indices(true)
            .all(|(at, _)| at != before.len());
        if inside && !after.is_empty() {
            let steps = self.grapheme_before();
            (0..steps).for_each(|_| self.area.move_cursor(CursorMove::Back));
        }
    }

    /// Characters of the grapheme before the caret; 0 at the start of a line.
    fn grapheme_before(&self) -> usize {
        let (before, _) = self.around();
        before
            .graphemes(true)
            .next_back()
            .map_or(0, |cluster| cluster.chars().count())
    }

    fn grapheme_after(&self) -> usize {
        let (_, after) = self.around();
        after
            .graphemes(true)
            .next()
            .map_or(0, |cluster| cluster.chars().count())
    }

    /// The caret's line, before and after it.
    fn around(&self) -> (String, String) {
        let (row, column) = self.caret();
        let line = self.area.lines().get(row).map_or("", String::as_str);
        (
            line.chars().take(column).collect(),
            line.chars().skip(column).collect(),
        )
    }
}
