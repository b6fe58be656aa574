//! Takes signed checkpoints of the log, keeps them in the ledger and outside of it `[L7]`, and compares.
//!
//! Signs nothing that does not go on from what was signed before: two checkpoints that contradict each
//! other under one key would be the operator's own proof against themselves.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError, TryLockError};

use thymos_core::checkpoint::{Checkpoint, SignedCheckpoint, notes, verifier_key};
use thymos_core::key::{PublicKey, SigningKey};
use thymos_core::writ::TrustRoots;
use thymos_core::{LogId, Timestamp};
use thymos_ports::LedgerStore;
use thymos_ports::store::StoreError;
use thymos_protocol::{CheckpointView, Compared, OutsideView};
use thymos_replay::verify::{Keeper, KeptNote};
use thymos_replay::{Level, Verifier};
use tokio::sync::watch;

use crate::proof;

mod standing;
#[cfg(test)]
mod tests;

use standing::Standing;

/// Entries after which one is due even in the middle of a run.
const ENTRIES_BETWEEN: u64 = 1_000;

/// Where checkpoints stand outside of the ledger. Written to only at its end.
pub trait Outside: Send + Sync {
    /// What it is called, for a person.
    fn place(&self) -> String;

    /// Whether it is a place at all.
    fn is_somewhere(&self) -> bool {
        true
    }

    /// Everything that stands there, oldest first; empty when nothing does.
    ///
    /// # Errors
    /// A sentence with the place.
    fn read(&self) -> Result<String, String>;

    /// The newest part of it, from the beginning of a note.
    ///
    /// # Errors
    /// As [`Self::read`].
    fn tail(&self) -> Result<String, String> {
        self.read()
    }

    /// The newest notes of other logs whose ledger stood where this one stands: each file with its text.
    ///
    /// # Errors
    /// As [`Self::read`].
    fn before(&self) -> Result<Vec<(String, String)>, String> {
        Ok(Vec::new())
    }

    /// Adds a note and an empty line, durably, whole or not at all.
    ///
    /// # Errors
    /// As [`Self::read`].
    fn append(&self, note: &str) -> Result<(), String>;
}

/// No place: what is kept is in the ledger alone.
pub struct Nowhere;

impl Outside for Nowhere {
    fn place(&self) -> String {
        "nowhere".to_owned()
    }

    fn is_somewhere(&self) -> bool {
        false
    }

    fn read(&self) -> Result<String, String> {
        Ok(String::new())
    }

    fn append(&self, _note: &str) -> Result<(), String> {
        Ok(())
    }
}

/// Why there is no new checkpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Refused {
    /// There is nothing to sign.
    Empty,
    /// An earlier one contradicts the log as it is.
    Contradicted(String),
    /// The ledger could not.
    Store(StoreError),
    /// It is in the ledger, and could not be put outside.
    Outside(String),
}

/// Takes checkpoints. Shared by the writer and the look-ups.
pub(crate) struct Checkpointer {
    store: Arc<dyn LedgerStore>,
    outside: Arc<dyn Outside>,
    key: SigningKey,
    known: Vec<PublicKey>,
    // Entries under the newest one that this process knows of. Held for a copy, and while one is taken,
    // so that two are never taken at once here.
    newest: Mutex<Option<u64>>,
    // What became of the newest one that was due, if that is to be told. Held for a copy.
    trouble: Mutex<Option<String>>,
    // What is known of the place outside; none before somebody looked.
    standing: watch::Sender<Option<Standing>>,
}

impl Checkpointer {
    pub(crate) fn new(
        store: Arc<dyn LedgerStore>,
        outside: Arc<dyn Outside>,
        key: SigningKey,
        ever: &TrustRoots,
    ) -> Self {
        Self {
            store,
            outside,
            known: ever.operators.iter().map(|one| one.key).collect(),
            key,
            newest: Mutex::new(None),
            trouble: Mutex::new(None),
            standing: watch::Sender::new(None),
        }
    }

    /// Whether enough was appended since the last one; not while one is taken, which may take long.
    pub(crate) fn is_due(&self, length: u64) -> bool {
        let mut newest = match self.newest.try_lock() {
            Ok(newest) => newest,
            Err(TryLockError::Poisoned(newest)) => newest.into_inner(),
            Err(TryLockError::WouldBlock) => return false,
        };
        let last = match *newest {
            Some(last) => last,
            // Only one of the newest entries keeps another from being due: the others are not looked at, and
            // there may be very many.
            None => {
                let since = length.saturating_sub(ENTRIES_BETWEEN);
                self.newest_since(since).ok().flatten().unwrap_or_default()
            }
        };
        *newest = Some(last);
        length >= last.saturating_add(ENTRIES_BETWEEN)
    }

    /// Takes one that is due. Work does not wait for a place that cannot be reached: the next one puts
    /// there what is missing. Why it is not there is kept for whoever asks.
    pub(crate) fn take_due(&self) {
        let told = self.take().err().map(|refused| refused.to_string());
        *self.trouble.lock().unwrap_or_else(PoisonError::into_inner) = told;
    }

    /// Why the newest one that was due does not stand in both places, if it does not.
    pub(crate) fn trouble(&self) -> Option<String> {
        let trouble = self.trouble.lock();
        trouble.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Signs the log as it is now and puts that in both places; where that was done before, only what
    /// is missing outside.
    pub(crate) fn take(&self) -> Result<SignedCheckpoint, Refused> {
        self.take_if(|| Ok(()))
    }

    /// As [`Self::take`], once every entry was verified to be what was written: a person asks for it, and
    /// takes it for proof.
    pub(crate) fn take_verified(&self) -> Result<SignedCheckpoint, Refused> {
        self.take_if(|| self.is_what_was_written())
    }

    fn take_if(
        &self,
        sound: impl FnOnce() -> Result<(), Refused>,
    ) -> Result<SignedCheckpoint, Refused> {
        let mut newest = self.newest.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = self.take_one(&mut newest, sound);
        self.heard(&taken);
        taken
    }

    fn take_one(
        &self,
        newest: &mut Option<u64>,
        sound: impl FnOnce() -> Result<(), Refused>,
    ) -> Result<SignedCheckpoint, Refused> {
        let tail = self.outside.tail();
        // A signature is checked where something rests on it: of the newest, and of what may be missing.
        let stood = self.claimed(tail.as_deref().unwrap_or_default());
        let outside = stood.iter().rev().find(|one| self.is_sound(one));
        let kept = self.of_ledger(outside.map_or(0, |one| one.checkpoint.size))?;
        // Last: whatever another process signed meanwhile, the log is at least as long.
        let size = self.store.len()?;
        if size == 0 {
            return Err(Refused::Empty);
        }
        // One that is not taken is not tried again with every entry.
        *newest = Some(size);
        let last = kept.last();
        for earlier in outside.into_iter().chain(last) {
            self.goes_on(&earlier.checkpoint, size)?;
        }
        sound()?;
        // What others signed is no word of this operator's: whoever has their key alone could not check it.
        let own = last.filter(|last| last.checkpoint.size == size && self.is_own(last));
        let signed = match own {
            Some(own) => own.clone(),
            None => self.sign(size, last.filter(|last| last.checkpoint.size == size))?,
        };
        tail.map_err(Refused::Outside)?;
        let stands = |missing: &SignedCheckpoint| {
            stood.iter().any(|one| {
                one.checkpoint.size == missing.checkpoint.size
                    && self.is_sound(one)
                    && (self.is_own(one) || !self.is_own(missing))
            })
        };
        let earlier = kept.iter().filter(|one| one.checkpoint.size != size);
        let all = earlier.chain([&signed]);
        for missing in all.filter(|one| !stands(one)) {
            self.outside
                .append(missing.note())
                .map_err(Refused::Outside)?;
        }
        Ok(signed)
    }

    /// Of one size the ledger keeps the first note alone; where that is somebody else's, the own line is put
    /// below theirs, and both stand outside.
    fn sign(
        &self,
        size: u64,
        theirs: Option<&SignedCheckpoint>,
    ) -> Result<SignedCheckpoint, Refused> {
        let (log, root) = (self.store.log(), self.store.root(size)?);
        let own = Checkpoint { log, size, root }.sign(&self.key);
        self.store.put_checkpoint(size, own.note())?;
        Ok(theirs.and_then(|theirs| below(theirs, &own)).unwrap_or(own))
    }

    /// Notes that say they are of this log, smallest first; who signed them was not looked at.
    fn claimed(&self, file: &str) -> Vec<SignedCheckpoint> {
        let parsed = notes(file).filter_map(|(_, note)| SignedCheckpoint::parse(&note).ok());
        let mut claimed: Vec<_> = parsed
            .filter(|one| one.checkpoint.log == self.store.log())
            .collect();
        claimed.sort_by_key(|one| one.checkpoint.size);
        claimed
    }

    /// Entries under the newest checkpoint that the ledger keeps and a known key signed, of those over at least
    /// so many. Newest first, until one is sound.
    fn newest_since(&self, size: u64) -> Result<Option<u64>, StoreError> {
        let mut rows = self.store.checkpoints(size)?.into_iter().rev();
        Ok(rows.find_map(|(_, note)| {
            let one = SignedCheckpoint::parse(&note).ok()?;
            self.is_sound(&one).then_some(one.checkpoint.size)
        }))
    }

    /// Notes of this log that a known key signed.
    fn sound<'a>(&'a self, file: &'a str) -> impl Iterator<Item = SignedCheckpoint> + 'a {
        notes(file)
            .filter_map(|(_, note)| SignedCheckpoint::parse(&note).ok())
            .filter(|one| self.is_sound(one))
    }

    fn is_sound(&self, one: &SignedCheckpoint) -> bool {
        one.checkpoint.log == self.store.log() && one.signer(&self.known).is_ok()
    }

    fn is_own(&self, one: &SignedCheckpoint) -> bool {
        one.signer([&self.key.public()]).is_ok()
    }

    /// The newest own note over an entry that the ledger keeps.
    pub(crate) fn own_over(&self, index: u64) -> Result<Option<SignedCheckpoint>, StoreError> {
        let kept = self.of_ledger(index.saturating_add(1))?.into_iter();
        let mut own = kept.filter(|one| one.checkpoint.size > index && self.is_own(one));
        Ok(own.next_back())
    }

    /// The newest own note outside that is one of this log as it is.
    fn own_outside(&self, file: &str, entries: u64) -> Option<SignedCheckpoint> {
        let own = self.sound(file).filter(|one| self.is_own(one));
        let newest = own
            .filter(|one| one.checkpoint.size <= entries)
            .max_by_key(|one| one.checkpoint.size);
        // Where the tree is damaged nobody can say so of it.
        newest.filter(|one| self.store.root(one.checkpoint.size).ok() == Some(one.checkpoint.root))
    }

    /// What the ledger keeps and a known key signed, smallest first by what each note says itself: the size
    /// that it is kept under is a column, which only finds it `[L1]`.
    fn of_ledger(&self, from_size: u64) -> Result<Vec<SignedCheckpoint>, StoreError> {
        let rows = self.store.checkpoints(from_size)?.into_iter();
        let mut kept: Vec<_> = rows
            .filter_map(|(_, note)| SignedCheckpoint::parse(&note).ok())
            .filter(|one| self.is_sound(one))
            .collect();
        kept.sort_by_key(|one| one.checkpoint.size);
        Ok(kept)
    }

    /// As [`missed`], by the keys that are known here.
    pub(crate) fn missed(&self) -> Option<(String, Checkpoint)> {
        missed(&self.store.log(), self.outside.as_ref(), &self.known)
    }

    /// Whether every entry is there, each as it was written, and the tree is theirs `[V1]`.
    fn is_what_was_written(&self) -> Result<(), Refused> {
        let mut verifier =
            Verifier::new(Level::V1, TrustRoots::default()).with_lanes(proof::lanes());
        proof::extend(self.store.as_ref(), &mut verifier, &mut |_| {})?;
        let tree = verifier.tree_head();
        let length = self.store.len()?;
        if let Some(found) = verifier.finish(Some(length)).findings.first() {
            return Err(Refused::Contradicted(format!(
                "the ledger does not verify: {found}"
            )));
        }
        match tree {
            Some((size, root)) if self.store.root(size)? != root => {
                let words = "the ledger's tree is not that of its entries".to_owned();
                Err(Refused::Contradicted(words))
            }
            _ => Ok(()),
        }
    }

    fn goes_on(&self, earlier: &Checkpoint, length: u64) -> Result<(), Refused> {
        let size = earlier.size;
        if size > length {
            return Err(Refused::Contradicted(format!(
                "a checkpoint of {size} entries was signed, and the ledger has {length}: it is older"
            )));
        }
        if self.store.root(size)? != earlier.root {
            return Err(Refused::Contradicted(format!(
                "the ledger's first {size} entries are not those that were signed"
            )));
        }
        Ok(())
    }

    /// As [`kept`].
    pub(crate) fn kept(&self) -> Result<(Vec<KeptNote>, Option<String>), StoreError> {
        kept(self.store.as_ref(), self.outside.as_ref())
    }

    /// The newest one, where it stands, and how much of the log is not under it.
    pub(crate) fn view(&self) -> Result<CheckpointView, StoreError> {
        let (file, trouble) = match self.outside.read() {
            Ok(file) => (file, None),
            Err(words) => (String::new(), Some(words)),
        };
        let outside = self.sound(&file).map(|one| one.checkpoint.size).max();
        let entries = self.store.len()?;
        let kept = self.of_ledger(0)?;
        let own = self.own_outside(&file, entries);
        // Of two over as many entries the own one, which the verifier key beside it checks.
        let newest = kept.last().into_iter().chain(&own);
        let newest = newest.max_by_key(|one| (one.checkpoint.size, self.is_own(one)));
        let size = newest.map(|one| one.checkpoint.size);
        Ok(CheckpointView {
            size,
            at: size.and_then(|size| time_of(self.store.as_ref(), size)),
            note: newest.map(|one| one.note().to_owned()),
            kept: kept.len() as u64,
            entries,
            verifier_key: verifier_key(&self.store.log(), &self.key.public()),
            outside: OutsideView {
                place: self.outside.place(),
                size: outside,
                at: outside.and_then(|size| time_of(self.store.as_ref(), size)),
                trouble,
            },
        })
    }

    /// Whether a note that somebody else kept agrees with this log.
    ///
    /// `keys` are trusted besides those of the trust roots.
    pub(crate) fn compare(&self, note: &str, keys: &[PublicKey]) -> Result<Compared, StoreError> {
        let signed = match SignedCheckpoint::parse(note) {
            Ok(signed) => signed,
            Err(invalid) => return Ok(Compared::Unsound(invalid.to_string())),
        };
        let signer = match signed.signer(self.known.iter().chain(keys)) {
            Ok(signer) => signer,
            Err(unsigned) => return Ok(Compared::Unsound(unsigned.to_string())),
        };
        let (said, entries) = (signed.checkpoint, self.store.len()?);
        if said.log != self.store.log() {
            return Ok(Compared::OtherLog(said.log));
        }
        let size = said.size;
        Ok(if size > entries {
            Compared::LedgerIsOlder { size, entries }
        } else if self.store.root(size)? != said.root {
            Compared::Parted { size }
        } else {
            Compared::Agrees {
                size,
                entries,
                signer,
            }
        })
    }
}

/// A note with the lines of both; none where they say other things, or where there is no room.
fn below(theirs: &SignedCheckpoint, own: &SignedCheckpoint) -> Option<SignedCheckpoint> {
    let (_, line) = own.note().split_once("\n\n")?;
    let both = SignedCheckpoint::parse(&format!("{}{line}", theirs.note())).ok();
    both.filter(|both| both.checkpoint == own.checkpoint)
}

/// When the last entry under a checkpoint was made.
pub(crate) fn time_of(store: &dyn LedgerStore, size: u64) -> Option<Timestamp> {
    let row = store.scan(size.checked_sub(1)?, 1).ok()?.pop()?;
    row.entry.ok().map(|entry| entry.header.at_ms)
}

/// What stands in both places, for a verifier, and why nothing can be read outside. Outside is read
/// first: what is put there is in the ledger already.
pub(crate) fn kept(
    store: &dyn LedgerStore,
    outside: &dyn Outside,
) -> Result<(Vec<KeptNote>, Option<String>), StoreError> {
    let (file, trouble) = match outside.read() {
        Ok(file) => (file, None),
        Err(words) => (String::new(), Some(words)),
    };
    let of = |keeper| move |(line, note)| KeptNote { keeper, line, note };
    let mut all: Vec<KeptNote> = notes(&file).map(of(Keeper::Outside)).collect();
    let rows = store.checkpoints(0)?;
    let rows = rows.into_iter().enumerate();
    let rows = rows.map(|(at, (_, note))| (at + 1, note));
    all.extend(rows.map(of(Keeper::Ledger)));
    Ok((all, trouble))
}

/// What was signed of another log that stood where this one stands, if something was: a ledger that
/// was removed or replaced. The file, and the longest that a known key signed.
pub(crate) fn missed(
    own: &LogId,
    outside: &dyn Outside,
    known: &[PublicKey],
) -> Option<(String, Checkpoint)> {
    let files = outside.before().unwrap_or_default();
    let signed = files.into_iter().flat_map(|(file, text)| {
        let all: Vec<_> = notes(&text)
            .filter_map(|(_, note)| SignedCheckpoint::parse(&note).ok())
            .filter(|one| one.signer(known).is_ok())
            .map(|one| (file.clone(), one.checkpoint))
            .collect();
        all
    });
    signed
        .filter(|(_, one)| one.log != *own)
        .max_by_key(|(_, one)| one.size)
}

impl From<StoreError> for Refused {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("the ledger has no entry yet"),
            Self::Contradicted(words) => f.write_str(words),
            Self::Store(error) => error.fmt(f),
            Self::Outside(words) => {
                write!(
                    f,
                    "the checkpoint is in the ledger and not outside of it: {words}"
                )
            }
        }
    }
}
