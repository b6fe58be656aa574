//! What can lie over the screen: one variant each, with the context its keys are looked up in.
//!
//! Holds the overlays' state; what their keys do is in `update/overlays.rs`.

use thymos_core::writ::Mode;

use crate::keymap::Context;
use crate::panes::picker::Picker;
use crate::panes::prompt::Prompt;
use crate::panes::question::Question;
use crate::panes::reader::Reader;
use crate::panes::sign::Sign;

/// Something over the screen.
#[derive(Clone, Debug, PartialEq)]
pub enum Overlay {
    /// Asks before quitting; lists what runs and what waits.
    Quit(Choice),
    /// Shows what a mode would change, and asks.
    Mode(ModeQuestion),
    /// Shows the writ in force.
    Writ,
    /// Asks for a line.
    Prompt(Prompt),
    /// Asks to choose from a list.
    Picker(Picker),
    /// Shows text.
    Reader(Box<Reader>),
    /// Shows what something would do, and asks.
    Question(Box<Question>),
    /// Shows what would be signed beyond one call.
    Sign(Box<Sign>),
}

/// Which answer of a question is chosen. The first is the harmless one, and chosen at first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Choice {
    /// Leave things as they are.
    #[default]
    Stay,
    /// Do it.
    Go,
}

impl Choice {
    /// The other one.
    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Self::Stay => Self::Go,
            Self::Go => Self::Stay,
        }
    }
}

/// A mode, and what it would change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModeQuestion {
    /// The mode.
    pub mode: Mode,
    /// One line a change, as the kernel told it.
    pub difference: Vec<String>,
}

impl Overlay {
    /// Where its keys are looked up.
    #[must_use]
    pub fn context(&self) -> Context {
        match self {
            Self::Quit(_) | Self::Mode(_) | Self::Writ | Self::Question(_) => Context::Dialog,
            Self::Sign(_) => Context::Sign,
            Self::Prompt(_) => Context::Prompt,
            Self::Picker(_) => Context::Picker,
            Self::Reader(_) => Context::Help,
        }
    }
}
