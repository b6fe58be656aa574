//! Where a key counts: a tree whose root is `global`.
//!
//! Knows names and parents only; which context has the focus is the app's business.

use std::iter;

/// A place in the app in which keys have a meaning of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Context {
    /// Anywhere.
    Global,
    /// The prompt editor.
    Composer,
    /// The prompt editor, while a file or an entry is being named in it.
    Mention,
    /// Any list of rows.
    List,
    /// The conversation.
    Transcript,
    /// The list of what waits for a decision.
    Queue,
    /// One approval, focused.
    Card,
    /// Typing a reason, a type-back or a filter.
    Prompt,
    /// The entries.
    Ledger,
    /// The fields of one entry.
    Inspector,
    /// Writs and rules.
    Authority,
    /// Every trajectory.
    Runs,
    /// What led to what in a run.
    Mind,
    /// Something to be signed that reaches beyond one call.
    Sign,
    /// A fuzzy list above the screen: palette, models, trajectories.
    Picker,
    /// The help.
    Help,
    /// A question with a few answers, such as quitting.
    Dialog,
}

impl Context {
    /// Every context, parents before children.
    pub const ALL: &[Self] = &[
        Self::Global,
        Self::Composer,
        Self::Mention,
        Self::List,
        Self::Transcript,
        Self::Queue,
        Self::Card,
        Self::Prompt,
        Self::Ledger,
        Self::Inspector,
        Self::Authority,
        Self::Runs,
        Self::Mind,
        Self::Sign,
        Self::Picker,
        Self::Help,
        Self::Dialog,
    ];

    /// The name used in keymap files.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Global => "global",
            Self::Composer => "composer",
            Self::Mention => "mention",
            Self::List => "list",
            Self::Transcript => "transcript",
            Self::Queue => "queue",
            Self::Card => "card",
            Self::Prompt => "prompt",
            Self::Ledger => "ledger",
            Self::Inspector => "inspector",
            Self::Authority => "authority",
            Self::Runs => "runs",
            Self::Mind => "mind",
            Self::Sign => "sign",
            Self::Picker => "picker",
            Self::Help => "help",
            Self::Dialog => "dialog",
        }
    }

    /// The context of that name, if there is one.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .copied()
            .find(|context| context.name() == name)
    }

    /// Where a key is looked for next.
    #[must_use]
    pub fn parent(self) -> Option<Self> {
        match self {
            Self::Global => None,
            Self::Mention => Some(Self::Composer),
            Self::Composer | Self::List | Self::Prompt | Self::Picker => Some(Self::Global),
            // A card is no list: `G` scrolls it, but `space` or `m` must mean nothing there.
            Self::Card | Self::Dialog | Self::Sign => Some(Self::Global),
            Self::Transcript
            | Self::Queue
            | Self::Ledger
            | Self::Inspector
            | Self::Authority
            | Self::Runs
            | Self::Mind
            | Self::Help => Some(Self::List),
        }
    }

    /// This context, its parent, and so on to global.
    pub fn path(self) -> impl Iterator<Item = Self> {
        iter::successors(Some(self), |context| context.parent())
    }

    /// Whether an unbound character is typed into a text field here.
    #[must_use]
    pub fn takes_text(self) -> bool {
        matches!(
            self,
            Self::Composer | Self::Mention | Self::Prompt | Self::Picker
        )
    }
}
