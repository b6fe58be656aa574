//! Which layer hears a key first, and for how long a pane has had the focus.
//!
//! Only a person moves the focus: nothing here is called for a reply or a bell.

use std::time::Duration;

use crate::keymap::Context;

/// A named arrangement of panes; owns no state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Screen {
    /// The conversation.
    #[default]
    Work,
    /// What waits for a decision.
    Approvals,
    /// The record.
    Ledger,
    /// Writs and rules.
    Authority,
    /// Every trajectory.
    Runs,
    /// What led to what in the open run.
    Mind,
}

/// A pane that can have the focus.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Pane {
    /// The prompt editor.
    Composer,
    /// The story so far.
    Transcript,
    /// The list of what waits.
    Queue,
    /// One approval.
    Card,
    /// The entries.
    Ledger,
    /// One entry.
    Inspector,
    /// The tree of writs, or the rules.
    Writs,
    /// One writ, or one rule.
    Writ,
    /// Every trajectory.
    Runs,
    /// One trajectory.
    Run,
    /// What led to what.
    Mind,
    /// The entry of the chosen node.
    Node,
}

impl Screen {
    /// Its panes that can have the focus, in the order of Tab; the first has it at first.
    #[must_use]
    pub fn panes(self) -> [Pane; 2] {
        match self {
            Self::Work => [Pane::Composer, Pane::Transcript],
            Self::Approvals => [Pane::Queue, Pane::Card],
            Self::Ledger => [Pane::Ledger, Pane::Inspector],
            Self::Authority => [Pane::Writs, Pane::Writ],
            Self::Runs => [Pane::Runs, Pane::Run],
            Self::Mind => [Pane::Mind, Pane::Node],
        }
    }

    /// Its name in the header.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Work => "Work",
            Self::Approvals => "Approvals",
            Self::Ledger => "Ledger",
            Self::Authority => "Authority",
            Self::Runs => "Runs",
            Self::Mind => "Mind",
        }
    }
}

impl Pane {
    /// Where its keys are looked for.
    #[must_use]
    pub fn context(self) -> Context {
        match self {
            Self::Composer => Context::Composer,
            Self::Transcript => Context::Transcript,
            Self::Queue => Context::Queue,
            Self::Card => Context::Card,
            Self::Ledger => Context::Ledger,
            Self::Inspector | Self::Node => Context::Inspector,
            Self::Mind => Context::Mind,
            Self::Writs | Self::Writ => Context::Authority,
            Self::Runs | Self::Run => Context::Runs,
        }
    }
}

/// Where the focus is, below any overlay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Focus {
    screen: Screen,
    // INVARIANT: one of `screen.panes()`.
    pane: Pane,
    since: Duration,
    /// Whether the focused pane is shown alone.
    pub zoomed: bool,
}

impl Default for Focus {
    fn default() -> Self {
        Self {
            screen: Screen::Work,
            pane: Pane::Composer,
            since: Duration::ZERO,
            zoomed: false,
        }
    }
}

impl Focus {
    /// The screen shown.
    #[must_use]
    pub fn screen(&self) -> Screen {
        self.screen
    }

    /// The pane that hears keys when no overlay does.
    #[must_use]
    pub fn pane(&self) -> Pane {
        self.pane
    }

    /// How long the pane has had the focus: the arming clock of a card.
    #[must_use]
    pub fn held_for(&self, mono: Duration) -> Duration {
        mono.saturating_sub(self.since)
    }

    /// Goes to a screen, to its first pane.
    pub fn go(&mut self, screen: Screen, mono: Duration) {
        if self.screen != screen {
            self.zoomed = false;
            self.screen = screen;
            let [first, _] = screen.panes();
            self.enter(first, mono);
        }
    }

    /// Goes to a pane, and to its screen.
    pub fn enter(&mut self, pane: Pane, mono: Duration) {
        self.screen = match pane {
            Pane::Composer | Pane::Transcript => Screen::Work,
            Pane::Queue | Pane::Card => Screen::Approvals,
            Pane::Ledger | Pane::Inspector => Screen::Ledger,
            Pane::Writs | Pane::Writ => Screen::Authority,
            Pane::Runs | Pane::Run => Screen::Runs,
            Pane::Mind | Pane::Node => Screen::Mind,
        };
        if self.pane != pane {
            self.pane = pane;
            self.since = mono;
        }
    }

    /// Goes to the other pane of this screen.
    pub fn other(&mut self, mono: Duration) {
        let [first, second] = self.screen.panes();
        let next = if self.pane == first { second } else { first };
        self.enter(next, mono);
    }
}
