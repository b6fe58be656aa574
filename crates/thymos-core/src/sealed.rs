//! The envelope of a sealed blob: how its bytes stand in a ledger. Encrypts nothing and holds no key.
//!
//! A blob is found by the digest of its plain bytes, sealed or not. Whoever has no key can still see
//! that an envelope is whole; whoever has it sees that it holds what the digest names.

use crate::id::Digest;

/// What every envelope starts with.
const HEAD: &[u8] = b"thymos sealed 1\n";

const DIGEST_BYTES: usize = 32;
const CHECKSUM_BYTES: usize = 32;

/// Bytes of the nonce.
pub const NONCE_BYTES: usize = 24;

/// Bytes that an envelope adds around its ciphertext.
pub const ENVELOPE_BYTES: usize = HEAD.len() + DIGEST_BYTES + NONCE_BYTES + CHECKSUM_BYTES;

/// A sealed blob, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    /// The digest of the plain bytes, under which it is found.
    pub digest: Digest,
    /// The cipher's nonce.
    pub nonce: [u8; NONCE_BYTES],
    /// The ciphertext with its tag.
    pub ciphertext: Vec<u8>,
}

impl Envelope {
    /// What the cipher authenticates beside the content: the form, and the digest it stands under.
    #[must_use]
    pub fn associated(digest: &Digest) -> Vec<u8> {
        [HEAD, digest.as_bytes().as_slice()].concat()
    }

    /// The bytes as they are stored.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Self::associated(&self.digest);
        out.reserve(NONCE_BYTES + self.ciphertext.len() + CHECKSUM_BYTES);
        out.extend_from_slice(&self.nonce);
        out.extend_from_slice(&self.ciphertext);
        let checksum = checksum(&out);
        out.extend_from_slice(&checksum);
        out
    }

    /// Reads stored bytes; none when they are not a whole envelope.
    #[must_use]
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let rest = bytes.strip_prefix(HEAD)?;
        let covered = bytes.len().checked_sub(CHECKSUM_BYTES)?;
        let (body, told) = bytes.split_at_checked(covered)?;
        if checksum(body) != told {
            return None;
        }
        let (digest, rest) = rest.split_first_chunk::<DIGEST_BYTES>()?;
        let (nonce, rest) = rest.split_first_chunk::<NONCE_BYTES>()?;
        let (ciphertext, _) = rest.split_last_chunk::<CHECKSUM_BYTES>()?;
        Some(Self {
            digest: Digest::from_bytes(*digest),
            nonce: *nonce,
            ciphertext: ciphertext.to_vec(),
        })
    }
}

/// Against rot, not against forgers: those meet the cipher's tag.
fn checksum(bytes: &[u8]) -> [u8; CHECKSUM_BYTES] {
    blake3::derive_key("thymos v1 sealed blob", bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r1_an_envelope_reads_back_and_a_changed_or_cut_one_does_not() {
        let envelope = Envelope {
            digest: Digest::of(b"plain"),
            nonce: [3; NONCE_BYTES],
            ciphertext: vec![9; 40],
        };
        let bytes = envelope.to_bytes();
        assert_eq!(bytes.len(), ENVELOPE_BYTES + 40);
        assert_eq!(Envelope::read(&bytes), Some(envelope));
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            assert_eq!(Envelope::read(&changed), None, "byte {at}");
            assert_eq!(Envelope::read(&bytes[..at]), None, "cut at {at}");
        }
    }
}
