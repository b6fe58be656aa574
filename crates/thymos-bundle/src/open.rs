//! Opens a bundle: one walk over its members, which must be the known ones, in order, each once, within
//! its limit, up to an end with nothing behind it. Keeps where they are, and no content.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{Read, Seek, SeekFrom};
use std::sync::{Arc, Mutex, PoisonError};

use thymos_core::Entry;
use thymos_core::TrajectoryId;
use thymos_core::checkpoint::{self, SignedCheckpoint};
use thymos_core::entry::InvalidEntry;
use thymos_core::id::Digest;
use thymos_core::merkle::TreeHash;

use crate::limits::{
    BLOB_MEMBER_BYTES_MAX, CHECKPOINTS_BYTES_MAX, CHECKPOINTS_MAX, ENTRIES_BYTES_MAX,
    MANIFEST_BYTES_MAX, PROOFS_BYTES_MAX, SEALED_MEMBER_BYTES_MAX,
};
use crate::lines;
use crate::manifest::{InvalidManifest, Manifest};
use crate::tar::{self, InvalidTar, Member};

/// Where the bytes of a bundle come from.
pub trait Source: Read + Seek + Send {}

impl<T: Read + Seek + Send> Source for T {}

/// A bundle that is whole in form. What it says is judged by nobody yet.
pub struct Bundle {
    pub(crate) manifest: Manifest,
    pub(crate) notes: Vec<SignedCheckpoint>,
    /// For an excerpt: of each note, that the last goes on from it.
    pub(crate) consistency: Vec<Vec<TreeHash>>,
    pub(crate) chunks: Vec<Chunk>,
    /// Positions of each trajectory's entries in the log, as far as their headers can be read.
    pub(crate) lines: BTreeMap<TrajectoryId, Vec<u64>>,
    pub(crate) blobs: BTreeMap<Digest, (Place, bool)>,
    // Held for one read.
    source: Mutex<Box<dyn Source>>,
    // The rows of the member that was read last: rows are asked for in order.
    pub(crate) recent: Mutex<Option<Arc<Rows>>>,
}

/// Entries that stand together.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Chunk {
    /// Position in the log of the first.
    pub(crate) first: u64,
    pub(crate) entries: Place,
    pub(crate) proofs: Option<Place>,
}

/// The entries of a member, with a proof of each in an excerpt.
pub(crate) struct Rows {
    pub(crate) first: u64,
    pub(crate) kept: Vec<Kept>,
    pub(crate) proofs: Vec<Vec<TreeHash>>,
}

/// Where content stands.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    at: u64,
    size: u64,
}

/// An entry with the position where it stands.
pub(crate) type Kept = (u64, Result<Entry, InvalidEntry>);

/// Why a file is no bundle, or none that is taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InvalidBundle {
    /// It does not begin as one: it is something else.
    Foreign,
    /// Its manifest is none, or of another version.
    Manifest(InvalidManifest),
    /// It ends in the middle.
    Cut,
    /// Something stands behind its end.
    Behind,
    /// A member is no plain file; what it is.
    NotPlain(String, &'static str),
    /// A member's name leads out of the folder it would be unpacked into.
    Escapes(String),
    /// A member's header, or what fills its last block, is not as a bundle has it.
    Header(String),
    /// No bundle has such a member.
    Unknown(String),
    /// A member stands there twice.
    Twice(String),
    /// A member stands behind one that it must stand before.
    Order(String),
    /// A member is larger than this limit.
    Oversized(String, u64, u64),
    /// What a member holds is not what it must; what that is.
    Content(String, &'static str),
    /// There are not as many as the manifest says: of what, how many there, how many it says.
    Count(&'static str, u64, u64),
    /// It holds no checkpoint over as many entries as its manifest says.
    NoCheckpoint(u64),
    /// It could not be read.
    Io(String),
}

impl Bundle {
    /// Opens it. Reads every header and every entry once, and no blob.
    ///
    /// # Errors
    /// [`InvalidBundle`]: the first thing that is not as it must be.
    pub fn open(source: Box<dyn Source>) -> Result<Self, InvalidBundle> {
        let mut walk = Walk::begin(source)?;
        while let Some((member, at)) = walk.next()? {
            walk.take(&member, at)?;
            walk.pass(&member)?;
        }
        walk.finish()
    }

    /// What it says it is.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Its checkpoints in order; the last is the one it stands on.
    #[must_use]
    pub fn checkpoints(&self) -> &[SignedCheckpoint] {
        &self.notes
    }

    /// The checkpoint that it stands on.
    #[must_use]
    pub fn checkpoint(&self) -> Option<&SignedCheckpoint> {
        self.notes.last()
    }

    /// For an excerpt: of each checkpoint, the proof that the last goes on from it.
    #[must_use]
    pub fn consistency_proofs(&self) -> &[Vec<TreeHash>] {
        &self.consistency
    }

    pub(crate) fn read(&self, place: Place) -> Result<Vec<u8>, String> {
        let mut source = self.source.lock().unwrap_or_else(PoisonError::into_inner);
        source
            .seek(SeekFrom::Start(place.at))
            .map_err(|e| e.to_string())?;
        let mut bytes = Vec::new();
        let read = source.by_ref().take(place.size).read_to_end(&mut bytes);
        read.map_err(|e| e.to_string())?;
        match bytes.len() as u64 == place.size {
            true => Ok(bytes),
            false => Err("it was cut meanwhile".to_owned()),
        }
    }
}

/// The walk over the members.
struct Walk {
    source: Box<dyn Source>,
    /// Where the source stands.
    at: u64,
    last: (u8, String),
    manifest: Manifest,
    notes: Vec<SignedCheckpoint>,
    consistency: Option<Vec<Vec<TreeHash>>>,
    chunks: Vec<Chunk>,
    lines: BTreeMap<TrajectoryId, Vec<u64>>,
    blobs: BTreeMap<Digest, (Place, bool)>,
    entries: u64,
}

/// What a member is, by its name.
enum Part {
    Manifest,
    Checkpoints,
    Consistency,
    Entries(u64),
    Proofs(u64),
    Blob(Digest),
    Sealed(Digest),
}

impl Part {
    fn of(name: &str) -> Option<Self> {
        match name {
            "manifest.json" => return Some(Self::Manifest),
            "checkpoints.notes" => return Some(Self::Checkpoints),
            "consistency.proofs" => return Some(Self::Consistency),
            _ => {}
        }
        let (folder, file) = name.split_once('/')?;
        match (folder, file.strip_suffix(".proofs")) {
            ("entries", None) => position(file).map(Self::Entries),
            ("entries", Some(number)) => position(number).map(Self::Proofs),
            ("blobs", None) => file.parse().ok().map(Self::Blob),
            ("sealed", None) => file.parse().ok().map(Self::Sealed),
            _ => None,
        }
    }

    /// Where it stands among the others, and how large it may be.
    fn rank(&self) -> (u8, u64) {
        match self {
            Self::Manifest => (0, MANIFEST_BYTES_MAX),
            Self::Checkpoints => (1, CHECKPOINTS_BYTES_MAX),
            Self::Consistency => (2, CHECKPOINTS_BYTES_MAX),
            Self::Entries(_) => (3, ENTRIES_BYTES_MAX),
            Self::Proofs(_) => (3, PROOFS_BYTES_MAX),
            Self::Blob(_) => (4, BLOB_MEMBER_BYTES_MAX),
            Self::Sealed(_) => (5, SEALED_MEMBER_BYTES_MAX),
        }
    }
}

/// Sixteen digits, so that names sort as numbers do.
fn position(text: &str) -> Option<u64> {
    let plain = text.len() == 16 && text.bytes().all(|digit| digit.is_ascii_digit());
    plain.then(|| text.parse().ok())?
}

impl Walk {
    fn begin(mut source: Box<dyn Source>) -> Result<Self, InvalidBundle> {
        source
            .rewind()
            .map_err(|e| InvalidBundle::Io(e.to_string()))?;
        let first = match tar::next(&mut source) {
            Ok(Some(member)) if member.name == "manifest.json" => member,
            Ok(_) | Err(InvalidTar::Cut | InvalidTar::Header(_) | InvalidTar::Behind) => {
                return Err(InvalidBundle::Foreign);
            }
            Err(broken) => return Err(broken.into()),
        };
        if first.size > MANIFEST_BYTES_MAX {
            return Err(oversized(&first, MANIFEST_BYTES_MAX));
        }
        let mut walk = Self {
            source,
            at: tar::BLOCK as u64,
            last: (0, first.name.clone()),
            manifest: Manifest::new(thymos_core::LogId::from_bytes([0; 32]), 0, None),
            notes: Vec::new(),
            consistency: None,
            chunks: Vec::new(),
            lines: BTreeMap::new(),
            blobs: BTreeMap::new(),
            entries: 0,
        };
        let bytes = walk.content(&first)?;
        walk.manifest = Manifest::parse(&bytes).map_err(InvalidBundle::Manifest)?;
        walk.pass(&first)?;
        Ok(walk)
    }

    /// The next member, and where its content begins.
    fn next(&mut self) -> Result<Option<(Member, u64)>, InvalidBundle> {
        let Some(member) = tar::next(&mut self.source)? else {
            return Ok(None);
        };
        self.at += tar::BLOCK as u64;
        let Some(part) = Part::of(&member.name) else {
            return Err(InvalidBundle::Unknown(member.name));
        };
        let (rank, bytes_max) = part.rank();
        let here = (rank, member.name.clone());
        if here == self.last {
            return Err(InvalidBundle::Twice(member.name));
        }
        if here < self.last {
            return Err(match self.has(&part) {
                true => InvalidBundle::Twice(member.name),
                false => InvalidBundle::Order(member.name),
            });
        }
        if member.size > bytes_max {
            return Err(oversized(&member, bytes_max));
        }
        self.last = here;
        let at = self.at;
        Ok(Some((member, at)))
    }

    fn has(&self, part: &Part) -> bool {
        match part {
            Part::Manifest => true,
            Part::Checkpoints => !self.notes.is_empty(),
            Part::Consistency => self.consistency.is_some(),
            Part::Entries(first) | Part::Proofs(first) => {
                self.chunks.iter().any(|chunk| chunk.first == *first)
            }
            Part::Blob(digest) | Part::Sealed(digest) => self.blobs.contains_key(digest),
        }
    }

    fn take(&mut self, member: &Member, at: u64) -> Result<(), InvalidBundle> {
        let no = |what| Err(InvalidBundle::Content(member.name.clone(), what));
        let place = Place {
            at,
            size: member.size,
        };
        match Part::of(&member.name) {
            Some(Part::Checkpoints) => self.take_checkpoints(member),
            Some(Part::Consistency) => {
                let proofs = lines::read_proofs(&self.content(member)?);
                match proofs.filter(|proofs| proofs.len() == self.notes.len()) {
                    Some(proofs) => self.consistency = Some(proofs),
                    None => return no("a line of hashes for each checkpoint"),
                }
                Ok(())
            }
            Some(Part::Entries(first)) => self.take_entries(member, place, first),
            Some(Part::Proofs(first)) => match self.chunks.last_mut() {
                Some(chunk) if chunk.first == first && self.manifest.trajectory.is_some() => {
                    chunk.proofs = Some(place);
                    self.skip(member)
                }
                _ => no("proofs of the entries before it, in an excerpt"),
            },
            Some(Part::Blob(digest) | Part::Sealed(digest)) => {
                let sealed = member.name.starts_with("sealed/");
                if self.blobs.insert(digest, (place, sealed)).is_some() {
                    return Err(InvalidBundle::Twice(member.name.clone()));
                }
                self.skip(member)
            }
            Some(Part::Manifest) | None => Err(InvalidBundle::Unknown(member.name.clone())),
        }
    }

    fn take_checkpoints(&mut self, member: &Member) -> Result<(), InvalidBundle> {
        let no = || InvalidBundle::Content(member.name.clone(), "signed notes, smallest first");
        let bytes = self.content(member)?;
        let text = std::str::from_utf8(&bytes).map_err(|_| no())?;
        let mut shown = String::new();
        for (_, note) in checkpoint::notes(text).take(CHECKPOINTS_MAX + 1) {
            let read = SignedCheckpoint::parse(&note).map_err(|_| no())?;
            let size = read.checkpoint.size;
            let last = self.notes.last().map_or(0, |last| last.checkpoint.size);
            if size <= last || self.notes.len() == CHECKPOINTS_MAX {
                return Err(no());
            }
            shown.push_str(&note);
            shown.push('\n');
            self.notes.push(read);
        }
        // The same text in one way only.
        if shown != text {
            return Err(no());
        }
        Ok(())
    }

    fn take_entries(
        &mut self,
        member: &Member,
        place: Place,
        first: u64,
    ) -> Result<(), InvalidBundle> {
        let no = |what| Err(InvalidBundle::Content(member.name.clone(), what));
        let bytes = self.content(member)?;
        let Some(rows) = lines::read(&bytes) else {
            return no("three lines for each entry, and at most 1024 of them");
        };
        let rows = placed(first, rows, self.manifest.trajectory.is_some());
        let begins = rows.first().map(|(index, _)| *index);
        let due = self.manifest.trajectory.is_none().then_some(self.entries);
        if begins != Some(first) || due.is_some_and(|due| due != first) {
            return no("the entries that its name says");
        }
        for (index, entry) in &rows {
            if let Ok(entry) = entry {
                let line = self.lines.entry(entry.header.trajectory).or_default();
                line.push(*index);
            }
        }
        self.entries += rows.len() as u64;
        self.chunks.push(Chunk {
            first,
            entries: place,
            proofs: None,
        });
        Ok(())
    }

    /// Reads the content of a member that is small enough to be held.
    fn content(&mut self, member: &Member) -> Result<Vec<u8>, InvalidBundle> {
        let mut bytes = Vec::new();
        let read = self
            .source
            .by_ref()
            .take(member.size)
            .read_to_end(&mut bytes);
        read.map_err(|e| tar::broken(&e))?;
        match bytes.len() as u64 == member.size {
            true => Ok(bytes),
            false => Err(InvalidBundle::Cut),
        }
    }

    fn skip(&mut self, member: &Member) -> Result<(), InvalidBundle> {
        let past = i64::try_from(member.size).unwrap_or(i64::MAX);
        let sought = self.source.seek(SeekFrom::Current(past));
        sought
            .map(drop)
            .map_err(|e| InvalidBundle::Io(e.to_string()))
    }

    /// Passes over what fills the member's last block.
    fn pass(&mut self, member: &Member) -> Result<(), InvalidBundle> {
        tar::filling(&mut self.source, member)?;
        self.at += member.size + tar::padding(member.size);
        Ok(())
    }

    /// Holds what was found against the manifest.
    fn finish(self) -> Result<Bundle, InvalidBundle> {
        let said = &self.manifest;
        let blobs = self.blobs.len() as u64;
        for (what, found, told) in [
            ("entries", self.entries, said.entries),
            ("checkpoints", self.notes.len() as u64, said.checkpoints),
            ("blobs", blobs, said.blobs),
        ] {
            if found != told {
                return Err(InvalidBundle::Count(what, found, told));
            }
        }
        let last = self.notes.last().map(|last| last.checkpoint);
        if last.is_none_or(|last| last.size != said.size || last.log != said.log) {
            return Err(InvalidBundle::NoCheckpoint(said.size));
        }
        let excerpt = said.trajectory.is_some();
        if excerpt != self.consistency.is_some() {
            let what = "what an excerpt needs, and nothing else does";
            return Err(InvalidBundle::Content("consistency.proofs".into(), what));
        }
        Ok(Bundle {
            manifest: self.manifest,
            notes: self.notes,
            consistency: self.consistency.unwrap_or_default(),
            chunks: self.chunks,
            lines: self.lines,
            blobs: self.blobs,
            source: Mutex::new(self.source),
            recent: Mutex::new(None),
        })
    }
}

/// The position of each row: in the whole log where it stands, in an excerpt what its header says.
pub(crate) fn placed(
    first: u64,
    rows: Vec<Result<Entry, InvalidEntry>>,
    excerpt: bool,
) -> Vec<Kept> {
    let mut next = first;
    let place = |row: Result<Entry, InvalidEntry>| {
        let index = match &row {
            Ok(entry) if excerpt => entry.header.index,
            Ok(_) | Err(_) => next,
        };
        next = index.saturating_add(1);
        (index, row)
    };
    rows.into_iter().map(place).collect()
}

fn oversized(member: &Member, bytes_max: u64) -> InvalidBundle {
    InvalidBundle::Oversized(member.name.clone(), member.size, bytes_max)
}

impl From<InvalidTar> for InvalidBundle {
    fn from(invalid: InvalidTar) -> Self {
        match invalid {
            InvalidTar::Cut => Self::Cut,
            InvalidTar::Behind => Self::Behind,
            InvalidTar::NotPlain(name, what) => Self::NotPlain(name, what),
            InvalidTar::Escapes(name) => Self::Escapes(name),
            InvalidTar::Header(name) | InvalidTar::Padding(name) => Self::Header(name),
            InvalidTar::Io(words) => Self::Io(words),
        }
    }
}

impl fmt::Display for InvalidBundle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Foreign => f.write_str("it is no bundle: it does not begin with `manifest.json`"),
            Self::Manifest(invalid) => invalid.fmt(f),
            Self::Cut => f.write_str("it was cut: it ends before its end"),
            Self::Behind => f.write_str("something stands behind its end"),
            Self::NotPlain(name, what) => write!(
                f,
                "its member `{name}` is {what}, and a bundle holds plain files only"
            ),
            Self::Escapes(name) => {
                write!(f, "the name of its member `{name}` leads out of the bundle")
            }
            Self::Header(name) => {
                write!(f, "its member `{name}` is not packed as a bundle's is")
            }
            Self::Unknown(name) => write!(f, "no bundle has a member `{name}`"),
            Self::Twice(name) => write!(f, "its member `{name}` stands there twice"),
            Self::Order(name) => write!(f, "its member `{name}` stands out of order"),
            Self::Oversized(name, size, max) => write!(
                f,
                "its member `{name}` has {size} bytes, and at most {max} are read"
            ),
            Self::Content(name, what) => write!(f, "its member `{name}` does not hold {what}"),
            Self::Count(what, found, said) => {
                write!(f, "it holds {found} {what}, and its manifest says {said}")
            }
            Self::NoCheckpoint(size) => {
                write!(
                    f,
                    "it holds no checkpoint of its own log over {size} entries"
                )
            }
            Self::Io(words) => write!(f, "it cannot be read: {words}"),
        }
    }
}

impl std::error::Error for InvalidBundle {}

#[cfg(test)]
mod tests;
