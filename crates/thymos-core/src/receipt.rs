//! Receipts: one entry, the proof that it stands in the log, and the checkpoint it stands under, in the
//! text of C2SP `tlog-proof` `[L8]`. Checks offline, with a public key and nothing else.
//!
//! The record is the entry's id; what makes it up (header, and salt and body where they are disclosed)
//! travels in the line of extra data and is hashed again, never believed.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::checkpoint::{InvalidCheckpoint, SignedCheckpoint, Unsigned};
use crate::entry::{Content, Entry, InvalidEntry, Salt};
use crate::id::{hex, unhex};
use crate::key::PublicKey;
use crate::limits::ENTRY_BYTES_MAX;
use crate::merkle::{self, PROOF_HASHES_MAX, TreeHash};

/// The first line.
const HEAD: &str = "c2sp.org/tlog-proof@v1";

/// Bytes of a receipt: the largest body in base64, and room for the rest. A longer one is refused.
pub const RECEIPT_BYTES_MAX: usize = ENTRY_BYTES_MAX / 3 * 4 + 256 * 1024;

/// An entry with its proof.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// The entry; its body only where it is disclosed.
    pub entry: Entry,
    /// From its sibling up to below the root.
    pub proof: Vec<TreeHash>,
    /// What it stands under.
    pub checkpoint: SignedCheckpoint,
}

/// Why a text is no receipt, or proves nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InvalidReceipt {
    /// It is longer than [`RECEIPT_BYTES_MAX`].
    TooLong,
    /// It is of another kind, or of a later version.
    Head,
    /// The line of extra data does not hold an entry.
    Extra,
    /// The entry is none.
    Entry(InvalidEntry),
    /// The line of the index is none.
    Index,
    /// A line of the proof is no hash, or there are too many.
    Proof,
    /// The checkpoint is none.
    Checkpoint(InvalidCheckpoint),
    /// The entry is of another log than the checkpoint.
    OtherLog,
    /// The index is not that of the entry.
    OtherIndex,
    /// The proof does not lead from the entry to the root.
    NotIncluded,
    /// Nobody who is trusted signed the checkpoint.
    Unsigned(Unsigned),
}

impl Receipt {
    /// The text.
    #[must_use]
    pub fn text(&self) -> String {
        let mut extra = self.entry.header_bytes.clone();
        if let Some(content) = &self.entry.content {
            extra.push(b'\n');
            extra.extend_from_slice(hex(content.salt.as_bytes()).as_bytes());
            extra.push(b'\n');
            extra.extend_from_slice(&content.body);
        }
        let mut text = format!("{HEAD}\nextra {}\n", STANDARD.encode(extra));
        text.push_str(&format!("index {}\n", self.entry.header.index));
        for hash in &self.proof {
            text.push_str(&format!("{hash}\n"));
        }
        text.push('\n');
        text.push_str(self.checkpoint.note());
        text
    }

    /// Reads a receipt. Only [`Self::check`] says what it is worth.
    ///
    /// # Errors
    /// [`InvalidReceipt`]: which part is not as it must be.
    pub fn parse(text: &str) -> Result<Self, InvalidReceipt> {
        use InvalidReceipt as E;
        if text.len() > RECEIPT_BYTES_MAX {
            return Err(E::TooLong);
        }
        let (above, note) = text.split_once("\n\n").ok_or(E::Head)?;
        let mut lines = above.split('\n');
        if lines.next() != Some(HEAD) {
            return Err(E::Head);
        }
        let extra = lines.next().and_then(|line| line.strip_prefix("extra "));
        let entry = read_entry(extra.ok_or(E::Extra)?)?;
        let index = lines.next().and_then(|line| line.strip_prefix("index "));
        let index = index.ok_or(E::Index)?;
        if index != entry.header.index.to_string() {
            return Err(match index.parse::<u64>() {
                Ok(number) if number.to_string() == index => E::OtherIndex,
                Ok(_) | Err(_) => E::Index,
            });
        }
        let mut proof = Vec::new();
        for line in lines {
            if proof.len() == PROOF_HASHES_MAX {
                return Err(E::Proof);
            }
            proof.push(line.parse().map_err(|_| E::Proof)?);
        }
        Ok(Self {
            entry,
            proof,
            checkpoint: SignedCheckpoint::parse(note).map_err(E::Checkpoint)?,
        })
    }

    /// Whether the entry stands in the log that a known key signed; gives the key.
    ///
    /// # Errors
    /// [`InvalidReceipt`]: what does not hold.
    pub fn check<'a>(
        &self,
        known: impl IntoIterator<Item = &'a PublicKey>,
    ) -> Result<PublicKey, InvalidReceipt> {
        use InvalidReceipt as E;
        let (header, said) = (&self.entry.header, &self.checkpoint.checkpoint);
        if header.log != said.log {
            return Err(E::OtherLog);
        }
        let own = (header.index, merkle::leaf(self.entry.id.as_bytes()));
        if !merkle::includes(own, (said.size, said.root), &self.proof) {
            return Err(E::NotIncluded);
        }
        self.checkpoint.signer(known).map_err(E::Unsigned)
    }
}

/// Header alone, or header, salt in hex and body, a line each: canonical JSON has no line end.
fn read_entry(extra: &str) -> Result<Entry, InvalidReceipt> {
    use InvalidReceipt as E;
    let bytes = STANDARD.decode(extra).map_err(|_| E::Extra)?;
    let mut lines = bytes.splitn(3, |byte| *byte == b'\n');
    let header = lines.next().unwrap_or_default().to_vec();
    let content = match (lines.next(), lines.next()) {
        (None, None) => None,
        (Some(salt), Some(body)) => {
            let salt = std::str::from_utf8(salt).ok().and_then(unhex);
            Some(Content {
                salt: Salt::from_bytes(salt.ok_or(E::Extra)?),
                body: body.to_vec(),
            })
        }
        (None, Some(_)) | (Some(_), None) => return Err(E::Extra),
    };
    Entry::read(header, content).map_err(E::Entry)
}

impl fmt::Display for InvalidReceipt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong => write!(f, "it is longer than {RECEIPT_BYTES_MAX} bytes"),
            Self::Head => write!(f, "it does not begin with `{HEAD}`"),
            Self::Extra => f.write_str("its second line holds no entry"),
            Self::Entry(invalid) => write!(f, "its entry is none: {invalid}"),
            Self::Index => f.write_str("its third line is no index"),
            Self::Proof => f.write_str("its proof is none"),
            Self::Checkpoint(invalid) => write!(f, "its checkpoint is none: {invalid}"),
            Self::OtherLog => f.write_str("its entry is of another log than its checkpoint"),
            Self::OtherIndex => f.write_str("its entry stands at another index"),
            Self::NotIncluded => f.write_str("its proof does not lead to the signed root"),
            Self::Unsigned(unsigned) => write!(f, "its checkpoint does not count: {unsigned}"),
        }
    }
}

impl std::error::Error for InvalidReceipt {}

#[cfg(test)]
mod tests;
