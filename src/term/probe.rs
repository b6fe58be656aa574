//! What is asked of the terminal at the start, and how its answers read.
//!
//! One write, fenced by the one question every terminal answers (DA1). Nobody waits for it:
//! the first frame goes out at once, and a terminal that stays silent costs nothing.

use std::time::Duration;

/// The questions: is 2026 known, are kitty keys known, and DA1 as the fence.
///
/// Only questions whose answers crossterm survives are asked, since a late answer will
/// reach it: CSI ones, which the fence's final `c` clears. No OSC, no DCS.
pub const QUESTIONS: &[u8] = b"\x1b[?2026$p\x1b[?u\x1b[c";

/// How long our own reader holds the input when no fence comes.
pub const FENCE_WAIT: Duration = Duration::from_secs(1);

/// What the terminal said of itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ProbeReport {
    /// The fence came back: silence on the rest means no.
    pub answered: bool,
    /// Synchronized output (DEC 2026) is known.
    pub synchronized: bool,
    /// Kitty keys are known; send [`super::screen::KITTY_ON`] to have them.
    pub kitty_keys: bool,
}

/// One answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reply {
    /// DA1.
    Fence,
    /// DECRPM: a mode and what is known of it.
    Mode { mode: u16, value: u8 },
    /// The kitty flags in force.
    KittyKeys,
}

impl Reply {
    /// Reads what follows `CSI ?`; unknown answers are nothing.
    pub(super) fn parse(parameters: &str, last: u8) -> Option<Self> {
        match last {
            b'c' => Some(Self::Fence),
            b'u' => Some(Self::KittyKeys),
            b'y' => {
                let (mode, value) = parameters.strip_suffix('$')?.split_once(';')?;
                Some(Self::Mode {
                    mode: mode.parse().ok()?,
                    value: value.parse().ok()?,
                })
            }
            _ => None,
        }
    }
}

impl ProbeReport {
    pub(super) fn take(&mut self, reply: Reply) {
        match reply {
            Reply::Fence => self.answered = true,
            Reply::KittyKeys => self.kitty_keys = true,
            // 1 set, 2 reset; 0 unknown, 3 and 4 cannot be changed.
            Reply::Mode { mode: 2026, value } => self.synchronized = matches!(value, 1 | 2),
            Reply::Mode { .. } => {}
        }
    }
}
