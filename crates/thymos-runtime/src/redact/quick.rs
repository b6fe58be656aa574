//! Looking at the strings of a body while it is encoded. Takes nothing out: says whether the slow
//! walk is worth it, and never "no" where that walk would change something.

use std::sync::atomic::{AtomicUsize, Ordering};

use thymos_core::canonical::Watch;

use super::{Redactor, names, sieve};

/// Watches an encoding for anything that redaction could take out.
pub(super) struct QuickLook<'a> {
    redactor: &'a Redactor,
    found: bool,
    /// The last key was `name`: what follows may name what stands beside it.
    names_another: bool,
    /// Reading it back may give another noun than this one.
    respelled: bool,
}

impl<'a> QuickLook<'a> {
    pub(super) const fn new(redactor: &'a Redactor) -> Self {
        Self {
            redactor,
            found: false,
            names_another: false,
            respelled: false,
        }
    }

    pub(super) const fn respelled(&self) -> bool {
        self.respelled
    }

    pub(super) const fn found(&self) -> bool {
        self.found
    }
}

/// Names of the program's own fields that tell of no secret, by where they stand in memory.
static DULL: [AtomicUsize; 256] = [const { AtomicUsize::new(0) }; 256];

/// Whether a field of ours tells of a secret. There are a few hundred of them, and all of them in every
/// entry: each is judged once, or again when another took its place.
fn field_tells(name: &'static str) -> bool {
    let at = name.as_ptr().addr();
    // Of two names that begin at one place, the length tells them apart; no address has bits there.
    let mark = at ^ name.len().rotate_right(8);
    let slot = DULL.get((at >> 2) % DULL.len());
    if slot.is_some_and(|slot| slot.load(Ordering::Relaxed) == mark) {
        return false;
    }
    let tells = sieve::name_is_worth_a_look(name) && names::is_secret_name(name);
    if let Some(slot) = slot.filter(|_| !tells) {
        slot.store(mark, Ordering::Relaxed);
    }
    tells
}

impl Watch for QuickLook<'_> {
    fn text(&mut self, text: &str) {
        let names_another = std::mem::take(&mut self.names_another);
        if self.found || self.redactor.is_digest(text) {
            return;
        }
        let tells = (names_another || text.starts_with('-'))
            && (names::is_secret_name(text) || names::is_secret_flag(text));
        self.found = tells || self.redactor.finds(text);
    }

    fn key(&mut self, key: &str) {
        self.names_another = key == "name";
        self.found = self.found
            || (sieve::name_is_worth_a_look(key) && names::is_secret_name(key))
            || self.redactor.finds(key);
    }

    /// A constant of the program is no secret; it may tell of one.
    fn field(&mut self, name: &'static str) {
        self.names_another = name == "name";
        self.found = self.found || field_tells(name);
    }

    /// No secret either; but it may be the name of what stands beside it.
    fn word(&mut self, word: &'static str) {
        if std::mem::take(&mut self.names_another) {
            self.found = self.found || names::is_secret_name(word) || names::is_secret_flag(word);
        }
    }

    fn respelled(&mut self) {
        self.respelled = true;
    }
}
