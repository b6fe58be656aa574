//! Checkpoints: the size and root of a log at a moment, signed `[L7]`. Texts of C2SP `tlog-checkpoint`
//! and `signed-note`, so that other people's tools read them.
//!
//! Keeps none and compares none with a log. The first line of a note is its domain: no other thing
//! that a key signs begins with it.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

use crate::id::{LogId, hex};
use crate::key::{PublicKey, Signature, SigningKey};
use crate::merkle::TreeHash;

/// Bytes of one note. A longer one is refused.
pub const NOTE_BYTES_MAX: usize = 16 * 1024;

/// Signature lines of one note. A note with more is refused.
pub const SIGNATURES_MAX: usize = 64;

/// Start of every origin; the id of the log follows.
const ORIGIN: &str = "thymos/";

/// The algorithm byte of ed25519 in a key id.
const ED25519: u8 = 1;

/// Start of a signature line.
const DASH: &str = "\u{2014} ";

/// How long a log was, and what its tree's root was then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Checkpoint {
    /// Which log.
    pub log: LogId,
    /// Its entries.
    pub size: u64,
    /// The root over them.
    pub root: TreeHash,
}

/// A checkpoint with its signatures, as the note it was read from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedCheckpoint {
    /// What is signed.
    pub checkpoint: Checkpoint,
    note: String,
    signatures: Vec<NoteSignature>,
}

/// One signature line.
#[derive(Debug, Clone, PartialEq, Eq)]
struct NoteSignature {
    name: String,
    key_id: [u8; 4],
    bytes: Vec<u8>,
}

/// Why a text is no checkpoint of a log of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InvalidCheckpoint {
    /// It is longer than [`NOTE_BYTES_MAX`].
    TooLong,
    /// It is not three lines, an empty one, and signature lines.
    Shape,
    /// The first line is not the origin of a thymos log.
    Origin,
    /// The second line is not a size.
    Size,
    /// The third line is not a root.
    Root,
    /// A signature line is none.
    Signature,
}

/// Why no signature of a note counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unsigned {
    /// No key that is known signed it.
    Unknown,
    /// A line of this key does not hold, which spoils the whole note.
    Broken(PublicKey),
}

impl Checkpoint {
    /// The name of a log, and of the key that speaks for it.
    #[must_use]
    pub fn origin(log: &LogId) -> String {
        format!("{ORIGIN}{log}")
    }

    /// What is signed: three lines.
    #[must_use]
    pub fn text(&self) -> String {
        let origin = Self::origin(&self.log);
        format!("{origin}\n{}\n{}\n", self.size, self.root)
    }

    /// The note, signed by the log's key.
    #[must_use]
    pub fn sign(&self, key: &SigningKey) -> SignedCheckpoint {
        let (text, name) = (self.text(), Self::origin(&self.log));
        let signature = NoteSignature {
            key_id: key_id(&name, &key.public()),
            bytes: key.sign_note(&text).as_bytes().to_vec(),
            name,
        };
        SignedCheckpoint {
            checkpoint: *self,
            note: format!("{text}\n{signature}\n"),
            signatures: vec![signature],
        }
    }
}

impl SignedCheckpoint {
    /// Reads a note. Says nothing about who signed it.
    ///
    /// # Errors
    /// [`InvalidCheckpoint`]: which line is not as it must be.
    pub fn parse(note: &str) -> Result<Self, InvalidCheckpoint> {
        use InvalidCheckpoint as E;
        if note.len() > NOTE_BYTES_MAX {
            return Err(E::TooLong);
        }
        let (text, below) = note.split_once("\n\n").ok_or(E::Shape)?;
        let mut lines = text.split('\n');
        let (origin, size, root) = (lines.next(), lines.next(), lines.next());
        if lines.next().is_some() {
            return Err(E::Shape);
        }
        let log = origin.and_then(|line| line.strip_prefix(ORIGIN));
        let log = log.and_then(|id| id.parse().ok()).ok_or(E::Origin)?;
        let size = size.and_then(read_size).ok_or(E::Size)?;
        let root = root.and_then(|line| line.parse().ok()).ok_or(E::Root)?;
        let below = below.strip_suffix('\n').ok_or(E::Shape)?;
        let signatures: Option<Vec<_>> = below.split('\n').map(NoteSignature::read).collect();
        let signatures = signatures.ok_or(E::Signature)?;
        if signatures.len() > SIGNATURES_MAX {
            return Err(E::Signature);
        }
        Ok(Self {
            checkpoint: Checkpoint { log, size, root },
            note: note.to_owned(),
            signatures,
        })
    }

    /// The note as it was read or made.
    #[must_use]
    pub fn note(&self) -> &str {
        &self.note
    }

    /// Which of the known keys signed it. Lines of unknown keys are passed over, as the format wants.
    ///
    /// # Errors
    /// [`Unsigned`]; also when one line of a known key holds and another does not.
    pub fn signer<'a>(
        &self,
        known: impl IntoIterator<Item = &'a PublicKey>,
    ) -> Result<PublicKey, Unsigned> {
        let (text, name) = (
            self.checkpoint.text(),
            Checkpoint::origin(&self.checkpoint.log),
        );
        let mut signer = None;
        for key in known {
            let id = key_id(&name, key);
            let own = |line: &&NoteSignature| line.name == name && line.key_id == id;
            for line in self.signatures.iter().filter(own) {
                let signature = <[u8; 64]>::try_from(line.bytes.as_slice());
                let holds = signature.is_ok_and(|bytes| {
                    key.verifies_raw(text.as_bytes(), &Signature::from_bytes(bytes))
                });
                if !holds {
                    return Err(Unsigned::Broken(*key));
                }
                signer = signer.or(Some(*key));
            }
        }
        signer.ok_or(Unsigned::Unknown)
    }
}

impl NoteSignature {
    fn read(line: &str) -> Option<Self> {
        let (name, rest) = line.strip_prefix(DASH)?.split_once(' ')?;
        let odd = |c: char| c.is_whitespace() || c.is_control() || c == '+';
        if name.is_empty() || name.contains(odd) {
            return None;
        }
        let bytes = STANDARD.decode(rest).ok()?;
        let (key_id, signature) = bytes.split_first_chunk()?;
        Some(Self {
            name: name.to_owned(),
            key_id: *key_id,
            bytes: signature.to_vec(),
        })
    }
}

impl fmt::Display for NoteSignature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = [self.key_id.as_slice(), &self.bytes].concat();
        write!(f, "{DASH}{} {}", self.name, STANDARD.encode(bytes))
    }
}

/// The key that verifies a log's notes, as other tools take it: name, key id, algorithm and key.
#[must_use]
pub fn verifier_key(log: &LogId, key: &PublicKey) -> String {
    let name = Checkpoint::origin(log);
    let id = hex(&key_id(&name, key));
    let tagged = [&[ED25519][..], key.as_bytes()].concat();
    format!("{name}+{id}+{}", STANDARD.encode(tagged))
}

/// The notes of a file that keeps one after the other, an empty line behind each, with the number of
/// the line where each begins. What stands between is handed out as it is and will not parse.
pub fn notes(file: &str) -> impl Iterator<Item = (usize, String)> {
    let mut parts = file.split("\n\n");
    let mut line = 1;
    std::iter::from_fn(move || {
        let text = parts.next().filter(|text| !text.is_empty())?;
        let below = parts.next().unwrap_or_default();
        let below = below.strip_suffix('\n').unwrap_or(below);
        let begins = line;
        line += text.matches('\n').count() + below.matches('\n').count() + 4;
        Some((begins, format!("{text}\n\n{below}\n")))
    })
}

fn key_id(name: &str, key: &PublicKey) -> [u8; 4] {
    let hash: [u8; 32] = Sha256::new()
        .chain_update(name)
        .chain_update([b'\n', ED25519])
        .chain_update(key.as_bytes())
        .finalize()
        .into();
    let [a, b, c, d, ..] = hash;
    [a, b, c, d]
}

/// One way to write a number, so that a size has one note.
fn read_size(line: &str) -> Option<u64> {
    let size: u64 = line.parse().ok()?;
    (size.to_string() == line).then_some(size)
}

impl fmt::Display for InvalidCheckpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooLong => "the note is too long",
            Self::Shape => "expected three lines, an empty one, and signatures",
            Self::Origin => "the first line is not the origin of a thymos log",
            Self::Size => "the second line is not a number of entries",
            Self::Root => "the third line is not a root in base64",
            Self::Signature => "a signature line is none",
        })
    }
}

impl std::error::Error for InvalidCheckpoint {}

impl fmt::Display for Unsigned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown => f.write_str("no known key signed it"),
            Self::Broken(key) => write!(f, "the signature of key {} does not hold", key.short()),
        }
    }
}

impl std::error::Error for Unsigned {}

#[cfg(test)]
mod tests;
