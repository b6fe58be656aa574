//! What is known of the place outside, for whoever looks at the screen `[L7]`: how far the newest checkpoint
//! there goes, and why there is no newer one.
//!
//! Known from the last time that somebody read or wrote there. Nothing is read for this alone while nothing
//! happens.

use thymos_core::Timestamp;
use thymos_core::checkpoint::SignedCheckpoint;
use thymos_protocol::{OutsideStanding, OutsideTrouble};
use tokio::sync::watch;

use super::{Checkpointer, ENTRIES_BETWEEN, Refused, time_of};

/// Entries behind the newest outside at which one was missed: it is due at half of them, and is taken with
/// the batch that makes it due.
const ENTRIES_BEHIND_MAX: u64 = 2 * ENTRIES_BETWEEN;

/// The place outside when it was last read or written to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Standing {
    /// Entries under the newest checkpoint there.
    size: Option<u64>,
    /// When the last of them was made.
    at: Option<Timestamp>,
    /// Entries under the newest that the ledger keeps.
    signed: u64,
    trouble: Option<OutsideTrouble>,
}

impl Standing {
    /// The same beside a log of so many entries, for the screen.
    pub(crate) fn told(&self, entries: u64) -> OutsideStanding {
        let size = self.size.unwrap_or_default();
        let behind = entries.saturating_sub(size);
        OutsideStanding {
            size: self.size,
            at: self.at,
            behind,
            missed: self.signed > size || behind >= ENTRIES_BEHIND_MAX,
            trouble: self.trouble.clone(),
        }
    }
}

impl Checkpointer {
    /// What is known of the place outside, and when that changes; nothing of a place that is none.
    pub(crate) fn standing(&self) -> watch::Receiver<Option<Standing>> {
        self.standing.subscribe()
    }

    /// Looks at the end of what stands outside, unless that is known: it was read, and the ledger keeps no
    /// newer checkpoint, which another process would have put there.
    pub(crate) fn look(&self) {
        let known = self.standing.borrow().clone();
        let signed = self.signed_since(known.as_ref());
        if let Some(known) = &known
            && known.trouble.is_none()
            && signed == known.signed
        {
            return;
        }
        let standing = match self.outside.tail() {
            Ok(tail) => {
                let claimed = self.claimed(&tail);
                let newest = claimed.iter().rev().find(|one| self.is_sound(one));
                let size = newest.map(|one| one.checkpoint.size);
                // What contradicts the log does so until one is taken all the same.
                let trouble = known.and_then(|known| known.trouble);
                let stays = |one: &OutsideTrouble| matches!(one, OutsideTrouble::Contradicted(_));
                Standing {
                    size,
                    at: size.and_then(|size| time_of(self.store.as_ref(), size)),
                    signed,
                    trouble: trouble.filter(stays),
                }
            }
            Err(words) => Standing {
                signed,
                trouble: Some(OutsideTrouble::Unreached(words)),
                ..known.unwrap_or_default()
            },
        };
        self.stands(standing);
    }

    /// Entries under the newest checkpoint that the ledger keeps, of which those behind what is known are
    /// looked at.
    fn signed_since(&self, known: Option<&Standing>) -> u64 {
        let known = known.map_or(0, |known| known.signed);
        let newest = self.newest_since(known.saturating_add(1)).ok().flatten();
        newest.map_or(known, |newest| newest.max(known))
    }

    /// What became of one that was taken says what stands there now.
    pub(super) fn heard(&self, taken: &Result<SignedCheckpoint, Refused>) {
        let known = self.standing.borrow().clone().unwrap_or_default();
        let standing = match taken {
            Ok(signed) => {
                let size = signed.checkpoint.size;
                Standing {
                    size: Some(size),
                    at: time_of(self.store.as_ref(), size),
                    signed: size,
                    trouble: None,
                }
            }
            Err(Refused::Outside(words)) => Standing {
                signed: self.signed_since(Some(&known)),
                trouble: Some(OutsideTrouble::Unreached(words.clone())),
                ..known
            },
            Err(Refused::Contradicted(words)) => Standing {
                trouble: Some(OutsideTrouble::Contradicted(words.clone())),
                ..known
            },
            // Neither says anything of the place.
            Err(Refused::Empty | Refused::Store(_)) => return,
        };
        self.stands(standing);
    }

    fn stands(&self, standing: Standing) {
        if !self.outside.is_somewhere() {
            return;
        }
        self.standing.send_if_modified(|known| {
            let news = known.as_ref() != Some(&standing);
            *known = Some(standing);
            news
        });
    }
}
