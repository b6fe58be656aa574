//! ed25519 keys and signatures with their algorithm tag. Stores no key and makes no randomness.

use std::fmt;
use std::str::FromStr;

use ed25519_dalek::{Signer, VerifyingKey};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::text::{self, Hex, hex, unhex};

const TAG: &str = "ed25519:";

/// A public key, written `ed25519:<64 hex digits>`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PublicKey([u8; 32]);

/// A signature, written `ed25519:<128 hex digits>`.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Signature([u8; 64]);

/// A private key. Prints dots; the seed leaves only through [`SigningKey::seed_for_storage`].
#[derive(Clone)]
pub struct SigningKey(ed25519_dalek::SigningKey);

impl SigningKey {
    /// The key of a 32-byte seed, which the caller drew at random.
    #[must_use]
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        Self(ed25519_dalek::SigningKey::from_bytes(seed))
    }

    /// The seed, to be written to a file of mode 0600 and nowhere else.
    #[must_use]
    pub fn seed_for_storage(&self) -> [u8; 32] {
        self.0.to_bytes()
    }

    /// Its public half.
    #[must_use]
    pub fn public(&self) -> PublicKey {
        PublicKey(self.0.verifying_key().to_bytes())
    }

    /// Signs the text of a note, whose first line stands for a domain `[L7]`.
    pub(crate) fn sign_note(&self, text: &str) -> Signature {
        Signature(self.0.sign(text.as_bytes()).to_bytes())
    }

    /// Signs `message` under a domain, so that a signature of one kind is none of another.
    #[must_use]
    pub fn sign(&self, domain: Domain, message: &[u8]) -> Signature {
        Signature(self.0.sign(&domain.frame(message)).to_bytes())
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey(•••• of {})", self.public())
    }
}

/// What a signature is about. It stands in front of the signed bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Domain {
    /// A writ body `[W1]`.
    Writ,
    /// An operator's answer `[A2]`.
    Answer,
    /// A batch of intents bound to the session's subject key `[W5]`.
    Batch,
    /// A revocation `[W7]`.
    Revocation,
    /// A policy bundle `[P3]`.
    Policy,
    /// A skill's definition `[S1]`.
    Skill,
    /// A resolution of in-doubt work `[X2]`.
    Reconciliation,
    /// An order to destroy a body `[L3]`.
    Erasure,
}

impl Domain {
    const fn text(self) -> &'static str {
        match self {
            Self::Writ => "thymos v1 sign writ\n",
            Self::Answer => "thymos v1 sign answer\n",
            Self::Batch => "thymos v1 sign batch\n",
            Self::Revocation => "thymos v1 sign revocation\n",
            Self::Policy => "thymos v1 sign policy\n",
            Self::Skill => "thymos v1 sign skill\n",
            Self::Reconciliation => "thymos v1 sign reconciliation\n",
            Self::Erasure => "thymos v1 sign erasure\n",
        }
    }

    fn frame(self, message: &[u8]) -> Vec<u8> {
        let mut framed = self.text().as_bytes().to_vec();
        framed.extend_from_slice(message);
        framed
    }
}

impl PublicKey {
    /// Strict verification: no small-order keys, no malleable signatures (RFC 8032, ZIP 215's opposite).
    #[must_use]
    pub fn verifies(&self, domain: Domain, message: &[u8], signature: &Signature) -> bool {
        self.verifies_raw(&domain.frame(message), signature)
    }

    /// As [`Self::verifies`] over bytes without a domain; for test vectors and foreign formats.
    #[must_use]
    pub fn verifies_raw(&self, message: &[u8], signature: &Signature) -> bool {
        let Ok(key) = VerifyingKey::from_bytes(&self.0) else {
            return false;
        };
        key.verify_strict(message, &ed25519_dalek::Signature::from_bytes(&signature.0))
            .is_ok()
    }

    /// Whether a signature could verify by it: a point of the curve, and none of small order, under which
    /// anybody could have signed.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        VerifyingKey::from_bytes(&self.0).is_ok_and(|key| !key.is_weak())
    }

    /// A key from its 32 bytes, valid or not; an invalid one verifies nothing.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The first eight hex digits, for people.
    #[must_use]
    pub fn short(&self) -> String {
        hex(self.0.get(..4).unwrap_or_default())
    }
}

impl Signature {
    /// A signature from its 64 bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 64]) -> Self {
        Self(bytes)
    }

    /// The 64 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 64] {
        &self.0
    }
}

/// Text that is not a tagged key or signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidKey;

impl fmt::Display for InvalidKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("expected `ed25519:` and hex digits")
    }
}

impl std::error::Error for InvalidKey {}

/// The seed of a session key: derived from secret material, so that it need not be stored.
#[must_use]
pub fn derive_seed(material: &[u8]) -> [u8; 32] {
    blake3::derive_key("thymos v1 session key", material)
}

macro_rules! tagged {
    ($name:ident) => {
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{TAG}{}", Hex::of(&self.0).as_str())
            }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({:.16})", stringify!($name), self.to_string())
            }
        }
        impl FromStr for $name {
            type Err = InvalidKey;
            fn from_str(text: &str) -> Result<Self, InvalidKey> {
                text.strip_prefix(TAG)
                    .and_then(unhex)
                    .map(Self)
                    .ok_or(InvalidKey)
            }
        }
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                text::parsed(deserializer)
            }
        }
    };
}

tagged!(PublicKey);
tagged!(Signature);

#[cfg(test)]
mod tests;
