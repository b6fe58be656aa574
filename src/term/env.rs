//! What the environment says of the terminal, and what follows from it.
//!
//! Reads nothing: `config/env.rs` fills [`TermEnv`].

use crate::theme::ColorEnv;

/// The variables that speak of the terminal, as found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TermEnv {
    /// `TERM`.
    pub term: Option<String>,
    /// `COLORTERM`.
    pub colorterm: Option<String>,
    /// `NO_COLOR`.
    pub no_color: Option<String>,
    /// `TERM_PROGRAM`.
    pub term_program: Option<String>,
    /// `SSH_TTY`, or `SSH_CONNECTION` without it.
    pub ssh_tty: Option<String>,
    /// `TMUX`.
    pub tmux: Option<String>,
    /// `STY`, set by GNU screen.
    pub sty: Option<String>,
    /// `LC_ALL`, else `LC_CTYPE`, else `LANG`.
    pub locale: Option<String>,
}

/// What stands between us and the terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Multiplexer {
    /// Nothing.
    None,
    /// tmux.
    Tmux,
    /// GNU screen.
    Screen,
}

/// How quick the way to the eye is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// The same machine.
    Local,
    /// Over SSH, or through a multiplexer.
    Remote,
    /// A poor line; only by choice.
    Lean,
}

impl Profile {
    /// Frames a second at most.
    #[must_use]
    pub fn frames_max(self) -> u16 {
        match self {
            Self::Local => 60,
            Self::Remote => 30,
            Self::Lean => 10,
        }
    }

    /// What the footer calls it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Remote => "ssh",
            Self::Lean => "lean",
        }
    }
}

impl TermEnv {
    /// The part that speaks of colour.
    #[must_use]
    pub fn color(&self) -> ColorEnv {
        ColorEnv {
            term: self.term.clone(),
            colorterm: self.colorterm.clone(),
            no_color: self.no_color.clone(),
        }
    }

    /// What stands between us and the terminal.
    #[must_use]
    pub fn multiplexer(&self) -> Multiplexer {
        let set = |value: &Option<String>| value.as_deref().is_some_and(|text| !text.is_empty());
        if set(&self.tmux) {
            Multiplexer::Tmux
        } else if set(&self.sty) {
            Multiplexer::Screen
        } else {
            Multiplexer::None
        }
    }

    /// The profile when none was chosen.
    #[must_use]
    pub fn profile(&self) -> Profile {
        let remote = self.ssh_tty.as_deref().is_some_and(|text| !text.is_empty());
        if remote || self.multiplexer() != Multiplexer::None {
            Profile::Remote
        } else {
            Profile::Local
        }
    }

    /// Whether only ASCII should be drawn: no UTF-8 in the locale.
    #[must_use]
    pub fn ascii_only(&self) -> bool {
        let locale = self
            .locale
            .as_deref()
            .unwrap_or_default()
            .to_ascii_lowercase();
        !(locale.contains("utf-8") || locale.contains("utf8"))
    }

    /// Whether there is no full screen to be had.
    #[must_use]
    pub fn is_dumb(&self) -> bool {
        matches!(self.term.as_deref(), None | Some("" | "dumb"))
    }
}
