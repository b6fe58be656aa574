//! Words for states: always the word, the letter in front, colour third.
//!
//! The one place where the screen's words for verdicts and effects are written down.

use crate::theme::{Role, Theme};
use ratatui::text::Span;

/// A state as the screen tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Badge {
    /// Passed the gate by itself.
    Staged,
    /// Waits for a human.
    Suspended,
    /// Refused by writ, policy or compiler.
    Rejected,
    /// Someone said yes.
    Approved,
    /// Someone said no.
    Denied,
    /// Begun, outcome not sealed.
    Running,
    /// Begun before a crash, no outcome.
    Unsettled,
    /// Sealed.
    Committed,
    /// Sealed, and it had failed.
    Failed,
    /// Reads only.
    Read,
    /// Writes in the workspace.
    Write,
    /// Reaches outside.
    External,
    /// Cannot be undone.
    Irreversible,
}

impl Badge {
    /// The word on screen.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Staged => "staged",
            Self::Suspended => "SUSPENDED",
            Self::Rejected => "REJECTED",
            Self::Approved => "approved",
            Self::Denied => "denied",
            Self::Running => "running",
            Self::Unsettled => "unsettled",
            Self::Committed => "ok",
            Self::Failed => "failed",
            Self::Read => "read",
            Self::Write => "write",
            Self::External => "external",
            Self::Irreversible => "irreversible",
        }
    }

    /// The mark in front of a row; two columns at most besides `P `.
    #[must_use]
    pub fn mark(self) -> &'static str {
        match self {
            Self::Staged => "P ok",
            Self::Suspended => "P #",
            Self::Rejected => "P x",
            Self::Approved | Self::Denied => "D",
            Self::Running => "B",
            Self::Unsettled => "B ?",
            Self::Committed | Self::Failed => "C",
            Self::Read | Self::Write | Self::External | Self::Irreversible => "",
        }
    }

    /// The role that colours it.
    #[must_use]
    pub fn role(self) -> Role {
        match self {
            Self::Staged => Role::VerdictStaged,
            Self::Suspended => Role::VerdictSuspended,
            Self::Rejected => Role::VerdictRejected,
            Self::Approved => Role::VerdictApproved,
            Self::Denied => Role::VerdictDenied,
            Self::Running => Role::VerdictRunning,
            Self::Unsettled => Role::VerdictUnsettled,
            Self::Committed => Role::Ok,
            Self::Failed => Role::Danger,
            Self::Read => Role::EffectRead,
            Self::Write => Role::EffectWrite,
            Self::External => Role::EffectExternal,
            Self::Irreversible => Role::EffectIrreversible,
        }
    }

    /// The word in its style.
    #[must_use]
    pub fn span(self, theme: &Theme) -> Span<'static> {
        Span::styled(self.word(), theme.style(self.role()))
    }
}
