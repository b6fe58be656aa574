//! What `erased` entries say, held against what they name `[L3]`: a body that is gone must be named by
//! one, and only what may go may be named.

use thymos_core::body::Erased;
use thymos_core::{Entry, Kind};

use super::front::Front;
use super::{Level, Place};
use crate::divergence::Divergence;
use crate::verify::report::Step;

/// The check that both sides of an erasure are named by.
const CHECK: &str = "erased";

impl Front {
    /// Notes what an `erased` entry names, and looks whether it may.
    pub(super) fn hear_erasure(&mut self, place: Place, entry: &Entry, order: &Erased) {
        self.announced
            .insert((entry.header.trajectory, order.seq), order.entry);
        let Some(found) = self.target(entry, order) else {
            return;
        };
        match found {
            Ok(true) => self.standing += 1,
            Ok(false) => {}
            Err(what) => self.found.add((Level::V1, Step::Bytes), place, what),
        }
    }

    /// Whether what is named still stands; none where it cannot be looked up.
    fn target(&self, entry: &Entry, order: &Erased) -> Option<Result<bool, Divergence>> {
        let page = self
            .targets
            .as_ref()?
            .page(&entry.header.trajectory, order.seq, 1);
        let named = match page {
            Ok(page) => page.into_iter().next(),
            // Whoever reads that row tells it.
            Err(_) => return None,
        };
        let no = |found: String| Err(Divergence::new(CHECK, "an entry before it", found));
        Some(match named {
            Some(named) if named.id != order.entry || order.seq >= entry.header.seq => {
                no(format!("entry {} is {}", order.seq, named.id.short()))
            }
            Some(named) => match may_go(named.kind()) {
                Ok(()) => Ok(named.content.is_some()),
                Err(what) => Err(what),
            },
            None => no(format!("no entry {}", order.seq)),
        })
    }

    /// A body that is not there and was not withheld: whether such a one may be erased at all. Whether
    /// anything says that it was is known at the end.
    pub(super) fn check_gone(&mut self, place: Place, entry: &Entry) {
        if let Err(what) = may_go(entry.kind()) {
            self.found.add((Level::V1, Step::Bytes), place, what);
        }
        self.bare.insert(entry.id, place);
    }

    /// A body may be destroyed, and never without an entry that says so.
    pub(super) fn check_unannounced(&mut self) {
        for (id, place) in std::mem::take(&mut self.bare) {
            self.erased += 1;
            let told = place.line.and_then(|line| self.announced.get(&line));
            if told != Some(&id) {
                let what = Divergence::new("body", "bytes, or an `erased` entry", "neither");
                self.found.add((Level::V1, Step::Row), place, what);
            }
        }
    }
}

fn may_go(kind: Option<Kind>) -> Result<(), Divergence> {
    match kind {
        // A newer version knows what it erased.
        None => Ok(()),
        Some(kind) if kind.may_be_erased() => Ok(()),
        Some(kind) => Err(Divergence::new(
            CHECK,
            "what was said, wanted or done, and never what authority rests on",
            format!("an entry of kind `{kind}`"),
        )),
    }
}
