//! Typed ids: 32 bytes of BLAKE3 in `derive_key` mode, one context string per type `[K2]`.
//!
//! An id names canonical bytes and nothing else; nothing here knows what those bytes mean.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::text::{self, Hex};

/// Text that is not 64 lowercase hex digits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidId {
    /// What was given, shortened.
    pub text: String,
}

impl fmt::Display for InvalidId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is not an id of 64 hex digits", self.text)
    }
}

impl std::error::Error for InvalidId {}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident = $context:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; 32]);

        impl $name {
            /// The id of these bytes.
            #[must_use]
            pub fn of(bytes: &[u8]) -> Self {
                Self(blake3::derive_key($context, bytes))
            }

            /// An id that was computed before and stored.
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

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(Hex::of(&self.0).as_str())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), self.short())
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                unhex(text).map(Self).ok_or_else(|| InvalidId { text: text.chars().take(80).collect() })
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(Hex::of(&self.0).as_str())
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                text::parsed(deserializer)
            }
        }
    )*};
}

ids! {
    /// Names one ledger entry: the hash of its header bytes, which bind everything else `[L1]`.
    EntryId = "thymos v1 entry";
    /// Names a log (one ledger), made from random bytes when the ledger is created.
    LogId = "thymos v1 log";
    /// Names one line of work within a log.
    TrajectoryId = "thymos v1 trajectory";
    /// Names a writ: the hash of its canonical unsigned body.
    WritId = "thymos v1 writ";
    /// Names an intent: the hash of its canonical bytes as recorded.
    IntentId = "thymos v1 intent";
    /// Names a proposal: the hash of its canonical bytes as recorded.
    ProposalId = "thymos v1 proposal";
    /// Names a policy set: the hash of every rule's bytes and the switches beside them `[P3]`.
    PolicySetId = "thymos v1 policy set";
    /// Names what exactly was presented to an approver.
    PresentedDigest = "thymos v1 presented";
    /// The key under which a tool call happens at most once `[X3]`.
    IdempotencyKey = "thymos v1 idempotency key";
    /// Names a skill: the hash of its canonical unsigned definition `[S1]`.
    SkillId = "thymos v1 skill";
    /// A digest of any other bytes: a file image, a blob, a schema, an executable.
    Digest = "thymos v1 blob";
}

/// Lowercase hex of any bytes.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    text::hex(bytes)
}

/// Reads exactly `N` bytes of lowercase hex.
#[must_use]
pub fn unhex<const N: usize>(text: &str) -> Option<[u8; N]> {
    text::unhex(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn k2_one_context_per_type_keeps_ids_apart() {
        assert_ne!(EntryId::of(b"x").to_string(), WritId::of(b"x").to_string());
    }

    #[test]
    fn k2_ids_round_trip_through_lowercase_hex_only() {
        let id = IntentId::of(b"{}");
        assert_eq!(id.to_string().parse::<IntentId>().unwrap(), id);
        assert!(id.to_string().to_uppercase().parse::<IntentId>().is_err());
        assert!("abc".parse::<IntentId>().is_err());
    }
}
