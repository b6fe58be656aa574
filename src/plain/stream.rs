//! An answer while it is written: told by whole lines, each once.
//!
//! Knows what it has told and nothing of where the words come from.

use super::words::spoken;

/// What the words of the model stand behind.
const LABEL: &str = "answer";

/// How much of an answer has been told.
#[derive(Debug, Default)]
pub(super) struct Stream {
    // Whole lines with their ends, as they came.
    told: String,
}

impl Stream {
    /// The lines that have become whole since.
    pub(super) fn grow(&mut self, text: &str) -> Vec<String> {
        // Gone, or begun anew and not beyond what was told yet: what is recorded will say.
        if self.told.starts_with(text) {
            return Vec::new();
        }
        let mut lines = Vec::new();
        if !text.starts_with(&self.told) {
            lines.push(again("the model began its answer anew"));
            self.told.clear();
        }
        let whole = text.rfind('\n').map_or(0, |at| at + 1);
        let fresh = text.get(self.told.len()..whole).unwrap_or_default();
        if !fresh.is_empty() {
            lines.extend(spoken(LABEL, fresh.strip_suffix('\n').unwrap_or(fresh)));
            self.told.push_str(fresh);
        }
        lines
    }

    /// The rest of an answer, which has been recorded.
    pub(super) fn end(&mut self, text: &str) -> Vec<String> {
        let told = std::mem::take(&mut self.told);
        let mut lines = Vec::new();
        let rest = match text.strip_prefix(told.as_str()) {
            Some(rest) => rest,
            // What was told ends with a line end that the record may have trimmed.
            None if told.strip_suffix('\n') == Some(text) => "",
            None => {
                lines.push(again("what is recorded of the answer differs"));
                text
            }
        };
        if !rest.trim_end().is_empty() {
            lines.extend(spoken(LABEL, rest.trim_end()));
        }
        lines
    }
}

fn again(why: &str) -> String {
    format!("notice: {why}; here it is, and what was printed of it above does not count.")
}
