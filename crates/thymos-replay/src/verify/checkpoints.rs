//! `[L7]` Signed checkpoints, from the ledger and from outside of it, held against the log while it is
//! read. Says which of the two is older where they part.

use std::borrow::Borrow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use thymos_core::checkpoint::{Checkpoint, SignedCheckpoint};
use thymos_core::key::PublicKey;
use thymos_core::merkle::{self, TreeHash};
use thymos_core::{Digest, LogId};

use super::Excerpt;
use crate::divergence::Divergence;

/// The name of the check in findings.
const CHECK: &str = "checkpoint";

/// Who kept a checkpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Keeper {
    /// The ledger itself.
    Ledger,
    /// A file outside of it.
    Outside,
    /// The bundle that the log was handed on in.
    Bundle,
}

/// A note as it was kept, not yet believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptNote {
    /// Where it was.
    pub keeper: Keeper,
    /// Line of the file, or row, for a person.
    pub line: usize,
    /// Its text.
    pub note: String,
}

/// Checkpoints that wait for the log to reach them.
#[derive(Clone, Default)]
pub(super) struct Checkpoints {
    /// What they say, whose signatures were checked: notes are many, and each is ten times as long.
    due: BTreeMap<u64, Vec<(Keeper, Checkpoint)>>,
    sizes: BTreeMap<Keeper, BTreeSet<u64>>,
    /// Found while they were taken in; told at the end.
    told: Vec<(u64, Divergence)>,
    held: Seen,
}

/// What checkpoints vouch for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Seen {
    /// Checkpoints that the log agrees with.
    pub agreed: u64,
    /// Entries under the newest of them that the ledger keeps.
    pub ledger: Option<u64>,
    /// Entries under the newest of them that stands outside.
    pub outside: Option<u64>,
}

impl Checkpoints {
    /// Takes them in. One that two keepers have is the same text, and its signature is checked once.
    pub(super) fn of(
        notes: impl IntoIterator<Item = impl Borrow<KeptNote>>,
        known: &[PublicKey],
    ) -> Self {
        let mut all = Self::default();
        let mut believed = BTreeSet::new();
        for kept in notes {
            let kept = kept.borrow();
            let at = |why: &dyn fmt::Display| {
                let found = format!("{}, line {}: {why}", kept.keeper, kept.line);
                Divergence::new(CHECK, "a note signed by a trusted key", found)
            };
            let signed = match SignedCheckpoint::parse(&kept.note) {
                Ok(signed) => signed,
                Err(invalid) => {
                    all.told.push((0, at(&invalid)));
                    continue;
                }
            };
            let size = signed.checkpoint.size;
            let text = Digest::of(kept.note.as_bytes());
            if !believed.contains(&text) {
                if let Err(unsigned) = signed.signer(known) {
                    all.told.push((size.saturating_sub(1), at(&unsigned)));
                    continue;
                }
                believed.insert(text);
            }
            all.sizes.entry(kept.keeper).or_default().insert(size);
            let own = (kept.keeper, signed.checkpoint);
            all.due.entry(size).or_default().push(own);
        }
        all
    }

    /// Whether one waits for this size. A root is asked for only then: it is the dearer the longer the
    /// log is.
    pub(super) fn is_due(&self, size: u64) -> bool {
        self.due.contains_key(&size)
    }

    /// The sizes up to this one that wait.
    pub(super) fn up_to(&self, size: u64) -> Vec<u64> {
        self.due.range(..=size).map(|(size, _)| *size).collect()
    }

    /// The log has come to this size; all it says here must be the checkpoints' word too.
    pub(super) fn reach(
        &mut self,
        log: LogId,
        (size, root): (u64, TreeHash),
    ) -> Option<Divergence> {
        let here = self.due.remove(&size)?;
        for (keeper, said) in here {
            if said.log != log {
                let found = format!("that of log {} ({keeper})", said.log);
                return Some(Divergence::new(CHECK, format!("one of log {log}"), found));
            }
            if said.root != root {
                let expected = format!("root {} over {size} entries ({keeper})", said.root);
                let found = format!("{root}: another history than was signed");
                return Some(Divergence::new(CHECK, expected, found));
            }
            self.held.agreed += 1;
            let newest = match keeper {
                Keeper::Ledger | Keeper::Bundle => &mut self.held.ledger,
                Keeper::Outside => &mut self.held.outside,
            };
            *newest = Some(size);
        }
        None
    }

    /// For an excerpt: the root that its entries must stand under, where a trusted key signed it, and
    /// which of the earlier ones it does not go on from.
    pub(super) fn under(
        &mut self,
        excerpt: &Excerpt,
    ) -> (Option<TreeHash>, Vec<(u64, Divergence)>) {
        let due = std::mem::take(&mut self.due).into_values().flatten();
        let (mut due, mut faults): (Vec<_>, Vec<_>) =
            (due.map(|(_, said)| said).collect(), Vec::new());
        due.retain(|said| {
            let own = said.log == excerpt.log;
            if !own {
                let (expected, found) =
                    (format!("one of log {}", excerpt.log), said.log.to_string());
                faults.push((said.size, Divergence::new(CHECK, expected, found)));
            }
            own
        });
        let newest = due.iter().find(|said| said.size == excerpt.size).copied();
        let Some(newest) = newest else {
            return (None, faults);
        };
        for said in due {
            let proof = excerpt.consistency.get(&said.size);
            let (old, new) = ((said.size, said.root), (newest.size, newest.root));
            if merkle::extends(old, new, proof.map_or(&[][..], Vec::as_slice)) {
                self.held.agreed += 1;
                self.held.ledger = self.held.ledger.max(Some(said.size));
            } else {
                let expected = format!(
                    "a proof that {} entries go on from {}",
                    newest.size, said.size
                );
                faults.push((
                    said.size,
                    Divergence::new(CHECK, expected, "none that holds"),
                ));
            }
        }
        (Some(newest.root), faults)
    }

    /// What a log of `length` entries is short of.
    pub(super) fn beyond(&self, length: u64) -> Option<Divergence> {
        let (size, here) = self
            .due
            .last_key_value()
            .filter(|(size, _)| **size > length)?;
        let keeper = here.iter().map(|(keeper, _)| *keeper).max()?;
        let expected = format!("at least {size} entries, as one says ({keeper})");
        let found = format!(
            "{length}: the ledger is older than the checkpoint; its tail was cut, or a backup restored"
        );
        Some(Divergence::new(CHECK, expected, found))
    }

    pub(super) fn seen(&self) -> Seen {
        self.held
    }

    /// Everything that the end of the log settles, each with its index.
    pub(super) fn finish(self, length: u64) -> Vec<(u64, Divergence)> {
        let beyond = self.beyond(length).map(|what| (length, what));
        let none = BTreeSet::new();
        let of = |keeper| self.sizes.get(&keeper).unwrap_or(&none);
        let (ledger, outside) = (of(Keeper::Ledger), of(Keeper::Outside));
        let newest = outside.last().copied().unwrap_or_default();
        let alone = |size: &u64, keeper: Keeper| {
            let expected =
                format!("that of {size} entries in the ledger and in the checkpoint file");
            let found = format!("only {keeper}");
            (
                size.saturating_sub(1),
                Divergence::new(CHECK, expected, found),
            )
        };
        let dropped = outside.difference(ledger).filter(|size| **size <= length);
        let dropped = dropped.map(|size| alone(size, Keeper::Outside));
        // What is newer than all that stands outside has not got there yet: no finding, a remark.
        let holes = ledger.difference(outside).filter(|size| **size < newest);
        let holes = holes.map(|size| alone(size, Keeper::Ledger));
        let told: Vec<_> = beyond.into_iter().chain(dropped).chain(holes).collect();
        self.told.into_iter().chain(told).collect()
    }
}

impl fmt::Display for Keeper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ledger => "in the ledger",
            Self::Outside => "in the checkpoint file",
            Self::Bundle => "in the bundle",
        })
    }
}
