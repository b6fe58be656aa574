//! Writes a bundle from a store: in one order, in pieces of bounded size, and the same bytes from the
//! same log each time.
//!
//! Looks at everything once before the first byte, so that what is unsound is refused and the manifest
//! can say what follows. Memory grows with the number of blobs, some 100 bytes each, and with nothing else.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io::{self, Write};

use thymos_core::body::{Body, BodyState};
use thymos_core::canonical;
use thymos_core::checkpoint::SignedCheckpoint;
use thymos_core::id::Digest;
use thymos_core::merkle::{self, Frontier};
use thymos_core::{Entry, EntryId, Kind, TrajectoryId};
use thymos_ports::LedgerStore;
use thymos_ports::store::StoreError;

use crate::limits::{CHECKPOINTS_MAX, MEMBER_BYTES_FULL, MEMBER_ENTRIES_MAX};
use crate::manifest::{Manifest, NamedKey, Withheld};
use crate::{lines, refs, tar};

/// Entries read at once: the most memory that one look at the store takes.
const PAGE: usize = 64;

/// What is to be written.
pub struct Export<'a> {
    /// From where.
    pub store: &'a dyn LedgerStore,
    /// The checkpoint that the bundle stands on: its size bounds what is written.
    pub checkpoint: &'a SignedCheckpoint,
    /// One trajectory only.
    pub trajectory: Option<TrajectoryId>,
    /// Bodies to leave out.
    pub withheld: Withheld,
    /// Keys to name.
    pub keys: Vec<NamedKey>,
}

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exported {
    /// The manifest.
    pub manifest: Manifest,
    /// Bodies that were left out.
    pub withheld: u64,
    /// Entries whose bodies were erased before.
    pub erased: u64,
}

/// Why nothing, or not everything, was written.
#[derive(Debug)]
pub enum NotExported {
    /// The store could not be read.
    Store(StoreError),
    /// The place that is written to gave out.
    Write(io::Error),
    /// The ledger is not what was written, as seen at this index.
    Unsound(u64, String),
    /// There is no entry of it under the checkpoint.
    Nothing,
    /// An entry that says that another was erased cannot be withheld.
    ErasedWithheld(u64),
    /// The body of this entry was erased, and still stands.
    Standing(u64),
    /// No entry at this position could be withheld.
    NoSuchEntry(u64),
}

/// What the first look found.
#[derive(Default)]
struct Survey {
    entries: u64,
    withheld: u64,
    tree: Frontier,
    named: BTreeSet<u64>,
    refs: BTreeSet<Digest>,
    /// Contents that are said to have been kept, with the first entry that says so.
    kept: BTreeMap<Digest, u64>,
    bare: BTreeSet<EntryId>,
    /// What `erased` entries name, with where it stands.
    announced: BTreeMap<EntryId, (TrajectoryId, u64)>,
    erased: u64,
}

/// Writes the bundle.
///
/// # Errors
/// [`NotExported`]; what was written until then is no bundle.
pub fn write(export: &Export<'_>, out: &mut dyn Write) -> Result<Exported, NotExported> {
    let survey = export.survey()?;
    let said = export.checkpoint.checkpoint;
    let (plain, sealed) = export.kept_blobs(&survey.refs)?;
    none_is_missed(&survey, [&plain, &sealed])?;
    let notes = export.notes()?;
    let mut manifest = Manifest::new(said.log, said.size, export.trajectory);
    manifest.entries = survey.entries;
    manifest.checkpoints = notes.len() as u64;
    manifest.blobs = (plain.len() + sealed.len()) as u64;
    manifest.absent = survey.refs.len() as u64 - manifest.blobs;
    manifest.withheld = export.withheld.clone();
    manifest.keys = export.keys.clone();
    let bytes = canonical::encode(&manifest)
        .map_err(|invalid| NotExported::Unsound(said.size, invalid.to_string()))?;
    tar::write(out, "manifest.json", bytes.as_bytes())?;
    export.write_checkpoints(&notes, out)?;
    export.write_entries(out)?;
    for digest in &plain {
        let bytes = export.store.blob(digest)?.ok_or_else(|| gone(digest))?;
        tar::write(out, &format!("blobs/{digest}"), &bytes)?;
    }
    for digest in &sealed {
        let kept = export.store.sealed_blob(digest)?;
        tar::write(
            out,
            &format!("sealed/{digest}"),
            &kept.ok_or_else(|| gone(digest))?,
        )?;
    }
    tar::finish(out)?;
    Ok(Exported {
        manifest,
        withheld: survey.withheld,
        erased: survey.erased,
    })
}

/// `[L4]` Content of which an entry says that it was kept is there.
fn none_is_missed(survey: &Survey, found: [&Vec<Digest>; 2]) -> Result<(), NotExported> {
    let there = |digest: &Digest| found.iter().any(|all| all.binary_search(digest).is_ok());
    let missed = survey.kept.iter().find(|(digest, _)| !there(digest));
    missed.map_or(Ok(()), |(digest, index)| {
        let reason = format!(
            "it says that blob {} was kept, and it is gone",
            digest.short()
        );
        Err(NotExported::Unsound(*index, reason))
    })
}

impl Export<'_> {
    fn survey(&self) -> Result<Survey, NotExported> {
        let mut survey = Survey::default();
        self.each(&mut |entry| survey.see(&entry, &self.withheld))?;
        let said = self.checkpoint.checkpoint;
        if survey.entries == 0 {
            return Err(NotExported::Nothing);
        }
        let whole = self.trajectory.is_none();
        if whole && (survey.tree.size(), survey.tree.root()) != (said.size, said.root) {
            let reason = "its entries are not those under the checkpoint".to_owned();
            return Err(NotExported::Unsound(survey.entries, reason));
        }
        if survey
            .bare
            .iter()
            .any(|id| !survey.announced.contains_key(id))
        {
            let reason = "a body is gone, and no `erased` entry says so".to_owned();
            return Err(NotExported::Unsound(said.size, reason));
        }
        self.none_stands(&survey)?;
        survey.erased = survey.bare.len() as u64;
        let missing = self
            .withheld
            .entries
            .iter()
            .find(|at| !survey.named.contains(at));
        missing.map_or(Ok(survey), |at| Err(NotExported::NoSuchEntry(*at)))
    }

    /// `[L3]` What is about to be destroyed is not handed on.
    fn none_stands(&self, survey: &Survey) -> Result<(), NotExported> {
        let standing = |id: &&EntryId| !survey.bare.contains(id);
        for id in survey.announced.keys().filter(standing) {
            let Some((trajectory, seq)) = survey.announced.get(id) else {
                continue;
            };
            let page = self.store.page(trajectory, *seq, 1)?;
            let named = page.first().filter(|entry| entry.id == *id);
            let stands = named.filter(|entry| {
                entry.content.is_some() && entry.kind().is_some_and(Kind::may_be_erased)
            });
            if let Some(entry) = stands {
                return Err(NotExported::Standing(entry.header.index));
            }
        }
        Ok(())
    }

    /// Every entry that is written, in the order of the log.
    fn each(
        &self,
        visit: &mut dyn FnMut(Entry) -> Result<(), NotExported>,
    ) -> Result<(), NotExported> {
        let size = self.checkpoint.checkpoint.size;
        let mut next = 0;
        loop {
            let page = self.page(next)?;
            if page.is_empty() {
                return Ok(());
            }
            next += page.len() as u64;
            for entry in page {
                if entry.header.index >= size {
                    return Ok(());
                }
                visit(entry)?;
            }
        }
    }

    /// From a position in the log, or in the trajectory.
    fn page(&self, next: u64) -> Result<Vec<Entry>, NotExported> {
        if let Some(trajectory) = &self.trajectory {
            return Ok(self.store.page(trajectory, next, PAGE)?);
        }
        let rows = self.store.scan(next, PAGE)?;
        let sound = (next..).zip(rows).map(|(due, row)| {
            let unsound = |reason| NotExported::Unsound(row.index, reason);
            let entry = row.entry.map_err(|e| unsound(e.to_string()))?;
            match row.disagreements.into_iter().next() {
                Some(disagreement) => Err(unsound(disagreement)),
                None if row.index != due => Err(unsound("an entry before it is missing".into())),
                None => Ok(entry),
            }
        });
        sound.collect()
    }

    fn kept_blobs(
        &self,
        wanted: &BTreeSet<Digest>,
    ) -> Result<(Vec<Digest>, Vec<Digest>), NotExported> {
        let (mut plain, mut sealed) = (Vec::new(), Vec::new());
        for digest in wanted {
            if self.store.blob(digest)?.is_some() {
                plain.push(*digest);
            } else if self.store.sealed_blob(digest)?.is_some() {
                sealed.push(*digest);
            }
        }
        Ok((plain, sealed))
    }

    /// The kept checkpoints up to the one that the bundle stands on, that one last.
    fn notes(&self) -> Result<Vec<SignedCheckpoint>, NotExported> {
        let own = self.checkpoint.checkpoint.size;
        let kept = self.store.checkpoints(0)?;
        let earlier = kept.into_iter().filter(|(size, _)| *size < own);
        let mut notes = Vec::new();
        for (size, note) in earlier {
            let read = SignedCheckpoint::parse(&note);
            let read = read.ok().filter(|read| read.checkpoint.size == size);
            let reason = "a checkpoint kept there is none".to_owned();
            notes.push(read.ok_or(NotExported::Unsound(size, reason))?);
        }
        notes.push(self.checkpoint.clone());
        let more = notes.len().saturating_sub(CHECKPOINTS_MAX);
        Ok(notes.split_off(more))
    }

    /// The notes, and for an excerpt the proof that each goes on to the last.
    fn write_checkpoints(
        &self,
        notes: &[SignedCheckpoint],
        out: &mut dyn Write,
    ) -> Result<(), NotExported> {
        let texts: Vec<&str> = notes.iter().map(SignedCheckpoint::note).collect();
        let text = format!("{}\n", texts.join("\n"));
        tar::write(out, "checkpoints.notes", text.as_bytes())?;
        if self.trajectory.is_none() {
            return Ok(());
        }
        let size = self.checkpoint.checkpoint.size;
        let mut text = String::new();
        for note in notes {
            let proof = self.store.consistency(note.checkpoint.size, size)?;
            lines::put_proof(&mut text, &proof.unwrap_or_default());
        }
        Ok(tar::write(out, "consistency.proofs", text.as_bytes())?)
    }

    fn write_entries(&self, out: &mut dyn Write) -> Result<(), NotExported> {
        let mut chunk = Chunk::default();
        self.each(&mut |entry| {
            if chunk.is_full() {
                chunk.write(out)?;
            }
            if self.trajectory.is_some() {
                self.prove(&entry, &mut chunk.proofs)?;
            }
            lines::put(
                &mut chunk.bytes,
                &entry,
                self.withheld.covers(&entry.header),
            );
            chunk.first.get_or_insert(entry.header.index);
            chunk.entries += 1;
            Ok(())
        })?;
        chunk.write(out)
    }

    fn prove(&self, entry: &Entry, proofs: &mut String) -> Result<(), NotExported> {
        let (index, said) = (entry.header.index, self.checkpoint.checkpoint);
        let proof = self.store.inclusion(index, said.size)?.unwrap_or_default();
        let own = (index, merkle::leaf(entry.id.as_bytes()));
        if !merkle::includes(own, (said.size, said.root), &proof) {
            let reason = "it is not under the checkpoint".to_owned();
            return Err(NotExported::Unsound(index, reason));
        }
        lines::put_proof(proofs, &proof);
        Ok(())
    }
}

impl Survey {
    fn see(&mut self, entry: &Entry, withheld: &Withheld) -> Result<(), NotExported> {
        let index = entry.header.index;
        self.entries += 1;
        self.tree.push(merkle::leaf(entry.id.as_bytes()), |_, _| {});
        if withheld.entries.binary_search(&index).is_ok() {
            self.named.insert(index);
        }
        if entry.content.is_none() {
            if let Some(kind) = entry.kind().filter(|kind| !kind.may_be_erased()) {
                let reason = format!("its body is gone, and a `{kind}` is never erased");
                return Err(NotExported::Unsound(index, reason));
            }
            self.bare.insert(entry.id);
            return Ok(());
        }
        if withheld.covers(&entry.header) {
            self.withheld += 1;
            return match entry.kind() {
                Some(Kind::Erased) => Err(NotExported::ErasedWithheld(index)),
                Some(_) | None => Ok(()),
            };
        }
        if entry.kind() == Some(Kind::Erased)
            && let BodyState::Known(Body::Erased(erased)) = entry.decode()
        {
            let place = (entry.header.trajectory, erased.seq);
            self.announced.insert(erased.entry, place);
        }
        refs::add(&mut self.refs, entry);
        for digest in refs::kept(entry) {
            self.kept.entry(digest).or_insert(index);
        }
        Ok(())
    }
}

/// Entries that become one member, with their proofs beside it.
#[derive(Default)]
struct Chunk {
    first: Option<u64>,
    entries: usize,
    bytes: Vec<u8>,
    proofs: String,
}

impl Chunk {
    fn is_full(&self) -> bool {
        self.entries == MEMBER_ENTRIES_MAX || self.bytes.len() >= MEMBER_BYTES_FULL
    }

    fn write(&mut self, out: &mut dyn Write) -> Result<(), NotExported> {
        let Some(first) = self.first else {
            return Ok(());
        };
        tar::write(out, &format!("entries/{first:016}"), &self.bytes)?;
        if !self.proofs.is_empty() {
            tar::write(
                out,
                &format!("entries/{first:016}.proofs"),
                self.proofs.as_bytes(),
            )?;
        }
        *self = Self::default();
        Ok(())
    }
}

fn gone(digest: &Digest) -> NotExported {
    NotExported::Unsound(0, format!("blob {} is gone meanwhile", digest.short()))
}

impl From<StoreError> for NotExported {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<io::Error> for NotExported {
    fn from(error: io::Error) -> Self {
        Self::Write(error)
    }
}

impl fmt::Display for NotExported {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Store(error) => error.fmt(f),
            Self::Write(error) => write!(f, "the bundle cannot be written: {error}"),
            Self::Unsound(index, reason) => {
                write!(f, "the ledger does not verify at index {index}: {reason}")
            }
            Self::Nothing => f.write_str("there is nothing to export"),
            Self::ErasedWithheld(index) => write!(
                f,
                "the entry at index {index} says that another was erased, and cannot be withheld"
            ),
            Self::Standing(index) => {
                write!(f, "the body at index {index} was erased, and still stands")
            }
            Self::NoSuchEntry(index) => {
                write!(f, "there is no entry at index {index} to be withheld")
            }
        }
    }
}

impl std::error::Error for NotExported {}
