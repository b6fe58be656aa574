//! One line of text, its caret, and what it is wanted for.

use std::borrow::Cow;

use thymos_core::id::{PresentedDigest, ProposalId};
use thymos_core::{TrajectoryId, WritId};
use thymos_protocol::Settlement;
use unicode_segmentation::UnicodeSegmentation;

use crate::panes::picker::Binding;

use super::Lines;

/// Bytes of a line at most; what is typed or pasted beyond them is refused.
pub(super) const PROMPT_BYTES_MAX: usize = 64 * 1024;

/// What a line is wanted for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Why a call is denied. Empty is allowed.
    Deny {
        /// The call that was on the card.
        proposal: ProposalId,
        /// What was shown of it.
        presented: PresentedDigest,
    },
    /// The last characters of the proposal's id, before an approval counts.
    TypeBack {
        /// The call that was on the card.
        proposal: ProposalId,
        /// What was shown of it.
        presented: PresentedDigest,
    },
    /// Other arguments for a held call, as JSON.
    Edit {
        /// Where.
        trajectory: TrajectoryId,
        /// The call that is replaced.
        proposal: ProposalId,
    },
    /// Why in-doubt work is settled that way.
    Settle {
        /// Where.
        trajectory: TrajectoryId,
        /// Which.
        proposal: ProposalId,
        /// How.
        settlement: Settlement,
    },
    /// Why a writ is revoked.
    Revoke {
        /// Where it was issued.
        trajectory: TrajectoryId,
        /// Which.
        writ: WritId,
    },
    /// Where a candidate bundle stands.
    Bundle,
    /// A value of the parameter of a skill that is asked for.
    SkillParam(Box<Binding>),
    /// The writ file to put in force.
    WritFile,
    /// Which entries to show.
    Filter,
    /// What to look for.
    Search,
    /// Which entry to go to.
    GoTo,
}

/// A line being asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prompt {
    /// What it is for.
    pub purpose: Purpose,
    /// What is wrong with it, as told by whoever read it.
    pub fault: Option<String>,
    text: String,
    // INVARIANT: at most `text.len()`, on a border of graphemes.
    caret: usize,
    // How many lines back the one is that is shown; none is what is being typed.
    back: usize,
    typed: String,
}

/// Fields of the filter language, in the order in which they are completed.
pub const FILTER_FIELDS: [&str; 15] = [
    "kind", "tool", "effect", "verdict", "by", "run", "path", "rule", "writ", "since", "until",
    "seq", "cost", "text", "re",
];

impl Purpose {
    /// What is asked, in a few words.
    #[must_use]
    pub fn title(&self) -> Cow<'static, str> {
        Cow::Borrowed(match self {
            Self::Deny { .. } => "deny: why? (may be empty; the model is told)",
            Self::TypeBack { .. } => "type the last 4 of the proposal's id to approve",
            Self::Edit { .. } => "other arguments, as JSON: a new intent of yours, judged afresh",
            Self::Settle { .. } => "why do you settle it so? (recorded)",
            Self::Filter => "filter: kind: tool: effect: verdict: by: run: path: seq: text: re:",
            Self::Search => "search the run, or the whole log where that is shown",
            Self::GoTo => "go to: the number of an entry, or m for the marked one",
            Self::Revoke { .. } => "revoke: why? (recorded, and told to what stops)",
            Self::Bundle => "the file of a candidate bundle or writ, signed or not",
            Self::WritFile => "the file of a signed writ, to be put in force in this session",
            Self::SkillParam(binding) => return Cow::Owned(parameter(binding)),
        })
    }
}

/// `paths (where to look), default src`.
fn parameter(binding: &Binding) -> String {
    let Some(param) = binding.next() else {
        return binding.skill.name.clone();
    };
    let default = match &param.default {
        Some(default) => format!(", default {default}"),
        None => ", required".to_owned(),
    };
    format!(
        "{}: {} ({}{default})",
        binding.skill.name, param.key, param.description
    )
}

impl Prompt {
    /// An empty line, or one with text to begin with.
    #[must_use]
    pub fn new(purpose: Purpose, text: impl Into<String>) -> Self {
        let text = text.into();
        Self {
            purpose,
            fault: None,
            caret: text.len(),
            text,
            back: 0,
            typed: String::new(),
        }
    }

    /// Shows the line that was entered before the one that is shown; the oldest stays.
    pub fn previous(&mut self, lines: &Lines) {
        let line = lines.of(&self.purpose).nth(self.back).map(str::to_owned);
        if let Some(line) = line {
            if self.back == 0 {
                self.typed = self.text.clone();
            }
            self.back += 1;
            self.replace(&line);
        }
    }

    /// Shows the line that was entered after it, and at last what was being typed.
    pub fn next(&mut self, lines: &Lines) {
        let Some(back) = self.back.checked_sub(1) else {
            return;
        };
        self.back = back;
        let line = match back.checked_sub(1) {
            Some(at) => lines.of(&self.purpose).nth(at).map(str::to_owned),
            None => Some(std::mem::take(&mut self.typed)),
        };
        self.replace(&line.unwrap_or_default());
    }

    /// Completes the field of a filter before the caret; false where nothing begins like that.
    pub fn complete(&mut self) -> bool {
        if self.purpose != Purpose::Filter {
            return false;
        }
        let (before, _) = self.halves();
        let begun = before.rsplit([' ', ',', '-']).next().unwrap_or_default();
        let mut fields = FILTER_FIELDS.iter();
        let found = fields.find(|field| !begun.is_empty() && field.starts_with(begun));
        let Some(rest) = found.and_then(|field| field.get(begun.len()..)) else {
            return false;
        };
        self.insert(&format!("{rest}:"));
        true
    }

    /// What has been typed.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What stands before the caret, and after it.
    #[must_use]
    pub fn halves(&self) -> (&str, &str) {
        self.text
            .split_at_checked(self.caret)
            .unwrap_or((&self.text, ""))
    }

    /// Puts text at the caret. Line ends become blanks: this is one line.
    pub fn insert(&mut self, text: &str) {
        if self.text.len() + text.len() > PROMPT_BYTES_MAX {
            self.fault = Some(format!("no more than {PROMPT_BYTES_MAX} bytes"));
            return;
        }
        self.fault = None;
        let flat = text.replace("\r\n", " ").replace(['\n', '\r'], " ");
        self.text.insert_str(self.caret, &flat);
        self.caret += flat.len();
    }

    /// Puts another text in place of all.
    pub fn replace(&mut self, text: &str) {
        self.text.clear();
        self.caret = 0;
        self.insert(text);
    }

    /// Deletes the grapheme before the caret.
    pub fn backspace(&mut self) {
        self.cut(self.step_left());
    }

    /// Deletes the word before the caret.
    pub fn kill_word(&mut self) {
        let (before, _) = self.halves();
        let kept = before.trim_end();
        let from = kept.rfind(char::is_whitespace).map_or(0, |at| {
            at + kept[at..].chars().next().map_or(1, char::len_utf8)
        });
        self.cut(from);
    }

    /// Deletes everything.
    pub fn clear(&mut self) {
        self.text.clear();
        self.caret = 0;
        self.fault = None;
    }

    /// Moves the caret a grapheme to the left.
    pub fn left(&mut self) {
        self.caret = self.step_left();
    }

    /// Moves the caret a grapheme to the right.
    pub fn right(&mut self) {
        let (_, after) = self.halves();
        self.caret += after.graphemes(true).next().map_or(0, str::len);
    }

    fn step_left(&self) -> usize {
        let (before, _) = self.halves();
        let last = before.graphemes(true).next_back().map_or(0, str::len);
        self.caret - last
    }

    fn cut(&mut self, from: usize) {
        self.text.replace_range(from..self.caret, "");
        self.caret = from;
        self.fault = None;
    }
}
