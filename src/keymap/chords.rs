//! Key presses to actions, with what has been pressed of a chord so far.
//!
//! Owns no clock: the time of each press and of each look is handed in.

use super::{Binding, Context, Key, Keymap};
use std::time::Duration;

/// How long a chord waits for its next key.
pub const CHORD_TIMEOUT: Duration = Duration::from_secs(1);

/// How long until the which-key list is shown.
pub const WHICH_KEY_DELAY: Duration = Duration::from_millis(400);

/// What a key press came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Resolved<'a> {
    /// Run this row's action.
    Run(&'a Binding),
    /// A chord has begun or goes on.
    Pending,
    /// Nothing is bound. One key may be typed; a broken chord is dropped whole.
    Unbound(Vec<Key>),
}

/// The keys of a chord pressed so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Chords {
    pending: Vec<Key>,
    since: Duration,
}

impl Chords {
    /// Takes one key press in the focused context.
    ///
    /// Longer bindings win: a key that may still grow into a chord waits, and [`Self::expire`]
    /// runs the shorter one. Esc always drops a pending chord and does nothing else.
    pub fn press<'a>(
        &mut self,
        keymap: &'a Keymap,
        context: Context,
        key: Key,
        now: Duration,
    ) -> Resolved<'a> {
        if !self.pending.is_empty() && now.saturating_sub(self.since) >= CHORD_TIMEOUT {
            self.pending.clear();
        }
        if !self.pending.is_empty() && key == Key::plain(super::KeyCode::Esc) {
            return Resolved::Unbound(std::mem::take(&mut self.pending));
        }
        self.pending.push(key);
        self.since = now;
        if !keymap.completions(context, &self.pending).is_empty() {
            return Resolved::Pending;
        }
        let keys = std::mem::take(&mut self.pending);
        keymap
            .exact(context, &keys)
            .map_or(Resolved::Unbound(keys), Resolved::Run)
    }

    /// Ends a chord that has waited too long; runs what was already complete, if anything.
    pub fn expire<'a>(
        &mut self,
        keymap: &'a Keymap,
        context: Context,
        now: Duration,
    ) -> Option<&'a Binding> {
        if now < self.deadline()? {
            return None;
        }
        let keys = std::mem::take(&mut self.pending);
        keymap.exact(context, &keys)
    }

    /// Drops what was pressed, as when the focus moves.
    pub fn clear(&mut self) {
        self.pending.clear();
    }

    /// What has been pressed so far; empty when no chord is under way.
    #[must_use]
    pub fn pending(&self) -> &[Key] {
        &self.pending
    }

    /// When [`Self::expire`] will have something to do.
    #[must_use]
    pub fn deadline(&self) -> Option<Duration> {
        (!self.pending.is_empty()).then(|| self.since + CHORD_TIMEOUT)
    }

    /// When the which-key list is due.
    #[must_use]
    pub fn which_key_at(&self) -> Option<Duration> {
        (!self.pending.is_empty()).then(|| self.since + WHICH_KEY_DELAY)
    }
}
