//! Lines to read, and how far they have been scrolled.

use std::sync::Arc;

use crate::theme::Role;
use crate::ui::vlist::VirtualList;

/// What is being read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Topic {
    /// Keys.
    Help,
    /// Why a call was judged as it was.
    Trace,
    /// How a call must be answered.
    Tool,
    /// A file as of an entry.
    File,
    /// What verification found; its lines follow its progress.
    Verify,
    /// What differs between two worlds.
    Difference,
    /// What a verb of the shell says.
    Verb,
}

/// One line to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// Before the text: a key, a label. Repeats on no wrapped row.
    pub head: String,
    /// The text.
    pub text: String,
    /// How it is drawn.
    pub role: Role,
    /// Whether every blank counts.
    pub exact: bool,
}

impl Said {
    /// A line of words.
    #[must_use]
    pub fn words(role: Role, text: impl Into<String>) -> Self {
        Self {
            head: String::new(),
            text: text.into(),
            role,
            exact: false,
        }
    }

    /// A line of words behind a label.
    #[must_use]
    pub fn labelled(head: impl Into<String>, role: Role, text: impl Into<String>) -> Self {
        Self {
            head: head.into(),
            ..Self::words(role, text)
        }
    }

    /// A line as it stands in a file.
    #[must_use]
    pub fn exact(role: Role, text: impl Into<String>) -> Self {
        Self {
            exact: true,
            ..Self::words(role, text)
        }
    }
}

/// Text to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reader {
    /// What it is.
    pub topic: Topic,
    /// In the border.
    pub title: String,
    pub(super) lines: Arc<Vec<Said>>,
    pub(super) version: u64,
    pub(crate) list: VirtualList,
}

impl Reader {
    /// These lines, from the top.
    #[must_use]
    pub fn new(topic: Topic, title: impl Into<String>, lines: Vec<Said>) -> Self {
        Self {
            topic,
            title: title.into(),
            lines: Arc::new(lines),
            version: 0,
            list: VirtualList::new(),
        }
    }

    /// Puts other lines in their place; the view stays where it can.
    pub fn rewrite(&mut self, lines: Vec<Said>) {
        self.lines = Arc::new(lines);
        self.version += 1;
    }

    /// Puts lines below those that are there.
    pub fn append(&mut self, lines: Vec<Said>) {
        Arc::make_mut(&mut self.lines).extend(lines);
        self.version += 1;
    }

    /// Every line.
    #[must_use]
    pub fn said(&self) -> &[Said] {
        &self.lines
    }

    /// Everything in it, for copying.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        for line in self.lines.iter() {
            text.push_str(&line.head);
            text.push_str(&line.text);
            text.push('\n');
        }
        text
    }
}
