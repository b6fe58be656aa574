//! Looking at the strings of a body while it is encoded. Takes nothing out: says whether the slow
//! walk is worth it, and never "no" where that walk would change something.

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
        self.found =
            self.found || (sieve::name_is_worth_a_look(name) && names::is_secret_name(name));
    }

    fn respelled(&mut self) {
        self.respelled = true;
    }
}
